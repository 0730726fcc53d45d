import type { ObjectStore, ArtifactStore } from '../../core/ports.ts';
import { messageOf, isPerennialError } from '../../core/errors.ts';
import type { OutputSpec, Prediction, Row } from '../../core/tensor.ts';
import { Prng } from '../../core/prng.ts';
import { metricIntervals } from '../../evaluation/measure/bootstrap.ts';
import { toChunk } from '../../evaluation/measure/chunk.ts';
import { computeMetrics } from '../../evaluation/measure/compute.ts';
import { defaultMetrics, resolveMetrics, taskOf } from '../../evaluation/metrics/resolve-metrics.ts';
import { pauses } from '../../platform/pauses.ts';
import { readVersion } from '../../registry/versions.ts';
import { mapLimited } from '../../storage/concurrency.ts';
import { isUnreadable, openAs } from '../../storage/stored.ts';
import { Unread } from '../../storage/unread.ts';
import { MODEL } from '../../training/model/model-meta.ts';
import { readPredictions } from '../prediction-window.ts';
import { Reservoir } from '../reservoir.ts';
import type { LoggedPrediction } from '../predictions/logged-prediction.ts';
import { CALIBRATION_MIN, calibrationOf, estimateAccuracy } from './estimated.ts';
import type { ClassAnswer, EstimatedAccuracy } from './estimated.ts';
import { ErrorSums, columnsOfRows, expectedErrorOfVersion } from './expected-error.ts';
import type { EstimatedErrors, VersionErrors } from './expected-error.ts';
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
  /** 95 % intervals of metrics, from draws of the labelled rows; a metric that has none is not there. */
  readonly intervals: Readonly<Record<string, { readonly low: number; readonly high: number }>>;
  /** Of models that tell classes apart: what its own probabilities say of all answers, labelled or not. */
  readonly estimated?: EstimatedAccuracy;
  /** Of models that answer with a number: what their errors on the test rows say of all answers, labelled or not. */
  readonly estimatedErrors?: EstimatedErrors;
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
  /** Metrics besides those of the task; "none": no metric at all, only counts. */
  readonly metrics?: readonly string[] | 'none';
}

/** Labels and answers that belong together. */
interface Pairs {
  predictions: number;
  flagged: number;
  confirmed: number;
  readonly labels: FeedbackRecord['label'][];
  readonly answers: Prediction[];
  /** Of all predictions, so many at most, each as likely as any other. */
  readonly sample: Reservoir<Prediction>;
  readonly errors: ErrorSums;
  /** Answers whose row is not logged as a whole. */
  withoutRow: number;
}

/** Answers kept of each period and version to estimate by. */
const ESTIMATED_MAX = 100_000;

/**
 * Metrics of the answers that were given, from labels that came later, by version and period of the prediction. Of a version whose model
 * is gone there are counts, and a note.
 *
 * @throws DATA_INVALID for answers that do not fit the model
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
  const expected = new Map<number, VersionErrors | undefined>();
  const pause = pauses();
  for await (const records of readPredictions(store, model, { ...options, unread })) {
    if (options.metrics !== 'none') {
      for (const version of new Set(records.map((record) => record.version)))
        if (!expected.has(version)) expected.set(version, await lossesOf(store, artifacts, model, version));
      await addExpected(records, expected, (version, time) => pairsOf(groups, version, periodOf(time, options)), pause);
    }
    for (const record of records) {
      const { time, version, prediction } = record;
      const pairs = pairsOf(groups, version, periodOf(time, options));
      pairs.predictions += 1;
      pairs.sample.add(() => prediction);
      const found = feedback.find(record);
      if (found === undefined) continue;
      if (found.flag === true) pairs.flagged += 1;
      if (found.flag === false) pairs.confirmed += 1;
      if (found.label === undefined) continue;
      pairs.labels.push(found.label);
      pairs.answers.push(prediction);
    }
  }
  const outputs = new Map<number, OutputSpec | { readonly lost: string }>();
  const periods: Realized[] = [];
  for (const [key, pairs] of groups) {
    const [version, from] = JSON.parse(key) as [number, string];
    const output = outputs.get(version) ?? (await outputOf(store, artifacts, model, version));
    outputs.set(version, output);
    periods.push({
      version,
      from,
      ...('lost' in output
        ? { ...countsOf(pairs), metrics: {}, intervals: {}, notes: [] }
        : {
            ...(await realizedOf(output, pairs, options.metrics ?? [])),
            ...(options.metrics === 'none' ? {} : estimatedOf(output, version, pairs, groups)),
            ...errorsOf(pairs, expected.get(version)),
          }),
    });
  }
  periods.sort((a, b) => (a.from < b.from ? -1 : a.from > b.from ? 1 : a.version - b.version));
  const lost = [...outputs].flatMap(([version, output]) =>
    'lost' in output ? [`Version ${version} is left out of all metrics: ${output.lost}`] : [],
  );
  return { model, periods, unmatched: feedback.unmatched, notes: [...unread.notes, ...lost] };
}

/** What a version answers, deleted or not; or why that is not known any more. */
async function outputOf(
  store: ObjectStore,
  artifacts: ArtifactStore,
  model: string,
  version: number,
): Promise<OutputSpec | { readonly lost: string }> {
  try {
    const manifest = await readVersion(store, model, version);
    if (manifest === undefined) return { lost: `"${model}" has no such version.` };
    return (await openAs(artifacts, MODEL, manifest.model)).meta.output;
  } catch (error) {
    if (isUnreadable(error) || isPerennialError(error, 'OBJECT_NOT_FOUND')) return { lost: messageOf(error) };
    throw error;
  }
}

