import { beforeAll, describe, expect, it } from 'vitest';
import type { Plan } from '../../../src/core/plan.ts';
import type { MonitorInput, MonitorView } from '../../../src/core/monitor.ts';
import type { ModelAnswer } from '../../../src/core/model-updates.ts';
import type { DatasetProfile } from '../../../src/data/stored/dataset.ts';
import { updateModel } from '../../../src/runs/models.ts';
import { pipelineInput } from '../../../src/runs/pipeline-input.ts';
import { listRuns, describeRun } from '../../../src/runs/runs.ts';
import type { BackfillView } from '../../../src/core/backfill.ts';
import { describeBackfill, startBackfill } from '../../../src/runs/backfills.ts';
import { findSchedule, listSchedules, pauseSchedule, resumeSchedule, triggerSchedule } from '../../../src/runs/schedules.ts';
import { waitRun } from '../../../src/runs/wait-run.ts';
import { createRegistry } from '../../../src/registry/registry.ts';
import { until } from '../../support/until.ts';
import { applied, planStep, setStage, testPlan, testStep } from './harness.ts';
import type { Stage } from './harness.ts';
import { modelFacts } from '../../support/stored-facts.ts';
import type { Json } from '@duckdb/node-api';

const seen: { nominalTime: string; trigger: string }[] = [];
const steps = [
  testStep({
    type: 'look',
    cacheable: false,
    outputs: { out: { kind: 'version' } },
    async run(ctx) {
      seen.push({ nominalTime: ctx.nominalTime, trigger: ctx.trigger });
      return {
        outputs: { out: await ctx.artifacts.write({ kind: 'version', summary: 'v1', files: {}, meta: {} }) },
        values: { model: 'thing', version: 1 },
      };
    },
  }),
];

const on: Plan['on'] = {
  schedule: { cron: '0 3 * * *', timezone: 'Europe/Berlin', overlap: 'skip', catchupMs: 3_600_000, pauseOnFailure: false },
  drift: { action: 'retrain', everyMs: 3_600_000, windowMs: 86_400_000, rowsMin: 50, psi: 0.2, ksPValue: 0.05, columnsMin: 1 },
};
const plan = testPlan('nightly', [planStep('register', 'look', { kind: 'version', config: { model: 'thing' } })], { on });

let stage: Stage;
beforeAll(async () => {
  stage = await setStage(steps);
  await stage.startWorker();
});

describe('schedules', () => {
  it('shows, creates, keeps, updates and removes; paused ones stay paused', async () => {
    const { temporal } = stage;
    const dry = await applied(temporal, [plan], steps, { dryRun: true });
    expect(dry.map(({ id, action }) => [id, action])).toEqual([
      ['nightly/schedule', 'create'],
      ['nightly/drift', 'create'],
    ]);
    expect(await listSchedules(temporal)).toEqual([]);
    await applied(temporal, [plan], steps);
    await until(async () => (await listSchedules(temporal)).length === 2);
    expect((await applied(temporal, [plan], steps)).map((change) => change.action)).toEqual(['keep', 'keep']);
    await pauseSchedule(temporal, 'nightly/schedule', 'test');
    const changed: Plan = {
      ...plan,
      revision: '1'.repeat(64),
      on: { ...on, schedule: { ...on.schedule!, cron: '30 4 * * *', overlap: 'bufferOne' } },
    };
    const [update] = await applied(temporal, [changed], steps);
    expect(update!.action).toBe('update');
    expect(update!.differences).toEqual(
      expect.arrayContaining(['cron: 0 3 * * * → 30 4 * * *', 'overlap: SKIP → BUFFER_ONE', 'document: 000000000000 → 111111111111']),
    );
    const row = (await listSchedules(temporal)).find(({ id }) => id === 'nightly/schedule')!;
    expect(row).toMatchObject({ paused: true, note: 'test', overlap: 'BUFFER_ONE', catchup: '1h', when: '30 4 * * * (Europe/Berlin)' });
    await resumeSchedule(temporal, 'nightly/schedule', 'go');
    const { drift: _drift, ...without } = changed.on;
    const removed = await applied(temporal, [{ ...changed, on: without }], steps);
    expect(removed.find(({ id }) => id === 'nightly/drift')).toMatchObject({ action: 'delete' });
    await expect(findSchedule(temporal, 'nope')).rejects.toThrow(/There is no schedule "nope"/);
    expect(await findSchedule(temporal, 'nightly')).toBe('nightly/schedule');
  });

  it('backfills with the nominal time of every tick, and triggers', async () => {
    const { temporal } = stage;
    await applied(temporal, [plan], steps);
    seen.length = 0;
    await startBackfill(temporal, 'nightly/schedule', { start: new Date('2026-03-01T00:00:00Z'), end: new Date('2026-03-04T00:00:00Z') });
    await until(() => seen.length === 3);
    expect(seen.map(({ nominalTime }) => nominalTime)).toEqual([
      '2026-03-01T02:00:00.000Z',
      '2026-03-02T02:00:00.000Z',
      '2026-03-03T02:00:00.000Z',
    ]);
    expect(new Set(seen.map(({ trigger }) => trigger))).toEqual(new Set(['backfill']));
    await triggerSchedule(temporal, 'nightly/schedule');
    await until(() => seen.length === 4);
    expect(seen[3]!.trigger).toBe('schedule');
    await until(async () => (await listRuns(temporal, { pipeline: 'nightly' })).filter((row) => row.status === 'completed').length === 4);
    expect((await listRuns(temporal, { pipeline: 'nightly' }))[0]).toMatchObject({ model: 'thing', version: 1, trigger: 'schedule' });
    expect((await listRuns(temporal, { pipeline: 'nightly' })).filter((row) => row.trigger === 'backfill')).toHaveLength(3);
    await applied(temporal, [], steps, { remove: () => 'no document was given' });
    await until(async () => (await listSchedules(temporal)).length === 0);
  });
});

