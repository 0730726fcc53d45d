import { describe, expect, test } from 'vitest';
import { WEIGHT_SPEC } from '../../../src/data/preprocess/row-weight.ts';
import { resolveModel } from '../../../src/training/model/resolve-model.ts';
import { loadTf } from '../../../src/training/tensorflow/tf.ts';
import { classTable, imageTable, numberTable, temporaryFolder, tokenTable } from './fixtures.ts';
import type { Table } from './fixtures.ts';
import { digest, run } from './loop.ts';
import type { Run } from './loop.ts';

const PLAIN: Run = {
  table: classTable(96),
  model: {
    layers: [
      { type: 'dense', units: 8, activation: 'tanh' },
      { type: 'dense', units: 3, activation: 'softmax' },
    ],
  },
};

function largestDifference(a: ReadonlyMap<string, Float32Array>, b: ReadonlyMap<string, Float32Array>): number {
  return Math.max(...[...a].flatMap(([name, values]) => [...values].map((value, index) => Math.abs(value - b.get(name)![index]!))));
}

describe.each(['eager', 'compiled'] as const)('gradients averaged over batches, %s', (engine) => {
  test.each([['adam'], [{ sgd: { momentum: 0.9, globalClipNorm: 0.05 } }], [{ rmsprop: { clipNorm: 0.02, weightDecay: 0.1 } }]])(
    'four batches of 4 move as one of 16: %j',
    async (optimizer) => {
      const parts = await run({ ...PLAIN, engine, optimizer, settings: { batchSize: 4, accumulation: 4 } });
      const whole = await run({ ...PLAIN, engine, optimizer, settings: { batchSize: 16 } });
      expect(largestDifference(parts.weights, whole.weights)).toBeLessThan(1e-6);
    },
  );

  test('goes on in the middle of an update', async () => {
    const noisy: Run = {
      ...PLAIN,
      engine,
      model: { architecture: 'mlp', units: [8], dropout: 0.3, batchNormalization: true },
      settings: { batchSize: 10, accumulation: 4, yieldMs: 0 } as never,
    };
    const whole = await run(noisy);
    for (const checkpointEverySteps of [1, 3]) {
      const dir = temporaryFolder();
      const settings = { ...noisy.settings, checkpointEverySteps };
      await expect(run({ ...noisy, settings, dir, cancelAt: 6 })).rejects.toMatchObject({ code: 'CANCELLED' });
      const resumed = await run({ ...noisy, settings, dir });
      expect(resumed.messages.find(({ type }) => type === 'started')).toMatchObject({ resumedStep: expect.any(Number) as number });
      expect(digest(resumed.weights)).toBe(digest(whole.weights));
    }
  });
});

test('steps end training in the middle of an epoch, also after a resume, and its checkpoints lie where they were asked for', async () => {
  const request: Run = { ...PLAIN, engine: 'compiled', steps: 14, settings: { checkpointEverySteps: 4 } };
  const outcome = await run(request);
  expect(outcome.epochsRun).toBe(3);
  expect(outcome.history.at(-1)).toHaveProperty('validationLoss');
  expect(outcome.messages.filter((message) => message.type === 'checkpoint').map(({ step }) => step)).toEqual([4, 8, 12]);
  const dir = temporaryFolder();
  await expect(run({ ...request, dir, cancelAt: 5 })).rejects.toMatchObject({ code: 'CANCELLED' });
  expect(digest((await run({ ...request, dir })).weights)).toBe(digest(outcome.weights));
  expect(digest((await run({ ...request, steps: 12 })).weights)).toBe(
    digest((await run({ ...request, steps: undefined as never, epochs: 2 })).weights),
  );
});

test('some of the validation rows are enough', async () => {
  const [all, some] = [await run(PLAIN), await run({ ...PLAIN, settings: { validationRows: 7 } })];
  expect(digest(some.weights)).toBe(digest(all.weights));
  expect(some.history[0]!.validationLoss).not.toBe(all.history[0]!.validationLoss);
  expect((some.history[0]!.accuracy! * 7) % 1).toBeCloseTo(0, 5);
});

