import type { Packing } from './packed-features.ts';
import type { ColumnType, Column } from './column.ts';
import type { JsonObject } from '../../core/json.ts';
import type { OutputSpec, Row, Tensor, TensorBatch, TensorSpec } from '../../core/tensor.ts';
import type { ColumnData } from '../transforms/column-data.ts';
import type { Recency } from './recency.ts';
import type { FittedSequence } from './sequence.ts';
import type { TextShape } from '../table/text-shape.ts';
import { COUNT, NUMBER, OBJECT, TENSOR, TEXT, defineStored, listOf, mapOf, orNull, recordSchema } from '../../storage/stored.ts';
import type { StoredKind } from '../../storage/stored.ts';

/** How a source was read: what it takes to read another file, or a request, to the same values. It travels with the model. */
export interface SourceReading {
  readonly formatVersion: 1;
  /** `source` of the document without its path, with what was found out about it. */
  readonly source: { readonly format: string } & JsonObject;
  /** All columns that were kept, the labels among them. */
  readonly columns: readonly Column[];
  /**
   * Values of a typed source are read as JSON of them shows them: numbers of 32 bits by their shortest decimal, lists, structs and
   * decimals as JSON writes them. Left out by versions that read them as the database shows them.
   */
  readonly canonical?: true;
}

export const SPLITS = ['train', 'validation', 'test'] as const;
export type Split = (typeof SPLITS)[number];

/**
 * `meta` of a `dataset` artifact. Files: `<split>.parquet` per split (column order as in `columns`), `<split>.digests3` (8 bytes a row, in
 * its order, of the columns `toldBy`: what tells whether two datasets share rows), `profile.json` and, where that is not all,
 * `reference.bin` (of the train split), `raw-test.<format>` (some rows of the
 * test split as the source had them).
 */
export interface DatasetMeta {
  /** Absent in datasets of version 0.1.0. */
  readonly reading?: SourceReading;
  readonly columns: readonly Column[];
  /** Column to predict, the first of several. */
  readonly label: string | null;
  readonly furtherLabels?: readonly string[];
  /** What labels are learnt as unless the document says so, where their values alone would not tell: as the version before did. */
  readonly labelKinds?: Readonly<Record<string, 'classes' | 'number'>>;
  /** The last version was the reference of its reading: what was read without one may have other types. */
  readonly compared?: true;
  /** Columns that equal the label in every row. */
  readonly labelCopies?: readonly string[];
  readonly rows: Readonly<Record<Split, number>>;
  /** Names of the columns by which rows are known again. Absent in datasets that keep no such digests. */
  readonly toldBy?: readonly string[];
  /** Column that orders a time series, where the split is by time. */
  readonly timeColumn?: string;
  /**
   * Of rows that were appended: the version that had not seen them, and the digests of the datasets that it was made from. Datasets of
   * one group have no rows in common.
   */
  readonly appendedTo?: { readonly model: string; readonly version: number; readonly datasets: readonly (readonly string[])[] };
  /** Column that says of each row which split it is in, where the document named one. */
  readonly splitColumn?: string;
  /** Rows left out with their reasons (`quarantine.parquet`, where there are any). */
  readonly quarantined: number;
  /**
   * The file of rows as the source had them, and their places in the test split, -1 for one that was set aside later; absent where there
   * is none.
   */
  readonly rawTest?: { readonly file: string; readonly positions: readonly number[] };
  readonly source: JsonObject;
}

const SPLIT_ROWS = recordSchema({ train: COUNT, validation: COUNT, test: COUNT });
const COLUMNS = listOf(recordSchema({ name: TEXT, type: TEXT }));

/** {@link DatasetMeta} as it is stored. */
export const DATASET: StoredKind<DatasetMeta> = defineStored({
  name: 'facts of a dataset',
  formatVersion: 1,
  unmarked: 1,
  schema: recordSchema(
    { columns: COLUMNS, label: orNull(TEXT), rows: SPLIT_ROWS, quarantined: COUNT, source: OBJECT },
    {
      reading: recordSchema({ formatVersion: { const: 1 }, source: recordSchema({ format: TEXT }), columns: COLUMNS }),
      furtherLabels: listOf(TEXT),
      labelKinds: mapOf({ enum: ['classes', 'number'] }),
      compared: { const: true },
      labelCopies: listOf(TEXT),
      timeColumn: TEXT,
      appendedTo: recordSchema({ model: TEXT, version: COUNT, datasets: listOf(listOf(TEXT)) }),
      splitColumn: TEXT,
      rawTest: recordSchema({ file: TEXT, positions: listOf({ type: 'integer' }) }),
    },
  ),
});

