import type { Spread } from '../curves/curves.ts';
import type { LabelledBatch } from '../objectives/objective.ts';
import type { CommonOptimizerConfig, OptimizerDefinition } from '../optimizers/optimizer.ts';
import type { Tf } from '../tensorflow/tf.ts';
import { EagerEngine } from './eager-engine.ts';
import type { EngineState } from './engine.ts';
import { UpdateRule } from './update-rule.ts';
import type { EngineRequest } from './update-rule.ts';

/** Bins of a histogram, as many as Keras writes. */
const BINS = 30;

/** How finite values are spread over bins of one width; undefined where there are none. */
export function spreadOf(values: Float32Array): Spread | undefined {
  const finite = values.filter((value) => Number.isFinite(value));
  if (finite.length === 0) return undefined;
  let [min, max, sum, squares] = [Infinity, -Infinity, 0, 0];
  for (const value of finite) {
    if (value < min) min = value;
    if (value > max) max = value;
    sum += value;
    squares += value * value;
  }
  const bins = max > min ? BINS : 1;
  const width = (max - min) / bins;
  const counts = new Array<number>(bins).fill(0);
  for (const value of finite) counts[width === 0 ? 0 : Math.min(bins - 1, Math.floor((value - min) / width))]!++;
  const limits = counts.map((_, bin) => (bin === bins - 1 ? max : min + (bin + 1) * width));
  return { limits, counts, min, max, sum, squares };
}

/** An update that changes no weight, and leaves the gradient in a slot. */
const KEEPS_GRADIENT: OptimizerDefinition<CommonOptimizerConfig> = {
  name: 'gradient',
  summary: 'Keeps the gradient.',
  configSchema: {},
  slots: () => ({ gradient: 0 }),
  scalars: () => ({}),
  // The engine disposes of the weights before an update.
  update: (tf, { weights, gradient }) => ({ weights: tf.clone(weights), slots: { gradient } }),
  reference: '',
};

/** What is looked at, at the end of an epoch. */
export type SpreadKind = 'weights' | 'gradients';

/** Looks at weights and at the gradients of one batch, beside the training: it changes nothing of it. */
export class Spreads {
  readonly #tf: Tf;
  readonly #request: EngineRequest;
  readonly #rule: UpdateRule;
  readonly #of: readonly SpreadKind[];
  readonly everyEpochs: number;

  constructor(tf: Tf, request: EngineRequest, { of, everyEpochs }: { readonly of: readonly SpreadKind[]; readonly everyEpochs: number }) {
    const { objective, seed, wakes } = request;
    this.#tf = tf;
    this.#of = of;
    this.everyEpochs = everyEpochs;
    this.#request = {
      objective,
      seed,
      optimizer: { name: KEEPS_GRADIENT.name, definition: KEEPS_GRADIENT, config: { learningRate: 1 } as never },
      ...(wakes === undefined ? {} : { wakes }),
    };
    this.#rule = new UpdateRule(this.#request);
  }

  /**
   * By "weights/…" and "gradients/…".
   *
   * @param state of the engine @param iteration of the batch, 0 for the first
   */
  look(state: EngineState, batch: LabelledBatch, iteration: number): Record<string, Spread> {
    const weights = new Map(
      [...state].flatMap(([name, values]) => (name.startsWith('weights/') ? [[name.slice('weights/'.length), values] as const] : [])),
    );
    const named = [
      ...(this.#of.includes('weights') ? [...weights].map(([name, values]) => [`weights/${name}`, values] as const) : []),
      ...(this.#of.includes('gradients')
        ? [...this.#gradients(weights, batch, iteration)].map(([name, values]) => [`gradients/${name}`, values] as const)
        : []),
    ];
    return Object.fromEntries(
      named.flatMap(([name, values]) => {
        const spread = spreadOf(values);
        return spread === undefined ? [] : [[name, spread]];
      }),
    );
  }

  #gradients(weights: EngineState, batch: LabelledBatch, iteration: number): Map<string, Float32Array> {
    const engine = new EagerEngine(this.#tf, this.#request);
    try {
      engine.setWeights(weights);
      engine.train([batch], iteration, [1]);
      return this.#rule.unflatten(engine.state().get('slots/gradient')!);
    } finally {
      engine.dispose();
    }
  }
}
