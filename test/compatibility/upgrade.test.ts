import { execFileSync } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ArtifactStore, ObjectStore } from '../../src/core/ports.ts';
import { readPredictions } from '../../src/monitoring/prediction-window.ts';
import { checkStore } from '../../src/registry/check-store.ts';
import { storedKinds as kinds } from '../../src/cli/stored-kinds.generated.ts';
import { createRegistry } from '../../src/registry/registry.ts';
import type { Registry } from '../../src/registry/registry.ts';
import { EVALUATION } from '../../src/reports/write-evaluation.ts';
import { createVersionSource } from '../../src/serving/loader.ts';
import { createArtifactStore } from '../../src/storage/artifact-store.ts';
import { openStore } from '../../src/storage/open-store.ts';
import { openAs } from '../../src/storage/stored.ts';
import { CACHE_ENTRY, StepCache } from '../../src/steps/cache.ts';
import { MODEL } from '../../src/training/model/model-meta.ts';
import { runSteps } from '../support/run-steps.ts';
import { tempDir } from '../support/temp-dir.ts';
import { ask, startTestApp } from '../unit/serving/test-app.ts';
import type { TestApp } from '../unit/serving/test-app.ts';
// What ran in the old stores, in the words of then.
import { DOCUMENTS } from './old-documents.mjs';

/**
 * What an older version of Perennial left is upgraded by being read: a user's models are found, served, moved, and compared with. Each
 * store was made by that version (make-store.mjs); a copy is used, so that nothing of it is ever written anew.
 */

interface Answers {
  readonly [model: string]: {
    readonly rows: readonly unknown[];
    readonly answer: { readonly version: number; readonly predictions: readonly unknown[] };
  };
}

const STORES = join(import.meta.dirname, 'stores');

/** Numbers within what TensorFlow's kernels differ by from one processor to another. */
function near(value: unknown): unknown {
  if (typeof value === 'number' && !Number.isInteger(value)) return expect.closeTo(value, 4) as unknown;
  if (Array.isArray(value)) return value.map(near);
  if (typeof value === 'object' && value !== null) return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, near(one)]));
  return value;
}

describe.each(readdirSync(STORES))('a store of %s', (name) => {
  const author = { who: 'test', why: 'test' };
  let dir: string;
  let store: ObjectStore;
  let artifacts: ArtifactStore;
  let registry: Registry;
  let server: TestApp;
  const answers = JSON.parse(readFileSync(join(STORES, name, 'answers.json'), 'utf8')) as Answers;
  const documents = DOCUMENTS[name]!;

  beforeAll(async () => {
    dir = tempDir('old-store');
    for (const archive of ['store', 'data']) execFileSync('tar', ['xJf', join(STORES, name, `${archive}.tar.xz`), '-C', dir]);
    store = await openStore(`file:${join(dir, 'store')}`);
    artifacts = createArtifactStore(store, join(dir, 'cache'));
    registry = createRegistry(store, artifacts);
    server = await startTestApp(createVersionSource(store, artifacts));
  });
  afterAll(() => server.close());

  test('is whole, and every record in it is read', async () => {
    const { findings, models, versions } = await checkStore(store, { kinds });
    expect(findings).toEqual([]);
    expect(models).toBe(documents.length);
    expect(versions).toBe((await Promise.all(documents.map(({ document }) => registry.versions(document.name)))).flat().length);
  });

  test.each(documents.map(({ document }) => document.name))('the versions of %s are listed with what is known of them', async (model) => {
    for (const manifest of await registry.versions(model)) {
      const { meta } = await openAs(artifacts, MODEL, manifest.model);
      expect(meta.parameters).toBeGreaterThan(0);
      const evaluation = await openAs(artifacts, EVALUATION, manifest.evaluation!);
      expect(Object.keys(evaluation.meta.metrics).length).toBeGreaterThan(0);
      expect(manifest.metrics).toEqual(expect.objectContaining(evaluation.meta.metrics));
    }
    const history = await registry.history(model);
    expect(history.at(-1)!.aliases.champion).toBe((await registry.routing(model))!.routing.aliases.champion);
  });

  test.each(documents.map(({ document }) => document.name))('%s serves, every version of it', async (model) => {
    for (const { version } of await registry.versions(model)) {
      const reply = await ask(server.url, `/v2/models/${model}/versions/${version}`);
      expect(reply.status, JSON.stringify(reply.body)).toBe(200);
    }
  });

  test.each(Object.keys(answers))('%s answers what it answered then', async (model) => {
    const { rows, answer } = answers[model]!;
    const reply = await ask(server.url, `/models/${model}/predict`, { rows });
    expect(reply.body).toMatchObject({ model, version: answer.version, predictions: near(answer.predictions) as unknown[] });
  });

  test('entries of the step cache are used or passed over', async () => {
    const cache = new StepCache(store, artifacts);
    for await (const { key } of store.list('cache/')) {
      const id = /^cache\/([0-9a-f]{64})\.json$/.exec(key)?.[1];
      const found = id === undefined ? undefined : await cache.look(id);
      if (found !== undefined) expect(found).toMatchObject({ formatVersion: CACHE_ENTRY.formatVersion });
    }
  });

  test('what was logged of predictions can be compared with', async () => {
    const counts: Record<string, number> = {};
    for (const model of Object.keys(answers)) {
      const first = (await store.list(`predictions/${model}/`)[Symbol.asyncIterator]().next()).value as { key: string };
      const from = new Date(first.key.split('/')[2]!);
      for await (const records of readPredictions(store, model, { from, to: new Date(from.getTime() + 2 * 86_400_000) }))
        counts[model] = (counts[model] ?? 0) + records.length;
    }
    expect(counts).toEqual(Object.fromEntries(Object.entries(answers).map(([model, { answer }]) => [model, answer.predictions.length])));
  });

  // The other one holds a version of each model.
  const comparable = name === '0.1.0' ? test : undefined;
  comparable?.('its champion is rolled back, promoted again, and compared with', async () => {
    const before = (await registry.routing('penguins'))!.routing.aliases.champion!;
    const back = await registry.rollback('penguins', author);
    expect(back.to).toBe(before - 1);
    await registry.unpin('penguins', author);
    expect((await registry.promote('penguins', 'latest', author)).from).toBe(before - 1);
    const champion = (await registry.routing('penguins'))!.routing.aliases.champion!;
    const { document } = documents.find(({ document: { name: of } }) => of === 'penguins')!;
    // Since 0.1.0 other rows are held back for the test: those that the old champion never saw have to be among them.
    const more: Readonly<Record<string, object>> = {
      ingest: { split: { train: 0.15, validation: 0.05, test: 0.8, by: 'hash', stratify: true } },
      evaluate: { gates: [{ metric: 'accuracy', notWorseThanChampionBy: 0.9 }] },
    };
    const steps = document.steps
      .filter(({ uses }) => uses !== 'deploy')
      .map((step) => ({ ...step, with: { ...step.with, ...more[step.uses] } }));
    const run = await runSteps({ dir, store, artifacts }, 'after', { apiVersion: 'perennial/v1', ...document, steps });
    const { meta } = await openAs(artifacts, EVALUATION, run.evaluate!.outputs.evaluation!);
    expect(meta).toMatchObject({ champion: { version: champion } });
    expect(run.evaluate!.verdict!.reasons.join(' ')).toContain('champion');
    expect(run.register!.values).toMatchObject({ version: (await registry.versions('penguins')).at(-1)!.version });
    expect((await checkStore(store, { kinds })).findings).toEqual([]);
  });
});
