import { mkdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { FileStore } from '../../../src/storage/file-store.ts';
import { tempDir } from '../../support/temp-dir.ts';

it('a folder that goes away between two calls of the file system is an outage: nothing is begun in its place, nothing is missing in it', async () => {
  const home = tempDir('folder-away');
  const [there, away] = [join(home, 'store'), join(home, 'away')];
  mkdirSync(there);
  const store = new FileStore(there, { sync: false });
  await store.put('kept', Buffer.from('x'));
  await store.put('revised', Buffer.from('x'), { ifMatch: (await store.put('revised', Buffer.from('y'))).etag });
  const told = new Set<string>();
  const tell = (work: Promise<unknown>): Promise<void> =>
    work.then(
      (value) => void told.add(value === undefined ? 'nothing' : 'found'),
      (error: { readonly code?: string }) => void told.add(error.code ?? String(error)),
    );
  const listed = async (): Promise<unknown> => {
    for await (const head of store.list('kep')) return head;
    return undefined;
  };
  const replaced = async (key: string): Promise<unknown> => {
    const { etag } = await store.put(key, Buffer.from('x'));
    return store.put(key, Buffer.from('y'), { ifMatch: etag });
  };
  for (let time = 0; time < 400; time += 1) {
    const busy = [
      store.put(`new/${time}/key`, Buffer.from('x')),
      replaced(`changed/${time}`),
      store.get('kept'),
      store.head('revised'),
      listed(),
    ].map(tell);
    for (let turns = 0; turns < time % 25; turns += 1) await turn();
    renameSync(there, away);
    await Promise.all(busy);
    renameSync(away, there);
  }
  expect([...told].sort()).toEqual(['STORE_UNAVAILABLE', 'found']);
});
