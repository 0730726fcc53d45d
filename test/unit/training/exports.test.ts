import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Json } from '../../../src/core/json.ts';
import type { OpenArtifact } from '../../../src/core/ports.ts';
import { collectGarbage } from '../../../src/registry/gc.ts';
import { writeStoredExport } from '../../../src/registry/export.ts';
import { exportsOf, findExport, makeExport, saveExports } from '../../../src/registry/version-exports.ts';
import { exportRegistry } from '../../../src/training/exports/index.generated.ts';
import { exportNetwork } from '../../../src/training/bundle/create-export.ts';
import type { Export } from '../../../src/training/bundle/create-export.ts';
import { readModelFile } from '../../../src/training/imports/read-model.ts';
import { encodeHdf5, splitEvenly } from '../../../src/training/keras/hdf5.ts';
import { decodeQuantized, fromHalf, quantize, toHalf } from '../../../src/training/keras/quantization.ts';
import type { ModelConfig } from '../../../src/training/model/model-config.ts';
import type { Named } from '../../../src/training/model/named.ts';
import { Network } from '../../../src/training/model/network.ts';
import { buildTopology } from '../../../src/training/model/topology.ts';
import { loadTf } from '../../../src/training/tensorflow/tf.ts';
import { createArtifactStore } from '../../../src/storage/artifact-store.ts';
import { putJson } from '../../../src/storage/json-objects.ts';
import { MemoryStore } from '../../../src/storage/memory-store.ts';
import { encodeWeights } from '../../../src/training/bundle/weights-file.ts';
import { EXPORT_CASES, exportRows, exportSource } from '../../golden/training/export-cases.ts';
import { temporaryFolder } from './fixtures.ts';
import { modelFacts } from '../../support/stored-facts.ts';

const tf = loadTf();
const golden = (name: string): (typeof EXPORT_CASES)[number] => EXPORT_CASES.find((each) => each.name === name)!;
const made = (name: string, format: Named): Promise<Export> =>
  exportNetwork(exportSource(golden(name)), Buffer.from('{}'), format, { batch: exportRows(golden(name)), rows: 7, source: 'test' });

function folderOf({ files }: Pick<Export, 'files'>): string {
  const folder = temporaryFolder();
  for (const [name, bytes] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), bytes);
  }
  return folder;
}

describe('TensorFlow.js', () => {
  test.each(['mlp', 'cnn', 'residual', 'separable', 'lstm', 'textCnn'])(
    '%s is a layers model, and reads back as the same weights',
    async (name) => {
      const written = await made(name, 'tfjs');
      expect(written.check.largestDifference).toBeLessThan(1e-5);
      const { weights } = await readModelFile(folderOf(written));
      const source = exportSource(golden(name));
      expect([...weights.values()].map((values) => [...values])).toEqual([...source.weights.values()].map((values) => [...values]));
    },
  );

  test.each(['gru', 'attention', 'text'])('%s, whose layers are not there, is a graph model', async (name) => {
    await expect(made(name, 'tfjs')).rejects.toMatchObject({
      code: 'MODEL_INVALID',
      message: expect.stringMatching(/^The layer "\w+" \(\w+\) cannot be exported to a TensorFlow\.js layers model: /) as string,
    });
    expect((await made(name, 'tfjsGraph')).check.largestDifference).toBeLessThan(1e-5);
  });

  test('is not given a mean over steps that count, which it has not; Keras is, with what it says of padding alone', async () => {
    const mean = {
      ...golden('text'),
      name: 'mean',
      model: { architecture: 'rnn', recurrentUnits: [4], pooling: 'average' },
      loss: 'hinge',
    };
    const exported = (format: string): Promise<Export> =>
      exportNetwork(exportSource(mean), Buffer.from('{}'), format, { batch: exportRows(mean), rows: 7, source: 'test' });
    await expect(exported('tfjs')).rejects.toMatchObject({
      code: 'MODEL_INVALID',
      message:
        'The layer "pooled" (globalAveragePooling1d) cannot be exported as layers: it takes the mean over the steps that are no padding, and TensorFlow.js one over all steps.',
    });
    const { notes } = await exported('kerasH5');
    expect(notes.join('\n')).toMatch(/nothing but padding Keras gives NaN, and Perennial 0[^]*margins as they are/);
  });

  test('packs weights by pattern, and says what it costs', async () => {
    const exact = await made('cnn', 'tfjs');
    const size = ({ files }: Export): number =>
      Object.entries(files)
        .filter(([name]) => name.endsWith('.bin'))
        .reduce((sum, [, bytes]) => sum + bytes.length, 0);
    for (const [type, share, bound] of [
      ['uint8', 0.25, 0.05],
      ['uint16', 0.5, 1e-3],
      ['float16', 0.5, 0.01],
    ] as const) {
      const packed = await made('cnn', { tfjs: { quantize: { [type]: '*' } } });
      expect(size(packed)).toBe(size(exact) * share);
      expect(packed.check.largestDifference).toBeGreaterThan(0);
      expect(packed.check.largestDifference).toBeLessThan(bound);
      expect(packed.check.sameClass).toBeGreaterThan(0.8);
    }
    const some = await made('cnn', { tfjs: { quantize: { uint8: 'dense*/kernel', float16: ['conv*'] } } });
    const manifest = (
      JSON.parse(Buffer.from(some.files['model.json']!).toString()) as {
        weightsManifest: { weights: { name: string; quantization?: { dtype: string } }[] }[];
      }
    ).weightsManifest[0]!.weights;
    for (const { name, quantization } of manifest)
      expect([name, quantization?.dtype]).toEqual([
        name,
        /^dense.*\/kernel$/.test(name) ? 'uint8' : name.startsWith('conv') ? 'float16' : undefined,
      ]);
    await expect(made('cnn', { tfjs: { quantize: { uint8: 'nothing*' } } })).rejects.toMatchObject({
      message: expect.stringContaining('matches no weight') as string,
    });
  });
});

