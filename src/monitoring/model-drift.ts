import type { Row } from '../core/tensor.ts';
import { answerRows } from '../training/bundle/answer-profile.ts';
import { currentRows } from './current-rows.ts';
import { conclude, detectDrift } from './detect.ts';
import type { DriftOptions, DriftResult } from './detect.ts';
import { rowsOf } from './prediction-window.ts';
import type { LoggedPrediction } from './prediction-window.ts';
import type { DriftReference } from './reference.ts';
import { driftSettings } from './settings.ts';

type Predictions = AsyncIterable<readonly LoggedPrediction[]>;

/**
 * Compares logged predictions with what the version was trained on: the columns of their rows and, of a model that scores anomalies,
 * its own answers with those for the rows that its threshold was taken from. Each counts where it has rows enough by itself: of
 * images and tensors only the answers are logged.
 *
 * @param read reads the predictions of the window from the start
 */
export async function detectModelDrift(
  { profile, values, columns, answers, version, reading }: DriftReference,
  read: () => Predictions,
  options: DriftOptions,
): Promise<DriftResult> {
  if (answers === undefined)
    return detectDrift({ profile, ...(values === undefined ? {} : { values }) }, currentRows(rowsOf(read()), reading), {
      ...options,
      columns,
    });
  // A rule for one column belongs to the side that has the column.
  const scores = answers.profile.columns.map(({ name }) => name);
  const own = Object.entries(options.perColumn ?? {});
  const inputs = await detectDrift({ profile, ...(values === undefined ? {} : { values }) }, currentRows(rowsOf(read()), reading), {
    ...options,
    columns,
    perColumn: Object.fromEntries(own.filter(([name]) => !scores.includes(name))),
  });
  const scored = await detectDrift(answers, currentRows(answersOf(read(), version)), {
    ...options,
    columns: scores,
    perColumn: Object.fromEntries(own.filter(([name]) => scores.includes(name))),
  });
  return conclude([inputs, scored], driftSettings(options));
}

async function* answersOf(predictions: Predictions, version: number): AsyncGenerator<Row[]> {
  for await (const records of predictions)
    yield records.filter((record) => record.version === version).flatMap(({ prediction }) => answerRows(prediction));
}
