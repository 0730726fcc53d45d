import type { LabelledBatch } from '../objectives/objective.ts';
import type { TrainingEngine } from './engine.ts';

export interface SearchSettings {
  /** Updates of the search. */
  readonly steps: number;
  readonly from: number;
  readonly to: number;
}

export interface SearchResult {
  /** undefined where the loss fell at no rate. */
  readonly suggested?: number;
  /** Smoothed losses at rising rates, to where the loss went up for good. */
  readonly curve: readonly { readonly learningRate: number; readonly loss: number }[];
}

/** Share of the moving loss that a step keeps. */
const SMOOTHING = 0.9;
/** The search ends where the loss lies so many times above its lowest value as that lies below the first. */
const RISE = 3;
/** The rate is at most this share of the one at the lowest loss: there, updates begin to overshoot. */
const BELOW_LOWEST = 0.1;
/** Share of the way to the lowest loss in which rates are too low to matter: their middle loss is where the fall begins. */
const PLATEAU = 0.5;

/**
 * The range test: from the weights as they are, trains with a rate that rises from step to step, and takes the one at which the loss
 * has fallen half of the way. Weights and slots are put back. A function of the engine's state and the batches.
 *
 * @param batchAt the n-th batch; those of one call have one size
 * @param accumulation batches per update
 * @see L. N. Smith: Cyclical Learning Rates for Training Neural Networks (2017), section 3.3
 */
export async function searchLearningRate(
  engine: TrainingEngine,
  batchAt: (index: number) => Promise<LabelledBatch>,
  accumulation: number,
  { steps, from, to }: SearchSettings,
  breathe: () => Promise<void>,
): Promise<SearchResult> {
  const before = engine.state();
  const rateAt = (batch: number): number => from * (to / from) ** (Math.floor(batch / accumulation) / Math.max(1, steps - 1));
  const curve = new Curve();
  const total = steps * accumulation;
  for (let at = 0; at < total && !curve.rose;) {
    const batches = [await batchAt(at)];
    while (batches.length < engine.stepsPerCall && at + batches.length < total) {
      const next = await batchAt(at + batches.length);
      if (next.rows !== batches[0]!.rows || next.length !== batches[0]!.length) break;
      batches.push(next);
    }
    const rates = batches.map((_, index) => rateAt(at + index));
    engine.train(batches, at, rates).forEach(({ loss }, index) => curve.add(rates[index]!, loss));
    at += batches.length;
    await breathe();
  }
  engine.restore(before);
  return curve.result();
}

/** Losses by rate, smoothed. What comes after the loss has gone up is left out, so that it does not matter how batches are grouped. */
class Curve {
  rose = false;
  readonly #points: { readonly learningRate: number; readonly loss: number }[] = [];
  #mean = 0;
  #count = 0;
  #lowest = Infinity;

  add(learningRate: number, loss: number): void {
    if (this.rose) return;
    this.#count++;
    this.#mean = SMOOTHING * this.#mean + (1 - SMOOTHING) * loss;
    const smooth = this.#mean / (1 - SMOOTHING ** this.#count);
    if (Number.isFinite(smooth)) {
      this.#points.push({ learningRate, loss: smooth });
      this.#lowest = Math.min(this.#lowest, smooth);
    }
    const first = this.#points[0]?.loss ?? 0;
    this.rose = !(smooth - this.#lowest <= RISE * Math.max(first - this.#lowest, Math.abs(first)));
  }

  result(): SearchResult {
    const points = this.#points;
    const lowest = points.findIndex(({ loss }) => loss === this.#lowest);
    const early = points
      .slice(0, Math.max(1, Math.ceil(lowest * PLATEAU)))
      .map(({ loss }) => loss)
      .sort((x, y) => x - y);
    const plateau = early[early.length >> 1] ?? 0;
    const halfway = points.findLastIndex(({ loss }, index) => index < lowest && loss > (plateau + this.#lowest) / 2);
    const curve = points.map(({ learningRate, loss }) => ({
      learningRate: Number(learningRate.toPrecision(6)),
      loss: Number(loss.toPrecision(6)),
    }));
    if (halfway < 0 || plateau <= this.#lowest) return { curve };
    return {
      curve,
      suggested: Number(Math.min(points[halfway]!.learningRate, points[lowest]!.learningRate * BELOW_LOWEST).toPrecision(3)),
    };
  }
}