/** undefined where a version has none, or what of it is told by {@link outputOf} is gone. */
async function lossesOf(store: ObjectStore, artifacts: ArtifactStore, model: string, version: number): Promise<VersionErrors | undefined> {
  try {
    const manifest = await readVersion(store, model, version);
    return manifest === undefined ? undefined : await expectedErrorOfVersion(artifacts, manifest);
  } catch (error) {
    if (isUnreadable(error) || isPerennialError(error, 'OBJECT_NOT_FOUND')) return undefined;
    throw error;
  }
}

function periodOf(time: string, { from, byMs }: RealizedOptions): string {
  if (byMs === undefined) return from.toISOString();
  return new Date(from.getTime() + Math.floor((Date.parse(time) - from.getTime()) / byMs) * byMs).toISOString();
}

function pairsOf(groups: Map<string, Pairs>, version: number, from: string): Pairs {
  const key = JSON.stringify([version, from]);
  let pairs = groups.get(key);
  if (pairs === undefined)
    groups.set(
      key,
      (pairs = {
        predictions: 0,
        flagged: 0,
        confirmed: 0,
        labels: [],
        answers: [],
        sample: new Reservoir(ESTIMATED_MAX, new Prng('estimated', key)),
        errors: new ErrorSums(),
        withoutRow: 0,
      }),
    );
  return pairs;
}

/** Answers whose errors are worked out without a pause, which takes milliseconds. */
const ANSWERS_AT_ONCE = 2_000;

/** What is expected of the answers of a part of the log, whose rows are there as a whole. */
async function addExpected(
  records: readonly LoggedPrediction[],
  expected: ReadonlyMap<number, VersionErrors | undefined>,
  pairsAt: (version: number, time: string) => Pairs,
  pause: () => Promise<void>,
): Promise<void> {
  const parts = new Map<Pairs, { readonly known: VersionErrors; readonly rows: Row[]; readonly answers: number[] }>();
  for (const { version, time, row, hidden, prediction } of records) {
    const known = expected.get(version);
    if (known === undefined || !('value' in prediction) || typeof prediction.value !== 'number') continue;
    const pairs = pairsAt(version, time);
    const isHidden = Object.values(hidden ?? {}).some((names) => known.expected.columns.some(({ name }) => names.includes(name)));
    if (row === null || isHidden) {
      pairs.withoutRow += 1;
      continue;
    }
    const part = parts.get(pairs) ?? { known, rows: [], answers: [] };
    parts.set(pairs, part);
    part.rows.push(row);
    part.answers.push(prediction.value);
  }
  for (const [{ errors }, { known, rows, answers }] of parts)
    for (let start = 0; start < rows.length; start += ANSWERS_AT_ONCE) {
      const part = rows.slice(start, start + ANSWERS_AT_ONCE);
      errors.add(
        known.expected,
        columnsOfRows(known.expected, part, known.reading),
        Float64Array.from(answers.slice(start, start + ANSWERS_AT_ONCE)),
      );
      await pause();
    }
}

function errorsOf({ errors, withoutRow }: Pairs, known: VersionErrors | undefined): Pick<Realized, 'estimatedErrors'> {
  const found = known === undefined ? undefined : errors.finish(known.expected);
  return found === undefined ? {} : { estimatedErrors: { ...found, ...(withoutRow === 0 ? {} : { withoutRow }) } };
}

