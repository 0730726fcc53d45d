import { parseJson } from '../data/reading/json-numbers.ts';
import type { ObjectStore } from '../core/ports.ts';
import { COUNT, OBJECT, TEXT, defineStored, orNull, recordSchema } from '../storage/stored.ts';
import type { StoredKind } from '../storage/stored.ts';
import { LOG_HINT, Unread, readLines, refuseUnread } from '../storage/unread.ts';
import type { Prediction, Row } from '../core/tensor.ts';

/** What is read of a logged prediction. */
export interface LoggedPrediction {
  /** ISO 8601, UTC. */
  readonly time: string;
  readonly id: string;
  readonly version: number;
  /** null: the client sent tensors, or the row was too long to be logged. */
  readonly row: Row | null;
  readonly prediction: Prediction;
  /** Absent: no rollout went on, or the request was outside of it. */
  readonly rollout?: string;
  readonly arm?: string;
  readonly unit?: string;
}

/**
 * A line as it is stored. Lines do not say their format, as there are millions of them: another one gets a name of its own in place of
 * `.ndjson`.
 */
export const PREDICTION: StoredKind<LoggedPrediction> = defineStored({
  name: 'logged prediction',
  formatVersion: 1,
  unmarked: 1,
  schema: recordSchema(
    { time: TEXT, version: COUNT, row: orNull(OBJECT) },
    { id: TEXT, prediction: OBJECT, rollout: TEXT, arm: TEXT, unit: TEXT },
  ),
  broken: { code: 'DATA_INVALID', hint: LOG_HINT },
  at: 'predictions/*/*/*.ndjson',
  lines: true,
});

export interface WindowOptions {
  readonly from: Date;
  /** Not included. */
  readonly to: Date;
  /** Only predictions of this version. */
  readonly version?: number;
  /** Is told of lines that cannot be read. Without it, a line that is no prediction is a DATA_INVALID. */
  readonly unread?: Unread;
}

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** The logged predictions of a model with `from ≤ time < to`, object by object: those that can be read, see {@link WindowOptions}. */
export async function* readPredictions(store: ObjectStore, model: string, options: WindowOptions): AsyncGenerator<LoggedPrediction[]> {
  const [from, to] = [options.from.getTime(), options.to.getTime()];
  for (let day = Math.floor(from / DAY_MS) * DAY_MS; day < to; day += DAY_MS) {
    const prefix = `predictions/${model}/${new Date(day).toISOString().slice(0, 10)}/`;
    for await (const { key } of store.list(prefix)) {
      if (!mayHold(key.slice(prefix.length), day, from, to)) continue;
      const { body } = await store.get(key);
      const records = parseLines(new TextDecoder().decode(body), key, options.unread).filter(({ time, version }) => {
        const at = Date.parse(time);
        return at >= from && at < to && (options.version === undefined || version === options.version);
      });
      if (records.length > 0) yield records;
    }
  }
}

/** The rows of predictions that were logged with their columns. */
export async function* rowsOf(predictions: AsyncIterable<readonly LoggedPrediction[]>): AsyncGenerator<Row[]> {
  for await (const records of predictions) {
    const rows = records.flatMap(({ row }) => (row === null ? [] : [row]));
    if (rows.length > 0) yield rows;
  }
}

/** By the hour that the name starts with. */
function mayHold(name: string, day: number, from: number, to: number): boolean {
  const hour = /^(\d{2})-/.exec(name)?.[1];
  if (hour === undefined) return name.endsWith('.ndjson');
  const start = day + Number(hour) * HOUR_MS;
  return start < to && start + HOUR_MS > from;
}

function parseLines(text: string, key: string, unread: Unread | undefined): LoggedPrediction[] {
  const told = unread ?? new Unread();
  const records = readLines(PREDICTION, text, key, parseLine, told, ({ time }) =>
    Number.isNaN(Date.parse(time)) ? `no logged prediction: its "time" is ${JSON.stringify(time)}` : undefined,
  );
  if (unread === undefined) refuseUnread(told);
  return records;
}

/** A line of a log; what is no JSON is shown as the text that it is. */
export function parseLine(line: string): unknown {
  try {
    return parseJson(line);
  } catch {
    return line;
  }
}
