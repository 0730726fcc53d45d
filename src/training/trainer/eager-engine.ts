import type { Tensor, Tf } from '../tensorflow/tf.ts';
import { required } from './engine.ts';
import type { EngineState, EvaluationSums, StepOutcome, TrainingEngine } from './engine.ts';
import type { LabelledBatch } from '../objectives/objective.ts';
import type { LabelledTensors } from '../objectives/labelled.ts';
import { UpdateRule } from './update-rule.ts';
import type { EngineRequest } from './update-rule.ts';

/** Runs every operation as it comes, through tfjs. */
export class EagerEngine implements TrainingEngine {
  readonly name = 'eager';
  readonly stepsPerCall = 1;
  readonly #tf: Tf;
  readonly #rule: UpdateRule;
  #flat: Tensor;
  #slots: Readonly<Record<string, Tensor>>;
  #statistics: ReadonlyMap<string, Tensor>;

  constructor(tf: Tf, request: EngineRequest) {
    this.#tf = tf;
    this.#rule = new UpdateRule(request);
    const weights = this.#rule.initialWeights();
    this.#flat = tf.tensor1d(this.#rule.flatten(weights));
    this.#slots = this.#initialSlots(weights);
    this.#statistics = this.#statisticsFrom(weights);
  }

  get numbers(): readonly string[] {
    return this.#rule.numbers;
  }

  train(
    batches: readonly LabelledBatch[],
    firstStep: number,
    learningRates: readonly number[],
    momenta?: readonly number[],
  ): readonly StepOutcome[] {
    return batches.map((batch, index) => this.#step(batch, firstStep + index, learningRates[index]!, momenta?.[index]));
  }

  #step(batch: LabelledBatch, step: number, learningRate: number, momentum?: number): StepOutcome {
    const tf = this.#tf;
    let statistics: ReadonlyMap<string, Tensor> = new Map();
    let kept: { readonly flat: Tensor; readonly slots: Readonly<Record<string, Tensor>> } | undefined;
    let numbers: number[] = [];
    tf.tidy(() => {
      const scalars = Object.fromEntries(
        Object.entries(this.#rule.scalars(step, learningRate, momentum)).map(([name, value]) => [name, tf.scalar(value)]),
      );
      const next = this.#rule.update(
        tf,
        { flat: this.#flat, slots: this.#slots, statistics: this.#statistics },
        { ...this.#tensors(batch), scalars, iteration: step },
      );
      statistics = next.statistics;
      numbers = this.#rule.numbers.map((name) => next.numbers[name]!.dataSync()[0]!);
      for (const tensor of Object.values(next.numbers)) tensor.dispose();
      if (Number.isFinite(numbers[0]))
        kept = {
          flat: tf.keep(next.flat),
          slots: Object.fromEntries(Object.entries(next.slots).map(([name, slot]) => [name, tf.keep(slot)])),
        };
    });
    for (const old of this.#statistics.values()) old.dispose();
    this.#statistics = statistics;
    const outcome = { loss: numbers[0]!, numbers };
    if (kept === undefined) return outcome;
    this.#disposeTrainable();
    this.#flat = kept.flat;
    this.#slots = kept.slots;
    return outcome;
  }

  #tensors(batch: LabelledBatch): LabelledTensors {
    const tf = this.#tf;
    const { objective } = this.#rule;
    return {
      inputs: objective.inputTensors(tf, batch.inputs),
      labels: Object.fromEntries(
        objective.labels.map(({ name, shape, dtype }) => [name, tf.tensor(batch.labels[name]!, [batch.rows, ...shape], dtype)]),
      ),
      ...(batch.rowWeights === undefined ? {} : { rowWeights: tf.tensor1d(batch.rowWeights) }),
    };
  }

  evaluate(batch: LabelledBatch): EvaluationSums {
    return this.#tf.tidy(() => {
      const { losses, penalty, output } = this.#rule.evaluate(
        this.#tf,
        { flat: this.#flat, slots: this.#slots, statistics: this.#statistics },
        this.#tensors(batch),
      );
      const loss =
        (losses.dataSync() as Float32Array).reduce((sum, each) => sum + each, 0) +
        penalty.dataSync()[0]! * (this.#rule.objective.count?.(batch) ?? batch.rows);
      return { loss, metrics: this.#rule.objective.metricSums(output.dataSync() as Float32Array, batch) };
    });
  }

  state(): EngineState {
    const state = new Map<string, Float32Array>();
    for (const [name, values] of this.#weightsFrom(this.#flat)) state.set(`weights/${name}`, values);
    for (const [name, slot] of Object.entries(this.#slots)) state.set(`slots/${name}`, copyOf(slot));
    return state;
  }

  weights(): EngineState {
    const { servedSlot } = this.#rule;
    return this.#weightsFrom(servedSlot === undefined ? this.#flat : this.#slots[servedSlot]!);
  }

  #weightsFrom(flat: Tensor): EngineState {
    const trainable = this.#rule.unflatten(flat.dataSync() as Float32Array);
    return new Map(
      this.#rule.objective.weights.map(({ fullName }) => [fullName, trainable.get(fullName) ?? copyOf(this.#statistics.get(fullName)!)]),
    );
  }

  restore(state: EngineState): void {
    this.#setWeights(new Map(this.#rule.objective.weights.map(({ fullName }) => [fullName, required(state, `weights/${fullName}`)])));
    const slots = Object.fromEntries(
      Object.keys(this.#slots).map((name) => [name, this.#tf.tensor1d(required(state, `slots/${name}`).slice())]),
    );
    for (const slot of Object.values(this.#slots)) slot.dispose();
    this.#slots = slots;
  }

  reset(): void {
    const weights = this.#rule.initialWeights();
    this.#setWeights(weights);
    for (const slot of Object.values(this.#slots)) slot.dispose();
    this.#slots = this.#initialSlots(weights);
  }

  #initialSlots(weights: EngineState): Readonly<Record<string, Tensor>> {
    return Object.fromEntries(
      Object.keys(this.#rule.slots).map((name) => [name, this.#tf.tensor1d(this.#rule.initialSlot(name, weights))]),
    );
  }

  setWeights(weights: EngineState): void {
    this.#setWeights(weights);
    const { servedSlot } = this.#rule;
    if (servedSlot === undefined) return;
    this.#slots[servedSlot]!.dispose();
    this.#slots = { ...this.#slots, [servedSlot]: this.#tf.tensor1d(this.#rule.flatten(weights)) };
  }

  #setWeights(weights: EngineState): void {
    for (const { fullName } of this.#rule.objective.weights) required(weights, fullName);
    this.#flat.dispose();
    this.#flat = this.#tf.tensor1d(this.#rule.flatten(weights));
    for (const old of this.#statistics.values()) old.dispose();
    this.#statistics = this.#statisticsFrom(weights);
  }

  #statisticsFrom(weights: EngineState): Map<string, Tensor> {
    return new Map(
      this.#rule.statistics.map(({ fullName, shape }) => [
        fullName,
        this.#tf.tensor(weights.get(fullName)!.slice(), [...shape], 'float32'),
      ]),
    );
  }

  #disposeTrainable(): void {
    this.#flat.dispose();
    for (const slot of Object.values(this.#slots)) slot.dispose();
  }

  dispose(): void {
    this.#disposeTrainable();
    for (const old of this.#statistics.values()) old.dispose();
  }
}

function copyOf(tensor: Tensor): Float32Array {
  return (tensor.dataSync() as Float32Array).slice();
}
