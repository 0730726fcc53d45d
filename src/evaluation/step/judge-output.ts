import type { OpenArtifact } from '../../core/ports.ts';
import { pauses } from '../../platform/pauses.ts';
import type { Examples } from '../../data/stored/examples.ts';
import type { AnomalyMeta, DatasetProfile } from '../../data/stored/dataset.ts';
import { baselineOf, naiveForecast } from '../measure/baseline.ts';
import type { Baseline } from '../measure/baseline.ts';
import type { ResolvedMetric } from '../metrics/resolve-metrics.ts';
import { metricIntervals } from '../measure/bootstrap.ts';
import type { MetricInterval } from '../measure/bootstrap.ts';
import { measure, metricOrNull } from '../measure/compute.ts';
import type { Measured } from '../measure/compute.ts';
import { classTable, confusionMatrix, regressionPicture, rocCurves, sliceBy, worstRow } from '../findings/error-analysis.ts';
import type { EvaluateOptions } from './evaluation-input.ts';
import { slicesOf } from './gate.ts';
import type { GateFacts, SliceValue } from './gate.ts';
import { sliceValues } from '../measure/slice-values.ts';
import { isUndefinedMetric } from '../metrics/metric.ts';
import type { Chunk } from '../metrics/metric.ts';
import { calibrationBins } from '../metrics/shared/probabilities.ts';
import { reconstructionFindings, requireSameAnomalies } from '../findings/reconstructions.ts';
import type { EvaluationReport, MetricResult, OutputFindings } from './report.ts';
import type { SeriesRows } from '../rows/series-rows.ts';
import type { Sequence } from '../measure/score.ts';
import { withPictures } from '../findings/worst-pictures.ts';
import type { TestRowFacts } from '../rows/test-rows.ts';
import type { OutputView } from './output-view.ts';
import { championFor, compare } from './compare-output.ts';
import type { Compared, Fair } from './compare-output.ts';

/** What all outputs are judged by. */
interface TestSplit {
  readonly fair: Fair;
  readonly facts: TestRowFacts;
  readonly targets: Int32Array;
  readonly profile: DatasetProfile;
  readonly sequence: Sequence | undefined;
  /** Where the windows of a series are. */
  readonly series: SeriesRows | undefined;
  readonly several: boolean;
  /** Which rows are anomalies, where the examples say so. */
  readonly anomaly: AnomalyMeta | undefined;
  readonly model: OpenArtifact;
  readonly examples: Examples;
}

/** What came of one output. */
export interface JudgedOutput {
  readonly view: OutputView;
  readonly results: readonly MetricResult[];
  readonly leftOut: NonNullable<EvaluationReport['leftOut']>;
  readonly baseline: Baseline;
  readonly compared: Compared;
  readonly findings: OutputFindings;
  /** What gates about slices read. */
  readonly sliceValues: NonNullable<GateFacts['slices']>;
}

/**
 * What was measured, and what was left out: a usual metric of the task that these rows do not define.
 *
 * @throws DATA_INVALID for one that was asked for
 */
function measureAll(
  { metrics, chunk }: OutputView,
  options: EvaluateOptions,
): {
  readonly metrics: readonly ResolvedMetric[];
  readonly values: readonly Measured[];
  readonly leftOut: NonNullable<EvaluationReport['leftOut']>;
} {
  const measured: ResolvedMetric[] = [];
  const values: Measured[] = [];
  const leftOut: { readonly key: string; readonly why: string }[] = [];
  for (const metric of metrics) {
    try {
      values.push(measure(metric, chunk));
      measured.push(metric);
    } catch (error) {
      const asked = options.metrics.length > 0 || options.gates.some((gate) => gate.metric === metric.key);
      if (asked || !isUndefinedMetric(error)) throw error;
      leftOut.push({ key: metric.key, why: error.message });
    }
  }
  return { metrics: measured, values, leftOut };
}

