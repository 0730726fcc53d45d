import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { Prng, hash32 } from '../../../src/core/prng.ts';
import type { OutputSpec } from '../../../src/core/tensor.ts';
import type { Callback } from '../../../src/training/callbacks/callback.ts';
import { callbacks, callbackRegistry } from '../../../src/training/callbacks/index.generated.ts';
import { resolveNamed, withDefaults } from '../../../src/training/model/named.ts';
import { optimizerRegistry } from '../../../src/training/optimizers/index.generated.ts';
import { completeTrainConfig, describeTraining, optimizerOf, trainConfigSchema } from '../../../src/training/step/train-config.ts';
import { CheckpointFolder, decodeCheckpoint, encodeCheckpoint } from '../../../src/training/trainer/checkpoint.ts';
import type { Checkpoint } from '../../../src/training/trainer/checkpoint.ts';
import { adaptLabels, classWeightsOf } from '../../../src/training/trainer/labels.ts';
import { outOfMemory } from '../../../src/training/trainer/memory.ts';
import { resolveLoss } from '../../../src/training/losses/resolve-loss.ts';
import { asJson, temporaryFolder } from './fixtures.ts';

describe('the generator', () => {
  test('gives the same stream for the same key, and another for another', () => {
    const draw = (...key: (string | number)[]): number[] => {
      const prng = new Prng(...key);
      return Array.from({ length: 4 }, () => prng.uint32());
    };
    expect(draw(1, 'order', 0)).toEqual(draw(1, 'order', 0));
    expect(draw(1, 'order', 0)).not.toEqual(draw(1, 'order', 1));
    expect(hash32('ab', 'c')).not.toBe(hash32('a', 'bc'));
    expect(hash32(1)).not.toBe(hash32('1'));
  });

  test('is uniform, normal and fair', () => {
    const prng = new Prng('moments');
    const uniforms = Array.from({ length: 20_000 }, () => prng.uniform());
    const normals = Array.from({ length: 20_000 }, () => prng.normal());
    const mean = (values: number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
    expect(mean(uniforms)).toBeCloseTo(0.5, 1);
    expect(mean(normals)).toBeCloseTo(0, 1);
    expect(mean(normals.map((value) => value * value))).toBeCloseTo(1, 1);
    const counts = new Array<number>(6).fill(0);
    for (let turn = 0; turn < 6_000; turn++) counts[prng.shuffle([0, 1, 2]).indexOf(0) * 2 + prng.below(2)]!++;
    for (const count of counts) expect(Math.abs(count - 1_000)).toBeLessThan(150);
  });
});

describe('checkpoints', () => {
  const checkpoint = (step: number): Checkpoint => ({
    position: {
      epoch: 1,
      batch: 2,
      step,
      sums: [0.1 + 0.2],
      counted: 3,
      rows: 3,
      callbacks: [{ factor: 0.5 }],
      bestEpoch: 1,
      history: [{ epoch: 1, loss: 1 / 3 }],
    },
    state: new Map([
      ['weights/a', Float32Array.of(1, 2.5)],
      ['slots/mean', Float32Array.of(-0, 1e-38, 3)],
    ]),
    best: new Map([['a', Float32Array.of(7, 8)]]),
  });

  test('come back as they were', () => {
    expect(decodeCheckpoint(Buffer.concat(encodeCheckpoint('b', checkpoint(9))))).toEqual({ binding: 'b', checkpoint: checkpoint(9) });
  });

  test('a single changed or missing byte is noticed', () => {
    const bytes = Buffer.concat(encodeCheckpoint('b', checkpoint(9)));
    for (let length = 0; length < bytes.length; length += 7) expect(() => decodeCheckpoint(bytes.subarray(0, length))).toThrow(/torn/);
    for (let at = 0; at < bytes.length; at += 5) {
      const changed = Buffer.from(bytes);
      changed[at]! ^= 1;
      expect(() => decodeCheckpoint(changed)).toThrow(/torn/);
    }
  });

  test('whatever is cut off or changed in the newest checkpoint, the one before is used', () => {
    const prng = new Prng('damage');
    for (let round = 0; round < 60; round++) {
      const dir = temporaryFolder();
      const folder = new CheckpointFolder(dir, 'mine', 3);
      folder.write(checkpoint(4));
      folder.write(checkpoint(8));
      const path = join(dir, '0000000008.ckpt');
      const bytes = readFileSync(path);
      const at = prng.below(bytes.length);
      if (round % 2 === 0) writeFileSync(path, bytes.subarray(0, at));
      else
        writeFileSync(
          path,
          bytes.map((value, index) => (index === at ? value ^ (1 << prng.below(8)) : value)),
        );
      const notices: string[] = [];
      expect(folder.latest((message) => notices.push(message))?.position.step, `byte ${at}`).toBe(4);
      expect(notices).toEqual([expect.stringContaining('torn')]);
    }
  });

  test('the newest ones are kept; torn ones and those of another training are left out', () => {
    const dir = temporaryFolder();
    const folder = new CheckpointFolder(dir, 'mine', 3);
    for (const step of [1, 20, 3, 100]) folder.write(checkpoint(step));
    expect(folder.names()).toEqual(['0000000100.ckpt', '0000000020.ckpt', '0000000003.ckpt']);
    writeFileSync(join(dir, '0000000100.ckpt'), readFileSync(join(dir, '0000000100.ckpt')).subarray(0, 90));
    new CheckpointFolder(dir, 'another', 9).write(checkpoint(50));
    const notices: string[] = [];
    expect(folder.latest((message) => notices.push(message))?.position.step).toBe(20);
    expect(notices).toEqual([expect.stringMatching(/0000000100.*torn/), expect.stringMatching(/0000000050.*another configuration/)]);
    expect(readdirSync(dir).sort()).toEqual(['0000000003.ckpt', '0000000020.ckpt']);
  });
});

describe('callbacks', () => {
  const facts = { epochs: 10, stepsPerEpoch: 5, steps: 50, numbers: ['loss', 'validationLoss', 'accuracy'] };
  const create = (named: string | Record<string, unknown>): Callback => {
    const { definition, config } = resolveNamed(callbackRegistry, named);
    return definition.create(config, facts);
  };

  test.each(callbacks.map(({ name }) => [name]))('%s goes on from its saved state', (name) => {
    const losses = [5, 4, 4, 4, 3.9, 3.9, 3.9, 3.9, 3.9, 3.9];
    const config = name === 'learningRateSchedule' ? {} : { patience: 2 };
    const whole = create({ [name]: config });
    let pieces = create({ [name]: config });
    for (const [index, validationLoss] of losses.entries()) {
      expect(pieces.epochEnd?.(index + 1, { validationLoss, loss: 1 }, 0.1)).toEqual(
        whole.epochEnd?.(index + 1, { validationLoss, loss: 1 }, 0.1),
      );
      const next = create({ [name]: config });
      next.restore(asJson(JSON.parse(JSON.stringify(pieces.state()))));
      pieces = next;
      expect(pieces.learningRateFactor?.(index * 5, index)).toBe(whole.learningRateFactor?.(index * 5, index));
    }
  });

  test('early stopping counts epochs without improvement', () => {
    const callback = create({ earlyStopping: { patience: 2, monitor: 'accuracy', minDelta: 0.01 } });
    const verdicts = [0.5, 0.6, 0.605, 0.6].map((accuracy, index) => callback.epochEnd!(index + 1, { accuracy }, 0.1));
    expect(verdicts).toEqual([{ improved: true }, { improved: true }, {}, { stop: 'accuracy has not improved on 0.60000 for 2 epochs' }]);
  });

  test('a plateau lowers the rate, not below its floor, and cools down', () => {
    const callback = create({ reduceOnPlateau: { patience: 1, factor: 0.5, minLearningRate: 0.03, cooldown: 1 } });
    const rates: number[] = [];
    for (let epoch = 1; epoch <= 8; epoch++) {
      callback.epochEnd!(epoch, { validationLoss: 1 }, 0.1 * callback.learningRateFactor!(0, 0));
      rates.push(Number((0.1 * callback.learningRateFactor!(0, 0)).toFixed(6)));
    }
    expect(rates[0]).toBe(0.1);
    expect(rates.at(-1)).toBe(0.03);
    expect([...rates].sort((a, b) => b - a)).toEqual(rates);
  });

  test.each([
    [{ schedule: 'step', everyEpochs: 2, factor: 0.1 }, [1, 1, 0.1, 0.1, 0.01]],
    [{ schedule: 'exponential', everyEpochs: 2, factor: 0.25 }, [1, 0.5, 0.25, 0.125, 0.0625]],
    [{ schedule: 'cosine', floor: 0 }, [1, 0.9755, 0.9045, 0.7939, 0.6545]],
    [{ schedule: 'polynomial', power: 2 }, [1, 0.81, 0.64, 0.49, 0.36]],
    [{ schedule: 'constant', warmupEpochs: 2 }, [0.0909, 0.5455, 1, 1, 1]],
  ] as const)('schedule %j', (config, expected) => {
    const callback = create({ learningRateSchedule: config });
    const factors = expected.map((_, epoch) => callback.learningRateFactor!(epoch * 5, epoch));
    for (const [index, factor] of factors.entries()) expect(factor).toBeCloseTo(expected[index]!, 4);
  });

  test('what will not be there cannot be watched', () => {
    expect(() => create({ earlyStopping: { monitor: 'meanAbsoluteError' } })).toThrow(
      /watches "meanAbsoluteError".*"loss", "validationLoss", "accuracy"/,
    );
  });
});

describe('labels', () => {
  const classes: OutputSpec = { kind: 'classes', name: 'kind', classes: ['a', 'b'] };
  const label = (data: Int32Array | Float32Array): Parameters<typeof adaptLabels>[0] => ({
    spec: { name: '@label', shape: [1], dtype: 'int32' },
    rows: data.length,
    data,
  });

  test('adapt to the loss', () => {
    expect(adaptLabels(label(Int32Array.of(0, 1)), classes, resolveLoss('categoricalCrossentropy', classes).definition)).toEqual(
      Int32Array.of(0, 1),
    );
    expect(adaptLabels(label(Int32Array.of(0, 1)), classes, resolveLoss('hinge', classes).definition)).toEqual(Float32Array.of(0, 1));
    const price: OutputSpec = { kind: 'number', name: 'price', width: 1 };
    expect(() => adaptLabels(label(Float32Array.of(1, Number.NaN)), price, resolveLoss(undefined, price).definition)).toThrow(
      /"price" is NaN/,
    );
  });

  test('class weights: balanced, named, unknown', () => {
    expect([...classWeightsOf('balanced', classes, () => [30, 10])]).toEqual([expect.closeTo(40 / 60, 6), 2]);
    expect([...classWeightsOf({ b: 5 }, classes, () => [])]).toEqual([1, 5]);
    expect(() => classWeightsOf({ c: 5 }, classes, () => [])).toThrow(/names "c", but the classes of "kind" are "a", "b"/);
  });
});

test('defaults reach nested objects', () => {
  const schema = { properties: { a: { default: 1 }, b: { properties: { c: { default: 2 } } } } };
  expect(withDefaults(schema, { b: {} })).toEqual({ a: 1, b: { c: 2 } });
});

test('steps are in place of epochs, and beside those that are given', () => {
  const complete = (settings: object): ReturnType<typeof completeTrainConfig> =>
    completeTrainConfig(asJson({ model: { architecture: 'mlp' }, ...settings }));
  expect(complete({}).epochs).toBe(20);
  expect(describeTraining(complete({ steps: 1_500 }))).toBe('mlp; adam; up to 1500 steps');
  expect(describeTraining(complete({ steps: 1_500, epochs: 3 }))).toBe('mlp; adam; up to 3 epochs or 1500 steps');
  // A default in the schema would be filled in, and end training before the steps do.
  expect((trainConfigSchema.properties as Record<string, object>).epochs).not.toHaveProperty('default');
});

test('the learning rate of the step goes before that of the optimizer', () => {
  const config = completeTrainConfig(
    asJson({ model: { architecture: 'mlp' }, optimizer: { sgd: { momentum: 0.9, learningRate: 0.01 } }, learningRate: 0.5 }),
  );
  expect(resolveNamed(optimizerRegistry, optimizerOf(config)).config).toMatchObject({ momentum: 0.9, learningRate: 0.5 });
});

test('exhausted memory is recognised, with advice on the batch size', () => {
  expect(outOfMemory('terminate called after throwing std::bad_alloc', 64)).toMatchObject({
    code: 'OUT_OF_MEMORY',
    hint: expect.stringContaining('"batchSize": 16') as string,
  });
  expect(outOfMemory('segmentation fault', 64)).toBeUndefined();
});
