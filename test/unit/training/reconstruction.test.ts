import { describe, expect, test } from 'vitest';
import { Prng } from '../../../src/core/prng.ts';
import type { OutputSpec, Tensor, TensorBatch, TensorSpec } from '../../../src/core/tensor.ts';
import { GraphEngine } from '../../../src/training/graph/graph-engine.ts';
import { createPredictor } from '../../../src/training/bundle/load-model.ts';
import type { ModelConfig } from '../../../src/training/model/model-config.ts';
import { resolveNamed } from '../../../src/training/model/named.ts';
import type { Named } from '../../../src/training/model/named.ts';
import { Network } from '../../../src/training/model/network.ts';
import { quantileOf, requireReachable } from '../../../src/training/objectives/shared/reconstruction.ts';
import { optimizerRegistry } from '../../../src/training/optimizers/index.generated.ts';
import { describeModel, resolveModel } from '../../../src/training/model/resolve-model.ts';
import { product } from '../../../src/training/layers/shapes.ts';
import { loadTf } from '../../../src/training/tensorflow/tf.ts';
import { EagerEngine } from '../../../src/training/trainer/eager-engine.ts';
import type { EngineRequest } from '../../../src/training/trainer/update-rule.ts';
import type { ModelMeta } from '../../../src/training/model/model-meta.ts';

const tf = loadTf();
const NONE: OutputSpec = { kind: 'none', name: '' };
const TABLE: TensorSpec = { name: 'features', shape: [6], dtype: 'float32' };
const MORE: TensorSpec = { name: 'more', shape: [2, 2], dtype: 'float32' };
const IMAGE: TensorSpec = { name: 'image', shape: [6, 4, 1], dtype: 'float32', range: [0, 1] };
const ODD: TensorSpec = { name: 'image', shape: [7, 5, 3], dtype: 'float32' };
const WINDOW: TensorSpec = { name: 'features', shape: [8, 3], dtype: 'float32' };
const IDS: TensorSpec = { name: 'text', shape: [5], dtype: 'int32', vocabularySize: 20 };

const shapes = (model: ModelConfig, inputs: readonly TensorSpec[], loss?: Named): readonly string[] =>
  describeModel({ model, inputs, output: NONE, ...(loss === undefined ? {} : { loss }) }).layers.map(
    ({ name, outputShape }) => `${name} ${outputShape.join('×')}`,
  );

describe('the architecture', () => {
  test('mirrors dense layers, and ends with the score', () => {
    expect(shapes({ architecture: 'autoencoder', units: [5, 4], latentSize: 2 }, [TABLE])).toEqual([
      'encoder_1 5',
      'encoder_2 4',
      'latent 2',
      'decoder_1 4',
      'decoder_2 5',
      'reconstruction 6',
      'anomaly_score 1',
    ]);
  });

  test('joins several inputs to one row of values', () => {
    expect(shapes({ architecture: 'autoencoder', units: [4], latentSize: 2 }, [TABLE, MORE])).toEqual([
      'flat_more 4',
      'values_of_all 10',
      'encoder_1 4',
      'latent 2',
      'decoder_1 4',
      'reconstruction 10',
      'anomaly_score 1',
    ]);
  });

  test.each([
    ['an image', IMAGE],
    ['an image of odd size', ODD],
    ['a window', WINDOW],
  ])('convolutions over %s come back to its shape', (_title, input) => {
    const found = shapes({ architecture: 'autoencoder', kind: 'convolutional', filters: [3, 4], latentSize: 2 }, [input]);
    expect(found.at(-2)).toBe(`reconstruction ${input.shape.join('×')}`);
  });

  test('what it rebuilds decides the last activation, unless it is given', () => {
    const last = (input: TensorSpec, loss: Named, more: object = {}): unknown => {
      const { topology } = resolveModel({
        model: { architecture: 'autoencoder', kind: 'dense', ...more },
        inputs: [input],
        output: NONE,
        loss,
      });
      return topology.layers.find(({ name }) => name === 'values' || name === 'reconstruction')!.config.activation;
    };
    expect(last(IMAGE, 'meanSquaredError')).toBe('sigmoid');
    expect(last({ ...IMAGE, range: [-1, 1] }, 'meanSquaredError')).toBe('tanh');
    expect(last(TABLE, 'meanSquaredError')).toBe('linear');
    expect(last(TABLE, 'binaryCrossentropy')).toBe('sigmoid');
    expect(last(IMAGE, 'meanSquaredError', { outputActivation: 'linear' })).toBe('linear');
  });
});

