import { cholesky, dotAlong, invertedTransposed, solved, transposed, whitenedBy } from './cholesky.ts';
import type { Coordinate } from './encode.ts';

/** Logarithms: of 1 / (length scale)² of every coordinate, then of the variance of the function, then of that of the noise. */
export type Logs = Float64Array;

export const SQRT5 = Math.sqrt(5);
/** Least variance of the noise, for a function of variance near 1: what keeps the matrix invertible where points lie close. */
export const LEAST_NOISE = 1e-6;

export interface Posterior {
  readonly mean: number;
  readonly variance: number;
}

/** A Gaussian process with a Matérn 5/2 kernel and a length scale for each coordinate, given values of mean 0 and variance 1. */
export class GaussianProcess {
  readonly #size: number;
  readonly #width: number;
  /** One row for each point. */
  readonly #points: Float64Array;
  readonly #choice: readonly boolean[];
  readonly #sharpness: Float64Array;
  readonly #scale: number;
  readonly #inverse: Float64Array;
  readonly #inverseTransposed: Float64Array;
  readonly #alpha: Float64Array;
  readonly #kernel: Float64Array;
  readonly #slopes: Float64Array;
  readonly #whitened: Float64Array;

  constructor(coordinates: readonly Coordinate[], points: readonly Float64Array[], values: Float64Array, logs: Logs) {
    const width = coordinates.length;
    const size = points.length;
    this.#size = size;
    this.#width = width;
    this.#points = new Float64Array(size * width);
    for (const [row, point] of points.entries()) this.#points.set(point, row * width);
    this.#choice = coordinates.map(({ choice }) => choice);
    this.#sharpness = logs.slice(0, width).map(Math.exp);
    this.#scale = Math.exp(logs[width]!);
    this.#kernel = new Float64Array(size);
    this.#slopes = new Float64Array(size);
    this.#whitened = new Float64Array(size);
    const factor = this.#factor(points, Math.exp(logs[width + 1]!) + LEAST_NOISE);
    this.#inverseTransposed = invertedTransposed(factor, size);
    this.#inverse = transposed(this.#inverseTransposed, size);
    this.#alpha = solved(this.#inverseTransposed, whitenedBy(this.#inverseTransposed, values, size), size);
  }

  /** Length scale of every coordinate. */
  lengths(): Float64Array {
    return this.#sharpness.map((sharpness) => 1 / Math.sqrt(sharpness));
  }

  at(point: Float64Array): Posterior {
    this.#covary(point);
    return { mean: dotAlong(this.#kernel, 0, this.#alpha, 0, this.#size), variance: this.#variance() };
  }

  /** The same, with the slopes of mean and variance along the coordinates that are numbers. */
  slopesAt(point: Float64Array, meanSlope: Float64Array, varianceSlope: Float64Array): Posterior {
    const posterior = this.at(point);
    const size = this.#size;
    const width = this.#width;
    const slopes = this.#slopes;
    const points = this.#points;
    const inverseTransposed = this.#inverseTransposed;
    const whitened = this.#whitened;
    const alpha = this.#alpha;
    meanSlope.fill(0);
    varianceSlope.fill(0);
    for (let row = 0; row < size; row += 1) {
      const weight = dotAlong(inverseTransposed, row * size + row, whitened, row, size - row);
      const toMean = alpha[row]! * slopes[row]!;
      const toVariance = -2 * weight * slopes[row]!;
      for (let axis = 0; axis < width; axis += 1) {
        const apart = point[axis]! - points[row * width + axis]!;
        meanSlope[axis]! += toMean * apart;
        varianceSlope[axis]! += toVariance * apart;
      }
    }
    for (let axis = 0; axis < width; axis += 1) {
      const factor = this.#choice[axis]! ? 0 : 2 * this.#sharpness[axis]!;
      meanSlope[axis]! *= factor;
      varianceSlope[axis]! *= factor;
    }
    return posterior;
  }

  /** Covariances of a point with all that is known, and their slopes along the square of the distance. */
  #covary(point: Float64Array): void {
    const size = this.#size;
    const width = this.#width;
    const points = this.#points;
    const sharpness = this.#sharpness;
    const choice = this.#choice;
    const scale = this.#scale;
    const kernel = this.#kernel;
    const slopes = this.#slopes;
    for (let row = 0; row < size; row += 1) {
      let square = 0;
      for (let axis = 0; axis < width; axis += 1) {
        const apart = point[axis]! - points[row * width + axis]!;
        square += sharpness[axis]! * (choice[axis]! ? (apart === 0 ? 0 : 1) : apart * apart);
      }
      const distance = SQRT5 * Math.sqrt(square);
      const fall = scale * Math.exp(-distance);
      kernel[row] = fall * (1 + distance + (distance * distance) / 3);
      slopes[row] = (-5 / 6) * fall * (1 + distance);
    }
  }

  #variance(): number {
    const size = this.#size;
    const inverse = this.#inverse;
    const kernel = this.#kernel;
    const whitened = this.#whitened;
    let explained = 0;
    for (let row = 0; row < size; row += 1) {
      const sum = dotAlong(inverse, row * size, kernel, 0, row + 1);
      whitened[row] = sum;
      explained += sum * sum;
    }
    return Math.max(1e-12, this.#scale - explained);
  }

  /** Of the covariances of the points with noise; where they lie so close that these cannot be inverted, with more noise. */
  #factor(points: readonly Float64Array[], noise: number): Float64Array {
    const size = this.#size;
    for (let more = noise; ; more *= 10) {
      const matrix = new Float64Array(size * size);
      for (const [row, point] of points.entries()) {
        this.#covary(point);
        matrix.set(this.#kernel, row * size);
        matrix[row * size + row]! += more;
      }
      const factor = cholesky(matrix, size);
      if (factor !== undefined) return factor;
    }
  }
}
