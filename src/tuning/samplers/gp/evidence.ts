import { cholesky, dotAlong, invertedTransposed, solved, whitenedBy } from './cholesky.ts';
import type { Coordinate } from './encode.ts';
import type { Objective } from './lbfgs.ts';
import { LEAST_NOISE, SQRT5 } from './process.ts';

/**
 * Logarithm of the marginal likelihood of values under the process of some logarithms, but for a constant, and its gradient along these.
 *
 * @see C. E. Rasmussen, C. K. I. Williams: Gaussian Processes for Machine Learning (2006), 5.4.1
 */
export function evidence(coordinates: readonly Coordinate[], points: readonly Float64Array[], values: Float64Array): Objective {
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
  const slopes = new Float64Array(pairs);
  const total = new Float64Array(pairs);
  const kernel = new Float64Array(pairs);
  const matrix = new Float64Array(size * size);
  return (logs, gradient) => {
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
    if (cholesky(matrix, size) === undefined) return -Infinity;
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
      gradient[axis] = dotAlong(slopes, 0, apart, 0, pairs) * Math.exp(logs[axis]!);
    }
    gradient[width] = onScale + onDiagonal * scale;
    gradient[width + 1] = onDiagonal * noise;
    return likelihood;
  };
}
