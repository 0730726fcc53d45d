import { fork, spawnSync } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { overviewOf } from '../../../src/events/browse.ts';
import { tellChanges } from '../../../src/events/outbox.ts';
import { FileStore } from '../../../src/storage/file-store.ts';
import { bundleModule } from '../../support/bundle.ts';
import { tempDir } from '../../support/temp-dir.ts';
import { until } from '../../support/until.ts';
import { changesFor, declareSinks, sinkFor } from './changes.ts';

const children = new Set<ChildProcess>();
let script: string;

beforeAll(async () => {
  script = await bundleModule(join(import.meta.dirname, 'deliverer.ts'));
});

afterAll(() => {
  for (const child of children) child.kill('SIGKILL');
});

interface Deliverer {
  readonly child: ChildProcess;
  readonly said: () => string;
}

async function startDeliverer(folder: string): Promise<Deliverer> {
  const child = fork(script, [folder, tempDir('deliverer')], { stdio: ['ignore', 'ignore', 'pipe', 'ipc'], execArgv: [] });
  let said = '';
  child.stderr!.on('data', (bytes: Buffer) => (said += bytes.toString()));
  children.add(child);
  child.once('exit', () => children.delete(child));
  await new Promise<void>((resolve) => child.once('message', () => resolve()));
  return { child, said: () => said };
}

async function stop({ child }: Deliverer): Promise<void> {
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  await ended;
}

interface Received {
  readonly id: string;
  readonly subject: string;
  readonly place: number;
}

/** A receiver that is away until it is opened. */
async function receiver(): Promise<{ url: string; received: Received[]; server: Server; open(): void; count(): number }> {
  const received: Received[] = [];
  let isOpen = false;
  let asked = 0;
  const server = createServer((request, response) => {
    let text = '';
    request.on('data', (chunk: Buffer) => (text += chunk.toString()));
    request.on('end', () => {
      asked += 1;
      if (!isOpen) return void response.writeHead(503).end();
      const { id, subject, data } = JSON.parse(text) as { id: string; subject: string; data: { place: number } };
      received.push({ id, subject, place: data.place });
      response.writeHead(204).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  return { url, received, server, open: () => (isOpen = true), count: () => asked };
}

/** All of each subject in their order, each under one id. */
function requireAll(received: readonly Received[], subjects: number, each: number): void {
  for (let subject = 0; subject < subjects; subject += 1) {
    const own = received.filter((one) => one.subject === `pipelines/p/runs/${subject}`);
    expect([...new Set(own.map(({ place }) => place))]).toEqual(Array.from({ length: each }, (_, place) => place));
  }
  expect(new Set(received.map(({ id }) => id)).size).toBe(subjects * each);
  expect(new Set(received.map(({ id, subject, place }) => `${subject}/${place}/${id}`)).size).toBe(subjects * each);
}

/** The most memory that a process has had, in mebibytes; of Linux alone. */
function peakOf(pid: number): number | undefined {
  try {
    return Number(/^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024;
  } catch {
    return undefined;
  }
}

it('thousands that waited for a receiver arrive in their order, once each, in bounded memory, also where who sends is killed', async () => {
  const [subjects, each] = [40, 75];
  const store = new FileStore(tempDir('away'));
  const { url, received, server, open, count } = await receiver();
  await declareSinks(store, [sinkFor('bus', 'http', { url, headers: {}, timeout: '30s' })]);
  // The memory of one that has nothing to do, to compare with.
  const idle = await startDeliverer(store.folder);
  await new Promise((resolve) => setTimeout(resolve, 2_000));
  const nothing = peakOf(idle.child.pid!);
  await stop(idle);
  await tellChanges(store, changesFor(subjects, each));
  const first = await startDeliverer(store.folder);
  await until(async () => first.said().includes('does not take events, which wait'), { timeoutMs: 60_000, everyMs: 200, what: 'it was not said that they wait' }); // prettier-ignore
  await new Promise((resolve) => setTimeout(resolve, 3_000));
  // A receiver that is away is asked with one event now and then, not with all of them.
  expect(count()).toBeLessThan(60);
  open();
  await until(async () => received.length > 1_000, { timeoutMs: 120_000, everyMs: 50, what: 'nothing arrived' });
  const peak = peakOf(first.child.pid!);
  first.child.kill('SIGKILL');
  const second = await startDeliverer(store.folder);
  await until(async () => (await overviewOf(store))[0]!.counts.pending === 0, { timeoutMs: 120_000, everyMs: 500, what: 'events still waited' }); // prettier-ignore
  requireAll(received, subjects, each);
  // What was under way when it was killed, once more.
  expect(received.length).toBeLessThan(subjects * each + 2 * subjects);
  if (nothing !== undefined) for (const most of [peak!, peakOf(second.child.pid!)!]) expect(most - nothing).toBeLessThan(150);
  expect(first.said()).toContain('takes events again');
  await stop(second);
  server.closeAllConnections();
  server.close();
});

const disk = mkdtempSync(join(tmpdir(), 'perennial-full-outbox-'));
const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'tmpfs', disk]).status === 0;
afterAll(() => {
  if (mounted) spawnSync('umount', [disk]);
  rmSync(disk, { recursive: true, force: true });
});

it.skipIf(!mounted)(
  'a full store under the outbox loses none, and sends none with another id (needs the right to mount)',
  async () => {
    const [subjects, each] = [4, 10];
    const store = new FileStore(join(disk, 'store'));
    const { url, received, server, open } = await receiver();
    open();
    await declareSinks(store, [sinkFor('bus', 'http', { url, headers: {}, timeout: '30s' })]);
    const changes = changesFor(subjects, each);
    await tellChanges(store, changes.slice(0, 20));
    for (let size = 4 * 1024 * 1024, at = 0; size >= 1; size = Math.floor(size / 2), at += 1)
      try {
        writeFileSync(join(disk, `filler-${at}`), Buffer.alloc(size));
      } catch {
        // What fits of it stays.
      }
    // Whoever tells of a change hears that it was not told, and tells it again.
    await expect(tellChanges(store, changes.slice(20))).rejects.toMatchObject({ code: 'STORE_FULL' });
    const deliverer = await startDeliverer(store.folder);
    await until(async () => /events cannot be delivered|does not take events/.test(deliverer.said()), { timeoutMs: 60_000, everyMs: 200, what: 'it was not said' }); // prettier-ignore
    await new Promise((resolve) => setTimeout(resolve, 8_000));
    const cries = deliverer.said().trim().split('\n');
    expect(cries.length, cries.join('\n')).toBeLessThan(4);
    for (const name of readdirSync(disk).filter((one) => one.startsWith('filler'))) rmSync(join(disk, name));
    await tellChanges(store, changes.slice(20));
    await until(async () => (await overviewOf(store))[0]!.counts.pending === 0, { timeoutMs: 90_000, everyMs: 300, what: 'events still waited' }); // prettier-ignore
    requireAll(received, subjects, each);
    await stop(deliverer);
    server.closeAllConnections();
    server.close();
  },
  240_000,
);
