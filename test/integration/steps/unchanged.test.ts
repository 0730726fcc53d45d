import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import { steps } from '../../../activities/steps/index.generated.ts';
import { exitCodeOfRun } from '../../../src/cli/run-report.ts';
import { compileOrThrow } from '../../../src/config/plan-document.ts';
import { Prng } from '../../../src/core/prng.ts';
import type { RunView, Trigger } from '../../../src/core/run.ts';
import { needsAttention } from '../../../src/runs/attention.ts';
import { pipelineInput } from '../../../src/runs/pipeline-input.ts';
import { listRuns } from '../../../src/runs/runs.ts';
import { startAttributes } from '../../../src/runs/search-attributes.ts';
import { createRegistry } from '../../../src/registry/registry.ts';
import { FileStore } from '../../../src/storage/file-store.ts';
import { tempDir } from '../../support/temp-dir.ts';
import { setStage } from '../temporal/harness.ts';
import type { Stage } from '../temporal/harness.ts';

const folder = tempDir('unchanged');
const file = join(folder, 'nightly.json');
let stage: Stage;

function writeDocument(on: object, growth: object = {}): void {
  writeFileSync(
    file,
    JSON.stringify({
      apiVersion: 'perennial/v1',
      name: 'nightly',
      on: { schedule: { cron: '0 3 * * *' }, ...on },
      steps: [
        { uses: 'ingest', with: { source: { format: 'csv', path: 'rows.csv' }, label: 'kind', ...growth } },
        { uses: 'preprocess' },
        { uses: 'train', with: { model: { architecture: 'mlp', units: [8] }, epochs: 2 } },
        { uses: 'evaluate', with: { metrics: ['accuracy'], gates: [{ metric: 'accuracy', atLeast: 0.2 }] } },
        { uses: 'register' },
        { uses: 'deploy' },
      ],
    }),
  );
}

function writeRows(shift: number): void {
  const prng = new Prng('rows');
  const lines = Array.from(
    { length: 300 },
    (_, row) => `${(prng.normal() + (row % 2) * shift).toFixed(4)},${row % 2 === 0 ? 'no' : 'yes'}`,
  );
  writeFileSync(join(folder, 'rows.csv'), `x,kind\n${lines.join('\n')}\n`);
}

let day = 0;
async function run(trigger: Trigger): Promise<RunView> {
  day += 1;
  const plan = await compileOrThrow(file, { params: {} });
  const nominalTime = `2026-03-${String(day).padStart(2, '0')}T03:00:00.000Z`;
  return stage.temporal.client.workflow.execute('pipeline', {
    workflowId: `nightly/scheduled-${nominalTime}`,
    taskQueue: 'perennial',
    args: [{ ...pipelineInput(plan, steps, { trigger }), nominalTime }],
    typedSearchAttributes: startAttributes({ kind: 'run', pipeline: 'nightly', model: 'nightly', trigger }),
  }) as Promise<RunView>;
}

beforeAll(async () => {
  process.env.PERENNIAL_HOME = tempDir('home');
  stage = await setStage(steps, new FileStore(tempDir('store')));
  await stage.startWorker();
});

it('a run that starts by itself and learns nothing new ends so: neither a verdict nor a version, and nobody has to look', async () => {
  writeDocument({});
  writeRows(1);
  expect(await run('schedule')).toMatchObject({ status: 'completed', version: 1, standing: 'is live' });
  for (const trigger of ['schedule', 'newData'] as const) {
    const again = await run(trigger);
    expect(again).toMatchObject({
      status: 'nothingNew',
      verdict: null,
      model: 'nightly',
      version: 1,
      live: true,
      standing: 'is live already',
      headline: 'Nothing new to learn from: data, parameters and code give the model of nightly version 1 again, which is live already.',
    });
    expect(again.steps.map(({ status }) => status)).toEqual(['cached', 'cached', 'cached', 'skipped', 'skipped', 'skipped']);
    expect(again.steps[3]!.reason).toBe('nothing new to learn from: "train" gave the model of version 1 again, which is champion');
    expect(exitCodeOfRun(again)).toBe(0);
  }
  await expect
    .poll(async () => (await listRuns(stage.temporal, { pipeline: 'nightly' })).map(({ status }) => status), { timeout: 300_000 })
    .toEqual(['nothingNew', 'nothingNew', 'completed']);
  expect(await needsAttention(stage.temporal)).toEqual([]);
  // By hand somebody wants to see it judged.
  expect(await run('manual')).toMatchObject({ status: 'completed', verdict: 'passed', version: 1, standing: 'is live' });
});

it('goes on all the same where the document says so, and where anything is new', async () => {
  writeDocument({ unchanged: 'goOn' });
  expect(await run('schedule')).toMatchObject({ status: 'completed', verdict: 'passed', version: 1, standing: 'is live' });
  writeDocument({});
  writeRows(3);
  expect(await run('schedule')).toMatchObject({ status: 'completed', version: 2, standing: 'is live in place of version 1' });
  expect((await createRegistry(stage.deps.store, stage.deps.artifacts).routing('nightly'))!.routing.aliases['champion']).toBe(2);
});

it('a source of which the champion has seen every row is nothing new to learn from, whoever asks, until a row comes', async () => {
  writeDocument({}, { mode: 'append' });
  for (const trigger of ['schedule', 'manual'] as const) {
    const view = await run(trigger);
    expect(view).toMatchObject({
      status: 'nothingNew',
      verdict: null,
      failure: null,
      version: null,
      headline: 'Nothing new to learn from: of 300 rows nightly version 2 has seen all.',
    });
    expect(view.steps.map(({ status }) => status)).toEqual(['completed', 'skipped', 'skipped', 'skipped', 'skipped', 'skipped']);
    expect(view.steps[1]!.reason).toBe('nothing new to learn from: of 300 rows nightly version 2 has seen all');
    expect(exitCodeOfRun(view)).toBe(0);
  }
  expect(await needsAttention(stage.temporal)).toEqual([]);
});
