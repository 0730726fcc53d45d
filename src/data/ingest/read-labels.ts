import { spelling } from '../../core/spelling.ts';
import { PerennialError } from '../../core/errors.ts';
import { requireColumn } from '../table/columns.ts';
import { literal } from '../table/duckdb.ts';
import type { Database } from '../table/duckdb.ts';
import type { RawTable } from '../readers/reader.ts';
import { missingWordSql } from '../reading/numbers.ts';
import type { TypedColumn } from '../reading/source-column.ts';
import type { IngestConfig } from './ingest-config.ts';
import { alikeTexts } from './alike-texts.ts';
import { INTEGER_CLASSES_MAX } from './label-columns.ts';

/**
 * Says what was taken for what in the labels, and stops where a class would disappear: a class may be called "NA", whole numbers may
 * be written 1.0, and "yes" and "yes " are one class.
 *
 * @param notes more of them are added
 * @param quantities labels that stay quantities, whole or not
 * @returns the columns, with the types that labels have
 * @throws LABEL_INVALID
 */
export async function readLabels(
  db: Database,
  raw: RawTable,
  columns: readonly TypedColumn[],
  labelled: readonly string[],
  config: IngestConfig,
  notes: string[],
  quantities: readonly string[] = [],
): Promise<TypedColumn[]> {
  const read = [...columns];
  for (const name of labelled) {
    const column = requireColumn(read, name, 'label');
    const at = read.indexOf(column);
    await refuseLostClass(db, raw, column, config, quantities);
    if (column.type === 'string') {
      await trimClasses(db, column, notes);
      await joinAlike(db, column, notes);
      await tellCases(db, column, notes);
    } else if (column.type === 'number' && !Object.hasOwn(config.columns ?? {}, name) && !quantities.includes(name))
      read[at] = await wholeNumbers(db, column, notes);
  }
  return read;
}

/**
 * A text that means "missing" may be the name of a class: nobody but the user knows. Beside texts these are the texts that the source
 * takes for missing ones; beside whole numbers, or true and false, also the usual words.
 */
async function refuseLostClass(
  db: Database,
  raw: RawTable,
  column: TypedColumn,
  config: IngestConfig,
  quantities: readonly string[],
): Promise<void> {
  const { name, id, type, from } = column;
  const told = config.source['nullValues'] as readonly string[] | undefined;
  const isText = from === 'text' || from === 'string';
  const words = [
    ...(told === undefined ? raw.nullValues : []).filter((text) => text.trim() !== '').map((text) => `${id} = ${literal(text)}`),
    ...(isText && type !== 'string'
      ? [`(${missingWordSql(id)} AND trim(${id}) <> ''${(told ?? []).map((text) => ` AND ${id} <> ${literal(text)}`).join('')})`]
      : []),
  ];
  const quantity = quantities.includes(name) || (type === 'number' && Object.hasOwn(config.columns ?? {}, name));
  if (words.length === 0 || quantity || !(await isClasses(db, column))) return;
  const [missing] = await db.rows(`SELECT count(*) FROM data WHERE ${id} IS NULL`);
  if (Number(missing![0]) === 0) return;
  const lost = await db.rows(
    `SELECT ${id}, count(*) FROM ${raw.source('verbatim')} WHERE ${words.join(' OR ')} GROUP BY 1 ORDER BY 2 DESC, 1`,
  );
  if (lost.length === 0) return;
  const [text, rows] = [String(lost[0]![0]), String(lost[0]![1])];
  const texts = lost.map(([one]) => String(one));
  throw new PerennialError(
    'LABEL_INVALID',
    `The label "${name}" is ${JSON.stringify(text)} in ${rows} rows${
      lost.length > 1
        ? ` (and ${lost
            .slice(1)
            .map(([other, count]) => `${JSON.stringify(String(other))} in ${String(count)}`)
            .join(', ')})`
        : ''
    }, and that text means a missing value unless the document says otherwise: a class may disappear.`,
    {
      hint: `To leave such rows out, write "nullValues": ${JSON.stringify([...new Set([...(told ?? raw.nullValues), ...texts])])} into the source. To keep ${texts.length === 1 ? 'it as a class' : 'them as classes'}, write "nullValues": [""]${type === 'string' ? '' : ` there, and "columns": {${JSON.stringify(name)}: "string"}`}.`,
    },
  );
}

