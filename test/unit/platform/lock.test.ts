import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { lockHolder, tryLock, withLock } from '../../../src/platform/lock.ts';
import { identify, processSpace } from '../../../src/platform/process-info.ts';
import { bundleScript } from '../../support/bundle.ts';
import { run, start } from '../../support/processes.ts';
import { tempDir } from '../../support/temp-dir.ts';

test('a lock is held by one, names its holder, and is free after release', () => {
  const path = join(tempDir('lock'), 'folder', 'a.lock');
  const first = tryLock(path);
  expect(first.taken).toBe(true);
  expect(tryLock(path)).toMatchObject({ taken: false, holder: { pid: process.pid, host: hostname() } });
  expect(lockHolder(path)?.pid).toBe(process.pid);
  if (first.taken) first.release();
  expect(lockHolder(path)).toBeUndefined();
  expect(tryLock(path)).toMatchObject({ taken: true });
});

test('the lock of a dead process, or of another one with the same id, is taken over', async () => {
  const path = join(tempDir('lock'), 'a.lock');
  const dead = start(process.execPath, ['-e', '']);
  await dead.exited;
  const since = '2026-01-01T00:00:00.000Z';
  writeFileSync(path, JSON.stringify({ ...dead.identity, host: hostname(), since }));
  const lock = tryLock(path);
  expect(lock).toMatchObject({ taken: true, stale: { pid: dead.pid, since } });
  const me = identify(process.pid);
  writeFileSync(path, JSON.stringify({ ...me, startTicks: me.startTicks - 1, host: hostname(), since }));
  expect(tryLock(path)).toMatchObject({ taken: true, stale: { pid: process.pid } });
});

test('the lock of another machine is respected', () => {
  const path = join(tempDir('lock'), 'a.lock');
  writeFileSync(path, JSON.stringify({ pid: 1, startTicks: 1, host: 'elsewhere', since: '2026-01-01T00:00:00.000Z' }));
  expect(tryLock(path)).toMatchObject({ taken: false, holder: { host: 'elsewhere' } });
});

test('the lock of a process in another container of this machine is respected, and one from before the machine started is not', () => {
  const path = join(tempDir('lock'), 'a.lock');
  const space = processSpace();
  if (space === undefined) return;
  const holder = { pid: 1, startTicks: 1, host: hostname(), since: '2026-01-01T00:00:00.000Z' };
  writeFileSync(path, JSON.stringify({ ...holder, space: { ...space, processes: 'pid:[1]' } }));
  expect(tryLock(path)).toMatchObject({ taken: false });
  writeFileSync(path, JSON.stringify({ ...holder, space: { ...space, boot: 'an earlier one' } }));
  expect(tryLock(path)).toMatchObject({ taken: true, stale: { pid: 1 } });
});

test('a damaged lock file does not block for ever', () => {
  const path = join(tempDir('lock'), 'a.lock');
  writeFileSync(path, 'not json');
  expect(tryLock(path).taken).toBe(true);
});

test('of many processes that race, some killed while holding it, only one is ever inside', async () => {
  const folder = tempDir('lock');
  const script = await bundleScript(`
    import { appendFileSync } from 'node:fs';
    import { withLock } from './src/platform/lock.ts';
    const [path, log, dies] = process.argv.slice(2) as [string, string, string];
    for (let turn = 0; turn < 5; turn += 1) {
      await withLock(path, async () => {
        appendFileSync(log, 'in ' + process.pid + '\\n');
        await new Promise((resolve) => setTimeout(resolve, 3));
        if (dies === 'dies' && turn === 2) process.kill(process.pid, 'SIGKILL');
        appendFileSync(log, 'out ' + process.pid + '\\n');
      });
    }`);
  const [path, log] = [join(folder, 'a.lock'), join(folder, 'log')];
  await Promise.all(Array.from({ length: 8 }, (_, index) => run(process.execPath, [script, path, log, index < 3 ? 'dies' : 'lives'])));
  const lines = readFileSync(log, 'utf8')
    .trim()
    .split('\n')
    .map((line) => line.split(' '));
  let inside: string | undefined;
  let abandoned = 0;
  for (const [what, pid] of lines) {
    if (what === 'out') expect(pid).toBe(inside);
    else if (inside !== undefined) abandoned += 1; // only a killed one leaves without a word
    inside = what === 'in' ? pid : undefined;
  }
  expect(abandoned).toBeLessThanOrEqual(3);
  expect(lines.filter(([what]) => what === 'out')).toHaveLength(5 * 5 + 3 * 2);
  await withLock(path, async () => {}); // the last one inside may have been a killed one, whose lock the next taker clears
  expect(existsSync(path)).toBe(false);
  expect(readdirSync(folder)).toEqual(['log']);
});

test('of processes that take and release without a pause, some killed at any moment, none removes the lock of another', async () => {
  const folder = tempDir('lock');
  const script = await bundleScript(`
    import { readFileSync, writeFileSync } from 'node:fs';
    import { tryLock } from './src/platform/lock.ts';
    const [path, inside, until] = process.argv.slice(2) as [string, string, string];
    let taken = 0;
    while (Date.now() < Number(until)) {
      const lock = tryLock(path);
      if (!lock.taken) continue;
      writeFileSync(inside, String(process.pid));
      for (let look = 0; look < 5; look += 1) {
        const who = readFileSync(inside, 'utf8');
        if (who !== '' && who !== String(process.pid)) { console.log('two inside'); process.exit(1); }
      }
      lock.release();
      taken += 1;
    }
    console.log(taken);`);
  const [path, inside] = [join(folder, 'a.lock'), join(folder, 'inside')];
  const until = String(Date.now() + 4_000);
  const lasting = Array.from({ length: 4 }, () => start(process.execPath, [script, path, inside, until]));
  while (Date.now() < Number(until) - 500) {
    const victim = start(process.execPath, [script, path, inside, until]);
    await new Promise((resolve) => setTimeout(resolve, 120 + Math.random() * 100));
    victim.signal('SIGKILL');
    await victim.exited;
    expect(victim.output()).toBe('');
  }
  const ends = await Promise.all(lasting.map((one) => one.exited));
  expect(lasting.map((one) => one.output()).filter((text) => text.includes('two inside'))).toEqual([]);
  expect(ends.map(({ code }) => code)).toEqual([0, 0, 0, 0]);
});
