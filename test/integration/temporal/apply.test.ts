import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ScheduleUpdateOptions } from '@temporalio/client';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { steps } from '../../../activities/steps/index.generated.ts';
import { compileAll } from '../../../src/cli/compile-all.ts';
import { differenceText } from '../../../src/cli/difference-text.ts';
import { findDocuments } from '../../../src/config/find-documents.ts';
import type { Json, JsonObject } from '../../../src/core/json.ts';
import type { ObjectStore } from '../../../src/core/ports.ts';
import { readSinks, sinkId } from '../../../src/events/sink-records.ts';
import { receiveEvent } from '../../../src/monitoring/triggers/event-inbox.ts';
import { readState, writeState } from '../../../src/monitoring/triggers/trigger-state.ts';
import { beginRollout, finishRollout, noteRollout, writeRollout } from '../../../src/registry/rollouts.ts';
import { readApplied } from '../../../src/runs/applied.ts';
import { inTurn } from '../../../src/runs/apply-turn.ts';
import type { Temporal } from '../../../src/runs/connect.ts';
import { compareDeclared } from '../../../src/runs/difference.ts';
import type { Difference, DifferenceOptions, PipelineDifference } from '../../../src/runs/difference.ts';
import { describeSchedule } from '../../../src/runs/schedule-marks.ts';
import { listSchedules, pauseSchedule } from '../../../src/runs/schedules.ts';
import { MemoryStore } from '../../../src/storage/memory-store.ts';
import { ada, workbench } from '../../contract/registry/models.ts';
import { tempDir } from '../../support/temp-dir.ts';
import { listed, setStage } from './harness.ts';

let temporal: Temporal;
let store: ObjectStore;
let folder: string;
beforeAll(async () => {
  temporal = (await setStage([])).temporal;
});
beforeEach(() => {
  store = new MemoryStore();
  folder = tempDir('pipelines');
});

const nightly = (cron = '0 3 * * *'): JsonObject => ({ schedule: { cron, timezone: 'Europe/Berlin' } });

/** A pipeline that registers and deploys a model. */
function write(name: string, on: JsonObject = nightly(), { file = `${name}.json`, epochs = 5, model, deploy = {} }: Written = {}): void {
  const document = {
    apiVersion: 'perennial/v1',
    name,
    steps: [
      { uses: 'ingest', with: { source: { format: 'csv', path: 'data.csv' }, label: 'species' } },
      { uses: 'preprocess' },
      { uses: 'train', with: { model: { architecture: 'mlp', units: [8] }, epochs } },
      { uses: 'evaluate' },
      { uses: 'register', ...(model === undefined ? {} : { with: { model } }) },
      { uses: 'deploy', with: deploy },
    ],
    on,
  };
  mkdirSync(join(folder, file, '..'), { recursive: true });
  writeFileSync(join(folder, file), JSON.stringify(document, null, 2));
}
interface Written {
  readonly file?: string;
  readonly epochs?: number;
  readonly model?: string;
  readonly deploy?: Json;
}

async function compare(options: Partial<DifferenceOptions> = {}, through: Temporal = temporal): Promise<Difference> {
  const { files, folders, leftOut } = await findDocuments([folder]);
  return compareDeclared(through, store, await compileAll(files, {}), steps, { folders, leftOut, who: 'ada', ...options });
}

async function apply(options: Partial<DifferenceOptions> = {}): Promise<Difference> {
  const difference = await compare(options);
  await difference.carryOut();
  return difference;
}

const only = ({ pipelines }: Difference): PipelineDifference => {
  expect(pipelines).toHaveLength(1);
  return pipelines[0]!;
};
const actions = ({ pipelines }: Difference): string[] => pipelines.map(({ action, pipeline }) => `${action} ${pipeline}`);
const hand = (difference: Difference): string[] => difference.pipelines.flatMap(({ byHand }) => byHand.map(({ what }) => what));

