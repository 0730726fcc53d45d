import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { builtKernels } from '../../../src/provisioning/kernels.ts';
import { layerRegistry } from '../../../src/training/layers/index.generated.ts';
import { resolveNamed } from '../../../src/training/model/named.ts';
import { optimizerRegistry } from '../../../src/training/optimizers/index.generated.ts';
import { mayUseOwnOperations } from '../../../src/training/tensorflow/own-operations.ts';
import { recording } from '../../../src/training/tensorflow/recorder.ts';
import { loadTf } from '../../../src/training/tensorflow/tf.ts';
import { bundleModule } from '../../support/bundle.ts';
import { packageRoot } from '../../../src/platform/paths.ts';
import { cases, outcome, random, recurrent } from './own-operation-cases.ts';

const tf = loadTf();

/** Graphs for other readers hold the library's operations alone. */
const withoutOwn = <T>(body: () => T): T =>
  recording(
    {
      portable: true,
      scan: () => {
        throw new Error('a portable graph holds no loops');
      },
    },
    body,
  );

function expectSame(own: readonly Float32Array[], library: readonly Float32Array[]): void {
  expect(own.length).toBe(library.length);
  own.forEach((values, index) => {
    const expected = library[index]!;
    const scale = Math.max(1, ...expected.map(Math.abs));
    expect(values).toHaveLength(expected.length);
    expect(Math.max(...values.map((value, at) => Math.abs(value - expected[at]!))) / scale).toBeLessThan(5e-6);
  });
}

describe.skipIf(builtKernels() === undefined)('our own operations', () => {
  it('are used, but not in graphs for other readers', () => {
    expect(mayUseOwnOperations(tf)).toBe(true);
    expect(withoutOwn(() => mayUseOwnOperations(tf))).toBe(false);
  });

  it.each(cases)('$type over $shape, masked: $masked, gives what the operations of the library give', (each) => {
    expectSame(
      outcome(each),
      withoutOwn(() => outcome(each)),
    );
  });

  it('an update by Adam is that of the operations of the library', () => {
    const { definition, config } = resolveNamed(optimizerRegistry, 'adam');
    const update = (): Float32Array[] => {
      const slots = { mean: random([20_001], 3), variance: tf.abs(random([20_001], 4)) };
      const step = { weights: random([20_001], 1), gradient: random([20_001], 2), slots, scalars: { alpha: tf.scalar(0.01) } };
      const next = definition.update(tf, step, config);
      return [next.weights, next.slots.mean!, next.slots.variance!].map((tensor) => tensor.dataSync() as Float32Array);
    };
    expectSame(update(), withoutOwn(update));
  });

  it('what is not a number stays so', () => {
    for (const type of ['gru', 'lstm']) {
      const definition = layerRegistry.get(type, 'MODEL_INVALID');
      const config = { ...recurrent, units: 3, returnSequences: false, resetAfter: true } as never;
      const weights = Object.fromEntries(definition.weights([[4, 2]], config).map(({ name, shape }) => [name, random(shape, 5)]));
      const context = { training: false, seed: [1, 1], masks: [undefined] } as never;
      const output = definition.call(tf, [tf.fill([1, 4, 2], NaN)], weights, config, context);
      expect([...(output.dataSync() as Float32Array)]).toEqual([NaN, NaN, NaN]);
    }
  });

  it('give the same bits with one thread as with several', async () => {
    const script = await bundleModule(join(packageRoot(), 'test', 'unit', 'training', 'own-operation-digests.ts'));
    const digestsWith = async (threads: number): Promise<unknown> => {
      const env = { ...process.env, TF_NUM_INTRAOP_THREADS: String(threads) };
      return JSON.parse((await promisify(execFile)(process.execPath, [script], { env })).stdout);
    };
    const alone = await digestsWith(1);
    expect(alone).toHaveLength(cases.length);
    for (const threads of [2, 3, 5]) expect(await digestsWith(threads)).toEqual(alone);
  });
});
