import type { ObjectStore } from '../core/ports.ts';
import type { Unread } from '../storage/unread.ts';
import { askedReference } from './asked-reference.ts';
import { readPredictions } from './prediction-window.ts';
import type { LoggedPrediction } from './predictions/logged-prediction.ts';
import type { DriftReference } from './reference.ts';

/** What comes again: a week, a day, a year. */
export interface Season {
  readonly everyMs: number;
  /** So many of the last ones. */
  readonly count: number;
}

/** What was asked at the same time of earlier seasons, as a reference; or why that is none yet. */
export type SeasonalReference =
  { readonly reference: DriftReference; readonly when: string } | { readonly reference: undefined; readonly why: string };

export interface SeasonalWindow {
  readonly from: Date;
  /** Not included. */
  readonly to: Date;
}

/**
 * The columns that a model reads as they were in the questions at the same time of the last seasons, whichever version answered them, and
 * the answers that this version gave to them: what differs between Sunday and Monday is no drift. What stays different for all of these
 * seasons is normal then. Seasons are of equal length by UTC: of two windows on both sides of a change of the clocks one is an hour off.
 * Each window has a reference of its own, so that windows cannot be looked at together.
 *
 * @param rowsMin with fewer rows there is no reference
 * @param unread is told of lines that cannot be read
 */
export async function seasonalReference(
  store: ObjectStore,
  training: DriftReference,
  { from, to }: SeasonalWindow,
  { season, rowsMin, unread }: { readonly season: Season; readonly rowsMin: number; readonly unread: Unread },
): Promise<SeasonalReference> {
  const windows = Array.from({ length: season.count }, (_, at) => ({
    from: new Date(from.getTime() - (at + 1) * season.everyMs),
    to: new Date(to.getTime() - (at + 1) * season.everyMs),
  }));
  let seasons = 0;
  async function* asked(): AsyncGenerator<readonly LoggedPrediction[]> {
    // From the oldest on, so that the rows lie in the order of their time.
    for (const window of windows.toReversed()) {
      let rows = 0;
      for await (const records of readPredictions(store, training.model, { ...window, unread })) {
        rows += records.filter(({ row }) => row !== null).length;
        yield records;
      }
      if (rows > 0) seasons += 1;
    }
  }
  const reference = await askedReference(training, asked, rowsMin);
  const { rows } = reference.profile;
  const last = `the last ${season.count === 1 ? 'season' : `${season.count} seasons`} (from ${windows.at(-1)!.from.toISOString()} on)`;
  const when = `the same time of ${seasons > 0 && seasons < season.count ? `${seasons} of ` : ''}${last}`;
  // Of tensors only the answers are logged.
  if (rows < rowsMin && reference.answers === undefined)
    return { reference: undefined, why: `${rows} rows were asked about at ${when}, and at least ${rowsMin} are needed.` };
  return { reference, when };
}
