import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { TensorSpec } from '../../../src/core/tensor.ts';
import { metricOf } from '../../../src/evaluation/measure/compute.ts';
import { resolveMetrics } from '../../../src/evaluation/metrics/resolve-metrics.ts';
import type { LayerConfig } from '../../../src/training/model/model-config.ts';
import { NO_LOGITS, Network } from '../../../src/training/model/network.ts';
import { withScores } from '../../../src/training/objectives/shared/next-token.ts';
import { resolveModel } from '../../../src/training/model/resolve-model.ts';
import { loadTf } from '../../../src/training/tensorflow/tf.ts';
import type { Tensor } from '../../../src/training/tensorflow/tf.ts';

interface Case {
  readonly weights: readonly { readonly path: string; readonly shape: number[]; readonly values: number[] }[];
  readonly loss: number;
  readonly perplexity: number;
  readonly accuracy: number;
  readonly rowLosses: readonly number[];
  readonly gradients: readonly (readonly number[])[];
  readonly next: readonly number[];
}

interface Oracle {
  readonly steps: number;
  readonly tokens: number;
  readonly size: number;
  readonly heads: number;
  readonly ids: readonly number[];
  readonly cases: Readonly<Record<'gru' | 'transformer', Case>>;
}

const tf = loadTf();
const oracle = JSON.parse(readFileSync(join(import.meta.dirname, 'next_token.json'), 'utf8')) as Oracle;
const { steps, tokens, size, heads } = oracle;
const SPEC: TensorSpec = { name: 'text', shape: [steps], dtype: 'int32', vocabularySize: tokens };
const rows = oracle.ids.length / steps;
const ids = tf.tensor2d([...oracle.ids], [rows, steps], 'int32');
const output: LayerConfig = { type: 'dense', name: 'output', units: tokens, activation: 'softmax' };
const LAYERS: Readonly<Record<keyof Oracle['cases'], readonly LayerConfig[]>> = {
  gru: [
    { type: 'embedding', name: 'embedding', outputDim: size, maskZero: true },
    { type: 'gru', name: 'recurrent', units: 5, returnSequences: true },
    output,
  ],
  transformer: [
    { type: 'embedding', name: 'embedding', outputDim: size, maskZero: true },
    { type: 'layerNormalization', name: 'norm', epsilon: 1e-6 },
    { type: 'multiHeadAttention', name: 'attention', numHeads: heads, keyDim: size / heads, causal: true },
    { type: 'add', name: 'sum', inputs: ['embedding', 'attention'] },
    output,
  ],
};

function close(actual: ArrayLike<number>, expected: readonly number[], tolerance = 1e-5): void {
  expect(actual).toHaveLength(expected.length);
  expected.forEach((value, index) =>
    expect(Math.abs(actual[index]! - value), `value ${index}`).toBeLessThan(tolerance * Math.max(1, Math.abs(value))),
  );
}

test.each(['gru', 'transformer'] as const)(
  'a language model of a %s: loss, gradients, perplexity and the next token are those of Keras',
  (kind) => {
    const expected = oracle.cases[kind];
    const resolved = resolveModel({
      objective: 'nextToken',
      inputs: [SPEC],
      output: { kind: 'none', name: '' },
      model: { layers: LAYERS[kind] },
    });
    const objective = resolved.objective.create(resolved, {});
    // Both list the weights of a layer in one order; the recurrent bias of Keras has its own in a second row.
    expect(objective.weights.map(({ shape }) => shape)).toEqual(expected.weights.map(({ shape }) => shape));
    const given = expected.weights.map(({ shape, values }) => tf.tensor(values, shape));
    const named = (tensors: readonly Tensor[]): ReadonlyMap<string, Tensor> =>
      new Map(objective.weights.map(({ fullName }, index) => [fullName, tensors[index]!]));
    const batch = { inputs: { text: ids }, labels: {} };
    const lossOf = (tensors: readonly Tensor[]): Tensor =>
      objective.parts[0]!.loss(tf, named(tensors), batch, { seed: 1, iteration: 0 }).loss;
    close(lossOf(given).dataSync(), [expected.loss]);
    const gradients = tf.grads((...tensors: Tensor[]) => lossOf(tensors))(given);
    expected.gradients.forEach((values, index) => close(gradients[index]!.dataSync(), values, 2e-5));
    close(objective.evaluate(tf, named(given), batch).losses.dataSync(), expected.rowLosses);

    const forward = { training: false, seed: 0, iteration: 0, logits: NO_LOGITS } as const;
    close(new Network(resolved.topology).forward(tf, { text: ids }, named(given), forward).output.dataSync(), expected.next);
    const scores = new Network(withScores(resolved.topology)).forward(tf, { text: ids }, named(given), forward).output.dataSync();
    const places = Array.from({ length: rows * steps }, (_, at) => at).filter((at) => scores[3 * at + 2] === 1);
    const chunk = {
      kind: 'tokens',
      rows: places.length,
      losses: Float64Array.from(places, (at) => scores[3 * at]!),
      hits: places.map((at) => scores[3 * at + 1]!),
    } as const;
    const [perplexity, bits, accuracy] = resolveMetrics(['perplexity', 'bitsPerToken', 'nextTokenAccuracy']).map((metric) =>
      metricOf(metric, chunk as never),
    );
    close([perplexity!, bits!, accuracy!], [expected.perplexity, Math.log2(expected.perplexity), expected.accuracy]);
  },
);
