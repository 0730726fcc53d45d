import { PerennialError } from '../../../core/errors.ts';
import type { ClassChunk } from '../metric.ts';

/** @throws CONFIG_INVALID where the model gives margins or logits. */
export function requireProbabilities(metric: string, chunk: ClassChunk): void {
  if (chunk.probabilities) return;
  throw new PerennialError(
    'CONFIG_INVALID',
    `The metric "${metric}" needs probabilities, and the model gives scores outside 0 to 1, or that do not sum to 1.`,
    {
      hint: 'End the model with "softmax" (or "sigmoid" for two classes), or ask for metrics of the predicted class alone.',
    },
  );
}

/** Rows whose top probability falls into one bin. */
export interface CalibrationBin {
  readonly from: number;
  readonly to: number;
  readonly rows: number;
  /** Mean probability that was claimed. null: no rows. */
  readonly confidence: number | null;
  /** Share of rows for which the claim came true. null: no rows. */
  readonly observed: number | null;
}

/**
 * Claimed against observed frequency in bins of equal width. Two classes: of the positive class; more: of the predicted class.
 *
 * @see Guo et al., "On Calibration of Modern Neural Networks" (2017)
 */
export function calibrationBins(chunk: ClassChunk, bins = 10): CalibrationBin[] {
  const width = chunk.classes.length;
  const count = new Float64Array(bins);
  const claimed = new Float64Array(bins);
  const happened = new Float64Array(bins);
  for (let row = 0; row < chunk.rows; row++) {
    const column = width === 2 ? chunk.positive : chunk.predicted[row]!;
    const probability = chunk.scores[row * width + column]!;
    const bin = Math.max(0, Math.min(bins - 1, Math.floor(probability * bins)));
    count[bin]!++;
    claimed[bin]! += probability;
    if (chunk.labels[row] === column) happened[bin]!++;
  }
  return Array.from({ length: bins }, (_, bin) => ({
    from: bin / bins,
    to: (bin + 1) / bins,
    rows: count[bin]!,
    confidence: count[bin] === 0 ? null : claimed[bin]! / count[bin]!,
    observed: count[bin] === 0 ? null : happened[bin]! / count[bin]!,
  }));
}