/** Registers a version of `thing` whose profile has one column `x` uniform in [0, 1). */
async function registerVersion(text: string): Promise<number> {
  const { store, artifacts } = stage.deps;
  const values = Array.from({ length: 1_000 }, (_, index) => index / 1_000);
  const profile: DatasetProfile = {
    formatVersion: 1,
    rows: 1_000,
    columns: [
      {
        name: 'x',
        type: 'number',
        count: 1_000,
        missing: 0,
        distinct: 1_000,
        number: {
          min: 0,
          max: 0.999,
          mean: 0.4995,
          std: 0.2887,
          quantiles: { '0.5': 0.4995 },
          edges: Array.from({ length: 11 }, (_, index) => index / 10),
          counts: Array.from({ length: 10 }, () => 100),
          sample: values,
        },
      },
    ],
  };
  const model = await artifacts.write({
    kind: 'model',
    summary: text,
    files: {
      'profile.json': Buffer.from(JSON.stringify(profile)),
      'preprocessor.json': Buffer.from(JSON.stringify({ columns: profile.columns })),
    },
    meta: { ...modelFacts(), text } as unknown as Json,
  });
  return (
    await createRegistry(store, artifacts).register({
      model: 'thing',
      modelRef: model,
      pipeline: 'nightly',
      runId: text,
      stepId: 'register',
    })
  ).version;
}

describe('workflow model', () => {
  it('promotes, rolls back with a pin, and unpins by validated Updates, one after the other', async () => {
    const { temporal } = stage;
    const [one, two] = [await registerVersion('one'), await registerVersion('two')];
    const by = { who: 'ada', why: 'test' };
    await expect(updateModel(temporal, 'thing', 'promote', { version: 1, who: '', why: 'x' })).rejects.toThrow(/"who" is missing/);
    await expect(updateModel(temporal, 'thing', 'promote', { version: 9, ...by })).rejects.toMatchObject({ code: 'VERSION_INVALID' });
    const first = await updateModel(temporal, 'thing', 'promote', { version: one, ...by });
    expect(first).toMatchObject<Partial<ModelAnswer>>({ action: 'promote', alias: 'champion', from: null, to: 1, pinned: false });
    await updateModel(temporal, 'thing', 'promote', { version: two, ...by });
    expect(await updateModel(temporal, 'thing', 'rollback', by)).toMatchObject({ from: 2, to: 1, pinned: true });
    expect(await updateModel(temporal, 'thing', 'unpin', by)).toMatchObject({ pinned: false });
    const recent = await temporal.client.workflow.getHandle('model/thing').query<ModelAnswer[]>('recent');
    expect(recent.map(({ action }) => action)).toEqual(['promote', 'promote', 'rollback', 'unpin']);
    const history = await createRegistry(stage.deps.store, stage.deps.artifacts).history('thing');
    expect(history.map(({ action }) => action)).toEqual(['promote', 'promote', 'rollback', 'unpin']);
  });
});

