import { beforeEach, describe, expect, it } from 'vitest';
import { collectGarbage as collectNow } from '../../../src/registry/gc.ts';
import type { GcOptions, GcResult } from '../../../src/registry/gc.ts';
import { artifactKey } from '../../../src/storage/artifact-store.ts';
import { blobKey } from '../../../src/storage/blobs.ts';
import { sha256 } from '../../../src/storage/digest.ts';
import { putJson } from '../../../src/storage/json-objects.ts';
import { MemoryStore } from '../../../src/storage/memory-store.ts';
import { ada, workbench } from '../../contract/registry/models.ts';
import type { Workbench } from '../../contract/registry/models.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
let age: number;
let store: MemoryStore;
let bench: Workbench;

beforeEach(() => {
  age = 100 * DAY;
  store = new MemoryStore({ now: () => Date.now() - age });
  bench = workbench(store);
});

/** Today, by the clock of the store; what was put before is as old as `age` said. */
async function collectGarbage(from: MemoryStore, options?: GcOptions): Promise<GcResult> {
  const before = age;
  age = 0;
  try {
    return await collectNow(from, options);
  } finally {
    age = before;
  }
}

async function keys(): Promise<string[]> {
  const all: string[] = [];
  for await (const { key } of store.list('')) all.push(key);
  return all;
}

