import type { ColumnProfile } from '../data/stored/dataset.ts';
import type { ColumnType } from '../data/stored/column.ts';
import type { ReferenceValues } from '../data/stored/reference-values.ts';
import { numberSample, rankedSample } from './drift/drift-test.ts';
import type { FeatureSample } from './drift/drift-test.ts';
import type { RowSample, SampleOrder } from './joint/row-sample.ts';

/** A column of current rows, in the terms of the reference. */
export interface ColumnWindow {
  /** Rows that were looked at. */
  readonly rows: number;
  /** Rows without a value: the key is absent, or it is null, NaN or an empty text. */
  readonly missing: number;
  /** Rows whose value is not of the column's type, e.g. text in a column of numbers. */
  readonly invalid: number;
  /** false: no row has the column at all. */
  readonly present: boolean;
  /** Left out where nothing can be compared, so that the values were not read. */
  readonly sample?: FeatureSample;
}

/** A column as it was at training. */
export interface ColumnReference {
  readonly column: ColumnProfile;
  readonly numeric: boolean;
  /** undefined: the profile holds no values. */
  readonly sample: FeatureSample | undefined;
  /** Nearly every value is different: shares mean nothing. */
  readonly freeText: boolean;
  /** What has to be said of the reference, e.g. that it is a sample. */
  readonly note: string;
  /**
   * The column of images that this is measured of, or that column itself, of which only is told whether there is one. Current rows may not
   * know it, as those that were logged by servers that did not measure: such a row is none of this column.
   */
  readonly ofImages?: string;
}

/** Current rows, column by column: each column can be forgotten before the next one is read. */
export interface CurrentWindow {
  readonly rows: number;
  /** Columns of the rows that the reference does not have. */
  readonly unknown: readonly string[];
  columns(): AsyncIterable<readonly [name: string, window: ColumnWindow]>;
  /** Some whole rows, where they were ordered; to be asked for after the columns. */
  sample?(): Promise<RowSample>;
}

/** Looks at current rows. Only the columns asked for are read. */
export type CurrentSource = (
  wanted: readonly ColumnReference[],
  known: ReadonlySet<string>,
  sample?: SampleOrder,
) => Promise<CurrentWindow>;

/** Numbers and categories can be compared; images and points in time cannot, only what is measured of them. */
export function isComparable(column: Pick<ColumnProfile, 'type'>): boolean {
  return column.type !== 'image' && column.type !== 'timestamp';
}

export function isNumeric(type: ColumnType): boolean {
  return type === 'number' || type === 'integer';
}

/** Distinct values from which a column of texts may be free text. */
const FREE_TEXT_DISTINCT = 50;

/** The reference side of a column, from the file beside the profile where there is one. */
export function referenceOf(column: ColumnProfile, values: ReferenceValues | undefined): ColumnReference {
  const base = { column, numeric: isNumeric(column.type), freeText: false, note: '' };
  const kept = values?.get(column.name);
  if (kept?.kind === 'number')
    return { ...base, sample: rankedSample(kept.ranks, kept.deviation), note: sampleNote(kept.ranks.size, kept.of) };
  if (column.number !== undefined && column.number.sample.length > 0) {
    const sample = numberSample(Float64Array.from(column.number.sample));
    return { ...base, sample: { ...sample, deviation: column.number.std }, note: sampleNote(sample.size, column.count) };
  }
  if (column.categories === undefined) return { ...base, sample: undefined };
  const { counts, other } =
    kept?.kind === 'category' ? kept : { counts: new Map(Object.entries(column.categories.counts)), other: column.categories.other };
  const freeText = column.distinct > FREE_TEXT_DISTINCT && column.distinct > column.count / 2;
  const note =
    other === 0 || freeText
      ? ''
      : `The reference names ${counts.size} of ${column.distinct} categories, so that new ones count among the others.`;
  return { ...base, sample: { kind: 'category', counts, other }, freeText, note };
}

function sampleNote(kept: number, of: number): string {
  return kept >= of
    ? ''
    : `The reference is a sample: ${kept.toLocaleString('en')} of ${of.toLocaleString('en')} values, and p-values are those of a sample of that size.`;
}
