import { canonicalJson } from '../../../core/json.ts';
import type { Json } from '../../../core/json.ts';
import type { Prng } from '../../../core/prng.ts';
import type { Dimension, Point } from '../../space.ts';
import { onGrid, placeOf, placed, stepOf, valuesOf } from '../shared/draw.ts';
import { normalBetween } from '../shared/normal.ts';
import type { Group } from './groups.ts';

/** One dimension of a mixture: a kernel for every observation, and a last one for what was believed before. */
interface Axis {
  readonly name: string;
  readonly dimension: Dimension;
  /** The density in the middle of a value's share stands for the share. */
  readonly smooth: boolean;
  /** Of a choice: probabilities, one row for each kernel. */
  readonly shares?: Float64Array;
  /** Of a number, as places of its scale. */
  readonly centres?: Float64Array;
  readonly widths?: Float64Array;
  /** √½ / width. */
  readonly sharpness?: Float64Array;
  /** By the number of a choice, or the place of a value on a grid. */
  readonly masses: Map<number, Float64Array>;
  /** Logarithm of the width and of the part of the normal distribution between the bounds, both taken from the density. */
  readonly offsets?: Float64Array;
}

/** A value of every dimension of the group: the number of a choice, the place of a number, middle of its share where it lies on a grid. */
export type Places = Float64Array;

export interface ParzenOptions {
  /** Weight of what was believed before, in observations. */
  readonly priorWeight: number;
}

/**
 * A mixture of products over one group of dimensions: normal kernels cut at the bounds, as wide as the distance to their neighbours.
 *
 * @see S. Watanabe: Tree-Structured Parzen Estimator: Understanding Its Algorithm Components and Their Roles (2023)
 */
export class Parzen {
  readonly #axes: readonly Axis[];
  readonly #logWeights: Float64Array;
  readonly #cumulated: Float64Array;
  /** What the density of every kernel begins with, wherever it is asked for. */
  readonly #base: Float64Array;
  readonly #scratch: Float64Array;

  /** Points at which the whole group counts, with their weights. */
  constructor(group: Group, points: readonly Point[], weights: readonly number[], { priorWeight }: ParzenOptions) {
    const all = [...weights, points.length === 0 ? 1 : priorWeight];
    const total = all.reduce((sum, weight) => sum + weight, 0);
    this.#logWeights = Float64Array.from(all, (weight) => Math.log(weight / total));
    let cumulated = 0;
    this.#cumulated = Float64Array.from(all, (weight) => (cumulated += weight / total));
    this.#scratch = new Float64Array(all.length);
    this.#axes = group.map(([name, dimension]) =>
      dimension.kind === 'choice'
        ? {
            name,
            dimension,
            smooth: false,
            masses: new Map(),
            shares: choiceShares(
              dimension.values,
              points.map((point) => point[name]!),
              priorWeight,
            ),
          }
        : {
            name,
            dimension,
            smooth: valuesOf(dimension) > MOST_SHARES,
            masses: new Map(),
            ...kernels(points.map((point) => placeOf(dimension, point[name] as number))),
          },
    );
    this.#base = this.#logWeights.map((log, kernel) =>
      this.#axes.reduce((sum, { smooth, offsets }) => (smooth ? sum - offsets![kernel]! : sum), log),
    );
  }

  sample(prng: Prng): Places {
    const at = prng.uniform();
    let kernel = 0;
    while (kernel < this.#cumulated.length - 1 && this.#cumulated[kernel]! <= at) kernel += 1;
    return Float64Array.from(this.#axes, ({ dimension, shares, centres, widths }) => {
      if (dimension.kind === 'choice') return pick(shares!, kernel, dimension.values.length, prng.uniform());
      for (;;) {
        // The centre lies between the bounds, and the width is at most their distance: a third of the draws at least are kept.
        const place = centres![kernel]! + widths![kernel]! * prng.normal();
        if (place < 0 || place > 1) continue;
        return stepOf(dimension) === undefined ? place : placeOf(dimension, placed(dimension, place));
      }
    });
  }

  logDensity(places: Places): number {
    const terms = this.#scratch;
    terms.set(this.#base);
    for (const [axis, { smooth, centres, sharpness }] of this.#axes.entries()) {
      const place = places[axis]!;
      if (smooth) {
        for (let kernel = 0; kernel < terms.length; kernel += 1) {
          const z = (place - centres![kernel]!) * sharpness![kernel]!;
          terms[kernel]! -= z * z;
        }
      } else {
        const masses = this.#masses(axis, place);
        for (let kernel = 0; kernel < terms.length; kernel += 1) terms[kernel]! += masses[kernel]!;
      }
    }
    return logSum(terms);
  }

  /** Logarithm of the part of every kernel that falls to one value of a choice or on a grid. */
  #masses(axis: number, place: number): Float64Array {
    const { dimension, shares, centres, sharpness, offsets, masses } = this.#axes[axis]!;
    const known = masses.get(place);
    if (known !== undefined) return known;
    let found: Float64Array;
    if (dimension.kind === 'choice') {
      const { length } = dimension.values;
      found = this.#logWeights.map((_, kernel) => Math.log(shares![kernel * length + place]!));
    } else {
      const [from, to] = shareOf(dimension, place);
      found = centres!.map((centre, kernel) => {
        const sharp = sharpness![kernel]! * Math.SQRT2;
        return Math.log((normalBetween((from - centre) * sharp, (to - centre) * sharp) * SQRT_2PI) / sharp) - offsets![kernel]!;
      });
    }
    masses.set(place, found);
    return found;
  }

  valueOf(places: Places): readonly (readonly [name: string, value: Json])[] {
    return this.#axes.map(({ name, dimension }, axis) => [
      name,
      dimension.kind === 'choice' ? dimension.values[places[axis]!]! : placed(dimension, places[axis]!),
    ]);
  }
}

