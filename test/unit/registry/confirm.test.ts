import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import { SERVER_LIVE_MS, confirmServed } from '../../../src/registry/confirm.ts';
import { putJson } from '../../../src/storage/json-objects.ts';
import { ensureIdentity } from '../../../src/storage/store-identity.ts';
import { MemoryStore } from '../../../src/storage/memory-store.ts';

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

/** A server that answers with what `version` says at the moment. */
async function serve(store: MemoryStore, id: string, version: () => number | undefined, seenAt = new Date()): Promise<string> {
  const server = createServer((request, response) => {
    const served = request.url === '/v2/models/m' ? version() : undefined;
    response.writeHead(served === undefined ? 404 : 200, served === undefined ? {} : { 'x-perennial-version': String(served) }).end('{}');
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  await putJson(store, `servers/${id}.json`, { id, url, pid: 1, startedAt: seenAt.toISOString(), seenAt: seenAt.toISOString() });
  return url;
}

it('waits until every live server answers with the version', async () => {
  const store = new MemoryStore();
  let asked = 0;
  const first = await serve(store, 'a', () => 3);
  const second = await serve(store, 'b', () => (++asked < 3 ? 2 : 3));
  const result = await confirmServed(store, 'm', 3, { timeoutMs: 60_000 });
  expect(result).toMatchObject({
    confirmed: true,
    confirmedBy: [first, second],
    summary: expect.stringContaining('All 2 servers answer with m version 3'),
  });
  expect(asked).toBe(3);
  expect(result.servers[1]!.milliseconds).toBeGreaterThan(result.servers[0]!.milliseconds!);
});

it('does not call it confirmed while one server answers with another version, or not at all', async () => {
  const store = new MemoryStore();
  await serve(store, 'a', () => 3);
  await serve(store, 'b', () => 2);
  await serve(store, 'c', () => undefined);
  const result = await confirmServed(store, 'm', 3, { timeoutMs: 200 });
  expect(result).toMatchObject({ confirmed: false, summary: expect.stringContaining('1 of 3 servers') });
  expect(result.servers.map(({ version, error }) => error ?? version)).toEqual([3, 2, 'does not serve the model']);
});

it.each([
  ['20 s ahead', 20_000],
  ['an hour behind', -3_600_000],
])('finds a live server whose clock, or ours, is %s', async (_what, wrong) => {
  const store = new MemoryStore({ now: () => Date.now() - 5 * wrong });
  await serve(store, 'a', () => 3, new Date(Date.now() + wrong));
  expect(await confirmServed(store, 'm', 3, { timeoutMs: 60_000 })).toMatchObject({ confirmed: true, servers: [{ id: 'a' }] });
});

it('an announcement that cannot be read hides no other server', async () => {
  const store = new MemoryStore();
  await store.put('servers/0.json', Buffer.from('{"id":"to'));
  await serve(store, 'a', () => 3);
  expect(await confirmServed(store, 'm', 3, { timeoutMs: 60_000 })).toMatchObject({ confirmed: true, servers: [{ id: 'a' }] });
});

it('does not take a server of another store, at the port of one of ours that was killed, for ours', async () => {
  const store = new MemoryStore();
  const { id } = await ensureIdentity(store);
  for (const [name, own] of [
    ['a', true],
    ['b', false],
  ] as const) {
    const server = createServer((_request, response) =>
      response.writeHead(200, { 'x-perennial-version': '3', 'x-perennial-store': own ? id : 'another' }).end('{}'),
    );
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    await putJson(store, `servers/${name}.json`, { id: name, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` });
  }
  const result = await confirmServed(store, 'm', 3, { timeoutMs: 200 });
  expect(result.servers.map(({ version, error }) => error ?? version)).toEqual([3, 'is a server of another store now']);
});

it('says so plainly where no server is running', async () => {
  let age = SERVER_LIVE_MS + 1;
  const store = new MemoryStore({ now: () => Date.now() - age });
  await serve(store, 'dead', () => 3);
  age = 0;
  expect(await confirmServed(store, 'm', 3)).toEqual({
    confirmed: false,
    servers: [],
    confirmedBy: [],
    summary: expect.stringContaining('No server is running'),
  });
});

it('names one that fell silent, and hangs or goes on with another version; one that has ended is nobody', async () => {
  let age = SERVER_LIVE_MS + 1_000;
  const store = new MemoryStore({ now: () => Date.now() - age });
  const hanging = createServer(() => undefined);
  servers.push(hanging);
  await new Promise<void>((resolve) => hanging.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(hanging.address() as AddressInfo).port}`;
  const passing = createServer();
  await new Promise<void>((resolve) => passing.listen(0, '127.0.0.1', resolve));
  const freed = `http://127.0.0.1:${(passing.address() as AddressInfo).port}`;
  await new Promise((resolve) => passing.close(resolve));
  await putJson(store, 'servers/hangs.json', { id: 'hangs', url, pid: 1, seenAt: new Date().toISOString() });
  await putJson(store, 'servers/ended.json', { id: 'ended', url: freed, pid: 1, seenAt: new Date().toISOString() });
  await serve(store, 'stale', () => 2);
  age = 0;
  const result = await confirmServed(store, 'm', 3, { timeoutMs: 200 });
  hanging.closeAllConnections();
  expect(result.confirmed).toBe(false);
  expect(result.servers.map(({ id, version, error }) => [id, error ?? version]).sort()).toEqual([
    ['hangs', expect.stringMatching(/^was last seen 1[78] s ago and does not answer: /)],
    ['stale', 2],
  ]);
});

it('leaves out a server that goes away while it is asked', async () => {
  const store = new MemoryStore();
  await serve(store, 'a', () => 3);
  await putJson(store, 'servers/gone.json', { id: 'gone', url: 'http://127.0.0.1:9', pid: 1, seenAt: new Date().toISOString() });
  setTimeout(() => void store.delete('servers/gone.json'), 150);
  expect(await confirmServed(store, 'm', 3, { timeoutMs: 60_000 })).toMatchObject({ confirmed: true, servers: [{ id: 'a' }] });
});
