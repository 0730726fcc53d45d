import { Prng } from '../core/prng.ts';

/** Initial weights, by Keras's names. All are functions of a keyed generator: no weight depends on another's draw. */
export const INITIALIZER_NAMES = [
  'zeros', 'ones', 'glorotUniform', 'glorotNormal', 'heUniform', 'heNormal', 'lecunUniform', 'lecunNormal', 'orthogonal', 'uniform', 'normal',
] as const;
export type InitializerName = (typeof INITIALIZER_NAMES)[number];

export type Initializer = InitializerName | ((shape: readonly number[], prng: Prng) => Float32Array);

/** Standard deviation of a normal distribution cut at two deviations. */
const TRUNCATED_STD = 0.87962566103423978;

/** @param shape of the weight; the fans are its last two axes times the receptive field, as in Keras */
export function initialize(initializer: Initializer, shape: readonly number[], prng: Prng): Float32Array {
  if (typeof initializer === 'function') return initializer(shape, prng);
  const values = new Float32Array(shape.reduce((size, axis) => size * axis, 1));
  const [fanIn, fanOut] = fans(shape);
  switch (initializer) {
    case 'zeros': return values;
    case 'ones': return values.fill(1);
    case 'uniform': return uniform(values, 0.05, prng);
    case 'normal': return values.map(() => 0.05 * prng.normal());
    case 'glorotUniform': return uniform(values, Math.sqrt(6 / (fanIn + fanOut)), prng);
    case 'heUniform': return uniform(values, Math.sqrt(6 / fanIn), prng);
    case 'lecunUniform': return uniform(values, Math.sqrt(3 / fanIn), prng);
    case 'glorotNormal': return truncated(values, Math.sqrt(2 / (fanIn + fanOut)), prng);
    case 'heNormal': return truncated(values, Math.sqrt(2 / fanIn), prng);
    case 'lecunNormal': return truncated(values, Math.sqrt(1 / fanIn), prng);
    case 'orthogonal': return orthogonal(values, shape, prng);
  }
}

function fans(shape: readonly number[]): [number, number] {
  if (shape.length === 0) return [1, 1];
  if (shape.length === 1) return [shape[0]!, shape[0]!];
  const field = shape.slice(0, -2).reduce((size, axis) => size * axis, 1);
  return [shape.at(-2)! * field, shape.at(-1)! * field];
}

function uniform(values: Float32Array, limit: number, prng: Prng): Float32Array {
  for (let index = 0; index < values.length; index++) values[index] = limit * (2 * prng.uniform() - 1);
  return values;
}

function truncated(values: Float32Array, std: number, prng: Prng): Float32Array {
  for (let index = 0; index < values.length; index++) {
    let draw = prng.normal();
    while (Math.abs(draw) > 2) draw = prng.normal();
    values[index] = (draw * std) / TRUNCATED_STD;
  }
  return values;
}

/** Orthonormal rows or columns, whichever are fewer (modified Gram-Schmidt, twice, over normal draws). */
function orthogonal(values: Float32Array, shape: readonly number[], prng: Prng): Float32Array {
  const columns = shape.at(-1) ?? 1;
  const rows = values.length / columns;
  const count = Math.min(rows, columns);
  const length = Math.max(rows, columns);
  const basis: Float64Array[] = [];
  while (basis.length < count) {
    const vector = Float64Array.from({ length }, () => prng.normal());
    for (let pass = 0; pass < 2; pass++) for (const other of basis) subtractProjection(vector, other);
    const norm = Math.sqrt(dot(vector, vector));
    if (norm > 1e-8) basis.push(vector.map((value) => value / norm));
  }
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) values[row * columns + column] = rows >= columns ? basis[column]![row]! : basis[row]![column]!;
  }
  return values;
}

function subtractProjection(vector: Float64Array, unit: Float64Array): void {
  const along = dot(vector, unit);
  for (let index = 0; index < vector.length; index++) vector[index]! -= along * unit[index]!;
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let index = 0; index < a.length; index++) sum += a[index]! * b[index]!;
  return sum;
}
