import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
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
  const applied = await cli.here(['apply', file]);
  expect([applied.code, applied.stderr]).toEqual([0, '']);
  expect(await cli.here(['apply', file, '--check'])).toMatchObject({
    code: 0,
    stdout: '= nightly  (as it should be)\n\n1 unchanged.\n',
  });
  write('nightly', '30 2 * * *');
  const lost = await cli.here(['apply', file]);
  expect(lost.stderr).toMatch(
    /^note: nightly\/schedule: 1 tick lost \(02:30\) on \d{4}-03-\d\d, when the clocks of Europe\/Berlin are changed; 02:30 comes twice on \d{4}-10-\d\d, when the clocks of Europe\/Berlin are changed, and ticks once \(01:30 UTC\)\n$/,
  );
});

it('a cron expression that Temporal does not take is refused before anything is asked of it', async () => {
  const before = readFileSync(file, 'utf8');
  write('nightly', '0 3 ? * *');
  expect(await cli.here(['apply', file])).toMatchObject({ code: 2, stderr: expect.stringContaining('"*" means the same') as string });
  writeFileSync(file, before);
});

it('a renamed document takes its schedules with it; --prune names what it removes and asks', async () => {
  write('birds', '30 2 * * *');
  const shown = await cli.here(['apply', file, '--dry-run']);
  expect(shown.stdout).toContain(`> nightly → birds  ${file}\n`);
  expect(shown.stdout).toContain('1 to rename, 0 unchanged.');
  const moved = await cli.here(['apply', file, '--json']);
  expect(moved.json().changes.map(({ id, action }: { id: string; action: string }) => [id, action])).toEqual([
    ['birds/schedule', 'create'],
    ['nightly/schedule', 'delete'],
  ]);
  const other = join(folder, 'other.json');
  writeFileSync(other, readFileSync(file, 'utf8').replace('"birds"', '"other"'));
  await cli.here(['apply', other]);
  const asked = await cli.run(['apply', file, '--prune']);
  expect(asked).toMatchObject({
    code: 2,
    stderr: expect.stringContaining(
      '--prune removes other/schedule. Go on? There is no terminal to ask at, so nothing was changed.',
    ) as string,
  });
  expect((await cli.here(['schedules', 'list', '--json'])).json().schedules.map(({ id }: { id: string }) => id)).toEqual([
    'birds/schedule',
    'other/schedule',
  ]);
  expect((await cli.here(['apply', file, '--prune', '--yes'])).code).toBe(0);
});

