import type { ObjectStore, ArtifactStore } from '../../core/ports.ts';
import { messageOf, isPerennialError } from '../../core/errors.ts';
import type { OutputSpec, Prediction } from '../../core/tensor.ts';
import { computeMetrics } from '../../evaluation/measure/compute.ts';
import { defaultMetrics, taskOf } from '../../evaluation/metrics/resolve-metrics.ts';
import { findVersion } from '../../registry/registry.ts';
import { openAs } from '../../storage/stored.ts';
import { Unread } from '../../storage/unread.ts';
import { MODEL } from '../../training/model/model-meta.ts';
import { readPredictions } from '../prediction-window.ts';
import { readFeedbackOf } from './feedback-reader.ts';
import type { FeedbackRecord } from './feedback-record.ts';

/** How a version did on questions of which the truth came to be known. */
export interface Realized {
  readonly version: number;
  /** Start of the period, ISO 8601 UTC. */
  readonly from: string;
  readonly predictions: number;
  readonly labelled: number;
  /** Answers that somebody took for wrong, and for right. */
  readonly flagged: number;
  readonly confirmed: number;
  /** By name; empty where there is no label. */
  readonly metrics: Readonly<Record<string, number>>;
  /** Why something is left out. */
  readonly notes: readonly string[];
}

export interface RealizedReport {
  readonly model: string;
  readonly periods: readonly Realized[];
  /** Feedback for which no prediction was logged in the period. */
  readonly unmatched: number;
  /** What of the logs could not be read and is left out. */
  readonly notes: readonly string[];
}

export interface RealizedOptions {
  readonly from: Date;
  /** Not included. */
  readonly to: Date;
  /** Length of a period in milliseconds; absent: one for all of it. */
  readonly byMs?: number;
  /** Only predictions of this version. */
  readonly version?: number;
}

/** Labels and answers that belong together. */
interface Pairs {
  predictions: number;
  flagged: number;
  confirmed: number;
  readonly labels: FeedbackRecord['label'][];
  readonly answers: Prediction[];
}

/**
 * Metrics of the answers that were given, from labels that came later, by version and period of the prediction.
 *
 * @throws NOT_FOUND for a version that is gone; DATA_INVALID for answers that do not fit the model
 */
export async function realizedPerformance(
  store: ObjectStore,
  artifacts: ArtifactStore,
  model: string,
  options: RealizedOptions,
): Promise<RealizedReport> {
  const unread = new Unread();
  const feedback = await readFeedbackOf(store, model, options.from, unread);
  const groups = new Map<string, Pairs>();
  for await (const records of readPredictions(store, model, { ...options, unread })) {
    for (const { id, time, version, row, prediction } of records) {
      const pairs = pairsOf(groups, version, periodOf(time, options));
      pairs.predictions += 1;
      const found = feedback.find(id, row);
      if (found === undefined) continue;
      if (found.flag === true) pairs.flagged += 1;
      if (found.flag === false) pairs.confirmed += 1;
      if (found.label === undefined) continue;
      pairs.labels.push(found.label);
      pairs.answers.push(prediction);
    }
  }
  const outputs = new Map<number, OutputSpec>();
  const periods: Realized[] = [];
  for (const [key, pairs] of groups) {
    const [version, from] = JSON.parse(key) as [number, string];
    if (!outputs.has(version))
      outputs.set(version, (await openAs(artifacts, MODEL, (await findVersion(store, model, version)).model)).meta.output);
    periods.push({ version, from, ...realizedOf(outputs.get(version)!, pairs) });
  }
  periods.sort((a, b) => (a.from < b.from ? -1 : a.from > b.from ? 1 : a.version - b.version));
  return { model, periods, unmatched: feedback.unmatched, notes: unread.notes };
}

function periodOf(time: string, { from, byMs }: RealizedOptions): string {
  if (byMs === undefined) return from.toISOString();
  return new Date(from.getTime() + Math.floor((Date.parse(time) - from.getTime()) / byMs) * byMs).toISOString();
}

function pairsOf(groups: Map<string, Pairs>, version: number, from: string): Pairs {
  const key = JSON.stringify([version, from]);
  let pairs = groups.get(key);
  if (pairs === undefined) groups.set(key, (pairs = { predictions: 0, flagged: 0, confirmed: 0, labels: [], answers: [] }));
  return pairs;
}