describe('the search for a learning rate', () => {
  const search = { steps: 60, from: 1e-6, to: 10 };
  const cases: readonly [string, Run][] = [
    ['a table', { ...PLAIN, table: classTable(200) }],
    ['numbers', { table: numberTable(150), model: { architecture: 'mlp', units: [16] }, optimizer: 'sgd' }],
    ['images', { table: imageTable(100), model: { architecture: 'cnn', filters: [4], units: [8] } }],
    ['words', { table: tokenTable(100), model: { architecture: 'textCnn', filters: 4, kernelSizes: [2], embeddingSize: 4 } }],
  ];

  test.each(cases)('%s: finds one at which training learns, and starts from the initial weights', async (_title, request) => {
    const found = await run({ ...request, engine: 'compiled', epochs: 4, settings: { search } });
    const { suggested, curve } = found.search!;
    expect(curve.length).toBeGreaterThan(10);
    expect(suggested).toBeGreaterThan(1e-5);
    expect(found.history[0]!.learningRate).toBe(suggested);
    expect(found.history.at(-1)!.loss).toBeLessThan(found.history[0]!.loss!);
    const given = await run({ ...request, engine: 'compiled', epochs: 4, settings: { learningRate: suggested! } });
    expect(digest(found.weights)).toBe(digest(given.weights));
    const again = await run({ ...request, engine: 'compiled', epochs: 1, settings: { search } });
    expect(again.search).toEqual(found.search);
  });

  test('is done again where it was interrupted, and not after a checkpoint', async () => {
    const request: Run = { ...PLAIN, engine: 'compiled', settings: { search, checkpointEverySteps: 5 } };
    const whole = await run(request);
    for (const cancelAt of [1, 3, 9, 12]) {
      const dir = temporaryFolder();
      await expect(run({ ...request, dir, cancelAt })).rejects.toMatchObject({ code: 'CANCELLED' });
      const resumed = await run({ ...request, dir });
      expect(resumed.search).toEqual(whole.search);
      expect(digest(resumed.weights)).toBe(digest(whole.weights));
    }
  });

  test('says where the loss falls nowhere', async () => {
    const outcome = await run({ ...PLAIN, epochs: 1, settings: { search: { steps: 20, from: 1e5, to: 1e6 } } });
    expect(outcome.search).not.toHaveProperty('suggested');
    expect(outcome.messages).toContainEqual({
      type: 'notice',
      message: expect.stringMatching(/fell at none of .* goes on with 0.001/) as string,
    });
  });
});

describe('early stopping', () => {
  test('with a baseline that is not reached ends after its patience', async () => {
    const outcome = await run({ ...PLAIN, epochs: 20, callbacks: [{ earlyStopping: { patience: 3, baseline: 0.0001, monitor: 'loss' } }] });
    expect(outcome.epochsRun).toBe(3);
    expect(outcome.keptEpoch).toBe(3);
    expect(outcome.messages).toContainEqual({ type: 'notice', message: expect.stringContaining('its baseline is 0.0001') as string });
  });

  test('knows which way is better', async () => {
    const outcome = await run({ ...PLAIN, epochs: 20, callbacks: [{ earlyStopping: { patience: 2, monitor: 'loss', better: 'higher' } }] });
    expect(outcome.epochsRun).toBe(3);
    expect(outcome.keptEpoch).toBe(1);
  });
});

describe.each(['eager', 'compiled'] as const)('weights of rows, %s', (engine) => {
  const weighted = (weightOf: (label: number, row: number) => number): Table => {
    const table = classTable(96);
    const labels = table.splits.train['@label']!;
    return {
      ...table,
      splits: {
        ...table.splits,
        train: {
          ...table.splits.train,
          '@weight': { spec: WEIGHT_SPEC, rows: labels.rows, data: Float32Array.from(labels.data, weightOf) },
        },
      },
    };
  };

  test('are those of their classes, and multiply with them', async () => {
    const perClass = [2, 1, 0.5];
    // "balanced" gives 120 / (3 · count).
    const byClass = await run({ ...PLAIN, engine, classWeights: 'balanced', classCounts: [20, 40, 60] });
    const byRow = await run({ ...PLAIN, engine, table: weighted((label) => [2, 1, Math.fround(2 / 3)][label]!) });
    expect(digest(byRow.weights)).toBe(digest(byClass.weights));
    const both = await run({
      ...PLAIN,
      engine,
      table: weighted((label) => [1, 1, 0.75][label]! * perClass[label]! ** -1),
      classWeights: 'balanced',
      classCounts: [20, 40, 60],
    });
    expect(digest(both.weights)).toBe(digest((await run({ ...PLAIN, engine })).weights));
  });

  test('rows of weight 0 do not count, and validation counts every row alike', async () => {
    const table = weighted((_label, row) => row % 2);
    const spoilt = structuredClone(table);
    spoilt.splits.train['@label']!.data.forEach((label, row, data) => {
      if (row % 2 === 0) data[row] = (label + 1) % 3;
    });
    const [first, second] = [await run({ ...PLAIN, engine, table }), await run({ ...PLAIN, engine, table: spoilt })];
    expect(digest(second.weights)).toBe(digest(first.weights));
    expect(second.history).toEqual(first.history);
  });
});

