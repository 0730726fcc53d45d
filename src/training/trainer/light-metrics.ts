import type { OutputSpec } from '../../core/tensor.ts';
import type { Labels } from './labels.ts';

/** All that {@link metricNames} may name. */
export const METRICS: readonly string[] = ['accuracy', 'meanAbsoluteError'];

/** Names of the metrics that training follows, besides the losses. */
export function metricNames(output: OutputSpec): readonly string[] {
  if (output.kind === 'classes') return ['accuracy'];
  return output.kind === 'number' ? ['meanAbsoluteError'] : [];
}

/**
 * Sums over the rows of a batch: right answers, or absolute errors in the unit of the label.
 *
 * @param threshold of a single output, above which it means the second class
 */
export function metricSums(
  output: OutputSpec,
  predictions: Float32Array,
  labels: Labels,
  rows: number,
  threshold: number,
): Record<string, number> {
  if (output.kind === 'classes') return { accuracy: rightAnswers(predictions, labels, rows, threshold) };
  if (output.kind !== 'number') return {};
  let sum = 0;
  for (let index = 0; index < predictions.length; index++) sum += Math.abs(predictions[index]! - labels[index]!);
  return { meanAbsoluteError: (sum * (output.scale?.std ?? 1)) / output.width };
}

function rightAnswers(predictions: Float32Array, labels: Labels, rows: number, threshold: number): number {
  const width = predictions.length / rows;
  let right = 0;
  for (let row = 0; row < rows; row++) {
    if (width === 1) {
      right += (predictions[row]! > threshold ? 1 : 0) === labels[row] ? 1 : 0;
      continue;
    }
    let best = 0;
    for (let index = 1; index < width; index++) if (predictions[row * width + index]! > predictions[row * width + best]!) best = index;
    right += best === labels[row] ? 1 : 0;
  }
  return right;
}
