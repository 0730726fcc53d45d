/** What a fold calls its own copy of a step. No id of a document has a dot. */
export function foldId(step: string, fold: number): string {
  return `${step}.fold-${fold}`;
}

/** The mean of some scores, and their standard deviation (of the population, as scikit-learn's `std_test_score`). */
export function meanAndDeviation(scores: readonly number[]): { readonly mean: number; readonly deviation: number } {
  const mean = scores.reduce((sum, score) => sum + score, 0) / scores.length;
  return { mean, deviation: Math.sqrt(scores.reduce((sum, score) => sum + (score - mean) ** 2, 0) / scores.length) };
}
