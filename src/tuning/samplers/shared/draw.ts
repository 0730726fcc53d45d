import { canonicalJson } from '../../../core/json.ts';
import type { Json } from '../../../core/json.ts';
import type { Prng } from '../../../core/prng.ts';
import type { Dimension, FloatDimension, IntegerDimension, Point, Space } from '../../space.ts';

/** A point by chance: uniform over every dimension that counts, on its scale. */
export function drawn(space: Space, prng: Prng): Point {
  const point: Record<string, Json> = {};
  for (const [name, dimension] of Object.entries(space)) if (counts(dimension, point)) point[name] = drawnValue(dimension, prng);
  return point;
}

/** The points of trials, written down: what a search does not try again while there is anything else. */
export function pointsOf(trials: readonly { readonly point: Point }[]): ReadonlySet<string> {
  return new Set(trials.map(({ point }) => canonicalJson(point as Record<string, Json>)));
}

/** Does a dimension count at a point, of which the dimensions before it are known? */
export function counts({ when }: Dimension, point: Point): boolean {
  if (when === undefined) return true;
  const value = point[when.dimension];
  return value !== undefined && when.in.some((wanted) => canonicalJson(wanted) === canonicalJson(value));
}

function drawnValue(dimension: Dimension, prng: Prng): Json {
  if (dimension.kind === 'choice') return dimension.values[prng.below(dimension.values.length)]!;
  return placed(dimension, prng.uniform());
}

/** The value at a place from 0 to 1 of a dimension's scale; every value on a grid has an equal share of it. */
export function placed(dimension: FloatDimension | IntegerDimension, place: number): number {
  const { low, high, scale } = dimension;
  const step = stepOf(dimension);
  const [from, to] = edges(dimension);
  const value = scale === 'log' ? Math.exp(Math.log(from) + place * (Math.log(to) - Math.log(from))) : from + place * (to - from);
  return step === undefined ? Math.min(high, Math.max(low, value)) : onGrid(dimension, Math.round((value - low) / step));
}

/** Where a value lies on a dimension's scale, 0 to 1: the middle of its share, where it lies on a grid. */
export function placeOf(dimension: FloatDimension | IntegerDimension, value: number): number {
  const [from, to] = edges(dimension);
  if (to <= from) return 0.5;
  const place =
    dimension.scale === 'log' ? (Math.log(value) - Math.log(from)) / (Math.log(to) - Math.log(from)) : (value - from) / (to - from);
  return Math.min(1, Math.max(0, place));
}

/** Distance of the values of a dimension; undefined: any value between the bounds. */
export function stepOf(dimension: FloatDimension | IntegerDimension): number | undefined {
  return dimension.step ?? (dimension.kind === 'integer' ? 1 : undefined);
}

/** How many values a dimension has; Infinity without a step. */
export function valuesOf(dimension: FloatDimension | IntegerDimension): number {
  const step = stepOf(dimension);
  return step === undefined ? Infinity : Math.floor((dimension.high - dimension.low) / step + 1e-9) + 1;
}

/** The value number `index` of a dimension with steps; what lies outside is the nearest. */
export function onGrid(dimension: FloatDimension | IntegerDimension, index: number): number {
  const value = dimension.low + Math.min(valuesOf(dimension) - 1, Math.max(0, index)) * stepOf(dimension)!;
  // 0.1 + 2 · 0.1 is 0.3 to who reads it.
  return dimension.kind === 'integer' ? value : Math.min(dimension.high, Math.max(dimension.low, Number(value.toPrecision(12))));
}

/** The bounds of a dimension's scale: half a step beyond its first and last value. */
export function edges(dimension: FloatDimension | IntegerDimension): readonly [number, number] {
  const { low, high, scale } = dimension;
  const step = stepOf(dimension);
  if (step === undefined) return [low, high];
  const last = low + (valuesOf(dimension) - 1) * step;
  // On a logarithmic scale the first share cannot reach zero.
  return [scale === 'log' && low <= step / 2 ? low / 2 : low - step / 2, last + step / 2];
}
