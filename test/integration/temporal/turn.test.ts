import { beforeAll, describe, expect, it } from 'vitest';
import type { Plan } from '../../../src/core/plan.ts';
import { cancelRun, describeRun, listRuns, startRun } from '../../../src/runs/runs.ts';
import type { RunReport } from '../../../src/runs/runs.ts';
import { waitRun } from '../../../src/runs/wait-run.ts';
import { until } from '../../support/until.ts';
import { planStep, setStage, testPlan, testStep } from './harness.ts';
import type { Stage } from './harness.ts';

const order: string[] = [];
let inside = 0;
let most = 0;
const opened = new Set<string>();
const steps = [
  testStep({
    type: 'hold',
    cacheable: false,
    outputs: { out: { kind: 'data' } },
    async run(ctx) {
      order.push(ctx.runId);
      most = Math.max(most, (inside += 1));
      try {
        while (!opened.has(ctx.pipeline) && !ctx.signal.aborted) await new Promise((resolve) => setTimeout(resolve, 20));
        if (ctx.signal.aborted) throw new Error('aborted');
        return { outputs: { out: await ctx.artifacts.write({ kind: 'data', summary: 'held', files: {}, meta: {} }) } };
      } finally {
        inside -= 1;
      }
    },
  }),
];
const planOf = (name: string, on: Plan['on'] = {}): Plan => testPlan(name, [planStep('a', 'hold')], { on });

let stage: Stage;
beforeAll(async () => {
  stage = await setStage(steps);
  await stage.startWorker();
});

const headline = async (id: string): Promise<string> => (await describeRun(stage.temporal, id)).headline;
const start = async (
  plan: Plan,
  trigger: 'manual' | 'drift' | 'backfill' = 'manual',
): Promise<{ id: string; runId: string; end: Promise<RunReport> }> => {
  const { workflowId, runId } = await startRun(stage.temporal, plan, steps, { trigger });
  return { id: workflowId, runId, end: waitRun(stage.temporal, workflowId) };
};

describe('the turn of a pipeline', () => {
  it("is one run's at a time; those who wait go in their order, and say for whom they wait", async () => {
    const plan = planOf('queue');
    const first = await start(plan);
    await until(() => order.includes(first.runId));
    const second = await start(plan);
    await until(async () => (await headline(second.id)) === `Waits for its turn: run ${first.id} is going.`);
    const third = await start(plan, 'backfill');
    await until(async () => (await headline(third.id)).startsWith('Waits'));
    const other = await start(planOf('beside'));
    await until(() => order.includes(other.runId));
    order.splice(0, order.length, first.runId);
    most = 0;
    opened.add('beside').add('queue');
    const ends = await Promise.all([first.end, second.end, third.end, other.end]);
    expect(ends.map(({ status }) => status)).toEqual(['completed', 'completed', 'completed', 'completed']);
    expect(order).toEqual([first.runId, second.runId, third.runId]);
  });

  it('is left by a run that is killed, at once or within a minute', async () => {
    const plan = planOf('killed');
    const first = await start(plan);
    await until(() => order.includes(first.runId));
    await stage.temporal.client.workflow.getHandle(first.id).terminate('test');
    opened.add('killed');
    const second = await start(plan);
    expect((await second.end).status).toBe('completed');
  });

  it('skip: the run says so as an outcome of its own, and what it found going', async () => {
    const plan = planOf('skip');
    const first = await start(plan);
    await until(() => order.includes(first.runId));
    const drift = await start(plan, 'drift');
    expect(await drift.end).toMatchObject({
      status: 'skipped',
      verdict: null,
      headline: `Skipped: run ${first.id} was going.`,
      steps: [{ status: 'skipped' }],
    });
    await until(async () =>
      (await listRuns(stage.temporal, { pipeline: 'skip' })).some(({ status, verdict }) => status === 'skipped' && verdict === 'skipped'),
    );
    opened.add('skip');
    await first.end;
  });

  it('replace: the run that was going is cancelled first', async () => {
    const plan = planOf('replace', { overlap: { manual: 'replace' } });
    const first = await start(plan);
    await until(() => order.includes(first.runId));
    const second = await start(plan);
    expect(await first.end).toMatchObject({
      status: 'cancelled',
      stoppedBy: second.id,
      headline: `Stopped in step "a": run ${second.id} replaces it.`,
    });
    await until(() => order.includes(second.runId));
    opened.add('replace');
    expect((await second.end).status).toBe('completed');
  });

  it('replace: only the run that is going is stopped; those that wait keep waiting, and who came last goes first', async () => {
    const plan = planOf('overtaken');
    const replacing = planOf('overtaken', { overlap: { manual: 'replace' } });
    const going = await start(plan);
    await until(() => order.includes(going.runId));
    const waits = await start(plan, 'backfill');
    await until(async () => (await headline(waits.id)).startsWith('Waits'));
    const replaces = await start(replacing);
    expect(await going.end).toMatchObject({ status: 'cancelled', stoppedBy: replaces.id });
    await until(() => order.includes(replaces.runId));
    expect(order).not.toContain(waits.runId);
    await until(async () => (await headline(waits.id)).startsWith('Waits'));
    // A second one stops the first, and not what waits.
    const again = await start(replacing);
    expect(await replaces.end).toMatchObject({ status: 'cancelled', stoppedBy: again.id });
    await until(() => order.includes(again.runId));
    expect((await describeRun(stage.temporal, waits.id)).status).toBe('running');
    opened.add('overtaken');
    expect((await Promise.all([again.end, waits.end])).map(({ status }) => status)).toEqual(['completed', 'completed']);
    expect(order.indexOf(waits.runId)).toBeGreaterThan(order.indexOf(again.runId));
  });

  it('allow: runs go beside each other; a run that waits can be cancelled', async () => {
    const plan = planOf('allow', { overlap: { manual: 'allow' } });
    const [first, second] = [await start(plan), await start(plan)];
    await until(() => order.includes(first.runId) && order.includes(second.runId));
    opened.add('allow');
    expect((await Promise.all([first.end, second.end])).map(({ status }) => status)).toEqual(['completed', 'completed']);
    const holds = await start(planOf('stopped'));
    await until(() => order.includes(holds.runId));
    const waits = await start(planOf('stopped'));
    await until(async () => (await headline(waits.id)).startsWith('Waits'));
    await cancelRun(stage.temporal, waits.id);
    expect((await waits.end).status).toBe('cancelled');
    expect(order).not.toContain(waits.runId);
    opened.add('stopped');
    expect((await holds.end).status).toBe('completed');
  });
});
