import type { PerennialError } from '../../../src/core/errors.ts';
import { describe, expect, test } from 'vitest';
import { loadTf } from '../../../src/training/tensorflow/tf.ts';
import { classTable, imageTable, numberTable, temporaryFolder, tokenTable } from './fixtures.ts';
import { digest, run } from './loop.ts';
import type { Run } from './loop.ts';

const tf = loadTf();

const MODELS: readonly [string, Run][] = [
  [
    'mlp with dropout, batch normalization, Adam and callbacks',
    {
      table: classTable(120),
      model: { architecture: 'mlp', units: [12, 8], dropout: 0.3, batchNormalization: true },
      callbacks: [
        { earlyStopping: { patience: 50 } },
        { reduceOnPlateau: { patience: 1, monitor: 'loss' } },
        { learningRateSchedule: { warmupEpochs: 1 } },
      ],
      classWeights: 'balanced',
    },
  ],
  [
    'cnn with dropout and RMSprop',
    {
      table: imageTable(80),
      model: { architecture: 'cnn', filters: [4, 6], units: [8], dropout: 0.3, convolutionDropout: 0.1 },
      optimizer: { rmsprop: { momentum: 0.5 } },
    },
  ],
  [
    'regression with momentum, noise and a penalty',
    {
      table: numberTable(100),
      optimizer: { sgd: { momentum: 0.9, nesterov: true, globalClipNorm: 1 } },
      loss: 'huber',
      model: {
        layers: [
          { type: 'gaussianNoise', stddev: 0.1 },
          { type: 'dense', units: 8, activation: 'tanh', kernelRegularizer: { l1: 0.001, l2: 0.001 } },
          { type: 'dense', units: 1 },
        ],
      },
    },
  ],
  [
    'a recurrent network with dropout on inputs and state',
    {
      table: imageTable(60, 4),
      optimizer: { nadam: { learningRate: 0.01 } },
      model: {
        layers: [
          { type: 'reshape', shape: [4, 4] },
          { type: 'bidirectional', cell: 'gru', units: 4, dropout: 0.2, recurrentDropout: 0.2 },
          { type: 'dense', units: 4, activation: 'softmax' },
        ],
      },
    },
  ],
  [
    'text through an embedding and convolutions',
    {
      table: tokenTable(80),
      model: { architecture: 'textCnn', filters: 4, kernelSizes: [2, 3], embeddingSize: 4, embeddingDropout: 0.2, units: [4] },
      loss: 'binaryCrossentropy',
      optimizer: 'adamW',
    },
  ],
  [
    'a variational, denoising autoencoder',
    {
      table: imageTable(60),
      model: {
        architecture: 'autoencoder',
        filters: [3],
        latentSize: 3,
        variational: true,
        beta: 0.1,
        noise: { gaussianNoise: 0.1 },
        dropout: 0.1,
        batchNormalization: true,
      },
    },
  ],
  [
    'text through an embedding and a masked LSTM',
    { table: tokenTable(50), model: { architecture: 'rnn', embeddingSize: 4, recurrentUnits: [4], dropout: 0.2 }, optimizer: 'rmsprop' },
  ],
];

describe.each(MODELS)('%s', (_title, request) => {
  test('gives the same weights each time, and others for another seed', async () => {
    const [first, second, other] = [await run(request), await run(request), await run({ ...request, seed: 2 })];
    expect(digest(second.weights)).toBe(digest(first.weights));
    expect(second.history).toEqual(first.history);
    expect(digest(other.weights)).not.toBe(digest(first.weights));
  });

  test('interrupted anywhere and resumed, gives the weights of an uninterrupted run', async () => {
    const whole = await run(request);
    for (const cancelAt of [1, 2, 4, 7, 9, 11]) {
      const dir = temporaryFolder();
      await expect(run({ ...request, dir, cancelAt })).rejects.toMatchObject({ code: 'CANCELLED' });
      await expect(run({ ...request, dir, cancelAt: 2 })).rejects.toMatchObject({ code: 'CANCELLED' });
      const resumed = await run({ ...request, dir });
      expect(resumed.messages.find((message) => message.type === 'started')).toMatchObject({ resumedStep: expect.any(Number) as number });
      expect(digest(resumed.weights)).toBe(digest(whole.weights));
      expect(resumed.history).toEqual(whole.history);
    }
  });
});