const SQRT_2PI = Math.sqrt(2 * Math.PI);
/** With more values than this, the density in the middle of a value's share stands for its share: no kernel is narrower. */
const MOST_SHARES = 100;

/** Every kernel prefers the value that was seen, the more so the more were; the last one knows nothing. */
function choiceShares(values: readonly Json[], seen: readonly Json[], priorWeight: number): Float64Array {
  const at = new Map(values.map((value, index) => [canonicalJson(value), index]));
  const kernels = seen.length + 1;
  const shares = new Float64Array(kernels * values.length).fill(priorWeight / kernels);
  for (const [kernel, value] of seen.entries()) {
    const index = at.get(canonicalJson(value));
    if (index !== undefined) shares[kernel * values.length + index]! += 1;
  }
  for (let kernel = 0; kernel < kernels; kernel += 1) {
    const row = shares.subarray(kernel * values.length, (kernel + 1) * values.length);
    const sum = row.reduce((total, share) => total + share, 0);
    for (let index = 0; index < row.length; index += 1) row[index] = sum === 0 ? 1 / row.length : row[index]! / sum;
  }
  return shares;
}

/** As wide as the farther neighbour is away; never so narrow that few observations speak for certain ("magic clip"). */
function kernels(places: readonly number[]): Required<Pick<Axis, 'centres' | 'widths' | 'sharpness' | 'offsets'>> {
  const count = places.length + 1;
  const centres = Float64Array.from([...places, 0.5]);
  const widths = new Float64Array(count).fill(1);
  const order = places.map((_, at) => at).sort((a, b) => places[a]! - places[b]! || a - b);
  const narrowest = 1 / Math.min(100, 1 + count);
  for (const [rank, at] of order.entries()) {
    const below = rank === 0 ? undefined : places[at]! - places[order[rank - 1]!]!;
    const above = rank === order.length - 1 ? undefined : places[order[rank + 1]!]! - places[at]!;
    const apart = below === undefined && above === undefined ? Math.max(places[at]!, 1 - places[at]!) : Math.max(below ?? 0, above ?? 0);
    widths[at] = Math.min(1, Math.max(narrowest, apart));
  }
  const offsets = centres.map((centre, kernel) => {
    const width = widths[kernel]!;
    return Math.log(width * SQRT_2PI * normalBetween(-centre / width, (1 - centre) / width));
  });
  return { centres, widths, sharpness: widths.map((width) => Math.SQRT1_2 / width), offsets };
}

/** The part of the scale that belongs to the value on a grid whose share has this middle. */
function shareOf(dimension: Exclude<Dimension, { kind: 'choice' }>, place: number): readonly [number, number] {
  const step = stepOf(dimension)!;
  const index = Math.round((placed(dimension, place) - dimension.low) / step);
  const middle = dimension.low + index * step;
  return [
    index === 0 ? 0 : placeOf(dimension, middle - step / 2),
    index >= valuesOf(dimension) - 1 ? 1 : placeOf(dimension, onGrid(dimension, index) + step / 2),
  ];
}

function pick(shares: Float64Array, kernel: number, length: number, uniform: number): number {
  let rest = uniform;
  for (let index = 0; index < length - 1; index += 1) {
    rest -= shares[kernel * length + index]!;
    if (rest < 0) return index;
  }
  return length - 1;
}

function logSum(terms: Float64Array): number {
  let largest = -Infinity;
  for (const term of terms) if (term > largest) largest = term;
  if (largest === -Infinity) return -Infinity;
  let sum = 0;
  // What is 1e-16 of the largest changes no digit.
  for (const term of terms) if (term > largest - 37) sum += Math.exp(term - largest);
  return largest + Math.log(sum);
}