describe('a backfill that is told to promote', () => {
  it('ends with a rollback to its newest version, pinned and logged as one; others move no alias', async () => {
    const { temporal } = stage;
    await updateModel(temporal, 'thing', 'promote', { version: 2, who: 'ada', why: 'test' });
    await applied(temporal, [plan], steps);
    const range = { start: new Date('2026-03-01T00:00:00Z'), end: new Date('2026-03-03T00:00:00Z') };
    const done = async (id: string): Promise<BackfillView> =>
      (await until(async () => [await describeBackfill(temporal, id)].filter(({ state }) => state === 'done')))[0]!;
    const quiet = await startBackfill(temporal, 'nightly/schedule', range);
    expect(await done(quiet.id)).not.toHaveProperty('promoted');
    const registry = createRegistry(stage.deps.store, stage.deps.artifacts);
    expect((await registry.routing('thing'))!.routing).toMatchObject({ aliases: { champion: 2 }, pin: null });
    const told = await startBackfill(temporal, 'nightly/schedule', range, { who: 'ada' });
    expect(await done(told.id)).toMatchObject({
      note: '',
      promoted: expect.stringMatching(/^champion of thing is version 1, pinned/) as string,
      runs: [{ version: { model: 'thing', version: 1 } }, {}],
    });
    expect((await registry.routing('thing'))!.routing).toMatchObject({ aliases: { champion: 1 }, pin: { version: 1 } });
    expect((await registry.history('thing')).at(-1)).toMatchObject({
      action: 'rollback',
      who: 'ada',
      why: 'Backfill of nightly/schedule, tick 2026-03-02T02:00:00.000Z.',
    });
    await updateModel(temporal, 'thing', 'unpin', { who: 'ada', why: 'test' });
  });
});

describe('workflow monitor', () => {
  const input = (): MonitorInput => ({
    pipeline: 'nightly',
    model: 'thing',
    check: { kind: 'drift', drift: on.drift! },
    run: pipelineInput(plan, steps, { trigger: 'drift' }),
  });
  const check = (id: string): Promise<MonitorView> =>
    stage.temporal.client.workflow.execute('monitor', { workflowId: id, taskQueue: 'perennial', args: [input()] }) as Promise<MonitorView>;

  it('finds drift in the logged predictions and starts one run for it', async () => {
    const now = new Date();
    const log = async (name: string, value: (index: number) => number): Promise<void> => {
      const lines = Array.from({ length: 200 }, (_, index) =>
        JSON.stringify({ time: now.toISOString(), id: String(index), version: 1, row: { x: value(index) }, prediction: { value: 1 } }),
      );
      await stage.deps.store.put(
        `predictions/thing/${now.toISOString().slice(0, 10)}/${now.toISOString().slice(11, 13)}-${name}.ndjson`,
        Buffer.from(`${lines.join('\n')}\n`),
      );
    };
    await new Promise((resolve) => setTimeout(resolve, 5));
    const quiet = await check('monitor/quiet');
    expect(quiet).toMatchObject({ outcome: 'none', run: null, finding: { champion: 1, due: false, rows: 0 } });
    await log('drifted', (index) => 0.9 + index / 10_000);
    await new Promise((resolve) => setTimeout(resolve, 5));
    const found = await check('monitor/found');
    expect(found).toMatchObject({ outcome: 'started', finding: { due: true, rows: 200 } });
    expect(found.finding.driftScore).toBeGreaterThan(0.2);
    const run = await waitRun(stage.temporal, found.run!);
    expect(run).toMatchObject({ status: 'completed', trigger: 'drift' });
    expect(await check('monitor/again')).toMatchObject({ outcome: 'coolingDown', run: found.run });
    expect((await describeRun(stage.temporal, found.run!)).urls.temporal).toContain('nightly%2Fdrift-v1-');
  });
});