test('training learns: a separable table', async () => {
  const outcome = await run({
    table: classTable(200),
    model: { architecture: 'mlp', units: [16] },
    optimizer: { adam: { learningRate: 0.02 } },
    epochs: 10,
  });
  expect(outcome.history.at(-1)!.accuracy).toBeGreaterThan(0.9);
  expect(outcome.history.at(-1)!.loss).toBeLessThan(outcome.history[0]!.loss!);
});

test('training learns: words that matter, past the padding', async () => {
  const outcome = await run({
    table: tokenTable(300),
    model: { architecture: 'rnn', cell: 'gru', pooling: 'max', embeddingSize: 8, recurrentUnits: [8] },
    loss: 'binaryCrossentropy',
    optimizer: { adam: { learningRate: 0.02 } },
    epochs: 8,
  });
  expect(outcome.history.at(-1)!.accuracy).toBeGreaterThan(0.9);
});

test('the reported error of a number is in its own unit', async () => {
  const outcome = await run({
    table: numberTable(200),
    model: { architecture: 'mlp', units: [8] },
    optimizer: { adam: { learningRate: 0.05 } },
    epochs: 20,
    loss: 'meanAbsoluteError',
  });
  const last = outcome.history.at(-1)!;
  // The loss is standardized; the label's standard deviation is 4.
  expect(last.meanAbsoluteError).toBeCloseTo(4 * last.validationLoss!, 5);
});

test('memory stays flat', async () => {
  await run({ table: classTable(40), model: { architecture: 'mlp' } });
  const before = tf.memory().numTensors;
  await run({ table: classTable(40), model: { architecture: 'mlp', batchNormalization: true, dropout: 0.2 }, epochs: 5 });
  expect(tf.memory().numTensors).toBe(before);
});

test('early stopping ends training and puts the best weights back', async () => {
  const request: Run = {
    table: classTable(48),
    model: { architecture: 'mlp', units: [64] },
    optimizer: { adam: { learningRate: 0.3 } },
    epochs: 60,
    callbacks: [{ earlyStopping: { patience: 3 } }],
  };
  const outcome = await run(request);
  const losses = outcome.history.map((entry) => entry.validationLoss!);
  expect(outcome.epochsRun).toBeLessThan(60);
  expect(outcome.keptEpoch).toBe(losses.indexOf(Math.min(...losses)) + 1);
  const short = await run({ ...request, epochs: outcome.keptEpoch });
  expect(digest(short.weights)).toBe(digest(outcome.weights));
});

test('a learning rate far too high is reported with a diagnosis', async () => {
  const attempt = run({
    table: numberTable(60),
    model: { architecture: 'mlp', units: [16] },
    optimizer: { sgd: { learningRate: 1e6 } },
    epochs: 20,
  });
  const failure = await attempt.catch((error: unknown) => error as PerennialError);
  expect(failure).toMatchObject({ code: 'TRAINING_DIVERGED', hint: expect.stringContaining('100000') as string });
  expect((failure as PerennialError).message).toMatch(
    /epoch \d+, batch \d+, at the learning rate 1000000\. (Before that batch|The gradients of the batch before had overflowed. Until then) the largest weight is [\d.e+]+ in "\w+\/\w+"\. The (layer with the largest values|first layer whose values are not finite) is "\w+"/,
  );
});

test('NaN in the data is told from divergence', async () => {
  const table = numberTable(30);
  table.splits.train.features!.data[7] = Number.NaN;
  await expect(run({ table, model: { architecture: 'mlp' } })).rejects.toMatchObject({
    code: 'DATA_INVALID',
    message: expect.stringContaining('"features" holds NaN') as string,
  });
});

test('a label out of range is refused', async () => {
  const table = classTable(30);
  table.splits.train['@label']!.data[3] = 3;
  await expect(run({ table, model: { architecture: 'mlp' } })).rejects.toMatchObject({
    code: 'DATA_INVALID',
    message: expect.stringContaining('there are 3 classes') as string,
  });
});
