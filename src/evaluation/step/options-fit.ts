import { PerennialError } from '../../core/errors.ts';
import type { OutputSpec } from '../../core/tensor.ts';
import type { DatasetMeta } from '../../data/stored/dataset.ts';
import type { BaselineChoice } from '../measure/baseline.ts';
import { defaultMetrics, metricsOfEach, resolveMetrics, taskOf } from '../metrics/resolve-metrics.ts';
import type { MetricSpec, ResolvedMetric } from '../metrics/resolve-metrics.ts';
import { requireFitting } from '../measure/compute.ts';
import type { EvaluateOptions } from './evaluation-input.ts';
import { requireMeasured } from './gates.ts';
import { measuredKeys } from './measures.ts';
import type { Sequence } from '../measure/score.ts';

/** @throws CONFIG_INVALID for costs of mistakes that such a model does not make */
export function requireTwoClasses({ costs }: EvaluateOptions, output: OutputSpec): void {
  const parts = output.kind === 'several' ? output.outputs : [output];
  if (costs === undefined || parts.some((one) => one.kind === 'classes' && one.classes.length === 2)) return;
  const what = parts.map((one) => (one.kind === 'classes' ? `"${one.name}" of ${one.classes.length} classes` : `"${one.name}"`)).join(', ');
  throw new PerennialError('CONFIG_INVALID', `"costs" are of the two mistakes of a model of two classes, and this one predicts ${what}.`, {
    hint: 'Leave "costs" out of the evaluate step.',
  });
}

/** @throws CONFIG_INVALID for a season of what is no sequence of numbers */
export function requireSeasons(baseline: BaselineChoice | undefined, sequence: Sequence | undefined, output: OutputSpec): void {
  if (baseline === undefined || (sequence !== undefined && output.kind === 'number' && output.width === 1)) return;
  const problem = sequence === undefined ? 'the examples are single rows' : `the model predicts "${output.name}", which is not one number`;
  throw new PerennialError('CONFIG_INVALID', `The baseline "seasonalNaive" is for sequences of one number, but ${problem}.`, {
    hint: 'Leave "baseline" out of the evaluate step.',
  });
}

/** @throws CONFIG_INVALID where no output has the positive class */
export function requirePositive(outputs: readonly OutputSpec[], { positive }: EvaluateOptions): void {
  if (positive === undefined || outputs.some((one) => one.kind === 'classes' && one.classes.includes(positive))) return;
  throw new PerennialError(
    'CONFIG_INVALID',
    `"positive" is ${JSON.stringify(positive)}, which is a class of none of the labels ${outputs.map(({ name }) => `"${name}"`).join(', ')}.`,
  );
}

/** The metrics of each output, by its name. @throws CONFIG_INVALID for metrics and gates that do not fit what the model predicts */
export function metricsFor(
  options: EvaluateOptions,
  output: OutputSpec,
  labelled: boolean,
): ReadonlyMap<string, readonly ResolvedMetric[]> {
  const metrics =
    output.kind === 'several'
      ? metricsOfEach(options.metrics, output.outputs)
      : new Map([[output.name, metricsOfOne(options.metrics, output, labelled)]]);
  requireMeasured(options.gates, [...[...metrics.values()].flat().map(({ key }) => key), ...measuredKeys(options.measures)]);
  return metrics;
}

function metricsOfOne(specs: readonly MetricSpec[], output: OutputSpec, labelled: boolean): ResolvedMetric[] {
  const metrics = resolveMetrics(specs.length > 0 ? specs : defaultMetrics(taskOf(output, labelled)));
  const named = metrics.find(({ config }) => typeof config['of'] === 'string' && config['of'] !== output.name);
  if (named !== undefined)
    throw new PerennialError(
      'CONFIG_INVALID',
      `The metric "${named.key}" is "of" the label "${String(named.config['of'])}", and the model predicts "${output.name}".`,
      { hint: 'Leave "of" out.' },
    );
  requireFitting(metrics, output, labelled);
  return metrics;
}

/** @throws COLUMN_MISSING for a slice that is no column of the dataset */
export function requireSlices(slices: readonly string[], { columns }: DatasetMeta): void {
  for (const slice of slices) {
    if (columns.some((column) => column.name === slice)) continue;
    throw new PerennialError(
      'COLUMN_MISSING',
      `"slices" names the column "${slice}", and the dataset has: ${columns.map((column) => column.name).join(', ')}.`,
    );
  }
}
