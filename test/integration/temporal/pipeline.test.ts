import { beforeAll, describe, expect, it } from 'vitest';
import { PerennialError } from '../../../src/core/errors.ts';
import type { Plan } from '../../../src/core/plan.ts';
import { cancelRun, describeRun, listRuns, retryStep, startRun } from '../../../src/runs/runs.ts';
import { waitRun } from '../../../src/runs/wait-run.ts';
import { until } from '../../support/until.ts';
import { planStep, setStage, testPlan, testStep } from './harness.ts';
import type { Stage } from './harness.ts';

const attempts = new Map<string, number>();
const gates = new Map<string, () => void>();

const data = { out: { kind: 'data' } } as const;
const steps = [
  testStep({
    type: 'make',
    outputs: data,
    async run(ctx, config: { text?: string }) {
      attempts.set(ctx.runId, (attempts.get(ctx.runId) ?? 0) + 1);
      const ref = await ctx.artifacts.write({
        kind: 'data',
        summary: `made ${config.text ?? ''}`,
        files: { 'a.txt': Buffer.from(config.text ?? 'x') },
        meta: {},
      });
      return { outputs: { out: ref }, values: { size: (config.text ?? 'x').length } };
    },
  }),
  testStep({
    type: 'join',
    outputs: data,
    inputs: { in0: { kind: 'data', optional: true }, in1: { kind: 'data', optional: true } },
    async run(ctx, _config, inputs) {
      return {
        outputs: {
          out: await ctx.artifacts.write({
            kind: 'data',
            summary: `joined ${Object.keys(inputs).join('+')}`,
            files: {},
            meta: Object.values(inputs).map((ref) => ref.digest),
          }),
        },
      };
    },
  }),
  testStep({
    type: 'flaky',
    outputs: data,
    cacheable: false,
    async run(ctx, config: { code: 'TRAINER_CRASHED' | 'DATA_INVALID'; times: number }) {
      if (ctx.attempt <= config.times) throw new PerennialError(config.code, `attempt ${ctx.attempt} broke`, { hint: 'Do this.' });
      return {
        outputs: { out: await ctx.artifacts.write({ kind: 'data', summary: 'ok', files: {}, meta: null }) },
        values: { attempt: ctx.attempt },
      };
    },
  }),
  testStep({
    type: 'judge',
    outputs: { out: { kind: 'evaluation' } },
    async run(ctx, config: { passed: boolean }) {
      const out = await ctx.artifacts.write({ kind: 'evaluation', summary: 'judged', files: {}, meta: {} });
      return {
        outputs: { out },
        values: { accuracy: 0.91 },
        verdict: { passed: config.passed, reasons: [`accuracy 0.91 is ${config.passed ? 'at least 0.9' : 'below 0.95'}`] },
        details: 'See the report.',
      };
    },
  }),
  testStep({
    type: 'wait',
    outputs: data,
    cacheable: false,
    async run(ctx, config: { name: string }) {
      ctx.progress({ message: 'waiting', epoch: 3, epochs: 9, loss: 0.5 });
      await new Promise<void>((resolve, reject) => {
        gates.set(config.name, resolve);
        ctx.signal.addEventListener('abort', () => reject(new Error('aborted')), { once: true });
      });
      return { outputs: { out: await ctx.artifacts.write({ kind: 'data', summary: 'waited', files: {}, meta: null }) } };
    },
  }),
];

let stage: Stage;
beforeAll(async () => {
  stage = await setStage(steps);
  await stage.startWorker();
});

async function run(plan: Plan, options: { readCache?: boolean } = {}) {
  const started = await startRun(stage.temporal, plan, steps, { trigger: 'manual', ...options });
  return waitRun(stage.temporal, started.workflowId);
}

