import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { isMainThread, threadId } from 'node:worker_threads';
import type { DuckDBConnection, DuckDBDataChunk, DuckDBInstance, DuckDBValue } from '@duckdb/node-api';
import { PerennialError, messageOf } from '../../core/errors.ts';
import type { ErrorCode } from '../../core/errors.ts';
import { perennialHome } from '../../platform/paths.ts';
import { valueFunctions } from '../reading/value-functions.ts';
import { DATA_LIMITS } from './limits.ts';
import { rowDigestFunction } from './row-digest.ts';

/** A quoted SQL identifier: any name is safe, whatever it holds. */
export function ident(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** A quoted SQL string. NUL cannot be in SQL text, so it is refused. */
export function literal(text: string): string {
  if (text.includes('\0')) throw new PerennialError('CONFIG_INVALID', 'A NUL character cannot be part of a value here.');
  return `'${text.replaceAll("'", "''")}'`;
}

/** A SQL number that DuckDB reads back to the same double. @throws CONFIG_INVALID for NaN and infinities. */
export function numberLiteral(value: number): string {
  if (!Number.isFinite(value)) throw new PerennialError('CONFIG_INVALID', `${value} is not a finite number.`);
  return `CAST('${value}' AS DOUBLE)`;
}

/** Path for a DuckDB table function, with the characters that it would expand escaped. */
export function pathLiteral(path: string): string {
  return literal(path.replace(/[*?[]/g, '[$&]'));
}

/**
 * SQL of Parquet files as a table of the columns that they have. Left alone the database takes folders above them that are called like
 * "x=5" for columns, in place of those of the files.
 *
 * @param more further options of the reader, e.g. "file_row_number = true"
 */
export function parquetTable(paths: string | readonly string[], more = ''): string {
  const list = typeof paths === 'string' ? pathLiteral(paths) : listLiteral(paths.map(pathLiteral));
  return `read_parquet(${list}, hive_partitioning = false${more === '' ? '' : `, ${more}`})`;
}

export function listLiteral(items: readonly string[]): string {
  return `[${items.join(', ')}]`;
}

/** One connection with its own temporary tables. Names of temporary tables never clash between connections. */
export interface Database {
  /** Aborted: what goes on without a query has to stop too. */
  readonly signal?: AbortSignal | undefined;
  run(sql: string): Promise<void>;
  /** All rows as arrays of values, in column order. For small results. */
  rows(sql: string): Promise<DuckDBValue[][]>;
  /** Chunks of at most 2,048 rows, column by column; memory stays bounded. */
  chunks(sql: string): AsyncGenerator<{ readonly rows: number; readonly columns: DuckDBValue[][] }>;
  /** As {@link chunks}, but with the memory of the columns as it is: no value is made an object. */
  typedChunks(sql: string): AsyncGenerator<{ readonly rows: number; readonly columns: TypedVector[] }>;
  /**
   * Columns of doubles without missing values, chunk by chunk as DuckDB holds them: what has to last is copied before the next chunk is
   * asked for. One value at a time through JavaScript takes ten times as long.
   */
  doubles(sql: string): AsyncGenerator<{ readonly rows: number; readonly columns: Float64Array[] }>;
  /** Appends rows to a table, column by column: doubles, integers of 32 bits, texts, in the order and of the types of its columns. */
  append(table: string, columns: readonly (Float64Array | Int32Array | readonly (string | null)[])[], rows: number): Promise<void>;
  /** Names and types of the columns of a query, without running it. */
  describe(sql: string): Promise<{ name: string; type: string }[]>;
  /**
   * Appends rows to a table out of memory that is laid out as the database's own.
   *
   * @param fill appends them; it is given what appends at most 2,048 of them
   */
  appendRaw(table: string, kinds: readonly RawKind[], fill: (append: AppendRaw) => Promise<void>): Promise<void>;
}

/** A double, an integer of 64 bits without a sign, or a text in 16 bytes: its length, and up to twelve bytes of it. */
export type RawKind = 'double' | 'unsigned' | 'text';

/** Values of a column, one behind the other. */
export interface RawValues {
  readonly values: ArrayBufferView & { readonly buffer: ArrayBufferLike };
  /** A bit for each row, 1 where there is a value; left out: every row has one. In whole words of 64 bits. */
  readonly present?: Uint32Array;
  /** By row: texts of more than twelve bytes. */
  readonly long?: ReadonlyMap<number, string> | undefined;
}

export type AppendRaw = (columns: readonly RawValues[], rows: number) => void;

/**
 * A column of a chunk, of a type of fixed width, or of texts: 16 bytes each, of which those of up to twelve bytes hold all. The memory is
 * that of the chunk: copy what is to stay.
 */
export interface TypedVector {
  /** Little-endian values, one after the other. What is missing has any value. */
  readonly bytes: Uint8Array;
  /** A bit for each row, 1 where there is a value; null: every row has one. */
  readonly present: Uint8Array | null;
}

/** Rows of one chunk of the database. */
const CHUNK_ROWS = 2_048;

let instance: Promise<DuckDBInstance> | undefined;
let limits = { memory: DATA_LIMITS.duckdbMemory as string, threads: DATA_LIMITS.duckdbThreads as number };

/** What the database of this thread may take, instead of what is meant for the only one of a process. Before it is first used. */
export function limitDatabase(memory: string, threads: number): void {
  if (instance !== undefined) throw new PerennialError('INTERNAL', 'The database is open already.');
  limits = { memory, threads };
}

/**
 * Texts come out of the database as they are in it. Its client decodes them by a decoder that leaves a byte order mark at their
 * beginning out, as for a file: a text that begins with one would be another in training than in a request.
 */
async function keepMarks(): Promise<void> {
  const accessors = (await import('@duckdb/node-api/lib/vectors/dataAccessors.js')) as unknown as {
    default: { textDecoder: { decode(bytes: Uint8Array): string } };
  };
  accessors.default.textDecoder = new TextDecoder('utf-8', { ignoreBOM: true });
}

async function open(): Promise<DuckDBInstance> {
  const { DuckDBInstance } = await import('@duckdb/node-api');
  await keepMarks();
  const temporary = join(perennialHome(), 'tmp', `duckdb-${process.pid}${isMainThread ? '' : `-${threadId}`}`);
  mkdirSync(join(perennialHome(), 'tmp'), { recursive: true });
  const created = await DuckDBInstance.create(':memory:', {
    memory_limit: limits.memory,
    threads: String(limits.threads),
    temp_directory: temporary,
    autoinstall_known_extensions: 'false',
    autoload_known_extensions: 'false',
  });
  const connection = await created.connect();
  for (const own of [await rowDigestFunction(), ...(await valueFunctions())]) connection.registerScalarFunction(own);
  connection.closeSync();
  return created;
}

function database(connection: DuckDBConnection, signal: AbortSignal | undefined): Database {
  return {
    signal,
    async run(sql) {
      await connection.run(sql);
    },
    async rows(sql) {
      const reader = await connection.runAndReadAll(sql);
      return reader.getRows();
    },
    async *chunks(sql) {
      for await (const chunk of stream(connection, sql)) yield { rows: chunk.rowCount, columns: chunk.getColumns() };
    },
    async *typedChunks(sql) {
      for await (const chunk of stream(connection, sql))
        yield {
          rows: chunk.rowCount,
          columns: Array.from({ length: chunk.columnCount }, (_, index) => typedVector(chunk.getColumnVector(index))),
        };
    },
    async *doubles(sql) {
      const { DuckDBDoubleVector } = await import('@duckdb/node-api');
      for await (const chunk of stream(connection, sql)) {
        const columns = Array.from({ length: chunk.columnCount }, (_, index) => {
          const vector = chunk.getColumnVector(index);
          if (!(vector instanceof DuckDBDoubleVector))
            throw new PerennialError('INTERNAL', `Column ${index} of this query holds no doubles: ${sql.slice(0, 200)}`);
          return (vector as unknown as { readonly items: Float64Array }).items.subarray(0, chunk.rowCount);
        });
        yield { rows: chunk.rowCount, columns };
      }
    },
    async append(table, columns, rows) {
      const { DuckDBDataChunk, DOUBLE, INTEGER, VARCHAR } = await import('@duckdb/node-api');
      const types = columns.map((column) => (column instanceof Float64Array ? DOUBLE : column instanceof Int32Array ? INTEGER : VARCHAR));
      const appender = await connection.createAppender(table);
      try {
        for (let start = 0; start < rows; start += CHUNK_ROWS) {
          const count = Math.min(CHUNK_ROWS, rows - start);
          const chunk = DuckDBDataChunk.create(types, count);
          for (const [index, column] of columns.entries()) {
            if (!ArrayBuffer.isView(column)) {
              chunk.setColumnValues(index, (column as readonly (string | null)[]).slice(start, start + count));
              continue;
            }
            const vector = chunk.getColumnVector(index) as unknown as { readonly items: Float64Array; flush(): void };
            vector.items.set((column as Float64Array).subarray(start, start + count));
            vector.flush();
          }
          appender.appendDataChunk(chunk);
        }
        appender.flushSync();
      } finally {
        appender.closeSync();
      }
    },
    async appendRaw(table, kinds, fill) {
      const { DuckDBDataChunk, DuckDBDoubleVector, DOUBLE, UBIGINT, VARCHAR } = await import('@duckdb/node-api');
      const types = { double: DOUBLE, unsigned: UBIGINT, text: VARCHAR };
      const chunk = DuckDBDataChunk.create(kinds.map((kind) => types[kind]));
      let size = 0;
      const appender = await connection.createAppender(table);
      try {
        await fill((columns, rows) => {
          // What a chunk knows of its columns is forgotten with its size, and telling it anew costs as much as the values.
          if (size !== rows) chunk.rowCount = size = rows;
          for (const [index, { values, present, long }] of columns.entries()) {
            const column = chunk.getColumnVector(index) as unknown as ChunkColumn;
            column.validity.data =
              present === undefined ? null : new BigUint64Array(present.buffer, present.byteOffset, present.length / 2);
            const doubles = new Float64Array(values.buffer, values.byteOffset, (kinds[index] === 'text' ? 2 : 1) * rows);
            // Copies bytes, whatever they mean.
            new DuckDBDoubleVector(doubles, column.validity as never, column.vector as never).flush();
            if (long === undefined || long.size === 0) continue;
            for (const [row, text] of long) column.setItem(row, text);
            column.flush();
          }
          appender.appendDataChunk(chunk);
          if (!columns.some(({ long }) => long !== undefined && long.size > 0)) return;
          chunk.reset();
          size = 0;
        });
        appender.flushSync();
      } finally {
        appender.closeSync();
      }
    },
    async describe(sql) {
      const reader = await connection.runAndReadAll(`DESCRIBE ${sql}`);
      return reader.getRows().map((row) => ({ name: String(row[0]), type: String(row[1]) }));
    },
  };
}

/** What the columns of chunks have in common with each other. */
interface ChunkColumn {
  readonly validity: { data: BigUint64Array | null };
  readonly vector: unknown;
  setItem(row: number, value: string): void;
  flush(): void;
}

/** Chunks of a query. The next one is computed while the caller is busy with the one before. */
async function* stream(connection: DuckDBConnection, sql: string): AsyncGenerator<DuckDBDataChunk> {
  const result = await connection.stream(sql);
  let next = result.fetchChunk();
  try {
    for (;;) {
      const chunk = await next;
      if (chunk === null || chunk.rowCount === 0) return;
      next = result.fetchChunk();
      yield chunk;
    }
  } finally {
    // The connection may be closed or asked for something else after this; whoever stops early has an error of their own, or none.
    await next.catch(() => undefined);
  }
}

/** Vectors of fixed width keep their values in one typed array, and which are there in bits. */
function typedVector(vector: unknown): TypedVector {
  const { dataView, validity } = vector as { readonly dataView?: DataView; readonly validity: { readonly data: BigUint64Array | null } };
  const items = dataView ?? (vector as { readonly items: ArrayBufferView }).items;
  if (!ArrayBuffer.isView(items)) throw new PerennialError('INTERNAL', 'A column has no values of a fixed width.');
  const bits = validity.data;
  return {
    bytes: new Uint8Array(items.buffer, items.byteOffset, items.byteLength),
    present: bits === null ? null : new Uint8Array(bits.buffer, bits.byteOffset, bits.byteLength),
  };
}

/**
 * Runs `work` on a connection of the one DuckDB instance of this process. The instance is made on first use.
 *
 * @param signal interrupts the running query and makes it throw CANCELLED.
 */
export async function withDatabase<T>(work: (db: Database) => Promise<T>, signal?: AbortSignal): Promise<T> {
  signal?.throwIfAborted();
  instance ??= open();
  const connection = await (await instance).connect();
  const interrupt = () => connection.interrupt();
  signal?.addEventListener('abort', interrupt, { once: true });
  try {
    await connection.run("SET TimeZone = 'UTC'");
    return await work(database(connection, signal));
  } catch (error) {
    if (signal?.aborted) throw new PerennialError('CANCELLED', 'The step was cancelled while it read data.', { cause: error });
    if (!(error instanceof PerennialError) && /no space left|disk quota|could not write/i.test(messageOf(error))) {
      throw new PerennialError(
        'STORE_FULL',
        `No space is left for the working data of the step below ${perennialHome()}: ${duckdbMessage(error)}`,
        { hint: 'Free space on this disk.', cause: error },
      );
    }
    throw error;
  } finally {
    signal?.removeEventListener('abort', interrupt);
    connection.closeSync();
  }
}

/** The first line of what DuckDB says, without its own suggestions of options that do not exist here. */
export function duckdbMessage(error: unknown): string {
  return (
    messageOf(error)
      .split('\n')
      .map((line) => line.trim())
      .filter((line) => line !== '' && !/^(possible|\*|line \d+:)/i.test(line))[0] ?? 'unknown reason'
  );
}

/** Turns an error of DuckDB into ours; ours pass through. */
export function asPerennialError(error: unknown, code: ErrorCode, prefix: string): unknown {
  if (error instanceof PerennialError || !/Error:/.test(messageOf(error))) return error;
  const text = duckdbMessage(error);
  if (/^Out of Memory/i.test(text))
    return new PerennialError('OUT_OF_MEMORY', `${prefix}: it needs more memory than reading may take.`, {
      hint: 'Free memory on this machine, leave out wide columns with "exclude", or divide the file.',
      cause: error,
    });
  const pattern = /invalid regexp?: (.*?)\.?$|invalid perl operator: (.*?)\.?$|missing (?:closing )?[)\]]: (.*)$/i.exec(text);
  if (pattern !== null)
    return new PerennialError(
      code,
      `${prefix}: the pattern is no regular expression of RE2, which knows neither look-around nor back references.`,
      {
        hint: 'Write it without them, and close what it opens.',
        cause: error,
      },
    );
  // The kind of error is the business of whoever wrote the database.
  return new PerennialError(code, `${prefix}: ${text.replace(/^(?:[A-Z][\w-]* )+Error: /, '')}`, { cause: error });
}