const request = (model: ModelConfig, inputs: readonly TensorSpec[], loss: Named | undefined, optimizer: Named): EngineRequest => {
  const resolved = resolveModel({
    model,
    inputs,
    output: NONE,
    ...(loss === undefined ? {} : { loss }),
    ...('layers' in model ? { objective: 'reconstruction' } : {}),
  });
  return { objective: resolved.objective.create(resolved, {}), optimizer: resolveNamed(optimizerRegistry, optimizer), seed: 3 };
};

function rowsOf(inputs: readonly TensorSpec[], rows: number, prng: Prng): TensorBatch {
  return Object.fromEntries(
    inputs.map((spec): [string, Tensor] => [
      spec.name,
      { spec, rows, data: Float32Array.from({ length: rows * product(spec.shape) }, () => prng.uniform()) },
    ]),
  );
}

const VARIANTS: readonly [string, ModelConfig, readonly TensorSpec[], Named?][] = [
  [
    'dense, denoising',
    { architecture: 'autoencoder', units: [5], latentSize: 2, noise: { gaussianNoise: 0.2 }, dropout: 0.1 },
    [TABLE, MORE],
  ],
  [
    'convolutional, variational, with crossentropy',
    { architecture: 'autoencoder', filters: [3, 4], latentSize: 2, variational: true, noise: { dropout: 0.2 } },
    [IMAGE],
    'binaryCrossentropy',
  ],
  [
    'convolutional, over a window',
    { architecture: 'autoencoder', kind: 'convolutional', filters: [3], latentSize: 2, batchNormalization: true },
    [WINDOW],
    'huber',
  ],
  [
    'explicit layers',
    {
      layers: [
        { type: 'dense', units: 3, activation: 'tanh', kernelRegularizer: { l2: 0.01 } },
        { type: 'dense', units: 6 },
      ],
    },
    [TABLE],
    'meanAbsoluteError',
  ],
];

describe.each(VARIANTS)('%s', (_title, model, inputs, loss) => {
  test('both engines agree, and the error falls', () => {
    const prng = new Prng('rows');
    const given = request(model, inputs, loss, { adam: { learningRate: 0.02 } });
    const [eager, graph] = [new EagerEngine(tf, given), new GraphEngine(tf, given, { train: [8], evaluate: 12, rowWeights: false })];
    const batch = given.objective.batch(rowsOf(inputs, 8, prng));
    const batches = Array.from({ length: 12 }, () => batch);
    const rates = batches.map(() => 0.02);
    const before = eager.evaluate(batch);
    const expected = batches.flatMap((each, step) => eager.train([each], step, [0.02]));
    const actual = graph.train(batches, 0, rates);
    expected.forEach((outcome, step) => expect(Math.abs(outcome.loss - actual[step]!.loss), `step ${step}`).toBeLessThan(1e-4));
    const [a, b] = [eager.evaluate(batch), graph.evaluate(batch)];
    expect(Math.abs(a.loss - b.loss)).toBeLessThan(1e-3);
    expect(Math.abs(a.metrics.reconstructionError! - b.metrics.reconstructionError!)).toBeLessThan(1e-3);
    expect(a.metrics.reconstructionError).toBeLessThan(before.metrics.reconstructionError!);
    eager.dispose();
    graph.dispose();
  });

  test('the model answers the mean error of every row, whatever its batch', async () => {
    const resolved = resolveModel({
      model,
      inputs,
      output: NONE,
      ...(loss === undefined ? {} : { loss }),
      ...('layers' in model ? { objective: 'reconstruction' } : {}),
    });
    const network = new Network(resolved.topology);
    const predictor = createPredictor(
      { inputs, outputShape: [1], loss: 'meanSquaredError' } as unknown as ModelMeta,
      network,
      network.initialWeights(1),
    );
    const rows = rowsOf(inputs, 5, new Prng('asked'));
    const scores = await predictor.predict(rows);
    expect(scores).toHaveLength(5);
    const weights = new Map(
      network.weights.map((spec) => [spec.fullName, tf.tensor(network.initialWeights(1).get(spec.fullName)!, [...spec.shape])]),
    );
    const tensors = network.inputTensors(tf, rows);
    const { values } = network.forward(tf, tensors, weights, { training: false, seed: 0, iteration: 0, logits: new Set() });
    const rebuilt = [...values.get(resolved.topology.layers.at(-1)!.inputs.at(-1)!)!.dataSync()];
    const width = rebuilt.length / 5;
    const original = Array.from({ length: 5 }, (_, row) =>
      inputs.flatMap(({ name, shape }) => [...rows[name]!.data.subarray(row * product(shape), (row + 1) * product(shape))]),
    );
    original.forEach((row, index) => {
      const error = row.reduce((sum, value, at) => sum + (value - rebuilt[index * width + at]!) ** 2, 0) / width;
      expect(scores[index]).toBeCloseTo(error, 5);
    });
    predictor.dispose();
  });
});

