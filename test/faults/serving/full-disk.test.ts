import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { FileStore } from '../../../src/storage/file-store.ts';
import { fixtureOver, registerConstant } from '../../integration/serving/models.ts';
import { startServerProcess } from '../../integration/serving/server-process.ts';
import type { ServerProcess } from '../../integration/serving/server-process.ts';
import { eventually } from '../../unit/serving/doubles.ts';

const author = { who: 'test', why: 'test' };
const folder = mkdtempSync(join(tmpdir(), 'perennial-full-serving-'));
/** A disk of a few mebibytes; making one takes the right to mount. */
const mount = (...options: readonly string[]): boolean => spawnSync('mount', [...options, 'tmpfs', folder]).status === 0;
const mounted = mount('-t', 'tmpfs', '-o', 'size=8m');
let server: ServerProcess | undefined;

afterEach(async () => {
  await server?.stop();
  if (mounted) spawnSync('umount', [folder]);
  rmSync(folder, { recursive: true, force: true });
});

/** Ways in which a store takes nothing any more, and takes it again. */
const faults: readonly (readonly [string, () => void, () => void])[] = [
  [
    'is full',
    () => {
      // To the last byte.
      for (let size = 8 * 1024 * 1024, at = 0; size >= 1; size = Math.floor(size / 2), at += 1)
        try {
          writeFileSync(join(folder, `filler-${at}`), Buffer.alloc(size));
        } catch {
          // What fits of it stays.
        }
    },
    () => readdirSync(folder).filter((name) => name.startsWith('filler')).forEach((name) => rmSync(join(folder, name))), // prettier-ignore
  ],
  ['may only be read', () => void mount('-o', 'remount,ro'), () => void mount('-o', 'remount,rw')],
];

/** All lines of the log of predictions. */
function loggedIds(): string[] {
  const files = (readdirSync(join(folder, 'store'), { recursive: true }) as string[])
    .map((name) => join(folder, 'store', name))
    .filter((path) => /predictions.*\.ndjson$/.test(path) && statSync(path).isFile());
  return files.flatMap((path) =>
    readFileSync(path, 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => (JSON.parse(line) as { id: string }).id),
  );
}

describe.skipIf(!mounted)('a server whose store takes nothing any more (needs the right to mount)', () => {
  it('goes on answering, says it once, and has lost and torn nothing when there is room again', async () => {
    const store = join(folder, 'store');
    const fixture = fixtureOver(new FileStore(store), mkdtempSync(join(tmpdir(), 'perennial-full-cache-')));
    await fixture.registry.promote('m', await registerConstant(fixture, 'm', 1), author);
    server = await startServerProcess({
      PERENNIAL_HOME: mkdtempSync(join(tmpdir(), 'perennial-full-home-')),
      PERENNIAL_STORE: `file:${store}`,
      // Tables are read from files.
      TMPDIR: join(folder, 'tmp'),
    });
    mkdirSync(join(folder, 'tmp'));
    const { url, log } = server;
    const table = () =>
      fetch(`${url}/models/m/predict`, {
        method: 'POST',
        body: 'a,b\n1,2\n',
        headers: { 'content-type': 'text/csv', 'x-perennial-log': 'off' },
      });
    const ids: string[] = [];
    const ask = async (): Promise<void> => {
      const id = `r-${ids.length}`;
      ids.push(id);
      const answer = await fetch(`${url}/models/m/predict`, { method: 'POST', body: '{"a":1,"b":2}', headers: { 'x-request-id': id } });
      expect(answer.status).toBe(200);
    };
    const health = async () => (await (await fetch(`${url}/v2/health/ready`)).json()) as Record<string, unknown>;
    const metric = async (name: string) =>
      Number(
        new RegExp(`^perennial_prediction_log_${name}(?:\\{\\})? (\\S+)$`, 'm').exec(await (await fetch(`${url}/metrics`)).text())?.[1],
      );
    const count = (text: string): number => log().split(text).length - 1;
    for (const [index, [name, begin, end]] of faults.entries()) {
      await ask();
      await eventually(() => loggedIds().length === ids.length);
      begin();
      for (let request = 0; request < 50; request += 1) await ask();
      await eventually(async () => (await metric('failing')) === 1);
      expect([name, await health()]).toEqual([name, expect.objectContaining({ ready: true, predictionLog: 'waiting' })]);
      // Several attempts later.
      await new Promise((resolve) => setTimeout(resolve, 8_000));
      await ask();
      expect([name, count('predictions cannot be logged')]).toEqual([name, index + 1]);
      expect(await metric('waiting_bytes')).toBeGreaterThan(0);
      const feedback = await fetch(`${url}/models/m/feedback`, { method: 'POST', body: '{"id":"r-1","label":"two"}' });
      expect([name, feedback.status, feedback.headers.get('retry-after')]).toEqual([name, 503, expect.any(String)]);
      const refused = await table();
      expect([name, refused.status, refused.headers.get('retry-after')]).toEqual([name, 503, expect.any(String)]);
      end();
      expect([name, (await table()).status]).toEqual([name, 200]);
      await eventually(() => loggedIds().length === ids.length);
      expect(loggedIds().sort()).toEqual([...ids].sort());
      await eventually(async () => (await metric('failing')) === 0);
      expect([await metric('dropped_total'), await health()]).toEqual([0, expect.objectContaining({ predictionLog: 'written' })]);
      expect([name, count('predictions are logged again')]).toEqual([name, index + 1]);
      expect((await fetch(`${url}/models/m/feedback`, { method: 'POST', body: '{"id":"r-1","label":"two"}' })).status).toBe(200);
    }
    // Nothing else of the server cried all the time either.
    const cries = log().split('\n').filter((line) => /"level":(40|50)/.test(line)); // prettier-ignore
    expect(cries.length, cries.join('\n')).toBeLessThan(12);
  });
});