describe('workflow pipeline', () => {
  it('runs a diamond, hands references on, and takes everything from the cache the second time', async () => {
    const plan = testPlan('diamond', [
      planStep('a', 'make', { config: { text: 'hello' } }),
      planStep('b', 'join', { needs: ['a'] }),
      planStep('c', 'join', { needs: ['a'], config: { c: 1 } }),
      planStep('d', 'join', { needs: ['b', 'c'] }),
    ]);
    const first = await run(plan);
    expect(first.status).toBe('completed');
    expect(first.steps.map((step) => [step.id, step.status, step.cached, step.reason])).toEqual([
      ['a', 'completed', false, 'first run'],
      ['b', 'completed', false, 'first run'],
      ['c', 'completed', false, 'first run'],
      ['d', 'completed', false, 'first run'],
    ]);
    const second = await run(plan);
    expect(second.steps.map((step) => step.cached)).toEqual([true, true, true, true]);
    expect(second.steps[0]!.reason).toContain(first.runId);
    const changed = await run({ ...plan, steps: [{ ...plan.steps[0]!, config: { text: 'other' } }, ...plan.steps.slice(1)] });
    expect(changed.steps.map((step) => step.reason)).toEqual([
      'config changed: text',
      'input in0 changed',
      'input in0 changed',
      'input in0 changed; input in1 changed',
    ]);
    const uncached = await run(plan, { readCache: false });
    expect(uncached.steps.every((step) => !step.cached && step.reason === 'the run does not read the cache')).toBe(true);
  });

  it('runs a step again whose cached artifact is gone', async () => {
    const plan = testPlan('lost', [planStep('a', 'make', { config: { text: 'to be lost' } })]);
    const first = await run(plan);
    await stage.deps.store.delete(`artifacts/${first.steps[0]!.outputs!.out!.digest}.json`);
    const second = await run(plan);
    expect(second.steps[0]).toMatchObject({ status: 'completed', cached: false });
    expect(second.steps[0]!.reason).toMatch(/incomplete/);
  });

  it('tries again what can help, and fails at once with code, message and hint where it cannot', async () => {
    const crashed = await run(testPlan('crash', [planStep('a', 'flaky', { config: { code: 'TRAINER_CRASHED', times: 2 } })]));
    expect(crashed.status).toBe('completed');
    expect(crashed.steps[0]!.values).toEqual({ attempt: 3 });
    const broken = await run(
      testPlan('broken', [
        planStep('a', 'flaky', { config: { code: 'DATA_INVALID', times: 1 } }),
        planStep('b', 'join', { needs: ['a'] }),
        planStep('c', 'make'),
      ]),
    );
    expect(broken.status).toBe('failed');
    expect(broken.failure).toEqual({ code: 'DATA_INVALID', message: 'attempt 1 broke Do this.', step: 'a' });
    expect(broken.steps.map((step) => step.status)).toEqual(['failed', 'skipped', 'completed']);
    expect(broken.steps[1]!.reason).toBe('needs the data of "a", which failed');
  });

  it('completes as rejected where a gate says no, and is searchable', async () => {
    const rejected = await run(
      testPlan('gate', [
        planStep('a', 'judge', { config: { passed: false }, kind: 'evaluation' }),
        planStep('b', 'join', { needs: ['a'] }),
      ]),
    );
    expect(rejected).toMatchObject({ status: 'rejected', verdict: 'rejected', metrics: { accuracy: 0.91 } });
    expect(rejected.steps[1]!.status).toBe('skipped');
    await until(async () => (await listRuns(stage.temporal, { pipeline: 'gate' })).some((row) => row.status === 'rejected'));
    const [row] = await listRuns(stage.temporal, { pipeline: 'gate' });
    expect(row).toMatchObject({ pipeline: 'gate', trigger: 'manual', verdict: 'rejected', primaryMetric: 0.91 });
  });

  it('shows progress, retries a failed branch while another goes on, and cancels', async () => {
    const plan = testPlan('live', [
      planStep('slow', 'wait', { config: { name: 'live' } }),
      planStep('bad', 'flaky', { config: { code: 'DATA_INVALID', times: 1 } }),
    ]);
    const started = await startRun(stage.temporal, plan, steps, { trigger: 'manual' });
    await until(async () => (await describeRun(stage.temporal, started.workflowId)).steps[1]!.status === 'failed');
    await expect(retryStep(stage.temporal, started.workflowId, 'nope')).rejects.toThrow(/There is no step "nope". There is: slow, bad/);
    await expect(retryStep(stage.temporal, started.workflowId, 'slow')).rejects.toThrow(/is running/);
    expect(await retryStep(stage.temporal, started.workflowId, 'bad')).toMatch(/starts again/);
    await until(async () => (await describeRun(stage.temporal, started.workflowId)).steps[0]!.progress?.epoch === 3);
    await cancelRun(stage.temporal, started.workflowId);
    const view = await waitRun(stage.temporal, started.workflowId);
    expect(view.status).toBe('cancelled');
    expect(view.steps[0]!.status).toBe('cancelled');
  });

  it('gives a step to the next worker when its worker stops, without a failure', async () => {
    const queue = 'handed-on';
    const other = await stage.startWorker({}, queue);
    const started = await startRun(
      stage.temporal,
      testPlan('handed', [
        planStep('a', 'wait', {
          config: { name: 'handed' },
          queue,
          retry: { maximumAttempts: 1, initialIntervalMs: 10, backoffCoefficient: 1, maximumIntervalMs: 10 },
        }),
      ]),
      steps,
      { trigger: 'manual' },
    );
    await until(() => gates.has('handed'));
    await other.stop();
    gates.delete('handed');
    await stage.startWorker({}, queue);
    await until(() => gates.has('handed'));
    gates.get('handed')!();
    expect((await waitRun(stage.temporal, started.workflowId)).status).toBe('completed');
  });

  it('decides the same from history alone: a worker without a workflow cache', async () => {
    await stage.startWorker({ maxCachedWorkflows: 0 }, 'uncached');
    const temporal = { ...stage.temporal, settings: { ...stage.temporal.settings, taskQueue: 'uncached' } };
    const plan = testPlan('uncached', [
      planStep('a', 'make', { config: { text: '4444' } }),
      planStep('b', 'join', { needs: ['a'] }),
      planStep('bad', 'flaky', { config: { code: 'DATA_INVALID', times: 1 } }),
      planStep('c', 'join', { needs: ['b'], if: { step: 'a', value: 'size', atLeast: 5 } }),
    ]);
    const started = await startRun(temporal, plan, steps, { trigger: 'manual' });
    const view = await waitRun(temporal, started.workflowId);
    expect(view.steps.map((step) => step.status)).toEqual(['completed', 'completed', 'failed', 'skipped']);
    expect(view.steps[3]!.reason).toContain('a.size 4 is below 5');
  });
});
