import { defineMetric, metricConfig } from './metric.ts';
import { weightedMedian } from './shared/quantile.ts';
import { paired } from './shared/states.ts';
import type { NumberChunk } from './metric.ts';
import type { PairState } from './shared/states.ts';

/** Median distance of the prediction from the label: outliers do not move it. */
export default defineMetric<object, PairState, NumberChunk>({
  name: 'medianAbsoluteError',
  aliases: ['medae', 'mdae'],
  summary: 'Median distance of the prediction from the label: outliers do not move it.',
  tasks: ['regression'],
  direction: 'minimize',
  range: [0, null],
  configSchema: metricConfig(),
  reference: 'https://scikit-learn.org/stable/modules/generated/sklearn.metrics.median_absolute_error.html',
  ...paired,
  result: (state, _config, context) =>
    paired.result('medianAbsoluteError', state, context.width, (labels, predictions, weights) =>
      weightedMedian(
        labels.map((label, row) => Math.abs(label - predictions[row]!)),
        weights,
      ),
    ),
});