/** Whether a label will be learnt as classes: fractions, and many whole numbers, are quantities, and a missing one is a missing one. */
async function isClasses(db: Database, { id, type }: TypedColumn): Promise<boolean> {
  if (type === 'string' || type === 'boolean') return true;
  if (type !== 'integer' && type !== 'number') return false;
  const [facts] = await db.rows(`SELECT count(DISTINCT ${id}), count_if(${id} <> trunc(${id}) OR isinf(CAST(${id} AS DOUBLE))) FROM data`);
  const [distinct, broken] = facts!.map(Number) as [number, number];
  return broken === 0 && distinct > 0 && distinct <= INTEGER_CLASSES_MAX;
}

async function trimClasses(db: Database, { name, id }: TypedColumn, notes: string[]): Promise<void> {
  const trimmed = `trim(${id}, chr(32) || chr(9) || chr(160) || chr(13) || chr(10))`;
  const blank = await db.rows(
    `SELECT ${id}, ${trimmed}, count(*) FROM data WHERE ${id} <> ${trimmed} GROUP BY 1, 2 ORDER BY 3 DESC, 1 LIMIT 4`,
  );
  if (blank.length > 0) {
    await db.run(`UPDATE data SET ${id} = nullif(${trimmed}, ''), identity = NULL WHERE ${id} <> ${trimmed}`);
    notes.push(
      `The label "${name}": ${blank.map(([given, taken, rows]) => `${JSON.stringify(String(given))} (${String(rows)} rows) was taken for ${JSON.stringify(String(taken))}`).join(', ')}: blanks around the name of a class do not count.`,
    );
  }
}

/** Names of classes that are looked at: a label of more is no class. */
const CLASSES_LOOKED_AT = 20_000;

/** Classes that nobody can tell apart by looking at them are one: called as most rows call it. */
async function joinAlike(db: Database, { name, id }: TypedColumn, notes: string[]): Promise<void> {
  const classes = await db.rows(
    `SELECT ${id}, count(*) FROM data WHERE ${id} IS NOT NULL GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT ${CLASSES_LOOKED_AT}`,
  );
  const alike = alikeTexts(classes.map(([text, rows]) => [String(text), Number(rows)] as const));
  if (alike.length === 0) return;
  const others = alike.flatMap(([[taken], ...rest]) => rest.map(([given, rows]) => ({ given, rows, taken })));
  const cases = others.map(({ given, taken }) => `WHEN ${literal(given)} THEN ${literal(taken)}`).join(' ');
  await db.run(
    `UPDATE data SET ${id} = CASE ${id} ${cases} END, identity = NULL WHERE ${id} IN (${others.map(({ given }) => literal(given)).join(', ')})`,
  );
  notes.push(
    `The label "${name}": ${others
      .slice(0, 4)
      .map(({ given, rows, taken }) => `${spelling(given)} (${rows} ${rows === 1 ? 'row' : 'rows'}) was taken for ${spelling(taken)}`)
      .join(', ')}${others.length > 4 ? `, and ${others.length - 4} more` : ''}: classes that look the same are one.`,
  );
}

async function tellCases(db: Database, { name, id }: TypedColumn, notes: string[]): Promise<void> {
  const cased = await db.rows(
    `SELECT string_agg(v, '", "' ORDER BY n DESC, v) FROM (SELECT ${id} AS v, count(*) AS n FROM data WHERE ${id} IS NOT NULL GROUP BY 1) GROUP BY lower(v) HAVING count(*) > 1 ORDER BY 1 LIMIT 3`,
  );
  for (const [names] of cased)
    notes.push(`The label "${name}" has the classes "${String(names)}", which differ in their case only and stay different classes.`);
}

/** 1.0 and 0.0 are the whole numbers 1 and 0: classes, where they are few. */
async function wholeNumbers(db: Database, column: TypedColumn, notes: string[]): Promise<TypedColumn> {
  const { name, id } = column;
  const [facts] = await db.rows(
    `SELECT count(DISTINCT ${id}), count_if(${id} <> trunc(${id}) OR abs(${id}) > 1e15 OR isinf(${id})) FROM data`,
  );
  const [distinct, broken] = facts!.map(Number) as [number, number];
  if (broken > 0 || distinct > INTEGER_CLASSES_MAX || distinct === 0) return column;
  await db.run(`ALTER TABLE data ALTER COLUMN ${id} TYPE BIGINT`);
  notes.push(
    `The label "${name}" is written as decimals, which are all whole: they were taken for ${distinct} classes. For a quantity, declare "columns": {"${name}": "number"}.`,
  );
  return { ...column, type: 'integer' };
}
