import type { ArtifactRef } from '../../core/artifact.ts';
import type { ArtifactStore, OpenArtifact } from '../../core/ports.ts';
import type { Row } from '../../core/tensor.ts';
import type { ColumnProfile, SourceReading } from '../../data/stored/dataset.ts';
import { columnsOf, datasetMeta } from '../../data/stored/dataset-rows.ts';
import { parquetTable, withDatabase } from '../../data/table/duckdb.ts';
import { threadsFor, workInThreads } from '../../platform/threads.ts';
import { COUNT, NUMBER, TEXT, defineStored, fileAs, listOf, recordSchema } from '../../storage/stored.ts';
import type { StoredKind } from '../../storage/stored.ts';
import { isComparable, isNumeric } from '../column-window.ts';
import { frequentTexts } from '../joint/encode-rows.ts';
import { drawPlaces, RowReservoir, sampleTable } from '../joint/row-sample.ts';
import type { RowSample } from '../joint/row-sample.ts';
import { boostTrees, predictTrees } from '../trees/boosted-trees.ts';
import type { BoostedTrees, Matrix } from '../trees/boosted-trees.ts';
import type { ErrorMetric } from './error-metrics.ts';
import { BOOSTING } from './boosting.ts';
import type { LossTask } from './expected-error-thread.ts';

/** A column that errors are expected by; texts by the names that were frequent. */
interface ErrorColumn {
  readonly name: string;
  readonly type: ColumnProfile['type'];
  readonly names?: readonly string[];
}

/**
 * `expected-error.json` of an evaluation: how far off an answer is expected to be, from its row and the answer itself, learnt from the rows
 * of the test split.
 */
export interface ExpectedError {
  readonly formatVersion: 1;
  readonly columns: readonly ErrorColumn[];
  /** Rows that it was learnt from. */
  readonly rows: number;
  /** Of the absolute and of the squared error, in the units of the label. */
  readonly absolute: BoostedTrees;
  readonly squared: BoostedTrees;
  /** Mean square of a squared error over the mean square of what was expected of it: how far squared errors scatter. */
  readonly scatter: number;
}

const NODES = recordSchema({
  column: listOf({ type: 'integer' }),
  limit: listOf(NUMBER),
  left: listOf({ type: 'integer' }),
  right: listOf({ type: 'integer' }),
  value: listOf(NUMBER),
});
const TREES = recordSchema({ start: NUMBER, trees: listOf(NODES) });

/** {@link ExpectedError} as it is stored. */
const EXPECTED_ERROR: StoredKind<ExpectedError> = defineStored({
  name: 'expected error of a model',
  formatVersion: 1,
  schema: recordSchema({
    columns: listOf(recordSchema({ name: TEXT, type: TEXT }, { names: listOf(TEXT) })),
    rows: COUNT,
    absolute: TREES,
    squared: TREES,
    scatter: NUMBER,
  }),
});

/** File of an evaluation with it. */
export const EXPECTED_ERROR_FILE = 'expected-error.json';
/** Of fewer rows nothing is learnt that holds; of more, so many are drawn. */
const ERROR_ROWS_MIN = 300;
const ERROR_ROWS_MAX = 20_000;
/** Larger ones, squared, are no numbers any more. */
const ERROR_MAX = 1e150;
/** More numbers than that are learnt from in a thread: the event loop has to go on. */
const AT_ONCE_MAX = 20_000;

/**
 * Direct loss estimation: learns the absolute and the squared error of answers from rows that the model did not learn from.
 *
 * @param sample the rows, of the columns
 * @param answers of the model to each, and the truth
 * @returns undefined where there are too few rows, or errors beyond what can be squared
 * @see https://nannyml.readthedocs.io/en/stable/how_it_works/performance_estimation.html#direct-loss-estimation-dle
 */