describe('a folder', () => {
  it('of every kind of trigger and sink is made as declared, and then nothing differs', async () => {
    write('every', {
      ...nightly('*/15 9-17 * * MON-FRI'),
      drift: { every: '2h' },
      newData: { rows: 100 },
      performance: { metric: 'accuracy', worseBy: 0.05 },
      feedback: { flagged: 0.2 },
      version: { model: 'upstream' },
      event: {},
      notify: [{ to: { slack: { url: { $secret: 'SLACK' } } } }],
      publish: [{ to: { file: { path: 'events.ndjson' } } }],
    });
    write('odd', { schedule: { cron: '0 3 13 * FRI', jitter: '5m' } });
    write('often', { schedule: { every: '90m', jitter: '30s' } }, { file: 'deep/often.json' });
    write('none', {});
    const first = await apply();
    expect(actions(first)).toEqual(['create often', 'create every', 'create none', 'create odd']);
    expect(first.pipelines[1]!.parts.map(({ id }) => id)).toEqual([
      'every/schedule',
      'every/drift',
      'every/new-data',
      'every/event',
      'every/feedback',
      'every/performance',
      'every/version',
      'every/publish/file',
      'every/notify',
    ]);
    const again = await compare();
    expect(differenceText(again)).toBe('= often, every, none, odd  (as it should be)\n\n4 unchanged.');
    expect(again.differs).toBe(false);
    // By a mark of before, which does not say how Temporal took the times.
    await update('odd/schedule', (options) => {
      const { times: _times, ...mark } = options.action.memo!['perennial'] as JsonObject;
      return { ...options, action: { ...options.action, memo: { ...options.action.memo, perennial: mark } } };
    });
    expect((await compare()).differs).toBe(false);
  });

  it('tells each value that differs, and from when on it holds', async () => {
    write('change', { ...nightly(), drift: {} });
    await apply();
    write('change', nightly('0 4 * * *'), { epochs: 9, deploy: { strategy: { canary: { steps: [{ percent: 10, for: '10m' }] } } } });
    expect(differenceText(await compare())).toBe(
      [
        `~ change  ${join(folder, 'change.json')}`,
        '    steps.train.with.epochs: 5 → 9  (from the next run)',
        '    steps.deploy.with.strategy: {"canary":{"steps":[{"percent":10,"for":"10m"}]}}  (from the next version that is deployed)',
        '    on.schedule.cron: "0 3 * * *" → "0 4 * * *"',
        '    on.drift: {} → (none)',
        '    updates change/schedule',
        '    removes change/drift',
        '',
        '1 to change, 0 unchanged.',
      ].join('\n'),
    );
    await apply();
    expect((await compare()).differs).toBe(false);
    // The same where it was applied by a version that remembered nothing.
    store = new MemoryStore();
    expect(actions(await compare())).toEqual(['unchanged change']);
    write('change', nightly('0 5 * * *'), { epochs: 9 });
    expect(only(await compare()).parts[0]!.differences).toContain('cron: 0 4 * * * → 0 5 * * *');
  });

  it('is applied all or not at all, and two documents of one name are refused', async () => {
    write('good');
    write('bad', { schedule: { cron: '0 3 * *' } });
    write('twin', nightly(), { file: 'one.json' });
    write('twin', nightly(), { file: 'two.json' });
    await expect(compare()).rejects.toMatchObject({
      code: 'DOCUMENT_INVALID',
      message: expect.stringMatching(/bad\.json:\d+:\d+: .*five fields[^]*one\.json and .*two\.json are both named "twin"/) as string,
    });
    expect(await describeSchedule(temporal, 'good/schedule')).toBeUndefined();
  });
});

/** What somebody does in the UI of Temporal, or with its command line. */
async function update(id: string, change: (options: ScheduleUpdateOptions) => ScheduleUpdateOptions): Promise<void> {
  await temporal.client.schedule.getHandle(id).update(({ spec, action, policies, state }) => {
    if (action.type !== 'startWorkflow') throw new Error('no such action');
    return change({ spec, action, policies, state } as ScheduleUpdateOptions);
  });
}

