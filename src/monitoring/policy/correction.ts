import { chiSquareTail } from '../chi-square-tail.ts';

/** How much p-values are corrected for being looked for in many places. */
export type Correction = 'benjaminiHochberg' | 'none';

/**
 * Adjusted p-values by Benjamini and Hochberg's step-up procedure: the i-th smallest of m becomes the smallest of `p(j) · m / j` over
 * j ≥ i. Calling drifted what is then below q keeps the expected share of false ones among those called below q; where nothing changed at
 * all, every call is false, so that q bounds the chance of any call (Simes). It holds for independent and for positively dependent
 * columns.
 *
 * @see https://doi.org/10.1111/j.2517-6161.1995.tb02031.x Benjamini, Hochberg, "Controlling the False Discovery Rate" (1995)
 * @see https://doi.org/10.1214/aos/1013699998 Benjamini, Yekutieli, on dependence (2001)
 */
export function benjaminiHochberg(values: readonly number[]): number[] {
  const order = values.map((_, index) => index).sort((a, b) => values[b]! - values[a]!);
  const adjusted = new Array<number>(values.length);
  let smallest = Infinity;
  order.forEach((index, place) => {
    smallest = Math.min(smallest, values[index]! * (values.length / (values.length - place)));
    adjusted[index] = smallest;
  });
  return adjusted;
}

/**
 * Two-sided p-value of the difference of two shares, with the pooled variance.
 *
 * @see https://www.itl.nist.gov/div898/handbook/prc/section3/prc33.htm
 */
export function proportionsPValue(a: number, ofA: number, b: number, ofB: number): number {
  if (ofA === 0 || ofB === 0) return 1;
  const pooled = (a + b) / (ofA + ofB);
  const variance = pooled * (1 - pooled) * (1 / ofA + 1 / ofB);
  if (!(variance > 0)) return 1;
  return twoSidedP((a / ofA - b / ofB) / Math.sqrt(variance));
}

/** Chance that a standard normal number lies farther from 0. */
export function twoSidedP(z: number): number {
  return chiSquareTail(z * z, 1);
}

/**
 * Numbers of windows that are looked at together, the newest first: the newest alone, for what happens at once and is large, and up to
 * `pool` of them, for what is small. Three at most: each look costs a part of the bound on false alarms.
 */
export function spansOf(pool: number): number[] {
  return [...new Set([1, Math.ceil(pool / 2), pool])];
}