/**
 * `profile.json`: the distribution of each column. With `reference.bin` beside it, which has what does not fit in here (all values up
 * to a generous number, all categories), it is what drift is measured against.
 */
export interface ColumnProfile {
  readonly name: string;
  readonly type: ColumnType;
  readonly count: number;
  readonly missing: number;
  /** Numbers of more than a million rows: of the rows that were looked at, so that there may be more. */
  readonly distinct: number;
  /**
   * Numbers: count, mean, std (of the population), min and max are those of all finite values; quantiles, edges and counts too up to a
   * million rows, beyond it those of every so many rows. Bins are [edges[i], edges[i+1]), the last closed, cut at the deciles; `sample`
   * has at most 2,000 values at evenly spaced places of the order.
   */
  readonly number?: {
    readonly min: number;
    readonly max: number;
    readonly mean: number;
    readonly std: number;
    readonly quantiles: Readonly<Record<string, number>>;
    readonly edges: readonly number[];
    readonly counts: readonly number[];
    readonly sample: readonly number[];
  };
  /** Strings and booleans: the most frequent values, the rest as `other`. */
  readonly categories?: { readonly counts: Readonly<Record<string, number>>; readonly other: number };
  /** Strings of more values than `categories` lists: what some of them look like. */
  readonly texts?: TextShape;
}

export interface DatasetProfile {
  readonly formatVersion: 1;
  readonly rows: number;
  readonly columns: readonly ColumnProfile[];
}

/** {@link DatasetProfile} as it is stored. */
export const PROFILE: StoredKind<DatasetProfile> = defineStored({
  name: 'profile of a dataset',
  formatVersion: 1,
  schema: recordSchema({
    rows: COUNT,
    columns: listOf(
      recordSchema(
        { name: TEXT, type: TEXT, count: COUNT, missing: COUNT, distinct: COUNT },
        { number: recordSchema({ quantiles: mapOf(NUMBER), edges: listOf(NUMBER), counts: listOf(NUMBER), sample: listOf(NUMBER) }) },
      ),
    ),
  }),
});

/**
 * `meta` of an `examples` artifact. Files: `preprocessor.json`, `profile.json` and `reference.bin` (copied from the dataset),
 * `columns.json` (which column
 * became what, with notes) and, per split and tensor, raw
 * little-endian row-major shards `<split>/<tensor>-<00000>.bin`. The label tensor is named `@label`, several are named `@label:<column>`.
 */
export interface ExamplesMeta {
  readonly inputs: readonly TensorSpec[];
  readonly output: OutputSpec;
  readonly splits: Readonly<Record<Split, { readonly rows: number; readonly shards: readonly { readonly rows: number }[] }>>;
  /** Inputs whose shards hold 8-bit pixels: what each level stands for. */
  readonly levels?: Readonly<Record<string, PixelLevels>>;
  /** Features whose one-hot columns are stored as codes; their `formatVersion` is 2, which older versions of Perennial do not read. */
  readonly packed?: Readonly<Record<string, Packing>>;
  readonly formatVersion?: 2;
  /** Column with the weights of the training rows, where rows are weighted: the tensor `@weight` of the training examples. */
  readonly weight?: string;
  /** The column holds times, and rows count less the older they are. */
  readonly recency?: Recency;
  /** Which rows are anomalies. Training and validation hold none of them; the test examples say which they are. */
  readonly anomaly?: AnomalyMeta;
  readonly dataset: string;
}

/** {@link ExamplesMeta} as it is stored. */
export const EXAMPLES: StoredKind<ExamplesMeta> = defineStored({
  name: 'facts of examples',
  formatVersion: 2,
  unmarked: 1,
  // The first format knew no packed features, and all else was as it is.
  upgrades: { 1: (record) => record },
  schema: recordSchema(
    {
      inputs: listOf(TENSOR),
      output: recordSchema({ kind: TEXT }),
      splits: mapOf(recordSchema({ rows: COUNT, shards: listOf(recordSchema({ rows: COUNT })) })),
      dataset: TEXT,
    },
    {
      packed: mapOf(listOf({ anyOf: [recordSchema({ values: COUNT }), recordSchema({ oneHot: COUNT })] })),
      weight: TEXT,
      recency: recordSchema({ halfLife: TEXT, halfLifeMs: NUMBER, newest: NUMBER, scale: NUMBER }),
      anomaly: recordSchema({ column: TEXT, names: listOf(TEXT), listed: TEXT, rows: SPLIT_ROWS }),
    },
  ),
});