export async function learnExpectedError(
  sample: RowSample,
  columns: readonly Pick<ColumnProfile, 'name' | 'type'>[],
  answers: Float64Array,
  truth: Float64Array,
  signal?: AbortSignal,
): Promise<ExpectedError | undefined> {
  const errors = answers.map((answer, row) => Math.abs(truth[row]! - answer));
  if (sample.rows < ERROR_ROWS_MIN || !errors.every((error) => error < ERROR_MAX)) return undefined;
  const known = columns.flatMap(({ name, type }): ErrorColumn[] => {
    const values = sample.columns.get(name);
    if (values === undefined) return [];
    return [values instanceof Float64Array ? { name, type } : { name, type, names: frequentTexts(values) }];
  });
  const features = featuresOf(known, sample, answers);
  const squares = errors.map((error) => error * error);
  const [absolute, squared] = (await learnTrees(features, [errors, squares], signal)) as [BoostedTrees, BoostedTrees];
  const expected = predictTrees(squared, features);
  const scatter = meanSquare(squares) / Math.max(meanSquare(expected), Number.MIN_VALUE);
  return { formatVersion: 1, columns: known, rows: sample.rows, absolute, squared, scatter: Number.isFinite(scatter) ? scatter : 1 };
}

/**
 * {@link learnExpectedError} of a model, from rows of the test split of a dataset: by the columns that the model reads, images and points
 * in time left out.
 *
 * @param answers of all rows of the test split, in their order, and the truth
 */
export async function expectedErrorOfTest(
  model: OpenArtifact,
  dataset: OpenArtifact,
  answers: Float64Array,
  truth: Float64Array,
  signal?: AbortSignal,
): Promise<ExpectedError | undefined> {
  if (answers.length < ERROR_ROWS_MIN) return undefined;
  const read = new Set((await preprocessorOf(model)).columns.map(({ name }) => name));
  const columns = datasetMeta(dataset).columns.filter((column) => read.has(column.name) && isComparable(column));
  const sample = await withDatabase(async (db) => {
    const sql = new Map((await columnsOf(db, dataset, 'test')).map((column) => [column.name, column.sql]));
    const order = { most: ERROR_ROWS_MAX, columns: columns.map(({ name, type }) => ({ name, type, numeric: isNumeric(type) })) };
    const table = parquetTable(await dataset.path('test.parquet'));
    return sampleTable(db, table, answers.length, order, (name) => sql.get(name));
  });
  const places = drawPlaces(answers.length, ERROR_ROWS_MAX);
  const picked = (values: Float64Array): Float64Array => Float64Array.from(places, (place) => values[place]!);
  return learnExpectedError(sample, columns, picked(answers), picked(truth), signal);
}

/** What of `preprocessor.json` of a model says how its rows are read. */
interface ReadRows {
  readonly columns: readonly { readonly name: string }[];
  readonly reading?: SourceReading;
}

async function preprocessorOf(model: OpenArtifact): Promise<ReadRows> {
  return (await model.json('preprocessor.json')) as unknown as ReadRows;
}

/** How the rows of a version are read, and how far off its answers are expected to be. */
export interface VersionErrors {
  readonly expected: ExpectedError;
  readonly reading: SourceReading | undefined;
}

/** @returns undefined where its evaluation has none: it is older, has too few test rows, or answers otherwise */
export async function expectedErrorOfVersion(
  artifacts: ArtifactStore,
  { model, evaluation }: { readonly model: ArtifactRef; readonly evaluation: ArtifactRef | null },
): Promise<VersionErrors | undefined> {
  if (evaluation === null) return undefined;
  const opened = await artifacts.open(evaluation);
  if (opened.manifest.files[EXPECTED_ERROR_FILE] === undefined) return undefined;
  const { reading } = await preprocessorOf(await artifacts.open(model));
  return { expected: await fileAs(opened, EXPECTED_ERROR, EXPECTED_ERROR_FILE), reading };
}

async function learnTrees(features: Matrix, targets: readonly Float64Array[], signal: AbortSignal | undefined): Promise<BoostedTrees[]> {
  const tasks = targets.map((own): LossTask => ({ features, targets: own }));
  if (features.values.length <= AT_ONCE_MAX) return tasks.map((task) => boostTrees(task.features, task.targets, BOOSTING));
  return workInThreads<LossTask, BoostedTrees>({
    entry: 'expected-error',
    what: 'learning the expected error',
    data: null,
    tasks,
    threads: threadsFor(tasks.length),
    signal,
  });
}

