import chisquare from '@stdlib/stats-base-dists-chisquare';
import type { CategorySample } from './drift-test.ts';

/** Below this expected count the chi-square distribution fits badly. @see Cochran, "Some Methods for Strengthening the Common χ² Tests" (1954) */
const EXPECTED_MIN = 5;

export interface ChiSquare {
  readonly statistic: number;
  readonly degreesOfFreedom: number;
  readonly pValue: number;
}

/** Pearson's chi-square test of homogeneity of two samples, without continuity correction. One category in all: p-value 1. */
export function chiSquareTest(reference: CategorySample, current: CategorySample): ChiSquare {
  const cells = poolRare(cellsOf(reference, current));
  const totals = cells.reduce<[number, number]>(([a, b], [x, y]) => [a + x, b + y], [0, 0]);
  const all = totals[0] + totals[1];
  const degreesOfFreedom = cells.length - 1;
  if (degreesOfFreedom < 1) return { statistic: 0, degreesOfFreedom: 0, pValue: 1 };
  let statistic = 0;
  for (const cell of cells) {
    const row = cell[0] + cell[1];
    cell.forEach((observed, side) => {
      const expected = (row * totals[side]!) / all;
      statistic += (observed - expected) ** 2 / expected;
    });
  }
  return { statistic, degreesOfFreedom, pValue: Math.max(0, 1 - chisquare.cdf(statistic, degreesOfFreedom)) };
}

type Cell = readonly [reference: number, current: number];

function cellsOf(reference: CategorySample, current: CategorySample): Cell[] {
  const names = new Set([...reference.counts.keys(), ...current.counts.keys()]);
  const cells = [...names].map((name): Cell => [reference.counts.get(name) ?? 0, current.counts.get(name) ?? 0]);
  return [...cells, [reference.other, current.other] as const].filter(([a, b]) => a + b > 0);
}

/** Joins the cells whose expected count is too small on either side into one. */
function poolRare(cells: readonly Cell[]): Cell[] {
  const [left, right] = cells.reduce<[number, number]>(([a, b], [x, y]) => [a + x, b + y], [0, 0]);
  const share = Math.min(left, right) / (left + right);
  const isRare = ([a, b]: Cell): boolean => (a + b) * share < EXPECTED_MIN;
  const rare = cells.filter(isRare);
  if (rare.length < 2) return [...cells];
  return [...cells.filter((cell) => !isRare(cell)), rare.reduce<Cell>(([a, b], [x, y]) => [a + x, b + y], [0, 0])];
}
