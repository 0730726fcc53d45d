import { isPerennialError, messageOf } from '../../core/errors.ts';
import type { ObjectStore } from '../../core/ports.ts';
import { mapLimited } from '../../storage/concurrency.ts';
import { Unread } from '../../storage/unread.ts';
import { byDay, parseLines } from './logged-prediction.ts';
import type { LoggedDay, LoggedPrediction } from './logged-prediction.ts';
import { withPackedPart } from './packed-part.ts';

export interface FoundPredictions {
  readonly predictions: readonly (LoggedPrediction & {
    readonly model: string;
    /** The object that it stands in. */
    readonly key: string;
  })[];
  /** Days of logs that were looked through, and the first of them (`yyyy-mm-dd`); null: there is no log. */
  readonly days: number;
  readonly since: string | null;
  /** What could not be read on the way. */
  readonly notes: readonly string[];
}

export interface FindOptions {
  /** Default: all models. */
  readonly model?: string;
  /** `yyyy-mm-dd`, UTC: nothing is looked at before. */
  readonly since?: string;
}

const CONCURRENT_READS = 16;

/**
 * Predictions by the id of their request: of one row where the id names one (`ID/ROW`), otherwise of all its rows. Looks from the newest
 * day on, and no further than the day on which it is found.
 */
export async function findPredictions(store: ObjectStore, id: string, { model, since }: FindOptions = {}): Promise<FoundPredictions> {
  const days: LoggedDay[] = [];
  for await (const day of byDay(store.list(model === undefined ? 'predictions/' : `predictions/${model}/`)))
    if ((since === undefined || day.day >= since) && (model === undefined || day.model === model)) days.push(day);
  days.sort((a, b) => (a.day < b.day ? 1 : a.day > b.day ? -1 : a.model < b.model ? -1 : 1));
  const unread = new Unread();
  const found: FoundPredictions['predictions'][number][] = [];
  let looked = 0;
  for (const day of days) {
    if (found.length > 0 && found[0]!.time.slice(0, 10) !== day.day) break;
    looked += 1;
    found.push(...(await findInDay(store, id, day, unread)));
  }
  found.sort((a, b) => a.time.localeCompare(b.time) || a.id.localeCompare(b.id, 'en', { numeric: true }));
  const first = days.map(({ day }) => day).sort()[0];
  return { predictions: found, days: looked, since: first ?? null, notes: unread.notes };
}

async function findInDay(
  store: ObjectStore,
  id: string,
  { model, written, packed }: LoggedDay,
  unread: Unread,
): Promise<FoundPredictions['predictions'][number][]> {
  const isAsked = (one: LoggedPrediction): boolean => one.id === id || one.id.startsWith(`${id}/`);
  const covered = new Set<string>();
  const found: FoundPredictions['predictions'][number][] = [];
  const add = (key: string, text: string): void => {
    for (const one of parseLines(text, key, unread)) if (isAsked(one)) found.push({ ...one, model, key });
  };
  for (const { key } of packed) {
    try {
      const [sources, lines] = await withPackedPart(store, key, async (part) => [await part.sources(), await part.linesOf(id)] as const);
      for (const source of sources) covered.add(source);
      add(key, lines.join('\n'));
    } catch (error) {
      if (isPerennialError(error, 'OBJECT_NOT_FOUND')) continue;
      if (!isPerennialError(error, 'DATA_INVALID')) throw error;
      unread.add(key, 1, messageOf(error));
    }
  }
  // Every line with the id holds this text; most objects hold none.
  const trace = JSON.stringify(id).slice(1, -1);
  const open = written.filter(({ key }) => !covered.has(key.slice(key.lastIndexOf('/') + 1)));
  await mapLimited(open, CONCURRENT_READS, async ({ key }) => {
    const text = await store.get(key).then(
      ({ body }) => new TextDecoder().decode(body),
      (error: unknown) => {
        if (isPerennialError(error, 'OBJECT_NOT_FOUND')) return '';
        throw error;
      },
    );
    if (text.includes(trace))
      add(
        key,
        text
          .split('\n')
          .filter((line) => line.includes(trace))
          .join('\n'),
      );
  });
  return found;
}
