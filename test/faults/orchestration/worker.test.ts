import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { packageRoot } from '../../../src/platform/paths.ts';
import { connectTemporal } from '../../../src/runs/connect.ts';
import type { Temporal } from '../../../src/runs/connect.ts';
import { startRun } from '../../../src/runs/runs.ts';
import { waitRun } from '../../../src/runs/wait-run.ts';
import { bundleModule } from '../../support/bundle.ts';
import { tempDir } from '../../support/temp-dir.ts';
import { startTemporal } from '../../support/temporal.ts';
import type { TemporalServer } from '../../support/temporal.ts';
import { planStep, testPlan } from '../../integration/temporal/harness.ts';

const home = tempDir('faults');
const database = join(home, 'temporal.db');
const children = new Set<ChildProcess>();
let server: TemporalServer;
let temporal: Temporal;
let script: string;

beforeAll(async () => {
  server = await startTemporal({ database });
  process.env.TEMPORAL_ADDRESS = server.address;
  temporal = await connectTemporal();
  script = await bundleModule(join(import.meta.dirname, 'test-worker.ts'));
});

afterAll(async () => {
  for (const child of children) child.kill('SIGKILL');
  await temporal.close();
  await server.stop();
});

async function startWorker(): Promise<ChildProcess> {
  const child = fork(script, [home, join(packageRoot(), 'dist/workflow-bundle.cjs')], {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    execArgv: [],
  });
  children.add(child);
  child.once('exit', () => children.delete(child));
  await new Promise<void>((resolve, reject) => {
    child.once('message', () => resolve());
    child.once('exit', (code) => reject(new Error(`the worker ended with ${code}`)));
  });
  return child;
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((resolve) => child.once('exit', resolve));
  child.kill(signal);
  await gone;
}

function epochs(runId: string): { attempt: number; epoch: number }[] {
  const file = join(home, `${runId}.log`);
  if (!existsSync(file)) return [];
  return readFileSync(file, 'utf8')
    .trim()
    .split('\n')
    .map((line) => ({ attempt: Number(line.split(':')[0]), epoch: Number(line.split(':')[1]) }));
}

async function until(holds: () => boolean): Promise<void> {
  for (const deadline = Date.now() + 120_000; !holds(); await new Promise((resolve) => setTimeout(resolve, 20)))
    if (Date.now() > deadline) throw new Error('waited in vain');
}

const plan = (name: string, change = {}) =>
  testPlan(name, [planStep('count', 'count', { config: { epochs: 12, ms: 80 }, heartbeatMs: 2_000, ...change })]);

describe('a worker that is killed', () => {
  it.each([0, 1, 6, 11])('after %i epochs: the next one goes on from the last checkpoint', async (killAfter) => {
    const first = await startWorker();
    const run = await startRun(temporal, plan(`killed-${killAfter}`, { config: { epochs: 12, ms: 80, killAfter } }), [], {
      trigger: 'manual',
    });
    await until(() => epochs(run.runId).length >= killAfter);
    await end(first, 'SIGKILL');
    const done = epochs(run.runId).length;
    const second = await startWorker();
    const view = await waitRun(temporal, run.workflowId);
    expect(view.status).toBe('completed');
    expect(view.steps[0]!.values).toEqual({ epoch: 12 });
    const log = epochs(run.runId);
    // At most the epoch that was under way is done twice, never what was saved.
    expect(log.map(({ epoch }) => epoch)).toEqual(Array.from({ length: 12 }, (_, index) => index + 1));
    expect(log.filter(({ attempt }) => attempt === 1).length).toBeGreaterThanOrEqual(done === 12 ? 12 : 0);
    await end(second, 'SIGTERM');
  });
});

describe('a worker that is stopped', () => {
  it('hands its step on without using up an attempt', async () => {
    const first = await startWorker();
    const run = await startRun(
      temporal,
      plan('stopped', {
        config: { epochs: 60, ms: 100 },
        retry: { maximumAttempts: 1, initialIntervalMs: 10, backoffCoefficient: 1, maximumIntervalMs: 10 },
      }),
      [],
      { trigger: 'manual' },
    );
    await until(() => epochs(run.runId).length >= 3);
    await end(first, 'SIGTERM');
    const second = await startWorker();
    const view = await waitRun(temporal, run.workflowId);
    expect(view.status).toBe('completed');
    expect(epochs(run.runId).map(({ epoch }) => epoch)).toEqual(Array.from({ length: 60 }, (_, index) => index + 1));
    await end(second, 'SIGTERM');
  });
});

describe('a Temporal server that goes away', () => {
  it('is waited for by worker and run', async () => {
    const worker = await startWorker();
    const run = await startRun(temporal, plan('away', { config: { epochs: 30, ms: 100 }, heartbeatMs: 20_000 }), [], { trigger: 'manual' });
    await until(() => epochs(run.runId).length >= 2);
    const port = Number(server.address.split(':')[1]);
    await server.stop();
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    server = await startTemporal({ database, port });
    const fresh = await connectTemporal();
    const view = await waitRun(fresh, run.workflowId);
    expect(view.status).toBe('completed');
    await fresh.close();
    await end(worker, 'SIGTERM');
  });
});
