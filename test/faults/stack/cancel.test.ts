import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { isRunning } from '../../../src/platform/process-info.ts';
import { Perennial } from '../../support/perennial.ts';
import { tempDir } from '../../support/temp-dir.ts';
import { Run, canAim, trainersOf, until, writeDocument, writeRows } from './running.ts';

/** Never ends by itself. */
const FOREVER = 1_000_000;
const folder = tempDir('cancel');
const perennial = new Perennial();

beforeAll(async () => {
  writeRows(join(folder, 'rows.csv'));
  await perennial.up();
});

describe.runIf(canAim)('a run that trains', () => {
  it('ends with its trainer after `runs cancel`', async () => {
    const run = await Run.start(perennial, writeDocument(folder, 'cancelled', FOREVER));
    await run.step('train', (step) => (step.progress?.epoch ?? 0) >= 1);
    const [trainer] = trainersOf(perennial, 'cancelled');
    expect(isRunning(trainer!)).toBe(true);
    expect((await perennial.run(['runs', 'cancel', run.workflowId])).code).toBe(0);
    const { report, code } = await run.end();
    expect({ status: report.status, code }).toEqual({ status: 'cancelled', code: 130 });
    await until('the trainer is gone', () => !isRunning(trainer!));
    const again = await perennial.run(['runs', 'cancel', run.workflowId, '--json']);
    expect(again.code).toBe(2);
    expect(again.json().error).toMatchObject({ code: 'USAGE', message: expect.stringContaining('ended already') as string });
  });

  it('ends with its trainer after Ctrl-C, and says so', async () => {
    const file = writeDocument(folder, 'interrupted', FOREVER);
    const command = perennial.start(['run', file, '--no-cache']);
    await command.waitFor(/train +running .*epoch \d+/);
    const [trainer] = trainersOf(perennial, 'interrupted');
    command.signal('SIGINT');
    expect((await command.exited).code).toBe(130);
    expect(command.output()).toMatch(/Cancelling the run[\s\S]*Run interrupted\/\S+ cancelled/);
    expect(isRunning(trainer!)).toBe(false);
  });
});

describe('a Temporal server that is not there', () => {
  it('is said, with what to do', async () => {
    const file = writeDocument(folder, 'nowhere', 2);
    const answer = await new Perennial({ TEMPORAL_ADDRESS: '127.0.0.1:9' }).run(['run', file, '--json']);
    expect(answer.code).toBe(4);
    expect(answer.json().error).toMatchObject({
      code: 'TEMPORAL_UNAVAILABLE',
      message: expect.stringContaining('127.0.0.1:9') as string,
      hint: expect.stringContaining('perennial up') as string,
    });
  });
});
