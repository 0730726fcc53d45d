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
    training.profile.columns.filter(({ name }) => training.columns.includes(name)),
    rowsOf(notingHidden(asked(), hidden)),
    training.reading,
  );
  const { values: _training, ...rest } = training;
  return {
    ...rest,
    hidden,
    profile,
    ...(values === undefined ? {} : { values }),
    rowsOf: (order) => sampleBatches(rowsOf(asked()), order, training.reading),
  };
}