describe('SavedModel', () => {
  test('is found by its signature, for any number of rows', async () => {
    const folder = folderOf(await made('mlp', 'savedModel'));
    const model = await tf.node.loadSavedModel(folder);
    const rows = exportRows(golden('mlp'));
    for (const count of [1, 3, 7]) {
      const output = model.predict({
        body_mass__g_: tf.tensor(rows['body mass (g)']!.data.slice(0, count * 5), [count, 5]),
        island: tf.tensor(rows.island!.data.slice(0, count), [count, 1], 'int32'),
      }) as Record<string, import('@tensorflow/tfjs-node').Tensor>;
      expect(output.probabilities!.shape).toEqual([count, 3]);
    }
    model.dispose();
    expect(readFileSync(join(folder, 'assets/labels.txt'), 'utf8')).toBe('a\nb\nc\n');
    expect(readdirSync(join(folder, 'assets.extra')).sort()).toEqual(['README.txt', 'preprocessor.json', 'signature.json']);
  });

  test('gives numbers in the units of the label', async () => {
    const { files, check } = await made('regression', 'savedModel');
    expect(check).toMatchObject({ rows: 7, source: 'test', batches: [1, 2, 4], sameClass: null });
    expect(JSON.parse(Buffer.from(files['assets.extra/signature.json']!).toString())).toMatchObject({
      inputs: [{ name: 'body_mass__g_', tensor: 'body mass (g)', shape: [null, 5] }],
      outputs: [{ name: 'value', shape: [null, 1] }],
    });
  });
});

test('a SavedModel reads values of columns where a graph can compute the transforms, and names the one that it cannot', async () => {
  const column = (name: string, type: string, parts: number, transforms: { name: string; value: Json; state: Json }[]): Json => ({
    name,
    type,
    required: true,
    spec: { name: 'features', shape: [parts], dtype: 'float32' },
    transforms,
  });
  const columns = [
    column('mass', 'number', 1, [
      { name: 'impute', value: 'median', state: { value: 4000 } },
      { name: 'standardize', value: null, state: { mean: 4200, std: 800 } },
    ]),
    column('bill', 'number', 2, [{ name: 'bucketize', value: null, state: { edges: [40] } }]),
    column('island', 'string', 2, [
      { name: 'impute', value: 'mostFrequent', state: { value: 'Dream' } },
      { name: 'oneHot', value: null, state: { categories: ['Biscoe', 'Dream'] } },
    ]),
  ];
  const source = exportSource({ ...golden('regression'), inputs: [{ name: 'features', shape: [5], dtype: 'float32' }] });
  const json = (all: Json[]): Uint8Array =>
    Buffer.from(JSON.stringify({ formatVersion: 1, seed: 1, columns: all, output: source.meta.output }));
  const { check, files } = await exportNetwork(source, json(columns), 'savedModel', undefined);
  expect(check.largestDifference).toBeLessThan(1e-5);
  expect(JSON.parse(Buffer.from(files['assets.extra/signature.json']!).toString())).toMatchObject({
    rows: {
      inputs: [
        { column: 'mass', dtype: 'float32', missing: 'NaN' },
        { column: 'bill' },
        { column: 'island', dtype: 'string', missing: '' },
      ],
    },
  });
  const hashed = await exportNetwork(
    source,
    json([...columns.slice(0, 2), column('island', 'string', 2, [{ name: 'hashing', value: { buckets: 2 }, state: null }])]),
    'savedModel',
    undefined,
  );
  expect(hashed.notes.join()).toContain('the transform "hashing" of the column "island" has no counterpart');
});

