import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { finished } from 'node:stream/promises';
import { isPerennialError, messageOf } from '../../core/errors.ts';
import type { ObjectHead, ObjectStore } from '../../core/ports.ts';
import { writeJson } from '../../data/reading/json-numbers.ts';
import { ident, literal, parquetTable, pathLiteral, withDatabase } from '../../data/table/duckdb.ts';
import { pauses } from '../../platform/pauses.ts';
import { storeNow } from '../../storage/store-clock.ts';
import { Unread } from '../../storage/unread.ts';
import { byDay, dayPrefix, packedKey, packedNumber, parseLines } from './logged-prediction.ts';
import type { LoggedDay, LoggedPrediction } from './logged-prediction.ts';
import { withPackedPart } from './packed-part.ts';

export interface PackedDays {
  /** What was packed, or, in a dry run, would be; lines are counted when they are packed. */
  readonly days: readonly { readonly model: string; readonly day: string; readonly objects: number; readonly lines: number }[];
  /** What stays as it is because lines of it cannot be read, or a part that was packed before cannot. */
  readonly problems: readonly string[];
}

export interface PackOptions {
  /** Only says what there is to pack. Default: false. */
  readonly dryRun?: boolean;
  readonly signal?: AbortSignal;
}

const DAY_MS = 24 * 3_600_000;
/** After its end a day gets lines only from a server whose store was away. */
const ENDED_FOR_MS = 2 * 3_600_000;
/** Of the lines of one part: packed, that is some megabytes, which every store creates in one piece or not at all. */
const PART_BYTES_MAX = 64 * 1024 * 1024;
/** Columns that people get beside the lines; what is wider is in the lines alone. */
const COLUMNS_MAX = 2_000;
/** Others that pack the same day at the same time, one after the other. */
const ATTEMPTS_MAX = 5;

/**
 * Packs the logs of days that have ended into Parquet: `packed-000001.parquet` beside, and then in place of, the objects that servers
 * wrote. Each line is kept letter by letter, with its parts as columns for whoever opens the file.
 *
 * A line counts once at every moment: a part says which objects it is made of, parts are only ever created, and of two who pack at the
 * same time one looks again. Killed at any moment, the next one finishes.
 */
export async function packEndedDays(store: ObjectStore, { dryRun = false, signal }: PackOptions = {}): Promise<PackedDays> {
  const now = await storeNow(store, 0);
  const ended: LoggedDay[] = [];
  for await (const day of byDay(store.list('predictions/')))
    if (day.written.length > 0 && Date.parse(day.day) + DAY_MS + ENDED_FOR_MS <= now) ended.push(day);
  const days: PackedDays['days'][number][] = [];
  const problems: string[] = [];
  for (const day of ended) {
    signal?.throwIfAborted();
    const { model } = day;
    const packed = dryRun ? { objects: day.written.length, lines: 0, problems: [] } : await packDay(store, model, day.day, signal);
    problems.push(...packed.problems);
    if (packed.objects > 0) days.push({ model, day: day.day, objects: packed.objects, lines: packed.lines });
  }
  return { days, problems };
}

interface PackedDay {
  objects: number;
  lines: number;
  readonly problems: string[];
}

