import type { ClassChunk } from '../../metrics/metric.ts';
import type { ConfusedPair } from './insight-types.ts';

/** A row whose probability is this much below a threshold still counts as reaching it: sums of float32 are not exact. */
const TOLERANCE = 1e-6;

/**
 * Rows whose label is probably wrong, by confident learning: the model is as sure of another class as it usually is of rows that have
 * that label. The least probable labels first.
 *
 * @see C. Northcutt, L. Jiang, I. Chuang: Confident Learning: Estimating Uncertainty in Dataset Labels (2021); cleanlab's
 * `find_label_issues(filter_by="confident_learning")`
 */
export function suspectedLabels({
  rows,
  classes,
  labels,
  scores,
  probabilities,
  predicted: _predicted,
}: ClassChunk): { readonly row: number; readonly suggested: number }[] {
  if (!probabilities) return [];
  const width = classes.length;
  const sums = new Float64Array(width);
  const counts = new Int32Array(width);
  for (let row = 0; row < rows; row++) {
    sums[labels[row]!]! += scores[row * width + labels[row]!]!;
    counts[labels[row]!]!++;
  }
  // A class that no row has can be suspected of none.
  const thresholds = Array.from(sums, (sum, index) => (counts[index] === 0 ? Infinity : Math.max(sum / counts[index]!, 2 * TOLERANCE)));
  const found: { readonly row: number; readonly suggested: number; readonly own: number }[] = [];
  for (let row = 0; row < rows; row++) {
    const of = (column: number): number => scores[row * width + column]!;
    const reached = classes.map((_, index) => index).filter((index) => of(index) >= thresholds[index]! - TOLERANCE);
    if (reached.length === 0) continue;
    const likeliest = classes.reduce((best, _, index) => (of(index) > of(best) ? index : best), 0);
    const guess = reached.length === 1 ? reached[0]! : likeliest;
    // What is no less probable than every other class is no mistake, however unsure.
    if (guess !== labels[row] && likeliest !== labels[row]) found.push({ row, suggested: guess, own: of(labels[row]!) });
  }
  return found.sort((a, b) => a.own - b.own || a.row - b.row).map(({ row, suggested }) => ({ row, suggested }));
}

/** The classes that are mistaken most often, most rows first. */
export function confusedPairs(classes: readonly string[], confusion: readonly (readonly number[])[], most: number): ConfusedPair[] {
  return confusion
    .flatMap((row, actual) => {
      const total = row.reduce((sum, count) => sum + count, 0);
      return row.flatMap((count, predicted) =>
        count > 0 && predicted !== actual
          ? [{ actual: classes[actual]!, predicted: classes[predicted]!, rows: count, share: count / total }]
          : [],
      );
    })
    .sort((a, b) => b.rows - a.rows || b.share - a.share)
    .slice(0, most);
}
