import { COUNT, NUMBER, TEXT, listOf, mapOf, recordSchema } from '../../storage/stored.ts';
import type { JsonSchema } from '../../core/json.ts';
import { thinned } from '../../data/table/ranks.ts';
import { sha256 } from '../../storage/digest.ts';
import type { ColumnReference, ColumnWindow } from '../column-window.ts';
import { rankedSample } from '../drift/drift-test.ts';
import type { FeatureSample, NumberSample } from '../drift/drift-test.ts';

/** Values of the reference at which windows count: the distance of two distribution functions is off by less than 1 % of the rows. */
const CUTS_MAX = 129;
/** A column whose reference names more categories is not kept: each window is judged by itself. */
const NAMES_MAX = 5_000;

/** What is kept of a column of a window, so that windows can be added up: counts in cells that the reference sets. */
export interface ColumnSummary {
  /** Rows without a value, or with one that cannot be read. */
  readonly missing: number;
  /** Number of values. */
  readonly size: number;
  /** Of numbers: values below each cut and up to it. */
  readonly below?: readonly number[];
  readonly through?: readonly number[];
  /** Of categories: rows of each that the reference names. Those of all others are the rest of `size`. */
  readonly counts?: Readonly<Record<string, number>>;
}

/** What is kept of a window. */
export interface WindowSummary {
  readonly rows: number;
  /** By column; one that cannot be compared is not there. */
  readonly columns: Readonly<Record<string, ColumnSummary>>;
}

export const WINDOW_SCHEMA: JsonSchema = recordSchema({
  rows: COUNT,
  columns: mapOf(
    recordSchema(
      { missing: COUNT, size: COUNT },
      { below: listOf(NUMBER), through: listOf(NUMBER), counts: mapOf(COUNT), reference: TEXT },
    ),
  ),
});

const known = new WeakMap<NumberSample, Float64Array>();

/** The cuts of a column of numbers: a pure function of its reference, so that they need not be kept. */
function cutsOf(reference: NumberSample): Float64Array {
  const before = known.get(reference);
  if (before !== undefined) return before;
  const cuts = thinned(reference.ranks(), CUTS_MAX).values;
  known.set(reference, cuts);
  return cuts;
}

/** undefined: nothing of the column can be kept. */
export function summarizeColumn({ sample: reference }: ColumnReference, window: ColumnWindow): ColumnSummary | undefined {
  const { sample } = window;
  if (reference === undefined || sample === undefined) return undefined;
  const missing = window.missing + window.invalid;
  if (reference.kind === 'number' && sample.kind === 'number') {
    const cuts = cutsOf(reference);
    const through = (cut: number): number => sample.partitioned?.through(cut) ?? throughOf(sample, cut);
    return { missing, size: sample.size, below: Array.from(cuts, (cut) => sample.below(cut)), through: Array.from(cuts, through) };
  }
  if (reference.kind !== 'category' || sample.kind !== 'category' || reference.counts.size > NAMES_MAX) return undefined;
  let size = sample.other;
  const counts: [string, number][] = [];
  for (const [name, count] of sample.counts) {
    size += count;
    if (reference.counts.has(name)) counts.push([name, count]);
  }
  return { missing, size, counts: Object.fromEntries(counts) };
}

/** Values up to a limit. */
function throughOf(sample: NumberSample, limit: number): number {
  const { values, through, below } = sample.ranks();
  const at = values.indexOf(limit);
  if (at >= 0) return through[at]!;
  const next = values.findIndex((value) => value > limit);
  return next < 0 ? sample.size : below[next]!;
}

/** Windows together as one sample. @param parts at least one, all of the same reference */
export function poolColumn({ sample: reference }: ColumnReference, parts: readonly ColumnSummary[]): FeatureSample {
  const size = parts.reduce((sum, part) => sum + part.size, 0);
  if (reference!.kind === 'number') {
    const values = cutsOf(reference as NumberSample);
    const sum = (of: (part: ColumnSummary) => readonly number[]): Float64Array =>
      Float64Array.from(values, (_, at) => parts.reduce((total, part) => total + of(part)[at]!, 0));
    return rankedSample({ values, below: sum((part) => part.below!), through: sum((part) => part.through!), size, complete: false });
  }
  const counts = new Map<string, number>();
  for (const part of parts) for (const [name, count] of Object.entries(part.counts!)) counts.set(name, (counts.get(name) ?? 0) + count);
  const named = [...counts.values()].reduce((sum, count) => sum + count, 0);
  return { kind: 'category', counts, other: size - named };
}

/** Names what windows are counted by: windows of another reference cannot be added to. */
export function referenceName(references: readonly ColumnReference[]): string {
  const parts = references.map(({ column, sample }) => {
    if (sample === undefined) return [column.name];
    if (sample.kind === 'number') return [column.name, sample.size, ...cutsOf(sample)];
    return [column.name, sample.other, ...[...sample.counts].map(([name, count]) => `${name}=${count}`).sort()];
  });
  return sha256(JSON.stringify(parts)).slice(0, 16);
}
