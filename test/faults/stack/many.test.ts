import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import { steps } from '../../../activities/steps/index.generated.ts';
import { compileOrThrow } from '../../../src/config/plan-document.ts';
import { connectTemporal } from '../../../src/runs/connect.ts';
import { startRun } from '../../../src/runs/runs.ts';
import { waitRun } from '../../../src/runs/wait-run.ts';
import { temporalConfig } from '../../../temporal.config.ts';
import { Perennial } from '../../support/perennial.ts';
import { tempDir } from '../../support/temp-dir.ts';
import { canAim, processOf, processesNaming, stackOf, writeDocument, writeRows } from './running.ts';

const folder = tempDir('many');
const HEAVY_SLOTS = 2;
const RUNS = 50;
/** Every fifth run trains; the others go through data and a program of the user's. */
const TRAINS_EVERY = 5;
const WORKER_BYTES_MAX = 2_000_000_000;
const perennial = new Perennial({ PERENNIAL_HEAVY_SLOTS: String(HEAVY_SLOTS) });

beforeAll(async () => {
  writeRows(join(folder, 'rows.csv'), 300);
  await perennial.up();
});

function lightDocument(name: string): string {
  const path = join(folder, `${name}.json`);
  writeFileSync(
    path,
    JSON.stringify({
      apiVersion: 'perennial/v1',
      name,
      steps: [
        { uses: 'ingest', with: { source: { format: 'csv', path: 'rows.csv' }, label: 'kind' } },
        { uses: 'preprocess', with: { features: { a: ['standardize'] } } },
        { id: 'first', uses: 'command', with: { command: ['true'] } },
        { id: 'second', uses: 'command', with: { command: ['true'] } },
      ],
    }),
  );
  return path;
}

function residentBytes(pid: number): number {
  return Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]) * 1024;
}

it(`${RUNS} pipelines that are started at once all finish, in bounded memory and slots`, async () => {
  const plans = await Promise.all(
    Array.from({ length: RUNS }, (_, index) =>
      compileOrThrow(index % TRAINS_EVERY === 0 ? writeDocument(folder, `trains-${index}`, 2) : lightDocument(`light-${index}`)),
    ),
  );
  const worker = processOf(perennial, 'worker-1');
  const temporal = await connectTemporal({ ...temporalConfig({}), address: stackOf(perennial).temporal!.address });
  let trainersMax = 0;
  const watch = canAim
    ? setInterval(() => {
        trainersMax = Math.max(trainersMax, processesNaming(join(perennial.home, 'work')).length);
      }, 250)
    : undefined;
  try {
    const started = await Promise.all(plans.map((plan) => startRun(temporal, plan, steps, { trigger: 'manual', readCache: false })));
    const reports = await Promise.all(started.map((run) => waitRun(temporal, run.workflowId)));
    expect(
      reports.filter((report) => report.status !== 'completed').map((report) => `${report.workflowId}: ${report.failure?.message}`),
    ).toEqual([]);
  } finally {
    clearInterval(watch);
    await temporal.close();
  }
  expect(processOf(perennial, 'worker-1')).toEqual(worker);
  if (!canAim) return;
  expect(trainersMax).toBeGreaterThan(0);
  expect(trainersMax).toBeLessThanOrEqual(HEAVY_SLOTS);
  expect(residentBytes(worker.pid)).toBeLessThan(WORKER_BYTES_MAX);
});

it('two runs of one document at the same time share nothing that could tear', async () => {
  const file = writeDocument(folder, 'twice', 3);
  const answers = await Promise.all([1, 2].map(() => perennial.run(['run', file, '--no-cache', '--json'])));
  const reports = answers.map((answer) => answer.json());
  expect(
    reports.map((report) => report.status),
    answers.map((answer) => answer.stderr).join('\n'),
  ).toEqual(['completed', 'completed']);
  expect(reports[0].runId).not.toBe(reports[1].runId);
  const digests = reports.map((report) => report.steps.find((step: { id: string }) => step.id === 'train').outputs.model.digest as string);
  expect(digests[0]).toBe(digests[1]);
  // Equal models are one version: to register again what is there already changes nothing.
  expect(reports.map((report) => report.version)).toEqual([1, 1]);
  expect((await perennial.run(['models', 'show', 'twice', '--json'])).json().versions).toHaveLength(1);
});