/** By labels of the same version in all of the time that was asked for, where there are enough. */
function estimatedOf(
  output: OutputSpec,
  version: number,
  { sample }: Pairs,
  groups: ReadonlyMap<string, Pairs>,
): Pick<Realized, 'estimated'> {
  if (output.kind !== 'classes') return {};
  const { classes } = output;
  const answerOf = (answer: Prediction): ClassAnswer | undefined => {
    if (!('probabilities' in answer)) return undefined;
    const answered = classes.indexOf(answer.label);
    return answered < 0 ? undefined : { probabilities: classes.map((name) => answer.probabilities[name] ?? 0), answered };
  };
  const answers = sample.kept.flatMap((answer) => answerOf(answer) ?? []);
  if (answers.length === 0) return {};
  const labelled = [...groups].flatMap(([key, pairs]) =>
    (JSON.parse(key) as [number])[0] === version
      ? pairs.answers.flatMap((answer, at) => {
          const label = classes.indexOf(String(pairs.labels[at]));
          const read = answerOf(answer);
          return label < 0 || read === undefined ? [] : [{ probabilities: read.probabilities, label }];
        })
      : [],
  );
  const isEnough = labelled.length >= CALIBRATION_MIN;
  const calibrate = isEnough ? calibrationOf(classes.length, labelled) : (probabilities: readonly number[]) => probabilities;
  return { estimated: { ...estimateAccuracy(answers, calibrate), calibratedOn: isEnough ? labelled.length : 0 } };
}

function countsOf({
  predictions,
  flagged,
  confirmed,
  labels,
}: Pairs): Pick<Realized, 'predictions' | 'labelled' | 'flagged' | 'confirmed'> {
  return { predictions, labelled: labels.length, flagged, confirmed };
}

async function realizedOf(
  output: OutputSpec,
  pairs: Pairs,
  more: readonly string[] | 'none',
): Promise<Omit<Realized, 'version' | 'from' | 'estimated'>> {
  const counts = countsOf(pairs);
  const { labels, answers } = pairs;
  if (labels.length === 0 || more === 'none') return { ...counts, metrics: {}, intervals: {}, notes: [] };
  if (output.kind !== 'several') return { ...counts, ...(await metricsOf(output, labels, answers, more)) };
  const parts = await mapLimited(output.outputs, 1, async (one) => {
    const known = labels.flatMap((label, at) => (typeof label === 'object' && Object.hasOwn(label, one.name) ? [at] : []));
    const { metrics, intervals, notes } = await metricsOf(
      one,
      known.map((at) => (labels[at] as Readonly<Record<string, string | number | boolean>>)[one.name]),
      known.map((at) => (answers[at] as { readonly outputs: Readonly<Record<string, Prediction>> }).outputs[one.name]!),
      more,
    );
    return {
      metrics: Object.entries(metrics).map(([name, value]) => [`${one.name}.${name}`, value] as const),
      intervals: Object.entries(intervals).map(([name, value]) => [`${one.name}.${name}`, value] as const),
      notes: notes.map((note) => `${one.name}: ${note}`),
    };
  });
  return {
    ...counts,
    metrics: Object.fromEntries(parts.flatMap(({ metrics }) => metrics)),
    intervals: Object.fromEntries(parts.flatMap(({ intervals }) => intervals)),
    notes: parts.flatMap(({ notes }) => notes),
  };
}

/** Each metric that fits the label and is defined on these rows; of the others it is said why not. */
async function metricsOf(
  output: OutputSpec,
  labels: readonly FeedbackRecord['label'][],
  answers: readonly Prediction[],
  more: readonly string[],
): Promise<Pick<Realized, 'metrics' | 'intervals' | 'notes'>> {
  const read = readerOf(output);
  if (read === undefined) return { metrics: {}, intervals: {}, notes: ['its answers have no labels to be compared with'] };
  const rows = labels.flatMap((label, at) => {
    const row = read(label, answers[at]!);
    return row === undefined ? [] : [row];
  });
  const odd = labels.length - rows.length;
  const notes = odd === 0 ? [] : [`${odd} ${odd === 1 ? 'label does' : 'labels do'} not fit: ${expectedOf(output)}`];
  if (rows.length === 0) return { metrics: {}, intervals: {}, notes };
  const metrics: Record<string, number> = {};
  // Answers are in the units of the source already.
  const spec = output.kind === 'number' ? withoutScale(output) : output;
  const set = {
    output: spec,
    labels: rows.flatMap(({ label }) => label),
    predictions: Float64Array.from(rows.flatMap(({ answer }) => answer)),
    rows: rows.length,
  };
  for (const name of new Set([...defaultMetrics(taskOf(output, true)), ...more])) {
    try {
      Object.assign(metrics, computeMetrics({ ...set, metrics: [name] }));
    } catch (error) {
      if (!isPerennialError(error)) throw error;
      notes.push(`${name}: ${messageOf(error)}`);
    }
  }
  const defined = resolveMetrics(Object.keys(metrics));
  const found = await metricIntervals(defined, toChunk(set), { seed: 0 });
  const intervals = Object.fromEntries(
    Object.entries(found).flatMap(([name, one]) => (one === null ? [] : [[name, { low: one.low, high: one.high }] as const])),
  );
  return { metrics, intervals, notes };
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
