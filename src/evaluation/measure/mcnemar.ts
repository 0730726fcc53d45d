import type { ClassChunk } from '../metrics/metric.ts';

/** The metric whose difference between two models McNemar's test is about. */
export const COUNTS_RIGHT = 'accuracy';

/** Rows on which exactly one of two models is right, and how likely as uneven a division is by chance alone. */
export interface Disagreement {
  readonly onlyOurs: number;
  readonly onlyTheirs: number;
  /** Two-sided, exact. */
  readonly p: number;
}

/**
 * McNemar's exact test of two classifiers on the same rows.
 *
 * @see McNemar, "Note on the sampling error of the difference between correlated proportions or percentages" (1947)
 */
export function disagreementOf(ours: ClassChunk, theirs: ClassChunk): Disagreement {
  let [onlyOurs, onlyTheirs] = [0, 0];
  for (let row = 0; row < ours.rows; row++) {
    const [a, b] = [ours.predicted[row] === ours.labels[row], theirs.predicted[row] === ours.labels[row]];
    if (a && !b) onlyOurs++;
    else if (b && !a) onlyTheirs++;
  }
  return { onlyOurs, onlyTheirs, p: twoSided(onlyOurs, onlyTheirs) };
}

/** Chance that a fair coin, thrown so often, falls as unevenly. */
export function twoSided(a: number, b: number): number {
  const throws = a + b;
  if (throws === 0) return 1;
  let term = -throws * Math.LN2;
  let sum = 0;
  for (let heads = 0; heads <= Math.min(a, b); heads++) {
    sum += Math.exp(term);
    term += Math.log((throws - heads) / (heads + 1));
  }
  return Math.min(1, 2 * sum);
}
