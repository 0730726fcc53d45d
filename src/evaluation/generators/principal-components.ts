import { Prng } from '../../core/prng.ts';

/** Rows beyond these change the components little. */
const ROWS_MAX = 2_000;
const ITERATIONS = 30;

/**
 * Projection on the directions of largest variance, found by orthogonal iteration from a fixed start: the same rows give the same
 * directions.
 *
 * @param values row-major, rows × width
 * @see G. H. Golub, C. F. Van Loan: Matrix Computations, 4th edition, section 8.2.4
 */
export function principalComponents(values: Float32Array, width: number, count: number): (values: Float32Array) => Float32Array {
  const rows = Math.min(ROWS_MAX, values.length / width);
  const mean = new Float64Array(width);
  for (let row = 0; row < rows; row++) for (let at = 0; at < width; at++) mean[at]! += values[row * width + at]! / rows;
  const random = new Prng('components', width);
  /** Row-major, one direction per row. */
  let directions = orthonormal(
    Float64Array.from({ length: count * width }, () => random.normal()),
    count,
    width,
  );
  for (let turn = 0; turn < ITERATIONS; turn++) {
    const next = new Float64Array(count * width);
    const centred = new Float64Array(width);
    for (let row = 0; row < rows; row++) {
      for (let at = 0; at < width; at++) centred[at] = values[row * width + at]! - mean[at]!;
      for (let index = 0; index < count; index++) {
        let score = 0;
        for (let at = 0; at < width; at++) score += centred[at]! * directions[index * width + at]!;
        for (let at = 0; at < width; at++) next[index * width + at]! += score * centred[at]!;
      }
    }
    directions = orthonormal(next, count, width);
  }
  return (all) => {
    const projected = new Float32Array((all.length / width) * count);
    for (let row = 0; row < all.length / width; row++) {
      for (let index = 0; index < count; index++) {
        let score = 0;
        for (let at = 0; at < width; at++) score += (all[row * width + at]! - mean[at]!) * directions[index * width + at]!;
        projected[row * count + index] = score;
      }
    }
    return projected;
  };
}

/** Gram and Schmidt, twice for accuracy. What vanishes (fewer directions than asked for) stays zero. */
function orthonormal(vectors: Float64Array, count: number, width: number): Float64Array {
  for (let index = 0; index < count; index++) {
    const own = vectors.subarray(index * width, (index + 1) * width);
    const before = Math.sqrt(own.reduce((sum, value) => sum + value * value, 0));
    for (let pass = 0; pass < 2; pass++) {
      for (let other = 0; other < index; other++) {
        const theirs = vectors.subarray(other * width, (other + 1) * width);
        let dot = 0;
        for (let at = 0; at < width; at++) dot += own[at]! * theirs[at]!;
        for (let at = 0; at < width; at++) own[at]! -= dot * theirs[at]!;
      }
    }
    const length = Math.sqrt(own.reduce((sum, value) => sum + value * value, 0));
    if (length <= 1e-10 * before || length === 0) own.fill(0);
    else for (let at = 0; at < width; at++) own[at]! /= length;
  }
  return vectors;
}
