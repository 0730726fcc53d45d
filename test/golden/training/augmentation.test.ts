import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { layers, layerRegistry } from '../../../src/training/layers/index.generated.ts';
import { withDefaults } from '../../../src/training/model/named.ts';
import { loadTf } from '../../../src/training/tensorflow/tf.ts';
import type { Tensor, Tf } from '../../../src/training/tensorflow/tf.ts';

interface Values {
  readonly shape: number[];
  readonly values: number[];
}
interface Case {
  readonly type: string;
  readonly config: Record<string, unknown>;
  readonly images: Values;
  readonly draws: Values;
  readonly output: Values;
}

let given: Values = { shape: [], values: [] };

vi.mock('../../../src/training/tensorflow/tf.ts', async (original) => ({
  ...(await original<object>()),
  // The draws of the case stand in for those that follow from the seed.
  statelessUniform: (tf: Tf, shape: readonly number[]) => {
    expect(shape).toEqual(given.shape);
    return tf.tensor(given.values, given.shape);
  },
}));

const tf = loadTf();
const { cases } = JSON.parse(readFileSync(join(import.meta.dirname, 'augmentation.json'), 'utf8')) as { cases: Case[] };
const tensor = ({ shape, values }: Values): Tensor => tf.tensor(values, shape);
const context = { masks: [undefined], seed: [1, 2] as const, update() {}, addLoss() {} };

test('every layer that augments has a case', () => {
  expect(
    layers
      .filter((layer) => layer.augmentation === true && layer.type !== 'gaussianNoise')
      .map((layer) => layer.type)
      .filter((type) => !cases.some((golden) => golden.type === type)),
  ).toEqual([]);
});

test.each(cases.map((golden, index) => [`${index} ${golden.type} ${JSON.stringify(golden.config)}`, golden] as const))(
  '%s',
  (_title, golden) => {
    const layer = layerRegistry.get(golden.type);
    const config = withDefaults(layer.configSchema, golden.config);
    given = golden.draws;
    expect([golden.output.shape[0], ...layer.outputShape([golden.images.shape.slice(1)], config)]).toEqual(golden.output.shape);
    const output = layer.call(tf, [tensor(golden.images)], {}, config, { ...context, training: true });
    expect(output.shape).toEqual(golden.output.shape);
    const actual = output.dataSync();
    for (const [index, value] of golden.output.values.entries())
      expect(Math.abs(actual[index]! - value), `at ${index}: ${actual[index]} for ${value}`).toBeLessThan(1e-5);
    if (layer.augmentation !== true || golden.type === 'randomCrop') return;
    expect([...layer.call(tf, [tensor(golden.images)], {}, config, { ...context, training: false }).dataSync()]).toEqual([
      ...tensor(golden.images).dataSync(),
    ]);
  },
);
