import type { Database } from '../table/duckdb.ts';
import { DATA_LIMITS } from '../table/limits.ts';
import type { TypedColumn } from '../reading/source-column.ts';
import type { TableProfile } from '../table/profile.ts';

/** Characters that nobody sees: soft hyphens, joiners, marks of direction, selectors of variants, fillers, byte order marks. */
const INVISIBLE =
  /[\u00AD\u034F\u061C\u115F\u1160\u17B4\u17B5\u180B-\u180E\u200B\u200C\u200E\u200F\u202A-\u202E\u2060-\u2064\u2066-\u206F\u3164\uFE00-\uFE0F\uFEFF\uFFA0]|(?<=[\p{L}\p{N}\p{M}])\u200D/gu;
const BLANKS = /[\s\u0085]+/gu;
/** What most texts are: they look like no other text of these characters, blanks aside. */
const PLAIN = /^[!-~]+(?: [!-~]+)*$/;

/** Texts that look the same have the same one: composed letters, no invisible characters, one kind of blank and none around. */
export function looksOf(text: string): string {
  return PLAIN.test(text) ? text : text.replace(INVISIBLE, '').normalize('NFC').replace(BLANKS, ' ').trim();
}

/** A text as it differs from one that looks the same: what is not seen is written out, e.g. `"Ko\u0308ln"`. */
export function spelling(text: string): string {
  return JSON.stringify(text).replace(/[^ \P{Z}]|[\p{M}\p{Cf}\u0085\u115F\u1160\u3164\uFFA0]/gu, (character) =>
    Array.from({ length: character.length }, (_, at) => `\\u${character.charCodeAt(at).toString(16).padStart(4, '0')}`).join(''),
  );
}

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
