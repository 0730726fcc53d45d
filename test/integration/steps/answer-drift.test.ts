import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ArtifactRef } from '../../../src/core/artifact.ts';
import { Prng } from '../../../src/core/prng.ts';
import type { Row } from '../../../src/core/tensor.ts';
import { encodePng } from '../../../src/data/images/encode-png.ts';
import { createRegistry } from '../../../src/registry/registry.ts';
import { createArtifactStore } from '../../../src/storage/artifact-store.ts';
import { FileStore } from '../../../src/storage/file-store.ts';
import { clockAhead } from '../../support/clock.ts';
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
const drift = (model: string, ...more: string[]) => perennial.here(['drift', model, '--window', '1h', '--json', ...more]);

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

test('a file is asked about first: its answers are compared as well', async () => {
  const write = (name: string, rows: readonly Row[]): string => {
    const path = join(dir, name);
    writeFileSync(path, `x,y\n${rows.map(({ x, y }) => `${String(x)},${String(y)}`).join('\n')}\n`);
    return path;
  };
  const current = (model: string, path: string) => perennial.run(['drift', model, '--current', path, '--json']);
  const same = (await current('kinds', write('same.csv', rowsOf('same file', 600)))).json();
  expect(same.columns.map(({ name, status }: { name: string; status: string }) => [name, status])).toEqual([
    ['x', 'compared'],
    ['y', 'compared'],
    ['prediction.label', 'compared'],
    ['prediction.probability', 'compared'],
  ]);
  expect([same.verdict.outcome, same.notes]).toEqual(['stable', undefined]);
  const moved = (await current('prices', write('moved.csv', rowsOf('moved file', 600, 1)))).json();
  expect(moved.driftedColumns).toEqual(['x', 'prediction.value']);
  // Of many rows some are asked about, and a row that cannot be answered hurts none of the others.
  const many = (await current('prices', write('many.csv', [...rowsOf('many', 10_400), { x: 'what', y: 1 }]))).json();
  expect(many.columns.find(({ name }: { name: string }) => name === 'prediction.value').status).toBe('compared');
  expect(many.notes.join(' ')).toContain('Of 10,401 rows 10,000 were answered.');
  // A column that is gone is what is looked for; the model cannot be asked then.
  const gone = join(dir, 'gone.csv');
  writeFileSync(
    gone,
    `x\n${rowsOf('gone', 300)
      .map(({ x }) => String(x))
      .join('\n')}\n`,
  );
  const without = (await current('kinds', gone)).json();
  expect(without.driftedColumns).toContain('y');
  expect(without.notes.join(' ')).toMatch(/Answers are not compared: the model cannot be asked/);
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

test('labels that come as feedback are compared with those of the training', async () => {
  const tell = async (shareOfHigh: number, count: number): Promise<void> => {
    const random = new Prng('labels', shareOfHigh);
    const response = await fetch(`${server.url}/models/kinds/predict`, {
      method: 'POST',
      body: JSON.stringify({ rows: rowsOf('labelled', count) }),
    });
    const { id } = (await response.json()) as { id: string };
    const feedback = Array.from({ length: count }, (_, row) => {
      const label = random.uniform() < shareOfHigh ? 'high' : random.uniform() < 0.5 ? 'low' : 'middle';
      return { id: `${id}/${row}`, label };
    });
    for (let start = 0; start < count; start += 100) {
      const told = await fetch(`${server.url}/models/kinds/feedback`, {
        method: 'POST',
        body: JSON.stringify({ feedback: feedback.slice(start, start + 100) }),
      });
      expect(told.status).toBeLessThan(300);
    }
    await restart();
  };
  const labelOf = ({ columns }: { columns: { name: string }[] }): unknown => columns.find(({ name }) => name === 'label');
  expect(labelOf((await drift('kinds')).json())).toBeUndefined();
  await tell(1 / 3, 600);
  expect(labelOf((await drift('kinds')).json())).toMatchObject({ status: 'compared', drifted: false });
  await tell(0.9, 900);
  expect((await drift('kinds')).json()).toMatchObject({ driftedColumns: expect.arrayContaining(['label']) as unknown });
});

test('what a server with a wrong clock was asked and told is found in the window in which it was', async () => {
  for (const off of [-400, 30].map((days) => days * 86_400_000)) {
    const before = (await drift('prices')).json();
    await server.stop();
    server = await startServerProcess({ PERENNIAL_HOME: perennial.home, PERENNIAL_STORE: `file:${folder}`, ...clockAhead(off) });
    await ask('prices', rowsOf(`off by ${off}`, 150));
    await restart();
    expect((await drift('prices')).json().rows).toBe(before.rows + 150);
  }
});

test('pictures are compared by what is measured of them: the log has the numbers, and never the pictures', async () => {
  const random = new Prng('answer drift', 'pictures');
  const draw = (light: number): Buffer => {
    const colour = [0, 1, 2].map(() => 80 + random.below(60));
    const pixels = Uint8Array.from({ length: 3 * 64 }, (_, at) => light * (colour[at % 3]! + random.below(30)));
    return Buffer.from(encodePng(pixels, 8, 8, 3));
  };
  const folderOf = (name: string, count: number, light = 1): string => {
    for (let at = 0; at < count; at += 1) {
      const path = join(dir, name, at % 2 === 0 ? 'left' : 'right');
      mkdirSync(path, { recursive: true });
      writeFileSync(join(path, `${at}.png`), draw(light));
    }
    return join(dir, name);
  };
  folderOf('pictures', 500);
  await runSteps({ dir, store, artifacts }, 'pictures', {
    apiVersion: 'perennial/v1',
    name: 'pictures',
    steps: [
      { uses: 'ingest', with: { source: { format: 'images', path: 'pictures' }, split: { train: 0.6, validation: 0.2, test: 0.2 } } },
      { uses: 'preprocess', with: {} },
      { uses: 'train', with: { model: { layers: [{ type: 'flatten' }, { type: 'dense', units: 2, activation: 'softmax' }] }, epochs: 1 } },
      { uses: 'register', with: {} },
    ],
  });
  await registry.promote('pictures', 1, author);
  await restart();
  const send = async (light: number): Promise<void> => {
    const pictures = Array.from({ length: 300 }, () => draw(light).toString('base64'));
    await ask(
      'pictures',
      pictures.map((image) => ({ image })),
    );
    await restart();
    const logged: string[] = [];
    for await (const { key } of store.list('predictions/pictures/')) logged.push((await store.get(key)).body.toString());
    expect(logged.join('')).toContain('"brightness":');
    expect(pictures.some((picture) => logged.join('').includes(picture.slice(60, 100)))).toBe(false);
  };
  await send(1);
  const same = await drift('pictures');
  expect([same.code, same.json().driftedColumns]).toEqual([0, []]);
  expect(same.json().columns.map(({ name }: { name: string }) => name)).toEqual(
    expect.arrayContaining(['image', 'image (brightness)', 'image (sharpness)', 'prediction.label']),
  );
  await send(0.8);
  const darker = await drift('pictures');
  expect(darker.code).toBe(3);
  expect(darker.json().driftedColumns).toContain('image (brightness)');
  // The same of a folder.
  const current = (path: string) => perennial.run(['drift', 'pictures', '--current', path, '--json']);
  expect(await current(folderOf('new', 300))).toMatchObject({ code: 0 });
  const dark = (await current(folderOf('dark', 300, 0.8))).json();
  expect(dark.driftedColumns).toContain('image (brightness)');
  expect(dark.newColumns).toEqual([]);
});
