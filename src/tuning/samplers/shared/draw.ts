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
  const step = dimension.step ?? (dimension.kind === 'integer' ? 1 : undefined);
  const from = step === undefined ? low : low - step / 2;
  const to = step === undefined ? high : high + step / 2;
  const value = scale === 'log' ? Math.exp(Math.log(from) + place * (Math.log(to) - Math.log(from))) : from + place * (to - from);
  if (step === undefined) return Math.min(high, Math.max(low, value));
  const steps = Math.min(Math.floor((high - low) / step + 1e-9), Math.max(0, Math.round((value - low) / step)));
  return low + steps * step;
}