async function packDay(store: ObjectStore, model: string, day: string, signal: AbortSignal | undefined): Promise<PackedDay> {
  const done: PackedDay = { objects: 0, lines: 0, problems: [] };
  const refused = new Set<string>();
  const covered = new CoveredObjects(store);
  let bytesMax = PART_BYTES_MAX;
  for (let lost = 0; lost < ATTEMPTS_MAX;) {
    const listed = await listDay(store, model, day);
    const problem = await covered.readFrom(listed.packed);
    if (problem !== undefined) return { ...done, problems: [...done.problems, problem] };
    const prefix = dayPrefix(model, day);
    const nameOf = ({ key }: ObjectHead): string => key.slice(prefix.length);
    // Somebody who packed was killed before they were gone, or a server wrote one again after an answer got lost.
    for (const head of listed.written.filter((one) => covered.has(nameOf(one)))) await store.delete(head.key);
    const open = listed.written.filter((one) => !covered.has(nameOf(one)) && !refused.has(one.key));
    if (open.length === 0) return done;
    const number = Math.max(0, ...listed.packed.map(({ key }) => packedNumber(key)!)) + 1;
    const part = await writePart(store, packedKey(model, day, number), prefix, open, { bytesMax, signal });
    for (const [key, problem] of part.refused) {
      refused.add(key);
      done.problems.push(problem);
    }
    if (part.tooLarge !== undefined) {
      bytesMax = Math.floor(Math.min(part.tooLarge, bytesMax) / 2);
      continue;
    }
    if (!part.isMine) {
      lost += 1;
      continue;
    }
    done.objects += part.keys.length;
    done.lines += part.lines;
    for (const key of part.keys) await store.delete(key);
  }
  return done;
}

async function listDay(store: ObjectStore, model: string, day: string): Promise<Pick<LoggedDay, 'written' | 'packed'>> {
  for await (const found of byDay(store.list(dayPrefix(model, day)))) return found;
  return { written: [], packed: [] };
}

/** Names of the objects that were packed already. Parts are only ever created, so that each is read once. */
class CoveredObjects {
  readonly #store: ObjectStore;
  readonly #names = new Set<string>();
  readonly #read = new Set<string>();

  constructor(store: ObjectStore) {
    this.#store = store;
  }

  has(name: string): boolean {
    return this.#names.has(name);
  }