function realizedOf(output: OutputSpec, { predictions, flagged, confirmed, labels, answers }: Pairs): Omit<Realized, 'version' | 'from'> {
  const counts = { predictions, labelled: labels.length, flagged, confirmed };
  if (labels.length === 0) return { ...counts, metrics: {}, notes: [] };
  if (output.kind !== 'several') return { ...counts, ...metricsOf(output, labels, answers) };
  const parts = output.outputs.map((one) => {
    const known = labels.flatMap((label, at) => (typeof label === 'object' && Object.hasOwn(label, one.name) ? [at] : []));
    const { metrics, notes } = metricsOf(
      one,
      known.map((at) => (labels[at] as Readonly<Record<string, string | number | boolean>>)[one.name]),
      known.map((at) => (answers[at] as { readonly outputs: Readonly<Record<string, Prediction>> }).outputs[one.name]!),
    );
    return {
      metrics: Object.entries(metrics).map(([name, value]) => [`${one.name}.${name}`, value] as const),
      notes: notes.map((note) => `${one.name}: ${note}`),
    };
  });
  return { ...counts, metrics: Object.fromEntries(parts.flatMap(({ metrics }) => metrics)), notes: parts.flatMap(({ notes }) => notes) };
}

/** Each metric that fits the label and is defined on these rows; of the others it is said why not. */
function metricsOf(
  output: OutputSpec,
  labels: readonly FeedbackRecord['label'][],
  answers: readonly Prediction[],
): Pick<Realized, 'metrics' | 'notes'> {
  const read = readerOf(output);
  if (read === undefined) return { metrics: {}, notes: ['its answers have no labels to be compared with'] };
  const rows = labels.flatMap((label, at) => {
    const row = read(label, answers[at]!);
    return row === undefined ? [] : [row];
  });
  const odd = labels.length - rows.length;
  const notes = odd === 0 ? [] : [`${odd} ${odd === 1 ? 'label does' : 'labels do'} not fit: ${expectedOf(output)}`];
  if (rows.length === 0) return { metrics: {}, notes };
  const metrics: Record<string, number> = {};
  // Answers are in the units of the source already.
  const spec = output.kind === 'number' ? withoutScale(output) : output;
  const set = {
    output: spec,
    labels: rows.flatMap(({ label }) => label),
    predictions: Float64Array.from(rows.flatMap(({ answer }) => answer)),
    rows: rows.length,
  };
  for (const name of defaultMetrics(taskOf(output, true))) {
    try {
      Object.assign(metrics, computeMetrics({ ...set, metrics: [name] }));
    } catch (error) {
      if (!isPerennialError(error)) throw error;
      notes.push(`${name}: ${messageOf(error)}`);
    }
  }
  return { metrics, notes };
}

type ReadPair = (
  label: FeedbackRecord['label'],
  answer: Prediction,
) => { readonly label: readonly number[]; readonly answer: readonly number[] } | undefined;

/** How label and answer become numbers; undefined: such answers have no label. */
function readerOf(output: OutputSpec): ReadPair | undefined {
  if (output.kind === 'classes')
    return (label, answer) => {
      const index = output.classes.indexOf(String(label));
      if (index < 0 || !('probabilities' in answer)) return undefined;
      return { label: [index], answer: output.classes.map((name) => answer.probabilities[name] ?? 0) };
    };
  if (output.kind === 'number' && output.width === 1)
    return (label, answer) => {
      const value = typeof label === 'string' && label.trim() !== '' ? Number(label) : label;
      if (typeof value !== 'number' || !Number.isFinite(value) || !('value' in answer) || typeof answer.value !== 'number')
        return undefined;
      return { label: [value], answer: [answer.value] };
    };
  if (output.kind === 'anomaly')
    return (label, answer) => {
      const value = { true: 1, '1': 1, anomaly: 1, false: 0, '0': 0, normal: 0 }[String(label)];
      return value === undefined || !('score' in answer) ? undefined : { label: [value], answer: [answer.score] };
    };
  return undefined;
}

function withoutScale<T extends { readonly scale?: unknown }>({ scale: _, ...rest }: T): Omit<T, 'scale'> {
  return rest;
}

function expectedOf(output: OutputSpec): string {
  if (output.kind === 'classes')
    return `expected one of ${output.classes.slice(0, 10).join(', ')}${output.classes.length > 10 ? ', …' : ''}`;
  return output.kind === 'number' ? 'expected a number' : 'expected true (an anomaly) or false';
}