describe('what was changed by hand', () => {
  it('in Temporal is told and set back; a pause stays, with the command that ends it', async () => {
    write('hand', { ...nightly(), drift: {}, newData: { rows: 10 }, feedback: { flagged: 0.5 }, event: {} });
    await apply();
    await update('hand/schedule', (options) => ({ ...options, spec: { cronExpressions: ['30 5 * * *'], timezone: 'UTC' } }));
    await update('hand/drift', (options) => ({ ...options, policies: { ...options.policies, overlap: 'ALLOW_ALL', catchupWindow: '1h' } }));
    // As `temporal schedule update` does: the whole action is another one, and what it was marked with is gone.
    await update('hand/new-data', (options) => ({
      ...options,
      action: { type: 'startWorkflow', workflowType: 'pipeline', workflowId: 'x', taskQueue: 'perennial', args: [] },
    }));
    await temporal.client.schedule.getHandle('hand/feedback').delete();
    await pauseSchedule(temporal, 'hand/event', 'too loud');
    const kept = ['hand/schedule', 'hand/drift', 'hand/new-data', 'hand/event'].map((id) => ({ id, action: 'keep' as const }));
    await listed(temporal, [...kept, { id: 'hand/feedback', action: 'delete' }]);
    const rows = await listSchedules(temporal, { pipeline: 'hand' });
    expect(rows.find(({ kind }) => kind === 'schedule')!.when).toBe('30 5 * * * (UTC), edited by hand');
    expect(rows.find(({ kind }) => kind === 'new-data')!.pipeline).toBe('hand');
    const found = await compare();
    expect(hand(found).sort()).toEqual(
      [
        'on.schedule.cron: "0 3 * * *" → "30 5 * * *"',
        'on.schedule.timezone: "Europe/Berlin" → "UTC"',
        'on.drift.overlap: "skip" → "allowAll"',
        'on.drift.catchup: "30m" → "1h"',
        'on.newData: what it starts was replaced',
        'on.event: paused (too loud)',
        'hand/feedback was deleted',
      ].sort(),
    );
    expect(only(found).byHand[0]).toMatchObject({ at: expect.stringMatching(/^20/) as string, by: null, fix: null });
    await found.carryOut();
    const after = await compare();
    expect(actions(after)).toEqual(['unchanged hand']);
    expect(only(after).byHand).toEqual([
      { what: 'on.event: paused (too loud)', at: null, by: null, fix: 'perennial schedules resume hand/event' },
    ]);
    expect(after.differs).toBe(true);
    expect((await describeSchedule(temporal, 'hand/schedule'))!.spec.timezone).toBe('Europe/Berlin');
    await temporal.client.schedule.getHandle('hand/event').unpause();
    expect((await compare()).differs).toBe(false);
  });

  it('to the routing is told, and stays: no champion moves, no rollout and no pin ends', async () => {
    write('routed', nightly(), { model: 'routed' });
    const bench = workbench(store);
    for (const number of [1, 2, 3, 4]) await bench.register(number, 'routed');
    const robot = { who: 'run r', why: 'passed', automatic: true, judged: [] } as const;
    await bench.registry.promote('routed', 1, robot);
    await apply();
    await bench.registry.promote('routed', 2, robot);
    expect((await compare()).differs).toBe(false);
    await bench.registry.promote('routed', 3, ada);
    expect(only(await compare()).byHand).toMatchObject([
      { what: 'model routed: promoted from version 2 to 3 ("because")', by: 'ada', fix: `perennial run ${join(folder, 'routed.json')}` },
    ]);
    await bench.registry.rollback('routed', { who: 'bob', why: 'too sure' });
    const pinned = await apply();
    expect(hand(pinned)).toEqual([
      'model routed: pinned to version 2 ("too sure")',
      'model routed: promoted from version 2 to 3 ("because")',
    ]);
    expect(only(pinned).byHand[0]).toMatchObject({ by: 'bob', fix: 'perennial models unpin routed' });
    // What was shown by an apply is known; what stands in the way is told as long as it does.
    expect(hand(await compare())).toEqual(['model routed: pinned to version 2 ("too sure")']);
    expect((await bench.registry.routing('routed'))!.routing).toMatchObject({ aliases: { champion: 2 }, pin: { version: 2 } });
    await bench.registry.unpin('routed', ada);
    expect((await compare()).differs).toBe(false);

    const rollout = { id: 'one', kind: 'canary', candidate: 4, share: 0.1 } as const;
    await beginRollout(store, 'routed', rollout, { ...robot });
    expect((await compare()).differs).toBe(false);
    const now = new Date().toISOString();
    await writeRollout(store, {
      formatVersion: 1,
      name: 'routed',
      ...rollout,
      champion: 2,
      spec: { kind: 'canary', steps: [{ share: 0.1, forMs: 60_000 }] } as never,
      pipeline: 'routed',
      runId: 'r',
      judged: [],
      startedAt: now,
      stepStartedAt: now,
      state: 'paused',
      step: 0,
      by: 'carol',
      why: 'wait for Monday',
    });
    await noteRollout(store, 'routed', 'one', { who: 'carol', why: 'wait for Monday' });
    write('routed', nightly(), { model: 'routed', deploy: { strategy: 'allAtOnce' } });
    const paused = await apply();
    expect(only(paused)).toMatchObject({
      values: [{ path: 'steps.deploy.with.strategy', holds: 'nextDeployment' }],
      notes: ['the rollout of version 4 that goes on keeps the strategy that it began with'],
      byHand: [
        {
          what: 'model routed: the rollout of version 4 is paused at 10 % ("wait for Monday")',
          by: 'carol',
          fix: 'perennial models rollout resume routed',
        },
      ],
    });
    expect((await bench.registry.routing('routed'))!.routing).toMatchObject({ rollout: { id: 'one', share: 0.1 } });
    // A document that is gone ends no rollout, either.
    rmSync(join(folder, 'routed.json'));
    const removed = await apply({ prune: true });
    expect(only(removed).notes).toEqual([
      `its document is gone: ${join(folder, 'routed.json')}`,
      'the versions of its model "routed" stay, and the champion goes on to answer',
      'the rollout of routed version 4 goes on to its end; `perennial models rollout abort routed` ends it',
    ]);
    expect((await bench.registry.routing('routed'))!.routing).toMatchObject({ rollout: { id: 'one' } });
    await finishRollout(store, 'routed', { id: 'one', candidate: 4 }, { ...robot });
  });
});

