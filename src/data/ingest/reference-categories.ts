import { literal } from '../table/duckdb.ts';
import type { Database } from '../table/duckdb.ts';
import type { TypedColumn } from '../reading/source-column.ts';
import type { ColumnProfile } from '../stored/dataset.ts';
import { ROWS_MIN, changed, quoted } from './reference-schema.ts';
import type { ReferenceSchema } from './reference-schema.ts';

/** Of the values, new categories from this share on are no growth any more. */
const NEW_MAX = 0.75;
/** As many that are known ones in another way of writing. */
const REWRITTEN_MAX = 0.5;
/** Known categories say something of a column where they were at least this share of it: names of customers do not. */
const KNOWN_MIN = 0.3;

/** Letters and digits alone: what is left of a name that is written in another way. */
const plainSql = (value: string): string => `regexp_replace(lower(strip_accents(${value})), '[^\\p{L}\\p{N}]', '', 'g')`;

/** @throws SCHEMA_CHANGED where the categories of a column are others than they were */
export async function checkCategories(
  db: Database,
  { text, values }: ReferenceSchema,
  { name, id }: TypedColumn,
  before: ColumnProfile,
): Promise<void> {
  const { categories } = before;
  if (categories === undefined || before.count === 0) return;
  const all = values?.get(name);
  const { counts, other } =
    all?.kind === 'category' ? all : { counts: new Map(Object.entries(categories.counts)), other: categories.other };
  const covered = 1 - other / before.count;
  if (counts.size === 0 || covered < KNOWN_MIN) return;
  const known = [...counts.keys()];
  await db.run('CREATE OR REPLACE TEMP TABLE known_categories (v VARCHAR)');
  try {
    for (let at = 0; at < known.length; at += 1_000)
      await db.run(
        `INSERT INTO known_categories VALUES ${known
          .slice(at, at + 1_000)
          .map((value) => `(${literal(value)})`)
          .join(', ')}`,
      );
    await db.run(
      `CREATE OR REPLACE TEMP TABLE now_categories AS SELECT v, n, v IN (SELECT v FROM known_categories) AS same, ${plainSql('v')} IN (SELECT ${plainSql('v')} FROM known_categories) AS alike FROM (SELECT CAST(${id} AS VARCHAR) AS v, count(*) AS n FROM data WHERE ${id} IS NOT NULL GROUP BY 1)`,
    );
    const [found] = await db.rows(
      'SELECT coalesce(sum(n), 0), coalesce(sum(n) FILTER (same), 0), coalesce(sum(n) FILTER (NOT same AND alike), 0) FROM now_categories',
    );
    const [filled, same, alike] = found!.map(Number) as [number, number, number];
    if (filled < ROWS_MIN) return;
    // Where not all categories are known, as many as before are expected to be new.
    const fresh = 1 - Math.min(1, same / filled / covered);
    const rewritten = alike / filled;
    // Twice the standard error: few rows of many categories do not stop by chance.
    const doubt = (2 * Math.sqrt((covered * (1 - covered)) / filled)) / covered;
    if (fresh - doubt < NEW_MAX && rewritten < REWRITTEN_MAX) return;
    const examples = async (where: string): Promise<string> =>
      quoted((await db.rows(`SELECT v FROM now_categories WHERE ${where} ORDER BY n DESC, v LIMIT 4`)).map(([value]) => value));
    const what =
      rewritten >= REWRITTEN_MAX
        ? `${alike} of the ${filled} values of "${name}" are categories of ${text} in another way of writing`
        : `${same === 0 ? 'None' : `Only ${same}`} of the ${filled} values of "${name}" ${same <= 1 ? 'is one' : 'are ones'} that ${text} knows`;
    throw changed(
      `${what} (it knows ${quoted(known)}): they are ${await examples(rewritten >= REWRITTEN_MAX ? 'NOT same AND alike' : 'NOT same')} now.`,
      [name],
    );
  } finally {
    await db.run('DROP TABLE IF EXISTS known_categories; DROP TABLE IF EXISTS now_categories');
  }
}
