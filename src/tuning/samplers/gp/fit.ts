import { cholesky, dotAlong, invertedTransposed, solved, whitenedBy } from './cholesky.ts';
import type { Coordinate } from './encode.ts';
import { descend } from './lbfgs.ts';
import { LEAST_NOISE, SQRT5 } from './process.ts';
import type { Logs } from './process.ts';

/** What is believed of a logarithm before anything is seen: a normal distribution. */
interface Belief {
  readonly mean: number;
  readonly deviation: number;
}

/**
 * Length scales grow with the root of the number of coordinates, as distances do.
 *
 * @see C. Hvarfner, E. O. Hellsten, L. Nardi: Vanilla Bayesian Optimization Performs Great in High Dimensions (2024)
 */
function beliefs(width: number): readonly Belief[] {
  const length = Math.SQRT2 + Math.log(width) / 2 - LENGTH_SHIFT;
  return [
    ...Array.from({ length: width }, () => ({ mean: -2 * length, deviation: 2 * LENGTH_DEV })),
    { mean: 0, deviation: 1 },
    { mean: NOISE_MEAN, deviation: NOISE_DEV },
  ];
}
const LENGTH_SHIFT = Number(process.env.LSHIFT ?? 2.5);
const LENGTH_DEV = Number(process.env.LDEV ?? 1);
const NOISE_MEAN = Number(process.env.NMEAN ?? -8);
const NOISE_DEV = Number(process.env.NDEV ?? 3);

/**
 * The kernel that explains the values best, by the marginal likelihood times what was believed of it before: first of some of the points,
 * which costs an eighth where they are half, then of all.
 */
export function fitted(coordinates: readonly Coordinate[], points: readonly Float64Array[], values: Float64Array): Logs {
  let start: Logs | undefined;
  if (points.length > FEW) {
    const some = Array.from({ length: FEW }, (_, at) => Math.floor((at * points.length) / FEW));
    start = climbed(
      coordinates,
      some.map((at) => points[at]!),
      Float64Array.from(some, (at) => values[at]!),
      undefined,
      EVALUATIONS,
    );
  }
  return climbed(coordinates, points, values, start, start === undefined ? EVALUATIONS : LAST_EVALUATIONS);
}

/** Points of which a first kernel is fitted. */
const FEW = 50;
const EVALUATIONS = 40;
const LAST_EVALUATIONS = 12;

function climbed(
  coordinates: readonly Coordinate[],
  points: readonly Float64Array[],
  values: Float64Array,
  start: Logs | undefined,
  evaluations: number,
): Logs {
  const width = coordinates.length;
  const size = points.length;
  const pairs = (size * (size - 1)) / 2;
  const squares = coordinates.map(({ choice }, axis) => {
    const apart = new Float64Array(pairs);
    let pair = 0;
    for (let row = 1; row < size; row += 1)
      for (let column = 0; column < row; column += 1, pair += 1) {
        const difference = points[row]![axis]! - points[column]![axis]!;
        apart[pair] = choice ? Number(difference !== 0) : difference * difference;
      }
    return apart;
  });
  const known = beliefs(width);
  const slopes = new Float64Array(pairs);
  const total = new Float64Array(pairs);
  const kernel = new Float64Array(pairs);
  const matrix = new Float64Array(size * size);
  const negative = (logs: Float64Array, gradient: Float64Array): number => {
    const scale = Math.exp(logs[width]!);
    const noise = Math.exp(logs[width + 1]!);
    total.fill(0);
    for (const [axis, apart] of squares.entries()) {
      const sharpness = Math.exp(logs[axis]!);
      for (let pair = 0; pair < pairs; pair += 1) total[pair]! += sharpness * apart[pair]!;
    }
    let pair = 0;
    for (let row = 0; row < size; row += 1) {
      for (let column = 0; column < row; column += 1, pair += 1) {
        const distance = SQRT5 * Math.sqrt(total[pair]!);
        const fall = scale * Math.exp(-distance);
        kernel[pair] = fall * (1 + distance + (distance * distance) / 3);
        matrix[row * size + column] = kernel[pair]!;
        slopes[pair] = (-5 / 6) * fall * (1 + distance);
      }
      matrix[row * size + row] = scale + noise + LEAST_NOISE;
    }
    if (cholesky(matrix, size) === undefined) return Infinity;
    const inverseTransposed = invertedTransposed(matrix, size);
    const whitened = whitenedBy(inverseTransposed, values, size);
    const weights = solved(inverseTransposed, whitened, size);
    let likelihood = -0.5 * dotAlong(whitened, 0, whitened, 0, size);
    for (let row = 0; row < size; row += 1) likelihood -= Math.log(matrix[row * size + row]!);
    // Half of (weights · weightsᵀ − A⁻¹), by which every derivative of the kernel is weighed; each pair stands twice in it.
    gradient.fill(0);
    let onDiagonal = 0;
    let onScale = 0;
    pair = 0;
    for (let row = 0; row < size; row += 1) {
      for (let column = 0; column <= row; column += 1) {
        const entry = dotAlong(inverseTransposed, row * size + row, inverseTransposed, column * size + row, size - row);
        const factor = weights[row]! * weights[column]! - entry;
        if (column === row) onDiagonal += 0.5 * factor;
        else {
          onScale += factor * kernel[pair]!;
          // From here on the weight of the pair.
          slopes[pair]! *= factor;
          pair += 1;
        }
      }
    }
    for (const [axis, apart] of squares.entries()) {
      gradient[axis] = -dotAlong(slopes, 0, apart, 0, pairs) * Math.exp(logs[axis]!);
    }
    gradient[width] = -(onScale + onDiagonal * scale);
    gradient[width + 1] = -onDiagonal * noise;
    let loss = -likelihood;
    for (const [at, { mean, deviation }] of known.entries()) {
      const off = (logs[at]! - mean) / deviation;
      loss += 0.5 * off * off;
      gradient[at]! += off / deviation;
    }
    return loss;
  };
  const middle = Float64Array.from(known, ({ mean }) => mean);
  const low = middle.map((mean, at) => mean - 4 * known[at]!.deviation);
  const high = middle.map((mean, at) => mean + 4 * known[at]!.deviation);
  return descend(negative, start ?? middle, { evaluations, tolerance: 0.05, low, high }).at;
}
