import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FileStore } from '../src/storage/file-store.ts';

/**
 * The file store, call by call, in microseconds (median). `node bench/run.mjs storage [folder]`. Without forced writes the disk is
 * left out of it: what remains is what the store itself costs.
 */

const KEYS = 10_000;
const CALLS = 400;
const body = Buffer.from(JSON.stringify({ formatVersion: 1, text: 'x'.repeat(400) }));

async function microseconds(calls: number, work: (index: number) => Promise<unknown>): Promise<number> {
  const times: number[] = [];
  for (let index = 0; index < calls; index += 1) {
    const started = performance.now();
    await work(index);
    times.push(performance.now() - started);
  }
  return Math.round((times.sort((a, b) => a - b)[Math.floor(calls / 2)] ?? 0) * 1_000);
}

async function measure(sync: boolean, folder: string): Promise<Record<string, number>> {
  const store = new FileStore(folder, { sync });
  const results: Record<string, number> = {};
  results.create = await microseconds(CALLS, (index) => store.put(`one/${index}.json`, body, { ifNoneMatch: '*' }));
  results.put = await microseconds(CALLS, (index) => store.put(`one/${index}.json`, body));
  let { etag } = await store.put('routing.json', body);
  results.conditionalPut = await microseconds(CALLS, async () => {
    ({ etag } = await store.put('routing.json', body, { ifMatch: etag }));
  });
  results.get = await microseconds(CALLS, (index) => store.get(`one/${index}.json`));
  results.getOfReplaced = await microseconds(CALLS, () => store.get('routing.json'));
  results.head = await microseconds(CALLS, (index) => store.head(`one/${index}.json`));
  results.headOfReplaced = await microseconds(CALLS, () => store.head('routing.json'));
  results.delete = await microseconds(CALLS, (index) => store.delete(`one/${index}.json`));
  if (!sync) {
    for (let index = 0; index < KEYS; index += 1)
      await store.put(`cache/${String(index % 100).padStart(2, '0')}/${index}.json`, body, { ifNoneMatch: '*' });
    const list = async (): Promise<number> => {
      let count = 0;
      for await (const _ of store.list('cache/')) count += 1;
      return count;
    };
    results.listOf10000 = await microseconds(5, list);
  }
  return results;
}

const folder = mkdtempSync(join(process.argv[3] ?? tmpdir(), 'perennial-bench-'));
try {
  console.log(
    JSON.stringify(
      {
        unit: 'microseconds, median',
        synced: await measure(true, join(folder, 'synced')),
        unsynced: await measure(false, join(folder, 'unsynced')),
      },
      null,
      2,
    ),
  );
} finally {
  rmSync(folder, { recursive: true, force: true });
}
