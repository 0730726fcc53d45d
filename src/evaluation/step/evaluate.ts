import { PerennialError } from '../../core/errors.ts';
import type { OpenArtifact } from '../../core/ports.ts';
import type { OutputSpec } from '../../core/tensor.ts';
import { leaveOutHint } from '../../data/preprocess/row-weight.ts';
import { labelsOf, openExamples } from '../../data/stored/examples.ts';
import { pauses } from '../../platform/pauses.ts';
import type { Examples } from '../../data/stored/examples.ts';
import { PROFILE } from '../../data/stored/dataset.ts';
import type { AnomalyMeta, DatasetMeta, DatasetProfile } from '../../data/stored/dataset.ts';
import { openBundle } from '../../training/bundle/load-model.ts';
import { answersOf } from '../../data/answers/decode.ts';
import type { ModelMeta } from '../../training/model/model-meta.ts';
import { baselineOf, naiveForecast, naiveLag } from '../measure/baseline.ts';
import type { Baseline, BaselineChoice } from '../measure/baseline.ts';
import { defaultMetrics, metricsOfEach, resolveMetrics, taskOf } from '../metrics/resolve-metrics.ts';
import type { MetricSpec, ResolvedMetric } from '../metrics/resolve-metrics.ts';
import { metricIntervals } from '../measure/bootstrap.ts';
import type { MetricInterval } from '../measure/bootstrap.ts';
import { alignChampion, compareOn } from '../champion/champion.ts';
import type { Comparison, Judged } from '../champion/champion.ts';
import { toChunk } from '../measure/chunk.ts';
import { measure, metricOrNull, requireFitting } from '../measure/compute.ts';
import type { Measured } from '../measure/compute.ts';
import { classTable, confusionMatrix, regressionPicture, rocCurves, sliceBy, worstOf, worstRow } from '../findings/error-analysis.ts';
import { findInsights } from '../findings/insights/find-insights.ts';
import { fairRows, fairText } from '../champion/fair-rows.ts';
import { evaluateGenerator } from '../generators/evaluate-generator.ts';
import { evaluateText } from './evaluate-text.ts';
import type { EvaluateInputs, EvaluateOptions } from './evaluation-input.ts';
import { judge, requireMeasured, verdictOf } from './gates.ts';
import { slicesOf } from './gate.ts';
import type { FormerFacts, GateFacts, SliceValue } from './gate.ts';
import { measuredKeys, withMeasures } from './measures.ts';
import { sliceValues } from '../measure/slice-values.ts';
import { isUndefinedMetric } from '../metrics/metric.ts';
import type { Chunk } from '../metrics/metric.ts';
import { calibrationBins } from '../metrics/shared/probabilities.ts';
import { readHistory, summaryOf } from './model-facts.ts';
import { reconstructionFindings, requireSameAnomalies } from '../findings/reconstructions.ts';
import type { ChampionComparison, EvaluationReport, MetricResult, OutputFindings } from './report.ts';
import { scoreExamples, sequenceOf } from '../measure/score.ts';
import { readSeriesRows, requireWindows } from '../rows/series-rows.ts';
import type { SeriesRows } from '../rows/series-rows.ts';
import type { Scored, Sequence } from '../measure/score.ts';
import { withSourceLabels } from '../rows/source-labels.ts';
import { withPictures } from '../findings/worst-pictures.ts';
import { readTestRows } from '../rows/test-rows.ts';
import type { TestRowFacts } from '../rows/test-rows.ts';
import { datasetMeta } from '../../data/stored/dataset-rows.ts';
import { fileAs } from '../../storage/stored.ts';

/** Highest-loss rows that the report shows. */
const WORST_ROWS = 20;

/**
 * Judges a model on the test split: metrics in the units of the source, against a naive forecast and against the champion on the same
 * rows, gates, and where it errs.
 *
 * @throws CONFIG_INVALID for metrics, gates, slices or a positive class that do not fit; DATA_INVALID for NaN and undefined metrics;
 * SPLIT_INVALID for an empty test split.
 */
