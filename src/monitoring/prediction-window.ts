import type { ObjectStore } from '../core/ports.ts';
import { isPerennialError, messageOf } from '../core/errors.ts';
import type { Row } from '../core/tensor.ts';
import { emitted } from '../platform/emitted.ts';
import type { Unread } from '../storage/unread.ts';
import { withMeasured } from './measures/measured-images.ts';
import { byDay, dayPrefix, parseLines } from './predictions/logged-prediction.ts';
import type { LoggedPrediction } from './predictions/logged-prediction.ts';
import { withPackedPart } from './predictions/packed-part.ts';
import type { WhichLines } from './predictions/packed-part.ts';

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

/** The logged predictions of a model with `from ≤ time < to`, part by part: those that can be read, see {@link WindowOptions}. */
export async function* readPredictions(store: ObjectStore, model: string, options: WindowOptions): AsyncGenerator<LoggedPrediction[]> {
  const [from, to] = [options.from.getTime(), options.to.getTime()];
  const holds = ({ time, version }: LoggedPrediction): boolean => {
    const at = Date.parse(time);
    return at >= from && at < to && (options.version === undefined || version === options.version);
  };
  for (let day = Math.floor(from / DAY_MS) * DAY_MS; day < to; day += DAY_MS) {
    for await (const { key, text } of textsOfDay(store, model, day, { from, to, unread: options.unread })) {
      const records = parseLines(text, key, options.unread).filter(holds);
      if (records.length > 0) yield records;
    }
  }
}

/**
 * The lines of a day, each once: what was packed counts from the packed part, also while the object that it came from is still there.
 * What is packed by somebody while it is read is found in its new place.
 */
async function* textsOfDay(
  store: ObjectStore,
  model: string,
  day: number,
  { from, to, unread }: { readonly from: number; readonly to: number; readonly unread: Unread | undefined },
): AsyncGenerator<{ readonly key: string; readonly text: string }> {
  const prefix = dayPrefix(model, new Date(day).toISOString().slice(0, 10));
  const read = new Set<string>();
  const packed = new Set<string>();
  for (let hasMoved = true; hasMoved;) {
    hasMoved = false;
    for await (const { packed: parts, written } of byDay(store.list(prefix))) {
      for (const { key } of parts.filter((part) => !packed.has(part.key))) {
        packed.add(key);
        const before = new Set(read);
        for await (const part of partOf(store, key, { from, to, except: before }, unread)) {
          if ('text' in part) yield { key, text: part.text };
          else for (const source of part.sources) read.add(source);
        }
      }
      for (const { key } of written) {
        const name = key.slice(prefix.length);
        if (read.has(name) || !mayHold(name, day, from, to)) continue;
        const text = await textOf(store, key);
        hasMoved ||= text === undefined;
        if (text === undefined) continue;
        read.add(name);
        yield { key, text };
      }
    }
  }
}

/** First what it was packed from, then its lines. A part that is not whole is told of, as a line that cannot be read is. */
async function* partOf(
  store: ObjectStore,
  key: string,
  which: WhichLines,
  unread: Unread | undefined,
): AsyncGenerator<{ readonly sources: readonly string[] } | { readonly text: string }> {
  try {
    yield* emitted<{ readonly sources: readonly string[] } | { readonly text: string }>((emit) =>
      withPackedPart(store, key, async (part) => {
        await emit({ sources: await part.sources() });
        for await (const lines of part.lines(which)) await emit({ text: lines.join('\n') });
      }),
    );
  } catch (error) {
    // Removed since it was listed: it was too old.
    if (isPerennialError(error, 'OBJECT_NOT_FOUND')) return;
    if (unread === undefined || !isPerennialError(error, 'DATA_INVALID')) throw error;
    unread.add(key, 1, messageOf(error));
  }
}

/** undefined: it is not there any more. */
async function textOf(store: ObjectStore, key: string): Promise<string | undefined> {
  try {
    return new TextDecoder().decode((await store.get(key)).body);
  } catch (error) {
    if (isPerennialError(error, 'OBJECT_NOT_FOUND')) return undefined;
    throw error;
  }
}

/** The same predictions, and the names of the columns that they do not show. @param hidden gets them while the predictions are read */
export async function* notingHidden(
  predictions: AsyncIterable<readonly LoggedPrediction[]>,
  hidden: Set<string>,
): AsyncGenerator<readonly LoggedPrediction[]> {
  for await (const records of predictions) {
    for (const { hidden: own } of records) for (const names of Object.values(own ?? {})) for (const name of names) hidden.add(name);
    yield records;
  }
}

/** The rows of predictions that were logged with their columns, and with what was measured of their images. */
export async function* rowsOf(predictions: AsyncIterable<readonly LoggedPrediction[]>): AsyncGenerator<Row[]> {
  for await (const records of predictions) {
    const rows = records.flatMap(({ row, measured }) => (row === null ? [] : [withMeasured(row, measured)]));
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
