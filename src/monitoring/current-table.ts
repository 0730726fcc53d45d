import { measureAll } from '../data/table/columns.ts';
import type { Database } from '../data/table/duckdb.ts';
import { numbersOf } from '../data/table/number-columns.ts';
import type { ColumnReference, ColumnWindow, CurrentSource } from './column-window.ts';
import { numberSample } from './drift/drift-test.ts';
import { sampleTable } from './joint/row-sample.ts';

/** Names kept per column that the reference does not have, the most frequent ones: of others, only the rows are counted. */
const NEW_NAMES_MAX = 1_000;

/** A column of current rows as SQL. */
export interface CurrentColumn {
  /** A DOUBLE where the reference has numbers, else a VARCHAR; NULL where there is no value, or none that can be read. */
  readonly sql: string;
  /** BOOLEAN: there is a value, and it cannot be read. Left out where that cannot be. */
  readonly unreadable?: string;
}

/** Current rows as a table of DuckDB. */
export interface CurrentTable {
  readonly db: Database;
  /** Name of a table, or a subquery in parentheses. */
  readonly table: string;
  /** By name. What the reference has and this has not is absent. */
  readonly columns: ReadonlyMap<string, CurrentColumn>;
  /** What was measured of images, and whether there are any, by name. */
  readonly measured?: ReadonlyMap<string, ColumnWindow>;
}

/**
 * Looks at a table: only the columns that are compared are read, numbers as they lie in memory and categories counted where they lie.
 * Of more than a million rows, the numbers of every so many are looked at.
 */
export function currentTable({ db, table, columns, measured }: CurrentTable): CurrentSource {
  return async (wanted, known, order) => {
    const [rows] = (await measureAll(db, ['count(*)'], table)) as [number];
    return {
      rows,
      unknown: [...columns.keys()].filter((name) => !known.has(name)).sort(),
      ...(order === undefined
        ? {}
        : {
            sample: () =>
              sampleTable(db, table, rows, order, (name) => {
                const column = columns.get(name);
                return column === undefined ? undefined : `CASE WHEN ${column.unreadable ?? 'false'} THEN NULL ELSE ${column.sql} END`;
              }),
          }),
      async *columns() {
        const numbers: [string, CurrentColumn][] = [];
        for (const reference of wanted) {
          const { name } = reference.column;
          const column = columns.get(name);
          if (reference.ofImages !== undefined) yield [name, measured?.get(name) ?? { rows, missing: rows, invalid: 0, present: false }];
          else if (column === undefined) yield [name, { rows, missing: rows, invalid: 0, present: false }];
          else if (reference.sample === undefined || reference.freeText) yield [name, await countedOnly(db, table, column, rows)];
          else if (reference.numeric) numbers.push([name, column]);
          else yield [name, await categories(db, table, column, reference, rows)];
        }
        for await (const { index, values } of numbersOf(
          db,
          table,
          numbers.map(([, column]) => marked(column)),
          rows,
        )) {
          yield [
            numbers[index]![0],
            { rows: values.rows, missing: values.missing, invalid: values.infinite, present: true, sample: numberSample(values.finite) },
          ];
        }
      },
    };
  };
}

/** What cannot be read becomes infinite, which numbers of a column that can be compared are not. */
function marked({ sql, unreadable }: CurrentColumn): string {
  return unreadable === undefined ? sql : `CASE WHEN ${unreadable} THEN CAST('inf' AS DOUBLE) ELSE ${sql} END`;
}

async function countedOnly(db: Database, table: string, { sql, unreadable }: CurrentColumn, rows: number): Promise<ColumnWindow> {
  const [count, invalid] = (await measureAll(db, [`count(${sql})`, unreadable === undefined ? '0' : `count_if(${unreadable})`], table)) as [
    number,
    number,
  ];
  return { rows, missing: rows - count - invalid, invalid, present: true };
}

async function categories(
  db: Database,
  table: string,
  { sql, unreadable }: CurrentColumn,
  { sample }: ColumnReference,
  rows: number,
): Promise<ColumnWindow> {
  const counts = new Map<string, number>();
  const added: [string, number][] = [];
  let [missing, invalid, other] = [0, 0, 0];
  for await (const {
    rows: length,
    columns: [names, all, bad],
  } of namesOf(db, table, { sql, ...(unreadable === undefined ? {} : { unreadable }) }, rows)) {
    for (let index = 0; index < length; index++) {
      const [name, count] = [names![index] as string | null, Number(all![index])];
      if (name === null) {
        invalid += Number(bad![index]);
        missing += count - Number(bad![index]);
      } else if (sample?.kind === 'category' && sample.counts.has(name)) counts.set(name, count);
      else {
        added.push([name, count]);
        if (added.length >= 2 * NEW_NAMES_MAX) other += keepFrequent(added);
      }
    }
  }
  other += keepFrequent(added);
  for (const [name, count] of added) counts.set(name, count);
  return { rows, missing, invalid, present: true, sample: { kind: 'category', counts, other } };
}

/** Bytes that the names of one reading take: far fewer than what the database may have, as it holds them several times over. */
const NAME_BYTES_MAX = 1 << 27;
/** Beside its text: hash, counts, and where it lies. */
const BYTES_PER_NAME = 80;

/**
 * Each value of a column as text, or null, with the number of its rows and of those that cannot be read. As many different ones as would
 * not go into memory are counted in several readings, each of some of them.
 *
 * @param rows of the table
 * @param bytesMax of the names of one reading
 */
export async function* namesOf(
  db: Database,
  table: string,
  { sql, unreadable }: CurrentColumn,
  rows: number,
  bytesMax = NAME_BYTES_MAX,
): ReturnType<Database['chunks']> {
  const name = `CAST(${sql} AS VARCHAR)`;
  let readings = 1;
  // A short text is part of what is counted with it.
  if (rows * BYTES_PER_NAME > bytesMax) {
    const about = [`approx_count_distinct(${name})`, `coalesce(avg(strlen(${name})), 0)`];
    const [different, length] = (await measureAll(db, about, table)) as [number, number];
    readings = Math.max(1, Math.ceil((different * (BYTES_PER_NAME + length)) / bytesMax));
  }
  for (let reading = 0; reading < readings; reading += 1) {
    const some = readings === 1 ? '' : ` WHERE hash(${name}) % ${readings} = ${reading}`;
    yield* db.chunks(
      `SELECT ${name} AS name, count(*), ${unreadable === undefined ? '0' : `count_if(${unreadable})`} FROM ${table}${some} GROUP BY name`,
    );
  }
}

/** Shortens the list to the most frequent names; the rows of the others. */
function keepFrequent(names: [string, number][]): number {
  names.sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1));
  return names.splice(NEW_NAMES_MAX).reduce((sum, [, count]) => sum + count, 0);
}
