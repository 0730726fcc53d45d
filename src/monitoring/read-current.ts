import type { Column } from '../data/stored/column.ts';
import type { ReadTable } from '../data/reading/read-as.ts';
import type { DatasetProfile } from '../data/stored/dataset.ts';
import { isComparable, isNumeric } from './column-window.ts';
import type { ColumnWindow, CurrentSource } from './column-window.ts';
import { currentTable } from './current-table.ts';
import type { CurrentColumn } from './current-table.ts';

type Read<T> = { readonly result: T; readonly notes: readonly string[] };
export type OpenTable<T> = (columns: readonly Column[], use: (table: ReadTable) => Promise<Read<T>>) => Promise<Read<T>>;

export interface AboutCurrent {
  readonly moments: ReadonlySet<string>;
  readonly measured?: ReadonlyMap<string, ColumnWindow>;
  readonly origin?: string;
}

/**
 * The rows of a file as a table to compare, read as the source of the model was read. Only the
 * columns that are compared are read. Values that cannot be read are counted.
 *
 * @param open reads some columns of the file
 * @param about `moments`: points in time that are measured; `measured`: what was measured of images; `origin`: a column of the table that
 * the file does not have
 * @param use looks at the rows while the file is open
 * @returns what it gave, and what people should know of the file
 * @throws SOURCE_NOT_FOUND, SOURCE_EMPTY, SOURCE_INVALID; USAGE where nothing tells the format
 */
export async function readCurrent<T>(
  open: OpenTable<T>,
  profile: DatasetProfile,
  { moments, measured, origin }: AboutCurrent,
  use: (current: CurrentSource) => Promise<T>,
): Promise<Read<T>> {
  return open(
    profile.columns.filter((column) => isComparable(column) || moments.has(column.name)),
    async ({ db, columns, names, source, readsAgain, malformed, notes }) => {
      const present = columns.filter((column) => column.present);
      const sql = (index: number): { readonly value: string; readonly odd: string } => ({ value: `v${index}`, odd: `o${index}` });
      const typed = present.map(({ column, value, odd }) => ({
        value:
          column.type === 'timestamp'
            ? `CAST(epoch_ms(${value}) AS DOUBLE)`
            : isNumeric(column.type)
              ? `CAST(${value} AS DOUBLE)`
              : `CAST(${value} AS VARCHAR)`,
        odd,
      }));
      // A text file is read once, into memory that DuckDB bounds; columns of Parquet are read where they lie.
      if (!readsAgain)
        await db.run(
          `CREATE OR REPLACE TEMP TABLE current_rows AS SELECT ${typed.length === 0 ? '1 AS nothing' : typed.map(({ value, odd }, index) => `${value} AS v${index}, ${odd} AS o${index}`).join(', ')} FROM ${source}`,
        );
      const lines = await malformed();
      const known = present.map(({ column }, index): [string, CurrentColumn] => {
        const { value, odd } = readsAgain ? typed[index]! : sql(index);
        return [column.name, { sql: value, ...(typed[index]!.odd === 'false' ? {} : { unreadable: odd }) }];
      });
      const others = names
        .filter((name) => name !== origin && !profile.columns.some((column) => column.name === name))
        .map((name): [string, CurrentColumn] => [name, { sql: 'NULL' }]);
      const result = await use(
        currentTable({
          db,
          table: readsAgain ? source : 'current_rows',
          columns: new Map([...known, ...others]),
          ...(measured === undefined ? {} : { measured }),
        }),
      );
      return {
        result,
        notes: [
          ...notes,
          ...(lines.length === 0
            ? []
            : [`${lines.length} malformed ${lines.length === 1 ? 'line is' : 'lines are'} left out, e.g. ${lines[0]!.reason}.`]),
        ],
      };
    },
  );
}
