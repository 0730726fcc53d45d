import { describe, expect, test } from 'vitest';
import type { OutputSpec, TensorSpec } from '../../../src/core/tensor.ts';
import { architectures } from '../../../src/training/architectures/index.generated.ts';
import { checkTrainConfig } from '../../../src/training/step/check-config.ts';
import { describeModel } from '../../../src/training/model/resolve-model.ts';
import { resolveLoss } from '../../../src/training/losses/resolve-loss.ts';
import { resolveTopology } from '../../../src/training/model/topology.ts';
import { completeTrainConfig } from '../../../src/training/step/train-config.ts';
import { asJson } from './fixtures.ts';

const numbers: TensorSpec = { name: 'features', shape: [7], dtype: 'float32' };
const image: TensorSpec = { name: 'image', shape: [28, 28, 1], dtype: 'uint8' };
const tokens: TensorSpec = { name: 'text', shape: [40], dtype: 'int32', vocabularySize: 500 };
const windows: TensorSpec = { name: 'window', shape: [14, 4], dtype: 'float32' };
const category: TensorSpec = { name: 'island', shape: [1], dtype: 'int32', vocabularySize: 5 };
const species: OutputSpec = { kind: 'classes', name: 'species', classes: ['a', 'b', 'c'] };
const spam: OutputSpec = { kind: 'classes', name: 'spam', classes: ['no', 'yes'] };
const price: OutputSpec = { kind: 'number', name: 'price', width: 1 };

describe('presets expand to layers that fit', () => {
  test.each([
    ['mlp', { architecture: 'mlp', units: [32, 16], dropout: 0.1 }, [numbers], species, [3]],
    ['mlp of mixed inputs', { architecture: 'mlp', batchNormalization: true }, [numbers, category, tokens, image], price, [1]],
    ['cnn', { architecture: 'cnn', convolutionsPerBlock: 2, batchNormalization: true, separable: true }, [image], species, [3]],
    ['cnn with a table beside', { architecture: 'cnn', globalPooling: true, convolutionDropout: 0.2 }, [image, numbers], spam, [2]],
    ['rnn over windows', { architecture: 'rnn', recurrentUnits: [8, 4], units: [4] }, [windows], price, [1]],
    [
      'rnn over text',
      { architecture: 'rnn', cell: 'gru', bidirectional: true, pooling: 'max', embeddingDropout: 0.1 },
      [tokens, category],
      spam,
      [2],
    ],
    ['textCnn', { architecture: 'textCnn' }, [tokens], spam, [2]],
    ['mixed', { architecture: 'mixed', encoders: { features: { mlp: { units: [8] } } } }, [numbers, category, tokens, image], price, [1]],
    ['residual cnn', { architecture: 'cnn', variant: 'residual', filters: [8, 8, 16] }, [image, numbers], species, [3]],
    ['separable cnn without shortcuts', { architecture: 'cnn', variant: 'separable', shortcuts: false }, [image], species, [3]],
    [
      'transformer over text and a table',
      { architecture: 'transformer', pooling: 'classToken', units: [8] },
      [tokens, category, numbers],
      spam,
      [2],
    ],
    [
      'causal transformer over windows',
      { architecture: 'transformer', causal: true, pooling: 'last', positions: 'sinusoidal', norm: 'last' },
      [windows],
      price,
      [1],
    ],
  ] as const)('%s', (_title, model, inputs, output, shape) => {
    expect(describeModel({ model, inputs, output }).outputShape).toEqual(shape);
  });

  test('every architecture that learns from labels is tried above', () => {
    expect(architectures.filter(({ objective }) => objective === undefined).map(({ name }) => name)).toEqual([
      'cnn',
      'mixed',
      'mlp',
      'rnn',
      'textCnn',
      'transformer',
    ]);
  });

  test('columns named like layers do no harm', () => {
    const inputs = ['output', 'dense_1', 'features'].map((name): TensorSpec => ({ ...numbers, name }));
    expect(describeModel({ model: { architecture: 'mlp' }, inputs, output: price }).outputShape).toEqual([1]);
  });

  test('loss decides the head', () => {
    expect(
      describeModel({ model: { architecture: 'mlp' }, inputs: [numbers], output: spam, loss: 'binaryCrossentropy' }).outputShape,
    ).toEqual([1]);
    const topology = resolveTopology({ architecture: 'mlp' }, [numbers], spam, resolveLoss('hinge', spam));
    expect(topology.layers.at(-1)!.config).toMatchObject({ units: 1, activation: 'tanh' });
  });
});

