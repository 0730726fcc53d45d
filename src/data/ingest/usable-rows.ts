import type { IngestConfig } from './ingest-config.ts';
import { PerennialError } from '../../core/errors.ts';
import { requireColumn } from '../table/columns.ts';
import { literal } from '../table/duckdb.ts';
import type { Database } from '../table/duckdb.ts';
import { rejectRows } from '../reading/load-table.ts';
import type { TypedColumn } from '../reading/source-column.ts';
import { momentHint } from '../reading/suggestions.ts';
import { countsHint } from './counted-times.ts';
import { durationMs } from '../../core/duration.ts';
import { rejectTimeless } from './time-known.ts';

/** Why rows were set aside. */
export interface Reason {
  readonly reason: string;
  readonly rows: number;
  readonly example: string;
}

/** Rows that cannot be used: without a label or a time. */
export async function rejectUnusable(
  db: Database,
  columns: readonly TypedColumn[],
  labels: readonly TypedColumn[],
  config: IngestConfig,
): Promise<void> {
  const time = config.split?.by === 'time' ? config.split.column : undefined;
  for (const column of columns) {
    if (labels.includes(column)) {
      await rejectRows(db, columns, `${column.id} IS NULL`, literal(`the label "${column.name}" is missing`));
      if (column.type === 'number') await rejectRows(db, columns, `isinf(${column.id})`, literal(`the label "${column.name}" is infinite`));
    } else if (column.name === time || column.name === config.window?.column)
      await rejectRows(db, columns, `${column.id} IS NULL`, literal(`the time column "${column.name}" is missing`));
  }
  await rejectTimeless(db, columns, config);
}

/** Leaves the rows of the window. @returns how many lie outside @throws CONFIG_INVALID, SOURCE_EMPTY */
export async function applyWindow(
  db: Database,
  columns: readonly TypedColumn[],
  config: IngestConfig,
  nominalTime: string,
): Promise<number> {
  const { window } = config;
  if (window === undefined) return 0;
  const column = requireColumn(columns, window.column, 'window.column');
  if (column.type !== 'timestamp')
    throw new PerennialError('CONFIG_INVALID', `window.column: "${column.name}" is a ${column.type} column, not timestamps.`, {
      hint: await momentHint(db, column, 'data'),
    });
  const [range] = await db.rows(`SELECT epoch_ms(min(${column.id})), epoch_ms(max(${column.id})), count(*) FROM data`);
  const [first, latest, before] = range!.map(Number) as [number, number, number];
  const end = window.until === 'latest' ? latest : Date.parse(nominalTime);
  const start = end - durationMs(window.last);
  await db.run(`DELETE FROM data WHERE epoch_ms(${column.id}) <= ${start} OR epoch_ms(${column.id}) > ${end}`);
  const [left] = await db.rows('SELECT count(*) FROM data');
  if (Number(left![0]) === 0) {
    const iso = (time: number) => new Date(time).toISOString();
    throw new PerennialError(
      'SOURCE_EMPTY',
      `No row of "${column.name}" lies within the last ${window.last} before ${iso(end)}: the data run from ${iso(first)} to ${iso(latest)}.`,
      { hint: 'Give a longer window, or "until": "latest" to measure back from the newest row.' },
    );
  }
  return before - Number(left![0]);
}

/** Share of the rows that may be quarantined, unless the document says another. */
export const BUDGET = 0.05;

/** @throws DATA_INVALID where more rows were set aside than the budget allows */
export function checkBudget(quarantined: number, good: number, budget: number, reasons: readonly Reason[]): void {
  const share = quarantined / (quarantined + good);
  if (share <= budget && good > 0) return;
  const list = reasons
    .slice(0, 5)
    .map(
      (item) =>
        `${item.example.startsWith(item.reason) && item.example !== item.reason && item.rows < 4 ? item.example : item.reason} (${item.rows} rows)`,
    )
    .join('; ');
  throw new PerennialError(
    'DATA_INVALID',
    `${quarantined} of ${quarantined + good} rows cannot be used (${(100 * share).toFixed(1)} %, the budget is ${(100 * budget).toFixed(1)} %): ${list}.`,
    {
      hint: `${countsHint(reasons)}Correct the source, or raise "budget" of the ingest step if losing these rows is acceptable.`,
      details: { reasons },
    },
  );
}