export async function evaluateModel(inputs: EvaluateInputs, options: EvaluateOptions): Promise<EvaluationReport> {
  const { model, dataset } = inputs;
  const bundle = await openBundle(model);
  const examples = await openExamples(inputs.examples, ['test']);
  try {
    const { output } = bundle.meta;
    requireTwoClasses(options, output);
    if (output.kind === 'samples') return await evaluateGenerator(inputs, output, options);
    if (output.kind === 'text') return await evaluateText(inputs, bundle, output, options);
    if (inputs.features !== undefined)
      throw new PerennialError(
        'CONFIG_INVALID',
        `"features" are what samples of a generator are compared by, and the model predicts "${output.name}".`,
        { hint: 'Leave "features" out of the evaluate step.' },
      );
    const { anomaly, weight } = examples.meta;
    const metrics = metricsFor(options, output, anomaly !== undefined);
    const source = datasetMeta(dataset);
    const columns = [...new Set([...options.slices, ...options.gates.flatMap(slicesOf)])];
    requireSlices(columns, source);
    const scored = await scoreExamples(bundle.predictor, examples, {
      ...(options.signal === undefined ? {} : { signal: options.signal }),
      onProgress: (done, total) => options.onProgress?.(`predicted ${done} of ${total} test examples`, done / total),
    });
    const views = viewsOf(output, scored, metrics, options);
    const sequence = sequenceOf(await examples.preprocessorJson());
    requireSeasons(options.baseline, sequence, output);
    const numbers = labelsOf(output).flatMap((one) => (one.kind === 'number' ? [one.name] : []));
    const series =
      sequence === undefined
        ? undefined
        : await readSeriesRows(dataset, sequence, numbers, naiveLag(sequence.horizon, options.baseline), { signal: options.signal });
    const targets = series === undefined ? Int32Array.from({ length: scored.rows }, (_, row) => row) : requireWindows(scored.rows, series);
    const worst = new Set(views.flatMap((view) => view.worst.map(({ index }) => targets[index]!)));
    const facts = await readTestRows(
      inputs,
      {
        worst,
        slices: [...columns, ...(anomaly === undefined ? [] : [anomaly.column]), ...(weight === undefined ? [] : [weight])],
        output,
      },
      options,
    );
    const profile = await fileAs(dataset, PROFILE, 'profile.json');
    const judged: JudgedOutput[] = [];
    const fair: Fair =
      'none' in facts.champion || 'none' in inputs.champion
        ? { unknown: 'there is no champion' }
        : await fairRows(dataset, inputs.trainedOn, inputs.champion.trainedOn);
    for (const view of views) {
      const insights =
        options.insights === false
          ? {}
          : {
              insights: await findInsights({
                bundle,
                dataset,
                output: view.output,
                outputs: output,
                chunk: view.chunk,
                metrics: view.metrics,
                targets,
                labels: sequence === undefined && output.kind !== 'several' ? scored.labels.get(view.output.name) : undefined,
                costs: options.costs,
                choices: choices(options, output.kind === 'several' ? view.output : undefined),
                seed: options.seed,
                ...(options.signal === undefined ? {} : { signal: options.signal }),
                onProgress: (message) => options.onProgress?.(message),
              }),
            };
      const exact = exactly(view, facts, targets, sequence !== undefined, {
        weight,
        naiveError: series?.naiveErrors.get(view.output.name),
      });
      if (output.kind === 'number' && exact.chunk.kind === 'number' && exact.chunk.width === 1 && sequence === undefined)
        options.onNumbers?.(exact.chunk.predictions, exact.chunk.labels);
      const one = await judgeOutput(
        exact,
        { fair, facts, targets, profile, sequence, series, several: views.length > 1, anomaly, model, examples },
        options,
      );
      judged.push({ ...one, findings: { ...one.findings, ...insights } });
    }
    const former = await formerFacts(inputs, judged, targets, output, options);
    return reportOf(
      judged,
      { output, model, dataset, rows: scored.rows, weight, former, meta: bundle.meta, history: await readHistory(model) },
      options,
    );
  } finally {
    bundle.predictor.dispose();
  }
}

