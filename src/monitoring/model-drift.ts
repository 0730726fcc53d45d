import type { Row } from '../core/tensor.ts';
import { answerRows } from '../training/bundle/answer-profile.ts';
import type { Before, Compared } from './drift-checks/run-drift-check.ts';
import { currentRows } from './current-rows.ts';
import { conclude, judgeWindow } from './detect.ts';
import type { DriftOptions, DriftResult, KeptWindow } from './detect.ts';
import { notingHidden, rowsOf } from './prediction-window.ts';
import type { LoggedPrediction } from './predictions/logged-prediction.ts';
import type { DriftReference } from './reference.ts';
import { driftSettings } from './settings.ts';

type Predictions = AsyncIterable<readonly LoggedPrediction[]>;

/**
 * Compares logged predictions with what the version was trained on, or with earlier ones: the columns of their rows and, of a model that
 * scores anomalies, its own answers with those for the rows that its threshold was taken from. Each counts where it has rows enough by
 * itself: of images and tensors only the answers are logged. Columns that the log does not show are not compared.
 *
 * @param read reads the predictions of the window from the start
 * @param before windows of the same stream, newest first
 */
export async function judgeModelDrift(
  reference: DriftReference,
  read: () => Predictions,
  options: DriftOptions,
  before: Before = [],
): Promise<Compared> {
  const hidden = new Set(reference.hidden);
  const compared = await judgeShown(reference, () => notingHidden(read(), hidden), options, before);
  // A deployment says what is not logged, so that it may begin or end anywhere in the window.
  const { result, parts } = hidden.size === 0 ? compared : await judgeShown(reference, read, { ...options, hidden }, before);
  return { result: reference.isAsked === true ? { ...result, isAsked: true } : result, parts };
}

async function judgeShown(reference: DriftReference, read: () => Predictions, options: DriftOptions, before: Before): Promise<Compared> {
  const { columns, answers, version, reading } = reference;
  const partOf = (name: string): readonly KeptWindow[] => before.flatMap(({ parts }) => parts[name] ?? []);
  if (answers === undefined) {
    const judged = await judgeWindow(reference, currentRows(rowsOf(read()), reading), { ...options, columns, before: partOf('inputs') });
    return { result: judged.result, parts: { inputs: judged.window } };
  }
  // A rule for one column belongs to the side that has the column.
  const scores = answers.profile.columns.map(({ name }) => name);
  const own = Object.entries(options.perColumn ?? {});
  // Two families share one bound.
  const looks = (options.looks ?? 1) * 2;
  const inputs = await judgeWindow(reference, currentRows(rowsOf(read()), reading), {
    ...options,
    columns,
    looks,
    before: partOf('inputs'),
    perColumn: Object.fromEntries(own.filter(([name]) => !scores.includes(name))),
  });
  const scored = await judgeWindow(answers, currentRows(answersOf(read(), version)), {
    ...options,
    columns: scores,
    joint: [],
    looks,
    before: partOf('answers'),
    perColumn: Object.fromEntries(own.filter(([name]) => scores.includes(name))),
  });
  return {
    result: conclude([inputs.result, scored.result], driftSettings(options)),
    parts: { inputs: inputs.window, answers: scored.window },
  };
}

/** A comparison that says nothing. @param why it does not; undefined: it does */
export function withoutVerdict(compared: Compared, why: string | undefined): Compared {
  if (why === undefined) return compared;
  return { ...compared, result: { ...compared.result, drifted: false, enoughRows: false, summary: `No verdict: ${why}` } };
}

/** {@link judgeModelDrift} of a window by itself. */
export async function detectModelDrift(reference: DriftReference, read: () => Predictions, options: DriftOptions): Promise<DriftResult> {
  return (await judgeModelDrift(reference, read, options)).result;
}

async function* answersOf(predictions: Predictions, version: number): AsyncGenerator<Row[]> {
  for await (const records of predictions)
    yield records.filter((record) => record.version === version).flatMap(({ prediction }) => answerRows(prediction));
}