describe('a document', () => {
  it('that has another name, another file, or both, keeps what it had', async () => {
    write('old', { ...nightly(), event: {}, publish: [{ to: { file: { path: 'e.ndjson' } } }] }, { file: 'a.json' });
    await apply();
    await pauseSchedule(temporal, 'old/schedule', 'until May');
    await writeState(store, { pipeline: 'old', trigger: 'event', seen: '', what: 'listens', at: '2026-01-01T00:00:00.000Z' });
    await receiveEvent(store, { pipeline: 'old', id: '1', type: 't', why: '', data: {}, by: 'x', at: '2026-01-01T00:00:00.000Z' });
    write('new', { ...nightly(), event: {}, publish: [{ to: { file: { path: 'e.ndjson' } } }] }, { file: 'a.json' });
    const renamed = await apply();
    expect(actions(renamed)).toEqual(['rename new']);
    expect(only(renamed)).toMatchObject({ from: 'old', values: [] });
    expect((await describeSchedule(temporal, 'new/schedule'))!.state).toMatchObject({ paused: true, note: 'until May' });
    expect(await describeSchedule(temporal, 'old/schedule')).toBeUndefined();
    expect((await readSinks(store)).map(sinkId)).toEqual(['new/file']);
    expect(await readState(store, 'old', 'event')).toBeUndefined();
    expect(await readState(store, 'new', 'event')).toMatchObject({ pipeline: 'new', what: 'listens' });
    expect(await keys('events/')).toEqual(['events/new/pending/1.json']);
    expect([...(await readApplied(store)).keys()]).toEqual(['new']);
    // Another file.
    renameSync(join(folder, 'a.json'), join(folder, 'b.json'));
    const moved = await apply();
    expect(actions(moved)).toEqual(['change new']);
    expect(only(moved).notes).toEqual([`its document lies at ${join(folder, 'b.json')} now; it was ${join(folder, 'a.json')}`]);
    // Both.
    rmSync(join(folder, 'b.json'));
    write('newest', { ...nightly(), event: {}, publish: [{ to: { file: { path: 'e.ndjson' } } }] }, { file: 'deep/c.json' });
    expect(only(await apply())).toMatchObject({ action: 'rename', from: 'new' });
    // Name, file and text: it has to be told.
    rmSync(join(folder, 'deep/c.json'));
    write('other', nightly('1 1 * * *'));
    expect(actions(await compare())).toEqual(['create other', 'remove newest']);
    await expect(compare({ renamed: new Map([['other', 'nobody']]) })).rejects.toThrow(
      /nothing was applied as "nobody"; there is .*newest/,
    );
    expect(only(await apply({ renamed: new Map([['other', 'newest']]) }))).toMatchObject({ action: 'rename', from: 'newest' });
    expect((await describeSchedule(temporal, 'other/schedule'))!.state.paused).toBe(true);
    await temporal.client.schedule.getHandle('other/schedule').unpause();
    expect((await compare()).differs).toBe(false);
  });

  it('that took its model along says where the versions are', async () => {
    write('before', {}, { file: 'm.json' });
    await workbench(store).register(1, 'before');
    await apply();
    write('after', {}, { file: 'm.json' });
    expect(only(await compare()).notes).toEqual([
      'its model is "after" now: the versions of "before" stay where they are; "model": "before" in the register step goes on with it',
    ]);
  });

  it('that is gone is named by its folder, removed when asked for, and forgotten; those of other folders stay', async () => {
    write('goes', { ...nightly(), event: {} });
    write('stays');
    await apply();
    await writeState(store, { pipeline: 'goes', trigger: 'event', seen: '', what: 'listens', at: '2026-01-01T00:00:00.000Z' });
    const here = folder;
    folder = tempDir('elsewhere');
    write('elsewhere');
    await apply();
    folder = here;
    rmSync(join(folder, 'goes.json'));
    const kept = await apply();
    expect(actions(kept)).toEqual(['unchanged stays', 'remove goes']);
    expect(kept.elsewhere.map(({ pipeline }) => pipeline)).toContain('elsewhere');
    expect(await describeSchedule(temporal, 'goes/schedule')).toBeDefined();
    expect(await readState(store, 'goes', 'event')).toBeDefined();
    await apply({ prune: true });
    expect(await describeSchedule(temporal, 'goes/schedule')).toBeUndefined();
    expect(await readState(store, 'goes', 'event')).toBeUndefined();
    expect([...(await readApplied(store)).keys()]).toEqual(['elsewhere', 'stays']);
    expect(await describeSchedule(temporal, 'elsewhere/schedule')).toBeDefined();
    expect((await compare()).differs).toBe(false);
  });

  it.each([
    ['was emptied', ''],
    ['was cut off behind its first letter', '{'],
    ['holds something else', '{ "version": 2 }'],
  ])('whose file %s is broken and not gone: nothing is removed', async (_what, text) => {
    write('broken', { ...nightly(), event: {} });
    write('good');
    await apply();
    writeFileSync(join(folder, 'broken.json'), text);
    const refused = {
      code: 'DOCUMENT_INVALID',
      message: expect.stringMatching(/broken\.json: "broken" was applied from here, and it is no document any more/) as string,
    };
    await expect(compare()).rejects.toMatchObject(refused);
    await expect(apply({ prune: true })).rejects.toMatchObject(refused);
    expect(await describeSchedule(temporal, 'broken/schedule')).toBeDefined();
    rmSync(join(folder, 'broken.json'));
    expect(actions(await apply({ prune: true }))).toEqual(['unchanged good', 'remove broken']);
  });

  it('whose trigger is gone is told of no more events', async () => {
    write('deaf', { event: {} });
    await apply();
    await writeState(store, { pipeline: 'deaf', trigger: 'event', seen: '', what: 'listens', at: '2026-01-01T00:00:00.000Z' });
    write('deaf', nightly());
    await apply();
    await expect(
      receiveEvent(store, { pipeline: 'deaf', id: '1', type: 't', why: '', data: {}, by: 'x', at: '2026-01-01T00:00:00.000Z' }),
    ).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });
});

