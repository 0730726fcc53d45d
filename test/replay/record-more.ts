import type { MonitorInput } from '../../src/core/monitor.ts';
import type { Plan } from '../../src/core/plan.ts';
import type { RolloutSpec } from '../../src/core/rollout.ts';
import { createRegistry } from '../../src/registry/registry.ts';
import { beginRollout, writeRollout } from '../../src/registry/rollouts.ts';
import { askRollout, startRollout } from '../../src/runs/rollouts.ts';
import { describeBackfill, startBackfill } from '../../src/runs/backfills.ts';
import { pipelineInput } from '../../src/runs/pipeline-input.ts';
import { cancelRun, describeRun, startRun } from '../../src/runs/runs.ts';
import { pauseSchedule, resumeSchedule } from '../../src/runs/schedules.ts';
import { startAttributes } from '../../src/runs/search-attributes.ts';
import { waitRun } from '../../src/runs/wait-run.ts';
import { applied, planStep, testPlan } from '../integration/temporal/harness.ts';
import type { Stage } from '../integration/temporal/harness.ts';
import { until } from '../support/until.ts';
import { recordedSteps } from './recorded-steps.ts';

type Save = (name: string, workflowId: string) => void;

/** A run that waits for its turn, the turn that it waits for, and one that gives way. */
export async function recordTurns({ temporal }: Stage, save: Save): Promise<void> {
  const going = await startRun(temporal, testPlan('turns', [planStep('a', 'wait')]), recordedSteps, { trigger: 'manual' });
  await until(async () => (await describeRun(temporal, going.workflowId)).steps[0]!.status === 'running');
  const waits = await startRun(temporal, testPlan('turns', [planStep('a', 'make')]), recordedSteps, { trigger: 'manual' });
  await until(async () => (await describeRun(temporal, waits.workflowId)).headline.startsWith('Waits'));
  const skips = await startRun(temporal, testPlan('turns', [planStep('a', 'make')]), recordedSteps, { trigger: 'drift' });
  await waitRun(temporal, skips.workflowId);
  save('pipeline-skipped', skips.workflowId);
  await cancelRun(temporal, going.workflowId);
  await waitRun(temporal, waits.workflowId);
  save('pipeline-waited', waits.workflowId);
  save('turn', 'turn/turns');
}

const SCHEDULE = { cron: '0 3 * * *', timezone: 'UTC', overlap: 'skip', catchupMs: 3_600_000, pauseOnFailure: false } as const;

/** Scheduled runs: one that looks out for ticks, one that learns nothing new; and a backfill that is held and promotes. */
export async function recordScheduled({ temporal, deps }: Stage, save: Save): Promise<void> {
  const registry = createRegistry(deps.store, deps.artifacts);
  const plan: Plan = testPlan(
    'nightly',
    [
      planStep('train', 'train', { kind: 'model' }),
      planStep('register', 'enrol', { kind: 'version', needs: ['train'], config: { model: 'nightly' } }),
    ],
    { on: { schedule: SCHEDULE } },
  );
  await applied(temporal, [plan], recordedSteps);
  const scheduled = async (name: string, slow: boolean): Promise<void> => {
    const workflowId = `nightly/scheduled-${name}`;
    const input = pipelineInput(
      { ...plan, steps: plan.steps.map((step) => (step.id === 'train' ? { ...step, config: { slow } } : step)) },
      recordedSteps,
      { trigger: 'schedule' },
    );
    await temporal.client.workflow.execute('pipeline', {
      workflowId,
      taskQueue: 'perennial',
      args: [input],
      typedSearchAttributes: startAttributes({ kind: 'run', pipeline: 'nightly', model: 'nightly', trigger: 'schedule' }),
    });
    save(`pipeline-${name}`, workflowId);
  };
  await scheduled('scheduled', true);
  await registry.promote('nightly', 1, { who: 'ada', why: 'test' });
  await scheduled('nothing-new', false);

  await pauseSchedule(temporal, 'nightly/schedule', 'test');
  const { id } = await startBackfill(
    temporal,
    'nightly/schedule',
    { start: new Date('2026-03-01T00:00:00Z'), end: new Date('2026-03-03T00:00:00Z') },
    { who: 'ada' },
  );
  await until(async () => (await describeBackfill(temporal, id)).state === 'held');
  await resumeSchedule(temporal, 'nightly/schedule', 'test');
  await until(async () => (await describeBackfill(temporal, id)).state === 'done');
  save('backfill', id);
}

