import { PerennialError } from '../core/errors.ts';
import type { OpenArtifact } from '../core/ports.ts';
import type { OutputSpec } from '../core/tensor.ts';
import { openExamples } from '../data/examples.ts';
import type { DatasetMeta, DatasetProfile } from '../data/types.ts';
import { openBundle } from '../training/load-model.ts';
import { baselineOf } from './baseline.ts';
import type { LastKnown } from './baseline.ts';
import { defaultMetrics, resolveMetrics, taskOf } from './catalogue.ts';
import type { MetricSpec, ResolvedMetric } from './catalogue.ts';
import { alignChampion, compareOn } from './champion.ts';
import type { Comparison, Judged } from './champion.ts';
import { toChunk } from './chunk.ts';
import { metricOf, metricOrNull, requireFitting } from './compute.ts';
import { classTable, confusionMatrix, regressionPicture, rocCurves, sliceBy, worstOf, worstRow } from './error-analysis.ts';
import { judge, verdictOf } from './gates.ts';
import type { Gate, OnNoChampion } from './gates.ts';
import type { Chunk } from './metric.ts';
import { calibrationBins } from './probabilities.ts';
import type { ChampionComparison, EvaluationReport, MetricResult } from './report.ts';
import { scoreExamples, sequenceOf, targetsOf } from './score.ts';
import type { Sequence } from './score.ts';
import { readTestRows } from './test-rows.ts';
import type { ServingVersion, TestRowFacts } from './test-rows.ts';

/** Highest-loss rows that the report shows. */
const WORST_ROWS = 20;

export interface EvaluateOptions {
  readonly pipeline: string;
  /** Empty: the usual ones of the task. */
  readonly metrics: readonly MetricSpec[];
  readonly gates: readonly Gate[];
  readonly onNoChampion: OnNoChampion;
  readonly positive?: string;
  readonly threshold?: number;
  readonly slices: readonly string[];
  readonly seed: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (message: string, fraction: number) => void;
}

export interface EvaluateInputs {
  readonly model: OpenArtifact;
  readonly examples: OpenArtifact;
  readonly dataset: OpenArtifact;
  /** The version that serves now, resolved once; or why there is none. */
  readonly champion: ServingVersion | { readonly none: string };
}

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
    const metrics = metricsFor(options, output);
    const datasetMeta = dataset.manifest.meta as unknown as DatasetMeta;
    requireSlices(options.slices, datasetMeta);
    const scored = await scoreExamples(bundle.predictor, examples, {
      signal: options.signal,
      onProgress: (done, total) => options.onProgress?.(`predicted ${done} of ${total} test examples`, (0.5 * done) / total),
    });
    const chunk = toChunk({ output, ...scored, ...choices(options) });
    const sequence = sequenceOf(await examples.preprocessorJson());
    const targets = targetsOf(chunk.rows, datasetMeta.rows.test);
    const worst = worstOf(chunk, WORST_ROWS);
    const facts = await readTestRows(inputs, { worst: new Set(worst.map(({ index }) => targets[index]!)), slices: options.slices, output, sequence }, options);
    requireAligned(facts, targets, chunk, sequence !== undefined);
    const baseline = baselineOf(chunk, output.name, await dataset.json<DatasetProfile>('profile.json'), persistence(sequence, facts, targets));
    const compared = await compare(metrics, { chunk, targets }, facts.champion, options);
    const results = metrics.map((metric) => resultOf(metric, chunk, baseline.chunk, compared));
    const gates = judgeGates(results, compared, baseline.description, options);
    return {
      formatVersion: 1,
      pipeline: options.pipeline,
      model: summaryOf(model, bundle.meta),
      dataset: { digest: dataset.ref.digest, summary: dataset.manifest.summary },
      split: 'test',
      rows: chunk.rows,
      task: taskOf(output),
      output: { kind: output.kind, name: output.name, ...(output.kind === 'classes' ? { classes: output.classes } : {}) },
      ...(chunk.kind === 'classes' && chunk.classes.length === 2 ? { positive: chunk.classes[chunk.positive]! } : {}),
      ...(options.threshold === undefined ? {} : { threshold: options.threshold }),
      metrics: results,
      baseline: { kind: baseline.kind, description: baseline.description },
      ...('none' in compared ? { noChampion: compared.none } : { champion: compared.summary }),
      onNoChampion: options.onNoChampion,
      gates,
      verdict: verdictOf(gates),
      ...pictures(chunk, baseline.chunk, sequence !== undefined),
      slices: options.slices.map((column) => sliceBy(column, Array.from(targets, (target) => facts.slices.get(column)![target]), metrics, chunk)),
      worst: worst.map((one) => worstRow(chunk, one, targets[one.index]!, facts.worst.get(targets[one.index]!) ?? {})),
      history: await readHistory(model),
    };
  } finally {
    bundle.predictor.dispose();
  }
}

function choices(options: EvaluateOptions): { positive?: string; threshold?: number } {
  return { ...(options.positive === undefined ? {} : { positive: options.positive }), ...(options.threshold === undefined ? {} : { threshold: options.threshold }) };
}

function metricsFor(options: EvaluateOptions, output: OutputSpec): ResolvedMetric[] {
  const metrics = resolveMetrics(options.metrics.length > 0 ? options.metrics : defaultMetrics(taskOf(output)));
  requireFitting(metrics, output);
  for (const gate of options.gates) {
    if (metrics.some(({ key }) => key === gate.metric)) continue;
    throw new PerennialError('CONFIG_INVALID', `A gate reads the metric "${gate.metric}", which is not among "metrics": ${metrics.map(({ key }) => key).join(', ')}.`, { hint: `Add "${gate.metric}" to "metrics" of the evaluate step.` });
  }
  return metrics;
}

