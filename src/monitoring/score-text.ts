import type { TestScore } from './column-drift.ts';

/** "corrected p of ks = 3e-9 is below 0.00002", "ksDistance 0.412 is above 0.05": how a test of a column was judged. */
export function scoreText({ test, kind, score, corrected, threshold, exceeded }: TestScore): string {
  if (kind === 'distance') return `${test} ${score.toFixed(3)} is ${exceeded ? '' : 'not '}above ${threshold}`;
  const value = corrected ?? score;
  const shown = value < 1e-12 ? '< 1e-12' : value < 0.001 ? `= ${value.toExponential(0)}` : `= ${value.toFixed(3)}`;
  return `${corrected === undefined ? '' : 'corrected '}p of ${test} ${shown} is ${exceeded ? '' : 'not '}below ${threshold}`;
}
