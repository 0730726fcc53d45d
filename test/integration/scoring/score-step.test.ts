import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client } from 'minio';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import definition from '../../../activities/steps/score.step.ts';
import type { ScoreConfig } from '../../../activities/scoring.ts';
import type { ArtifactStore, ObjectStore } from '../../../src/core/ports.ts';
import type { StepContext, StepResult } from '../../../src/core/step.ts';
import { createRegistry } from '../../../src/registry/registry.ts';
import { createArtifactStore } from '../../../src/storage/artifact-store.ts';
import { openStore } from '../../../src/storage/open-store.ts';
import { startMinio } from '../../support/minio.ts';
import type { MinioServer } from '../../support/minio.ts';
import { tempDir } from '../../support/temp-dir.ts';
import { kindRows, registerKinds, writeKinds } from './models.ts';

const folder = tempDir('score-step');
let minio: MinioServer;
let store: ObjectStore;
let artifacts: ArtifactStore;

beforeAll(async () => {
  minio = await startMinio();
  const { host, port, accessKey, secretKey } = minio;
  await new Client({ endPoint: host, port, useSSL: false, accessKey, secretKey }).makeBucket('scores');
  Object.assign(process.env, minio.env, { PERENNIAL_HOME: folder });
  store = await openStore('s3://scores/team');
  artifacts = createArtifactStore(store, join(folder, 'cache'));
  await registerKinds({ dir: folder, store, artifacts });
  await createRegistry(store, artifacts).promote('kinds', 1, { who: 'test', why: 'test' });
});
afterAll(() => minio?.stop());

/** One try of the step on a worker of its own. */
function attempt(worker: string, config: ScoreConfig, more: Partial<StepContext> = {}): Promise<StepResult> {
  const workDir = join(folder, worker);
  mkdirSync(workDir, { recursive: true });
  const say = (): void => undefined;
  const ctx: StepContext = {
    runId: 'run',
    pipeline: 'nightly',
    stepId: 'score',
    attempt: 1,
    nominalTime: '2026-03-04T05:06:00.000Z',
    documentDir: folder,
    workDir,
    store,
    artifacts,
    log: { info: say, warn: say, error: say },
    signal: new AbortController().signal,
    progress: say,
    secret: () => '',
    planRevision: 'revision',
    trigger: 'schedule',
    ...more,
  };
  return definition.run(ctx, config, {}) as Promise<StepResult>;
}

async function keys(): Promise<string[]> {
  const found: string[] = [];
  for await (const { key } of store.list('scoring/')) found.push(key);
  return found;
}

describe('the score step over MinIO', () => {
  const config: ScoreConfig = {
    model: 'kinds',
    source: { format: 'csv', path: 'night-{date}.csv' },
    keep: ['name'],
    format: 'csv',
    to: 'scores/{year}/{date}.csv',
    partRows: 2_000,
    processes: 1,
  };

  it('goes on where another worker was stopped, by the parts in the store, to the same bytes', async () => {
    writeKinds(join(folder, 'night-2026-03-04.csv'), kindRows(30_000));
    const whole = await attempt('whole', { ...config, to: 'whole.csv' });
    expect(whole.values).toMatchObject({ model: 'kinds', version: 1, rows: 30_000, answered: 30_000, aside: 0, to: 'whole.csv' });
    const stop = new AbortController();
    const first = attempt('first', config, { signal: stop.signal });
    const ended = expect(first).rejects.toMatchObject({ code: 'CANCELLED' });
    while ((await keys()).filter((key) => key.endsWith('.json')).length < 2) await new Promise((resolve) => setTimeout(resolve, 10));
    stop.abort();
    await ended;
    const second = await attempt('second', config);
    expect(second.details).toMatch(/\d+ of 15 parts are of an earlier try/);
    expect(second.outputs['answers']!.digest).toBe(whole.outputs['answers']!.digest);
    expect(readFileSync(join(folder, 'scores/2026/2026-03-04.csv'), 'utf8')).toBe(readFileSync(join(folder, 'whole.csv'), 'utf8'));
    expect(await keys()).toEqual([]);
  });

  it('is known by the source and by the version that the alias names, and not cached where it writes a file', async () => {
    writeKinds(join(folder, 'a.csv'), kindRows(10));
    const ctx = { pipeline: 'kinds', stepId: 'score', documentDir: folder, nominalTime: '2026-03-04T00:00:00Z', secret: () => '', store };
    const print = (more: Partial<ScoreConfig> = {}) =>
      definition.fingerprint!(ctx, { source: { format: 'csv', path: 'a.csv' }, ...more } as ScoreConfig, {});
    const before = await print();
    expect(await print()).toEqual(before);
    expect(await print({ to: 'out.csv' })).toMatchObject({ why: 'it writes out.csv, which nobody but it looks after' });
    writeKinds(join(folder, 'a.csv'), kindRows(11));
    const changed = await print();
    expect(changed).not.toEqual(before);
    await registerKinds({ dir: folder, store, artifacts }, 3);
    await createRegistry(store, artifacts).promote('kinds', 2, { who: 'test', why: 'test' });
    expect(await print()).not.toEqual(changed);
    expect(existsSync(join(folder, 'out.csv'))).toBe(false);
  });

  it('says which places of the nominal time there are, and that no model is meant', async () => {
    expect(definition.check!({ ...config, to: '{night}.csv' }, { pipeline: 'nightly', before: [], after: [] })).toMatchObject([
      { pointer: '/to', message: 'There is no {night}.', fix: expect.stringContaining('{date}') },
    ]);
    const { model: _model, ...nameless } = config;
    await expect(attempt('none', nameless)).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringContaining('Nothing says which model is to answer'),
    });
  });
});