async function keys(prefix: string): Promise<string[]> {
  const found: string[] = [];
  for await (const { key } of store.list(prefix)) found.push(key);
  return found;
}

/** A client that is as good as killed when its n-th call of Temporal was answered; or that cannot reach it from that call on. */
function failing(at: number, how: 'killed' | 'away') {
  let calls = 0;
  let firstMade = 0;
  let over: () => void = () => undefined;
  const killed = new Promise<void>((resolve) => (over = resolve));
  const underWay = new Set<Promise<unknown>>();
  const never = new Promise<never>(() => undefined);
  const call = async <T>(work: () => Promise<T>): Promise<T> => {
    const mine = (calls += 1);
    if (mine >= at && how === 'away') throw Object.assign(new Error('14 UNAVAILABLE: away'), { code: 14, details: 'away' });
    if (mine > at) return never;
    const going = work();
    underWay.add(going);
    // That there is no such schedule is an answer, too.
    await going.catch(() => undefined);
    underWay.delete(going);
    if (mine !== at) return going;
    over();
    return never;
  };
  const { schedule } = temporal.client;
  const handleOf = (id: string) => {
    const handle = schedule.getHandle(id);
    return {
      ...handle,
      describe: () => call(() => handle.describe()),
      update: (change: never) => call(() => handle.update(change)),
      delete: () => call(() => handle.delete()),
    };
  };
  const through = {
    ...temporal,
    client: {
      ...temporal.client,
      schedule: {
        getHandle: handleOf,
        create: async (options: Parameters<typeof schedule.create>[0]) => {
          if (firstMade === 0) firstMade = calls + 1;
          return handleOf((await call(() => schedule.create(options))).scheduleId);
        },
        async *list() {
          yield* await call(async () => {
            const all = [];
            for await (const one of schedule.list()) all.push(one);
            return all;
          });
        },
      },
    },
  } as unknown as Temporal;
  return { through, killed, calls: () => calls, firstMade: () => firstMade, settled: () => Promise.allSettled([...underWay]) };
}

