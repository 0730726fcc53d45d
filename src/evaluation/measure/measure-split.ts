import { PerennialError } from '../../core/errors.ts';
import type { OpenArtifact } from '../../core/ports.ts';
import { answersOf } from '../../data/answers/decode.ts';
import { openExamples } from '../../data/stored/examples.ts';
import { openBundle } from '../../training/bundle/load-model.ts';
import { defaultMetrics, metricsOfEach, resolveMetrics, taskOf } from '../metrics/resolve-metrics.ts';
import type { MetricSpec } from '../metrics/resolve-metrics.ts';
import { toChunk } from './chunk.ts';
import { metricOf, requireFitting } from './compute.ts';
import { scoreExamples } from './score.ts';
import type { ScoreOptions } from './score.ts';

export interface MeasureOptions extends ScoreOptions {
  readonly split: 'validation' | 'test';
  /** None: those of the kind of the label. */
  readonly metrics: readonly MetricSpec[];
  /** Two classes: the one that precision and its like are about. */
  readonly positive?: string;
  /** Two classes: the probability above which the positive one is predicted. */
  readonly threshold?: number;
}

/**
 * Metrics of a model on one split, in the units of the source.
 *
 * @returns by result name, and the number of rows
 * @throws CONFIG_INVALID for metrics that do not fit the model; SPLIT_INVALID for an empty split; DATA_INVALID for NaN and undefined
 * metrics
 */
export async function measureSplit(
  model: OpenArtifact,
  examplesArtifact: OpenArtifact,
  { split, metrics, positive, threshold, ...options }: MeasureOptions,
): Promise<{ readonly rows: number; readonly values: Readonly<Record<string, number>> }> {
  const bundle = await openBundle(model);
  const examples = await openExamples(examplesArtifact, [split]);
  try {
    const { output } = bundle.meta;
    if (output.kind === 'samples' || output.kind === 'text')
      throw new PerennialError(
        'CONFIG_INVALID',
        `Metrics are measured on single rows of the ${split} split, and the model gives ${output.kind === 'text' ? 'texts' : 'samples'}.`,
        { hint: 'Use a value of the train step: { "value": "validationLoss", "direction": "minimize" }.' },
      );
    const wanted =
      output.kind === 'several'
        ? metricsOfEach(metrics, output.outputs)
        : new Map([[output.name, resolveMetrics(metrics.length === 0 ? defaultMetrics(taskOf(output)) : metrics)]]);
    // Which rows are anomalies is known of test rows alone.
    if (output.kind !== 'several') requireFitting(wanted.get(output.name)!, output, false);
    const { rows, predictions, labels } = await scoreExamples(bundle.predictor, examples, { ...options, split });
    const values: Record<string, number> = {};
    for (const one of output.kind === 'several' ? output.outputs : [output]) {
      const chunk = toChunk({
        output: one,
        predictions: output.kind === 'several' ? answersOf(predictions, rows, output.outputs, one.name) : predictions,
        labels: labels.get(one.name) ?? [],
        rows,
        ...(positive === undefined || (one.kind === 'classes' && !one.classes.includes(positive) && output.kind === 'several')
          ? {}
          : { positive }),
        ...(threshold === undefined ? {} : { threshold }),
      });
      for (const metric of wanted.get(one.name) ?? []) values[metric.key] = metricOf(metric, chunk);
    }
    return { rows, values };
  } finally {
    bundle.predictor.dispose();
  }
}
