import { join } from 'node:path';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { isRunning } from '../../../src/platform/process-info.ts';
import { Perennial } from '../../support/perennial.ts';
import { tempDir } from '../../support/temp-dir.ts';
import { Run, canAim, digestOf, killNow, processOf, trainersOf, until, writeDocument, writeRows } from './running.ts';

/** Long enough to be hit in the middle of, on a busy machine as on an idle one: what takes time then is done while training is stopped. */
const EPOCHS = 32;
const MIDDLE = 5;
const folder = tempDir('kill');
const perennial = new Perennial();
let undisturbed: { readonly dataset: string; readonly examples: string; readonly model: string };

beforeAll(async () => {
  writeRows(join(folder, 'rows.csv'), 750);
  await perennial.up();
  const run = await Run.start(perennial, writeDocument(folder, 'undisturbed', EPOCHS));
  undisturbed = await finished(run, 'undisturbed');
});

async function finished(run: Run, model: string): Promise<typeof undisturbed> {
  const { report, code, stderr } = await run.end();
  expect(report.failure, stderr).toBeNull();
  expect({ status: report.status, code, verdict: report.verdict, model: report.model, version: report.version }).toEqual({
    status: 'completed',
    code: 0,
    verdict: 'passed',
    model,
    version: 1,
  });
  const versions = (await perennial.here(['models', 'show', model, '--json'])).json<{ versions: { version: number }[] }>().versions;
  expect(versions.map(({ version }) => version)).toEqual([1]);
  return {
    dataset: digestOf(report, 'ingest', 'dataset'),
    examples: digestOf(report, 'preprocess', 'examples'),
    model: digestOf(report, 'train', 'model'),
  };
}

/** The epoch in which training went on, from the step's log; all attempts. */
async function resumedEpochs(run: Run): Promise<number[]> {
  return [...(await run.logs('train')).matchAll(/goes on from its checkpoint: epoch (\d+)/g)].map((match) => Number(match[1]));
}

const inTheMiddle = (step: { readonly progress?: { readonly epoch?: number } }): boolean => (step.progress?.epoch ?? 0) >= MIDDLE;

async function back(name: string): Promise<void> {
  await until(`${name} is back`, async () => (await perennial.here(['status', '--json'])).json<{ healthy: boolean }>().healthy);
}

afterEach(async () => {
  await back('everything');
});

describe.runIf(canAim)('SIGKILL', () => {
  it('of the worker while one run ingests and another trains: both end as if nothing had happened', async () => {
    const training = await Run.start(perennial, writeDocument(folder, 'worker-in-training', EPOCHS));
    await training.step('train', inTheMiddle);
    const [trainer] = trainersOf(perennial, 'worker-in-training');
    process.kill(trainer!.pid, 'SIGSTOP');
    const ingesting = await Run.start(perennial, writeDocument(folder, 'worker-in-ingest', EPOCHS));
    await ingesting.step('ingest', (step) => step.status !== 'pending');
    await killNow(processOf(perennial, 'worker-1'));
    process.kill(trainer!.pid, 'SIGCONT');
    // Its trainer does not live on unseen, writing beside the next one.
    await until('the trainer of the killed worker is gone', () => !isRunning(trainer!), 60_000);
    expect(await finished(training, 'worker-in-training')).toEqual(undisturbed);
    expect(await finished(ingesting, 'worker-in-ingest')).toEqual(undisturbed);
    const [epoch] = await resumedEpochs(training);
    expect(epoch).toBeGreaterThanOrEqual(MIDDLE);
  });

  it('of the worker between steps and in evaluate: what was done stays done', async () => {
    const run = await Run.start(perennial, writeDocument(folder, 'worker-between', EPOCHS));
    await run.step('ingest', (step) => step.status === 'completed');
    await killNow(processOf(perennial, 'worker-1'));
    await back('the worker');
    await run.step('evaluate', (step) => step.status === 'running');
    await killNow(processOf(perennial, 'worker-1'));
    expect(await finished(run, 'worker-between')).toEqual(undisturbed);
    // Training may have begun when the first kill came; of the second one it knows nothing.
    expect((await resumedEpochs(run)).filter((epoch) => epoch >= MIDDLE)).toEqual([]);
  });

  it('of the trainer: one attempt is lost, the next goes on from the last checkpoint', async () => {
    const run = await Run.start(perennial, writeDocument(folder, 'trainer', EPOCHS));
    await run.step('train', inTheMiddle);
    await killNow(trainersOf(perennial, 'trainer')[0]!);
    await run.step(
      'train',
      (step) => step.reason.includes('TRAINER_CRASHED') || step.reason.includes('ended by SIGKILL') || inTheMiddle(step),
    );
    expect(await finished(run, 'trainer')).toEqual(undisturbed);
    const [epoch] = await resumedEpochs(run);
    expect(epoch).toBeGreaterThanOrEqual(MIDDLE);
  });

  it('of the Temporal server and of the model server: the run goes on, and so does the command that follows it', async () => {
    const run = await Run.start(perennial, writeDocument(folder, 'servers', 2 * EPOCHS));
    await run.step('train', inTheMiddle);
    const [trainer] = trainersOf(perennial, 'servers');
    process.kill(trainer!.pid, 'SIGSTOP');
    const following = perennial.start(['runs', 'show', run.workflowId, '--follow']);
    await following.waitFor(/train +running/);
    await killNow(processOf(perennial, 'server'));
    await killNow(processOf(perennial, 'temporal'));
    process.kill(trainer!.pid, 'SIGCONT');
    expect(isRunning(trainer!)).toBe(true);
    expect((await following.exited).code, following.output()).toBe(0);
    expect(following.stderr()).not.toMatch(/^ +at /m);
    const { model: _longer, ...data } = undisturbed;
    expect(await finished(run, 'servers')).toMatchObject(data);
    const answer = await perennial.run(['predict', 'servers', '--row', '{"a":1,"b":0,"c":0,"d":0}', '--json']);
    expect(answer.code, answer.stderr).toBe(0);
  });
});
