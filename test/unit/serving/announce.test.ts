import { expect, it } from 'vitest';
import { confirmServed, liveServers } from '../../../src/registry/confirm.ts';
import { announce } from '../../../src/server/announce.ts';
import { FaultyStore } from '../../../src/storage/faulty-store.ts';
import { MemoryStore } from '../../../src/storage/memory-store.ts';
import { FakeSource, recordingLog, silent } from './doubles.ts';
import { startTestApp } from './test-app.ts';

it('is found by those who promote, until it ends', async () => {
  const store = new MemoryStore();
  const source = new FakeSource();
  source.route('m', { champion: 3 });
  const server = await startTestApp(source);
  const announcer = await announce(store, { id: 's1', url: server.url }, silent);
  expect(await liveServers(store)).toMatchObject([{ id: 's1', url: server.url }]);
  expect(await confirmServed(store, 'm', 3, { timeoutMs: 60_000 })).toMatchObject({ confirmed: true, servers: [{ version: 3 }] });
  expect(await confirmServed(store, 'm', 4, { timeoutMs: 100 })).toMatchObject({ confirmed: false, servers: [{ version: 3 }] });
  await announcer.stop();
  expect(await liveServers(store)).toEqual([]);
  await server.close();
});

it('never fails a server whose store is away', async () => {
  const log = recordingLog();
  const store = new FaultyStore(new MemoryStore(), { call: 1, persistent: true });
  const announcer = await announce(store, { id: 's1', url: 'http://127.0.0.1:1' }, log);
  await announcer.stop();
  expect(log.lines.map((line) => line.split(' {')[0])).toEqual([
    'warn the server cannot be announced in the store',
    'warn old announcements could not be removed',
    'warn the announcement of the server could not be removed',
  ]);
});