  /** @returns why it cannot be said what a part holds */
  async readFrom(packed: readonly ObjectHead[]): Promise<string | undefined> {
    for (const { key } of packed.filter((part) => !this.#read.has(part.key))) {
      try {
        for (const name of await withPackedPart(this.#store, key, (part) => part.sources())) this.#names.add(name);
        this.#read.add(key);
      } catch (error) {
        if (isPerennialError(error, 'OBJECT_NOT_FOUND')) continue;
        if (isPerennialError(error, 'DATA_INVALID')) return messageOf(error);
        throw error;
      }
    }
    return undefined;
  }
}

interface WrittenPart {
  readonly lines: number;
  readonly keys: readonly string[];
  /** Objects with lines that cannot be read, and what is wrong with them. */
  readonly refused: readonly (readonly [key: string, problem: string])[];
  /** false: somebody else wrote this part first. */
  readonly isMine: boolean;
  /** Bytes of its lines: the store does not create so large a part in one piece. */
  readonly tooLarge?: number;
}

async function writePart(
  store: ObjectStore,
  key: string,
  prefix: string,
  open: readonly ObjectHead[],
  { bytesMax, signal }: { readonly bytesMax: number; readonly signal: AbortSignal | undefined },
): Promise<WrittenPart> {
  const folder = await mkdtemp(join(tmpdir(), 'perennial-pack-'));
  const pause = pauses(signal);
  const columns = new Columns();
  const keys: string[] = [];
  const refused: (readonly [string, string])[] = [];
  let [lines, bytes] = [0, 0];
  try {
    const plain = join(folder, 'lines.ndjson');
    const out = createWriteStream(plain);
    for (const head of open) {
      if (bytes >= bytesMax) break;
      const unread = new Unread();
      const text = new TextDecoder().decode((await store.get(head.key)).body);
      const records = parseLines(text, head.key, unread);
      if (unread.notes.length > 0) {
        refused.push([head.key, unread.notes[0]!]);
        continue;
      }
      const source = head.key.slice(prefix.length);
      const written = text.split('\n').filter((line) => line !== '');
      for (const [index, record] of records.entries()) {
        const row = `${writeJson(columns.rowOf(record, source, written[index]!))}\n`;
        bytes += row.length;
        if (!out.write(row)) await once(out, 'drain');
        await pause();
      }
      lines += records.length;
      keys.push(head.key);
    }
    out.end();
    await finished(out);
    if (keys.length === 0) return { lines, keys, refused, isMine: true };
    const packed = join(folder, 'part.parquet');
    await withDatabase(async (db) => {
      await db.run(
        `COPY (SELECT * FROM read_json(${pathLiteral(plain)}, format = 'newline_delimited', columns = ${columns.sql()}) ORDER BY time, id) TO ${literal(packed)} (FORMAT parquet, COMPRESSION zstd)`,
      );
      const [[count]] = (await db.rows(`SELECT count(*) FROM ${parquetTable(packed)}`)) as [[bigint]];
      if (Number(count) !== lines) throw new Error(`${key}: ${lines} lines were to be packed, and ${count} were.`);
    }, signal);
    try {
      await store.putFile(key, packed, { ifNoneMatch: '*', contentType: 'application/vnd.apache.parquet' });
    } catch (error) {
      if (isPerennialError(error, 'PRECONDITION_FAILED')) return { lines, keys: [], refused, isMine: false };
      if (!isPerennialError(error, 'LIMIT_EXCEEDED')) throw error;
      const nothing = { lines: 0, keys: [], isMine: true } as const;
      if (keys.length > 1) return { ...nothing, refused, tooLarge: bytes };
      return { ...nothing, refused: [...refused, [keys[0]!, messageOf(error)]] };
    }
    return { lines, keys, refused, isMine: true };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

type ColumnType = 'DOUBLE' | 'BOOLEAN' | 'VARCHAR';

/** The columns of a part: what every line says, then those of the rows and of the answers, as far as they hold values. */
class Columns {
  /** By name, with the spelling in which it came first: names of columns are the same whatever their case. */
  readonly #found = new Map<string, { readonly name: string; type: ColumnType }>();

  rowOf(
    { time, id, version, rollout, arm, unit, row, prediction }: LoggedPrediction,
    source: string,
    line: string,
  ): Record<string, unknown> {
    const values: Record<string, unknown> = {
      time: new Date(time).toISOString().slice(0, -1),
      id: id ?? '',
      version,
      rollout,
      arm,
      unit,
      source,
      line,
    };
    for (const [group, parts] of [
      ['row', row ?? {}],
      ['prediction', prediction ?? {}],
    ] as const)
      for (const [name, value] of Object.entries(parts)) {
        const known = value === null ? undefined : this.#nameOf(`${group}.${name}`, value);
        if (known !== undefined) values[known] = value;
      }
    return values;
  }

  /** For DuckDB's read_json. */
  sql(): string {
    const all = [
      { name: 'time', type: 'TIMESTAMP' },
      { name: 'id', type: 'VARCHAR' },
      { name: 'version', type: 'INTEGER' },
      { name: 'rollout', type: 'VARCHAR' },
      { name: 'arm', type: 'VARCHAR' },
      { name: 'unit', type: 'VARCHAR' },
      ...this.#found.values(),
      { name: 'source', type: 'VARCHAR' },
      { name: 'line', type: 'VARCHAR' },
    ];
    return `{${all.map(({ name, type }) => `${ident(name)}: ${literal(type)}`).join(', ')}}`;
  }

  /** undefined: it is in the line alone. */
  #nameOf(name: string, value: unknown): string | undefined {
    if (name.includes('\0')) return undefined;
    const type = typeof value === 'number' ? 'DOUBLE' : typeof value === 'boolean' ? 'BOOLEAN' : 'VARCHAR';
    const plain = name.toLowerCase();
    const known = this.#found.get(plain);
    if (known === undefined) {
      if (this.#found.size >= COLUMNS_MAX) return undefined;
      this.#found.set(plain, { name, type });
      return name;
    }
    if (known.name !== name) return undefined;
    if (known.type !== type) known.type = 'VARCHAR';
    return name;
  }
}
