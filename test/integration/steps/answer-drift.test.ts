import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ArtifactRef } from '../../../src/core/artifact.ts';
import { Prng } from '../../../src/core/prng.ts';
import type { Row } from '../../../src/core/tensor.ts';
import { createRegistry } from '../../../src/registry/registry.ts';
import { createArtifactStore } from '../../../src/storage/artifact-store.ts';
import { FileStore } from '../../../src/storage/file-store.ts';
import { Perennial } from '../../support/perennial.ts';
import { runSteps } from '../../support/run-steps.ts';
import { tempDir } from '../../support/temp-dir.ts';
import { startServerProcess } from '../serving/server-process.ts';
import type { ServerProcess } from '../serving/server-process.ts';

/** Real steps train and register, a real server answers and logs, the command compares. */
const dir = tempDir('answer-drift');
const folder = join(dir, 'store');
const store = new FileStore(folder);
const artifacts = createArtifactStore(store, join(dir, 'cache'));
const registry = createRegistry(store, artifacts);
const perennial = new Perennial({ PERENNIAL_STORE: `file:${folder}` });
const author = { who: 'test', why: 'test' };
let server: ServerProcess;

const LABELS = { kinds: 'kind', prices: 'price' } as const;
const documentOf = (name: keyof typeof LABELS): unknown => ({
  apiVersion: 'perennial/v1',
  name,
  steps: [
    {
      uses: 'ingest',
      with: {
        source: { format: 'csv', path: `${name}.csv` },
        label: LABELS[name],
        split: { train: 0.4, validation: 0.4, test: 0.2 },
      },
    },
    { uses: 'preprocess', with: { features: { x: ['standardize'], y: ['standardize'] } } },
    { uses: 'train', with: { model: { architecture: 'mlp', units: [8] }, learningRate: 0.02, epochs: 3 } },
    { uses: 'evaluate', with: {} },
    { uses: 'register', with: {} },
  ],
});

function rowsOf(seed: string, count: number, shift = 0): Row[] {
  const random = new Prng('answer drift', seed);
  return Array.from({ length: count }, () => ({ x: shift + random.normal(), y: random.normal() }));
}

async function ask(model: string, rows: readonly Row[]): Promise<void> {
  const response = await fetch(`${server.url}/models/${model}/predict`, { method: 'POST', body: JSON.stringify({ rows }) });
  expect(response.status).toBe(200);
}

beforeAll(async () => {
  const random = new Prng('answer drift', 'labels');
  const rows = rowsOf('train', 3_000).map(({ x, y }): [number, number] => [x as number, y as number]);
  const kindOf = (value: number): string => (value < -0.5 ? 'low' : value < 0.5 ? 'middle' : 'high');
  const write = (name: keyof typeof LABELS, labelOf: (x: number, y: number) => string): void => {
    const lines = rows.map(([x, y]) => `${x.toFixed(4)},${y.toFixed(4)},${labelOf(x, y)}`);
    writeFileSync(join(dir, `${name}.csv`), `x,y,${LABELS[name]}\n${lines.join('\n')}\n`);
  };
  write('kinds', (x) => kindOf(x + 0.5 * random.normal()));
  write('prices', (x, y) => (2_000 + 10 * x - 5 * y + random.normal()).toFixed(2));
  for (const name of ['kinds', 'prices'] as const) {
    await runSteps({ dir, store, artifacts }, name, documentOf(name));
    await registry.promote(name, 1, author);
  }
  server = await startServerProcess({ PERENNIAL_HOME: perennial.home, PERENNIAL_STORE: `file:${folder}` });
});

afterAll(async () => {
  await server.stop();
});

const restart = async (): Promise<void> => {
  await server.stop();
  server = await startServerProcess({ PERENNIAL_HOME: perennial.home, PERENNIAL_STORE: `file:${folder}` });
};
const drift = (model: string, ...more: string[]) => perennial.run(['drift', model, '--window', '1h', '--json', ...more]);

test('the answers that a server logged are compared with those for the validation rows', async () => {
  for (const model of ['kinds', 'prices']) await ask(model, rowsOf('as before', 600));
  // What it logged is written when it ends.
  await restart();
  const [kinds, prices] = [(await drift('kinds')).json(), (await drift('prices')).json()];
  const columnsOf = ({ columns }: { columns: { name: string; status: string; drifted: boolean }[] }): unknown =>
    columns.map(({ name, status, drifted }) => [name, status, drifted]);
  expect(columnsOf(kinds)).toEqual([
    ['x', 'compared', false],
    ['y', 'compared', false],
    ['prediction.label', 'compared', false],
    ['prediction.probability', 'compared', false],
  ]);
  expect(columnsOf(prices)).toEqual([
    ['x', 'compared', false],
    ['y', 'compared', false],
    ['prediction.value', 'compared', false],
  ]);
  expect([kinds.verdict.outcome, prices.verdict.outcome, kinds.rows]).toEqual(['stable', 'stable', 600]);
  for (const model of ['kinds', 'prices']) await ask(model, rowsOf('moved', 1_500, 1));
  await restart();
  const [moved, higher] = [await drift('kinds', '--report', join(dir, 'kinds.html')), await drift('prices')];
  expect([moved.code, higher.code]).toEqual([3, 3]);
  expect(moved.json().driftedColumns).toEqual(expect.arrayContaining(['x', 'prediction.label']));
  expect(higher.json().driftedColumns).toEqual(['x', 'prediction.value']);
  expect((await perennial.run(['drift', 'show', moved.json().check])).stdout).toMatch(/prediction\.label .*DRIFT/);
});

test('a version of before that was kept goes on without', async () => {
  const model = await artifacts.open((await registry.version('kinds', 1)).model as ArtifactRef);
  const names = Object.keys(model.manifest.files).filter((name) => !name.startsWith('answers'));
  expect(names.length).toBe(Object.keys(model.manifest.files).length - 1);
  const files = Object.fromEntries(await Promise.all(names.map(async (name) => [name, await model.bytes(name)] as const)));
  const modelRef = await artifacts.write({ kind: 'model', summary: 'of before', files, meta: model.manifest.meta });
  await registry.register({ model: 'kinds', modelRef, pipeline: 'kinds', runId: 'r', stepId: 's' });
  await registry.promote('kinds', 2, author);
  await restart();
  const found = (await drift('kinds', '--test', 'prediction.label:psi=0.2')).json();
  expect(found.notes).toEqual([
    'Answers are not compared: version 2 does not keep how they are distributed, as it was made without validation rows, elsewhere, or before that was kept.',
  ]);
  expect(found.columns.map(({ name }: { name: string }) => name)).toEqual(['x', 'y']);
});
