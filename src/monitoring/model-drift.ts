import { ANSWER_PREFIX } from '../core/prediction-log.ts';
import type { Prediction, Row } from '../core/tensor.ts';
import type { SourceReading } from '../data/stored/dataset.ts';
import { inOnePass } from '../platform/one-pass.ts';
import type { Before, Compared } from './drift-checks/run-drift-check.ts';
import { currentRows } from './current-rows.ts';
import type { RowBatches } from './current-rows.ts';
import { conclude, judgeWindow } from './detect.ts';
import type { DriftOptions, DriftResult, JudgedWindow, TrainingProfile } from './detect.ts';
import type { FeedbackRecord } from './feedback/feedback-record.ts';
import type { LabelReference } from './feedback/label-window.ts';
import { notingHidden, rowsOf } from './prediction-window.ts';
import type { LoggedPrediction } from './predictions/logged-prediction.ts';
import type { AnswerReference, DriftReference } from './reference.ts';
import { driftSettings } from './settings.ts';
import type { ColumnOptions } from './settings.ts';

type Predictions = AsyncIterable<readonly LoggedPrediction[]>;
type Label = NonNullable<FeedbackRecord['label']>;

/**
 * Compares logged predictions with what the version was trained on, or with earlier ones: the columns of their rows; its own answers with
 * those for rows that it was not trained on; and labels that came to be known with those of its training, though not with earlier ones.
 * Each counts where it has rows enough by itself: of tensors only the answers are logged. Columns that the log does not show
 * are not compared.
 *
 * @param read reads the predictions of the window from the start
 * @param before windows of the same stream, newest first
 * @param labels that came to be known in the window
 */
export async function judgeModelDrift(
  reference: DriftReference,
  read: () => Predictions,
  options: DriftOptions,
  before: Before = [],
  labels: readonly Label[] = [],
): Promise<Compared> {
  const hidden = new Set(reference.hidden);
  const told = reference.isAsked === true ? [] : labels.map((label) => reference.labels?.rowOf(label)).filter((row) => row !== undefined);
  const compared = await judgeShown(reference, () => notingHidden(read(), hidden), options, before, told);
  // A deployment says what is not logged, so that it may begin or end anywhere in the window.
  const { result, parts } = hidden.size === 0 ? compared : await judgeShown(reference, read, { ...options, hidden }, before, told);
  return { result: reference.isAsked === true ? { ...result, isAsked: true } : result, parts };
}

/** Columns that are judged together: those of rows, of answers or of labels. */
interface Family {
  /** As its windows are called in a stream. */
  readonly part: string;
  readonly reference: TrainingProfile;
  readonly columns: readonly string[];
  readonly reading?: SourceReading;
  /** What of the predictions belongs to it; undefined: it is in `told`. */
  rows?(predictions: Predictions): AsyncIterable<readonly Row[]>;
  readonly told?: readonly Row[];
}

function familiesOf(reference: DriftReference, told: readonly Row[]): [Family, ...Family[]] {
  const { columns, reading, answers, labels, version } = reference;
  const namesOf = ({ profile }: TrainingProfile): string[] => profile.columns.map(({ name }) => name);
  return [
    { part: 'inputs', reference, columns, ...(reading === undefined ? {} : { reading }), rows: rowsOf },
    ...(answers === undefined
      ? []
      : [{ part: 'answers', reference: answers, columns: namesOf(answers), rows: (all: Predictions) => answersOf(all, version, answers) }]),
    ...(labels === undefined ? [] : namesOf(labels).flatMap((name) => labelFamily(labels, name, told))),
  ];
}

/** One of several labels may be told without the others, which are not missing then. */
function labelFamily(labels: LabelReference, name: string, told: readonly Row[]): Family[] {
  const own = told.filter((row) => Object.hasOwn(row, name));
  if (own.length === 0) return [];
  const { reading } = labels;
  return [{ part: name, reference: labels, columns: [name], ...(reading === undefined ? {} : { reading }), told: own }];
}