describe('what cannot be learned', () => {
  const attempt =
    (model: ModelConfig, inputs: readonly TensorSpec[], more: object = {}) =>
    () =>
      resolveModel({ model, inputs, output: NONE, ...more });

  test.each([
    ['ids of tokens', attempt({ architecture: 'autoencoder' }, [IDS]), 'MODEL_INVALID', /"text" \[5\] holds ids/],
    [
      'a reconstruction of another shape',
      attempt({ layers: [{ type: 'dense', units: 4 }] }, [TABLE], { objective: 'reconstruction' }),
      'SHAPE_MISMATCH',
      /gives \[4\], but what it has to rebuild is the input "features" \[6\]/,
    ],
    [
      'a loss for classes',
      attempt({ architecture: 'autoencoder' }, [TABLE], { loss: 'categoricalCrossentropy' }),
      'MODEL_INVALID',
      /does not fit a model that rebuilds/,
    ],
    [
      'a loss that does not read the activation',
      attempt({ architecture: 'autoencoder', outputActivation: 'linear' }, [TABLE], { loss: 'binaryCrossentropy' }),
      'MODEL_INVALID',
      /reads the output of sigmoid/,
    ],
    [
      'labels for an autoencoder',
      attempt({ architecture: 'autoencoder' }, [TABLE], { objective: 'supervised' }),
      'MODEL_INVALID',
      /made for the objective "reconstruction"/,
    ],
    [
      'an architecture made for labels',
      attempt({ architecture: 'mlp' }, [TABLE], { objective: 'reconstruction' }),
      'MODEL_INVALID',
      /made for the objective "supervised"/,
    ],
    [
      'convolutions over a table',
      attempt({ architecture: 'autoencoder', kind: 'convolutional' }, [TABLE]),
      'MODEL_INVALID',
      /needs one input, an image/,
    ],
    ['beta without variational', attempt({ architecture: 'autoencoder', beta: 2 }, [TABLE]), 'MODEL_INVALID', /only a variational/],
  ])('%s', (_title, wrong, code, message) => {
    expect(wrong).toThrow(expect.objectContaining({ code, message: expect.stringMatching(message) as string }) as Error);
  });

  test('values that the last activation cannot give', () => {
    const rows = { features: { spec: TABLE, rows: 1, data: Float32Array.of(-1.5, 0, 1, 0, 0, 2.25) } };
    expect(() => requireReachable('sigmoid', [TABLE], rows)).toThrow(
      /"features" has values from -1.5 to 2.25, but the model ends with sigmoid/,
    );
    expect(() => requireReachable('linear', [TABLE], rows)).not.toThrow();
  });
});

test('a quantile lies between two scores in proportion', () => {
  const scores = Float32Array.of(4, 1, 3, 2);
  expect([0, 0.25, 0.5, 0.99, 1].map((share) => quantileOf(scores, share))).toEqual([1, 1.75, 2.5, 3.9699999999999998, 4]);
});
