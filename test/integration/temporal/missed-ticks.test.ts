import { Context } from '@temporalio/activity';
import type { WorkerOptions } from '@temporalio/worker';
import { beforeAll, expect, it } from 'vitest';
import type { TicksTask } from '../../../src/core/missed-ticks.ts';
import { listRuns } from '../../../src/runs/runs.ts';
import { listSchedules, triggerSchedule } from '../../../src/runs/schedules.ts';
import { startTemporal } from '../../support/temporal.ts';
import type { TemporalServer } from '../../support/temporal.ts';
import { until } from '../../support/until.ts';
import { applied, planStep, setStage, testPlan, testStep } from './harness.ts';
import type { Stage } from './harness.ts';

const AWAY_MS = 27_000;
let hold = true;
const seen: { readonly pipeline: string; readonly tick: string }[] = [];
const steps = [
  testStep({
    type: 'look',
    cacheable: false,
    outputs: { out: { kind: 'data' } },
    async run(ctx) {
      seen.push({ pipeline: ctx.pipeline, tick: ctx.nominalTime });
      while (hold && !ctx.signal.aborted) await new Promise((resolve) => setTimeout(resolve, 20));
      if (ctx.signal.aborted) throw new Error('aborted');
      return { outputs: { out: await ctx.artifacts.write({ kind: 'data', summary: 'seen', files: {}, meta: {} }) } };
    },
  }),
];
const planOf = (name: string, catchupMs: number) =>
  testPlan(name, [planStep('a', 'look')], {
    on: { schedule: { cron: '0 3 1 1 *', timezone: 'UTC', overlap: 'skip', catchupMs, pauseOnFailure: false } },
  });

let stage: Stage;
beforeAll(async () => {
  stage = await setStage(steps);
});

/** Cancels the run of "late" while it looks whether to make up for a tick: it has come to its end by then. */
const cancelling: WorkerOptions['interceptors'] = {
  activity: [
    () => ({
      inbound: {
        async execute(input, next) {
          const { activityType, workflowExecution } = Context.current().info;
          const [task] = input.args as [TicksTask];
          if (activityType === 'ticksOfSchedule' && task.schedule === 'late/schedule' && task.from === task.to) {
            await stage.temporal.client.workflow.getHandle(workflowExecution!.workflowId, workflowExecution!.runId).cancel();
            await new Promise((resolve) => setTimeout(resolve, 1_000));
          }
          return next(input);
        },
      },
    }),
  ],
};

it('the newest tick of an outage in the middle of a run is made up for, once; of one that nothing interrupted none, nor one that is too old', async () => {
  let worker = await stage.startWorker({ interceptors: cancelling });
  await applied(stage.temporal, [planOf('away', 3_600_000), planOf('late', 3_600_000), planOf('briefly', 10_000)], steps);
  // Cron knows minutes; a tick every ten seconds lets a test wait for seconds.
  const every = (name: string, seconds: number, offset = 0) =>
    stage.temporal.client.schedule
      .getHandle(`${name}/schedule`)
      .update((now) => ({ ...now, spec: { intervals: [{ every: seconds * 1_000, offset }] } }));
  await every('away', 10);
  await every('late', 10);
  // Ticks once, early in the outage.
  await every('briefly', 3_600, (Date.now() + 27_000) % 3_600_000);
  await triggerSchedule(stage.temporal, 'briefly/schedule');
  await until(() => ['away', 'late', 'briefly'].every((name) => seen.some(({ pipeline }) => pipeline === name)));
  const first = seen.find(({ pipeline }) => pipeline === 'away')!.tick;
  const briefly = Number((await stage.temporal.client.schedule.getHandle('briefly/schedule').describe()).info.nextActionTimes[0]);
  // Both have looked when their schedules tick next.
  await new Promise((resolve) => setTimeout(resolve, Math.max(6_000, briefly - 7_000 - Date.now())));

  // The whole stack is away.
  await worker.stop();
  await stage.server.stop();
  const gone = Date.now();
  await new Promise((resolve) => setTimeout(resolve, AWAY_MS));
  const again: TemporalServer = await startTemporal({ database: stage.server.database, port: Number(stage.server.address.split(':')[1]) });
  try {
    const back = Date.now();
    worker = await stage.startWorker({ interceptors: cancelling });
    await until(() => seen.filter(({ pipeline, tick }) => pipeline === 'away' && tick === first).length > 1);
    const others = () => seen.filter(({ pipeline, tick }) => pipeline === 'away' && tick !== first).map(({ tick }) => tick);
    expect(others()).toEqual([]);
    hold = false;
    const released = Date.now();
    await until(() => others().length > 0);
    const [made] = others();
    expect(Date.parse(made!)).toBeGreaterThan(gone);
    // The newest that came before the run ended, not the next one that comes by itself.
    expect(Date.parse(made!)).toBeLessThan(released + 3_000);
    await until(async () =>
      (await listRuns(stage.temporal, { pipeline: 'away' })).some(
        ({ workflowId, status }) => workflowId === `away/scheduled-${made!.replace('.000', '')}` && status === 'completed',
      ),
    );
    await until(async () => (await listSchedules(stage.temporal, { pipeline: 'away' }))[0]?.madeUp === 1);
    expect(briefly).toBeGreaterThan(gone);
    expect(briefly).toBeLessThan(back);
    await until(async () => (await listRuns(stage.temporal, { pipeline: 'briefly' }))[0]?.status === 'completed');
    expect(await listRuns(stage.temporal, { pipeline: 'briefly' })).toHaveLength(1);
    // Who is cancelled after its end has ended so all the same, and makes up for what it was in the way of.
    const late = seen.find(({ pipeline }) => pipeline === 'late')!.tick;
    await until(async () => (await listSchedules(stage.temporal, { pipeline: 'late' }))[0]?.madeUp === 1);
    const statusOfLate = async (): Promise<string | undefined> =>
      (await listRuns(stage.temporal, { pipeline: 'late' })).find(
        ({ workflowId }) => workflowId === `late/scheduled-${late.replace('.000', '')}`,
      )?.status;
    // The list is told of an end a moment after it.
    await until(async () => (await statusOfLate()) !== 'running');
    expect(await statusOfLate()).toBe('completed');
    // Once: no tick is there twice.
    const ticks = (await listRuns(stage.temporal, { pipeline: 'away', limit: 100 })).map(({ workflowId }) => workflowId);
    expect(new Set(ticks).size).toBe(ticks.length);
  } finally {
    await worker.stop();
    await again.stop();
  }
});
