import { canonicalJson } from '../../../core/json.ts';
import type { Json } from '../../../core/json.ts';
import type { Dimension, Point, Space } from '../../space.ts';
import { counts, placeOf, placed, valuesOf } from '../shared/draw.ts';

/** A dimension as the process sees it: numbers as places of their scale, choices by their number. */
export interface Coordinate {
  readonly name: string;
  readonly dimension: Dimension;
  readonly choice: boolean;
  /** Places that there are, ascending; absent: any from 0 to 1. */
  readonly places?: Float64Array;
}

/** Above as many values a dimension is searched as if it had no steps, and rounded at the end. */
const MOST_PLACES = 64;

export function coordinatesOf(space: Space): readonly Coordinate[] {
  return Object.entries(space).map(([name, dimension]) => {
    if (dimension.kind === 'choice') return { name, dimension, choice: true, places: Float64Array.from(dimension.values, (_, at) => at) };
    const count = valuesOf(dimension);
    if (count > MOST_PLACES) return { name, dimension, choice: false };
    const step = dimension.step ?? 1;
    return {
      name,
      dimension,
      choice: false,
      places: Float64Array.from({ length: count }, (_, at) => placeOf(dimension, dimension.low + at * step)),
    };
  });
}

/** Where a dimension does not count it has one place for all: the middle of a number, a value of its own of a choice. */
export function encoded(coordinates: readonly Coordinate[], point: Point): Float64Array {
  return Float64Array.from(coordinates, ({ name, dimension }) => {
    const value = point[name];
    if (dimension.kind !== 'choice') return value === undefined ? 0.5 : placeOf(dimension, value as number);
    if (value === undefined) return -1;
    const wanted = canonicalJson(value);
    return dimension.values.findIndex((each) => canonicalJson(each) === wanted);
  });
}

export function decoded(coordinates: readonly Coordinate[], places: Float64Array): Point {
  const point: Record<string, Json> = {};
  for (const [at, { name, dimension }] of coordinates.entries()) {
    if (!counts(dimension, point)) continue;
    point[name] = dimension.kind === 'choice' ? dimension.values[Math.max(0, places[at]!)]! : placed(dimension, places[at]!);
  }
  return point;
}
