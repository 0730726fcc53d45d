import { inOnePass } from '../platform/one-pass.ts';
import { isComparable } from './column-window.ts';
import { measuredImageColumns } from './measures/measured-images.ts';
import { sampleBatches } from './joint/row-sample.ts';
import { answersOf } from './model-drift.ts';
import { notingHidden, rowsOf } from './prediction-window.ts';
import type { LoggedPrediction } from './predictions/logged-prediction.ts';
import type { DriftReference } from './reference.ts';
import { profileOfRows } from './window-profile.ts';

/**
 * The columns that a model reads as they were in questions, in place of its training: what current questions are compared with. Its answers
 * are compared with its own to these questions: without rows enough of them, with nothing.
 *
 * @param asked reads the questions from the start; columns that their log does not show are hidden
 * @param rowsMin with fewer answers of this version there is no reference of them
 */
export async function askedReference(
  training: DriftReference,
  asked: () => AsyncIterable<readonly LoggedPrediction[]>,
  rowsMin: number,
): Promise<DriftReference> {
  const hidden = new Set<string>();
  const { values: known, answers, withoutAnswers, ...rest } = training;
  const own = training.profile.columns.filter((column) => training.columns.includes(column.name));
  const measured = own.flatMap((column) => (column.type === 'image' ? measuredImageColumns(column, training.profile, known) : []));
  const [{ profile, values }, answered] = await inOnePass(notingHidden(asked(), hidden), [
    (batches: AsyncIterable<readonly LoggedPrediction[]>) =>
      profileOfRows([...own.filter(isComparable), ...measured], rowsOf(batches), training.reading),
    async (batches: AsyncIterable<readonly LoggedPrediction[]>) =>
      answers === undefined ? undefined : profileOfRows(answers.profile.columns, answersOf(batches, training.version, answers)),
  ]);
  const found = new Map(profile.columns.map((column) => [column.name, column]));
  // What is not compared is still known: it is no column that nobody has seen before.
  const columns = [...training.profile.columns, ...measured].map((column) => found.get(column.name) ?? column);
  const isKnown = answers !== undefined && answered !== undefined && answered.profile.rows >= rowsMin;
  const why =
    withoutAnswers ??
    `Answers are not compared: of the earlier questions version ${training.version} itself answered ${answered?.profile.rows ?? 0}, and at least ${rowsMin} are needed.`;
  return {
    ...rest,
    isAsked: true,
    hidden,
    profile: { ...profile, columns },
    ...(values === undefined ? {} : { values }),
    ...(isKnown ? { answers: { ...answered, rowOf: answers.rowOf } } : { withoutAnswers: why }),
    rowsOf: (order) => sampleBatches(rowsOf(asked()), order, training.reading),
  };
}
