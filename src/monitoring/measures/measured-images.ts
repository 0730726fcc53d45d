import { measuredName } from '../../core/measured-name.ts';
import type { Row } from '../../core/tensor.ts';
import { IMAGE_FACTS } from '../../data/images/image-facts.ts';
import type { ImageFacts } from '../../data/images/image-facts.ts';
import type { ColumnProfile, DatasetProfile } from '../../data/stored/dataset.ts';
import type { ReferenceValues } from '../../data/stored/reference-values.ts';
import { referenceOf } from '../column-window.ts';
import type { ColumnReference, ColumnWindow } from '../column-window.ts';
import { numberSample } from '../drift/drift-test.ts';
import type { MeasuredColumn } from './measured-columns.ts';

/** What was measured of the images of a row, by column; null where the row has no image. */
export type MeasuredImages = Readonly<Record<string, ImageFacts | null>>;

/** In the place of an image that is there. */
const THERE = 'image';

/** Columns of images as references: the column itself, of which only is told whether there is an image, and what is measured of it. */
export function imageReferences(
  measured: readonly MeasuredColumn[],
  profile: DatasetProfile,
  values: ReferenceValues | undefined,
): ColumnReference[] {
  return measured.flatMap(({ column, measures }) => {
    const known = measures.flatMap(({ name }): ColumnReference[] => {
      const own = measuredColumn(column, name, profile, values);
      return own === undefined ? [] : [{ ...referenceOf(own, values), ofImages: column.name }];
    });
    if (known.length === 0) return [];
    return [{ column, numeric: false, sample: undefined, freeText: false, note: '', ofImages: column.name }, ...known];
  });
}

/** Columns of numbers that are known of the images of a training. */
export function measuredImageColumns(column: ColumnProfile, profile: DatasetProfile, values: ReferenceValues | undefined): ColumnProfile[] {
  return IMAGE_FACTS.flatMap((name) => measuredColumn(column, name, profile, values) ?? []);
}

/** undefined: nothing is kept of it. */
function measuredColumn(
  column: ColumnProfile,
  measure: string,
  profile: DatasetProfile,
  values: ReferenceValues | undefined,
): ColumnProfile | undefined {
  const name = measuredName(column.name, measure);
  const own = profile.columns.find((one) => one.name === name);
  if (own !== undefined) return own;
  const kept = values?.get(name);
  if (kept?.kind !== 'number') return undefined;
  return { name, type: 'number', count: kept.of, missing: 0, distinct: kept.ranks.values.length };
}

/** A row with what was measured of its images, as columns; what is not known is left out. */
export function withMeasured(row: Row, measured: MeasuredImages | undefined): Row {
  if (measured === undefined) return row;
  const added = Object.entries(measured).flatMap(([column, facts]): [string, unknown][] =>
    facts === null ? [[column, null]] : [[column, THERE], ...measuredEntries(column, facts)],
  );
  return { ...row, ...Object.fromEntries(added) };
}

function measuredEntries(column: string, facts: ImageFacts): [string, unknown][] {
  return IMAGE_FACTS.flatMap((name): [string, unknown][] => {
    const value = facts[name];
    return typeof value === 'number' ? [[measuredName(column, name), value]] : [];
  });
}

/**
 * What was measured of images of a file, as windows of columns.
 *
 * @param images by column, for each row that was looked at: null where there is no image
 */
export function measuredWindows(images: ReadonlyMap<string, readonly (ImageFacts | null)[]>): Map<string, ColumnWindow> {
  const windows = new Map<string, ColumnWindow>();
  for (const [column, all] of images) {
    const there = all.filter((facts) => facts !== null);
    windows.set(column, { rows: all.length, missing: all.length - there.length, invalid: 0, present: true });
    for (const name of IMAGE_FACTS) {
      const values = Float64Array.from(there.flatMap((facts) => facts[name] ?? []));
      windows.set(measuredName(column, name), {
        rows: values.length,
        missing: 0,
        invalid: 0,
        present: values.length > 0,
        sample: numberSample(values),
      });
    }
  }
  return windows;
}
