import { expect, it } from 'vitest';
import { withLiveLinks } from '../../../src/runs/live-links.ts';
import type { RunReport } from '../../../src/runs/runs.ts';
import { putJson } from '../../../src/storage/json-objects.ts';
import { MemoryStore } from '../../../src/storage/memory-store.ts';

const links = { model: 'http://127.0.0.1:8080/v2/models/m/versions/3', report: 'http://127.0.0.1:8080/models/m/versions/3/report' };
const run = { links, urls: { temporal: 'http://t', ...links } } as unknown as RunReport;
const announce = async (store: MemoryStore, url: string) =>
  void (await putJson(store, `servers/${encodeURIComponent(url)}.json`, { id: url, url, seenAt: new Date().toISOString() }));

it('keeps the links of a server that still runs', async () => {
  const store = new MemoryStore();
  await announce(store, 'http://127.0.0.1:9000');
  await announce(store, 'http://127.0.0.1:8080');
  expect(await withLiveLinks(run, store)).toEqual(run);
});

it('leads to the server of now where it came back at another port', async () => {
  let now = Date.UTC(2026, 0, 1);
  const store = new MemoryStore({ now: () => now });
  await announce(store, 'http://127.0.0.1:8080');
  now += 3_600_000;
  await announce(store, 'http://127.0.0.1:9000');
  const moved = { model: 'http://127.0.0.1:9000/v2/models/m/versions/3', report: 'http://127.0.0.1:9000/models/m/versions/3/report' };
  expect(await withLiveLinks(run, store)).toEqual({ links: moved, urls: { temporal: 'http://t', ...moved } });
});

it('has no links where no server runs', async () => {
  expect(await withLiveLinks(run, new MemoryStore())).toEqual({ links: {}, urls: { temporal: 'http://t' } });
});
