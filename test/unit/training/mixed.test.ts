import { expect, test } from 'vitest';
import { Prng } from '../../../src/core/prng.ts';
import type { Tensor, TensorSpec } from '../../../src/core/tensor.ts';
import { architectures } from '../../../src/training/architectures/index.generated.ts';
import { encoderRegistry } from '../../../src/training/architectures/shared/encoders.ts';
import { GraphEngine } from '../../../src/training/graph/graph-engine.ts';
import { resolveNamed } from '../../../src/training/model/named.ts';
import type { LabelledBatch } from '../../../src/training/objectives/objective.ts';
import { optimizerRegistry } from '../../../src/training/optimizers/index.generated.ts';
import { resolveModel } from '../../../src/training/model/resolve-model.ts';
import type { ModelRequest } from '../../../src/training/model/resolve-model.ts';
import { toKeras } from '../../../src/training/keras/to-keras.ts';
import { loadTf } from '../../../src/training/tensorflow/tf.ts';
import { EagerEngine } from '../../../src/training/trainer/eager-engine.ts';

const tf = loadTf();
const FEATURES: TensorSpec = { name: 'features', shape: [1], dtype: 'float32' };
const REGION: TensorSpec = { name: 'sales region', shape: [1], dtype: 'int32', vocabularySize: 14 };
const COMMENT: TensorSpec = { name: 'comment', shape: [6], dtype: 'int32', vocabularySize: 20 };
const PHOTO: TensorSpec = { name: 'photo', shape: [8, 8, 1], dtype: 'float32', range: [0, 1] };
const INPUTS = [FEATURES, REGION, COMMENT, PHOTO];
const OUTPUT = { kind: 'classes', name: 'outcome', classes: ['keep', 'return'] } as const;

/** A number, a category, a word and a line upright or lying: the label is the sign of the sum of what the four say. */
function batchOf(rows: number, seed: number, inputs: readonly TensorSpec[] = INPUTS): LabelledBatch {
  const prng = new Prng('mixed', seed);
  const number = new Float32Array(rows);
  const category = new Int32Array(rows);
  const words = new Int32Array(rows * 6);
  const pixels = new Float32Array(rows * 64);
  const labels = Int32Array.from({ length: rows }, (_, row) => {
    const [a, b, c, d] = Array.from({ length: 4 }, () => prng.below(2)) as [number, number, number, number];
    number[row] = (a === 1 ? 1 : -1) * (0.3 + prng.uniform());
    category[row] = 2 + 2 * prng.below(6) + b;
    for (let at = 0; at < 5; at++) words[row * 6 + at] = 6 + prng.below(14);
    words[row * 6 + prng.below(5)] = 2 + 2 * prng.below(2) + c;
    const line = prng.below(8);
    for (let at = 0; at < 64; at++) pixels[row * 64 + at] = 0.2 * prng.uniform() + ((d === 1 ? at >> 3 : at % 8) === line ? 0.8 : 0);
    return a - 0.5 + 1.1 * (b - 0.5) + 1.2 * (c - 0.5) + 1.4 * (d - 0.5) > 0 ? 1 : 0;
  });
  const data: Record<string, Tensor['data']> = { features: number, 'sales region': category, comment: words, photo: pixels };
  return {
    rows,
    inputs: Object.fromEntries(inputs.map((spec) => [spec.name, { spec, rows, data: data[spec.name]! }])),
    labels: { '@label': labels },
  };
}

const MODEL = {
  architecture: 'mixed',
  encoders: {
    photo: { cnn: { filters: [8], units: [8] } },
    comment: { textCnn: { filters: 8, kernelSizes: [1], embeddingSize: 4, units: [] } },
  },
  units: [16],
};
const requestOf = (resolved: ReturnType<typeof resolveModel>) => ({
  objective: resolved.objective.create(resolved, {}),
  optimizer: resolveNamed(optimizerRegistry, 'adam'),
  seed: 1,
});

function accuracyOf(model: ModelRequest['model'], inputs: readonly TensorSpec[]): number {
  const engine = new GraphEngine(tf, requestOf(resolveModel({ model, inputs, output: OUTPUT })), {
    train: [64],
    evaluate: 1_024,
    rowWeights: false,
  });
  for (let step = 0; step < 160; step += 8)
    engine.train(
      Array.from({ length: 8 }, (_, at) => batchOf(64, step + at, inputs)),
      step,
      Array<number>(8).fill(0.02),
    );
  const { metrics } = engine.evaluate(batchOf(1_024, 9_999, inputs));
  engine.dispose();
  return metrics.accuracy! / 1_024;
}

