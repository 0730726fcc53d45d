import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { PerennialError } from '../../../src/core/errors.ts';
import type { ObjectStore } from '../../../src/core/ports.ts';
import { withDatabase, pathLiteral } from '../../../src/data/table/duckdb.ts';
import { writeJson } from '../../../src/data/reading/json-numbers.ts';
import { packEndedDays } from '../../../src/monitoring/predictions/pack-days.ts';
import { withPackedPart } from '../../../src/monitoring/predictions/packed-part.ts';
import { readPredictions } from '../../../src/monitoring/prediction-window.ts';
import { checkStore } from '../../../src/registry/check-store.ts';
import { storedKinds } from '../../../src/cli/stored-kinds.generated.ts';
import { FileStore } from '../../../src/storage/file-store.ts';
import { Unread } from '../../../src/storage/unread.ts';

const DAY = '2024-03-01';
const WINDOW = { from: new Date(`${DAY}T00:00:00Z`), to: new Date('2024-03-02T00:00:00Z') };
const line = (minute: number, id: string, row: unknown, prediction: unknown = { label: 'a' }): string =>
  `${JSON.stringify({ time: `${DAY}T10:${String(minute).padStart(2, '0')}:00.000Z`, id, version: 1, row, prediction })}\n`;
const keyOf = (name: string, day = DAY): string => `predictions/m/${day}/${name}`;

let folder: string;
let store: FileStore;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'perennial-packed-test-'));
  store = new FileStore(folder);
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Takes only small files on condition, as S3 does of uploads in one piece. */
class NarrowStore extends FileStore {
  override async putFile(...[key, path, options]: Parameters<ObjectStore['putFile']>): ReturnType<ObjectStore['putFile']> {
    if (options?.ifNoneMatch !== undefined && statSync(path).size > 12_000)
      throw new PerennialError('LIMIT_EXCEEDED', `"${key}" is too large for this store.`);
    return super.putFile(key, path, options);
  }
}

/** Somebody packs the day right after the first object was read. */
class MovingStore extends FileStore {
  #isPacked = false;
  override async get(key: string): ReturnType<ObjectStore['get']> {
    const found = await super.get(key);
    if (!this.#isPacked) {
      this.#isPacked = true;
      await packEndedDays(store);
    }
    return found;
  }
}

const put = (key: string, text: string): Promise<unknown> => store.put(key, Buffer.from(text));

async function keys(): Promise<string[]> {
  const all: string[] = [];
  for await (const { key } of store.list('predictions/')) all.push(key);
  return all;
}

async function read(from: ObjectStore = store, unread?: Unread): Promise<unknown[]> {
  const found: unknown[] = [];
  const options = { ...WINDOW, ...(unread === undefined ? {} : { unread }) };
  for await (const records of readPredictions(from, 'm', options)) found.push(...records);
  return found.sort((a, b) => writeJson(a).localeCompare(writeJson(b)));
}

async function writeDay(): Promise<void> {
  await put(keyOf('10-s1-000001.ndjson'), line(1, 'a', { x: 1, who: 'Ada' }) + line(2, 'b', { X: 2.5, who: null }));
  await put(keyOf('10-s2-000001.ndjson'), line(3, 'c/0', { x: 'NA', big: 5 }, { value: 3 }) + line(4, 'c/1', null));
}

