import { measureAll } from '../table/columns.ts';
import type { Database } from '../table/duckdb.ts';
import type { TypedColumn } from '../reading/source-column.ts';
import { timestampFormatOf } from '../reading/value-format.ts';

const UNITS = [
  ['s', 1_000],
  ['ms', 1],
  ['us', 1 / 1_000],
  ['ns', 1 / 1_000_000],
] as const;
/** Years in which numbers that count from 1970 are looked for. */
const [COUNTED_FROM, COUNTED_TO] = [Date.UTC(1990, 0, 1), Date.UTC(2100, 0, 1)];

/** Texts of digits in a column of points in time: nobody but the document says what they count. */
export function countsHint(reasons: readonly { readonly example: string }[]): string {
  for (const { example } of reasons) {
    const [, name, digits] = /^"(.+)" is no timestamp: (\d{9,19})(?:\.\d*)?$/.exec(example) ?? [];
    const unit = UNITS.find(([, factor]) => Number(digits) * factor >= COUNTED_FROM && Number(digits) * factor < COUNTED_TO);
    if (unit !== undefined)
      return `If the numbers of "${name}" count from 1970, declare "columns": {"${name}": {"timestamp": {"unit": "${unit[0]}"}}}. `;
  }
  return '';
}

/** Numbers without a unit count milliseconds, as in a request; the document may have meant something else. */
export async function countedNotes(db: Database, columns: readonly TypedColumn[]): Promise<string[]> {
  const counted = columns.filter(
    ({ type, from, numbers, format }) =>
      type === 'timestamp' &&
      (numbers === true || from === 'integer' || from === 'number' || from === 'exact') &&
      timestampFormatOf(format)?.unit === undefined,
  );
  const range = await measureAll(
    db,
    counted.flatMap(({ id }) => [`epoch_ms(min(${id}))`, `epoch_ms(max(${id}))`, `count(${id})`]),
    'data',
  );
  const iso = (moment: number): string => new Date(moment).toISOString();
  return counted.flatMap(({ name }, at) => {
    const [first, last, count] = range.slice(3 * at, 3 * at + 3) as [number, number, number];
    return count === 0
      ? []
      : [
          `The numbers of "${name}" are taken for milliseconds since 1970: they are points in time from ${iso(first)} to ${iso(last)}. Declare "columns": {"${name}": {"timestamp": {"unit": "s"}}} if they count seconds.`,
        ];
  });
}
