import { PerennialError } from '../../core/errors.ts';
import { requireColumn } from '../table/columns.ts';
import { literal } from '../table/duckdb.ts';
import type { Database } from '../table/duckdb.ts';
import { rejectRows } from '../reading/load-table.ts';
import type { TypedColumn } from '../reading/source-column.ts';
import { momentHint } from '../reading/suggestions.ts';
import { durationMs } from '../../core/duration.ts';
import type { RecentConfig, TimeConfig } from './growth.ts';
import type { IngestConfig } from './ingest-config.ts';

/** What was left out since nobody knew of it, or since it is too old. */
export interface KnownInTime {
  /** Rows that lie after the nominal time. */
  readonly future: number;
  /** Rows that had happened by then, and arrived later. */
  readonly late: number;
  /** Rows that are older than "recent" asks for. */
  readonly older: number;
  readonly notes: readonly string[];
}

const NONE: KnownInTime = { future: 0, late: 0, older: 0, notes: [] };

/** The columns that say when rows happened and were known. */
export function timeColumns({ time }: IngestConfig): string[] {
  return [time?.column, time?.knownAt].filter((name) => name !== undefined);
}

/** Rows without a time: nobody can say whether they were known. @throws DATA_INVALID where the document refuses them */
export async function rejectTimeless(db: Database, columns: readonly TypedColumn[], config: IngestConfig): Promise<void> {
  for (const name of timeColumns(config)) {
    const column = columns.find((one) => one.name === name);
    if (column === undefined) continue;
    if (config.time!.missing === 'refuse') {
      const [found] = await db.rows(`SELECT count(*), min(rowid) + 1 FROM data WHERE ${column.id} IS NULL`);
      const [rows, first] = found!.map(Number) as [number, number];
      if (rows > 0)
        throw new PerennialError(
          'DATA_INVALID',
          `${rows} row${rows === 1 ? ' has' : 's have'} no time in "${name}" (the first of those that were read is row ${first}), and "time.missing" is "refuse".`,
          { hint: 'Correct the source, or set "missing": "quarantine" to leave such rows out within the budget.' },
        );
    }
    await rejectRows(db, columns, `${column.id} IS NULL`, literal(`the time column "${name}" is missing`));
  }
}

/**
 * Leaves the rows of `data` that were known at the nominal time: they had happened, and had arrived where the document names the column
 * that says when. Of those the newest, where the mode asks for them.
 *
 * @throws CONFIG_INVALID for a column that holds no times, SOURCE_EMPTY where nothing was known yet
 */
export async function keepKnown(
  db: Database,
  columns: readonly TypedColumn[],
  config: IngestConfig,
  nominalTime: string,
): Promise<KnownInTime> {
  const { time } = config;
  if (time === undefined) return NONE;
  const event = await timeColumn(db, columns, time.column, 'time.column');
  const arrival = time.knownAt === undefined ? undefined : await timeColumn(db, columns, time.knownAt, 'time.knownAt');
  const now = Date.parse(nominalTime);
  const at = `epoch_ms(${event.id})`;
  const arrived = arrival === undefined ? undefined : `epoch_ms(${arrival.id})`;
  const [counted] = await db.rows(
    `SELECT count(*), count_if(${at} > ${now}), min(CASE WHEN ${at} > ${now} THEN ${at} END), max(${at}), ${
      arrived === undefined
        ? '0, 0, NULL'
        : `count_if(${at} <= ${now} AND ${arrived} > ${now}), count_if(${at} <= ${now} AND ${arrived} < ${at}), min(CASE WHEN ${at} <= ${now} AND ${arrived} > ${now} THEN ${arrived} END)`
    } FROM data`,
  );
  const [all, future, firstAhead, last, late, before, firstLate] = counted!.map(Number) as [
    number,
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  const notes = [
    ...(future === 0
      ? []
      : [
          `${rowsOf(future)} after the nominal time ${nominalTime} by "${time.column}" (the first at ${iso(firstAhead)}, the last at ${iso(last)}): nobody knew of them then, and they are left out.`,
        ]),
    ...(late === 0
      ? []
      : [
          `${rowsOf(late)} before the nominal time ${nominalTime} and arrived after it by "${time.knownAt}" (the first at ${iso(firstLate)}): they are left out of this run.`,
        ]),
    ...(before === 0
      ? []
      : [
          `${before} row${before === 1 ? ' was' : 's were'} known by "${time.knownAt}" before ${before === 1 ? 'it' : 'they'} happened by "${time.column}": a clock was wrong, or the columns are mixed up. They count from the later of both times.`,
        ]),
  ];
  if (all > 0 && future + late === all)
    throw new PerennialError(
      'SOURCE_EMPTY',
      `None of ${all} rows was known at the nominal time ${nominalTime}: ${future} lie after it by "${time.column}"${late === 0 ? '' : `, ${late} arrived later by "${time.knownAt}"`}.`,
      {
        hint: 'Run it for a later nominal time, or correct the clock of the source; "columns": {"…": {"timestamp": {"zone": "Europe/Berlin"}}} says which zone times without one are of.',
      },
    );
  if (future + late > 0) await db.run(`DELETE FROM data WHERE ${at} > ${now}${arrived === undefined ? '' : ` OR ${arrived} > ${now}`}`);
  const older = config.mode === 'recent' ? await keepRecent(db, event, config.recent!, now) : 0;
  return { future, late, older, notes };
}

const rowsOf = (count: number): string => `${count} row${count === 1 ? ' lies' : 's lie'}`;
const iso = (time: number): string => new Date(time).toISOString();

async function timeColumn(db: Database, columns: readonly TypedColumn[], name: TimeConfig['column'], where: string): Promise<TypedColumn> {
  const column = requireColumn(columns, name, where);
  if (column.type === 'timestamp') return column;
  throw new PerennialError('CONFIG_INVALID', `${where}: "${name}" is a ${column.type} column, not timestamps.`, {
    hint: await momentHint(db, column, 'data'),
  });
}

async function keepRecent(db: Database, event: TypedColumn, { last, rows }: RecentConfig, now: number): Promise<number> {
  const [range] = await db.rows(`SELECT count(*), epoch_ms(max(${event.id})) FROM data`);
  const [before, newest] = range!.map(Number) as [number, number];
  if (last === undefined)
    // Of the rows of one moment those that stand last in the source.
    await db.run(`DELETE FROM data WHERE rowid NOT IN (SELECT rowid FROM data ORDER BY ${event.id} DESC, rowid DESC LIMIT ${rows!})`);
  else await db.run(`DELETE FROM data WHERE epoch_ms(${event.id}) <= ${now - durationMs(last)}`);
  const [left] = await db.rows('SELECT count(*) FROM data');
  if (before > 0 && Number(left![0]) === 0)
    throw new PerennialError(
      'SOURCE_EMPTY',
      `No row of "${event.name}" lies within the last ${last!} before ${iso(now)}: the newest is of ${iso(newest)}.`,
      { hint: 'Give a longer "last", or a number of "rows".' },
    );
  return before - Number(left![0]);
}