test('a model of four kinds of inputs learns from each of them', () => {
  expect(accuracyOf(MODEL, INPUTS)).toBeGreaterThan(0.95);
  for (const left of INPUTS) {
    const encoders = Object.fromEntries(Object.entries(MODEL.encoders).filter(([name]) => name !== left.name));
    expect(
      accuracyOf(
        { ...MODEL, encoders },
        INPUTS.filter((input) => input !== left),
      ),
      `without ${left.name}`,
    ).toBeLessThan(0.92);
  }
});

test('both engines train every encoder alike', () => {
  const model = {
    architecture: 'mixed',
    encoders: {
      photo: { cnn: { variant: 'residual', filters: [4], units: [4] } },
      comment: { transformer: { layers: 1, heads: 2, modelSize: 8 } },
      'sales region': { mlp: { embeddingSize: 3, units: [4] } },
    },
    units: [8],
  };
  const request = requestOf(resolveModel({ model, inputs: INPUTS, output: OUTPUT }));
  const [eager, compiled] = [
    new EagerEngine(tf, request),
    new GraphEngine(tf, request, { train: [8], evaluate: 8, rowWeights: false }),
  ].map((engine) => {
    const losses = Array.from({ length: 6 }, (_, step) => engine.train([batchOf(8, step)], step, [0.01])[0]!.numbers[0]!);
    engine.dispose();
    return losses;
  });
  for (const [step, loss] of eager!.entries()) expect(Math.abs(loss - compiled![step]!)).toBeLessThan(1e-4);
});

test('what is left out follows from the input, and explicit layers read each input by name', () => {
  const { topology } = resolveModel({ model: { architecture: 'mixed' }, inputs: INPUTS, output: OUTPUT });
  const types = (branch: string) => topology.layers.filter(({ name }) => name.startsWith(branch)).map(({ type }) => type);
  expect(types('sales_region_')).toEqual(['embedding', 'flatten']);
  expect(types('comment_')).toContain('conv1d');
  expect(types('photo_')).toContain('conv2d');
  expect(topology.layers.find(({ name }) => name === 'joined')!.inputs[0]).toBe('features');
  const layers = [
    { type: 'conv2d', name: 'lines', filters: 4, kernelSize: 3, activation: 'relu', inputs: ['photo'] },
    { type: 'globalMaxPooling2d', name: 'seen' },
    { type: 'embedding', name: 'words', outputDim: 4, inputs: ['comment'] },
    { type: 'gru', name: 'said', units: 4 },
    { type: 'embedding', name: 'regions', outputDim: 2, inputs: ['sales region'] },
    { type: 'flatten', name: 'where' },
    { type: 'concatenate', inputs: ['seen', 'said', 'where', 'features'] },
    { type: 'dense', units: 2, activation: 'softmax' },
  ];
  const request = requestOf(resolveModel({ model: { layers }, inputs: INPUTS, output: OUTPUT }));
  const engine = new GraphEngine(tf, request, { train: [8], evaluate: 8, rowWeights: false });
  expect(engine.train([batchOf(8, 1)], 0, [0.01])[0]!.numbers[0]).toBeGreaterThan(0);
  engine.dispose();
});

test.each([
  [{ amount: 'mlp' }, /"encoders" names "amount", which is no input; the inputs are "features", "sales region", "comment", "photo"/],
  [{ comment: 'cnn' }, /The encoder cnn does not suit the input "comment" \[6\] of token ids/],
  [{ 'sales region': 'rnn' }, /does not suit the input "sales region" \[1\] of a category/],
  [{ comment: { transformer: { heads: 3, modelSize: 8 } } }, /3 heads do not divide the model size of 8/],
])('encoders %j are refused', (encoders, message) => {
  expect(() => resolveModel({ model: { architecture: 'mixed', encoders }, inputs: INPUTS, output: OUTPUT })).toThrow(message);
});

test('every architecture that encodes is an encoder', () => {
  expect(
    architectures
      .filter(({ encode }) => encode !== undefined)
      .map(({ name }) => name)
      .sort(),
  ).toEqual([...encoderRegistry.names()].sort());
});

test('the weights of branches lie in the order in which Keras takes them', () => {
  const { topology } = resolveModel({
    model: { ...MODEL, encoders: { ...MODEL.encoders, features: { mlp: { units: [4] } } } },
    inputs: INPUTS,
    output: OUTPUT,
  });
  // As `[layer.name for layer in keras.models.model_from_json(…).layers if layer.weights]` of Keras 3.15 gives it.
  expect(
    toKeras(topology, 'mixed')
      .layers.filter(({ weights }) => weights.length > 0)
      .map(({ name }) => name),
  ).toEqual([
    'photo_conv_1_1',
    'comment_embedding',
    'comment_conv_1',
    'sales_region_embed',
    'photo_dense_1',
    'features_dense_1',
    'dense_1',
    'output',
  ]);
});
