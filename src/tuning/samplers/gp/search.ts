import type { Prng } from '../../../core/prng.ts';
import type { Space } from '../../space.ts';
import { counts, drawn } from '../shared/draw.ts';
import { logImprovement } from '../shared/normal.ts';
import { decoded, encoded } from './encode.ts';
import type { Coordinate } from './encode.ts';
import { descend } from './lbfgs.ts';
import type { GaussianProcess } from './process.ts';

export interface Question {
  readonly space: Space;
  readonly coordinates: readonly Coordinate[];
  readonly process: GaussianProcess;
  /** What is to be beaten. */
  readonly threshold: number;
  /** Points that are known to be good, the best first. */
  readonly good: readonly Float64Array[];
  readonly prng: Prng;
  /** Points that are looked at before the best of them are climbed from. */
  readonly looks: number;
}

const STARTS = 6;
const ROUNDS = 3;
const EVALUATIONS = 25;

/**
 * Where improvement is most expected, by its logarithm, the most promising first: the best of many points, climbed from with gradients, and
 * then the others.
 */
export function promising(question: Question): Float64Array[] {
  const looked = candidates(question).map((places) => ({ places, promise: promiseAt(question, places) }));
  looked.sort((a, b) => b.promise - a.promise);
  const starts = [
    ...looked.slice(0, STARTS),
    ...question.good.slice(0, 2).map((places) => ({ places, promise: promiseAt(question, places) })),
  ];
  const climbed = starts.map((start) => climb(question, start));
  climbed.sort((a, b) => b.promise - a.promise);
  return [...climbed, ...looked].map(({ places }) => places);
}

interface Look {
  readonly places: Float64Array;
  readonly promise: number;
}

/** Two thirds from all over the space, a third around good points, ever nearer. */
function candidates({ space, coordinates, process, good, prng, looks }: Question): Float64Array[] {
  const lengths = process.lengths();
  return Array.from({ length: looks }, (_, at) => {
    if (at % 3 > 0 || good.length === 0) return encoded(coordinates, drawn(space, prng));
    const near = good[prng.below(good.length)]!;
    const reach = 10 ** (-3 * prng.uniform());
    const moved = near.map((place, axis) => {
      const { choice, places } = coordinates[axis]!;
      if (choice) return prng.uniform() < 0.2 ? prng.below(places!.length) : place;
      return Math.min(1, Math.max(0, place + reach * Math.min(1, lengths[axis]!) * prng.normal()));
    });
    return settled(coordinates, moved);
  });
}

/** On the grids, and with the place of its own where a dimension does not count. */
function settled(coordinates: readonly Coordinate[], places: Float64Array): Float64Array {
  return encoded(coordinates, decoded(coordinates, places));
}

function promiseAt({ process, threshold }: Question, places: Float64Array): number {
  const { mean, variance } = process.at(places);
  const deviation = Math.sqrt(variance);
  return logImprovement((threshold - mean) / deviation)[0] + Math.log(deviation);
}

function climb(question: Question, start: Look): Look {
  let best = start;
  for (let round = 0; round < ROUNDS; round += 1) {
    const before = best.promise;
    best = climbNumbers(question, best);
    const numbers = best.promise;
    best = climbSteps(question, best);
    if (best.promise === numbers || best.promise <= before + 1e-6) break;
  }
  return best;
}

/** Along the gradient of what has no steps, in units of the length scales. */
function climbNumbers(question: Question, start: Look): Look {
  const { coordinates, process, threshold } = question;
  const point = decoded(coordinates, start.places);
  const lengths = process.lengths();
  const axes = [...coordinates.keys()].filter(
    (axis) => coordinates[axis]!.places === undefined && counts(coordinates[axis]!.dimension, point),
  );
  if (axes.length === 0) return start;
  const places = start.places.slice();
  const meanSlope = new Float64Array(places.length);
  const varianceSlope = new Float64Array(places.length);
  const negative = (at: Float64Array, gradient: Float64Array): number => {
    for (const [index, axis] of axes.entries()) places[axis] = at[index]! * lengths[axis]!;
    const { mean, variance } = process.slopesAt(places, meanSlope, varianceSlope);
    const deviation = Math.sqrt(variance);
    const z = (threshold - mean) / deviation;
    const [value, slope] = logImprovement(z);
    for (const [index, axis] of axes.entries()) {
      const ofDeviation = varianceSlope[axis]! / (2 * deviation);
      const ofZ = (-meanSlope[axis]! - z * ofDeviation) / deviation;
      gradient[index] = -(slope * ofZ + ofDeviation / deviation) * lengths[axis]!;
    }
    return -(value + Math.log(deviation));
  };
  const { at, value } = descend(
    negative,
    Float64Array.from(axes, (axis) => start.places[axis]! / lengths[axis]!),
    {
      evaluations: EVALUATIONS,
      tolerance: 1e-4,
      low: new Float64Array(axes.length),
      high: Float64Array.from(axes, (axis) => 1 / lengths[axis]!),
    },
  );
  for (const [index, axis] of axes.entries()) places[axis] = Math.min(1, at[index]! * lengths[axis]!);
  return -value > start.promise ? { places, promise: -value } : start;
}

/** Every other value of a choice, and the values beside one on a grid: the best, one coordinate after the other. */
function climbSteps(question: Question, start: Look): Look {
  const { coordinates } = question;
  let best = start;
  for (const [axis, { choice, places, dimension }] of coordinates.entries()) {
    if (places === undefined || !counts(dimension, decoded(coordinates, best.places))) continue;
    const here = places.findIndex((place) => Math.abs(place - best.places[axis]!) < 1e-9);
    const from = best;
    for (const [index, place] of places.entries()) {
      if (index === here || (!choice && places.length > 8 && Math.abs(index - here) > 2)) continue;
      const moved = from.places.slice();
      moved[axis] = place;
      const tried = settled(coordinates, moved);
      const promise = promiseAt(question, tried);
      if (promise > best.promise) best = { places: tried, promise };
    }
  }
  return best;
}
