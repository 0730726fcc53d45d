import type { Coordinate } from './encode.ts';
import { cholesky, invertedTransposed, transposed } from './cholesky.ts';
import { descend } from './lbfgs.ts';

/** Logarithms: of 1 / (length scale)² of every coordinate, then of the variance of the function, then of that of the noise. */
type Logs = Float64Array;

const SQRT5 = Math.sqrt(5);
/** Least variance of the noise, for a function of variance near 1: what keeps the matrix invertible where points lie close. */
const LEAST_NOISE = 1e-6;

export interface Posterior {
  readonly mean: number;
  readonly variance: number;
}

/** A Gaussian process with a Matérn 5/2 kernel and a length scale for each coordinate, given values of mean 0 and variance 1. */
export class GaussianProcess {
  readonly #points: readonly Float64Array[];
  readonly #choice: readonly boolean[];
  readonly #sharpness: Float64Array;
  readonly #scale: number;
  readonly #inverse: Float64Array;
  readonly #inverseTransposed: Float64Array;
  readonly #alpha: Float64Array;
  readonly #kernel: Float64Array;
  readonly #slopes: Float64Array;
  readonly #whitened: Float64Array;
  readonly logs: Logs;

  constructor(coordinates: readonly Coordinate[], points: readonly Float64Array[], values: Float64Array, logs: Logs) {
    const width = coordinates.length;
    const size = points.length;
    this.logs = logs;
    this.#points = points;
    this.#choice = coordinates.map(({ choice }) => choice);
    this.#sharpness = logs.slice(0, width).map(Math.exp);
    this.#scale = Math.exp(logs[width]!);
    const noise = Math.exp(logs[width + 1]!) + LEAST_NOISE;
    const factor = factorOf(size, noise, (row, column) => this.#scale * matern(this.#square(points[row]!, points[column]!)));
    this.#inverseTransposed = invertedTransposed(factor, size);
    this.#inverse = transposed(this.#inverseTransposed, size);
    this.#alpha = new Float64Array(size);
    this.#kernel = new Float64Array(size);
    this.#slopes = new Float64Array(size);
    this.#whitened = new Float64Array(size);
    weigh(this.#inverse, this.#inverseTransposed, values, this.#whitened, this.#alpha);
  }

  /** Length scale of every coordinate. */
  lengths(): Float64Array {
    return this.#sharpness.map((sharpness) => 1 / Math.sqrt(sharpness));
  }

  at(point: Float64Array): Posterior {
    const size = this.#points.length;
    let mean = 0;
    for (let row = 0; row < size; row += 1) {
      this.#kernel[row] = this.#scale * matern(this.#square(point, this.#points[row]!));
      mean += this.#kernel[row]! * this.#alpha[row]!;
    }
    return { mean, variance: this.#variance() };
  }

  /** The same, with the slopes of mean and variance along the coordinates that are numbers. */
  slopesAt(point: Float64Array, meanSlope: Float64Array, varianceSlope: Float64Array): Posterior {
    const size = this.#points.length;
    const width = point.length;
    let mean = 0;
    for (let row = 0; row < size; row += 1) {
      const square = this.#square(point, this.#points[row]!);
      const distance = SQRT5 * Math.sqrt(square);
      const fall = this.#scale * Math.exp(-distance);
      this.#kernel[row] = fall * (1 + distance + (distance * distance) / 3);
      this.#slopes[row] = (-5 / 6) * fall * (1 + distance);
      mean += this.#kernel[row]! * this.#alpha[row]!;
    }
    const variance = this.#variance();
    meanSlope.fill(0);
    varianceSlope.fill(0);
    for (let row = 0; row < size; row += 1) {
      const start = row * size;
      let solved = 0;
      for (let at = row; at < size; at += 1) solved += this.#inverseTransposed[start + at]! * this.#whitened[at]!;
      const other = this.#points[row]!;
      const toMean = this.#alpha[row]! * this.#slopes[row]!;
      const toVariance = -2 * solved * this.#slopes[row]!;
      for (let axis = 0; axis < width; axis += 1) {
        if (this.#choice[axis]!) continue;
        const slope = 2 * this.#sharpness[axis]! * (point[axis]! - other[axis]!);
        meanSlope[axis]! += toMean * slope;
        varianceSlope[axis]! += toVariance * slope;
      }
    }
    return { mean, variance };
  }

  #variance(): number {
    const size = this.#points.length;
    let explained = 0;
    for (let row = 0; row < size; row += 1) {
      const start = row * size;
      let sum = 0;
      for (let at = 0; at <= row; at += 1) sum += this.#inverse[start + at]! * this.#kernel[at]!;
      this.#whitened[row] = sum;
      explained += sum * sum;
    }
    return Math.max(1e-12, this.#scale - explained);
  }

  #square(one: Float64Array, other: Float64Array): number {
    let sum = 0;
    for (let axis = 0; axis < one.length; axis += 1) {
      const apart = one[axis]! - other[axis]!;
      if (this.#choice[axis]!) sum += apart === 0 ? 0 : this.#sharpness[axis]!;
      else sum += this.#sharpness[axis]! * apart * apart;
    }
    return sum;
  }
}

function matern(square: number): number {
  const distance = SQRT5 * Math.sqrt(square);
  return Math.exp(-distance) * (1 + distance + (distance * distance) / 3);
}

/** Of a kernel with noise; where points lie so close that it cannot be inverted, with more noise. */
function factorOf(size: number, noise: number, kernel: (row: number, column: number) => number): Float64Array {
  for (let more = noise; ; more *= 10) {
    const matrix = new Float64Array(size * size);
    for (let row = 0; row < size; row += 1) {
      for (let column = 0; column < row; column += 1) matrix[row * size + column] = kernel(row, column);
      matrix[row * size + row] = kernel(row, row) + more;
    }
    const factor = cholesky(matrix, size);
    if (factor !== undefined) return factor;
  }
}

/** whitened = L⁻¹ · values, weights = A⁻¹ · values. */
function weigh(inverse: Float64Array, inverseTransposed: Float64Array, values: Float64Array, whitened: Float64Array, weights: Float64Array): void {
  const size = values.length;
  for (let row = 0; row < size; row += 1) {
    let sum = 0;
    for (let at = 0; at <= row; at += 1) sum += inverse[row * size + at]! * values[at]!;
    whitened[row] = sum;
  }
  for (let row = 0; row < size; row += 1) {
    let sum = 0;
    for (let at = row; at < size; at += 1) sum += inverseTransposed[row * size + at]! * whitened[at]!;
    weights[row] = sum;
  }
}

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
const LENGTH_SHIFT = Number(process.env.LSHIFT ?? 1.5);
const LENGTH_DEV = Number(process.env.LDEV ?? 1);
const NOISE_MEAN = Number(process.env.NMEAN ?? -8);
const NOISE_DEV = Number(process.env.NDEV ?? 3);

/** The process whose kernel explains the values best, by the marginal likelihood times what was believed of it before. */
export function fitted(coordinates: readonly Coordinate[], points: readonly Float64Array[], values: Float64Array, evaluations: number): Logs {
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
  const matrix = new Float64Array(size * size);
  const whitened = new Float64Array(size);
  const weights = new Float64Array(size);
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
        matrix[row * size + column] = fall * (1 + distance + (distance * distance) / 3);
        slopes[pair] = (-5 / 6) * fall * (1 + distance);
      }
      matrix[row * size + row] = scale + noise + LEAST_NOISE;
    }
    if (cholesky(matrix, size) === undefined) return Infinity;
    const inverseTransposed = invertedTransposed(matrix, size);
    let likelihood = 0;
    for (let row = 0; row < size; row += 1) {
      let sum = 0;
      for (let at = 0; at <= row; at += 1) sum += inverseTransposed[at * size + row]! * values[at]!;
      whitened[row] = sum;
      likelihood -= Math.log(matrix[row * size + row]!) + 0.5 * sum * sum;
    }
    for (let row = 0; row < size; row += 1) {
      let sum = 0;
      for (let at = row; at < size; at += 1) sum += inverseTransposed[row * size + at]! * whitened[at]!;
      weights[row] = sum;
    }
    // Half of (weights · weightsᵀ − A⁻¹), by which every derivative of the kernel is weighed; each pair stands twice in it.
    gradient.fill(0);
    let onDiagonal = 0;
    let onScale = 0;
    pair = 0;
    for (let row = 0; row < size; row += 1) {
      for (let column = 0; column <= row; column += 1) {
        let entry = 0;
        for (let at = row; at < size; at += 1) entry += inverseTransposed[row * size + at]! * inverseTransposed[column * size + at]!;
        const factor = weights[row]! * weights[column]! - entry;
        if (column === row) onDiagonal += 0.5 * factor;
        else {
          const distance = SQRT5 * Math.sqrt(total[pair]!);
          onScale += factor * ((slopes[pair]! * (1 + distance + (distance * distance) / 3)) / ((-5 / 6) * (1 + distance)));
          // From here on the weight of the pair.
          slopes[pair]! *= factor;
          pair += 1;
        }
      }
    }
    for (const [axis, apart] of squares.entries()) {
      let sum = 0;
      for (let each = 0; each < pairs; each += 1) sum += slopes[each]! * apart[each]!;
      gradient[axis] = -sum * Math.exp(logs[axis]!);
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
  const start = Float64Array.from(known, ({ mean }) => mean);
  const low = start.map((mean, at) => mean - 4 * known[at]!.deviation);
  const high = start.map((mean, at) => mean + 4 * known[at]!.deviation);
  return descend(negative, start, { evaluations, tolerance: 0.05, low, high }).at;
}
