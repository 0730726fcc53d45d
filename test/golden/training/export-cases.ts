import { Prng } from '../../../src/core/prng.ts';
import type { OutputSpec, TensorBatch, TensorSpec } from '../../../src/core/tensor.ts';
import type { ExportSource } from '../../../src/training/exports/export.ts';
import type { ModelConfig } from '../../../src/training/model/model-config.ts';
import { Network } from '../../../src/training/model/network.ts';
import { resolveModel } from '../../../src/training/model/resolve-model.ts';
import { product } from '../../../src/training/layers/shapes.ts';
import type { ModelMeta } from '../../../src/training/model/model-meta.ts';

export interface ExportCase {
  readonly name: string;
  readonly model: ModelConfig;
  readonly inputs: readonly TensorSpec[];
  readonly output: OutputSpec;
  readonly loss?: string;
}

const NUMBERS: TensorSpec = { name: 'body mass (g)', shape: [5], dtype: 'float32' };
const ISLAND: TensorSpec = { name: 'island', shape: [1], dtype: 'int32', vocabularySize: 4 };
const IMAGE: TensorSpec = { name: 'image', shape: [12, 12, 1], dtype: 'float32' };
const TEXT: TensorSpec = { name: 'text', shape: [8], dtype: 'int32', vocabularySize: 20 };
const WINDOW: TensorSpec = { name: 'window', shape: [6, 3], dtype: 'float32' };
const THREE: OutputSpec = { kind: 'classes', name: 'species', classes: ['a', 'b', 'c'] };
const TWO: OutputSpec = { kind: 'classes', name: 'spam', classes: ['ham', 'spam'] };
const NUMBER: OutputSpec = { kind: 'number', name: 'mass', width: 1, scale: { mean: 4200, std: 800 } };

/** One of every kind of network that the samples train. */
export const EXPORT_CASES: readonly ExportCase[] = [
  {
    name: 'mlp',
    model: { architecture: 'mlp', units: [8, 4], dropout: 0.2, batchNormalization: true },
    inputs: [NUMBERS, ISLAND],
    output: THREE,
  },
  { name: 'regression', model: { architecture: 'mlp', units: [8], activation: 'tanh' }, inputs: [NUMBERS], output: NUMBER },
  {
    name: 'cnn',
    model: { architecture: 'cnn', filters: [4, 6], units: [8], dropout: 0.3, augmentation: ['randomFlip'] },
    inputs: [IMAGE],
    output: THREE,
  },
  { name: 'residual', model: { architecture: 'cnn', variant: 'residual', filters: [4, 6], units: [] }, inputs: [IMAGE], output: THREE },
  { name: 'separable', model: { architecture: 'cnn', variant: 'separable', filters: [4, 6], units: [] }, inputs: [IMAGE], output: THREE },
  { name: 'lstm', model: { architecture: 'rnn', recurrentUnits: [4, 3], bidirectional: true }, inputs: [WINDOW], output: NUMBER },
  { name: 'gru', model: { architecture: 'rnn', cell: 'gru', recurrentUnits: [4], units: [4] }, inputs: [WINDOW], output: NUMBER },
  {
    name: 'text',
    model: { architecture: 'rnn', cell: 'gru', recurrentUnits: [4], bidirectional: true },
    inputs: [TEXT],
    output: TWO,
    loss: 'binaryCrossentropy',
  },
  { name: 'textCnn', model: { architecture: 'textCnn', filters: 4, kernelSizes: [2, 3] }, inputs: [TEXT], output: TWO },
  {
    name: 'attention',
    model: {
      layers: [
        { type: 'embedding', name: 'embedded', outputDim: 6 },
        { type: 'multiHeadAttention', name: 'heads', numHeads: 2, keyDim: 3, causal: true },
        { type: 'add', name: 'both', inputs: ['embedded', 'heads'] },
        { type: 'layerNormalization', name: 'norm' },
        { type: 'globalMaxPooling1d', name: 'pooled' },
        { type: 'dense', name: 'output', units: 2, activation: 'softmax' },
      ],
    },
    inputs: [TEXT],
    output: TWO,
  },
  // Places, token of the class, means over what is no padding: each is several layers there.
  {
    name: 'transformer',
    model: { architecture: 'transformer', layers: 2, heads: 2, modelSize: 8, feedForwardSize: 12 },
    inputs: [TEXT],
    output: TWO,
  },
  {
    name: 'classToken',
    model: { architecture: 'transformer', layers: 1, heads: 2, modelSize: 8, pooling: 'classToken', positions: 'sinusoidal' },
    inputs: [TEXT],
    output: THREE,
  },
  {
    name: 'branches',
    model: {
      layers: [
        { type: 'embedding', name: 'words', inputs: ['text'], outputDim: 6, maskZero: true },
        { type: 'bidirectional', name: 'both', cell: 'gru', units: 4, merge: 'sum' },
        { type: 'dense', name: 'wide', inputs: ['body mass (g)'], units: 4, activation: { leakyRelu: { negativeSlope: 0.1 } } },
        { type: 'multiply', name: 'gate', inputs: ['both', 'wide'] },
        { type: 'concatenate', name: 'joined', inputs: ['gate', 'both'] },
        { type: 'dense', name: 'output', units: 1, activation: 'tanh' },
      ],
    },
    inputs: [TEXT, NUMBERS],
    output: TWO,
    loss: 'hinge',
  },
];

export const ROWS = 7;

/** The network of a case with weights that are no one's. */
export function exportSource({ name, model, inputs, output, loss }: ExportCase): ExportSource {
  const network = new Network(resolveModel({ model, inputs, output, ...(loss === undefined ? {} : { loss }) }).topology);
  const weights = new Map(
    network.weights.map(({ fullName, name: weight, shape }) => {
      const prng = new Prng('export', fullName);
      return [
        fullName,
        Float32Array.from({ length: product(shape) }, () => (weight === 'movingVariance' ? 0.5 + prng.uniform() : 0.4 * prng.normal())),
      ];
    }),
  );
  const meta = {
    inputs,
    output,
    outputShape: network.outputShape,
    loss: loss ?? (output.kind === 'number' ? 'meanSquaredError' : 'categoricalCrossentropy'),
    optimizer: 'adam',
    training: { optimizer: { adam: { learningRate: 0.002 } } },
  };
  return { name, meta: meta as unknown as ModelMeta, network, weights };
}

/** Rows of a case; ids may be 0, which is padding. */
export function exportRows({ inputs }: ExportCase): TensorBatch {
  return Object.fromEntries(
    inputs.map((spec) => {
      const prng = new Prng('rows', spec.name);
      const length = ROWS * product(spec.shape);
      const data =
        spec.vocabularySize === undefined
          ? Float32Array.from({ length }, () => prng.normal())
          : Int32Array.from({ length }, () => prng.below(spec.vocabularySize!));
      return [spec.name, { spec, rows: ROWS, data }];
    }),
  );
}
