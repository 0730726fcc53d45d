import { PerennialError } from '../../core/errors.ts';
import { ident, listLiteral, literal, pathLiteral } from '../table/duckdb.ts';
import { dateTextSql } from '../reading/moment-text.ts';
import { isNested, nestedJsonSql } from '../reading/nested-sql.ts';
import { namesOption, parquetNames } from '../reading/parquet-names.ts';
import { parquetProblem } from '../reading/parquet-problem.ts';
import { PATH_SCHEMA, createRejects, defineReader, rowsAt, someRows } from './reader.ts';
import type { RawColumn, SourceKind } from '../reading/source-column.ts';

interface ParquetConfig {
  readonly format: 'parquet';
  readonly path: string;
}

interface Kind {
  readonly from: SourceKind;
  readonly sql: (name: string) => string;
  readonly text?: (id: string) => string;
  readonly float32?: true;
  readonly nested?: true;
}

/** What a column of a SQL type holds. Nested values are texts, as JSON. */
function kindOf(sqlType: string): Kind {
  const type = sqlType.toUpperCase();
  const as = (name: string): string => name;
  if (isNested(sqlType)) return { from: 'string', sql: (name) => nestedJsonSql(name, sqlType), nested: true };
  if (/^(U?TINYINT|U?SMALLINT|U?INTEGER|BIGINT)$/.test(type)) return { from: 'integer', sql: (name) => `CAST(${name} AS BIGINT)` };
  if (/^(UBIGINT|U?HUGEINT|DECIMAL.*|BIGNUM)$/.test(type))
    return { from: 'exact', sql: as, text: (id) => `decimal_text(CAST(${id} AS VARCHAR))` };
  if (type === 'FLOAT') return { from: 'number', sql: (name) => `CAST(${name} AS DOUBLE)`, float32: true };
  if (type === 'DOUBLE') return { from: 'number', sql: as };
  if (type === 'BOOLEAN') return { from: 'boolean', sql: as };
  if (type === 'DATE') return { from: 'timestamp', sql: (name) => `CAST(${name} AS TIMESTAMP)`, text: dateTextSql };
  if (type.startsWith('TIMESTAMP')) return { from: 'timestamp', sql: (name) => `CAST(${name} AS TIMESTAMP)` };
  if (type === 'BLOB') return { from: 'image', sql: as };
  return { from: 'string', sql: (name) => `CAST(${name} AS VARCHAR)` };
}

/** Before `SourceReading.canonical` values were what the database shows. */
function kindBefore(sqlType: string): Kind {
  if (isNested(sqlType)) return { from: 'string', sql: (name) => `CAST(to_json(${name}) AS VARCHAR)` };
  const { from, sql, text } = kindOf(sqlType);
  return { from, sql, ...(text === undefined || from === 'exact' ? {} : { text }) };
}

export default defineReader<ParquetConfig>({
  format: 'parquet',
  summary: 'Apache Parquet; types are those of the file. Binary columns hold encoded images; lists and structs become their JSON text.',
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
  async read({ db, files, asBefore }) {
    await createRejects(db);
    const file = `read_parquet(${listLiteral(files.map(({ path }) => pathLiteral(path)))})`;
    const found = await db.describe(`SELECT * FROM ${file}`);
    if (found.length === 0) throw new PerennialError('SOURCE_EMPTY', 'The source has no columns.');
    const names = await parquetNames(
      db,
      files,
      found.map(({ name }) => name),
    );
    const kinds = found.map(({ name, type }) => ({ name, ...(asBefore === true ? kindBefore(type) : kindOf(type)) }));
    const columns = kinds.map(({ from, text, float32, nested }, index): RawColumn => ({
      name: names[index]!,
      from,
      id: `c${index}`,
      ...(text === undefined ? {} : { text: text(`c${index}`) }),
      ...(float32 === undefined ? {} : { float32 }),
      ...(nested === undefined ? {} : { nested }),
      ...(names[index] === '__index_level_0__' ? { unnamed: true } : {}),
    }));
    const table = `(SELECT ${kinds.map(({ name, sql }, index) => `${sql(ident(name))} AS c${index}`).join(', ')} FROM ${file})`;
    return {
      columns,
      source: (rows) => someRows(table, rows),
      options: {},
      nullValues: [],
      notes: [],
      // An image is not a value that a file of rows holds.
      copyRows: kinds.some(({ from }) => from === 'image')
        ? undefined
        : (rows, path) =>
            db.run(
              `COPY (SELECT * EXCLUDE ("@row") FROM (${rowsAt(file, rows)})) TO ${literal(path)} (FORMAT parquet, COMPRESSION zstd${namesOption(names)})`,
            ),
    };
  },
});
