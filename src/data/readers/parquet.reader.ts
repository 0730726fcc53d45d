import { PerennialError } from '../../core/errors.ts';
import { ident, literal } from '../table/duckdb.ts';
import { bytesAsTextSql, holdsNoImages, mergedColumns, parquetParts } from '../reading/parquet-files.ts';
import type { MergedColumn } from '../reading/parquet-files.ts';
import { namesOption } from '../reading/parquet-names.ts';
import { parquetProblem } from '../reading/parquet-problem.ts';
import { PATH_SCHEMA, createRejects, defineReader, rowsAt, someRows } from './reader.ts';
import type { RawColumn } from '../reading/source-column.ts';

interface ParquetConfig {
  readonly format: 'parquet';
  readonly path: string;
}

export default defineReader<ParquetConfig>({
  format: 'parquet',
  summary:
    'Apache Parquet; types are those of the files, and `name=value` in the names of folders is a column. Binary columns hold encoded images, or become texts; lists and structs become their JSON text.',
  layout: 'files',
  endings: ['.parquet', '.pq'],
  text: false,
  configSchema: {
    type: 'object',
    additionalProperties: false,
    required: ['format', 'path'],
    description: 'Apache Parquet.',
    properties: { format: { const: 'parquet' }, path: PATH_SCHEMA },
  },
  examples: [{ format: 'parquet', path: 'data/trips/*.parquet' }],
  problem: parquetProblem,
  async read({ db, config, files, expected, asBefore }) {
    await createRejects(db);
    const parts = await parquetParts(db, files, config.path, {
      ...(expected === undefined ? {} : { expected }),
      asBefore: asBefore === true,
    });
    const found = await mergedColumns(db, parts);
    if (found.length === 0) throw new PerennialError('SOURCE_EMPTY', 'The source has no columns.');
    const notes: string[] = [];
    const merged: MergedColumn[] = [];
    for (const column of found) {
      if (column.kind.from !== 'image' || !(await holdsNoImages(db, column, parts))) {
        merged.push(column);
        continue;
      }
      merged.push({ ...column, kind: { from: 'string', sql: (name) => name }, sql: column.sql.map(bytesAsTextSql) });
      notes.push(`The column "${column.name}" holds bytes that are no images: it is read as text, in base64 where they are none.`);
    }
    const names = merged.map(({ name }) => name);
    const select = (list: (column: MergedColumn, part: number, index: number) => string): string =>
      parts
        .map(({ table }, part) => `SELECT ${merged.map((column, index) => list(column, part, index)).join(', ')} FROM ${table}`)
        .join(' UNION ALL ');
    const table = `(${select(({ sql }, part, index) => `${sql[part]!} AS c${index}`)})`;
    const asInFiles = `(${select(({ raw, shown }, part) => `${raw[part]!} AS ${ident(shown)}`)})`;
    return {
      columns: merged.map(({ name, kind: { from, text, float32, nested } }, index): RawColumn => ({
        name,
        from,
        id: `c${index}`,
        ...(text === undefined ? {} : { text: text(`c${index}`) }),
        ...(float32 === undefined ? {} : { float32 }),
        ...(nested === undefined ? {} : { nested }),
        ...(name === '__index_level_0__' ? { unnamed: true } : {}),
      })),
      source: (rows) => someRows(table, rows),
      options: {},
      nullValues: [],
      notes,
      // An image is not a value that a file of rows holds.
      copyRows: merged.some(({ kind }) => kind.from === 'image')
        ? undefined
        : (rows, path) =>
            db.run(
              `COPY (SELECT * EXCLUDE ("@row") FROM (${rowsAt(asInFiles, rows)})) TO ${literal(path)} (FORMAT parquet, COMPRESSION zstd${namesOption(names)})`,
            ),
    };
  },
});
