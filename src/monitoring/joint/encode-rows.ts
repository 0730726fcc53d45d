import type { Matrix } from '../trees/boosted-trees.ts';
import type { RowSample, SampledValues } from './row-sample.ts';

/** Categories of a column with a number of their own, and the least share of the reference that has one; the others share one. */
const CATEGORIES_MAX = 20;
const SHARE_MIN = 0.01;
/** Numbers of a row: with more columns, the last ones are left out. */
const WIDTH_MAX = 1_000;

export interface EncodedRows {
  readonly reference: Matrix;
  readonly current: Matrix;
  /** Columns that are in it. */
  readonly columns: readonly string[];
  /** The others with the reason. */
  readonly leftOut: readonly LeftOut[];
}

export interface LeftOut {
  readonly name: string;
  readonly reason: string;
}

/** One number of each row. */
interface Part {
  readonly reference: Float64Array;
  readonly current: Float64Array;
}

/**
 * Rows as numbers, by what the reference is: numbers as deviations of the reference from its mean, missing ones at the mean; categories
 * one-hot, those that the reference has in fewer than 1 % of its rows and new ones together; and for each column of which either side
 * misses values, whether it does. So two rows of one distribution are as far from each other in a column of numbers as in one of
 * categories that differ. A column that says the same in all rows of both sides is left out.
 *
 * @param names of columns that the reference has
 */
export function encodeRows(reference: RowSample, current: RowSample, names: readonly string[]): EncodedRows {
  const parts: Part[] = [];
  const columns: string[] = [];
  const leftOut: LeftOut[] = [];
  for (const name of names) {
    const [then, now] = [reference.columns.get(name), current.columns.get(name)];
    if (then === undefined || now === undefined) {
      leftOut.push({ name, reason: then === undefined ? 'the training had no values of it' : 'no current row has it' });
      continue;
    }
    const own = partsOf(then, now).filter(isTelling);
    if (own.length === 0) leftOut.push({ name, reason: 'the same in all rows' });
    else if (parts.length + own.length > WIDTH_MAX) leftOut.push({ name, reason: `beyond ${WIDTH_MAX} numbers a row` });
    else {
      parts.push(...own);
      columns.push(name);
    }
  }
  const matrix = (rows: number, side: keyof Part): Matrix => {
    const values = new Float64Array(rows * parts.length);
    parts.forEach((part, at) => {
      const own = part[side];
      for (let row = 0; row < rows; row += 1) values[row * parts.length + at] = own[row]!;
    });
    return { rows, width: parts.length, values };
  };
  return { reference: matrix(reference.rows, 'reference'), current: matrix(current.rows, 'current'), columns, leftOut };
}

function partsOf(then: SampledValues, now: SampledValues): Part[] {
  const isMissing = (values: SampledValues): Float64Array =>
    values instanceof Float64Array
      ? values.map((value) => (Number.isNaN(value) ? 1 : 0))
      : Float64Array.from(values, (value) => (value === null ? 1 : 0));
  const missing = { reference: isMissing(then), current: isMissing(now) };
  if (then instanceof Float64Array && now instanceof Float64Array) {
    const scale = scaleOf(then);
    return [{ reference: then.map(scale), current: now.map(scale) }, missing];
  }
  const [texts, current] = [then as readonly (string | null)[], now as readonly (string | null)[]];
  const kept = frequentTexts(texts);
  const place = new Map(kept.map((name, at) => [name, at]));
  const oneHot = [...kept.keys(), kept.length].map((at): Part => {
    const cell = (value: string | null): number => (value !== null && (place.get(value) ?? kept.length) === at ? 1 : 0);
    return { reference: Float64Array.from(texts, cell), current: Float64Array.from(current, cell) };
  });
  return [...oneHot, missing];
}

/** By mean and deviation of what is there; where that is one value, what is below and above it is one deviation away. */
function scaleOf(values: Float64Array): (value: number) => number {
  const known = values.filter((value) => !Number.isNaN(value));
  if (known.length === 0) return (value) => (Number.isNaN(value) ? 0 : 1);
  // Sums of the largest numbers would be infinite.
  const largest = known.reduce((most, value) => Math.max(most, Math.abs(value)), 0) || 1;
  const mean = known.reduce((sum, value) => sum + value / largest, 0) / known.length;
  const deviation = Math.sqrt(known.reduce((sum, value) => sum + (value / largest - mean) ** 2, 0) / known.length);
  return (value) => {
    if (Number.isNaN(value)) return 0;
    const distance = value / largest - mean;
    // Rounding alone is no spread.
    return deviation > 1e-12 ? distance / deviation : Math.abs(distance) < 1e-9 ? 0 : Math.sign(distance);
  };
}

/** The most frequent texts, those of 1 % of the rows at least. */
export function frequentTexts(values: readonly (string | null)[]): string[] {
  const counts = new Map<string, number>();
  for (const value of values) if (value !== null) counts.set(value, (counts.get(value) ?? 0) + 1);
  return [...counts]
    .filter(([, count]) => count >= SHARE_MIN * values.length)
    .sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1))
    .slice(0, CATEGORIES_MAX)
    .map(([name]) => name);
}

function isTelling({ reference, current }: Part): boolean {
  const first = reference[0] ?? current[0];
  return reference.some((value) => value !== first) || current.some((value) => value !== first);
}
