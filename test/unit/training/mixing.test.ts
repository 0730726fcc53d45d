import { expect, test } from 'vitest';
import { Prng } from '../../../src/core/prng.ts';
import { checkMixing, withMixing } from '../../../src/training/objectives/shared/mixing.ts';
import type { MixingConfig } from '../../../src/training/objectives/shared/mixing.ts';
import { resolveNamed } from '../../../src/training/model/named.ts';
import type { LabelledBatch } from '../../../src/training/objectives/objective.ts';
import type { LabelledTensors } from '../../../src/training/objectives/labelled.ts';
import { optimizerRegistry } from '../../../src/training/optimizers/index.generated.ts';
import { resolveModel } from '../../../src/training/model/resolve-model.ts';
import { loadTf } from '../../../src/training/tensorflow/tf.ts';
import { createEngine } from '../../../src/training/trainer/create-engine.ts';
import type { OutputSpec, TensorSpec } from '../../../src/core/tensor.ts';

const tf = loadTf();
const ROWS = 64;
const SIZE = 6;
const IMAGE: TensorSpec = { name: 'image', shape: [SIZE, SIZE, 1], dtype: 'float32' };
const CLASSES: OutputSpec = { kind: 'classes', name: 'y', classes: ['a', 'b', 'c'] };
const resolved = resolveModel({
  model: { layers: [{ type: 'flatten' }, { type: 'dense', units: 3, activation: 'softmax' }] },
  inputs: [IMAGE],
  output: CLASSES,
});
const plain = resolved.objective.create(resolved, {});

/** Row i is i everywhere, and so is its label: what came of whom can be read from the values. */
function mixedOf(config: MixingConfig, iteration: number): { rows: number[][]; labels: number[]; share: number[] } {
  let seen: LabelledTensors | undefined;
  const watched = withMixing(
    {
      ...plain,
      parts: plain.parts.map((part) => ({
        ...part,
        loss(of, weights, batch, context) {
          seen = batch;
          return part.loss(of, weights, batch, context);
        },
      })),
    },
    config,
  );
  return tf.tidy(() => {
    const own = tf.range(0, ROWS);
    const weights = new Map(plain.weights.map(({ fullName, shape }) => [fullName, tf.zeros([...shape])]));
    watched.parts[0]!.loss(
      tf,
      weights,
      { inputs: { image: tf.tile(tf.reshape(own, [ROWS, 1, 1, 1]), [1, SIZE, SIZE, 1]) }, labels: { '@label': tf.cast(own, 'int32') } },
      { seed: 5, iteration },
    );
    return {
      rows: tf.reshape(seen!.inputs.image!, [ROWS, SIZE * SIZE]).arraySync() as number[][],
      labels: [...seen!.mixed!.labels['@label']!.dataSync()],
      share: [...seen!.mixed!.share.dataSync()],
    };
  });
}

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

test.each<[string, MixingConfig]>([
  ['mixUp', { mixUp: { alpha: 0.4 } }],
  ['cutMix', { cutMix: { alpha: 1 } }],
  ['both', { mixUp: { alpha: 1 }, cutMix: { alpha: 1 } }],
  ['a small alpha', { mixUp: { alpha: 0.01 } }],
])('labels are shared as pixels are: %s', (kind, config) => {
  const draws = Array.from({ length: 4 }, (_, iteration) => mixedOf(config, iteration));
  let boxes = 0;
  for (const { rows, labels, share } of draws) {
    expect([...labels].sort((a, b) => a - b)).toEqual(Array.from({ length: ROWS }, (_, index) => index));
    rows.forEach((row, index) => {
      expect(mean(row)).toBeCloseTo(share[index]! * index + (1 - share[index]!) * labels[index]!, 3);
      const values = new Set(row);
      boxes += values.size === 2 ? 1 : 0;
      if (kind === 'cutMix') expect([...values].every((value) => value === index || value === labels[index]!)).toBe(true);
    });
    expect(share.every((each) => each >= 0 && each <= 1)).toBe(true);
  }
  const shares = draws.flatMap(({ share }) => share);
  expect(mean(shares)).toBeGreaterThan(0.4);
  expect(mean(shares)).toBeLessThan(0.7);
  expect(boxes > 0).toBe(kind === 'cutMix' || kind === 'both');
  expect(draws[1]).not.toEqual(draws[0]);
  expect(mixedOf(config, 0)).toEqual(draws[0]);
});

test('compiled and operation by operation give the same; weights of rows follow their labels', () => {
  const config = { mixUp: { alpha: 0.2 }, cutMix: { alpha: 1 } };
  const prng = new Prng('mixing');
  const batches = Array.from({ length: 6 }, (): LabelledBatch => ({
    inputs: { image: { spec: IMAGE, rows: 8, data: Float32Array.from({ length: 8 * SIZE * SIZE }, () => prng.normal()) } },
    labels: { '@label': Int32Array.from({ length: 8 }, () => prng.below(3)) },
    rows: 8,
    rowWeights: Float32Array.from({ length: 8 }, () => prng.below(100) / 50),
  }));
  const losses = (['eager', 'compiled'] as const).map((choice) => {
    const { engine } = createEngine(
      tf,
      { objective: withMixing(plain, config), optimizer: resolveNamed(optimizerRegistry, 'adam'), seed: 3 },
      { train: [8], evaluate: undefined, rowWeights: true },
      choice,
    );
    const outcome = batches.map((batch, step) => engine.train([batch], step, [0.01])[0]!.loss);
    engine.dispose();
    return outcome;
  });
  losses[0]!.forEach((loss, index) => expect(losses[1]![index]).toBeCloseTo(loss, 4));
});

test('what cannot be mixed is refused', () => {
  const inputs = (...specs: TensorSpec[]): { inputs: TensorSpec[] } => ({ inputs: specs });
  const refused = (config: MixingConfig, specs: { inputs: TensorSpec[] }, output: OutputSpec, objective = 'supervised'): string => {
    try {
      checkMixing(config, objective, specs, output);
    } catch (error) {
      return (error as Error).message;
    }
    return '';
  };
  const table: TensorSpec = { name: 'table', shape: [4], dtype: 'float32' };
  expect(refused({ mixUp: { alpha: 1 } }, inputs(table), CLASSES)).toBe('');
  expect(refused({ mixUp: { alpha: 1 } }, inputs(table), { kind: 'number', name: 'price', width: 1 })).toContain('"price" is a number');
  expect(refused({ mixUp: { alpha: 1 } }, inputs(IMAGE), CLASSES, 'reconstruction')).toContain('reconstruction');
  expect(refused({ mixUp: { alpha: 1 } }, inputs({ name: 'text', shape: [9], dtype: 'int32', vocabularySize: 20 }), CLASSES)).toContain(
    '"text" holds token ids',
  );
  expect(refused({ cutMix: { alpha: 1 } }, inputs(table), CLASSES)).toContain('"table" [4]');
});