test.each(['eager', 'compiled'] as const)('hundreds of epochs leave no tensors behind and need no more memory, %s', async (engine) => {
  const tf = loadTf();
  const request: Run = {
    table: classTable(24),
    model: { architecture: 'mlp', units: [4], dropout: 0.2, batchNormalization: true },
    engine,
    settings: { batchSize: 12, accumulation: 2, validateEveryEpochs: 5 },
  };
  await run({ ...request, epochs: 30 });
  const tensors = tf.memory().numTensors;
  const resident = process.memoryUsage().rss;
  await run({ ...request, epochs: 300 });
  expect(tf.memory().numTensors).toBe(tensors);
  expect(process.memoryUsage().rss - resident).toBeLessThan(60e6);
});

describe('a loss that reads logits', () => {
  const hidden = { type: 'dense', units: 6, activation: 'tanh' };
  const ending = (units: number, activation?: string): Run['model'] => ({
    layers: [hidden, { type: 'dense', units, ...(activation === undefined ? {} : { activation }) }],
  });

  test.each([
    ['binaryCrossentropy', tokenTable(60), 1, 'sigmoid'],
    ['binaryFocalCrossentropy', tokenTable(60), 1, 'sigmoid'],
    ['categoricalCrossentropy', classTable(60), 3, 'softmax'],
    ['sparseCategoricalCrossentropy', classTable(60), 3, 'softmax'],
    ['categoricalFocalCrossentropy', classTable(60), 3, 'softmax'],
    ['categoricalHinge', classTable(60), 3, 'softmax'],
  ] as const)('%s: a linear end trains as one with the activation, and answers probabilities', async (loss, table, units, activation) => {
    const numbers = { ...table, inputs: table.inputs.map(({ name, shape }) => ({ name, shape, dtype: 'float32' as const })) };
    const named = loss === 'categoricalHinge' ? loss : { [loss]: { fromLogits: true } };
    const linear = await run({ table: numbers, model: ending(units), loss: named });
    const ended = await run({ table: numbers, model: ending(units, activation), loss });
    expect(digest(linear.weights)).toBe(digest(ended.weights));
    expect(linear.history).toEqual(ended.history);
    const { topology } = resolveModel({ model: ending(units), inputs: numbers.inputs, output: numbers.output, loss: named });
    expect(topology.layers.at(-1)).toMatchObject({ name: 'probabilities', type: 'activation', config: { activation } });
  });

  test('is refused where the activation is there, and advised where it is missing', () => {
    const resolve = (units: number, activation: string | undefined, loss: Run['loss']): unknown =>
      resolveModel({ model: ending(units, activation), inputs: classTable(9).inputs, output: classTable(9).output, loss: loss! });
    expect(() => resolve(3, 'softmax', { categoricalCrossentropy: { fromLogits: true } })).toThrow(/"fromLogits".*ends with softmax/);
    expect(() => resolve(3, undefined, 'categoricalCrossentropy')).toThrow(
      expect.objectContaining({ code: 'MODEL_INVALID', hint: expect.stringContaining('"fromLogits": true') as string }) as Error,
    );
    const scaled = { ...numberTable(9).output, scale: { mean: 0, std: 2 } } as Table['output'];
    expect(() =>
      resolveModel({ model: ending(1), inputs: numberTable(9).inputs, output: scaled, loss: 'meanAbsolutePercentageError' }),
    ).toThrow(/labels in their own unit/);
  });

  test('labels below its range are refused', async () => {
    await expect(
      run({
        table: { ...numberTable(40), output: { kind: 'number', name: 'y', width: 1 } },
        model: ending(1, 'softplus'),
        loss: 'poisson',
      }),
    ).rejects.toMatchObject({ code: 'DATA_INVALID', message: expect.stringContaining('labels from 0 up') as string });
  });
});
