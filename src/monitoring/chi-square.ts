import type { CategorySample } from './drift/drift-test.ts';
import { chiSquareTail } from './chi-square-tail.ts';
import { foldCategories } from './folding.ts';

/**
 * Below this expected count the chi-square distribution fits badly.
 *
 * @see Cochran, "Some Methods for Strengthening the Common χ² Tests" (1954)
 */
const EXPECTED_MIN = 5;

export interface ChiSquare {
  readonly statistic: number;
  readonly degreesOfFreedom: number;
  readonly pValue: number;
}

/**
 * Pearson's chi-square test of homogeneity of two samples, without continuity correction, over the categories that the reference names
 * and one cell for all others ({@link foldCategories}). Cells with an expected count below 5 on either side are pooled into one, the
 * same ones on both sides. One cell in all: p-value 1.
 */
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
  return { statistic, degreesOfFreedom, pValue: chiSquareTail(statistic, degreesOfFreedom) };
}

type Cell = readonly [reference: number, current: number];

function cellsOf(reference: CategorySample, current: CategorySample): Cell[] {
  const folded = foldCategories(reference, current);
  return Array.from(folded.reference, (count, index): Cell => [count, folded.current[index]!]).filter(([a, b]) => a + b > 0);
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
