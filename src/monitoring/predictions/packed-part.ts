import { createWriteStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { PerennialError } from '../../core/errors.ts';
import type { ObjectStore } from '../../core/ports.ts';
import { duckdbMessage, literal, parquetTable, withDatabase } from '../../data/table/duckdb.ts';
import type { Database } from '../../data/table/duckdb.ts';
import { OBJECT, defineStored } from '../../storage/stored.ts';
import type { StoredKind } from '../../storage/stored.ts';
import { LOG_HINT } from '../../storage/unread.ts';

/** A part of a log as Parquet, open. Its lines are those that servers wrote, letter by letter; the other columns are for people. */
export interface PackedPart {
  /** Names of the objects whose lines it holds: where they are still there, they do not count. */
  sources(): Promise<string[]>;
  /** Lines in the order of their times, some thousands at once. */
  lines(which: WhichLines): AsyncGenerator<string[]>;
  /** The lines of one request: those with its id, and those of its rows. */
  linesOf(id: string): Promise<string[]>;
}

/** `from ≤ time < to`, in milliseconds since 1970; none of some sources. */
export interface WhichLines {
  readonly from: number;
  readonly to: number;
  readonly except?: ReadonlySet<string>;
}

/** @throws DATA_INVALID naming the part, where it is not whole */
export async function withPackedPart<T>(store: ObjectStore, key: string, work: (part: PackedPart) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'perennial-packed-'));
  try {
    const file = join(folder, 'part.parquet');
    await pipeline(Readable.from(await store.getStream(key)), createWriteStream(file));
    return await withDatabase((db) => work(partOf(db, file, key)));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function partOf(db: Database, file: string, key: string): PackedPart {
  const table = parquetTable(file);
  const guarded = async <T>(work: Promise<T>): Promise<T> => {
    try {
      return await work;
    } catch (error) {
      throw notWhole(error, key);
    }
  };
  const texts = async (sql: string): Promise<string[]> => (await guarded(db.rows(sql))).map(([value]) => String(value));
  return {
    sources: () => texts(`SELECT DISTINCT source FROM ${table} ORDER BY source`),
    async *lines({ from, to, except = new Set() }) {
      const others = except.size === 0 ? '' : ` AND source NOT IN (${[...except].map(literal).join(', ')})`;
      const chunks = db.chunks(
        `SELECT line FROM ${table} WHERE time >= make_timestamp_ms(${from}) AND time < make_timestamp_ms(${to})${others} ORDER BY time, id`,
      );
      for (;;) {
        const next = await guarded(chunks.next());
        if (next.done === true) return;
        yield next.value.columns[0]!.map(String);
      }
    },
    linesOf: (id) =>
      texts(`SELECT line FROM ${table} WHERE id = ${literal(id)} OR starts_with(id, ${literal(`${id}/`)}) ORDER BY time, id`),
  };
}

function notWhole(error: unknown, key: string): unknown {
  if (error instanceof PerennialError) return error;
  return new PerennialError('DATA_INVALID', `"${key}" cannot be read: ${duckdbMessage(error)}.`, { hint: LOG_HINT, cause: error });
}

/** Parts of prediction logs that were packed. What a line of them is, `PREDICTION` says. */
export const PACKED_PART: StoredKind<object> = defineStored({
  name: 'packed part of a prediction log',
  formatVersion: 1,
  unmarked: 1,
  schema: OBJECT,
  broken: { code: 'DATA_INVALID', hint: LOG_HINT },
  at: 'predictions/*/*/packed-*.parquet',
  read: (store, key) =>
    withPackedPart(store, key, async (part) => {
      for await (const _lines of part.lines({ from: 0, to: 8.64e15 }));
    }),
});
