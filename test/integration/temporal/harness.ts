import { join } from 'node:path';
import type { WorkerOptions } from '@temporalio/worker';
import { afterAll } from 'vitest';
import type { ActivityDeps } from '../../../activities/deps.ts';
import type { Plan, PlanStep } from '../../../src/core/plan.ts';
import type { ArtifactKind } from '../../../src/core/artifact.ts';
import type { ObjectStore } from '../../../src/core/ports.ts';
import type { StepDefinition } from '../../../src/core/step.ts';
import { defineStep } from '../../../src/core/step.ts';
import { codeDigestOf } from '../../../src/steps/code-digests.ts';
import { connectTemporal } from '../../../src/runs/connect.ts';
import type { Temporal } from '../../../src/runs/connect.ts';
import { compareSchedules } from '../../../src/runs/reconcile.ts';
import type { ReconcileOptions, ScheduleChange } from '../../../src/runs/reconcile.ts';
import { createArtifactStore } from '../../../src/storage/artifact-store.ts';
import { MemoryStore } from '../../../src/storage/memory-store.ts';
import { runWorker } from '../../../src/worker/worker.ts';
import { tempDir } from '../../support/temp-dir.ts';
import { startTemporal } from '../../support/temporal.ts';
import type { TemporalServer } from '../../support/temporal.ts';
import { until } from '../../support/until.ts';

/** A step type for tests: closed or open configuration, quick retries. */
export function testStep(definition: Partial<StepDefinition> & Pick<StepDefinition, 'type' | 'run'>): StepDefinition {
  return defineStep({
    version: 1,
    summary: `Test step ${definition.type}`,
    configSchema: { type: 'object' },
    inputs: {},
    outputs: {},
    timeouts: { startToCloseMs: 60_000, heartbeatMs: 5_000 },
    retry: { maximumAttempts: 3, initialIntervalMs: 10, backoffCoefficient: 1, maximumIntervalMs: 10 },
    cacheable: true,
    examples: [],
    ...definition,
  });
}

/** A plan step; `needs` wires inputs `in0`, `in1`, … to the output `out` of earlier steps. */
export function planStep(
  id: string,
  type: string,
  change: Partial<PlanStep> & { needs?: readonly string[]; kind?: ArtifactKind } = {},
): PlanStep {
  const { needs = [], kind = 'data', ...rest } = change;
  return {
    id,
    type,
    version: 1,
    config: {},
    inputs: Object.fromEntries(needs.map((step, index) => [`in${index}`, { step, output: 'out', kind: 'data' as const }])),
    outputs: { out: kind },
    retry: { maximumAttempts: 3, initialIntervalMs: 10, backoffCoefficient: 1, maximumIntervalMs: 10 },
    startToCloseMs: 60_000,
    heartbeatMs: 5_000,
    cache: true,
    summary: `Test step ${id}`,
    ...rest,
  };
}

export function testPlan(pipeline: string, steps: readonly PlanStep[], change: Partial<Plan> = {}): Plan {
  return {
    planFormat: 1,
    pipeline,
    description: 'A test',
    documentDir: '/',
    revision: '0'.repeat(64),
    parameters: {},
    steps,
    on: {},
    ...change,
  };
}

/** Makes Temporal's Schedules those that the plans ask for, as `perennial apply` does; `dryRun`: only says what it would do. */
export async function applied(
  temporal: Temporal,
  plans: readonly Plan[],
  steps: readonly StepDefinition[],
  { dryRun = false, ...options }: ReconcileOptions & { readonly dryRun?: boolean } = {},
): Promise<readonly ScheduleChange[]> {
  const { changes, carryOut } = await compareSchedules(temporal, plans, steps, options);
  if (!dryRun) {
    await carryOut();
    await listed(temporal, changes);
  }
  return changes;
}

/** Temporal's lists follow a moment after: waits until they have what was changed. */
export async function listed(temporal: Temporal, changes: readonly Pick<ScheduleChange, 'id' | 'action'>[]): Promise<void> {
  await until(async () => {
    const there = new Set<string>();
    for await (const { scheduleId } of temporal.client.schedule.list()) there.add(scheduleId);
    return changes.every(({ id, action }) => there.has(id) === (action !== 'delete'));
  });
}

export interface Stage {
  readonly server: TemporalServer;
  readonly temporal: Temporal;
  readonly deps: ActivityDeps;
  /** Starts a worker in this process, with the workflow code of the build; the promise it gives resolves when it has stopped. */
  startWorker(options?: Partial<WorkerOptions>, queue?: string): Promise<{ stop(): Promise<void> }>;
}

/** A Temporal server, a client and a store (in memory unless one is given), torn down when the test file ends. */
export async function setStage(steps: readonly StepDefinition[], store: ObjectStore = new MemoryStore()): Promise<Stage> {
  const server = await startTemporal();
  process.env.TEMPORAL_ADDRESS = server.address;
  process.env.TEMPORAL_UI_URL = server.uiUrl;
  const temporal = await connectTemporal();
  const deps: ActivityDeps = {
    store,
    artifacts: createArtifactStore(store, join(tempDir('blobs'))),
    steps,
    workRoot: tempDir('work'),
    codeDigest: codeDigestOf,
  };
  const running: { stop(): Promise<void> }[] = [];
  afterAll(async () => {
    await Promise.all(running.map((worker) => worker.stop()));
    await temporal.close();
    await server.stop();
  });
  const startWorker: Stage['startWorker'] = async (options = {}, queue) => {
    const stop = new AbortController();
    let done: Promise<void> = Promise.resolve();
    await new Promise<void>((ready, fail) => {
      done = runWorker({
        signal: stop.signal,
        deps,
        queues: queue === undefined ? undefined : [queue],
        options,
        onReady: () => ready(),
      });
      done.catch(fail);
    });
    const worker = {
      stop: async () => {
        stop.abort();
        await done;
      },
    };
    running.push(worker);
    return worker;
  };
  return { server, temporal, deps, startWorker };
}