describe('logs of days that have ended', () => {
  it('are packed into one part, from which the same predictions are read', async () => {
    await writeDay();
    await put(
      keyOf('10-s3-000001.ndjson'),
      // A whole number beyond 2^53 and blanks inside: every letter stays.
      `{"time":"${DAY}T10:05:00.000Z", "id":"d","version":1,"row":{"n":12345678901234567890123},"prediction":{"value":1.0}}\n`,
    );
    const before = await read();
    const packed = await packEndedDays(store);
    expect(packed).toEqual({ days: [{ model: 'm', day: DAY, objects: 3, lines: 5 }], problems: [] });
    expect(await keys()).toEqual([keyOf('packed-000001.parquet')]);
    expect(await read()).toEqual(before);
    expect(before).toHaveLength(5);
    const lines = await withPackedPart(store, keyOf('packed-000001.parquet'), (part) => part.linesOf('d'));
    expect(lines).toEqual([
      `{"time":"${DAY}T10:05:00.000Z", "id":"d","version":1,"row":{"n":12345678901234567890123},"prediction":{"value":1.0}}`,
    ]);
    expect(await packEndedDays(store)).toEqual({ days: [], problems: [] });
  });

  it('have a column for every value that is one everywhere, for whoever opens the file', async () => {
    await writeDay();
    await packEndedDays(store);
    const file = join(folder, 'objects', keyOf('packed-000001.parquet'));
    const path = (await keys()).length === 1 ? file : '';
    const rows = await withDatabase((db) =>
      db.rows(`SELECT id, version, "row.x", "row.who", "prediction.label", "prediction.value" FROM ${pathOf(path)} ORDER BY id`),
    );
    expect(rows).toEqual([
      ['a', 1, '1', 'Ada', 'a', null],
      ['b', 1, null, null, 'a', null],
      ['c/0', 1, 'NA', null, null, 3],
      ['c/1', 1, null, null, 'a', null],
    ]);
  });

  it('stay as they are while the day goes on, and in a dry run', async () => {
    const today = new Date().toISOString().slice(0, 10);
    await put(keyOf('00-s1-000001.ndjson', today), line(1, 'a', { x: 1 }));
    expect(await packEndedDays(store)).toEqual({ days: [], problems: [] });
    await writeDay();
    expect((await packEndedDays(store, { dryRun: true })).days).toEqual([{ model: 'm', day: DAY, objects: 2, lines: 0 }]);
    expect(await keys()).toHaveLength(3);
  });

  it('count once where whoever packed was killed before the objects were gone, and are finished by the next one', async () => {
    await writeDay();
    const before = await read();
    const left = Buffer.from((await store.get(keyOf('10-s1-000001.ndjson'))).body);
    await packEndedDays(store);
    await store.put(keyOf('10-s1-000001.ndjson'), left);
    expect(await read()).toEqual(before);
    await put(keyOf('23-s1-000009.ndjson'), line(9, 'late', { x: 9 }));
    expect((await packEndedDays(store)).days).toEqual([{ model: 'm', day: DAY, objects: 1, lines: 1 }]);
    expect(await keys()).toEqual([keyOf('packed-000001.parquet'), keyOf('packed-000002.parquet')]);
    expect(await read()).toHaveLength(before.length + 1);
  });

  it('count once where two pack at the same moment', async () => {
    await writeDay();
    const before = await read();
    const both = await Promise.all([packEndedDays(store), packEndedDays(store), packEndedDays(store)]);
    expect(both.flatMap(({ days }) => days).reduce((sum, { lines }) => sum + lines, 0)).toBe(before.length);
    expect(await keys()).toEqual([keyOf('packed-000001.parquet')]);
    expect(await read()).toEqual(before);
  });

  it('are found in their new place where they are packed while they are read', async () => {
    await writeDay();
    const before = await read();
    expect(await read(new MovingStore(folder))).toEqual(before);
    expect(await keys()).toEqual([keyOf('packed-000001.parquet')]);
  });

  it('are packed into more parts where the store takes none so large in one piece', async () => {
    for (let object = 1; object <= 5; object++)
      await put(keyOf(`10-s1-00000${object}.ndjson`), line(object, `r${object}`, { text: randomBytes(2_000).toString('hex') }));
    await put(keyOf('10-s1-000006.ndjson'), line(6, 'large', { text: randomBytes(20_000).toString('hex') }));
    const before = await read();
    const packed = await packEndedDays(new NarrowStore(folder));
    expect(packed.days).toEqual([{ model: 'm', day: DAY, objects: 5, lines: 5 }]);
    expect(packed.problems).toEqual([expect.stringContaining('too large for this store')]);
    const names = (await keys()).map((key) => key.slice(key.lastIndexOf('/') + 1));
    expect(names[0]).toBe('10-s1-000006.ndjson');
    expect(names.length).toBeGreaterThan(2);
    expect(await read()).toEqual(before);
  });

  it('with a line that cannot be read keep its object, and pack the others', async () => {
    await writeDay();
    await put(keyOf('11-s1-000002.ndjson'), `${line(7, 'whole', { x: 7 })}{"time":"${DAY}T11:0`);
    const packed = await packEndedDays(store);
    expect(packed.days).toEqual([{ model: 'm', day: DAY, objects: 2, lines: 4 }]);
    expect(packed.problems).toEqual([expect.stringContaining('1 line of predictions/m/2024-03-01/11-s1-000002.ndjson cannot be read')]);
    expect(await keys()).toEqual([keyOf('11-s1-000002.ndjson'), keyOf('packed-000001.parquet')]);
    const unread = new Unread();
    expect(await read(store, unread)).toHaveLength(5);
    expect(unread.notes).toHaveLength(1);
  });

  it('that were packed and then cut off are told of, and nothing is packed beside them', async () => {
    await writeDay();
    await packEndedDays(store);
    const { body } = await store.get(keyOf('packed-000001.parquet'));
    await store.put(keyOf('packed-000001.parquet'), body.subarray(0, body.length - 20));
    await put(keyOf('23-s1-000009.ndjson'), line(9, 'late', { x: 9 }));
    const unread = new Unread();
    expect(await read(store, unread)).toHaveLength(1);
    expect(unread.notes).toEqual([expect.stringContaining('packed-000001.parquet')]);
    await expect(read()).rejects.toMatchObject({ code: 'DATA_INVALID' });
    expect((await checkStore(store, { kinds: storedKinds })).findings).toMatchObject([{ key: keyOf('packed-000001.parquet') }]);
    expect((await packEndedDays(store)).problems).toEqual([
      expect.stringContaining('"predictions/m/2024-03-01/packed-000001.parquet" cannot be read'),
    ]);
    expect(await keys()).toEqual([keyOf('23-s1-000009.ndjson'), keyOf('packed-000001.parquet')]);
  });
});

const pathOf = (path: string): string => `read_parquet(${pathLiteral(path)})`;