describe('Keras', () => {
  test('a layer that Keras has not is refused by its name', async () => {
    const topology = buildTopology(
      [
        { type: 'masking' },
        { type: 'lstm', units: 2, returnSequences: true },
        { type: 'sequencePooling', name: 'pooled' },
        { type: 'dense', units: 2 },
      ],
      golden('lstm').inputs,
    );
    const network = new Network(topology);
    const source = { ...exportSource(golden('lstm')), network, weights: network.initialWeights(1) };
    await expect(exportNetwork(source, Buffer.from('{}'), 'kerasH5', undefined)).rejects.toMatchObject({
      code: 'MODEL_INVALID',
      message: expect.stringContaining('The layer "pooled" (sequencePooling) cannot be exported as layers') as string,
    });
  });

  const transformer = { architecture: 'transformer', layers: 2, heads: 2, modelSize: 8 };
  test.each<[string, ModelConfig, 'text' | 'lstm']>([
    ['places and the mean of padded steps', transformer, 'text'],
    ['waves and the largest values', { ...transformer, positions: 'sinusoidal', pooling: 'max' }, 'text'],
    ['a class token', { ...transformer, layers: 1, pooling: 'classToken' }, 'text'],
    ['the last step', { ...transformer, layers: 1, causal: true, pooling: 'last' }, 'text'],
    ['windows', { ...transformer, norm: 'last', pooling: 'last' }, 'lstm'],
    [
      'layers in layers',
      {
        layers: [
          { type: 'timeDistributed', layer: { type: 'dense', units: 4, activation: 'tanh' } },
          { type: 'flatten' },
          { type: 'spectralNormalization', layer: { type: 'dense', units: 3 } },
          { type: 'dense', units: 1 },
        ],
      },
      'lstm',
    ],
  ])('layers of our own are put in layers of Keras: %s', async (_title, model, data) => {
    const own = { ...golden(data), model };
    const { check, files } = await exportNetwork(
      exportSource({ ...own, ...(data === 'text' ? { loss: 'categoricalCrossentropy' } : {}) }),
      Buffer.from('{}'),
      'kerasH5',
      { batch: exportRows(own), rows: 7, source: 'test' },
    );
    expect(check.largestDifference).toBeLessThan(1e-5);
    expect((await readModelFile(join(folderOf({ files }), 'model.h5'))).topology.inputs).toHaveLength(1);
  });

  test('what is left out is told, and masks that Keras would lose are refused', async () => {
    expect((await made('cnn', 'kerasJson')).notes.join()).toMatch(/"\w+" \(randomFlip\): left out/);
    const lost = exportSource({ ...golden('text'), loss: 'categoricalCrossentropy', model: { ...transformer, norm: 'last' } });
    await expect(exportNetwork(lost, Buffer.from('{}'), 'kerasH5', undefined)).rejects.toMatchObject({
      message: expect.stringContaining('The layer "attention_2" (multiHeadAttention) cannot be exported as layers') as string,
    });
  });

  test('what differs from the model is no export', async () => {
    const source = exportSource(golden('regression'));
    // Next to one large weight, 256 steps leave nothing of the others.
    const steep = new Map(
      [...source.weights].map(([name, values], index) => [
        name,
        index === 0 ? values.map((value, at) => (at === 0 ? 1e4 : value)) : values,
      ]),
    );
    await expect(
      exportNetwork({ ...source, weights: steep }, Buffer.from('{}'), { tfjsGraph: { quantize: { uint8: '*' } } }, undefined),
    ).rejects.toMatchObject({ code: 'EXPORT_DIFFERS' });
  });

  test('augmentation stays with training', async () => {
    const { files } = await made('cnn', 'kerasJson');
    expect(Buffer.from(files['model.json']!).toString()).not.toContain('Random');
    expect(exportSource(golden('cnn')).network.topology.layers.some(({ type }) => type === 'randomFlip')).toBe(true);
  });

  test('lists of names longer than a header holds are split', async () => {
    expect(splitEvenly(['a', 'b', 'c', 'd', 'e'], 2)).toEqual([['a', 'b'], ['c', 'd'], ['e']]);
    const names = Array.from({ length: 3_000 }, (_, index) => `a_layer_with_quite_a_long_name_${index}`);
    const bytes = Buffer.from(await encodeHdf5({ attributes: { layer_names: names } }));
    expect(bytes.includes('layer_names0') && bytes.includes('layer_names1')).toBe(true);
    expect(await encodeHdf5({ attributes: { layer_names: names } })).toEqual(new Uint8Array(bytes));
  });
});

