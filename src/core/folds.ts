/** What a fold calls its own copy of a step. No id of a document has a dot. */
export function foldId(step: string, fold: number): string {
  return `${step}.fold-${fold}`;
}

/** What a training with the n-th seed calls its own copy of a step; the first one is the step itself. */
export function repeatId(step: string, repeat: number): string {
  return repeat === 1 ? step : `${step}.seed-${repeat}`;
}

/** The first of the trainings of a trial, at which a stopper looks. */
export function firstTraining(judged: string, folded: boolean): string {
  return folded ? foldId(judged, 1) : judged;
}

/** The numbers of so many seeds, from the one behind `after` on. */
export function seedNumbers(count: number, after = 0): number[] {
  return Array.from({ length: count }, (_, at) => after + at + 1);
}

/** The mean of some scores, and their standard deviation (of the population, as scikit-learn's `std_test_score`). */
export function meanAndDeviation(scores: readonly number[]): { readonly mean: number; readonly deviation: number } {
  const mean = scores.reduce((sum, score) => sum + score, 0) / scores.length;
  return { mean, deviation: Math.sqrt(scores.reduce((sum, score) => sum + (score - mean) ** 2, 0) / scores.length) };
}
