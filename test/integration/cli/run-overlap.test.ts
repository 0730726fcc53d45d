import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import { steps } from '../../../activities/steps/index.generated.ts';
import { describeRun } from '../../../src/runs/runs.ts';
import type { RunReport } from '../../../src/runs/runs.ts';
import { FileStore } from '../../../src/storage/file-store.ts';
import { Perennial } from '../../support/perennial.ts';
import { tempDir } from '../../support/temp-dir.ts';
import { until } from '../../support/until.ts';
import { setStage } from '../temporal/harness.ts';
import type { Stage } from '../temporal/harness.ts';

const folder = tempDir('overlap');
const file = join(folder, 'held.json');
const go = join(folder, 'go');
let cli: Perennial;
let stage: Stage;

beforeAll(async () => {
  process.env.PERENNIAL_HOME = tempDir('home');
  const store = tempDir('store');
  stage = await setStage(steps, new FileStore(store));
  await stage.startWorker();
  cli = new Perennial({ PERENNIAL_STORE: `file:${store}`, TEMPORAL_ADDRESS: stage.server.address });
  const command = ['sh', '-c', `while [ ! -f "${go}" ]; do sleep 0.1; done`];
  writeFileSync(
    file,
    JSON.stringify({ apiVersion: 'perennial/v1', name: 'held', steps: [{ id: 'hold', uses: 'command', cache: false, with: { command } }] }),
  );
});

const show = (workflowId: string): Promise<RunReport> => describeRun(stage.temporal, workflowId);
async function begun(...args: string[]): Promise<string> {
  const answer = await cli.here(['run', file, '--detach', '--json', ...args]);
  expect([answer.stderr, answer.code]).toEqual(['', 0]);
  return answer.json<{ workflowId: string }>().workflowId;
}
const goes = (workflowId: string): Promise<unknown> => until(async () => (await show(workflowId)).steps[0]!.status === 'running');

it('run --overlap says what a run does where another one is going', async () => {
  expect(await cli.here(['run', file, '--overlap', 'perhaps'])).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('--overlap is "perhaps"; expected one of queue, skip, replace, allow.') as string,
  });
  const first = await begun();
  await goes(first);
  const follows = cli.start(['runs', 'show', first, '--follow']);

  const skipped = await cli.run(['run', file, '--overlap', 'skip', '--json']);
  expect(skipped.code).toBe(3);
  expect(skipped.json()).toMatchObject({ status: 'skipped', headline: `Skipped: run ${first} was going.` });

  const beside = await begun('--overlap', 'allow');
  await goes(beside);

  const waits = await begun('--overlap', 'queue');
  await until(async () => (await show(waits)).headline === `Waits for its turn: run ${first} is going.`);
  expect((await show(first)).status).toBe('running');

  const replaces = await begun('--overlap', 'replace');
  await until(async () => (await show(first)).status === 'cancelled');
  const reason = expect.stringMatching(new RegExp(`^Stopped in step "hold".*: run ${replaces} replaces it\\.$`, 'm')) as string;
  expect((await cli.here(['runs', 'show', first])).stdout).toEqual(reason);
  expect((await follows.exited).code).toBe(130);
  expect(follows.stdout()).toEqual(reason);
  await goes(replaces);
  expect((await show(waits)).steps[0]!.status).toBe('pending');
  writeFileSync(go, '');
  for (const run of [beside, waits, replaces]) await until(async () => (await show(run)).status === 'completed');
  rmSync(go);
});
