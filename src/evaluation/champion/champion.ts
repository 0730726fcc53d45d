import type { LabelOutput, OutputSpec } from '../../core/tensor.ts';
import { pairedBootstrap } from '../measure/bootstrap.ts';
import type { DifferenceInterval } from '../measure/bootstrap.ts';
import type { ResolvedMetric } from '../metrics/resolve-metrics.ts';
import { pickRows, toChunk } from '../measure/chunk.ts';
import { metricOrNull } from '../measure/compute.ts';
import { COUNTS_RIGHT, disagreementOf } from '../measure/mcnemar.ts';
import type { Disagreement } from '../measure/mcnemar.ts';
import type { Chunk } from '../metrics/metric.ts';

/** A set of predictions, with the row of the split that holds the label of each. */
export interface Judged {
  readonly chunk: Chunk;
  readonly targets: Int32Array;
}

/** Why two outputs cannot be compared, in a sentence; undefined where they can. */
export function incomparable(challenger: OutputSpec, champion: OutputSpec): string | undefined {
  if (challenger.kind !== champion.kind)
    return `the champion predicts ${KIND_NAMES[champion.kind]} and this model ${KIND_NAMES[challenger.kind]}`;
  if (challenger.kind === 'several' && champion.kind === 'several') return incomparableOutputs(challenger.outputs, champion.outputs);
  if (challenger.name !== champion.name) return `the champion predicts "${champion.name}" and this model "${challenger.name}"`;
  if (challenger.kind === 'classes' && champion.kind === 'classes') {
    const extra = champion.classes.filter((name) => !challenger.classes.includes(name));
    return extra.length === 0 ? undefined : `the champion knows classes that this model does not: ${extra.join(', ')}`;
  }
  if (challenger.kind === 'anomaly' && champion.kind === 'anomaly' && challenger.error !== champion.error)
    return `the champion measures the ${champion.error} error of its reconstructions and this model the ${challenger.error} one`;
  if (challenger.kind === 'number' && champion.kind === 'number' && challenger.width !== champion.width)
    return `the champion gives ${champion.width} values per row and this model ${challenger.width}`;
  return undefined;
}

function incomparableOutputs(challenger: readonly LabelOutput[], champion: readonly LabelOutput[]): string | undefined {
  for (const output of challenger) {
    const theirs = champion.find(({ name }) => name === output.name);
    const reason = theirs === undefined ? `the champion does not predict "${output.name}"` : incomparable(output, theirs);
    if (reason !== undefined) return reason;
  }
  return undefined;
}

const KIND_NAMES: Readonly<Record<OutputSpec['kind'], string>> = {
  classes: 'classes',
  number: 'numbers',
  several: 'several labels',
  anomaly: 'anomalies',
  samples: 'nothing but makes samples',
  text: 'the next token',
  none: 'no label',
};

/**
 * The champion's predictions beside the labels of the challenger's set, for the rows that both predict, of those that `only` lets
 * through. Classes that the champion
 * does not know yet have the probability 0.
 */
export function alignChampion(
  challenger: Judged,
  champion: { readonly output: OutputSpec; readonly predictions: Float32Array; readonly targets: Int32Array },
  { only = () => true, ...options }: { positive?: string; threshold?: number; only?: (target: number) => boolean } = {},
): { ours: Chunk; theirs: Chunk } {
  const exampleOf = new Map(Array.from(champion.targets, (target, example): [number, number] => [target, example]));
  const shared = Array.from(challenger.targets, (target, example) => ({ example, theirs: exampleOf.get(target) })).filter(
    (pair): pair is { example: number; theirs: number } => pair.theirs !== undefined && only(challenger.targets[pair.example]!),
  );
  const ours = pickRows(
    challenger.chunk,
    Int32Array.from(shared, (pair) => pair.example),
  );
  const weights = ours.weights === undefined ? {} : { weights: ours.weights };
  const width = champion.predictions.length / champion.targets.length;
  const picked = new Float64Array(shared.length * width);
  shared.forEach((pair, row) => picked.set(champion.predictions.subarray(pair.theirs * width, (pair.theirs + 1) * width), row * width));
  if (ours.kind === 'number') {
    const scale = champion.output.kind === 'number' ? champion.output.scale : undefined;
    return {
      ours,
      theirs: { ...ours, predictions: picked.map((value) => (scale === undefined ? value : value * scale.std + scale.mean)) },
    };
  }
  if (champion.output.kind === 'anomaly')
    return {
      ours,
      theirs: toChunk({
        output: champion.output,
        predictions: picked,
        labels: ours.kind === 'classes' ? ours.labels : [],
        rows: shared.length,
        ...weights,
        ...options,
      }),
    };
  if (ours.kind === 'errors') throw new TypeError('alignChampion: outputs of two kinds');
  const classes = champion.output.kind === 'classes' ? champion.output.classes : [];
  const predictions = sameClasses(classes, ours.classes) ? picked : spread(picked, width, classes, ours.classes);
  return {
    ours,
    theirs: toChunk({
      output: { kind: 'classes', name: 'label', classes: ours.classes },
      predictions,
      labels: ours.labels,
      rows: shared.length,
      ...weights,
      ...options,
    }),
  };
}

function sameClasses(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((name, index) => name === b[index]);
}

/** Scores per class of the champion → scores per class of the challenger. A single score is that of the second of two classes. */
function spread(scores: Float64Array, width: number, from: readonly string[], to: readonly string[]): Float64Array {
  const columns = from.map((name) => to.indexOf(name));
  const rows = scores.length / width;
  const placed = new Float64Array(rows * to.length);
  for (let row = 0; row < rows; row++) {
    columns.forEach((column, index) => {
      const single = scores[row]!;
      placed[row * to.length + column] = width === 1 ? (index === 1 ? single : 1 - single) : scores[row * width + index]!;
    });
  }
  return placed;
}

export interface Comparison {
  readonly rows: number;
  /** Per metric: of the challenger and of the champion on the shared rows. */
  readonly ours: Readonly<Record<string, number | null>>;
  readonly theirs: Readonly<Record<string, number | null>>;
  readonly differences: Readonly<Record<string, DifferenceInterval | null>>;
  /** Per metric that counts rows which are classified rightly. */
  readonly disagreements: Readonly<Record<string, Disagreement>>;
}

/** Judges two models on the same rows. */
export async function compareOn(
  metrics: readonly ResolvedMetric[],
  ours: Chunk,
  theirs: Chunk,
  options: { readonly seed: number; readonly signal?: AbortSignal },
): Promise<Comparison> {
  const valuesOf = (chunk: Chunk): Record<string, number | null> =>
    Object.fromEntries(metrics.map((metric) => [metric.key, metricOrNull(metric, chunk)]));
  return {
    rows: ours.rows,
    ours: valuesOf(ours),
    theirs: valuesOf(theirs),
    differences: await pairedBootstrap(metrics, ours, theirs, options),
    disagreements: disagreements(metrics, ours, theirs),
  };
}

function disagreements(metrics: readonly ResolvedMetric[], ours: Chunk, theirs: Chunk): Comparison['disagreements'] {
  if (ours.kind !== 'classes' || theirs.kind !== 'classes') return {};
  const counting = metrics.filter(({ definition }) => definition.name === COUNTS_RIGHT);
  return Object.fromEntries(counting.map(({ key }) => [key, disagreementOf(ours, theirs)]));
}
