import { PerennialError } from '../../core/errors.ts';
import type { Stream, StreamRow } from './stream.ts';
import type { SourceTable } from './table.ts';

export interface TableSettings {
  /** For people. */
  readonly name: string;
  /** Column of the time of a row. */
  readonly time: string;
  /** The first so many days are known at the start. */
  readonly history: number;
  /** At most so many are played. */
  readonly days: number;
  readonly label: string;
  readonly times: readonly string[];
  readonly excluded: readonly string[];
}

const DAY_MS = 86_400_000;
/** Larger numbers are milliseconds. */
const SECONDS_MAX = 1e11;
const MOMENT = /^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?)\s*(Z|[+-]\d{2}(?::?\d{2})?)?)?$/i;

/**
 * A table played by its own time: its first days are known at the start, the days after them come one by one. They are played as the days
 * of the simulated clock; a day without rows stays one.
 *
 * @throws COLUMN_MISSING, DATA_INVALID for rows without a time, USAGE for a table that has no day left to play
 */
export function tableStream(table: SourceTable, settings: TableSettings): Stream {
  const { time, history, label, times, excluded } = settings;
  if (!table.columns.some(({ name }) => name === time))
    throw new PerennialError(
      'COLUMN_MISSING',
      `The table has no column "${time}"; it has ${table.columns.map(({ name }) => name).join(', ')}.`,
      {
        hint: 'Give the column of the time of a row with --time.',
      },
    );
  const byDay = new Map<number, StreamRow[]>();
  for (const [index, row] of table.rows.entries()) {
    const ms = momentOf(row[time]);
    if (Number.isNaN(ms))
      throw new PerennialError(
        'DATA_INVALID',
        `Row ${index + 1} of the table has ${JSON.stringify(row[time])} as "${time}", which is no time.`,
        {
          hint: 'Write times as "2026-01-31T07:45:00Z" or "2026-01-31".',
        },
      );
    const { [label]: value, ...rest } = row;
    if (value === null || value === undefined) continue;
    const day = Math.floor(ms / DAY_MS);
    const own = byDay.get(day);
    const played: StreamRow = { row: rest, label: value, at: ms / DAY_MS - day };
    if (own === undefined) byDay.set(day, [played]);
    else own.push(played);
  }
  const first = Math.min(...byDay.keys());
  const last = Math.max(...byDay.keys());
  const begin = first + history;
  const days = Math.min(settings.days, last - begin + 1);
  if (byDay.size === 0 || days < 1)
    throw new PerennialError(
      'USAGE',
      byDay.size === 0
        ? 'No row of the table has a label.'
        : `The table has rows of ${last - first + 1} days, of which ${history} are known at the start: none is left to play.`,
      { hint: 'Give fewer days to --history.' },
    );
  return {
    name: settings.name,
    days,
    label,
    columns: table.columns.map(({ name }) => name),
    times: [...new Set([...times, time])],
    features: table.columns
      .filter(({ name, kind }) => name !== label && name !== time && !times.includes(name) && !excluded.includes(name) && kind !== 'time')
      .map(({ name, kind }) => ({ name, numeric: kind === 'number' || kind === 'integer' })),
    world: (day) => ({ words: day < 0 ? '' : new Date((begin + day) * DAY_MS).toISOString().slice(0, 10) }),
    rows: (day) => byDay.get(begin + day) ?? [],
  };
}

/** Of a number of seconds or milliseconds, or a text; what names no zone is UTC. NaN: it is no time. */
function momentOf(value: unknown): number {
  if (typeof value === 'number') return value < SECONDS_MAX ? value * 1_000 : value;
  if (typeof value !== 'string') return NaN;
  const [, day, time = '00:00', zone = 'Z'] = MOMENT.exec(value.trim()) ?? [];
  if (day === undefined) return NaN;
  return Date.parse(`${day}T${time}${/^[+-]\d{2}$/.test(zone) ? `${zone}:00` : zone.toUpperCase()}`);
}
