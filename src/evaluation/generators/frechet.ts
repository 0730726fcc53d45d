import { product, symmetricEigen, symmetricFunction } from './symmetric-eigen.ts';

/** Sums from which mean and covariance of vectors follow; merged without loss. */
export class VectorMoments {
  readonly width: number;
  count = 0;
  readonly #mean: Float64Array;
  /** Sum of products of deviations, row-major. */
  readonly #products: Float64Array;

  constructor(width: number) {
    this.width = width;
    this.#mean = new Float64Array(width);
    this.#products = new Float64Array(width * width);
  }

  /** @param values row-major, rows × width */
  add(values: ArrayLike<number>): void {
    const { width } = this;
    const before = new Float64Array(width);
    const after = new Float64Array(width);
    for (let offset = 0; offset + width <= values.length; offset += width) {
      this.count += 1;
      for (let at = 0; at < width; at++) {
        before[at] = values[offset + at]! - this.#mean[at]!;
        this.#mean[at]! += before[at]! / this.count;
        after[at] = values[offset + at]! - this.#mean[at]!;
      }
      for (let row = 0; row < width; row++)
        for (let column = 0; column < width; column++) this.#products[row * width + column]! += before[row]! * after[column]!;
    }
  }

  merge(other: VectorMoments): void {
    const total = this.count + other.count;
    if (other.count === 0) return;
    const { width } = this;
    const delta = other.#mean.map((value, at) => value - this.#mean[at]!);
    const weight = (this.count * other.count) / total;
    for (let row = 0; row < width; row++)
      for (let column = 0; column < width; column++)
        this.#products[row * width + column]! += other.#products[row * width + column]! + weight * delta[row]! * delta[column]!;
    for (let at = 0; at < width; at++) this.#mean[at]! += (delta[at]! * other.count) / total;
    this.count = total;
  }

  get mean(): Float64Array {
    return this.#mean.slice();
  }

  /** Unbiased, as numpy.cov. */
  get covariance(): Float64Array {
    const { width } = this;
    const result = new Float64Array(width * width);
    // Rounding differs on both sides of the diagonal.
    for (let row = 0; row < width; row++)
      for (let column = 0; column < width; column++)
        result[row * width + column] =
          (this.#products[row * width + column]! + this.#products[column * width + row]!) / 2 / (this.count - 1);
    return result;
  }
}

/**
 * Distance of two normal distributions: |μ₁ − μ₂|² + tr(Σ₁ + Σ₂ − 2 (Σ₁ Σ₂)^½). The trace of the root is that of the symmetric
 * (Σ₁^½ Σ₂ Σ₁^½)^½, so that no root of a matrix without symmetry is needed.
 *
 * @see M. Heusel et al.: GANs Trained by a Two Time-Scale Update Rule Converge to a Local Nash Equilibrium (2017)
 */
export function frechetDistance(first: VectorMoments, second: VectorMoments): number {
  const { width } = first;
  const [a, b] = [first.covariance, second.covariance];
  const root = symmetricFunction(a, width, (value) => Math.sqrt(Math.max(0, value)));
  const inner = product(product(root, b, width), root, width);
  const middle = inner.map((value, index) => (value + inner[(index % width) * width + Math.floor(index / width)]!) / 2);
  const traceOfRoot = symmetricEigen(middle, width).values.reduce((sum, value) => sum + Math.sqrt(Math.max(0, value)), 0);
  const [meanA, meanB] = [first.mean, second.mean];
  let distance = -2 * traceOfRoot;
  for (let at = 0; at < width; at++) distance += (meanA[at]! - meanB[at]!) ** 2 + a[at * width + at]! + b[at * width + at]!;
  return Math.max(0, distance);
}
