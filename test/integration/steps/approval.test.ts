import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { steps } from '../../../activities/steps/index.generated.ts';
import { Prng } from '../../../src/core/prng.ts';
import type { RunView } from '../../../src/core/run.ts';
import { compileOrThrow } from '../../../src/config/plan-document.ts';
import { describeRun, startRun } from '../../../src/runs/runs.ts';
import { waitRun } from '../../../src/runs/wait-run.ts';
import { createRegistry } from '../../../src/registry/registry.ts';
import type { Registry } from '../../../src/registry/registry.ts';
import { FileStore } from '../../../src/storage/file-store.ts';
import { Perennial } from '../../support/perennial.ts';
import { tempDir } from '../../support/temp-dir.ts';
import { until } from '../../support/until.ts';
import { setStage } from '../temporal/harness.ts';
import type { Stage } from '../temporal/harness.ts';

const folder = tempDir('approval');
const storeFolder = tempDir('store');
let stage: Stage;
let worker: { stop(): Promise<void> };
let registry: Registry;
let cli: Perennial;

const BEFORE = [
  { uses: 'ingest', with: { source: { format: 'csv', path: 'rows.csv' }, label: 'kind' } },
  { uses: 'preprocess' },
  {
    uses: 'train',
    with: {
      model: { architecture: 'mlp', units: [8] },
      epochs: '${parameters.epochs}',
      learningRate: 0.003,
      earlyStopping: 'off',
      checkpoint: { everyEpochs: 100 },
    },
  },
];
const EVALUATE = { uses: 'evaluate', with: { metrics: ['logLoss'], gates: [{ metric: 'logLoss', betterThanChampionBy: 0.0001 }] } };

/** Writes a document with these steps after training. */
function documentOf(name: string, after: readonly object[]): string {
  const file = join(folder, `${name}.json`);
  const parameters = { epochs: { type: 'integer', default: 1 } };
  writeFileSync(file, JSON.stringify({ apiVersion: 'perennial/v1', name, parameters, steps: [...BEFORE, ...after] }));
  return file;
}

async function start(file: string, epochs: number, at: string): Promise<string> {
  const plan = await compileOrThrow(file, { params: { epochs: String(epochs) } });
  return (await startRun(stage.temporal, plan, steps, { trigger: 'manual', nominalTime: `2026-03-${at}T00:00:00.000Z` })).workflowId;
}

const end = (workflowId: string): Promise<RunView> => waitRun(stage.temporal, workflowId);
const asks = (workflowId: string): Promise<RunView> =>
  until(
    async () => {
      const view = await describeRun(stage.temporal, workflowId);
      expect(['running', 'completed'], view.headline).toContain(view.status);
      return view.steps.some((step) => step.asks !== undefined) ? view : undefined;
    },
    { timeoutMs: 120_000 },
  );

beforeAll(async () => {
  process.env.PERENNIAL_HOME = tempDir('home');
  const prng = new Prng('rows');
  const lines = Array.from(
    { length: 400 },
    (_, row) => `${(prng.normal() + (row % 2) * 2).toFixed(4)},${prng.normal().toFixed(4)},${row % 2 === 0 ? 'no' : 'yes'}`,
  );
  writeFileSync(join(folder, 'rows.csv'), `x,y,kind\n${lines.join('\n')}\n`);
  stage = await setStage(steps, new FileStore(storeFolder));
  worker = await stage.startWorker();
  registry = createRegistry(stage.deps.store, stage.deps.artifacts);
  // The home of the worker in this process, so that commands that are carried out in it change nothing for it.
  cli = new Perennial({ PERENNIAL_STORE: `file:${storeFolder}`, TEMPORAL_ADDRESS: stage.server.address }, process.env.PERENNIAL_HOME);
});

