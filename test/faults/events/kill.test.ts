import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { overviewOf } from '../../../src/events/browse.ts';
import { tellChanges } from '../../../src/events/outbox.ts';
import { FileStore } from '../../../src/storage/file-store.ts';
import { bundleModule } from '../../support/bundle.ts';
import { tempDir } from '../../support/temp-dir.ts';
import { until } from '../../support/until.ts';
import { changesFor, declareSinks, sinkFor } from './changes.ts';

const SUBJECTS = 4;
const EACH = 12;
/** Events after which whoever sent the last one is killed, before it gets its answer. */
const KILLED_AT = [3, 9, 20, 41];

const children = new Set<ChildProcess>();
let script: string;

beforeAll(async () => {
  script = await bundleModule(join(import.meta.dirname, 'deliverer.ts'));
});

afterAll(() => {
  for (const child of children) child.kill('SIGKILL');
});

async function startDeliverer(folder: string): Promise<ChildProcess> {
  const child = fork(script, [folder, tempDir('deliverer')], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'], execArgv: [] });
  children.add(child);
  child.once('exit', () => children.delete(child));
  await new Promise<void>((resolve, reject) => {
    child.once('message', () => resolve());
    child.once('exit', (code) => reject(new Error(`the deliverer ended with ${code}`)));
  });
  return child;
}

it('workers that are killed before they know that an event arrived lose none, and send none with another id or other bytes', async () => {
  const store = new FileStore(tempDir('events'));
  const lines = tempDir('lines');
  const file = join(lines, 'events.ndjson');
  const received: { readonly id: string; readonly text: string; readonly subject: string; readonly place: number }[] = [];
  const kills = [...KILLED_AT];
  const server = createServer((request, response) => {
    let text = '';
    request.on('data', (chunk: Buffer) => (text += chunk.toString()));
    request.on('end', () => {
      const { id, subject, data } = JSON.parse(text) as { id: string; subject: string; data: { place: number } };
      received.push({ id, text, subject, place: data.place });
      if (received.length >= (kills[0] ?? Infinity)) {
        kills.shift();
        // Both workers: whoever holds the delivery has not heard yet that the event arrived.
        const victims = [...children];
        for (const child of victims) child.kill('SIGKILL');
        for (const _ of victims) void startDeliverer(store.folder);
        return;
      }
      response.writeHead(204).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  await declareSinks(store, [
    sinkFor('bus', 'http', { url, headers: {}, timeout: '30s' }),
    sinkFor('lines', 'file', { path: file, bytesMax: 4_000, filesKept: 100 }),
  ]);
  const changes = changesFor(SUBJECTS, EACH);
  await tellChanges(store, changes);
  // Told once more, as an activity does that is tried again.
  await tellChanges(store, changes.slice(0, 10));
  await Promise.all([startDeliverer(store.folder), startDeliverer(store.folder)]);
  await until(
    async () => {
      const found = await overviewOf(store);
      return kills.length === 0 && found.every(({ counts }) => counts.pending === 0);
    },
    { timeoutMs: 120_000, everyMs: 300, what: 'events still waited' },
  );
  expect((await overviewOf(store)).map(({ counts }) => counts)).toEqual([
    { pending: 0, sent: SUBJECTS * EACH, refused: 0 },
    { pending: 0, sent: SUBJECTS * EACH, refused: 0 },
  ]);
  const texts = new Map<string, Set<string>>();
  for (const { id, text } of received) texts.set(id, (texts.get(id) ?? new Set()).add(text));
  expect(texts.size).toBe(SUBJECTS * EACH);
  expect([...texts.values()].every((set) => set.size === 1)).toBe(true);
  // A kill repeats at most what was under way: an event of each subject.
  expect(received.length).toBeLessThanOrEqual(SUBJECTS * EACH + KILLED_AT.length * SUBJECTS);
  for (let subject = 0; subject < SUBJECTS; subject += 1) {
    const places = received.filter((one) => one.subject === `pipelines/p/runs/${subject}`).map(({ place }) => place);
    expect([...new Set(places)]).toEqual(Array.from({ length: EACH }, (_, place) => place));
  }
  const names = readdirSync(lines);
  expect(names.length).toBeGreaterThan(1);
  const written = names.flatMap((name) => readFileSync(join(lines, name), 'utf8').trim().split('\n'));
  const ids = written.map((line) => (JSON.parse(line) as { id: string }).id);
  expect(new Set(ids).size).toBe(SUBJECTS * EACH);
  expect(ids).toHaveLength(SUBJECTS * EACH);
  server.closeAllConnections();
  server.close();
});
