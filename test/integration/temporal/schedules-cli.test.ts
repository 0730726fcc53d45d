import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import { FileStore } from '../../../src/storage/file-store.ts';
import { Perennial } from '../../support/perennial.ts';
import { tempDir } from '../../support/temp-dir.ts';
import { setStage } from './harness.ts';

let cli: Perennial;
const folder = tempDir('documents');
const file = join(folder, 'nightly.json');
const write = (name: string, cron = '0 3 * * *'): void =>
  writeFileSync(
    file,
    JSON.stringify({
      apiVersion: 'perennial/v1',
      name,
      steps: [{ id: 'say', uses: 'command', with: { command: ['true'] } }],
      on: { schedule: { cron, timezone: 'Europe/Berlin' } },
    }),
  );

beforeAll(async () => {
  const store = tempDir('store');
  const { server, startWorker } = await setStage([], new FileStore(store));
  await startWorker();
  cli = new Perennial({ PERENNIAL_STORE: `file:${store}`, TEMPORAL_ADDRESS: server.address });
});

it('apply --check exits with 3 where something differs, and changes nothing', async () => {
  write('nightly');
  const differs = await cli.run(['apply', file, '--check']);
  expect([differs.code, differs.stdout]).toEqual([3, expect.stringContaining('1 to create, 0 unchanged.')]);
  const applied = await cli.run(['apply', file]);
  expect([applied.code, applied.stderr]).toEqual([0, '']);
  expect(await cli.run(['apply', file, '--check'])).toMatchObject({
    code: 0,
    stdout: '= nightly  (as it should be)\n\n1 unchanged.\n',
  });
  write('nightly', '30 2 * * *');
  const lost = await cli.run(['apply', file]);
  expect(lost.stderr).toMatch(
    /^note: nightly\/schedule: 1 tick lost \(02:30\) on \d{4}-03-\d\d, when the clocks of Europe\/Berlin are changed; 02:30 comes twice on \d{4}-10-\d\d, when the clocks of Europe\/Berlin are changed, and ticks once \(01:30 UTC\)\n$/,
  );
});

it('a cron expression that Temporal does not take is refused before anything is asked of it', async () => {
  const before = readFileSync(file, 'utf8');
  write('nightly', '0 3 ? * *');
  expect(await cli.run(['apply', file])).toMatchObject({ code: 2, stderr: expect.stringContaining('"*" means the same') as string });
  writeFileSync(file, before);
});

it('a renamed document takes its schedules with it; --prune names what it removes and asks', async () => {
  write('birds', '30 2 * * *');
  const shown = await cli.run(['apply', file, '--dry-run']);
  expect(shown.stdout).toContain(`> nightly → birds  ${file}\n`);
  expect(shown.stdout).toContain('1 to rename, 0 unchanged.');
  const moved = await cli.run(['apply', file, '--json']);
  expect(moved.json().changes.map(({ id, action }: { id: string; action: string }) => [id, action])).toEqual([
    ['birds/schedule', 'create'],
    ['nightly/schedule', 'delete'],
  ]);
  const other = join(folder, 'other.json');
  writeFileSync(other, readFileSync(file, 'utf8').replace('"birds"', '"other"'));
  await cli.run(['apply', other]);
  const asked = await cli.run(['apply', file, '--prune']);
  expect(asked).toMatchObject({
    code: 2,
    stderr: expect.stringContaining(
      '--prune removes other/schedule. Go on? There is no terminal to ask at, so nothing was changed.',
    ) as string,
  });
  expect((await cli.run(['schedules', 'list', '--json'])).json().schedules.map(({ id }: { id: string }) => id)).toEqual([
    'birds/schedule',
    'other/schedule',
  ]);
  expect((await cli.run(['apply', file, '--prune', '--yes'])).code).toBe(0);
});

it('backfills can be started, listed, watched and cancelled; schedules deleted', async () => {
  expect(await cli.run(['schedules', 'backfill', 'birds', '--from', '2026-03-01', '--to', '2999-01-01'])).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('in the future') as string,
  });
  await cli.run(['schedules', 'pause', 'birds', '--note', 'moving']);
  const started = await cli.run(['schedules', 'backfill', 'birds', '--from', '2026-03-01', '--to', '2026-03-04', '--json']);
  const { id, ticks, held } = started.json();
  expect([ticks.length, held]).toEqual([3, 'moving']);
  expect((await cli.run(['schedules', 'backfills', '--json'])).json().backfills).toMatchObject([{ id, ticks: 3, done: 0 }]);
  const cancelled = await cli.run(['schedules', 'cancel', 'birds']);
  expect([cancelled.code, cancelled.stdout]).toEqual([0, `${id} is being cancelled.\n`]);
  expect(await cli.run(['schedules', 'watch', id])).toMatchObject({
    code: 1,
    stdout: expect.stringContaining(`${id} cancelled: after 0 of 3 ticks`) as string,
  });
  expect(await cli.run(['schedules', 'delete', 'birds'])).toMatchObject({ code: 0, stdout: 'birds/schedule is deleted.\n' });
  expect((await cli.run(['schedules', 'list'])).stdout).toContain('No schedules.');
}, 120_000);
