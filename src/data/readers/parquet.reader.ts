import { PerennialError } from '../../core/errors.ts';
import { ident, listLiteral, literal, pathLiteral } from '../table/duckdb.ts';
import { PATH_SCHEMA, createRejects, defineReader, rowsAt, someRows } from './reader.ts';
import type { RawColumn, SourceKind } from '../reading/source-column.ts';

interface ParquetConfig {
  readonly format: 'parquet';
  readonly path: string;
}

/** What a column of a SQL type holds. Nested values are texts, as JSON. */
function kindOf(sqlType: string): {
  readonly from: SourceKind;
  readonly sql: (name: string) => string;
  readonly text?: (id: string) => string;
} {
  const type = sqlType.toUpperCase();
  const as = (name: string): string => name;
  if (/\[|^STRUCT|^MAP|^UNION/.test(type)) return { from: 'string', sql: (name) => `CAST(to_json(${name}) AS VARCHAR)` };
  if (/^(U?TINYINT|U?SMALLINT|U?INTEGER|BIGINT)$/.test(type)) return { from: 'integer', sql: (name) => `CAST(${name} AS BIGINT)` };
  if (/^(UBIGINT|U?HUGEINT|DECIMAL.*|BIGNUM)$/.test(type)) return { from: 'exact', sql: as };
  if (type === 'FLOAT' || type === 'DOUBLE') return { from: 'number', sql: (name) => `CAST(${name} AS DOUBLE)` };
  if (type === 'BOOLEAN') return { from: 'boolean', sql: as };
  if (type === 'DATE')
    return { from: 'timestamp', sql: (name) => `CAST(${name} AS TIMESTAMP)`, text: (id) => `strftime(${id}, '%Y-%m-%d')` };
  if (type.startsWith('TIMESTAMP')) return { from: 'timestamp', sql: (name) => `CAST(${name} AS TIMESTAMP)` };
  if (type === 'BLOB') return { from: 'image', sql: as };
  return { from: 'string', sql: (name) => `CAST(${name} AS VARCHAR)` };
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
  async read({ db, files }) {
    await createRejects(db);
    const file = `read_parquet(${listLiteral(files.map(({ path }) => pathLiteral(path)))})`;
    const found = await db.describe(`SELECT * FROM ${file}`);
    if (found.length === 0) throw new PerennialError('SOURCE_EMPTY', 'The source has no columns.');
    const kinds = found.map(({ name, type }) => ({ name, ...kindOf(type) }));
    const columns = kinds.map(({ name, from, text }, index): RawColumn => ({
      name,
      from,
      id: `c${index}`,
      ...(text === undefined ? {} : { text: text(`c${index}`) }),
      ...(name === '__index_level_0__' ? { unnamed: true } : {}),
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
            db.run(`COPY (SELECT * EXCLUDE ("@row") FROM (${rowsAt(file, rows)})) TO ${literal(path)} (FORMAT parquet, COMPRESSION zstd)`),
    };
  },
});
