import { isComparable } from './column-window.ts';
import { sampleBatches } from './joint/row-sample.ts';
import { notingHidden, rowsOf } from './prediction-window.ts';
import type { LoggedPrediction } from './predictions/logged-prediction.ts';
import type { DriftReference } from './reference.ts';
import { profileOfRows } from './window-profile.ts';

/**
 * The columns that a model reads as they were in questions, in place of its training: what current questions are compared with.
 *
 * @param asked reads the questions from the start; columns that their log does not show are hidden
 */
export async function askedReference(
  training: DriftReference,
  asked: () => AsyncIterable<readonly LoggedPrediction[]>,
): Promise<DriftReference> {
  const hidden = new Set<string>();
  const { profile, values } = await profileOfRows(
    training.profile.columns.filter((column) => training.columns.includes(column.name) && isComparable(column)),
    rowsOf(notingHidden(asked(), hidden)),
    training.reading,
  );
  const { values: _training, ...rest } = training;
  const found = new Map(profile.columns.map((column) => [column.name, column]));
  // What is not compared is still known: it is no column that nobody has seen before.
  const columns = training.profile.columns.map((column) => found.get(column.name) ?? column);
  return {
    ...rest,
    isAsked: true,
    hidden,
    profile: { ...profile, columns },
    ...(values === undefined ? {} : { values }),
    rowsOf: (order) => sampleBatches(rowsOf(asked()), order, training.reading),
  };
}