describe('an apply', () => {
  const before = (): void => {
    write('k-changed', { ...nightly(), drift: {} });
    write('k-old', { ...nightly(), event: {} }, { file: 'k.json' });
    write('k-gone', nightly());
  };
  const after = (): void => {
    write('k-changed', { ...nightly('0 4 * * *'), newData: { rows: 5 } });
    write('k-new', { ...nightly(), event: {} }, { file: 'k.json' });
    write('k-made', { schedule: { every: '1h' } });
    rmSync(join(folder, 'k-gone.json'), { force: true });
  };
  const ids = ['k-changed/schedule', 'k-changed/new-data', 'k-new/schedule', 'k-new/event', 'k-made/schedule'];
  const gone = ['k-changed/drift', 'k-old/schedule', 'k-old/event', 'k-gone/schedule'];

  const start = async (): Promise<void> => {
    store = new MemoryStore();
    rmSync(join(folder, 'k-made.json'), { force: true });
    before();
    for (const id of [...ids, ...gone])
      if ((await describeSchedule(temporal, id)) !== undefined) await temporal.client.schedule.getHandle(id).delete();
    await apply();
    await writeState(store, { pipeline: 'k-old', trigger: 'event', seen: '', what: 'listens', at: '2026-01-01T00:00:00.000Z' });
    after();
  };
  const converges = async (): Promise<void> => {
    await apply({ prune: true });
    const again = await compare({ prune: true });
    expect(differenceText(again)).toBe('= k-changed, k-made, k-new  (as it should be)\n\n3 unchanged.');
    for (const id of ids) expect([id, (await describeSchedule(temporal, id)) !== undefined]).toEqual([id, true]);
    for (const id of gone) expect([id, await describeSchedule(temporal, id)]).toEqual([id, undefined]);
    expect([...(await readApplied(store)).keys()]).toEqual(['k-changed', 'k-made', 'k-new']);
    expect(await readState(store, 'k-new', 'event')).toMatchObject({ what: 'listens' });
    expect(await keys('triggers/')).toEqual(['triggers/k-new/event.json']);
  };

  it('that is killed behind any of its calls of Temporal is made up for by the next', async () => {
    // Behind what only asks nothing is left: from the first call on that makes something.
    await start();
    const { through: asked, firstMade } = failing(Infinity, 'killed');
    await compare({ prune: true }, asked);
    for (let at = firstMade(); ; at += 1) {
      await start();
      const { through, killed, calls, settled } = failing(at, 'killed');
      const run = compare({ prune: true }, through).then(({ carryOut }) => carryOut());
      const end = await Promise.race([killed.then(() => 'killed'), run.then(() => 'done')]);
      await settled();
      await converges();
      if (end === 'killed') continue;
      expect(calls()).toBeGreaterThan(15);
      break;
    }
  });

  it('from which Temporal goes away says what it left, and the next makes up for it', async () => {
    for (let at = 1; ; at += 7) {
      await start();
      const { through } = failing(at, 'away');
      const end = await compare({ prune: true }, through)
        .then(({ carryOut }) => carryOut())
        .then(
          () => 'done',
          (error: unknown) => error,
        );
      if (end === 'done') break;
      expect(end).toMatchObject({ code: 'TEMPORAL_UNAVAILABLE' });
      await converges();
    }
  });

  it('waits for another one, and compares with what that left', async () => {
    write('turn');
    const seen: string[] = [];
    const waited: string[] = [];
    const one = async (who: string): Promise<void> =>
      inTurn(
        store,
        who,
        async (mayStill) => {
          const difference = await compare({ who, mayStill });
          seen.push(...actions(difference));
          await difference.carryOut();
        },
        (holder) => waited.push(holder),
      );
    await Promise.all(['ada', 'bob', 'carol'].map(one));
    expect(seen).toEqual(['create turn', 'unchanged turn', 'unchanged turn']);
    expect(waited).toHaveLength(2);
    expect(await keys('applying')).toEqual([]);
  });
});
