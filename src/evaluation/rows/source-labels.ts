import { PerennialError } from '../../core/errors.ts';
import type { OutputSpec } from '../../core/tensor.ts';
import type { Chunk } from '../metrics/metric.ts';

/** Labels that went through float32, scaled, come back this near, as a share of their distance from the mean and of the scale. */
const ROUNDING = 1e-5;

/**
 * The labels as the source has them. Those of the examples were scaled and rounded for the network, so that a 0 comes back as
 * 0.00000003: a share of it is a huge number in place of none, labels that are all equal vary, and counts are negative.
 *
 * @param raw labels of all test rows @param targets the row of each example
 * @throws DATA_INVALID where examples and rows are not the same
 */
export function withSourceLabels(chunk: Chunk, output: OutputSpec, raw: readonly unknown[], targets: Int32Array): Chunk {
  if (chunk.kind !== 'number' || chunk.width !== 1 || raw.length === 0) return chunk;
  const { mean, std } = (output.kind === 'number' ? output.scale : undefined) ?? { mean: 0, std: 1 };
  const labels = Float64Array.from(targets, (target, example) => {
    const value = raw[target];
    const label = typeof value === 'bigint' ? Number(value) : value;
    if (
      typeof label !== 'number' ||
      Math.abs(label - chunk.labels[example]!) > ROUNDING * (Math.abs(label - mean) + Math.abs(std)) + Number.EPSILON * 4 * Math.abs(mean)
    ) {
      throw new PerennialError(
        'DATA_INVALID',
        `The test examples do not fit the rows of the dataset: example ${example} has the label ${chunk.labels[example]} and row ${target} has ${String(value)}.`,
        {
          hint: 'Give the evaluate step the dataset that its examples were made from ("inputs": { "dataset": … }).',
        },
      );
    }
    return label;
  });
  return { ...chunk, labels };
}
