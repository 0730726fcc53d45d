/** Eigenvalues with their eigenvectors, one per row of `vectors`, in no order. */
export interface Eigen {
  readonly values: Float64Array;
  /** Row-major: row i belongs to value i. */
  readonly vectors: Float64Array;
}

const SWEEPS_MAX = 60;

/**
 * Eigen decomposition of a symmetric matrix by cyclic Jacobi rotations: as exact as doubles allow, also for the smallest values.
 *
 * @param matrix row-major, size × size; not changed
 * @see G. H. Golub, C. F. Van Loan: Matrix Computations, 4th edition, section 8.5
 */
export function symmetricEigen(matrix: Float64Array, size: number): Eigen {
  const a = matrix.slice();
  const vectors = new Float64Array(size * size);
  for (let index = 0; index < size; index++) vectors[index * size + index] = 1;
  let scale = 0;
  for (const value of a) scale += value * value;
  for (let sweep = 0; sweep < SWEEPS_MAX; sweep++) {
    let off = 0;
    for (let row = 0; row < size; row++) for (let column = row + 1; column < size; column++) off += a[row * size + column]! ** 2;
    if (off <= scale * 1e-30) break;
    for (let p = 0; p < size - 1; p++) for (let q = p + 1; q < size; q++) rotate(a, vectors, size, p, q);
  }
  return { values: Float64Array.from({ length: size }, (_, index) => a[index * size + index]!), vectors };
}

/** Makes a[p][q] zero. */
function rotate(a: Float64Array, vectors: Float64Array, size: number, p: number, q: number): void {
  const [ap, aq] = [p * size, q * size];
  const apq = a[ap + q]!;
  if (apq === 0) return;
  const theta = (a[aq + q]! - a[ap + p]!) / (2 * apq);
  const t = (theta >= 0 ? 1 : -1) / (Math.abs(theta) + Math.sqrt(theta * theta + 1));
  const c = 1 / Math.sqrt(t * t + 1);
  const s = t * c;
  for (let k = 0; k < size; k++) {
    const kp = a[k * size + p]!;
    const kq = a[k * size + q]!;
    a[k * size + p] = c * kp - s * kq;
    a[k * size + q] = s * kp + c * kq;
  }
  for (let k = 0; k < size; k++) {
    const pk = a[ap + k]!;
    const qk = a[aq + k]!;
    a[ap + k] = c * pk - s * qk;
    a[aq + k] = s * pk + c * qk;
    const vp = vectors[ap + k]!;
    const vq = vectors[aq + k]!;
    vectors[ap + k] = c * vp - s * vq;
    vectors[aq + k] = s * vp + c * vq;
  }
  a[ap + q] = 0;
  a[aq + p] = 0;
}

/** f of a symmetric matrix: the same eigenvectors, and f of the eigenvalues. */
export function symmetricFunction(matrix: Float64Array, size: number, f: (value: number) => number): Float64Array {
  const { values, vectors } = symmetricEigen(matrix, size);
  const result = new Float64Array(size * size);
  for (let index = 0; index < size; index++) {
    const value = f(values[index]!);
    if (value === 0) continue;
    for (let row = 0; row < size; row++) {
      const left = value * vectors[index * size + row]!;
      for (let column = 0; column < size; column++) result[row * size + column]! += left * vectors[index * size + column]!;
    }
  }
  return result;
}

/** Product of two row-major matrices size × size. */
export function product(left: Float64Array, right: Float64Array, size: number): Float64Array {
  const result = new Float64Array(size * size);
  for (let row = 0; row < size; row++) {
    for (let inner = 0; inner < size; inner++) {
      const value = left[row * size + inner]!;
      if (value === 0) continue;
      for (let column = 0; column < size; column++) result[row * size + column]! += value * right[inner * size + column]!;
    }
  }
  return result;
}
