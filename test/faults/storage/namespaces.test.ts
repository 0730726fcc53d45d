import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { FileStore } from '../../../src/storage/file-store.ts';
import { getJson, putJson } from '../../../src/storage/json-objects.ts';
import { bundleScript } from '../../support/bundle.ts';
import { start } from '../../support/processes.ts';
import { tempDir } from '../../support/temp-dir.ts';

const WORKERS = 8;
const INCREMENTS = 100;
const KILLS = 24;
/** Processes that have one host name, and of which none sees the ids of the others: what containers that share a folder are. */
const NAMESPACE = ['-pf', '--mount-proc', '--kill-child'];
const canUnshare = process.platform === 'linux' && spawnSync('unshare', [...NAMESPACE, 'true']).status === 0;

/** Counts up to the end, wherever an earlier one of its name was killed, and ends with 1 where an update was lost or made twice. */
const WORKER = `
  import { FileStore } from './src/storage/file-store.ts';
  import { getJson, putJson } from './src/storage/json-objects.ts';
  const [folder, name] = process.argv.slice(2) as [string, string];
  const store = new FileStore(folder, { sync: false });
  let expected: number | undefined;
  for (;;) {
    const { value, etag } = (await getJson(store, 'counter.json'))! as { value: { count: number; by: Record<string, number> }; etag: string };
    const mine = value.by[name]!;
    if (expected !== undefined && mine !== expected) throw new Error(name + ' had counted to ' + expected + ', and the store says ' + mine);
    expected = mine;
    if (mine >= ${INCREMENTS}) break;
    try {
      await putJson(store, 'counter.json', { count: value.count + 1, by: { ...value.by, [name]: mine + 1 } }, { ifMatch: etag });
      expected = mine + 1;
    } catch (error) {
      if ((error as { code?: string }).code !== 'PRECONDITION_FAILED') throw error;
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 8));
    }
  }
  console.log('done');`;

async function count(command: (script: string, folder: string, name: string) => [string, string[]], kills: number): Promise<string> {
  const folder = tempDir('counter');
  const store = new FileStore(folder, { sync: false });
  const names = Array.from({ length: WORKERS }, (_, index) => `worker-${index}`);
  await putJson(store, 'counter.json', { count: 0, by: Object.fromEntries(names.map((name) => [name, 0])) });
  const script = await bundleScript(WORKER);
  let left = kills;
  await Promise.all(
    names.map(async (name) => {
      for (;;) {
        const worker = start(...command(script, folder, name));
        const killed = left > 0;
        if (killed) {
          left -= 1;
          setTimeout(() => worker.signal('SIGKILL'), 150 + Math.random() * 400);
        }
        const { code } = await worker.exited;
        if (code === 0) return;
        if (!killed) throw new Error(`${name} ended with ${code}:\n${worker.output()}`);
        if (worker.output().includes('Error')) throw new Error(worker.output());
      }
    }),
  );
  const value = (await getJson(store, 'counter.json'))!.value as { count: number; by: Record<string, number> };
  expect(value.by).toEqual(Object.fromEntries(names.map((name) => [name, INCREMENTS])));
  expect(value.count).toBe(WORKERS * INCREMENTS);
  return folder;
}

it.skipIf(!canUnshare)(
  '800 of 800 increments from processes of eight PID namespaces that are killed at random (needs the right to unshare)',
  async () => {
    const folder = await count((script, store, name) => ['unshare', [...NAMESPACE, process.execPath, script, store, name]], KILLS);
    // The next writer takes away what the killed ones left.
    const store = new FileStore(folder);
    await store.put('counter.json', Buffer.from('{}'), { ifMatch: (await store.head('counter.json'))!.etag });
    expect(readdirSync(join(folder, 'objects', 'counter.json\\revisions'))).toHaveLength(2);
  },
);

it('800 of 800 increments from processes of one machine', async () => {
  await count((script, store, name) => [process.execPath, [script, store, name]], 0);
});
