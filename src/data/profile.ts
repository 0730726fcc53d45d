import { measureAll } from './columns.ts';
import type { Database } from './duckdb.ts';
import { DATA_LIMITS } from './limits.ts';
import { textShape } from './text-shape.ts';
import type { Column, ColumnProfile, DatasetProfile } from './types.ts';

const QUANTILES = [0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99];

/** Every `step`-th order statistic, ends included: a sorted sample that keeps the distribution's shape, without chance. */
function positions(count: number): string {
  const sample = DATA_LIMITS.profileSampleMax;
  if (count <= sample) return 'true';
  return `position IN (SELECT CAST(floor(i * ${count - 1} / ${sample - 1}.0) AS BIGINT) FROM range(${sample}) r(i))`;
}

/**
 * Sums are taken in order: threads that add in the order of their arrival give other last digits, and so another digest, each time.
 * Squares of values beyond this leave what a double holds, which DuckDB refuses: scaled down, they fit.
 */
const SPREAD = "CASE WHEN greatest(abs(min(v)), abs(max(v))) < 1e140 THEN stddev_pop(CASE WHEN abs(v) < 1e140 THEN v END ORDER BY v) ELSE stddev_pop(v / 1e170 ORDER BY v) * 1e170 END";

async function numberProfile(db: Database, table: string, value: string): Promise<ColumnProfile['number']> {
  const finite = `(SELECT CAST(${value} AS DOUBLE) AS v FROM ${table} WHERE ${value} IS NOT NULL AND isfinite(CAST(${value} AS DOUBLE)))`;
  const bins = DATA_LIMITS.profileBins;
  const wanted = [...QUANTILES, ...Array.from({ length: bins + 1 }, (_, index) => index / bins)];
  const [row] = await db.rows(`SELECT count(*), min(v), max(v), avg(v ORDER BY v), ${SPREAD}, ${wanted.map((q) => `quantile_cont(v, ${q})`).join(', ')} FROM ${finite}`);
  const [count, min, max, mean, std, ...cuts] = row!.map(Number) as [number, number, number, number, number, ...number[]];
  if (count === 0) return undefined;
  const quantiles = Object.fromEntries(QUANTILES.map((q, index) => [String(q), cuts[index]!]));
  const distinct = [...new Set(cuts.slice(QUANTILES.length))];
  const edges = distinct.length === 1 ? [distinct[0]!, distinct[0]!] : distinct;
  const inner = edges.slice(1, -1);
  const bin = inner.length === 0 ? '0' : inner.map((edge) => `CAST(v >= CAST('${edge}' AS DOUBLE) AS INTEGER)`).join(' + ');
  const counts = Array.from({ length: edges.length - 1 }, () => 0);
  for (const [index, rows] of await db.rows(`SELECT ${bin} AS b, count(*) FROM ${finite} GROUP BY b`)) counts[Number(index)] = Number(rows);
  const sample = await db.rows(`SELECT v FROM (SELECT v, row_number() OVER (ORDER BY v) - 1 AS position FROM ${finite}) WHERE ${positions(count)} ORDER BY v`);
  return { min, max, mean, std, quantiles, edges, counts, sample: sample.map((item) => Number(item[0])) };
}

async function categories(db: Database, table: string, value: string): Promise<ColumnProfile['categories']> {
  const rows = await db.rows(`SELECT CAST(${value} AS VARCHAR) AS v, count(*) AS n FROM ${table} WHERE ${value} IS NOT NULL GROUP BY v ORDER BY n DESC, v LIMIT ${DATA_LIMITS.profileCategoriesMax + 1}`);
  const [all] = await db.rows(`SELECT count(${value}) FROM ${table}`);
  const kept = rows.slice(0, DATA_LIMITS.profileCategoriesMax);
  const known = kept.reduce((sum, row) => sum + Number(row[1]), 0);
  // Free text is no category: its most frequent values would only copy the data into the profile.
  const long = kept.some((row) => String(row[0]).length > 200);
  return long ? undefined : { counts: Object.fromEntries(kept.map((row) => [String(row[0]), Number(row[1])])), other: Number(all![0]) - known };
}

/** Texts that are many: some of them, chosen by their own hash, so that neither order nor chance decides. */
async function texts(db: Database, table: string, value: string): Promise<ColumnProfile['texts']> {
  const rows = await db.rows(`SELECT v FROM (SELECT DISTINCT ${value} AS v FROM ${table} WHERE ${value} IS NOT NULL) ORDER BY hash(v), v LIMIT ${DATA_LIMITS.profileTextsMax}`);
  return textShape(rows.map(([text]) => String(text).slice(0, TEXT_LOOKED_AT)));
}

/** Characters of a text that tell what it is. */
const TEXT_LOOKED_AT = 2_000;

/**
 * The distribution of every column: what drift is measured against. Bins are cut at the deciles; the sample is made of evenly spaced
 * order statistics; `std` is that of the population.
 *
 * @param table name of a table or a subquery in parentheses
 * @param columns with the SQL expression of each
 */
export async function profileTable(db: Database, table: string, columns: readonly (Column & { readonly sql: string })[]): Promise<DatasetProfile> {
  const measures = columns.flatMap((column) => [`count(${column.sql})`, `count(DISTINCT ${column.type === 'image' ? `md5(${column.sql})` : column.sql})`]);
  const totals = await measureAll(db, ['count(*)', ...measures], table);
  const rows = Number(totals[0]);
  const profiles: ColumnProfile[] = [];
  for (const [index, column] of columns.entries()) {
    const count = Number(totals[1 + 2 * index]);
    const base = { name: column.name, type: column.type, count, missing: rows - count, distinct: Number(totals[2 + 2 * index]) };
    const value = column.type === 'timestamp' ? `epoch_ms(${column.sql})` : column.sql;
    if (column.type === 'number' || column.type === 'integer' || column.type === 'timestamp') {
      const number = await numberProfile(db, table, value);
      profiles.push(number === undefined ? base : { ...base, number });
    } else if (column.type === 'string' || column.type === 'boolean') {
      const found = await categories(db, table, value);
      const many = column.type === 'string' && base.distinct > DATA_LIMITS.profileCategoriesMax;
      profiles.push({ ...base, ...(found === undefined ? {} : { categories: found }), ...(many ? { texts: await texts(db, table, value) } : {}) });
    } else profiles.push(base);
  }
  return { formatVersion: 1, rows, columns: profiles };
}
