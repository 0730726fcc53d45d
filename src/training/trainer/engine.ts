import { PerennialError } from '../../core/errors.ts';
import type { LabelledBatch } from '../objectives/objective.ts';

export interface StepOutcome {
  /**
   * The first of `numbers`: mean over the rows, penalties included. Not finite where training diverged; the weights are then not to be
   * used.
   */
  readonly loss: number;
  /** What the objective reports, in the order of {@link TrainingEngine.numbers}. */
  readonly numbers: ArrayLike<number>;
}

/** Sums over rows, to be divided by the number of rows of the whole set. */
export interface EvaluationSums {
  readonly loss: number;
  readonly metrics: Readonly<Record<string, number>>;
}

/** Everything that decides the further course, as float32 arrays by name: "weights/…" and "slots/…". */
export type EngineState = ReadonlyMap<string, Float32Array>;

/**
 * What the training loop needs of whatever computes. An engine owns weights and optimizer slots, and is a function of its state
 * and its arguments: nothing random, no clock.
 */
export interface TrainingEngine {
  readonly name: string;
  /** What steps report, "loss" first. */
  readonly numbers: readonly string[];
  /** Batches of one size that one call should be given, so that its cost is spread: 1 for an eager engine. */
  readonly stepsPerCall: number;
  /**
   * Updates the weights once per batch, in order.
   *
   * @param firstStep 0 for the first update of the training
   * @param learningRates one per batch
   * @param momenta one per batch, where the request says that the momentum cycles
   */
  train(
    batches: readonly LabelledBatch[],
    firstStep: number,
    learningRates: readonly number[],
    momenta?: readonly number[],
  ): readonly StepOutcome[];
  evaluate(batch: LabelledBatch): EvaluationSums;
  /** A copy. */
  state(): EngineState;
  /** The weights of the model alone, by "layer/weight": where they are averaged, the averages. A copy. */
  weights(): EngineState;
  restore(state: EngineState): void;
  /** Back to the state before the first update. */
  reset(): void;
  setWeights(weights: EngineState): void;
  dispose(): void;
}

/** @throws CHECKPOINT_CORRUPT where a state lacks a tensor */
export function required(state: EngineState, name: string): Float32Array {
  const values = state.get(name);
  if (values === undefined) throw new PerennialError('CHECKPOINT_CORRUPT', `The checkpoint lacks "${name}".`);
  return values;
}
