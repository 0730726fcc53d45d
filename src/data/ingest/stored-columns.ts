import { measureAll } from '../table/columns.ts';
import { DATA_LIMITS } from '../table/limits.ts';
import { literal } from '../table/duckdb.ts';
import type { Database } from '../table/duckdb.ts';
import { CSV_MISSING } from '../reading/numbers.ts';
import type { TypedColumn } from '../reading/source-column.ts';
import type { Column } from '../stored/column.ts';

/** What would mean a missing value in a CSV file, and is a value in columns of a source that writes it in another way. */
export async function wordsOf(
  db: Database,
  format: string,
  columns: readonly TypedColumn[],
): Promise<ReadonlyMap<string, readonly string[]>> {
  const texts = format === 'csv' ? [] : columns.filter(({ type }) => type === 'string');
  const words = CSV_MISSING.filter((text) => text !== '');
  const found = await measureAll(
    db,
    texts.flatMap(({ id }) => words.map((word) => `count_if(${id} = ${literal(word)})`)),
    'data',
  );
  return new Map(texts.map(({ name }, at) => [name, words.filter((_, index) => found[at * words.length + index]! > 0)]));
}

/** As datasets and models remember a column. */
export function columnOf({ name, type, format, origin, float32, nested }: TypedColumn, words: readonly string[] = []): Column {
  return {
    name,
    type,
    ...(format === undefined ? {} : { format }),
    ...(origin === undefined ? {} : { origin }),
    ...(float32 === undefined ? {} : { float32 }),
    ...(nested === undefined ? {} : { nested }),
    ...(words.length === 0 ? {} : { words }),
  };
}

/** Notes on columns without a value. */
export async function emptyColumns(db: Database, columns: readonly TypedColumn[]): Promise<string[]> {
  const counted = async (some: readonly TypedColumn[], table: string): Promise<TypedColumn[]> => {
    const measures = some.map(({ id }) => `count(${id})`);
    const counts = some.length === 0 ? [] : await measureAll(db, measures, table);
    return some.filter((_, index) => counts[index] === 0);
  };
  // Most columns show a value in their first rows.
  const seldom = await counted(columns, `(SELECT * FROM data LIMIT ${DATA_LIMITS.sampleRows})`);
  return (await counted(seldom, 'data')).map(
    (column) => `The column "${column.name}" is missing in every row: "exclude" it, or correct the source.`,
  );
}
