import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import type { Json, JsonObject } from '../../../src/core/json.ts';
import { Prng } from '../../../src/core/prng.ts';
import { createRegistry } from '../../../src/registry/registry.ts';
import { createArtifactStore } from '../../../src/storage/artifact-store.ts';
import { MemoryStore } from '../../../src/storage/memory-store.ts';
import { runSteps } from '../../support/run-steps.ts';
import { tempDir } from '../../support/temp-dir.ts';

const DOCUMENT = {
  apiVersion: 'perennial/v1',
  name: 'flow',
  steps: [
    {
      uses: 'ingest',
      with: {
        source: { format: 'csv', path: 'rows.csv' },
        label: 'kind',
        window: { column: 'time', last: '10d' },
        split: { train: 0.6, validation: 0.2, test: 0.2, stratify: true },
      },
    },
    {
      uses: 'preprocess',
      with: { from: { model: 'flow', version: 'champion', onMissing: 'fit' }, features: { x: ['standardize'], y: ['standardize'] } },
    },
    {
      uses: 'train',
      with: {
        model: { from: { model: 'flow', version: 'champion' }, onMissing: { architecture: 'mlp', units: [8] } },
        learningRate: 0.01,
        epochs: 3,
      },
    },
    { uses: 'evaluate', with: { metrics: ['accuracy'], gates: [{ metric: 'accuracy', notWorseThanChampionBy: 0.1 }] } },
    { uses: 'register', with: {} },
  ],
};

let dir: string;
let store: MemoryStore;
let artifacts: ReturnType<typeof createArtifactStore>;

beforeAll(() => {
  dir = tempDir('fine-tune');
  store = new MemoryStore();
  artifacts = createArtifactStore(store, join(dir, 'cache'));
});

/** So many rows for every day; the classes drift slowly to the right. */
function writeRows(days: number): void {
  const prng = new Prng('rows');
  const lines = Array.from({ length: days * 30 }, (_, row) => {
    const day = Math.floor(row / 30);
    const kind = row % 3;
    const time = new Date(Date.UTC(2026, 0, 1 + day)).toISOString();
    return `${time},${(kind + day / 20 + 0.3 * prng.normal()).toFixed(4)},${(kind * (row % 2 === 0 ? 1 : -1) + 0.3 * prng.normal()).toFixed(4)},${'abc'[kind]}`;
  });
  writeFileSync(join(dir, 'rows.csv'), `time,x,y,kind\n${lines.join('\n')}\n`);
}

const runAll = (runId: string, nominalTime: string, document: unknown = DOCUMENT): ReturnType<typeof runSteps> =>
  runSteps({ dir, store, artifacts }, runId, document, { nominalTime });

test('scheduled runs go on from the champion of the run before, on the rows that came since', async () => {
  const registry = createRegistry(store, artifacts);
  writeRows(10);
  const first = await runAll('first', '2026-01-11T00:00:00Z');
  expect(first.train!.values).not.toHaveProperty('base');
  expect(first.train!.log).toContain('there is no flow champion yet: the model is trained from the start');
  expect(first.train!.fingerprint).toEqual({ base: null });
  expect(first.evaluate!.verdict!.passed).toBe(true);
  expect(first.register!.values).toMatchObject({ version: 1 });
  await registry.promote('flow', 1, { who: 'test', why: 'test' });

  writeRows(20);
  const second = await runAll('second', '2026-01-21T00:00:00Z');
  const base = { model: 'flow', version: 1, digest: first.train!.outputs.model!.digest };
  expect(second.preprocess!.values).toMatchObject({ base });
  expect(second.train!.values).toMatchObject({ base, parameters: first.train!.values!.parameters as number });
  expect(second.train!.fingerprint).toEqual({ base: { version: 1, model: base.digest } });
  expect(second.register!.values).toMatchObject({ version: 2 });
  // The rows of the second window, prepared as those of the first.
  const prepared = async (run: typeof first): Promise<JsonObject> =>
    (await artifacts.open(run.preprocess!.outputs.examples!)).json('preprocessor.json');
  expect(await prepared(second)).toEqual(await prepared(first));
  expect((await artifacts.open(second.train!.outputs.model!)).manifest.meta).toMatchObject({ base });
  const { champion } = (await artifacts.open(second.evaluate!.outputs.evaluation!)).manifest.meta as { champion?: { version: number } };
  expect(champion).toMatchObject({ version: 1 });
  expect(second.evaluate!.verdict!.reasons.join()).toContain('champion');
  expect((await registry.version('flow', 2)).parent).toBe(1);
  // It starts where the first one ended.
  expect(second.train!.values!.loss as number).toBeLessThan(first.train!.values!.loss as number);
});

test('what cannot be started from is said with what there is', async () => {
  writeRows(10);
  const withModel = (from: Json, preprocess: Json): unknown => ({
    ...DOCUMENT,
    steps: [DOCUMENT.steps[0], { uses: 'preprocess', with: preprocess }, { uses: 'train', with: { model: { from } } }],
  });
  const at = '2026-01-11T00:00:00Z';
  const fitted = { features: { x: ['standardize'], y: ['standardize'] } };
  await expect(runAll('a', at, withModel({ model: 'flow', version: 9 }, fitted))).rejects.toMatchObject({
    code: 'VERSION_INVALID',
    message: expect.stringContaining('It has the versions 1, 2') as string,
  });
  await expect(runAll('b', at, withModel({ model: 'flow', version: 'candidate' }, fitted))).rejects.toMatchObject({
    code: 'VERSION_INVALID',
    message: expect.stringContaining('the aliases challenger, champion') as string,
  });
  await expect(runAll('c', at, withModel({ model: 'flw' }, fitted))).rejects.toMatchObject({
    code: 'NOT_FOUND',
    message: expect.stringContaining('Did you mean "flow"?') as string,
  });
  await expect(runAll('d', at, withModel({ model: 'flow' }, { features: { y: ['standardize'] } }))).rejects.toMatchObject({
    code: 'MODEL_INVALID',
    message: expect.stringContaining('"features" joins the columns "x", "y"') as string,
    hint: expect.stringContaining('"from"') as string,
  });
});
