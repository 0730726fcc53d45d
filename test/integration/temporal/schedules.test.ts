import { beforeAll, describe, expect, it } from 'vitest';
import type { Plan } from '../../../src/core/plan.ts';
import { cancelBackfill, describeBackfill, findBackfill, listBackfills, startBackfill } from '../../../src/runs/backfills.ts';
import { isZoneName } from '../../../src/config/zone-names.ts';
import { clockChanges } from '../../../src/runs/daylight.ts';
import type { ClockChange } from '../../../src/runs/daylight.ts';
import { compareSchedules } from '../../../src/runs/reconcile.ts';
import { findRun } from '../../../src/runs/find-run.ts';
import { describeRun, listRuns } from '../../../src/runs/runs.ts';
import { describeSchedule } from '../../../src/runs/schedule-marks.ts';
import { deleteSchedule, listSchedules, pauseSchedule, resumeSchedule, triggerSchedule } from '../../../src/runs/schedules.ts';
import { until } from '../../support/until.ts';
import { applied, listed, planStep, setStage, testPlan, testStep } from './harness.ts';
import type { Stage } from './harness.ts';

const seen: string[] = [];
let hold = false;
const steps = [
  testStep({
    type: 'look',
    cacheable: false,
    outputs: { out: { kind: 'data' } },
    async run(ctx) {
      seen.push(ctx.nominalTime);
      while (hold && !ctx.signal.aborted) await new Promise((resolve) => setTimeout(resolve, 20));
      if (ctx.signal.aborted) throw new Error('aborted');
      return { outputs: { out: await ctx.artifacts.write({ kind: 'data', summary: 'seen', files: {}, meta: {} }) } };
    },
  }),
];
const planOf = (name: string, cron = '0 3 * * *', timezone = 'UTC'): Plan =>
  testPlan(name, [planStep('a', 'look')], {
    on: { schedule: { cron, timezone, overlap: 'skip', catchupMs: 3_600_000, pauseOnFailure: false } },
  });

let stage: Stage;
beforeAll(async () => {
  stage = await setStage(steps);
  await stage.startWorker();
});

const day = (text: string): Date => new Date(`${text}T00:00:00Z`);

describe('a backfill', () => {
  it('is held by a pause after the run that goes, can be listed, watched and cancelled', async () => {
    const { temporal } = stage;
    await applied(temporal, [planOf('held')], steps);
    hold = true;
    const { id, ticks } = await startBackfill(temporal, 'held/schedule', {
      start: new Date('2026-03-01T03:00:00Z'),
      end: day('2026-03-06'),
    });
    expect(ticks).toEqual([1, 2, 3, 4, 5].map((date) => `2026-03-0${date}T03:00:00.000Z`));
    await until(() => seen.length === 1);
    await pauseSchedule(temporal, 'held/schedule', 'the source is moved');
    hold = false;
    await until(async () => (await describeBackfill(temporal, id)).state === 'held');
    const held = await describeBackfill(temporal, id);
    expect(held).toMatchObject({
      note: 'the schedule is paused: the source is moved',
      ticks: 5,
      runs: [{ tick: '2026-03-01T03:00:00.000Z', status: 'completed' }],
    });
    expect(seen).toHaveLength(1);
    await until(async () => (await listBackfills(temporal)).length === 1);
    expect(await listBackfills(temporal)).toMatchObject([{ id, schedule: 'held/schedule', state: 'held', ticks: 5, done: 1 }]);
    expect(await findBackfill(temporal, 'held')).toBe(id);
    hold = true;
    await resumeSchedule(temporal, 'held/schedule', 'moved');
    await until(() => seen.length === 2);
    await cancelBackfill(temporal, id);
    await until(async () => (await describeBackfill(temporal, id)).state === 'cancelled');
    expect((await describeBackfill(temporal, id)).runs.map(({ status }) => status)).toEqual(['completed', 'cancelled']);
    hold = false;
    await until(
      async () =>
        (await listRuns(temporal, { pipeline: 'held' }))
          .filter(({ trigger }) => trigger === 'backfill')
          .map(({ status }) => status)
          .sort()
          .join() === 'cancelled,completed',
    );
    expect(seen).toHaveLength(2);
  });

  it('of ticks that came already is other executions, each with a name of its own; also by Temporal itself, under one id', async () => {
    const { temporal } = stage;
    await applied(temporal, [planOf('again')], steps);
    const range = { start: day('2026-03-01'), end: day('2026-03-02') };
    const tick = 'again/scheduled-2026-03-01T03:00:00Z';
    for (const times of [1, 2]) {
      await temporal.client.schedule.getHandle('again/schedule').backfill({ ...range, overlap: 'ALLOW_ALL' });
      await until(
        async () => (await listRuns(temporal, { pipeline: 'again' })).filter(({ status }) => status === 'completed').length === times,
      );
    }
    const ours = [await startBackfill(temporal, 'again/schedule', range), await startBackfill(temporal, 'again/schedule', range)];
    for (const { id } of ours) await until(async () => (await describeBackfill(temporal, id)).state === 'done');
    const rows = await until(async () => {
      const found = await listRuns(temporal, { pipeline: 'again' });
      return found.length === 4 && found.every(({ status }) => status === 'completed') ? found : undefined;
    });
    expect(rows.filter(({ workflowId }) => workflowId === tick)).toHaveLength(2);
    expect(new Set(rows.map(({ run }) => run)).size).toBe(4);
    expect(new Set(rows.map(({ trigger }) => trigger))).toEqual(new Set(['backfill']));
    // Each name leads to its own execution.
    const views = await Promise.all(rows.map(async ({ run }) => describeRun(temporal, await findRun(temporal, run))));
    expect(views.map(({ pipeline, runId }) => `${pipeline}/${runId}`)).toEqual(rows.map(({ run }) => run));
    await deleteSchedule(temporal, 'again/schedule');
  });

  it('refuses a range in the future, and one without a tick', async () => {
    const { temporal } = stage;
    await expect(startBackfill(temporal, 'held/schedule', { start: day('2026-03-01'), end: day('2999-01-01') })).rejects.toThrow(
      /ends at 2999-01-01T00:00:00.000Z, which is in the future/,
    );
    await expect(
      startBackfill(temporal, 'held/schedule', { start: new Date('2026-03-01T04:00:00Z'), end: new Date('2026-03-01T05:00:00Z') }),
    ).rejects.toThrow(/has no tick/);
  });
});