describe('approve', () => {
  const file = documentOf('asked', [EVALUATE, { uses: 'approve', with: { ask: 'Is it good?' } }, { uses: 'register' }, { uses: 'deploy' }]);

  it('waits through the end of its worker, says what is asked on what grounds, and goes on with an answer that is kept', async () => {
    const id = await start(file, 1, '01');
    const view = await asks(id);
    expect(view).toMatchObject({ status: 'running', verdict: 'passed', metrics: { logLoss: expect.any(Number) } });
    expect(view.headline).toMatch(/^Waits for approval in "approve" until \d{4}-.* UTC: Is it good\?$/);
    expect(view.steps.find(({ id: step }) => step === 'approve')!.asks).toMatchObject({
      text: 'Is it good?',
      onTimeout: 'reject',
      evidence: expect.arrayContaining([expect.stringMatching(/^logLoss: 0\.\d+$/), 'Gates: passed', 'Now: no version of asked serves']),
    });
    await worker.stop();
    worker = await stage.startWorker();
    const shown = await cli.here(['runs', 'show', id]);
    expect(shown.stdout).toContain(`yes: perennial runs approve ${id} --reason "…"`);
    expect(shown.stdout).toMatch(/\? approve +asks +Is it good\?/);
    await until(async () => (await cli.here(['runs', 'list'])).stdout.includes('waits for approval'));
    expect((await cli.here(['runs', 'list'])).stdout).toContain('!  asked: a run waits for approval');

    expect(await cli.here(['runs', 'approve', id])).toMatchObject({ code: 2, stderr: expect.stringContaining('--reason') });
    expect(await cli.here(['runs', 'approve', id, '--reason', ' '])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('--reason is empty'),
    });
    expect(await cli.here(['runs', 'approve', id, '--reason', 'x', '--step', 'train'])).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/"train" asks nothing now.*What asks is: approve/),
    });
    expect(await cli.here(['runs', 'approve', id, '--reason', 'x', '--step', 'trian'])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('There is no step "trian"'),
    });
    expect(await cli.here(['runs', 'approve', 'asked/20260101-000000-abcd', '--reason', 'x'])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('there is no such run'),
    });
    const yes = await cli.run(['runs', 'approve', id, '--reason', 'the errors are harmless', '--who', 'ada', '--json']);
    expect(yes.json(), yes.stderr).toMatchObject({ workflowId: id, step: 'approve', decision: 'approved', who: 'ada' });
    const done = await end(id);
    expect(done).toMatchObject({ status: 'completed', verdict: 'passed', version: 1, live: true });
    expect(done.steps.find(({ id: step }) => step === 'approve')).toMatchObject({
      status: 'completed',
      values: { approved: true, approvedBy: 'ada', answer: 'the errors are harmless' },
      verdict: { passed: true, reasons: ['approved by ada: the errors are harmless'] },
    });
    const version = await cli.here(['models', 'show', 'asked', '1']);
    expect(version.stdout).toMatch(/answer in approve +approved by ada: the errors are harmless .*asked: Is it good\?/);
    const history = await cli.here(['models', 'history', 'asked']);
    expect(history.stdout).toContain('"approve" was approved by ada: the errors are harmless.');
    // Made again it asks nobody again, and the answer lets nothing else through.
    const again = await cli.run(['runs', 'reproduce', id], { timeoutMs: 120_000 });
    expect(again.stdout, again.stderr).toContain(`The same as ${id}, to the last bit.`);
    expect(again.stdout).toContain('approved by ada: the errors are harmless');
    expect((await cli.here(['models', 'show', 'asked', '1'])).stdout.match(/answer in approve/g)).toHaveLength(1);
    // Too late, and twice.
    expect(await cli.here(['runs', 'reject', id, '--reason', 'no'])).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/has ended already \(completed\), so the answer is too late.*approved by ada/),
    });
  });

  it('lets other runs go while it waits, and is judged again where they changed the champion', async () => {
    const [older, newer] = [await start(file, 12, '02'), await start(file, 4, '03')];
    // One after the other has its turn: the first waits for people, not for the second.
    await asks(older);
    await asks(newer);
    await cli.here(['runs', 'approve', newer, '--reason', 'fine']);
    expect(await end(newer)).toMatchObject({ status: 'completed', version: 2, previous: 1 });
    const best = await start(file, 24, '04');
    const worse = await start(file, 16, '05');
    await asks(best);
    await asks(worse);
    await cli.here(['runs', 'approve', older, '--reason', 'fine']);
    expect(await end(older)).toMatchObject({ status: 'completed', headline: expect.stringContaining('superseded by version 2') });
    await cli.here(['runs', 'approve', best, '--reason', 'fine']);
    expect(await end(best)).toMatchObject({ status: 'completed', previous: 2 });
    await cli.here(['runs', 'approve', worse, '--reason', 'fine']);
    const loser = await end(worse);
    expect(loser).toMatchObject({ status: 'rejected', verdict: 'rejected' });
    expect(loser.steps.at(-1)!.verdict!.reasons[0]).toMatch(/was judged against version 2, and now it is version \d/);
  });

  it('stops at a no, which is kept with a version that is there already', async () => {
    const late = documentOf('late', [EVALUATE, { uses: 'register' }, { uses: 'approve' }, { uses: 'deploy' }]);
    const id = await start(late, 1, '01');
    const view = await asks(id);
    expect(view.steps.at(-2)!.asks).toMatchObject({ text: 'May late version 1 go on?' });
    expect((await cli.here(['runs', 'reject', id, '--reason', 'biased', '--who', 'bob'])).stdout).toContain('is rejected by bob: biased');
    expect(await end(id)).toMatchObject({
      status: 'rejected',
      verdict: 'rejected',
      headline: 'A gate said no: rejected by bob: biased.',
      version: 1,
    });
    expect((await registry.routing('late'))!.routing.aliases).toEqual({ challenger: 1 });
    expect((await cli.here(['models', 'show', 'late', '1', '--json'])).json()).toMatchObject({
      approvals: [{ decision: 'rejected', who: 'bob', why: 'biased', run: id }],
    });
  });

  it('is asked by an evaluation without a champion too, of a model that a server process answers with; budgets reject', async () => {
    const gates = [...EVALUATE.with.gates, { metric: 'servedShare', atLeast: 1 }, { metric: 'latencyMs', atMost: 20_000 }];
    const manual = documentOf('manual', [
      { ...EVALUATE, with: { ...EVALUATE.with, onNoChampion: 'manual', gates } },
      { uses: 'register' },
      { uses: 'deploy' },
    ]);
    const first = await start(manual, 1, '01');
    const view = await asks(first);
    expect(view.steps.find(({ id }) => id === 'evaluate')!.asks).toMatchObject({
      text: expect.stringMatching(/^There is nothing to compare the model with/),
      evidence: expect.arrayContaining([
        expect.stringMatching(/^Gate: servedShare 1 is at least 1 \(\d+ answers, one by one, of a server process/),
      ]),
    });
    await cli.here(['runs', 'approve', first, '--reason', 'a beginning', '--who', 'ada']);
    expect(await end(first)).toMatchObject({ status: 'completed', version: 1, live: true });
    expect((await cli.here(['models', 'show', 'manual', '1', '--json'])).json()).toMatchObject({
      approvals: [{ step: 'evaluate', decision: 'approved', who: 'ada', why: 'a beginning' }],
    });
    // With a champion there is nothing to ask.
    expect(await end(await start(manual, 12, '02'))).toMatchObject({ status: 'completed', version: 2, previous: 1 });
    const large = documentOf('large', [
      { uses: 'evaluate', with: { gates: [{ metric: 'modelBytes', atMost: 100 }] } },
      { uses: 'register' },
    ]);
    expect(await end(await start(large, 1, '01'))).toMatchObject({
      status: 'rejected',
      headline: expect.stringMatching(/^A gate said no: modelBytes \d+ is above 100 \(\d+ files\)\.$/),
    });
  });

  it('does what is declared where nobody answers', async () => {
    const silent = async (onTimeout: string): Promise<RunView> =>
      end(
        await start(
          documentOf(`silent-${onTimeout}`, [{ uses: 'approve', timeout: '1s', with: { onTimeout } }, { uses: 'register' }]),
          1,
          '01',
        ),
      );
    const [approved, rejected, failed] = await Promise.all([silent('approve'), silent('reject'), silent('fail')]);
    expect(approved).toMatchObject({ status: 'completed', version: 1 });
    expect(approved!.steps.at(-2)!.verdict!.reasons).toEqual([
      'approved by nobody: nobody answered within 1 s, and "onTimeout" is "approve"',
    ]);
    expect(rejected).toMatchObject({ status: 'rejected', version: null });
    expect(failed).toMatchObject({ status: 'failed', failure: { code: 'TIMEOUT', step: 'approve' } });
    expect(failed!.failure!.message).toContain('nobody answered within 1 s');
  });

  it('is cancelled with its run', async () => {
    const id = await start(documentOf('left', [{ uses: 'approve' }, { uses: 'register' }]), 1, '01');
    await asks(id);
    await cli.here(['runs', 'cancel', id]);
    expect(await end(id)).toMatchObject({
      status: 'cancelled',
      steps: expect.arrayContaining([expect.objectContaining({ id: 'approve', status: 'cancelled' })]),
    });
  });
});
