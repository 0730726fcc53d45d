import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { sendBy } from '../../../src/notifications/send.ts';
import { message } from './message.ts';
import { until } from '../../support/until.ts';

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'perennial-command-'));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

const tell = (script: string, signal: AbortSignal = new AbortController().signal): Promise<void> =>
  sendBy(message, 'command', { run: ['/bin/sh', '-c', script, 'sh', dir], env: {} }, { signal });

const isThere = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

it('reads the notification', async () => {
  await tell('cat > "$1/read"');
  expect(JSON.parse(await readFile(join(dir, 'read'), 'utf8'))).toMatchObject({ id: 'orders/drift', event: 'drifted' });
});

it('has been told where it ended well, although what it left behind goes on', async () => {
  await tell('sleep 600 & echo $! > "$1/pid"');
  process.kill(Number(await readFile(join(dir, 'pid'), 'utf8')), 'SIGKILL');
});

it('that fails is quoted', async () => {
  await expect(tell('echo "no such pager" >&2; exit 3')).rejects.toMatchObject({
    code: 'NOTIFICATION_FAILED',
    message: 'The program "/bin/sh" ended with 3: no such pager',
  });
});

it('that never ends is ended, with all that it started', async () => {
  const attempt = new AbortController();
  const told = tell('sleep 600 & echo $! > "$1/tmp"; mv "$1/tmp" "$1/pid"; wait', attempt.signal);
  const ended = expect(told).rejects.toMatchObject({
    code: 'NOTIFICATION_FAILED',
    message: expect.stringContaining('was ended') as string,
  });
  const pid = Number(await until(() => readFile(join(dir, 'pid'), 'utf8').catch(() => undefined)));
  attempt.abort(new Error('it took too long'));
  await ended;
  await until(() => !isThere(pid), { what: 'what the program started goes on' });
});

it('that is not there is not tried again', async () => {
  await expect(
    sendBy(message, 'command', { run: [join(dir, 'nothing')], env: {} }, { signal: new AbortController().signal }),
  ).rejects.toMatchObject({ code: 'NOTIFICATION_REFUSED' });
});
