import type { ObjectHead } from '../../core/ports.ts';
import type { HiddenColumns } from '../../core/prediction-log.ts';
import type { Prediction, Row } from '../../core/tensor.ts';
import { parseJson } from '../../data/reading/json-numbers.ts';
import { COUNT, OBJECT, TEXT, defineStored, listOf, orNull, recordSchema } from '../../storage/stored.ts';
import type { StoredKind } from '../../storage/stored.ts';
import type { MeasuredImages } from '../measures/measured-images.ts';
import { LOG_HINT, Unread, readLines, refuseUnread } from '../../storage/unread.ts';

/** One line of `predictions/<model>/<yyyy-mm-dd>/<HH>-<server>-<seq>.ndjson` (day and hour in UTC). */
export interface LoggedPrediction {
  /** ISO 8601, UTC. */
  readonly time: string;
  readonly id: string;
  readonly version: number;
  /** The row as it was sent, images and what is hidden left out; null where the client sent tensors, or the row was too long. */
  readonly row: Row | null;
  readonly prediction: Prediction;
  /** What was measured of the images of the row, by column; null where there is none. Absent: the server did not measure. */
  readonly measured?: MeasuredImages;
  /** What of the row is not written, or as a digest, because a deployment says so. */
  readonly hidden?: HiddenColumns;
  /**
   * Where a rollout goes on: which one, which of its versions this is, and by which name the caller goes in it. Absent: the request was
   * outside of it.
   */
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
    {
      id: TEXT,
      prediction: OBJECT,
      measured: OBJECT,
      hidden: recordSchema({}, { leftOut: listOf(TEXT), hashed: listOf(TEXT) }),
      rollout: TEXT,
      arm: TEXT,
      unit: TEXT,
    },
  ),
  broken: { code: 'DATA_INVALID', hint: LOG_HINT },
  at: 'predictions/*/*/*.ndjson',
  lines: true,
});

/** @param key where the lines come from. @param unread is told of lines that are none; without it they are a DATA_INVALID */
export function parseLines(text: string, key: string, unread: Unread | undefined): LoggedPrediction[] {
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

/** A day of a model's log: lines as the servers wrote them, and those of them that were packed. */
export interface LoggedDay {
  readonly model: string;
  /** `yyyy-mm-dd`, UTC. */
  readonly day: string;
  readonly written: ObjectHead[];
  readonly packed: ObjectHead[];
}

const KEY = /^predictions\/(.+)\/(\d{4}-\d\d-\d\d)\/([^/]+)$/;
const PACKED = /^packed-(\d{6})\.parquet$/;

export const dayPrefix = (model: string, day: string): string => `predictions/${model}/${day}/`;
/** @param number from 1 on */
export const packedKey = (model: string, day: string, number: number): string =>
  `${dayPrefix(model, day)}packed-${String(number).padStart(6, '0')}.parquet`;
/** From 1 on; undefined: it is no packed part of a log. */
export function packedNumber(key: string): number | undefined {
  const found = PACKED.exec(key.slice(key.lastIndexOf('/') + 1))?.[1];
  return found === undefined ? undefined : Number(found);
}
/** Listed objects by model and day, in the order of their keys. */
export async function* byDay(heads: AsyncIterable<ObjectHead>): AsyncGenerator<LoggedDay> {
  let current: LoggedDay | undefined;
  for await (const head of heads) {
    const [, model, day, name] = KEY.exec(head.key) ?? [];
    if (model === undefined || day === undefined || name === undefined) continue;
    if (current?.model !== model || current.day !== day) {
      if (current !== undefined) yield current;
      current = { model, day, written: [], packed: [] };
    }
    if (PACKED.test(name)) current.packed.push(head);
    else if (name.endsWith('.ndjson')) current.written.push(head);
  }
  if (current !== undefined) yield current;
}
