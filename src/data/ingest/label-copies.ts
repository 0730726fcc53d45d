import { measureAll } from '../table/columns.ts';
import { literal } from '../table/duckdb.ts';
import type { Database } from '../table/duckdb.ts';
import type { Column } from '../stored/column.ts';

export type PlacedColumn = Column & { readonly sql: string };

/** A column to predict, and one that may be the same. */
export interface LabelPair {
  readonly label: PlacedColumn;
  readonly feature: PlacedColumn;
}

/** The same in every row in which the column has a value. */
export interface LabelCopy extends LabelPair {
  readonly filled: number;
}

/** Equal in fewer rows than this may be chance. */
export const COPY_ROWS_MIN = 20;
/** Share of the rows that has to have a value. */
const FILLED_MIN = 0.5;
/** Relative difference that computing with decimals leaves. */
const ROUNDING = 1e-9;

const TRUE_WORDS: readonly string[] = ['true', 't', 'yes', 'y', 'on'];
const FALSE_WORDS: readonly string[] = ['false', 'f', 'no', 'n', 'off'];

const isNumber = ({ type }: Column): boolean => type === 'number' || type === 'integer';

/**
 * SQL of what a value says, however it is written: case, blanks around it, 1.0 for 1, and the usual words for true and false do not count.
 */
function saidSql({ sql, type }: PlacedColumn): string {
  if (type === 'boolean') return `CASE WHEN ${sql} THEN '1.0' WHEN NOT ${sql} THEN '0.0' END`;
  if (isNumber({ type, name: '' })) return `CAST(CAST(${sql} AS DOUBLE) AS VARCHAR)`;
  const text = `lower(trim(${type === 'string' ? sql : `CAST(${sql} AS VARCHAR)`}, chr(32) || chr(9) || chr(160) || chr(13) || chr(10)))`;
  return `CASE WHEN ${text} IN (${TRUE_WORDS.map(literal).join(', ')}) THEN '1.0' WHEN ${text} IN (${FALSE_WORDS.map(literal).join(', ')}) THEN '0.0' ELSE coalesce(CAST(try_cast(${text} AS DOUBLE) AS VARCHAR), ${text}) END`;
}

function differSql(label: PlacedColumn, feature: PlacedColumn): string {
  if (isNumber(label) && isNumber(feature)) {
    const [a, b] = [`CAST(${label.sql} AS DOUBLE)`, `CAST(${feature.sql} AS DOUBLE)`];
    return `${a} <> ${b} AND NOT coalesce(abs(${a} - ${b}) <= ${ROUNDING} * greatest(abs(${a}), abs(${b})), false)`;
  }
  return `${saidSql(label)} <> ${saidSql(feature)}`;
}

/** @param table the rows: a table, or a query in parentheses */
export async function findCopies(
  db: Database,
  table: string,
  features: readonly PlacedColumn[],
  labels: readonly PlacedColumn[],
): Promise<{ readonly rows: number; readonly copies: readonly LabelCopy[]; readonly others: readonly LabelPair[] }> {
  const pairs = labels.flatMap((label) =>
    features
      .filter(({ name, type }) => name !== label.name && type !== 'image' && type !== 'timestamp')
      .map((feature) => ({ label, feature })),
  );
  if (pairs.length === 0) return { rows: 0, copies: [], others: [] };
  const differ = (some: readonly LabelPair[]): string[] => some.map(({ label, feature }) => `count_if(${differSql(label, feature)})`);
  // Nearly all of them differ in the first rows already.
  const first = await measureAll(db, differ(pairs), `(SELECT * FROM ${table} LIMIT ${FIRST_ROWS})`);
  const candidates = pairs.filter((_, index) => first[index] === 0);
  const filled = candidates.map(({ feature }) => `count(${feature.sql})`);
  const [rows = 0, ...measured] = await measureAll(db, ['count(*)', ...filled, ...differ(candidates)], table);
  const copies = candidates.flatMap((pair, index): LabelCopy[] => {
    const [has, apart] = [measured[index]!, measured[candidates.length + index]!];
    return has >= Math.max(COPY_ROWS_MIN, FILLED_MIN * rows) && apart === 0 ? [{ ...pair, filled: has }] : [];
  });
  return { rows, copies, others: pairs.filter(({ feature }) => !copies.some((copy) => copy.feature === feature)) };
}

const FIRST_ROWS = 1_000;

/** "in every row", or in which. */
export function inWords({ filled }: LabelCopy, rows: number): string {
  return filled === rows ? `in every row (all ${rows})` : `wherever it has a value (${filled} of ${rows} rows)`;
}

/** "1" = "true", "0" = "false" */
export async function valuePairs(db: Database, table: string, { feature, label }: LabelPair): Promise<string> {
  const found = await db.rows(
    `SELECT CAST(${feature.sql} AS VARCHAR), CAST(${label.sql} AS VARCHAR) FROM ${table} WHERE ${feature.sql} IS NOT NULL GROUP BY 1, 2 ORDER BY count(*) DESC, 1, 2 LIMIT 3`,
  );
  return found.map(([one, other]) => `${JSON.stringify(one)} = ${JSON.stringify(other)}`).join(', ');
}