/** @throws CONFIG_INVALID for costs of mistakes that such a model does not make */
function requireTwoClasses({ costs }: EvaluateOptions, output: OutputSpec): void {
  const parts = output.kind === 'several' ? output.outputs : [output];
  if (costs === undefined || parts.some((one) => one.kind === 'classes' && one.classes.length === 2)) return;
  const what = parts.map((one) => (one.kind === 'classes' ? `"${one.name}" of ${one.classes.length} classes` : `"${one.name}"`)).join(', ');
  throw new PerennialError('CONFIG_INVALID', `"costs" are of the two mistakes of a model of two classes, and this one predicts ${what}.`, {
    hint: 'Leave "costs" out of the evaluate step.',
  });
}

/** @throws CONFIG_INVALID for a season of what is no sequence of numbers */
function requireSeasons(baseline: BaselineChoice | undefined, sequence: Sequence | undefined, output: OutputSpec): void {
  if (baseline === undefined || (sequence !== undefined && output.kind === 'number' && output.width === 1)) return;
  const problem = sequence === undefined ? 'the examples are single rows' : `the model predicts "${output.name}", which is not one number`;
  throw new PerennialError('CONFIG_INVALID', `The baseline "seasonalNaive" is for sequences of one number, but ${problem}.`, {
    hint: 'Leave "baseline" out of the evaluate step.',
  });
}

function choices(options: EvaluateOptions, chunkOf?: OutputSpec): { positive?: string; threshold?: number } {
  // Of several outputs, the positive class is that of the one that has it.
  const positive =
    chunkOf?.kind === 'classes' && options.positive !== undefined && !chunkOf.classes.includes(options.positive)
      ? undefined
      : options.positive;
  return { ...(positive === undefined ? {} : { positive }), ...(options.threshold === undefined ? {} : { threshold: options.threshold }) };
}

/** One output of the model on the test split. */
interface OutputView {
  readonly output: OutputSpec;
  readonly metrics: readonly ResolvedMetric[];
  readonly chunk: Chunk;
  readonly worst: ReturnType<typeof worstOf>;
}

function viewsOf(
  output: OutputSpec,
  { rows, predictions, labels }: Scored,
  metrics: ReadonlyMap<string, readonly ResolvedMetric[]>,
  options: EvaluateOptions,
): OutputView[] {
  if (output.kind === 'several') requirePositive(output.outputs, options);
  return (output.kind === 'several' ? output.outputs : [output]).map((one) => {
    const own = output.kind === 'several' ? answersOf(predictions, rows, output.outputs, one.name) : predictions;
    const chunk = toChunk({
      output: one,
      predictions: own,
      labels: labels.get(one.name) ?? [],
      rows,
      ...choices(options, output.kind === 'several' ? one : undefined),
    });
    return { output: one, metrics: metrics.get(one.name)!, chunk, worst: worstOf(chunk, WORST_ROWS) };
  });
}

/** @throws CONFIG_INVALID where no output has the positive class */
function requirePositive(outputs: readonly OutputSpec[], { positive }: EvaluateOptions): void {
  if (positive === undefined || outputs.some((one) => one.kind === 'classes' && one.classes.includes(positive))) return;
  throw new PerennialError(
    'CONFIG_INVALID',
    `"positive" is ${JSON.stringify(positive)}, which is a class of none of the labels ${outputs.map(({ name }) => `"${name}"`).join(', ')}.`,
  );
}

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

interface JudgedOutput {
  readonly view: OutputView;
  readonly results: readonly MetricResult[];
  readonly leftOut: NonNullable<EvaluationReport['leftOut']>;
  readonly baseline: Baseline;
  readonly compared: Compared;
  readonly findings: OutputFindings;
  /** What gates about slices read. */
  readonly sliceValues: NonNullable<GateFacts['slices']>;
}

/** The view with the labels of the source, which are those of its examples. @throws DATA_INVALID */
function exactly(
  view: OutputView,
  { rows, labels, slices }: TestRowFacts,
  targets: Int32Array,
  sequence: boolean,
  { weight, naiveError }: { readonly weight: string | undefined; readonly naiveError: number | undefined },
): OutputView {
  const raw = labels.get(view.output.name) ?? [];
  requireAligned(rows, raw, targets, view.chunk, sequence);
  const chunk = withSourceLabels(view.chunk, view.output, raw, targets);
  return {
    ...view,
    chunk: {
      ...chunk,
      ...(weight === undefined ? {} : { weights: weightsOf(weight, slices.get(weight)!, targets) }),
      ...(chunk.kind === 'number' && chunk.width === 1 && naiveError !== undefined && !Number.isNaN(naiveError) ? { naiveError } : {}),
    },
  };
}