export interface AnomalyMeta {
  readonly column: string;
  /** Values of the column: of anomalies, or of all other rows. */
  readonly names: readonly string[];
  readonly listed: 'anomalies' | 'normal';
  /** Anomalies of each split of the dataset. */
  readonly rows: Readonly<Record<Split, number>>;
}

/** Values of the levels 0 to 255 of the first channel, then of the next. */
export type PixelLevels = readonly number[];

/**
 * The fitted preprocessing, as it travels inside a model: the same code turns training data and requests into tensors.
 * A windowed preprocessor takes rows in time order and gives one example per full window, in the order of the windows' last rows.
 */
export interface Preprocessor {
  readonly inputs: readonly TensorSpec[];
  readonly output: OutputSpec;
  /** Source columns that `apply` reads. Missing optional ones are imputed. */
  readonly columns: readonly (Column & { readonly required: boolean })[];
  /** How the source was read; absent in models of version 0.1.0. */
  readonly reading?: SourceReading;
  /** Rows that one example needs: 1, or the size of the window. */
  readonly windowSize: number;
  /**
   * Raw rows → input tensors.
   *
   * @param options.saturate values beyond float32 become its largest ones
   * @throws DATA_INVALID naming row and column.
   */
  apply(rows: readonly Row[], options?: { readonly saturate?: boolean }): Promise<TensorBatch>;
  /** The same, at once where nothing takes its time. Left out: it always does. @throws as {@link Preprocessor.apply}, at once too */
  applyNow?(rows: readonly Row[], options?: { readonly saturate?: boolean }): TensorBatch | Promise<TensorBatch>;
  /**
   * As {@link Preprocessor.apply}, of the columns of rows that were read already, and without windows; absent where rows are questions.
   *
   * @throws DATA_INVALID naming row and column.
   */
  applyColumns?(
    columns: ReadonlyMap<string, ColumnData>,
    rows: number,
    options?: { readonly saturate?: boolean },
  ): Promise<Record<string, Tensor>>;
  /** Of a windowed preprocessor: which windows the rows hold. */
  readonly series?: {
    readonly sequence: FittedSequence;
    /** Column that says when a row is. */
    readonly by: Pick<Column, 'name' | 'type'>;
    /** The series of each row; undefined where a model knows of one only. @throws DATA_INVALID */
    keys(rows: readonly Row[]): Promise<readonly string[] | undefined>;
    /** Windows of more rows than are held at once, batch by batch. */
    follow(): SeriesFollowing;
    /** @param options.mayBeNone whether rows without a window are no mistake @throws DATA_INVALID as {@link Preprocessor.apply} */
    windows(rows: readonly Row[], options?: { readonly mayBeNone?: boolean; readonly saturate?: boolean }): Promise<SeriesWindows>;
  };
  toJson(): JsonObject;
}

/** Rows of series that come in batches: windows reach back over the batches before. */
export interface SeriesFollowing {
  /**
   * @param columns of all rows of the batch
   * @param good places of the rows that can be read, rising: one that cannot is a gap in its series
   * @param tensors of these alone, a row each
   */
  add(columns: ReadonlyMap<string, ColumnData>, rows: number, good: Int32Array, tensors: TensorBatch): FollowedWindows;
}

/** The windows that end in a batch. */
export interface FollowedWindows {
  readonly tensors: Record<string, Tensor>;
  /** Place in the batch of the last row of each. */
  readonly ends: Int32Array;
  /** Series of each row of the batch; undefined where there is one only. */
  readonly keys?: readonly string[];
  /** Rows that do not follow the ones before, with the reasons. */
  readonly refused: ReadonlyMap<number, string>;
}

/** What `apply` gives for rows of series, with the last row of each window. */
export interface SeriesWindows {
  readonly tensors: TensorBatch;
  /** Of each window the place of its last row among those that were given; windows stand in the order of time. */
  readonly ends: Int32Array;
  readonly keys?: readonly string[];
  /** Gaps between the rows. */
  readonly gaps: number;
  /** The rows did not stand in the order of time, and were sorted. */
  readonly sorted: boolean;
}
