/**
 * Lower factor L of a symmetric matrix A = L · Lᵀ, row by row in one array, in place of its lower half; undefined where the matrix is not
 * positive definite.
 */
export function cholesky(matrix: Float64Array, size: number): Float64Array | undefined {
  for (let row = 0; row < size; row += 1) {
    const rowStart = row * size;
    for (let column = 0; column <= row; column += 1) {
      const columnStart = column * size;
      let sum = matrix[rowStart + column]!;
      for (let at = 0; at < column; at += 1) sum -= matrix[rowStart + at]! * matrix[columnStart + at]!;
      if (column < row) matrix[rowStart + column] = sum / matrix[columnStart + column]!;
      else if (sum > 0) matrix[rowStart + row] = Math.sqrt(sum);
      else return undefined;
    }
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
      let sum = 0;
      for (let at = column; at < row; at += 1) sum -= factor[row * size + at]! * inverse[start + at]!;
      inverse[start + row] = sum / factor[row * size + row]!;
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