function requireSlices(slices: readonly string[], { columns }: DatasetMeta): void {
  for (const slice of slices) {
    if (columns.some((column) => column.name === slice)) continue;
    throw new PerennialError('COLUMN_MISSING', `"slices" names the column "${slice}", and the dataset has: ${columns.map((column) => column.name).join(', ')}.`);
  }
}

/** Examples and rows have to be the same rows in the same order, or slices and comparisons would speak of others. */
function requireAligned({ rows, labels }: TestRowFacts, targets: Int32Array, chunk: Chunk, sequence: boolean): void {
  const mismatch = (why: string): PerennialError =>
    new PerennialError('DATA_INVALID', `The test examples do not fit the rows of the dataset: ${why}.`, { hint: 'Give the evaluate step the dataset that its examples were made from ("inputs": { "dataset": … }).' });
  if (chunk.rows > rows || (chunk.rows < rows && !sequence)) throw mismatch(`there are ${chunk.rows} examples and ${rows} rows`);
  if (labels.length === 0 || chunk.kind !== 'classes') return;
  for (let example = 0; example < chunk.rows; example++) {
    const raw = labels[targets[example]!];
    const name = chunk.classes[chunk.labels[example]!]!;
    if (String(raw) !== name) throw mismatch(`example ${example} has the label "${name}" and row ${targets[example]} has "${String(raw)}"`);
  }
}

function persistence(sequence: Sequence | undefined, { labels, past }: TestRowFacts, targets: Int32Array): LastKnown | undefined {
  if (sequence === undefined) return undefined;
  return (example) => {
    const index = targets[example]! - sequence.horizon;
    const value = index >= 0 ? labels[index] : past[past.length + index];
    return typeof value === 'number' ? value : undefined;
  };
}

type Compared = { readonly none: string } | { readonly summary: ChampionComparison; readonly comparison: Comparison };

async function compare(metrics: readonly ResolvedMetric[], challenger: Judged, champion: TestRowFacts['champion'], options: EvaluateOptions): Promise<Compared> {
  if ('none' in champion) return champion;
  options.onProgress?.(`comparing with version ${champion.version}`, 0.7);
  const { ours, theirs } = alignChampion(challenger, champion, choices(options));
  if (ours.rows === 0) return { none: 'the champion predicts none of these rows' };
  const comparison = await compareOn(metrics, ours, theirs, { seed: options.seed, ...(options.signal === undefined ? {} : { signal: options.signal }) });
  const interval = Object.values(comparison.differences).find((one) => one !== null);
  const { model, version, digest } = champion;
  return { comparison, summary: { model, version, digest, rows: comparison.rows, confidence: interval?.confidence ?? 0.95, resamples: interval?.resamples ?? 0, metrics: comparison.theirs } };
}

function resultOf(metric: ResolvedMetric, chunk: Chunk, baseline: Chunk | undefined, compared: Compared): MetricResult {
  const { key, definition, config } = metric;
  const result = { key, metric: definition.name, config, direction: definition.direction, value: metricOf(metric, chunk), baseline: baseline === undefined ? null : metricOrNull(metric, baseline) };
  if ('none' in compared) return result;
  const { ours, theirs, differences } = compared.comparison;
  const { difference = null, low = null, high = null } = differences[key] ?? {};
  return { ...result, champion: { value: theirs[key] ?? null, challenger: ours[key] ?? null, difference, low, high } };
}

function judgeGates(results: readonly MetricResult[], compared: Compared, baseline: string, options: EvaluateOptions): EvaluationReport['gates'] {
  const by = <T>(value: (result: MetricResult) => T): Record<string, T> => Object.fromEntries(results.map((result) => [result.key, value(result)]));
  return judge(options.gates, {
    metrics: by((result) => result.value),
    directions: by((result) => result.direction),
    ...('none' in compared
      ? { noChampion: compared.none }
      : { champion: { name: `the champion (${compared.summary.model} version ${compared.summary.version})`, ours: compared.comparison.ours, metrics: compared.comparison.theirs, differences: compared.comparison.differences } }),
    baseline: { description: baseline, metrics: by((result) => result.baseline) },
    onNoChampion: options.onNoChampion,
  });
}

function pictures(chunk: Chunk, baseline: Chunk | undefined, ordered: boolean): Pick<EvaluationReport, 'classification' | 'regression'> {
  if (chunk.kind === 'number') return { regression: regressionPicture(chunk, baseline?.kind === 'number' ? baseline : undefined, ordered) };
  const confusion = confusionMatrix(chunk);
  return { classification: { confusion, classes: classTable(chunk.classes, confusion), calibration: chunk.probabilities ? calibrationBins(chunk) : null, roc: rocCurves(chunk) } };
}

function summaryOf(model: OpenArtifact, meta: Awaited<ReturnType<typeof openBundle>>['meta']): EvaluationReport['model'] {
  const { parameters, loss, optimizer, epochsRun, bestEpoch } = meta;
  return { digest: model.ref.digest, summary: model.manifest.summary, parameters, loss, optimizer, epochsRun, bestEpoch };
}

async function readHistory(model: OpenArtifact): Promise<EvaluationReport['history']> {
  if (model.manifest.files['history.json'] === undefined) return [];
  return model.json<Record<string, number>[]>('history.json');
}