/** Measures one output, compares it with the baseline and the champion, and finds where it errs. @throws DATA_INVALID */
export async function judgeOutput(
  view: OutputView,
  { fair, facts, targets, profile, sequence, series, several, anomaly, model, examples }: TestSplit,
  options: EvaluateOptions,
): Promise<JudgedOutput> {
  const { output, chunk, worst } = view;
  // A window is an anomaly because of any of its rows: there is no one row to compare with.
  if (anomaly !== undefined && chunk.kind === 'classes' && sequence === undefined)
    requireSameAnomalies(anomaly, facts.slices.get(anomaly.column)!, targets, chunk);
  const { metrics, values, leftOut } = measureAll(view, options);
  const baseline = baselineOf(
    chunk,
    output.name,
    profile,
    sequence === undefined || series === undefined ? undefined : naiveForecast(output.name, series, sequence.horizon, options.baseline),
  );
  const compared = await compare(
    metrics,
    { chunk, targets },
    championFor(facts.champion, output),
    fair,
    several ? output : undefined,
    options,
  );
  options.onProgress?.('drawing rows anew, for the intervals of the metrics');
  const intervals = await metricIntervals(metrics, chunk, {
    seed: options.seed,
    ...(options.signal === undefined ? {} : { signal: options.signal }),
  });
  // Each metric and each slice is one pass over all rows.
  const pause = pauses(options.signal);
  const results: MetricResult[] = [];
  for (const [index, metric] of metrics.entries()) {
    results.push(resultOf(metric, values[index]!, intervals[metric.key] ?? null, baseline.chunk, compared));
    await pause();
  }
  const slices: EvaluationReport['slices'][number][] = [];
  for (const column of options.slices) {
    slices.push(
      sliceBy(
        column,
        Array.from(targets, (target) => facts.slices.get(column)![target]),
        metrics,
        chunk,
      ),
    );
    await pause();
  }
  const ofSlices: Record<string, Record<string, readonly SliceValue[]>> = {};
  for (const gate of options.gates) {
    const metric = metrics.find(({ key }) => key === gate.metric);
    if (metric === undefined) continue;
    for (const column of slicesOf(gate)) {
      const raw = facts.slices.get(column)!;
      (ofSlices[gate.metric] ??= {})[column] = sliceValues(
        metric,
        Array.from(targets, (target) => raw[target]),
        chunk,
      );
      await pause();
    }
  }
  return {
    view,
    sliceValues: ofSlices,
    results,
    leftOut,
    baseline,
    compared,
    findings: {
      // A line through the rows of several series would join what does not follow each other.
      ...pictures(chunk, baseline.chunk, sequence !== undefined && sequence.key === undefined),
      ...(output.kind === 'anomaly' && chunk.kind !== 'number'
        ? { reconstruction: await reconstructionFindings(chunk, output, options.threshold, model, examples) }
        : {}),
      slices,
      worst: await Promise.all(
        worst.map((one) => {
          const row = facts.worst.get(targets[one.index]!) ?? {};
          return withPictures(worstRow(chunk, one, targets[one.index]!, row), row);
        }),
      ),
    },
  };
}

function resultOf(
  metric: ResolvedMetric,
  measured: Measured,
  interval: MetricInterval | null,
  baseline: Chunk | undefined,
  compared: Compared,
): MetricResult {
  const { key, definition, config } = metric;
  const result = {
    key,
    metric: definition.name,
    config,
    direction: definition.direction,
    ...measured,
    interval: interval === null ? null : { low: interval.low, high: interval.high, resamples: interval.resamples },
    baseline: baseline === undefined ? null : metricOrNull(metric, baseline),
  };
  if ('none' in compared) return result;
  const { ours, theirs, differences } = compared.comparison;
  const { difference = null, low = null, high = null } = differences[key] ?? {};
  return { ...result, champion: { value: theirs[key] ?? null, challenger: ours[key] ?? null, difference, low, high } };
}

function pictures(chunk: Chunk, baseline: Chunk | undefined, ordered: boolean): Pick<EvaluationReport, 'classification' | 'regression'> {
  if (chunk.kind === 'number') return { regression: regressionPicture(chunk, baseline?.kind === 'number' ? baseline : undefined, ordered) };
  if (chunk.kind === 'errors') return {};
  const confusion = confusionMatrix(chunk);
  return {
    classification: {
      confusion,
      classes: classTable(chunk.classes, confusion),
      calibration: chunk.probabilities ? calibrationBins(chunk) : null,
      roc: rocCurves(chunk),
    },
  };
}