/** Rollouts: one that is paused, goes on and is promoted, and one that somebody aborts. */
export async function recordRollouts({ temporal, deps }: Stage, save: Save): Promise<void> {
  const registry = createRegistry(deps.store, deps.artifacts);
  const by = { who: 'ada', why: 'test' };
  const spec: RolloutSpec = {
    kind: 'canary',
    steps: [
      { share: 0.1, forMs: 1_000 },
      { share: 0.5, forMs: 1_000 },
    ],
    minRequests: 10,
    tooFewRequests: 'extend',
    checks: { falseAlarms: 0.01 },
    then: 'promote',
  };
  const roll = async (id: string, candidate: number): Promise<void> => {
    const change = await beginRollout(deps.store, 'rolled', { id, kind: 'canary', candidate, share: 0.1 }, { ...by, judged: [] });
    const { champion } = change.routing.rollout!;
    const now = new Date().toISOString();
    await writeRollout(deps.store, {
      formatVersion: 1,
      name: 'rolled',
      id,
      champion,
      candidate,
      spec,
      pipeline: 'rolled',
      runId: 'one',
      judged: [],
      startedAt: now,
      state: 'running',
      step: 0,
      stepStartedAt: now,
    });
    await startRollout(temporal.client, 'perennial', { model: 'rolled', id, champion, candidate, pipeline: 'rolled', spec });
  };
  for (const text of ['one', 'two', 'three']) {
    const files = { 'profile.json': Buffer.from('{}'), 'preprocessor.json': Buffer.from('{}') };
    const modelRef = await deps.artifacts.write({ kind: 'model', summary: text, files, meta: { text } });
    await registry.register({ model: 'rolled', modelRef, pipeline: 'rolled', runId: text, stepId: 'register' });
  }
  await registry.promote('rolled', 1, by);
  await roll('first', 2);
  await askRollout(temporal, 'rolled', 'pause', by);
  await askRollout(temporal, 'rolled', 'resume', by);
  await temporal.client.workflow.getHandle('rollout/rolled').result();
  save('rollout-promoted', 'rollout/rolled');
  await roll('second', 3);
  await askRollout(temporal, 'rolled', 'abort', by);
  await temporal.client.workflow.getHandle('rollout/rolled').result();
  save('rollout-aborted', 'rollout/rolled');
}

/** Monitors that find drift: one that starts a run, one that is kept from it, one that is asked for an alert only. */
export async function recordDrift({ temporal, deps }: Stage, save: Save): Promise<void> {
  const values = Array.from({ length: 1_000 }, (_, index) => index / 1_000);
  const edges = Array.from({ length: 11 }, (_, index) => index / 10);
  const number = {
    min: 0,
    max: 0.999,
    mean: 0.4995,
    std: 0.2887,
    quantiles: { '0.5': 0.4995 },
    edges,
    counts: edges.slice(1).map(() => 100),
    sample: values,
  };
  const profile = {
    formatVersion: 1,
    rows: 1_000,
    columns: [{ name: 'x', type: 'number', count: 1_000, missing: 0, distinct: 1_000, number }],
  };
  const files = {
    'profile.json': Buffer.from(JSON.stringify(profile)),
    'preprocessor.json': Buffer.from(JSON.stringify({ columns: profile.columns })),
  };
  const registry = createRegistry(deps.store, deps.artifacts);
  const modelRef = await deps.artifacts.write({ kind: 'model', summary: 'asked', files, meta: {} });
  await registry.register({ model: 'asked', modelRef, pipeline: 'asked', runId: 'one', stepId: 'register' });
  await registry.promote('asked', 1, { who: 'ada', why: 'test' });
  const now = new Date().toISOString();
  const lines = values
    .slice(0, 200)
    .map((value, index) => JSON.stringify({ time: now, id: String(index), version: 1, row: { x: value + 5 }, prediction: { value: 1 } }));
  await deps.store.put(`predictions/asked/${now.slice(0, 10)}/${now.slice(11, 13)}-1-1.ndjson`, Buffer.from(`${lines.join('\n')}\n`));
  await new Promise((resolve) => setTimeout(resolve, 5));
  const drift = { everyMs: 3_600_000, windowMs: 86_400_000, rowsMin: 10, columnsMin: 1, tests: ['psi'] };
  const run = pipelineInput(testPlan('asked', [planStep('a', 'make')]), recordedSteps, { trigger: 'drift' });
  const check = async (name: string, action: 'retrain' | 'alert'): Promise<void> => {
    const input: MonitorInput = { pipeline: 'asked', model: 'asked', check: { kind: 'drift', drift: { action, ...drift } }, run };
    await temporal.client.workflow.execute('monitor', {
      workflowId: `monitor/${name}`,
      taskQueue: 'perennial',
      args: [input],
      typedSearchAttributes: startAttributes({ kind: 'monitor', pipeline: 'asked', model: 'asked', trigger: 'drift' }),
    });
    save(`monitor-${name}`, `monitor/${name}`);
  };
  await check('started', 'retrain');
  await check('kept', 'retrain');
  await check('alert', 'alert');
}