async function judgeShown(
  reference: DriftReference,
  read: () => Predictions,
  options: DriftOptions,
  before: Before,
  told: readonly Row[],
): Promise<Compared> {
  const families = familiesOf(reference, told);
  // All families share one bound.
  const looks = (options.looks ?? 1) * families.length;
  const judge = (family: Family, rows: RowBatches): Promise<JudgedWindow> => {
    return judgeWindow(family.reference, currentRows(rows, family.reading), {
      ...options,
      columns: family.columns,
      // Whole rows are those that were asked about.
      ...(family.part === 'inputs' ? {} : { joint: [] }),
      looks,
      before: before.flatMap(({ parts }) => parts[family.part] ?? []),
      perColumn: rulesOf(reference, families, family, options.perColumn),
    });
  };
  const logged = families.flatMap((family) => (family.rows === undefined ? [] : [{ family, rows: family.rows }]));
  const judged = [
    ...(await inOnePass(
      read(),
      logged.map(
        ({ family, rows }) =>
          (predictions: Predictions) =>
            judge(family, rows(predictions)),
      ),
    )),
    ...(await Promise.all(families.flatMap((family) => (family.told === undefined ? [] : [judge(family, [family.told])])))),
  ];
  const { withoutAnswers } = reference;
  return concludeFamilies(families, judged, options, withoutAnswers === undefined ? [] : [withoutAnswers]);
}

function concludeFamilies(
  families: readonly Pick<Family, 'part'>[],
  judged: readonly JudgedWindow[],
  options: DriftOptions,
  notes: readonly string[],
): Compared {
  const [first, ...others] = judged.map(({ result }) => result);
  const result = families.length === 1 ? first! : conclude([first!, ...others], driftSettings(options));
  return {
    result: notes.length === 0 ? result : { ...result, notes },
    parts: Object.fromEntries(families.map(({ part }, place) => [part, judged[place]!.window])),
  };
}

/**
 * Compares rows of a file with what the version was trained on, and its answers to them with those for rows that it was not trained on.
 *
 * @param judgeInputs compares the columns by the rules that it is given
 * @param predictions of the version, in the order of the rows; undefined: it was not asked
 * @param before windows of the same stream, newest first
 */
export async function judgeFileDrift(
  reference: DriftReference,
  judgeInputs: (options: DriftOptions) => Promise<JudgedWindow>,
  predictions: readonly Prediction[] | undefined,
  options: DriftOptions,
  before: Before = [],
): Promise<Compared> {
  const { answers: known, ...rest } = reference;
  const isAsked = predictions !== undefined && known !== undefined;
  const families = familiesOf(isAsked ? { ...rest, answers: known } : rest, []);
  const [inputs, answers] = families;
  const rules = (family: Family): DriftOptions => ({
    ...options,
    columns: family.columns,
    looks: (options.looks ?? 1) * families.length,
    before: before.flatMap(({ parts }) => parts[family.part] ?? []),
    perColumn: rulesOf(reference, families, family, options.perColumn),
  });
  const judged = [await judgeInputs(rules(inputs))];
  if (answers !== undefined && isAsked) {
    const rows = predictions.map((prediction) => known.rowOf(prediction)).filter((row) => row !== undefined);
    judged.push(await judgeWindow(known, currentRows([rows]), { ...rules(answers), joint: [] }));
  }
  return concludeFamilies(families, judged, options, []);
}

/**
 * A rule for one column belongs to the family that has the column; one that nothing has is the first family's to complain about. What is
 * said of answers and labels says nothing while none are known.
 */
function rulesOf(
  { labels, answers }: DriftReference,
  families: readonly Family[],
  family: Family,
  perColumn: DriftOptions['perColumn'] = {},
): Record<string, ColumnOptions> {
  const isUnknown = (name: string): boolean =>
    (answers === undefined && name.startsWith(ANSWER_PREFIX)) || labels?.profile.columns.some((column) => column.name === name) === true;
  const ownerOf = (name: string): Family | undefined =>
    families.find(({ columns }) => columns.includes(name)) ?? (isUnknown(name) ? undefined : families[0]);
  return Object.fromEntries(Object.entries(perColumn).filter(([name]) => ownerOf(name) === family));
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