describe('applying', () => {
  it('asks Temporal about every schedule first: a refused one changes nothing', async () => {
    const { temporal } = stage;
    // Only Temporal knows which zones it has.
    await expect(applied(temporal, [planOf('good'), planOf('bad', '0 3 * * *', 'Nowhere/AtAll')], steps)).rejects.toMatchObject({
      code: 'DOCUMENT_INVALID',
      message: expect.stringMatching(/^bad\/schedule: Temporal refuses the schedule: .*Nowhere\/AtAll/) as string,
    });
    for (const id of ['good/schedule', 'bad/schedule']) expect(await describeSchedule(temporal, id)).toBeUndefined();
  });

  it('removes what an apply left that was killed while it asked', async () => {
    const { temporal } = stage;
    const left = async (): Promise<string[]> => {
      const ids: string[] = [];
      for await (const { scheduleId } of temporal.client.schedule.list())
        if (scheduleId.startsWith('perennial-check/')) ids.push(scheduleId);
      return ids;
    };
    await temporal.client.schedule.create({
      scheduleId: 'perennial-check/killed',
      spec: { cronExpressions: ['0 3 * * *'] },
      action: { type: 'startWorkflow', workflowType: 'pipeline', taskQueue: 'perennial' },
      state: { paused: true },
    });
    await until(async () => (await left()).length === 1);
    await applied(temporal, [planOf('held')], steps);
    await until(async () => (await left()).length === 0);
  });

  it('takes a day of the month with a day of the week as cron has it: on either', async () => {
    const { temporal } = stage;
    await applied(temporal, [planOf('either', '0 12 13 * FRI')], steps);
    const { id, ticks } = await startBackfill(temporal, 'either/schedule', { start: day('2026-03-01'), end: day('2026-03-21') });
    expect(ticks.map((tick) => tick.slice(0, 10))).toEqual(['2026-03-06', '2026-03-13', '2026-03-20']);
    await until(async () => (await describeBackfill(temporal, id)).state === 'done');
    const april = await startBackfill(temporal, 'either/schedule', { start: day('2026-04-11'), end: day('2026-04-18') });
    expect(april.ticks.map((tick) => tick.slice(0, 10))).toEqual(['2026-04-13', '2026-04-17']);
    await cancelBackfill(temporal, april.id);
    expect((await applied(temporal, [planOf('either', '0 12 13 * FRI')], steps)).map(({ action }) => action)).toEqual(['keep']);
  });

  it('counts the ticks that daylight saving costs or adds, as Temporal takes them', async () => {
    const { temporal } = stage;
    const changesOf = async (cron: string, timezone: string): Promise<ClockChange[]> => {
      await applied(temporal, [planOf('clocks', cron, timezone)], steps);
      return clockChanges(temporal, 'clocks/schedule', cron, timezone, day('2025-06-01'));
    };
    expect(await changesOf('0 * * * *', 'Europe/Berlin')).toEqual([]);
    expect(await changesOf('30 2 * * *', 'UTC')).toEqual([]);
    // What Temporal leaves out where the clocks go back is known to nobody else.
    expect(await changesOf('0,20,40 0-5 * * *', 'Europe/Berlin')).toEqual([
      {
        date: '2025-10-26',
        lost: ['02:40', '03:00', '03:20'],
        doubled: [],
        once: [
          { time: '02:00', tick: '2025-10-26T00:00:00.000Z' },
          { time: '02:20', tick: '2025-10-26T01:20:00.000Z' },
        ],
      },
      { date: '2026-03-29', lost: ['02:00', '02:20', '02:40'], doubled: [], once: [] },
    ]);
    // The clocks show 02:30 twice, and Temporal takes the second one; of 02:00 the first.
    expect(await changesOf('30 2 * * *', 'Europe/Berlin')).toEqual([
      { date: '2025-10-26', lost: [], doubled: [], once: [{ time: '02:30', tick: '2025-10-26T01:30:00.000Z' }] },
      { date: '2026-03-29', lost: ['02:30'], doubled: [], once: [] },
    ]);
    const ticksOf = async (from: string, to: string): Promise<readonly string[]> => {
      const { id, ticks } = await startBackfill(temporal, 'clocks/schedule', { start: new Date(from), end: new Date(to) });
      await cancelBackfill(temporal, id);
      return ticks;
    };
    expect(await ticksOf('2025-10-25T12:00:00Z', '2025-10-26T12:00:00Z')).toEqual(['2025-10-26T01:30:00.000Z']);
    expect(await ticksOf('2026-03-28T12:00:00Z', '2026-03-30T12:00:00Z')).toEqual(['2026-03-30T00:30:00.000Z']);
    const { daylight } = (await listSchedules(temporal, { pipeline: 'clocks' }))[0]!;
    expect(daylight!.split('; ').sort()).toEqual([
      expect.stringMatching(
        /^02:30 comes twice on \d{4}-10-\d\d, when the clocks of Europe\/Berlin are changed, and ticks once \(01:30 UTC\)$/,
      ) as string,
      expect.stringMatching(/^1 tick lost \(02:30\) on \d{4}-03-\d\d, when the clocks of Europe\/Berlin are changed$/) as string,
    ]);
    // Nor is a name taken that Temporal does not know: case counts.
    for (const name of ['utc', 'europe/berlin']) {
      expect(isZoneName(name)).toBe(false);
      await expect(applied(temporal, [planOf('clocks', '30 2 * * *', name)], steps)).rejects.toThrow();
    }
    // Temporal's name for the zone of whichever machine it runs on: a document does not depend on that.
    expect(isZoneName('Local')).toBe(false);
    for (const name of ['UTC', 'US/Eastern', 'Etc/GMT+5', 'Zulu', 'Asia/Calcutta', 'Asia/Kolkata']) {
      expect(isZoneName(name)).toBe(true);
      await applied(temporal, [planOf('clocks', '30 2 * * *', name)], steps);
    }
  });

  it('moves the schedules of a renamed document with their pause; removes only what it named', async () => {
    const { temporal } = stage;
    await applied(temporal, [planOf('old')], steps);
    await pauseSchedule(temporal, 'old/schedule', 'until May');
    await until(async () => (await listSchedules(temporal, { pipeline: 'old' }))[0]?.paused === true);
    const renamed = new Map([['new', 'old']]);
    const moved = await compareSchedules(temporal, [planOf('new')], steps, { renamed });
    expect(moved.changes.map(({ id, action, differences }) => [id, action, differences[0]])).toEqual([
      ['new/schedule', 'create', 'in place of old/schedule, paused as that was'],
      ['old/schedule', 'delete', 'its document is named "new" now'],
    ]);
    await moved.carryOut();
    await listed(temporal, moved.changes);
    expect((await listSchedules(temporal, { pipeline: 'new' }))[0]).toMatchObject({ paused: true, note: 'until May' });
    const prune = await compareSchedules(temporal, [planOf('new')], steps, { remove: () => 'gone' });
    expect(prune.changes.filter(({ action }) => action === 'delete').map(({ id }) => id)).toEqual([
      'clocks/schedule',
      'either/schedule',
      'held/schedule',
    ]);
    await applied(temporal, [planOf('late')], steps);
    await prune.carryOut((pipeline) => pipeline === 'held');
    await until(async () => (await listSchedules(temporal)).map(({ id }) => id).join() === 'held/schedule,late/schedule,new/schedule');
    for (const id of ['late/schedule', 'held/schedule']) await deleteSchedule(temporal, id);
    await until(async () => (await listSchedules(temporal)).length === 1);
  });

  it('tells what came of the newest action', async () => {
    const { temporal } = stage;
    await triggerSchedule(temporal, 'new/schedule');
    const row = async () => (await listSchedules(temporal, { pipeline: 'new' }))[0];
    await until(async () => (await row())?.last === 'completed');
    expect(await row()).toMatchObject({ madeUp: 0, missedCatchup: 0, skippedOverlap: 0 });
  });
});
