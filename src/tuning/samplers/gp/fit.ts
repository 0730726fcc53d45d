import type { Coordinate } from './encode.ts';
import { evidence } from './evidence.ts';
import { descend } from './lbfgs.ts';
import type { Logs } from './process.ts';

/** What is believed of a logarithm before anything is seen: a normal distribution. */
interface Belief {
  readonly mean: number;
  readonly deviation: number;
}

/**
 * Length scales grow with the root of the number of coordinates, as distances do: a third of it, give or take a factor of e. Little noise,
 * yet of an order of magnitude that only the values can tell.
 *
 * @see C. Hvarfner, E. O. Hellsten, L. Nardi: Vanilla Bayesian Optimization Performs Great in High Dimensions (2024)
 */
function beliefs(width: number): readonly Belief[] {
  const length = Math.log(Math.sqrt(width) / 3);
  return [
    ...Array.from({ length: width }, () => ({ mean: -2 * length, deviation: 2 })),
    { mean: 0, deviation: 1 },
    { mean: -8, deviation: 3 },
  ];
}

/** Points of which a first kernel is fitted. */
const FEW = 40;
const EVALUATIONS = 25;
const LAST_EVALUATIONS = 8;

/**
 * The kernel that explains the values best, by the marginal likelihood times what was believed of it before: first of some of the points,
 * which costs a twentieth where they are two fifths, then of all.
 */
export function fitted(coordinates: readonly Coordinate[], points: readonly Float64Array[], values: Float64Array): Logs {
  if (points.length <= FEW) return climbed(coordinates, points, values, undefined, EVALUATIONS);
  const some = Array.from({ length: FEW }, (_, at) => Math.floor((at * points.length) / FEW));
  const fewPoints = some.map((at) => points[at]!);
  const fewValues = Float64Array.from(some, (at) => values[at]!);
  const start = climbed(coordinates, fewPoints, fewValues, undefined, EVALUATIONS);
  return climbed(coordinates, points, values, start, LAST_EVALUATIONS);
}

function climbed(
  coordinates: readonly Coordinate[],
  points: readonly Float64Array[],
  values: Float64Array,
  start: Logs | undefined,
  evaluations: number,
): Logs {
  const known = beliefs(coordinates.length);
  const likelihood = evidence(coordinates, points, values);
  const negative = (logs: Float64Array, gradient: Float64Array): number => {
    let loss = -likelihood(logs, gradient);
    for (const [at, { mean, deviation }] of known.entries()) {
      const off = (logs[at]! - mean) / deviation;
      loss += 0.5 * off * off;
      gradient[at] = off / deviation - gradient[at]!;
    }
    return loss;
  };
  const middle = Float64Array.from(known, ({ mean }) => mean);
  const scratch = new Float64Array(middle.length);
  // A few points may look like noise alone; all of them tell.
  const from = start !== undefined && negative(start, scratch) < negative(middle, scratch) ? start : middle;
  const low = middle.map((mean, at) => mean - 4 * known[at]!.deviation);
  const high = middle.map((mean, at) => mean + 4 * known[at]!.deviation);
  return descend(negative, from, { evaluations, tolerance: 0.05, low, high }).at;
}