test('sizes are counted as Keras counts them', () => {
  const layers = [
    { type: 'dense', units: 4, activation: 'relu' },
    { type: 'batchNormalization' },
    { type: 'dense', units: 3, activation: 'softmax' },
  ];
  expect(describeModel({ model: { layers }, inputs: [numbers], output: species })).toMatchObject({
    layers: [
      { name: 'dense_1', parameters: 32 },
      { name: 'batchNormalization_1', parameters: 16, trainableParameters: 8 },
      { name: 'dense_2', parameters: 15 },
    ],
    parameters: 63,
    trainableParameters: 55,
    loss: 'categoricalCrossentropy',
  });
});

test('layers with several inputs', () => {
  const layers = [
    { type: 'dense', name: 'left', inputs: ['features'], units: 4 },
    { type: 'embedding', name: 'words', inputs: ['text'], outputDim: 6, maskZero: true },
    { type: 'lstm', name: 'right', units: 4 },
    { type: 'add', name: 'sum', inputs: ['left', 'right'] },
    { type: 'dense', units: 1, activation: 'sigmoid' },
  ];
  const description = describeModel({ model: { layers }, inputs: [numbers, tokens], output: spam, loss: 'binaryCrossentropy' });
  expect(description.layers.map((layer) => [layer.name, layer.outputShape])).toEqual([
    ['left', [4]],
    ['words', [40, 6]],
    ['right', [4]],
    ['sum', [4]],
    ['dense_2', [1]],
  ]);
});

