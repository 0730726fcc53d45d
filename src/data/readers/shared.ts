import { PerennialError } from '../../core/errors.ts';
import { columnTypeOf } from '../columns.ts';
import type { Database } from '../duckdb.ts';
import { ident } from '../duckdb.ts';
import type { RawColumn } from '../reader.ts';

/** Makes `raw` of a typed table expression. Nested values become their JSON text; DATE and zoned times become UTC timestamps. */
export async function createRaw(db: Database, source: string, limit?: number): Promise<RawColumn[]> {
  const found = await db.describe(`SELECT * FROM ${source}`);
  if (found.length === 0) throw new PerennialError('SOURCE_EMPTY', 'The source has no columns.');
  const columns = found.map(({ name, type }, index) => {
    const nested = columnTypeOf(type) === undefined;
    const known = nested ? 'string' : columnTypeOf(type)!;
    const value = nested ? `CAST(to_json(${ident(name)}) AS VARCHAR)`
      : known === 'timestamp' ? `CAST(${ident(name)} AS TIMESTAMP)`
      : known === 'number' ? `CAST(${ident(name)} AS DOUBLE)`
      : known === 'string' ? `CAST(${ident(name)} AS VARCHAR)` : ident(name);
    return { raw: { name, type: known } satisfies RawColumn, sql: `${value} AS c${index}` };
  });
  await db.run(`CREATE TEMP TABLE raw AS SELECT row_number() OVER () AS "row", ${columns.map((column) => column.sql).join(', ')} FROM (SELECT * FROM ${source}${limit === undefined ? '' : ` USING SAMPLE reservoir(${limit} ROWS) REPEATABLE (1)`})`);
  return columns.map((column) => column.raw);
}
