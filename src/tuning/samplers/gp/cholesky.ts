/**
 * Sum of products of `count` numbers of two arrays, each from its start on. Four sums at once: one alone waits for each addition to end
 * before it begins the next.
 */
export function dotAlong(one: Float64Array, oneStart: number, other: Float64Array, otherStart: number, count: number): number {
  let first = 0;
  let second = 0;
  let third = 0;
  let fourth = 0;
  let at = 0;
  for (; at + 3 < count; at += 4) {
    first += one[oneStart + at]! * other[otherStart + at]!;
    second += one[oneStart + at + 1]! * other[otherStart + at + 1]!;
    third += one[oneStart + at + 2]! * other[otherStart + at + 2]!;
    fourth += one[oneStart + at + 3]! * other[otherStart + at + 3]!;
  }
  for (; at < count; at += 1) first += one[oneStart + at]! * other[otherStart + at]!;
  return first + second + (third + fourth);
}

/**
 * Lower factor L of a symmetric matrix A = L · Lᵀ, row by row in one array, in place of its lower half; undefined where the matrix is not
 * positive definite.
 */
export function cholesky(matrix: Float64Array, size: number): Float64Array | undefined {
  for (let row = 0; row < size; row += 1) {
    const rowStart = row * size;
    for (let column = 0; column < row; column += 1) {
      const columnStart = column * size;
      const rest = matrix[rowStart + column]! - dotAlong(matrix, rowStart, matrix, columnStart, column);
      matrix[rowStart + column] = rest / matrix[columnStart + column]!;
    }
    const rest = matrix[rowStart + row]! - dotAlong(matrix, rowStart, matrix, rowStart, row);
    if (!(rest > 0)) return undefined;
    matrix[rowStart + row] = Math.sqrt(rest);
  }
  return matrix;
}

/** L⁻¹ transposed: row j holds column j of the inverse, from its place j on, so that products go along rows. */
export function invertedTransposed(factor: Float64Array, size: number): Float64Array {
  const inverse = new Float64Array(size * size);
  for (let column = 0; column < size; column += 1) {
    const start = column * size;
    inverse[start + column] = 1 / factor[start + column]!;
    for (let row = column + 1; row < size; row += 1) {
      const rowStart = row * size;
      inverse[start + row] = -dotAlong(factor, rowStart + column, inverse, start + column, row - column) / factor[rowStart + row]!;
    }
  }
  return inverse;
}

/** L⁻¹ from its transpose. */
export function transposed(matrix: Float64Array, size: number): Float64Array {
  const result = new Float64Array(size * size);
  for (let row = 0; row < size; row += 1)
    for (let column = 0; column < size; column += 1) result[column * size + row] = matrix[row * size + column]!;
  return result;
}

/** weights = A⁻¹ · values, where whitened = L⁻¹ · values. */
export function solved(inverseTransposed: Float64Array, whitened: Float64Array, size: number): Float64Array {
  return whitened.map((_, row) => dotAlong(inverseTransposed, row * size + row, whitened, row, size - row));
}

/** L⁻¹ · values, from the transpose of L⁻¹. */
export function whitenedBy(inverseTransposed: Float64Array, values: Float64Array, size: number): Float64Array {
  const whitened = new Float64Array(size);
  for (let row = 0; row < size; row += 1) {
    const value = values[row]!;
    for (let at = row; at < size; at += 1) whitened[at]! += inverseTransposed[row * size + at]! * value;
  }
  return whitened;
}