/** @throws DATA_INVALID for a weight that is missing, negative or infinite */
function weightsOf(column: string, values: readonly unknown[], targets: Int32Array): Float64Array {
  return Float64Array.from(targets, (target) => {
    const value = values[target];
    const weight = typeof value === 'bigint' ? Number(value) : value;
    if (typeof weight === 'number' && weight >= 0 && weight < Infinity) return weight;
    throw new PerennialError(
      'DATA_INVALID',
      `Row ${target} of the test split: the weight "${column}" is ${value === null || value === undefined ? 'missing' : String(value)}; a weight is a number from 0 up.`,
      { hint: leaveOutHint(column, value === null || value === undefined) },
    );
  });
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

async function judgeOutput(
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

/** Champions of before, each on the rows that neither it nor this model has seen. */
async function formerFacts(
  inputs: EvaluateInputs,
  judged: readonly JudgedOutput[],
  targets: Int32Array,
  output: OutputSpec,
  options: EvaluateOptions,
): Promise<FormerFacts[]> {
  const found: FormerFacts[] = [];
  for (const former of inputs.former) {
    const { version, agoMs } = former;
    options.onProgress?.(`comparing with version ${version}, a former champion`);
    const left = (none: string): FormerFacts => ({ version, agoMs, ours: {}, metrics: {}, none });
    const { champion } = await readTestRows(
      { dataset: inputs.dataset, champion: former },
      { worst: new Set(), slices: [], output },
      options.signal === undefined ? {} : { signal: options.signal },
    );
    if ('none' in champion) {
      found.push(left(champion.none));
      continue;
    }
    const fair = await fairRows(inputs.dataset, inputs.trainedOn, former.trainedOn);
    const [ours, theirs]: Record<string, number | null>[] = [{}, {}];
    let none: string | undefined;
    for (const { view } of judged) {
      const own = championFor(champion, view.output);
      const aligned =
        'none' in own ? own : alignFairly({ chunk: view.chunk, targets }, own, fair, judged.length > 1 ? view.output : undefined, options);
      if ('none' in aligned) none ??= aligned.none;
      else
        for (const metric of view.metrics)
          [ours![metric.key], theirs![metric.key]] = [metricOrNull(metric, aligned.ours), metricOrNull(metric, aligned.theirs)];
    }
    found.push(none === undefined ? { version, agoMs, ours: ours!, metrics: theirs! } : left(none));
  }
  return found;
}

/** The champion's predictions of one output. */
function championFor(champion: TestRowFacts['champion'], output: OutputSpec): TestRowFacts['champion'] {
  if ('none' in champion || champion.output.kind !== 'several') return champion;
  const own = champion.output.outputs.find(({ name }) => name === output.name)!;
  return {
    ...champion,
    output: own,
    predictions: answersOf(champion.predictions, champion.targets.length, champion.output.outputs, output.name),
  };
}

interface Evaluated {
  readonly output: OutputSpec;
  readonly model: OpenArtifact;
  readonly dataset: OpenArtifact;
  readonly rows: number;
  /** Column with the weights of rows, where they carry any. */
  readonly weight: string | undefined;
  readonly former: readonly FormerFacts[];
  readonly meta: ModelMeta;
  readonly history: EvaluationReport['history'];
}

function reportOf(
  judged: readonly JudgedOutput[],
  { output, model, dataset, rows, weight, former, meta, history }: Evaluated,
  options: EvaluateOptions,
): EvaluationReport {
  const several = output.kind === 'several';
  const results = judged.flatMap((one) => one.results);
  const { compared, baseline, findings, view } = judged[0]!;
  const described = several ? judged.map((one) => `${one.view.output.name}: ${one.baseline.description}`).join('; ') : baseline.description;
  const slices: NonNullable<GateFacts['slices']> = Object.assign({}, ...judged.map((one) => one.sliceValues));
  const gates = judgeGates(results, mergeCompared(judged), former, described, slices, options);
  return {
    formatVersion: 1,
    pipeline: options.pipeline,
    model: summaryOf(model, meta),
    dataset: { digest: dataset.ref.digest, summary: dataset.manifest.summary },
    split: 'test',
    rows,
    task: several ? 'several' : taskOf(output, view.chunk.kind === 'classes'),
    output: outputOf(output),
    ...(!several && view.chunk.kind === 'classes' && view.chunk.classes.length === 2
      ? { positive: view.chunk.classes[view.chunk.positive]! }
      : {}),
    ...(options.threshold === undefined ? {} : { threshold: options.threshold }),
    metrics: results,
    ...(weight === undefined ? {} : { weightedBy: weight }),
    ...(options.measures === undefined ? {} : { measures: options.measures }),
    ...(judged.every((one) => one.leftOut.length === 0) ? {} : { leftOut: judged.flatMap((one) => one.leftOut) }),
    baseline: {
      kind: several ? (judged.every((one) => one.baseline.kind === 'none') ? 'none' : 'several') : baseline.kind,
      description: described,
    },
    ...('none' in compared
      ? { noChampion: compared.none, ...(compared.notFair === undefined ? {} : { notFair: compared.notFair }) }
      : {
          champion: {
            ...compared.summary,
            metrics: Object.assign(
              {},
              ...judged.map((one) => ('none' in one.compared ? {} : one.compared.summary.metrics)),
            ) as ChampionComparison['metrics'],
          },
        }),
    onNoChampion: options.onNoChampion,
    gates,
    verdict: verdictOf(gates),
    ...(several
      ? {
          slices: [],
          worst: [],
          outputs: judged.map((one) => ({
            output: outputOf(one.view.output),
            metrics: one.results.map(({ key }) => key),
            ...one.findings,
          })),
        }
      : findings),
    history,
  };
}

function outputOf(output: OutputSpec): EvaluationReport['output'] {
  return { kind: output.kind, name: output.name, ...(output.kind === 'classes' ? { classes: output.classes } : {}) };
}

/** What the gates read of the comparisons of all outputs. */
function mergeCompared(judged: readonly JudgedOutput[]): Compared {
  const [first] = judged;
  if (judged.length === 1 || 'none' in first!.compared) return first!.compared;
  const parts = judged.flatMap(({ compared }) => ('none' in compared ? [] : [compared.comparison]));
  const merge = <K extends 'ours' | 'theirs' | 'differences' | 'disagreements'>(key: K): Comparison[K] =>
    Object.assign({}, ...parts.map((part) => part[key])) as Comparison[K];
  return {
    summary: first!.compared.summary,
    comparison: {
      ...parts[0]!,
      ours: merge('ours'),
      theirs: merge('theirs'),
      differences: merge('differences'),
      disagreements: merge('disagreements'),
    },
  };
}

/** The metrics of each output, by its name. */
function metricsFor(options: EvaluateOptions, output: OutputSpec, labelled: boolean): ReadonlyMap<string, readonly ResolvedMetric[]> {
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

function requireSlices(slices: readonly string[], { columns }: DatasetMeta): void {
  for (const slice of slices) {
    if (columns.some((column) => column.name === slice)) continue;
    throw new PerennialError(
      'COLUMN_MISSING',
      `"slices" names the column "${slice}", and the dataset has: ${columns.map((column) => column.name).join(', ')}.`,
    );
  }
}

/** Examples and rows have to be the same rows in the same order, or slices and comparisons would speak of others. */
function requireAligned(rows: number, labels: readonly unknown[], targets: Int32Array, chunk: Chunk, sequence: boolean): void {
  const mismatch = (why: string): PerennialError =>
    new PerennialError('DATA_INVALID', `The test examples do not fit the rows of the dataset: ${why}.`, {
      hint: 'Give the evaluate step the dataset that its examples were made from ("inputs": { "dataset": … }).',
    });
  if (chunk.rows > rows || (chunk.rows < rows && !sequence)) throw mismatch(`there are ${chunk.rows} examples and ${rows} rows`);
  if (labels.length === 0 || chunk.kind !== 'classes') return;
  for (let example = 0; example < chunk.rows; example++) {
    const raw = labels[targets[example]!];
    const name = chunk.classes[chunk.labels[example]!]!;
    if (String(raw) !== name) throw mismatch(`example ${example} has the label "${name}" and row ${targets[example]} has "${String(raw)}"`);
  }
}

type Compared =
  { readonly none: string; readonly notFair?: true } | { readonly summary: ChampionComparison; readonly comparison: Comparison };

async function compare(
  metrics: readonly ResolvedMetric[],
  challenger: Judged,
  champion: TestRowFacts['champion'],
  fair: Fair,
  oneOf: OutputSpec | undefined,
  options: EvaluateOptions,
): Promise<Compared> {
  if ('none' in champion) return champion;
  options.onProgress?.(`comparing with version ${champion.version}`);
  const aligned = alignFairly(challenger, champion, fair, oneOf, options);
  if ('none' in aligned) return aligned;
  const { ours, theirs, rows } = aligned;
  const comparison = await compareOn(metrics, ours, theirs, {
    seed: options.seed,
    ...(options.signal === undefined ? {} : { signal: options.signal }),
  });
  const interval = Object.values(comparison.differences).find((one) => one !== null);
  const { model, version, digest } = champion;
  return {
    comparison,
    summary: {
      model,
      version,
      digest,
      rows: comparison.rows,
      fair: rows,
      confidence: interval?.confidence ?? 0.95,
      resamples: interval?.resamples ?? 0,
      metrics: comparison.theirs,
    },
  };
}

type Fair = Awaited<ReturnType<typeof fairRows>>;

/** Both on the rows that neither has seen. */
function alignFairly(
  challenger: Judged,
  champion: Exclude<TestRowFacts['champion'], { none: string }>,
  fair: Fair,
  oneOf: OutputSpec | undefined,
  options: EvaluateOptions,
): { ours: Chunk; theirs: Chunk; rows: NonNullable<ChampionComparison['fair']> } | { none: string; notFair?: true } {
  if ('unknown' in fair) return { none: fair.unknown, notFair: true };
  const { unseen, ...rows } = fair;
  const { ours, theirs } = alignChampion(challenger, champion, { ...choices(options, oneOf), only: (target) => unseen[target] === 1 });
  if (ours.rows === 0 && rows.left === rows.rows) return { none: 'the champion predicts none of these rows' };
  const { minimumRows } = options.comparison;
  if (ours.rows < minimumRows)
    return {
      none: `${ours.rows === rows.left ? fairText(rows) : `${ours.rows} rows that both predict, of ${fairText(rows)}`}; at least ${minimumRows} are needed`,
      notFair: true,
    };
  return { ours, theirs, rows };
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

function judgeGates(
  results: readonly MetricResult[],
  compared: Compared,
  former: readonly FormerFacts[],
  baseline: string,
  slices: NonNullable<GateFacts['slices']>,
  options: EvaluateOptions,
): EvaluationReport['gates'] {
  const by = <T>(value: (result: MetricResult) => T): Record<string, T> =>
    Object.fromEntries(results.map((result) => [result.key, value(result)]));
  const facts: GateFacts = {
    metrics: by((result) => result.value),
    directions: by((result) => result.direction),
    former,
    slices,
    ...(options.formerAgesMs === undefined ? {} : { formerAgesMs: options.formerAgesMs }),
    onTooFewRows: options.comparison.onTooFewRows,
    ...('none' in compared
      ? { [compared.notFair === undefined ? 'noChampion' : 'notFair']: compared.none }
      : {
          champion: {
            name: `the champion (${compared.summary.model} version ${compared.summary.version})`,
            ...rowsOf(compared.summary),
            ours: compared.comparison.ours,
            metrics: compared.comparison.theirs,
            differences: compared.comparison.differences,
            disagreements: compared.comparison.disagreements,
          },
        }),
    baseline: { description: baseline, metrics: by((result) => result.baseline) },
    onNoChampion: options.onNoChampion,
  };
  return judge(options.gates, withMeasures(facts, options.measures));
}

/** Said only where rows were left out. */
function rowsOf({ fair }: ChampionComparison): { readonly rows?: string } {
  return fair === undefined || fair.left === fair.rows ? {} : { rows: fairText(fair) };
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
