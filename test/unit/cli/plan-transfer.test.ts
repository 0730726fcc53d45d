import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { planModels } from '../../../src/planning/plan-model.ts';
import { compileText } from '../../../src/config/plan-document.ts';
import { createRegistry } from '../../../src/registry/registry.ts';
import { createArtifactStore } from '../../../src/storage/artifact-store.ts';
import { FileStore } from '../../../src/storage/file-store.ts';
import { buildTopology } from '../../../src/training/model/topology.ts';
import { tempDir } from '../../support/temp-dir.ts';
import { modelFacts } from '../../support/stored-facts.ts';
import type { Json } from '@duckdb/node-api';
import type { OutputSpec } from '../../../src/core/tensor.ts';

const dir = tempDir('plan-transfer');
const before = process.env.PERENNIAL_STORE;
const ingest = { uses: 'ingest', with: { source: { format: 'csv', path: 'rows.csv' }, label: 'kind' } };
const features = { x: ['standardize'], y: ['standardize'] };

beforeAll(async () => {
  process.env.PERENNIAL_STORE = `file:${join(dir, 'store')}`;
  writeFileSync(
    join(dir, 'rows.csv'),
    `x,y,kind\n${Array.from({ length: 60 }, (_, row) => `${row % 7},${row % 5},${'ab'[row % 2]}`).join('\n')}\n`,
  );
  const store = new FileStore(join(dir, 'store'));
  const artifacts = createArtifactStore(store, join(dir, 'cache'));
  const input = { name: 'features', shape: [2], dtype: 'float32' as const };
  const output = { kind: 'classes', name: 'kind', classes: ['a', 'b'] };
  const column = (name: string): object => ({
    name,
    type: 'integer',
    required: true,
    spec: { name: 'features', shape: [1], dtype: 'float32', parts: [name] },
    transforms: [{ name: 'standardize', value: null, state: { mean: 1, std: 2 } }],
  });
  const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));
  const topology = buildTopology(
    [
      { type: 'dense', name: 'hidden', units: 6 },
      { type: 'dense', name: 'output', units: 2, activation: 'softmax' },
    ],
    [input],
  );
  const modelRef = await artifacts.write({
    kind: 'model',
    summary: 'm',
    meta: modelFacts({ output: output as OutputSpec }) as unknown as Json,
    files: {
      'topology.json': json(topology),
      'preprocessor.json': json({ formatVersion: 1, seed: 1, columns: [column('x'), column('y')], output }),
    },
  });
  await createRegistry(store, artifacts).register({ model: 'kinds', modelRef, pipeline: 'p', runId: 'r', stepId: 's' });
});

afterAll(() => {
  if (before === undefined) delete process.env.PERENNIAL_STORE;
  else process.env.PERENNIAL_STORE = before;
});

async function plan(...steps: unknown[]): ReturnType<typeof planModels> {
  const { plan: compiled, diagnostics } = compileText(
    join(dir, 'p.json'),
    JSON.stringify({ apiVersion: 'perennial/v1', name: 'p', steps: [ingest, ...steps] }),
  );
  if (compiled === undefined) throw new Error(JSON.stringify(diagnostics));
  return planModels(compiled, '2026-01-01T00:00:00Z');
}

test('the plan shows what is frozen, and from which version it would start now', async () => {
  const [model] = await plan(
    { uses: 'preprocess', with: { from: { model: 'kinds', version: 1 } } },
    { uses: 'train', with: { model: { from: { model: 'kinds', version: 'latest' }, head: 'replace', freeze: ['hidden'] } } },
  );
  expect(model).toMatchObject({
    base: 'kinds version 1',
    parameters: 3 * 6 + 7 * 2,
    trainableParameters: 14,
    inputs: [{ name: 'features', shape: [2] }],
  });
  expect(model!.layers.map(({ name, frozen }) => [name, frozen])).toEqual([
    ['hidden', 'weights'],
    ['output', undefined],
  ]);
});

test('a model of the same document is the base of the next', async () => {
  const models = await plan(
    { uses: 'preprocess', with: { features } },
    { id: 'first', uses: 'train', with: { model: { architecture: 'mlp', units: [5] } } },
    { id: 'second', uses: 'train', with: { model: { from: { input: 'base' }, freeze: ['dense_1'] } } },
  );
  expect(models).toMatchObject([
    { step: 'first', parameters: 27 },
    { step: 'second', base: 'the model of "first"', parameters: 27, trainableParameters: 12 },
  ]);
});

test('a plan tells of the network that a generator is trained against, also where both go on', async () => {
  const [first, second] = await plan(
    { uses: 'preprocess', with: { features } },
    {
      id: 'first',
      uses: 'train',
      with: { model: { architecture: 'gan', latentSize: 3, generator: { units: [4] }, discriminator: { units: [5] } } },
    },
    { id: 'second', uses: 'train', with: { model: { from: { input: 'base' } }, epochs: 2 } },
  );
  const companions = [
    {
      name: 'discriminator',
      parameters: 3 * 5 + 6,
      layers: [
        { name: 'judge_1', outputShape: [5] },
        { name: 'verdict', outputShape: [1] },
      ],
    },
  ];
  expect(first).toMatchObject({ parameters: 4 * 4 + 5 * 2, companions, output: 'samples like the training examples' });
  expect(second).toMatchObject({ base: 'the model of "first"', parameters: 26, companions, loss: 'adversarial' });
});

test('what is missing is a problem, or trained from the start', async () => {
  const missing = { model: 'kinds', version: 'champion' };
  const [failing] = await plan({ uses: 'preprocess', with: { features } }, { uses: 'train', with: { model: { from: missing } } });
  expect(failing!.problem).toMatchObject({
    code: 'VERSION_INVALID',
    message: '"kinds" has no version "champion". It has the versions 1 and no alias.',
  });
  const [fresh] = await plan(
    { uses: 'preprocess', with: { features, from: { ...missing, onMissing: 'fit' } } },
    { uses: 'train', with: { model: { from: missing, onMissing: { architecture: 'mlp', units: [4] } } } },
  );
  expect(fresh).toMatchObject({ parameters: 22, inputs: [{ shape: [2] }] });
  expect(fresh).not.toHaveProperty('base');
  const [file] = await plan({ uses: 'preprocess', with: { features } }, { uses: 'train', with: { model: { from: { file: 'none.h5' } } } });
  expect(file!.problem).toMatchObject({
    code: 'SOURCE_NOT_FOUND',
    message: expect.stringContaining('there is no model file "none.h5"') as string,
  });
  const [unfit] = await plan(
    { uses: 'preprocess', with: { features: { x: ['standardize'] } } },
    { uses: 'train', with: { model: { from: { model: 'kinds', version: 1 } } } },
  );
  expect(unfit!.problem).toMatchObject({ code: 'SHAPE_MISMATCH' });
});
