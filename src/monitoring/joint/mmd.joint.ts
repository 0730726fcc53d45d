import { chiSquareTail } from '../chi-square-tail.ts';
import { Prng } from '../../core/prng.ts';
import { defineJointTest, jointConfig, stacked } from './joint-test.ts';
import type { Matrix } from '../trees/boosted-trees.ts';

const ROWS = 1_000;
const ROWS_MAX = 2_000;
/** As of the distances of columns: one row in twenty would have to be another one. */
const THRESHOLD = 0.05;
const PERMUTATIONS = 999;
/** With fewer permutations that reach what was seen, their share is too coarse, and the curve through them speaks. */
const REACHED_MIN = 10;

/**
 * Rows are alike by a Gaussian kernel whose width is the median distance of all pairs of rows; the squared discrepancy is the unbiased
 * estimate. What it is by chance is found by exchanging rows of both sides: the share of 999 exchanges that reach it is the p-value, exact
 * whatever the rows are. Smaller ones are read off the Pearson III distribution with mean, variance and skewness of the exchanges.
 *
 * The effect is √(MMD² / (2 − 2k)), k the mean likeness of rows of different sides: 0 for equal distributions, and in proportion to the
 * share of the rows that are replaced.
 */
export default defineJointTest({
  name: 'mmd',
  summary:
    'Maximum mean discrepancy of whole rows with a Gaussian kernel (median heuristic), against exchanged rows: sees every kind of change, best one that all columns share.',
  effect: 'distance',
  defaultThreshold: THRESHOLD,
  minRows: 50,
  defaultRows: ROWS,
  configSchema: jointConfig('distance', THRESHOLD, ROWS, ROWS_MAX),
  reference: 'https://jmlr.org/papers/v13/gretton12a.html',
  cost: (rows, width) => ((2 * rows) ** 2 * (width + 0.4 * PERMUTATIONS)) / 1e6,
  compute(reference, current, seed) {
    const { squared, between, exchanged } = discrepancy(reference, current, seed);
    const distance = between < 1 ? Math.sqrt(Math.max(0, squared) / (2 * (1 - between))) : 0;
    return { effect: Math.min(1, distance), pValue: exchangedP(squared, exchanged) };
  },
});

/**
 * @returns the unbiased estimate of MMD², the mean likeness between the sides, and the same estimate after exchanges
 */
export function discrepancy(
  reference: Matrix,
  current: Matrix,
  seed: number,
): { readonly squared: number; readonly between: number; readonly exchanged: Float64Array } {
  const all = stacked(reference, current);
  const [n, m] = [reference.rows, current.rows];
  const kernel = kernelOf(all);
  const sums = new Float64Array(all.rows);
  let total = 0;
  for (let row = 0; row < all.rows; row += 1) {
    let sum = 0;
    for (let other = 0; other < all.rows; other += 1) if (other !== row) sum += kernel[row * all.rows + other]!;
    sums[row] = sum;
    total += sum;
  }
  // One side by its rows; the other and what is between follow from the sums of all rows.
  const estimate = (side: Int32Array): { readonly squared: number; readonly between: number } => {
    let [within, reach] = [0, 0];
    for (let a = 0; a < n; a += 1) {
      const start = side[a]! * all.rows;
      reach += sums[side[a]!]!;
      let sum = 0;
      for (let b = 0; b < a; b += 1) sum += kernel[start + side[b]!]!;
      within += 2 * sum;
    }
    const between = reach - within;
    const others = total - within - 2 * between;
    return { squared: within / (n * (n - 1)) + others / (m * (m - 1)) - (2 * between) / (n * m), between: between / (n * m) };
  };
  const random = new Prng('mmd', seed);
  const order = Int32Array.from({ length: all.rows }, (_, row) => row);
  const seen = estimate(order.slice(0, n));
  const exchanged = Float64Array.from({ length: PERMUTATIONS }, () => {
    for (let at = 0; at < n; at += 1) {
      const other = at + random.below(all.rows - at);
      [order[at], order[other]] = [order[other]!, order[at]!];
    }
    // Neighbours in memory are read faster.
    return estimate(order.slice(0, n).sort()).squared;
  });
  return { ...seen, exchanged };
}

/** exp(-d² / median d²) of all pairs. Where most rows are equal, the mean of the others' distances stands in for the median. */
function kernelOf({ rows, width, values }: Matrix): Float32Array {
  const kernel = new Float32Array(rows * rows);
  const squares = new Float32Array((rows * (rows - 1)) / 2);
  let at = 0;
  for (let a = 0; a < rows; a += 1)
    for (let b = 0; b < a; b += 1) {
      let sum = 0;
      for (let column = 0; column < width; column += 1) {
        const difference = values[a * width + column]! - values[b * width + column]!;
        sum += difference * difference;
      }
      kernel[a * rows + b] = sum;
      squares[at++] = sum;
    }
  const scale = scaleOf(squares);
  for (let a = 0; a < rows; a += 1) {
    kernel[a * rows + a] = 1;
    for (let b = 0; b < a; b += 1) {
      const alike = Math.exp(-kernel[a * rows + b]! / scale);
      kernel[a * rows + b] = alike;
      kernel[b * rows + a] = alike;
    }
  }
  return kernel;
}

function scaleOf(squares: Float32Array): number {
  squares.sort();
  const half = squares.length >> 1;
  const median = squares.length % 2 === 1 ? squares[half]! : (squares[half - 1]! + squares[half]!) / 2;
  if (median > 0) return median;
  const positive = squares.filter((square) => square > 0);
  return positive.length === 0 ? 1 : positive.reduce((sum, square) => sum + square, 0) / positive.length;
}

/** The chance that an exchange reaches what was seen. */
export function exchangedP(seen: number, exchanged: Float64Array): number {
  // Sums of the same numbers in another order differ by their rounding.
  const room = 1e-9 * Math.abs(seen) + 1e-12;
  const reached = exchanged.reduce((count, value) => count + (value >= seen - room ? 1 : 0), 0);
  const share = (reached + 1) / (exchanged.length + 1);
  return reached >= REACHED_MIN ? share : Math.min(share, pearsonTail(seen, exchanged));
}

/**
 * Upper tail of the Pearson III distribution (a gamma distribution that is moved) with the first three moments of the values.
 *
 * @see https://doi.org/10.1007/978-3-319-28770-6 Berry, Mielke, Johnston, "Permutation Statistical Methods" (2016)
 */
export function pearsonTail(seen: number, values: Float64Array): number {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const moment = (power: number): number => values.reduce((sum, value) => sum + (value - mean) ** power, 0) / values.length;
  const deviation = Math.sqrt(moment(2));
  if (!(deviation > 0)) return 1;
  // Without any skewness it is the normal distribution, which this comes near enough to.
  const skewness = Math.max(0.05, moment(3) / deviation ** 3);
  const shape = 4 / skewness ** 2;
  const place = shape + (Math.sqrt(shape) * (seen - mean)) / deviation;
  return place <= 0 ? 1 : chiSquareTail(2 * place, 2 * shape);
}