const meanSquare = (values: Float64Array): number => values.reduce((sum, value) => sum + value * value, 0) / values.length;

/** The answer, and the columns: numbers as they are, texts as a number for each frequent one. What is missing is NaN. */
function featuresOf(columns: readonly ErrorColumn[], { rows, columns: values }: RowSample, answers: Float64Array): Matrix {
  const parts: Float64Array[] = [answers];
  for (const { name, names } of columns) {
    const own = values.get(name);
    if (names === undefined) parts.push(own instanceof Float64Array ? own : new Float64Array(rows).fill(Number.NaN));
    else
      for (const one of names)
        parts.push(
          Float64Array.from({ length: rows }, (_, row) => (own === undefined || own[row] === null ? Number.NaN : own[row] === one ? 1 : 0)),
        );
  }
  const matrix = new Float64Array(rows * parts.length);
  parts.forEach((part, at) => {
    for (let row = 0; row < rows; row += 1) matrix[row * parts.length + at] = part[row]!;
  });
  return { rows, width: parts.length, values: matrix };
}

/** Errors that answers are expected to have: for the time in which no truth is known yet. */
export interface EstimatedErrors {
  /** By names of metrics; 95 % of the time what labels will show lies between `low` and `high`, if the expected errors are right. */
  readonly metrics: Readonly<Record<ErrorMetric, { readonly value: number; readonly low: number; readonly high: number }>>;
  /** Answers that it was worked out from. */
  readonly rows: number;
  /** Rows of the test split that errors were learnt from. */
  readonly learntFrom: number;
  /** Further answers, whose rows are not logged with all that the error is expected by; left out where there are none. */
  readonly withoutRow?: number;
}

/** Standard normal quantile of the upper end of a 95 % interval. */
const NORMAL_95 = 1.959964;

/** Adds up what is expected of answers, batch by batch. */
export class ErrorSums {
  #rows = 0;
  #absolute = 0;
  #squared = 0;
  /** Variances of the sums. */
  #spread = 0;
  #spreadOfSquares = 0;

  /** @param sample rows with the columns that the error is expected by */
  add(expected: ExpectedError, sample: RowSample, answers: Float64Array): void {
    const features = featuresOf(expected.columns, sample, answers);
    const absolute = predictTrees(expected.absolute, features);
    const squared = predictTrees(expected.squared, features);
    this.#rows += sample.rows;
    for (let row = 0; row < sample.rows; row += 1) {
      this.#absolute += absolute[row]!;
      this.#squared += squared[row]!;
      this.#spread += Math.max(0, squared[row]! - absolute[row]! ** 2);
      this.#spreadOfSquares += Math.max(0, expected.scatter - 1) * squared[row]! ** 2;
    }
  }

  /** undefined: nothing was added. */
  finish({ rows: learntFrom }: ExpectedError): EstimatedErrors | undefined {
    const rows = this.#rows;
    if (rows === 0) return undefined;
    const around = (sum: number, variance: number): { readonly value: number; readonly low: number; readonly high: number } => {
      const [value, half] = [Math.max(0, sum / rows), (NORMAL_95 * Math.sqrt(variance)) / rows];
      return { value, low: Math.max(0, value - half), high: value + half };
    };
    const squared = around(this.#squared, this.#spreadOfSquares);
    return {
      rows,
      learntFrom,
      metrics: {
        meanAbsoluteError: around(this.#absolute, this.#spread),
        meanSquaredError: squared,
        rootMeanSquaredError: { value: Math.sqrt(squared.value), low: Math.sqrt(squared.low), high: Math.sqrt(squared.high) },
      },
    };
  }
}

/** Rows as they were asked about, column by column. @param reading of the model that was asked */
export function columnsOfRows({ columns }: ExpectedError, rows: readonly Row[], reading: SourceReading | undefined): RowSample {
  const reservoir = new RowReservoir(
    { most: rows.length, columns: columns.map(({ name, type, names }) => ({ name, type, numeric: names === undefined })) },
    reading,
  );
  for (const row of rows) reservoir.add(row);
  return reservoir.finish();
}
