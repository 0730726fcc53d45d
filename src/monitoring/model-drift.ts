import { ANSWER_PREFIX } from '../core/prediction-log.ts';
import type { Row } from '../core/tensor.ts';
import type { SourceReading } from '../data/stored/dataset.ts';
import { inOnePass } from '../platform/one-pass.ts';
import type { Before, Compared } from './drift-checks/run-drift-check.ts';
import { currentRows } from './current-rows.ts';
import { conclude, judgeWindow } from './detect.ts';
import type { DriftOptions, DriftResult, TrainingProfile } from './detect.ts';
import { notingHidden, rowsOf } from './prediction-window.ts';
import type { LoggedPrediction } from './predictions/logged-prediction.ts';
import type { AnswerReference, DriftReference } from './reference.ts';
import { driftSettings } from './settings.ts';
import type { ColumnOptions } from './settings.ts';

type Predictions = AsyncIterable<readonly LoggedPrediction[]>;

/**
 * Compares logged predictions with what the version was trained on, or with earlier ones: the columns of their rows and its own answers with
 * those for rows that it was not trained on. Each counts where it has rows enough by itself: of images and tensors only the answers are
 * logged. Columns that the log does not show are not compared.
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

/** Columns that are judged together: those of rows, or those of answers. */
interface Family {
  /** As its windows are called in a stream. */
  readonly part: string;
  readonly reference: TrainingProfile;
  readonly columns: readonly string[];
  readonly reading?: SourceReading;
  rows(predictions: Predictions): AsyncIterable<readonly Row[]>;
}

function familiesOf(reference: DriftReference): [Family, ...Family[]] {
  const { columns, reading, answers, version } = reference;
  return [
    { part: 'inputs', reference, columns, ...(reading === undefined ? {} : { reading }), rows: rowsOf },
    ...(answers === undefined
      ? []
      : [
          {
            part: 'answers',
            reference: answers,
            columns: answers.profile.columns.map(({ name }) => name),
            rows: (predictions: Predictions) => answersOf(predictions, version, answers),
          },
        ]),
  ];
}

async function judgeShown(reference: DriftReference, read: () => Predictions, options: DriftOptions, before: Before): Promise<Compared> {
  const families = familiesOf(reference);
  // All families share one bound.
  const looks = (options.looks ?? 1) * families.length;
  const judged = await inOnePass(
    read(),
    families.map((family, place) => (predictions: Predictions) => {
      return judgeWindow(family.reference, currentRows(family.rows(predictions), family.reading), {
        ...options,
        columns: family.columns,
        // Whole rows are those that were asked about.
        ...(place === 0 ? {} : { joint: [] }),
        looks,
        before: before.flatMap(({ parts }) => parts[family.part] ?? []),
        perColumn: rulesOf(families, place, options.perColumn),
      });
    }),
  );
  const [first, ...others] = judged.map(({ result }) => result);
  const result = families.length === 1 ? first! : conclude([first!, ...others], driftSettings(options));
  const notes = notesOf(reference);
  return {
    result: notes.length === 0 ? result : { ...result, notes },
    parts: Object.fromEntries(families.map(({ part }, place) => [part, judged[place]!.window])),
  };
}

/**
 * A rule for one column belongs to the family that has the column; one that nothing has is the first family's to complain about. What is
 * said of answers says nothing where these are not known.
 */
function rulesOf(families: readonly Family[], place: number, perColumn: DriftOptions['perColumn'] = {}): Record<string, ColumnOptions> {
  const owner = (name: string): number => {
    const found = families.findIndex(({ columns }) => columns.includes(name));
    return found < 0 && families.length === 1 && name.startsWith(ANSWER_PREFIX) ? -1 : Math.max(found, 0);
  };
  return Object.fromEntries(Object.entries(perColumn).filter(([name]) => owner(name) === place));
}

const notesOf = ({ withoutAnswers }: DriftReference): string[] => (withoutAnswers === undefined ? [] : [withoutAnswers]);

/** A comparison that says nothing. @param why it does not; undefined: it does */
export function withoutVerdict(compared: Compared, why: string | undefined): Compared {
  if (why === undefined) return compared;
  return { ...compared, result: { ...compared.result, drifted: false, enoughRows: false, summary: `No verdict: ${why}` } };
}

/** {@link judgeModelDrift} of a window by itself. */
export async function detectModelDrift(reference: DriftReference, read: () => Predictions, options: DriftOptions): Promise<DriftResult> {
  return (await judgeModelDrift(reference, read, options)).result;
}

/** Answers of another version are distributed otherwise, and are left out. */
export async function* answersOf(
  predictions: Predictions,
  version: number,
  { rowOf }: Pick<AnswerReference, 'rowOf'>,
): AsyncGenerator<Row[]> {
  for await (const records of predictions) {
    const own = records.filter((record) => record.version === version);
    const rows = own.map(({ prediction }) => rowOf(prediction)).filter((row) => row !== undefined);
    if (rows.length > 0) yield rows;
  }
}
