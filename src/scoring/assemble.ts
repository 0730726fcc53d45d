import { createReadStream, createWriteStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { writeJson } from '../data/reading/json-numbers.ts';
import { literal, parquetTable, withDatabase } from '../data/table/duckdb.ts';
import type { RejectedLine } from './rejected-lines.ts';
import type { ScoreFormat } from './score-task.ts';

/** One file of all parts, in their order. @param names of the columns, for formats without names in the parts */
export async function joinAnswers(
  format: ScoreFormat,
  parts: readonly string[],
  names: readonly string[],
  target: string,
  signal?: AbortSignal,
): Promise<void> {
  if (format === 'parquet')
    await withDatabase(
      (db) =>
        db.run(
          `COPY (SELECT * FROM ${parquetTable(parts)}) TO ${literal(target)} (FORMAT parquet, COMPRESSION snappy, DICTIONARY_SIZE_LIMIT 1000)`,
        ),
      signal,
    );
  else await concatenate(format === 'csv' ? `${names.map(cell).join(',')}\n` : '', parts, target, signal);
  await settle(target);
}

/** The rows that were set aside, in their order, behind the lines that are no rows. */
export async function joinAside(
  malformed: readonly RejectedLine[],
  parts: readonly string[],
  target: string,
  signal?: AbortSignal,
): Promise<void> {
  const lines = malformed.map(({ line, error, text }) => `${writeJson({ line, error, text })}\n`).join('');
  await concatenate(lines, parts, target, signal);
  await settle(target);
}

async function concatenate(first: string, parts: readonly string[], target: string, signal: AbortSignal | undefined): Promise<void> {
  async function* all(): AsyncGenerator<Uint8Array | string> {
    if (first !== '') yield first;
    for (const part of parts) yield* createReadStream(part, { highWaterMark: 1 << 20 }) as AsyncIterable<Uint8Array>;
  }
  await pipeline(Readable.from(all(), { objectMode: false }), createWriteStream(target), ...(signal === undefined ? [] : [{ signal }]));
}

/** On the disk before it gets its name: a name never leads to a file that a power cut emptied. */
async function settle(path: string): Promise<void> {
  const file = await open(path, 'r+');
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}

const cell = (text: string): string => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
