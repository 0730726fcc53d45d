import { looksOf, spelling } from '../../core/spelling.ts';
import type { Database } from '../table/duckdb.ts';
import { DATA_LIMITS } from '../table/limits.ts';
import type { TypedColumn } from '../reading/source-column.ts';
import type { TableProfile } from '../table/profile.ts';

/** Texts that look the same and are not, with the rows of each; the most frequent one first. */
export type Alike = readonly [Counted, ...Counted[]];
type Counted = readonly [text: string, rows: number];

export function alikeTexts(counts: Iterable<readonly [string, number]>): Alike[] {
  const groups = new Map<string, [string, number][]>();
  for (const [text, rows] of counts) {
    const looks = looksOf(text);
    const group = groups.get(looks);
    if (group === undefined) groups.set(looks, [[text, rows]]);
    else group.push([text, rows]);
  }
  return [...groups]
    .filter(([, group]) => group.length > 1)
    .map(([looks, group]) =>
      (group as unknown as [Counted, ...Counted[]]).sort(
        ([a, rows], [b, others]) => others - rows || Number(b === looks) - Number(a === looks) || (a < b ? -1 : 1),
      ),
    );
}

/** Groups that are named for a column. */
const SHOWN = 3;

/** Says which columns have categories that look the same: they stay different ones, as they are when a model answers. */
export function alikeNotes(columns: readonly { readonly name: string; readonly counts: Iterable<readonly [string, number]> }[]): string[] {
  return columns.flatMap(({ name, counts }) => {
    const alike = alikeTexts(counts);
    if (alike.length === 0) return [];
    const texts = alike
      .slice(0, SHOWN)
      .map((group) => group.map(([text, rows]) => `${spelling(text)} (${rows} ${rows === 1 ? 'row' : 'rows'})`).join(' and '));
    return [
      `The column "${name}" has values that look the same and are not: ${texts.join('; ')}${alike.length > SHOWN ? `; and ${alike.length - SHOWN} more` : ''}. They stay different categories: where they mean the same, write them alike in the source.`,
    ];
  });
}

/** The texts of a profile with their rows, those of some columns aside. */
export function textsOfProfile({ profile, reference }: TableProfile, without: readonly string[]): Parameters<typeof alikeNotes>[0] {
  return profile.columns
    .filter(({ name, type, categories }) => type === 'string' && categories !== undefined && !without.includes(name))
    .map(({ name, categories }) => {
      const further = reference.find((one) => one.kind === 'category' && one.name === name);
      return { name, counts: further?.kind === 'category' ? further.counts : Object.entries(categories!.counts) };
    });
}

/** The same of a table of few rows. */
export async function textsOfTable(
  db: Database,
  table: string,
  columns: readonly TypedColumn[],
): Promise<Parameters<typeof alikeNotes>[0]> {
  const found: { name: string; counts: [string, number][] }[] = [];
  for (const { name, id, type } of columns) {
    if (type !== 'string') continue;
    const rows = await db.rows(
      `SELECT ${id}, count(*) FROM ${table} WHERE ${id} IS NOT NULL GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT ${DATA_LIMITS.referenceCategoriesMax}`,
    );
    found.push({ name, counts: rows.map(([text, count]) => [String(text), Number(count)]) });
  }
  return found;
}