describe('what does not fit is refused, with layer, shapes and fix', () => {
  const softmax = { type: 'dense', units: 3, activation: 'softmax' };
  test.each([
    [
      { layers: [{ type: 'conv2d', filters: 4, kernelSize: 3 }, softmax] },
      [numbers],
      species,
      undefined,
      'SHAPE_MISMATCH',
      /Layer 1 "conv2d_1" \(conv2d\).*\[7\]/,
    ],
    [
      { layers: [{ type: 'maxPooling2d', poolSize: 32 }, { type: 'flatten' }, softmax] },
      [image],
      species,
      undefined,
      'SHAPE_MISMATCH',
      /window of 32 does not fit into the height of 28/,
    ],
    [
      { layers: [{ type: 'reshape', shape: [2, 3] }, softmax] },
      [numbers],
      species,
      undefined,
      'SHAPE_MISMATCH',
      /\[7\] holds 7 values.*\[2, 3\] of 6/,
    ],
    [
      { layers: [{ type: 'dense', units: 5, activation: 'softmax' }] },
      [numbers],
      species,
      undefined,
      'SHAPE_MISMATCH',
      /gives \[5\].*3 classes.*need \[3\]/,
    ],
    [{ layers: [softmax] }, [windows], species, undefined, 'SHAPE_MISMATCH', /gives \[14, 3\]/],
    [
      { layers: [{ type: 'dense', units: 3, activation: 'relu' }] },
      [numbers],
      species,
      undefined,
      'MODEL_INVALID',
      /output of softmax.*ends with relu/,
    ],
    [
      { layers: [{ type: 'dense', units: 1 }] },
      [numbers],
      spam,
      'binaryCrossentropy',
      'MODEL_INVALID',
      /output of sigmoid.*ends with linear/,
    ],
    [
      { architecture: 'mlp' },
      [numbers],
      species,
      'meanSquaredError',
      'MODEL_INVALID',
      /loss meanSquaredError is for numbers.*"a", "b", "c"/,
    ],
    [
      { architecture: 'mlp' },
      [numbers],
      price,
      'categoricalCrossentropy',
      'MODEL_INVALID',
      /is for classes, but the label "price" is a number/,
    ],
    [{ architecture: 'mlp' }, [numbers], species, 'binaryCrossentropy', 'MODEL_INVALID', /two classes.*has 3/],
    [{ architecture: 'mlp' }, [numbers], { kind: 'none', name: 'x' }, undefined, 'MODEL_INVALID', /no label/],
    [{ architecture: 'cnn' }, [numbers], species, undefined, 'MODEL_INVALID', /images.*there is none.*"features" \[7\]/],
    [{ architecture: 'rnn' }, [windows, tokens], species, undefined, 'MODEL_INVALID', /there are 2/],
    [{ architecture: 'perceptron' }, [numbers], species, undefined, 'MODEL_INVALID', /no architecture "perceptron"/],
    [
      {
        layers: [
          { type: 'dense', name: 'a', units: 2 },
          { type: 'dense', name: 'a', units: 3, activation: 'softmax' },
        ],
      },
      [numbers],
      species,
      undefined,
      'MODEL_INVALID',
      /"a", which is taken/,
    ],
    [
      { layers: [{ type: 'dense', units: 2, inputs: ['missing'] }, softmax] },
      [numbers],
      species,
      undefined,
      'MODEL_INVALID',
      /reads "missing"/,
    ],
    [
      { layers: [{ type: 'dense', units: 2 }, softmax] },
      [numbers, tokens],
      species,
      undefined,
      'MODEL_INVALID',
      /does not say which input/,
    ],
    [
      { layers: [{ type: 'dense', units: 2, inputs: ['features'] }, softmax] },
      [numbers, tokens],
      species,
      undefined,
      'MODEL_INVALID',
      /Nothing reads "text"/,
    ],
    [
      { layers: [{ type: 'concatenate', inputs: ['features', 'window'] }, softmax] },
      [numbers, windows],
      species,
      undefined,
      'SHAPE_MISMATCH',
      /\[7\] and \[14, 4\]/,
    ],
    [
      { layers: [{ type: 'embedding', outputDim: 3 }, softmax] },
      [numbers],
      species,
      undefined,
      'MODEL_INVALID',
      /does not say how many ids/,
    ],
    [{ layers: [] }, [numbers], species, undefined, 'MODEL_INVALID', /no layers/],
  ] as const)('%j', (model, inputs, output, loss, code, message) => {
    const attempt = (): unknown => describeModel({ model, inputs, output, ...(loss === undefined ? {} : { loss }) });
    expect(attempt).toThrow(expect.objectContaining({ code, message: expect.stringMatching(message) as string }) as Error);
  });
});

test('mistakes that the configuration shows by itself', () => {
  const problems = checkTrainConfig(
    completeTrainConfig(
      asJson({
        model: { layers: [{ type: 'add' }, { type: 'dense', units: 2, name: 'x' }, { type: 'dropout', rate: 0.5, name: 'x' }] },
        epochs: 3,
        callbacks: [{ earlyStopping: { patience: 3, restoreBest: false } }, 'earlyStopping', { learningRateSchedule: { warmupEpochs: 3 } }],
        validation: { everyEpochs: 4 },
      }),
    ),
  );
  expect(problems.map(({ pointer }) => pointer)).toEqual([
    '/model/layers/2/name',
    '/model/layers/0',
    '/model/layers/2',
    '/callbacks/0/earlyStopping/patience',
    '/callbacks/1',
    '/callbacks/2/learningRateSchedule/warmupEpochs',
    '/validation/everyEpochs',
  ]);
});
