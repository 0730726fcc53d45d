import type { Row } from '../core/tensor.ts';
import { readFileAs } from '../data/reading/read-as.ts';
import type { DatasetProfile, SourceReading } from '../data/types.ts';
import { isComparable, isNumeric } from './profile-window.ts';

/**
 * The rows of a file, batch by batch, read as the source of the model was read; the format follows from the ending. Columns that the
 * profile does not know are named, with null for a value. What cannot be read stays text, so that it can be counted.
 *
 * @throws SOURCE_NOT_FOUND, SOURCE_EMPTY, SOURCE_INVALID; USAGE for an unknown ending
 */
export async function readCurrent(path: string, folder: string, profile: DatasetProfile, reading: SourceReading | undefined, onRows: (rows: AsyncIterable<Row[]>) => Promise<void>): Promise<void> {
  const wanted = profile.columns.filter(isComparable);
  await readFileAs(path, folder, reading, wanted, async ({ db, columns, names, source }) => {
    const present = columns.filter((column) => column.present);
    const list = present.map(({ column, value, odd, text }) => {
      const read = isNumeric(column.type) ? `CAST(${value} AS DOUBLE)` : `CAST(${value} AS VARCHAR)`;
      return `CASE WHEN ${odd} THEN ${text} ELSE CAST(${read} AS VARCHAR) END`;
    });
    const unknown = names.filter((name) => !profile.columns.some((column) => column.name === name));
    await onRows(batches(db.chunks(`SELECT ${list.length === 0 ? '1' : list.join(', ')} FROM ${source}`), present.map(({ column }) => column.name), unknown));
  });
}

async function* batches(chunks: AsyncIterable<{ readonly rows: number; readonly columns: readonly (readonly unknown[])[] }>, names: readonly string[], unknown: readonly string[]): AsyncGenerator<Row[]> {
  for await (const chunk of chunks) {
    yield Array.from({ length: chunk.rows }, (_, row) => Object.fromEntries([...names.map((name, index) => [name, chunk.columns[index]![row]]), ...unknown.map((name) => [name, null])]));
  }
}
