/** A function to be minimised: its value, with its gradient written into the given array. */
export type Objective = (at: Float64Array, gradient: Float64Array) => number;

export interface DescentLimits {
  readonly evaluations: number;
  /** Ends where no component of the gradient that a bound does not hold back is larger. */
  readonly tolerance: number;
  readonly low?: Float64Array;
  readonly high?: Float64Array;
}

const MEMORY = 8;

/**
 * L-BFGS within bounds: directions from the last few steps, among the coordinates that no bound holds, and steps cut off at the bounds.
 *
 * @see J. Nocedal, S. J. Wright: Numerical Optimization, 7.2; D. P. Bertsekas: Projected Newton Methods (1982)
 */
export function descend(objective: Objective, start: Float64Array, limits: DescentLimits): { at: Float64Array; value: number } {
  const { low, high } = limits;
  const size = start.length;
  let at = clipped(start, low, high);
  let gradient = new Float64Array(size);
  let value = objective(at, gradient);
  const steps: { s: Float64Array; y: Float64Array; rho: number }[] = [];
  let left = limits.evaluations - 1;
  while (left > 0) {
    const free = gradient.map((slope, axis) =>
      (low !== undefined && at[axis]! <= low[axis]! && slope > 0) || (high !== undefined && at[axis]! >= high[axis]! && slope < 0) ? 0 : 1,
    );
    if (gradient.every((slope, axis) => Math.abs(slope * free[axis]!) <= limits.tolerance)) break;
    let direction = quasiNewton(gradient, free, steps);
    let slope = dot(direction, gradient);
    if (!(slope < 0)) {
      steps.length = 0;
      direction = gradient.map((each, axis) => -each * free[axis]!);
      slope = dot(direction, gradient);
    }
    // The first step has no scale yet: at most a tenth of a unit.
    let length = steps.length === 0 ? Math.min(1, 0.1 / Math.max(...direction.map(Math.abs))) : 1;
    let next = at;
    let nextValue = Infinity;
    const nextGradient = new Float64Array(size);
    for (; left > 0; length *= 0.3) {
      next = clipped(
        at.map((each, axis) => each + length * direction[axis]!),
        low,
        high,
      );
      nextValue = objective(next, nextGradient);
      left -= 1;
      const expected = gradient.reduce((sum, each, axis) => sum + each * (next[axis]! - at[axis]!), 0);
      if (nextValue <= value + 1e-4 * expected || length < 1e-8) break;
    }
    if (!(nextValue < value)) break;
    const s = next.map((each, axis) => each - at[axis]!);
    const y = nextGradient.map((each, axis) => each - gradient[axis]!);
    const curvature = dot(s, y);
    if (curvature > 1e-10 * dot(y, y)) {
      steps.push({ s, y, rho: 1 / curvature });
      if (steps.length > MEMORY) steps.shift();
    }
    const gain = value - nextValue;
    [at, value, gradient] = [next, nextValue, nextGradient];
    if (gain < 1e-9 * Math.max(1, Math.abs(value))) break;
  }
  return { at, value };
}

function quasiNewton(
  gradient: Float64Array,
  free: Float64Array,
  steps: readonly { s: Float64Array; y: Float64Array; rho: number }[],
): Float64Array {
  const direction = gradient.map((each, axis) => -each * free[axis]!);
  const factors: number[] = [];
  for (const { s, y, rho } of [...steps].reverse()) {
    const factor = rho * dot(s, direction);
    factors.push(factor);
    for (let axis = 0; axis < direction.length; axis += 1) direction[axis]! -= factor * y[axis]!;
  }
  const last = steps.at(-1);
  if (last !== undefined) {
    const scale = 1 / (last.rho * dot(last.y, last.y));
    for (let axis = 0; axis < direction.length; axis += 1) direction[axis]! *= scale;
  }
  for (const { s, y, rho } of steps) {
    const factor = factors.pop()! - rho * dot(y, direction);
    for (let axis = 0; axis < direction.length; axis += 1) direction[axis]! += factor * s[axis]!;
  }
  return direction.map((each, axis) => each * free[axis]!);
}

function clipped(values: Float64Array, low?: Float64Array, high?: Float64Array): Float64Array {
  return values.map((value, axis) => Math.min(high?.[axis] ?? Infinity, Math.max(low?.[axis] ?? -Infinity, value)));
}

function dot(one: Float64Array, other: Float64Array): number {
  let sum = 0;
  for (let axis = 0; axis < one.length; axis += 1) sum += one[axis]! * other[axis]!;
  return sum;
}
