import type { Space } from '../src/tuning/space.ts';

interface TestFunction {
  readonly optimum: number;
  readonly space: Space;
  /** Coordinates in the order of the space. */
  readonly value: (at: readonly number[]) => number;
}

const cube = (width: number, low: number, high: number): Space =>
  Object.fromEntries(Array.from({ length: width }, (_, at) => [`x${String(at)}`, { kind: 'float', low, high, scale: 'linear' }]));

const WEIGHTS = [1, 1.2, 3, 3.2];
const SHARPNESS = [
  [10, 3, 17, 3.5, 1.7, 8],
  [0.05, 10, 17, 0.1, 8, 14],
  [3, 3.5, 1.7, 10, 17, 8],
  [17, 8, 0.05, 10, 0.1, 14],
];
const CENTRES = [
  [0.1312, 0.1696, 0.5569, 0.0124, 0.8283, 0.5886],
  [0.2329, 0.4135, 0.8307, 0.3736, 0.1004, 0.9991],
  [0.2348, 0.1451, 0.3522, 0.2883, 0.3047, 0.665],
  [0.4047, 0.8828, 0.8732, 0.5743, 0.1091, 0.0381],
];

/** @see S. Surjanovic, D. Bingham: Virtual Library of Simulation Experiments, Optimization Test Functions */
export const FUNCTIONS: Readonly<Record<string, TestFunction>> = {
  branin: {
    optimum: 0.397887,
    space: { x: { kind: 'float', low: -5, high: 10, scale: 'linear' }, y: { kind: 'float', low: 0, high: 15, scale: 'linear' } },
    value: ([x = 0, y = 0]) =>
      (y - (5.1 / (4 * Math.PI ** 2)) * x * x + (5 / Math.PI) * x - 6) ** 2 + 10 * (1 - 1 / (8 * Math.PI)) * Math.cos(x) + 10,
  },
  hartmann6: {
    optimum: -3.322368,
    space: cube(6, 0, 1),
    value: (at) =>
      -WEIGHTS.reduce(
        (sum, weight, bump) =>
          sum +
          weight * Math.exp(-at.reduce((far, value, axis) => far + SHARPNESS[bump]![axis]! * (value - CENTRES[bump]![axis]!) ** 2, 0)),
        0,
      ),
  },
  rosenbrock5: {
    optimum: 0,
    space: cube(5, -5, 10),
    value: (at) => at.slice(1).reduce((sum, value, axis) => sum + 100 * (value - at[axis]! ** 2) ** 2 + (1 - at[axis]!) ** 2, 0),
  },
  ackley5: {
    optimum: 0,
    space: cube(5, -32.768, 32.768),
    value: (at) =>
      20 +
      Math.E -
      20 * Math.exp(-0.2 * Math.sqrt(mean(at, (value) => value * value))) -
      Math.exp(mean(at, (value) => Math.cos(2 * Math.PI * value))),
  },
  styblinskiTang4: {
    optimum: -156.664663,
    space: cube(4, -5, 5),
    value: (at) => at.reduce((sum, value) => sum + (value ** 4 - 16 * value ** 2 + 5 * value) / 2, 0),
  },
  levy4: {
    optimum: 0,
    space: cube(4, -10, 10),
    value: (at) => {
      const w = at.map((value) => 1 + (value - 1) / 4);
      const last = w.at(-1)!;
      return (
        Math.sin(Math.PI * w[0]!) ** 2 +
        w.slice(0, -1).reduce((sum, value) => sum + (value - 1) ** 2 * (1 + 10 * Math.sin(Math.PI * value + 1) ** 2), 0) +
        (last - 1) ** 2 * (1 + Math.sin(2 * Math.PI * last) ** 2)
      );
    },
  },
};

function mean(values: readonly number[], of: (value: number) => number): number {
  return values.reduce((sum, value) => sum + of(value), 0) / values.length;
}