describe('quantization', () => {
  test('keeps zero exact, and constants', () => {
    const values = Float32Array.of(-1, -0.3, 0, 0.7, 2.1);
    for (const [type, step] of [
      ['uint8', 3.1 / 255],
      ['uint16', 3.1 / 65_535],
    ] as const) {
      const { bytes, quantization } = quantize(values, type);
      const back = decodeQuantized(bytes, quantization);
      expect(back[2]).toBe(0);
      back.forEach((value, index) => expect(Math.abs(value - values[index]!)).toBeLessThanOrEqual(step));
    }
    expect(quantize(Float32Array.of(5, 5), 'uint8')).toEqual({
      bytes: Uint8Array.of(0, 0),
      quantization: { dtype: 'uint8', min: 5, scale: 1 },
    });
  });

  test.each([
    [1, 0x3c00],
    [-2, 0xc000],
    [65_504, 0x7bff],
    [65_520, 0x7c00],
    [2 ** -14, 0x0400],
    [2 ** -24, 0x0001],
    [2 ** -25, 0x0000],
    [0.1, 0x2e66],
    [1 + 1 / 2048, 0x3c00],
    [1 + 3 / 2048, 0x3c02],
  ])('%f is %i in half precision', (value, bits) => {
    expect(toHalf(value)).toBe(bits);
    if (bits !== 0x7c00 && bits !== 0) expect(Math.abs(fromHalf(bits) / value - 1)).toBeLessThan(1e-3);
  });
});

test('a version keeps its exports, and loses them with itself', async () => {
  let now = Date.UTC(2026, 0, 1);
  const store = new MemoryStore({ now: () => now });
  const artifacts = createArtifactStore(store, temporaryFolder());
  const { meta, network, weights } = exportSource(golden('regression'));
  const { manifest, bytes } = encodeWeights(network.weights, weights);
  const json = (value: unknown): Uint8Array => Buffer.from(JSON.stringify(value));
  const files = {
    'topology.json': json(network.topology),
    'weights.json': json(manifest),
    'weights.bin': bytes,
    'preprocessor.json': json({}),
  };
  const model: OpenArtifact = await artifacts.open(
    await artifacts.write({
      kind: 'model',
      summary: 'm',
      files,
      meta: modelFacts({ ...meta, examples: '0'.repeat(64) }) as unknown as Json,
    }),
  );
  await saveExports(store, 'mass', 3, [
    await makeExport(artifacts, model, 'mass', 'savedModel'),
    await makeExport(artifacts, model, 'mass', { tfjs: { quantize: { float16: '*' } } }),
  ]);
  expect((await exportsOf(store, 'mass', 3)).map(({ format, folder, check }) => [format, folder, check.source])).toEqual([
    ['savedModel', 'mass/3', 'drawn'],
    ['tfjs', '', 'drawn'],
  ]);
  expect(await findExport(store, 'mass', 3, 'tfjs', {})).toBeUndefined();
  const target = join(temporaryFolder(), 'serving');
  const written = await writeStoredExport(store, (await findExport(store, 'mass', 3, 'savedModel', {}))!, target);
  expect(written.files).toContain('mass/3/saved_model.pb');
  await expect(writeStoredExport(store, (await findExport(store, 'mass', 3, 'savedModel', {}))!, target)).rejects.toMatchObject({
    code: 'USAGE',
  });
  // Everything is old enough to be collected.
  now += 60 * 24 * 3_600_000;
  const kept = (await collectGarbage(store)).items.map(({ key }) => key);
  const keys = (await exportsOf(store, 'mass', 3)).map(({ artifact }) => `artifacts/${artifact.digest}.json`);
  for (const key of keys) expect(kept).not.toContain(key);
  const at = { at: '2026-01-01T00:00:00.000Z', who: 'test', why: 'test' };
  await putJson(store, 'models/mass/routing.json', {
    formatVersion: 1,
    name: 'mass',
    revision: 1,
    aliases: {},
    traffic: null,
    shadow: null,
    pin: null,
    previous: [],
    deleted: [3],
    transition: at,
  });
  expect((await collectGarbage(store)).items.map(({ key }) => key)).toEqual(expect.arrayContaining(keys));
});

describe.each(exportRegistry.all())('the unit of what the export $name answers', (definition) => {
  test('is that of the source, or said with how to get there', async () => {
    const { files, notes } = await made('regression', definition.name);
    const said = {
      source: 'It answers "mass" in the unit of the source data.',
      network: 'It answers "mass" as the network learnt it, scaled: answer * 800 + 4200 is "mass" in the unit of the source data.',
    }[definition.answers];
    expect(notes).toContain(said);
    expect(
      Object.entries(files)
        .filter(([path]) => path.endsWith('README.txt'))
        .map(([, text]) => Buffer.from(text).toString()),
    ).toEqual([expect.stringContaining(said)]);
    const [value] = Object.values(definition.outputs(tf, exportSource(golden('regression')), tf.tensor2d([[0.5]])));
    expect(value!.dataSync()[0]).toBeCloseTo(definition.answers === 'source' ? 4600 : 0.5, 3);
  });
});