it('plan and apply take folders: what differs is shown, asked for and made, all or nothing', async () => {
  const all = join(folder, 'all');
  mkdirSync(join(all, 'deep'), { recursive: true });
  const put = (path: string, name: string, cron = '0 3 * * *'): void =>
    writeFileSync(
      join(all, path),
      JSON.stringify({
        apiVersion: 'perennial/v1',
        name,
        steps: [{ id: 'say', uses: 'command', with: { command: ['true'] } }],
        on: { schedule: { cron, timezone: 'UTC' } },
      }),
    );
  put('one.json', 'one');
  put('deep/two.json', 'two');
  writeFileSync(join(all, 'package.json'), '{"name":"x"}');
  expect(await cli.here(['validate', all])).toMatchObject({ code: 0, stderr: expect.stringContaining('package.json') as string });
  const planned = await cli.here(['plan', all]);
  expect([planned.code, planned.stderr]).toEqual([
    0,
    `note: left out: ${join(all, 'package.json')} (no pipeline: "apiVersion" is not "perennial/…")\nnote: applied from elsewhere, and left alone: birds (${file})\n`,
  ]);
  expect(planned.stdout).toBe(
    [
      `+ two  ${join(all, 'deep/two.json')}`,
      '    on.schedule.cron: "0 3 * * *"',
      '    on.schedule.timezone: "UTC"',
      '    makes two/schedule',
      `+ one  ${join(all, 'one.json')}`,
      '    on.schedule.cron: "0 3 * * *"',
      '    on.schedule.timezone: "UTC"',
      '    makes one/schedule',
      '',
      '2 to create, 0 unchanged.',
      '',
    ].join('\n'),
  );
  expect((await cli.here(['plan', all, '--check', '--json'])).json()).toMatchObject({ differs: true, summary: { create: 2 } });
  expect((await cli.here(['plan', all, '--at', '2026-01-01'])).code).toBe(2);
  // One that is wrong among good ones: nothing is made.
  put('bad.json', 'bad', 'nonsense');
  expect((await cli.here(['apply', all])).code).toBe(2);
  expect((await cli.here(['plan', all, '--check'])).code).toBe(2);
  rmSync(join(all, 'bad.json'));
  expect((await cli.here(['schedules', 'list', '--json'])).json().schedules).toHaveLength(1);
  // Two at once.
  const both = await Promise.all([cli.run(['apply', all]), cli.run(['apply', all])]);
  expect(both.map(({ code }) => code)).toEqual([0, 0]);
  expect(both.map(({ stdout }) => stdout.includes('Applied: 2 created')).sort()).toEqual([false, true]);
  expect((await cli.here(['plan', all, '--check'])).code).toBe(0);
  // Of one document: what a run does, and what apply would.
  put('one.json', 'one', '0 4 * * *');
  const one = await cli.here(['plan', join(all, 'one.json'), '--check']);
  expect([one.code, one.stdout]).toEqual([
    3,
    expect.stringMatching(/^one +revision [^]*against what lives\n~ one [^]*\n {4}on\.schedule\.cron: "0 3 \* \* \*" → "0 4 \* \* \*"\n/),
  ]);
  const alone = await cli.here(['plan', join(all, 'one.json'), '--json'], { env: { TEMPORAL_ADDRESS: '127.0.0.1:1' } });
  expect([alone.code, alone.json().difference, alone.stderr]).toEqual([0, null, '']);
  expect((await cli.here(['plan', join(all, 'one.json'), '--check'], { env: { TEMPORAL_ADDRESS: '127.0.0.1:1' } })).code).toBe(4);
  rmSync(join(all, 'deep/two.json'));
  expect((await cli.here(['apply', all, '--check'])).stdout).toContain('- two  ');
  expect(await cli.here(['apply', all])).toMatchObject({ code: 0, stdout: expect.stringContaining('1 to remove: ') as string });
  expect((await cli.here(['apply', all, '--prune', '--yes'])).stdout).toContain('Applied: 1 removed, 1 unchanged.');
  rmSync(join(all, 'one.json'));
  expect((await cli.here(['apply', all, '--prune', '--yes'])).stdout).toContain('Applied: 1 removed, 0 unchanged.');
  expect((await cli.here(['schedules', 'list', '--json'])).json().schedules.map(({ id }: { id: string }) => id)).toEqual([
    'birds/schedule',
  ]);
});

it('backfills can be started, listed, watched and cancelled; schedules deleted', async () => {
  expect(await cli.here(['schedules', 'backfill', 'birds', '--from', '2026-03-01', '--to', '2999-01-01'])).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('in the future') as string,
  });
  await cli.here(['schedules', 'pause', 'birds', '--note', 'moving']);
  const started = await cli.here(['schedules', 'backfill', 'birds', '--from', '2026-03-01', '--to', '2026-03-04', '--json']);
  const { id, ticks, held } = started.json();
  expect([ticks.length, held]).toEqual([3, 'moving']);
  expect((await cli.here(['schedules', 'backfills', '--json'])).json().backfills).toMatchObject([{ id, ticks: 3, done: 0 }]);
  const cancelled = await cli.here(['schedules', 'cancel', 'birds']);
  expect([cancelled.code, cancelled.stdout]).toEqual([0, `${id} is being cancelled.\n`]);
  expect(await cli.here(['schedules', 'watch', id])).toMatchObject({
    code: 1,
    stdout: expect.stringContaining(`${id} cancelled: after 0 of 3 ticks`) as string,
  });
  expect(await cli.here(['schedules', 'delete', 'birds'])).toMatchObject({ code: 0, stdout: 'birds/schedule is deleted.\n' });
  expect((await cli.here(['schedules', 'list'])).stdout).toContain('No schedules.');
});