describe('garbage collection', () => {
  it('keeps predictions as long as the deployment of their model says, and packed ones by the day that they are of', async () => {
    const name = 'm';
    const version = await bench.register(1);
    await bench.registry.promote(name, version, { ...ada, predictionLog: { keep: '200d' } });
    const day = (days: number): string => new Date(Date.now() - days * DAY).toISOString().slice(0, 10);
    const kept = `predictions/${name}/${day(100)}/00-1-1.ndjson`;
    const feedback = `feedback/${name}/${day(100)}/00-1-1.ndjson`;
    const other = `predictions/other/${day(100)}/00-1-1.ndjson`;
    for (const key of [kept, feedback, other]) await store.put(key, Buffer.from('{}'));
    age = 5 * DAY;
    const old = `predictions/${name}/${day(300)}/packed-000001.parquet`;
    const young = `predictions/${name}/${day(150)}/packed-000001.parquet`;
    const others = `predictions/other/${day(91.5)}/packed-000001.parquet`;
    for (const key of [old, young, others]) await store.put(key, Buffer.from('x'));
    const logs = async (): Promise<string[]> =>
      (await collectGarbage(store)).items.filter(({ kind }) => kind === 'prediction log').map(({ key }) => key);
    expect(await logs()).toEqual([old, other, others].sort());
    // Nobody knows how long: nothing of the model goes.
    await store.put(`models/${name}/routing.json`, Buffer.from('{"cut'));
    expect(await logs()).toEqual([other, others].sort());
  });

  it('keeps logs as long as is said, and takes what killed servers and checks left', async () => {
    const old = ['logs/p/r/train/1.1.log', 'predictions/m/2026-01-01/00-1-1.ndjson', 'probe/x', 'servers/dead.json'];
    for (const key of old) await store.put(key, Buffer.from('{}'));
    age = 30 * DAY;
    const recent = ['logs/p/r2/train/1.1.log', 'predictions/m/2026-03-01/00-1-1.ndjson'];
    for (const key of recent) await store.put(key, Buffer.from('{}'));
    age = 0;
    await store.put('servers/alive.json', Buffer.from('{}'));
    await store.put('probe/now', Buffer.from('{}'));
    expect((await collectGarbage(store)).items.map(({ key, kind }) => [key, kind])).toEqual([
      [old[1], 'prediction log'],
      [old[0], 'step log'],
      [old[3], 'announcement'],
      [old[2], 'leftover'],
    ]);
    expect((await collectGarbage(store, { predictionsMs: 200 * DAY, logsMs: 200 * DAY })).items.map(({ key }) => key)).toEqual([
      old[3],
      old[2],
    ]);
    await expect(collectGarbage(store, { predictionsMs: HOUR })).rejects.toMatchObject({
      code: 'USAGE',
      message: expect.stringContaining('prediction log'),
    });
    const done = await collectGarbage(store, { dryRun: false, logsMs: 10 * DAY });
    expect(done.kept).toMatchObject({ predictionLogs: 1, stepLogs: 0, announcements: 1 });
    expect(await keys()).toEqual([recent[1], 'probe/now', 'servers/alive.json'].sort());
  });

  it('takes old checks for drift, and leaves the windows that the next one is added to', async () => {
    await store.put('drift/m/checks/20260101T000000Z-0123456789.json', Buffer.from('{}'));
    await store.put('drift/m/streams/p.json', Buffer.from('{}'));
    age = 30 * DAY;
    await store.put('drift/m/checks/20260301T000000Z-abcdef0123.json', Buffer.from('{}'));
    const { items, kept } = await collectGarbage(store);
    expect(items.map(({ key, kind }) => [key, kind])).toEqual([['drift/m/checks/20260101T000000Z-0123456789.json', 'drift check']]);
    expect(kept.driftChecks).toBe(1);
  });

  it('takes events that were sent long ago, never those that wait or were refused, and lets none keep alive what it speaks of', async () => {
    const digest = sha256('gone');
    await store.put(blobKey(digest), Buffer.from('gone'));
    for (const state of ['sent', 'pending', 'refused'])
      await store.put(`outbox/${state}/p/http/20260101T000000.000Z-1.json`, Buffer.from(JSON.stringify({ body: digest })));
    age = 10 * DAY;
    await store.put('outbox/sent/p/http/20260401T000000.000Z-1.json', Buffer.from('{}'));
    const { items, kept } = await collectGarbage(store);
    expect(items.map(({ key, kind }) => [key, kind])).toEqual([
      [blobKey(digest), 'blob'],
      ['outbox/sent/p/http/20260101T000000.000Z-1.json', 'sent event'],
    ]);
    expect(kept.sentEvents).toBe(1);
    expect((await collectGarbage(store, { eventsMs: 9 * DAY })).items.filter(({ kind }) => kind === 'sent event')).toHaveLength(2);
    await expect(collectGarbage(store, { eventsMs: DAY })).rejects.toMatchObject({ code: 'USAGE' });
  });

  it('keeps what came of runs and checks for two years, or as long as is said', async () => {
    await store.put('journal/p/20260101T000000.000Z-0123456789ab.json', Buffer.from('{}'));
    expect((await collectGarbage(store)).kept.journalEntries).toBe(1);
    expect((await collectGarbage(store, { journalMs: 99 * DAY })).items).toMatchObject([{ kind: 'journal entry' }]);
    await expect(collectGarbage(store, { journalMs: DAY })).rejects.toMatchObject({ code: 'USAGE' });
    age = 731 * DAY;
    await store.put('journal/p/20240101T000000.000Z-0123456789ab.json', Buffer.from('{}'));
    const { items } = await collectGarbage(store);
    expect(items.map(({ key }) => key)).toEqual(['journal/p/20240101T000000.000Z-0123456789ab.json']);
  });

  it('takes records and counts of rollouts that ended long ago, and none of one that goes on', async () => {
    const record = (id: string, more: object): Buffer =>
      Buffer.from(
        JSON.stringify({
          formatVersion: 1,
          name: 'm',
          id,
          champion: 1,
          candidate: 2,
          spec: {},
          pipeline: 'p',
          runId: 'r',
          judged: [],
          startedAt: '2026-01-01T00:00:00.000Z',
          state: 'running',
          step: 0,
          stepStartedAt: '2026-01-01T00:00:00.000Z',
          ...more,
        }),
      );
    const ended = { state: 'promoted', endedAt: '2026-01-02T00:00:00.000Z' };
    await store.put('models/m/rollouts/old.json', record('old', ended));
    await store.put('models/m/rollout-counts/old/server.json', Buffer.from('{}'));
    await store.put('models/m/rollouts/going.json', record('going', {}));
    await store.put('models/m/rollout-counts/going/server.json', Buffer.from('{}'));
    age = 10 * DAY;
    await store.put('models/m/rollouts/late.json', record('late', ended));
    const { items, kept } = await collectGarbage(store);
    expect(items.map(({ key, kind }) => [key, kind])).toEqual([
      ['models/m/rollouts/old.json', 'ended rollout'],
      ['models/m/rollout-counts/old/server.json', 'ended rollout'],
    ]);
    expect(kept.rollouts).toBe(3);
  });

  it('takes what runs started from once no such run can go on', async () => {
    const key = (run: string): string => `bases/p/${run}/digits@champion.json`;
    await store.put(key('old'), Buffer.from('{"formatVersion":1,"version":3}'));
    age = 20 * DAY;
    await store.put(key('going'), Buffer.from('{"formatVersion":1,"version":4}'));
    expect((await collectGarbage(store, { logsMs: DAY })).items).toMatchObject([{ key: key('old'), kind: 'leftover' }]);
    await collectGarbage(store, { logsMs: DAY, dryRun: false });
    expect(await keys()).toEqual([key('going')]);
  });

  it('shows what it would delete and deletes nothing, unless told to', async () => {
    await bench.model(1);
    const before = await keys();
    const result = await collectGarbage(store);
    expect(result).toMatchObject({ dryRun: true, bytes: expect.any(Number), kept: { blobs: 0, artifacts: 0 } });
    expect(result.items.map(({ kind }) => kind)).toEqual(['artifact', 'blob', 'blob']);
    expect(await keys()).toEqual(before);
    await collectGarbage(store, { dryRun: false });
    expect(await keys()).toEqual([]);
  });

  it('keeps every version with what its model stands on, whether an alias names it or not', async () => {
    const dataset = await bench.artifacts.write({
      kind: 'dataset',
      summary: 'd',
      files: { 'train.parquet': Buffer.from('rows') },
      meta: {},
    });
    const modelRef = await bench.artifacts.write({
      kind: 'model',
      summary: 'm',
      files: { 'weights.bin': Buffer.from('w') },
      meta: { dataset: dataset.digest },
    });
    const evaluationRef = await bench.artifacts.write({
      kind: 'evaluation',
      summary: 'e',
      files: { 'report.html': Buffer.from('<p>') },
      meta: { model: modelRef.digest },
    });
    await bench.registry.register({ model: 'm', modelRef, evaluationRef, pipeline: 'p', runId: 'r', stepId: 's' });
    const before = await keys();
    expect((await collectGarbage(store, { dryRun: false })).items).toEqual([]);
    expect(await keys()).toEqual(before);
  });

  it('frees what only a deleted version referred to, and keeps what is shared', async () => {
    await bench.register(1);
    await bench.register(2);
    await bench.registry.promote('m', 2, ada);
    await bench.registry.deleteVersion('m', 1, ada);
    await collectGarbage(store, { dryRun: false });
    expect(await store.head(blobKey(sha256('weights 1')))).toBeUndefined();
    expect(await store.head(blobKey(sha256('weights 2')))).toBeDefined();
    // Both models have this file.
    expect(await store.head(blobKey(sha256('{"layers":[]}')))).toBeDefined();
    expect(await bench.register(3)).toBe(3);
  });

  it('never touches what is younger than the grace period', async () => {
    age = 23 * HOUR;
    await bench.model(1);
    expect((await collectGarbage(store, { dryRun: false })).items).toEqual([]);
    await expect(collectGarbage(store, { graceMs: HOUR })).rejects.toMatchObject({ code: 'USAGE' });
  });

  it('keeps what young cache entries refer to, and drops old ones with it', async () => {
    const [old, young] = [await bench.model(1), await bench.model(2)];
    const entry = (ref: typeof old) => ({ formatVersion: 1, result: { outputs: { model: ref } }, createdAt: '', runId: 'r' });
    await putJson(store, 'cache/old.json', entry(old));
    age = 10 * DAY;
    await putJson(store, 'cache/young.json', entry(young));
    await collectGarbage(store, { dryRun: false });
    expect(await store.head('cache/old.json')).toBeUndefined();
    expect(await store.head(artifactKey(old.digest))).toBeUndefined();
    expect(await store.head('cache/young.json')).toBeDefined();
    expect(await store.head(artifactKey(young.digest))).toBeDefined();
    expect(await store.head(blobKey(sha256('weights 2')))).toBeDefined();
  });

  it('keeps what any other document refers to', async () => {
    const ref = await bench.model(1);
    await putJson(store, 'runs/r1/state.json', { artifacts: [ref.digest], blob: sha256('weights 1') });
    expect((await collectGarbage(store, { dryRun: false })).items).toEqual([]);
  });

  it('spares what was written again since it was looked at', async () => {
    await bench.model(1);
    const result = collectGarbage(store, { dryRun: false });
    age = 0;
    await bench.model(1);
    await result;
    const ref = await bench.model(1);
    expect(await (await bench.artifacts.open(ref)).bytes('weights.bin')).toBeDefined();
  });
});
