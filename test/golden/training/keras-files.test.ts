import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { isPerennialError } from '../../../src/core/errors.ts';
import { Prng } from '../../../src/core/prng.ts';
import { readModelFile } from '../../../src/training/imports/read-model.ts';
import { NO_LOGITS, Network } from '../../../src/training/model/network.ts';
import { loadTf } from '../../../src/training/tensorflow/tf.ts';
import type { Tensor } from '../../../src/training/tensorflow/tf.ts';
import { zip } from '../../unit/provisioning/make-zip.ts';

interface Values {
  readonly shape: number[];
  readonly values: number[];
}

const tf = loadTf();
const folder = join(import.meta.dirname, 'keras-files');
const { cases } = JSON.parse(readFileSync(join(folder, 'predictions.json'), 'utf8')) as {
  cases: { file: string; inputs: Record<string, Values>; output: Values }[];
};
const scratch = mkdtempSync(join(tmpdir(), 'perennial-keras-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

describe('models that Keras wrote', () => {
  test.each(cases.map((golden) => [golden.file, golden] as const))('%s predicts here as there', async (file, { inputs, output }) => {
    const { topology, weights } = await readModelFile(join(folder, file));
    const network = new Network(topology);
    expect(topology.inputs.map(({ name }) => name).sort()).toEqual(Object.keys(inputs).sort());
    const tensors = new Map(
      network.weights.map(({ fullName, shape }) => [fullName, tf.tensor(weights.get(fullName)!, [...shape], 'float32') as Tensor]),
    );
    const given = Object.fromEntries(
      Object.entries(inputs).map(([name, { shape, values }]) => [name, tf.tensor(values, shape, name === 'text' ? 'int32' : 'float32')]),
    );
    const actual = network.forward(tf, given, tensors, { training: false, seed: 0, iteration: 0, logits: NO_LOGITS }).output;
    expect(actual.shape).toEqual(output.shape);
    actual.dataSync().forEach((value, index) => expect(Math.abs(value - output.values[index]!)).toBeLessThan(2e-6));
  });
});

/** One of every way to write. */
const DAMAGED = ['image-keras3.h5', 'text-keras3.keras', 'text-tf_keras.h5'];

describe('damaged and hostile files', () => {
  test.each(DAMAGED)('%s, cut short anywhere, is refused in words', async (file) => {
    const bytes = readFileSync(join(folder, file));
    const prng = new Prng('cut', file);
    for (let turn = 0; turn < 4; turn++) {
      const path = join(scratch, `${turn}-${file}`);
      writeFileSync(path, bytes.subarray(0, turn === 0 ? 0 : prng.below(bytes.length - 1)));
      const error: unknown = await readModelFile(path).then(
        () => undefined,
        (problem: unknown) => problem,
      );
      expect(isPerennialError(error), String(error)).toBe(true);
      expect((error as Error).message).toMatch(
        / is neither HDF5|: (it is cut short: it has \d+ bytes of \d+|it is a damaged HDF5 file|it is not a zip archive)/,
      );
    }
  });

  test.each(DAMAGED)('%s, with bytes changed anywhere, is read or refused in words', async (file) => {
    const bytes = readFileSync(join(folder, file));
    const prng = new Prng('flip', file);
    for (let turn = 0; turn < 5; turn++) {
      const changed = Buffer.from(bytes);
      for (let flip = 0; flip < 4; flip++) changed[prng.below(changed.length)]! ^= 1 << prng.below(8);
      const path = join(scratch, `flip-${turn}-${file}`);
      writeFileSync(path, changed);
      const error: unknown = await readModelFile(path).then(
        () => undefined,
        (problem: unknown) => problem,
      );
      if (error !== undefined) expect(isPerennialError(error), String((error as Error).stack)).toBe(true);
    }
  });

  const layersModel = (
    manifest: unknown,
    topology: unknown = {
      class_name: 'Sequential',
      config: { name: 's', layers: [{ class_name: 'Dense', config: { name: 'd', units: 1, batch_input_shape: [null, 2] } }] },
    },
  ): string => {
    const path = mkdtempSync(join(scratch, 'tfjs-'));
    writeFileSync(
      join(path, 'model.json'),
      JSON.stringify({
        format: 'layers-model',
        modelTopology: { keras_version: '2.15.0', backend: 'tensorflow', model_config: topology },
        weightsManifest: manifest,
      }),
    );
    return path;
  };
  const dense = [
    { name: 'd/kernel', shape: [2, 1], dtype: 'float32' },
    { name: 'd/bias', shape: [1], dtype: 'float32' },
  ];

  const written = (name: string, bytes: string | Buffer): string => {
    const path = join(mkdtempSync(join(scratch, 'file-')), name);
    writeFileSync(path, bytes);
    return path;
  };
  const packed = (name: string, data: Buffer): string => written('model.keras', zip([{ name, data }]));
  const shard = (path: string, ...values: number[]): string => {
    writeFileSync(join(path, 'w.bin'), Buffer.from(Float32Array.from(values).buffer));
    return path;
  };

  const linked = layersModel([{ paths: ['w.bin'], weights: dense }]);
  symlinkSync(join(folder, 'predictions.json'), join(linked, 'w.bin'));

  test.each([
    ['a link out of its folder', linked, /link out of its folder/],
    ['a path out of its folder', layersModel([{ paths: ['../../../etc/passwd'], weights: dense }]), /passwd|outside|leave|folder|name/i],
    ['an absolute path', layersModel([{ paths: ['/etc/passwd'], weights: dense }]), /passwd|outside|leave|folder|name/i],
    [
      'weights larger than their shards',
      layersModel([{ paths: ['w.bin'], weights: [{ name: 'd/kernel', shape: [1e6, 1e6], dtype: 'float32' }] }]),
      /./,
    ],
    [
      'a layer that runs code',
      layersModel([], {
        class_name: 'Sequential',
        config: {
          name: 's',
          layers: [{ class_name: 'Lambda', config: { name: 'evil', function: 'os.system', batch_input_shape: [null, 2] } }],
        },
      }),
      /Lambda/,
    ],
    [
      'a layer that there is not',
      layersModel([], {
        class_name: 'Sequential',
        config: { name: 's', layers: [{ class_name: 'Quantum', config: { name: 'q', batch_input_shape: [null, 2] } }] },
      }),
      /Quantum/,
    ],
    [
      'a weight that is no number',
      shard(layersModel([{ paths: ['w.bin'], weights: dense }]), 1, NaN, 3),
      /the weight "d\/kernel" holds NaN at place 1/,
    ],
    [
      'shards longer than their weights',
      shard(layersModel([{ paths: ['w.bin'], weights: dense }]), 1, 2, 3, 4),
      /16 bytes; the manifest describes 12/,
    ],
    ['a shard named twice', shard(layersModel([{ paths: ['w.bin', 'w.bin'], weights: dense }]), 1, 2, 3), /"w.bin" twice/],
    [
      'an archive that unpacks to a thousand times its size',
      packed('config.json', Buffer.alloc(200 << 20, 'a')),
      /unpacks to 209715\d+ bytes with "config.json"; up to \d+ are read/,
    ],
    ['JSON nested without end', written('model.json', '{"a":'.repeat(1e5)), /nested more than 200 deep/],
    ['JSON of millions of values', written('model.json', `{"a":[${'[],'.repeat(3e6)}0]}`), /more than 2000000 values/],
  ])('%s is refused', async (_title, path, message) => {
    const error: unknown = await readModelFile(path).then(
      () => undefined,
      (problem: unknown) => problem,
    );
    expect(isPerennialError(error), String(error)).toBe(true);
    expect((error as Error).message).toMatch(message);
  });
});
