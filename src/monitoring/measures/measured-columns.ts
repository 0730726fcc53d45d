import type { ColumnProfile } from '../../data/stored/dataset.ts';
import { measuredName } from '../../core/measured-name.ts';
import { Prng } from '../../core/prng.ts';
import { pauses } from '../../platform/pauses.ts';
import type { ColumnReference, ColumnWindow } from '../column-window.ts';
import { numberSample, sizeOf } from '../drift/drift-test.ts';
import type { FeatureSample } from '../drift/drift-test.ts';
import type { RowSample, SampledValues } from '../joint/row-sample.ts';
import { CHARACTERS_MAX } from './measure.ts';
import type { MeasureDefinition } from './measure.ts';

/** Rows of either side that are measured, at most: drawn by seed, the same ones each time. */
export const MEASURED_ROWS = 5_000;
const SEED = 0;
/** Values between two pauses: the event loop has to go on. */
const AT_ONCE = 200;

/** A column of which something is measured. */
export interface MeasuredColumn {
  readonly column: ColumnProfile;
  readonly measures: readonly MeasureDefinition[];
}

/** What is measured of a column, as a column of the reference. */
export interface MeasuredReference {
  /** Name of the column that it is measured of. */
  readonly of: string;
  readonly reference: ColumnReference;
  /** The same of current rows; undefined where none of them has the column. */
  windowOf(current: RowSample): Promise<ColumnWindow | undefined>;
}

/** @param sample rows of the reference. Columns that it does not have are not measured */
export async function measureReference(measured: readonly MeasuredColumn[], sample: RowSample): Promise<MeasuredReference[]> {
  const found: MeasuredReference[] = [];
  for (const { column, measures } of measured) {
    const values = sample.columns.get(column.name);
    if (values === undefined) continue;
    const known = valuesOf(values);
    for (const measure of measures) {
      const [first, second] = halves(known);
      const learnt = measure.learn?.(first);
      const own = await take(measure, measure.learn === undefined ? known : second, learnt);
      found.push({
        of: column.name,
        reference: referenceOf(column.name, measure, own, sample),
        windowOf: async (current) => {
          const now = current.columns.get(column.name);
          if (now === undefined) return undefined;
          const taken = await take(measure, valuesOf(now), learnt);
          // Of what is missing and unreadable the column itself tells.
          return { rows: current.rows, missing: 0, invalid: 0, present: true, sample: taken };
        },
      });
    }
  }
  return found;
}

/** By chance, the same each time: what is regular in the order of the rows is in both. */
function halves<T>(values: readonly T[]): readonly [T[], T[]] {
  const random = new Prng('measured-halves', SEED);
  const sides: readonly [T[], T[]] = [[], []];
  for (const value of values) sides[random.below(2) as 0 | 1].push(value);
  return sides;
}

function valuesOf(values: SampledValues): readonly (number | string)[] {
  if (values instanceof Float64Array) return Array.from(values).filter((value) => !Number.isNaN(value));
  return values.flatMap((value) => (value === null ? [] : [value.slice(0, CHARACTERS_MAX)]));
}

async function take(measure: MeasureDefinition, values: readonly (number | string)[], learnt: unknown): Promise<FeatureSample> {
  const pause = pauses();
  const taken: (number | string)[] = [];
  for (let start = 0; start < values.length; start += AT_ONCE) {
    for (const value of values.slice(start, start + AT_ONCE)) {
      const found = measure.take(value, learnt);
      if (found !== null) taken.push(found);
    }
    await pause();
  }
  if (measure.gives === 'number') return numberSample(Float64Array.from(taken as number[]));
  const counts = new Map<string, number>();
  for (const name of taken as string[]) counts.set(name, (counts.get(name) ?? 0) + 1);
  return { kind: 'category', counts, other: 0 };
}

function referenceOf(name: string, measure: MeasureDefinition, sample: FeatureSample, { rows, of }: RowSample): ColumnReference {
  const size = sizeOf(sample);
  const numeric = measure.gives === 'number';
  return {
    column: {
      name: measuredName(name, measure.name),
      type: numeric ? 'number' : 'string',
      count: size,
      missing: 0,
      distinct: sample.kind === 'category' ? sample.counts.size : size,
    },
    numeric,
    sample,
    freeText: false,
    note: rows < of ? `Measured of ${rows.toLocaleString('en')} of ${of.toLocaleString('en')} rows of the reference.` : '',
  };
}
