import type { JsonObject } from '../../core/json.ts';
import type { Row } from '../../core/tensor.ts';
import type { ResolvedMetric } from '../metrics/resolve-metrics.ts';
import { pickRows } from '../measure/chunk.ts';
import { metricOrNull } from '../measure/compute.ts';
import type { Chunk, ClassChunk, NumberChunk } from '../metrics/metric.ts';
import { areaUnderRoc, rankSteps } from '../metrics/shared/ranking.ts';
import type { ClassRow, Curve, EvaluationReport, SliceRow, WorstRow } from '../step/report.ts';

const CURVE_POINTS_MAX = 200;
const CURVES_MAX = 12;
const POINTS_MAX = 500;
const RESIDUAL_BINS = 30;
const SLICES_MAX = 20;
const TEXT_MAX = 200;

export function confusionMatrix(chunk: ClassChunk): number[][] {
  const matrix = chunk.classes.map(() => chunk.classes.map(() => 0));
  for (let row = 0; row < chunk.rows; row++) matrix[chunk.labels[row]!]![chunk.predicted[row]!]!++;
  return matrix;
}

/** null where a ratio is 0/0. */
export function classTable(classes: readonly string[], matrix: readonly (readonly number[])[]): ClassRow[] {
  return classes.map((name, index) => {
    const hits = matrix[index]![index]!;
    const support = matrix[index]!.reduce((sum, count) => sum + count, 0);
    const predicted = matrix.reduce((sum, row) => sum + row[index]!, 0);
    const ratio = (top: number, bottom: number): number | null => (bottom === 0 ? null : top / bottom);
    return {
      class: name,
      support,
      predicted,
      precision: ratio(hits, predicted),
      recall: ratio(hits, support),
      f1: ratio(2 * hits, predicted + support),
    };
  });
}

/** ROC curves: of the positive class, or of each class against the rest; long curves thinned evenly. */
export function rocCurves(chunk: ClassChunk): Curve[] {
  const width = chunk.classes.length;
  const columns = width === 2 ? [chunk.positive] : chunk.classes.map((_, index) => index).slice(0, CURVES_MAX);
  return columns.map((column) => {
    const steps = rankSteps(
      chunk.rows,
      (row) => chunk.labels[row] === column,
      (row) => chunk.scores[row * width + column]!,
    );
    const last = steps.at(-1)!;
    const area = areaUnderRoc(steps) ?? null;
    if (area === null) return { class: chunk.classes[column]!, area, points: [] };
    const points = thin(steps, CURVE_POINTS_MAX).map((step): [number, number] => [
      step.falsePositives / last.falsePositives,
      step.truePositives / last.truePositives,
    ]);
    return { class: chunk.classes[column]!, area, points: [[0, 0], ...points] };
  });
}

/** At most `most` items, evenly spaced, the last one included. */
function thin<T>(items: readonly T[], most: number): T[] {
  if (items.length <= most) return [...items];
  return Array.from({ length: most }, (_, index) => items[Math.round(((index + 1) * items.length) / most) - 1]!);
}

/** Predicted against actual values, and the distribution of what is left (label minus prediction). Wide labels: the first value. */
export function regressionPicture(
  chunk: NumberChunk,
  baseline: NumberChunk | undefined,
  ordered: boolean,
): NonNullable<EvaluationReport['regression']> {
  const { width, rows, labels, predictions } = chunk;
  const residuals = Float64Array.from({ length: rows }, (_, row) => labels[row * width]! - predictions[row * width]!);
  const low = residuals.reduce((least, value) => Math.min(least, value), Infinity);
  const high = residuals.reduce((most, value) => Math.max(most, value), -Infinity);
  const step = (high - low) / RESIDUAL_BINS || 1;
  const counts = Array.from({ length: RESIDUAL_BINS }, () => 0);
  for (const residual of residuals) counts[Math.min(RESIDUAL_BINS - 1, Math.floor((residual - low) / step))]!++;
  const indices = thin(
    Array.from({ length: rows }, (_, row) => row),
    POINTS_MAX,
  );
  return {
    points: indices.map((index) => ({
      index,
      label: labels[index * width]!,
      prediction: predictions[index * width]!,
      baseline: baseline === undefined ? null : baseline.predictions[index * width]!,
    })),
    residuals: { edges: Array.from({ length: RESIDUAL_BINS + 1 }, (_, bin) => low + bin * step), counts },
    ordered,
  };
}

/**
 * Negative log probability of the true class (or how far it was outscored), the largest absolute error of the row, or the error of its
 * reconstruction.
 */
export function lossesOf(chunk: Chunk): Float64Array {
  const { rows } = chunk;
  if (chunk.kind === 'number') {
    const { width } = chunk;
    return Float64Array.from({ length: rows }, (_, row) => {
      let largest = 0;
      for (let column = 0; column < width; column++)
        largest = Math.max(largest, Math.abs(chunk.labels[row * width + column]! - chunk.predictions[row * width + column]!));
      return largest;
    });
  }
  if (chunk.kind === 'errors') return chunk.errors;
  const width = chunk.classes.length;
  return Float64Array.from({ length: rows }, (_, row) => {
    const own = chunk.scores[row * width + chunk.labels[row]!]!;
    if (chunk.probabilities) return -Math.log(Math.max(own, 2 ** -23));
    return chunk.scores[row * width + chunk.predicted[row]!]! - own;
  });
}

/** Indices of the examples with the highest loss, worst first; ties in order of the rows. */
export function worstOf(chunk: Chunk, most: number): { readonly index: number; readonly loss: number }[] {
  const losses = lossesOf(chunk);
  // A few of many: kept in order as they come, in place of sorting all.
  const worst: { readonly index: number; readonly loss: number }[] = [];
  losses.forEach((loss, index) => {
    if (worst.length === most && !(loss > worst.at(-1)!.loss)) return;
    const place = worst.findIndex((other) => loss > other.loss);
    worst.splice(place < 0 ? worst.length : place, 0, { index, loss });
    if (worst.length > most) worst.pop();
  });
  return worst;
}

export function worstRow(
  chunk: Chunk,
  { index, loss }: { readonly index: number; readonly loss: number },
  target: number,
  row: Row,
): WorstRow {
  const columns = readable(row);
  if (chunk.kind === 'number') {
    const values = (data: Float64Array): string =>
      [...data.subarray(index * chunk.width, Math.min(index * chunk.width + 8, (index + 1) * chunk.width))]
        .map((value) => String(Number(value.toPrecision(6))))
        .join(', ');
    return { index: target, loss, label: values(chunk.labels), predicted: values(chunk.predictions), probability: null, columns };
  }
  if (chunk.kind === 'errors')
    return { index: target, loss, label: '', predicted: chunk.flagged[index] === 1 ? 'anomaly' : 'normal', probability: null, columns };
  const predicted = chunk.predicted[index]!;
  const score = chunk.scores[index * chunk.classes.length + predicted]!;
  return {
    index: target,
    loss: chunk.errors?.[index] ?? loss,
    label: chunk.classes[chunk.labels[index]!]!,
    predicted: chunk.classes[predicted]!,
    probability: chunk.probabilities ? score : null,
    columns,
  };
}

/** A raw row as JSON for people: long text shortened, bytes named. */
export function readable(row: Row): JsonObject {
  return Object.fromEntries(
    Object.entries(row).map(([name, value]) => {
      if (value === null || value === undefined) return [name, null];
      if (typeof value === 'boolean') return [name, value];
      if (typeof value === 'number') return [name, Number.isFinite(value) ? value : String(value)];
      if (value instanceof Date) return [name, value.toISOString()];
      if (value instanceof Uint8Array) return [name, `(${value.byteLength} bytes)`];
      const text = typeof value === 'string' ? value : typeof value === 'bigint' ? value.toString() : JSON.stringify(value);
      return [name, text.length > TEXT_MAX ? `${text.slice(0, TEXT_MAX)}…` : text];
    }),
  );
}

/**
 * Every metric per value of a column, worst first by the first metric. Numbers with more than twenty values are cut at their quartiles.
 *
 * @param values one per example of the chunk
 */
export function sliceBy(
  column: string,
  values: readonly unknown[],
  metrics: readonly ResolvedMetric[],
  chunk: Chunk,
): EvaluationReport['slices'][number] {
  const groups = new Map<string, number[]>();
  const nameOf = namer(values);
  values.forEach((value, index) => {
    const name = nameOf(value);
    const group = groups.get(name);
    if (group === undefined) groups.set(name, [index]);
    else group.push(index);
  });
  const largest = [...groups].sort((a, b) => b[1].length - a[1].length || (a[0] < b[0] ? -1 : 1));
  const rows = largest.slice(0, SLICES_MAX).map(([value, indices]): SliceRow => {
    const part = pickRows(chunk, Int32Array.from(indices));
    return { value, rows: indices.length, metrics: Object.fromEntries(metrics.map((metric) => [metric.key, metricOrNull(metric, part)])) };
  });
  const first = metrics[0];
  if (first !== undefined) {
    const sign = first.definition.direction === 'maximize' ? 1 : -1;
    // Slices on which the metric is undefined come last.
    const badness = ({ metrics: values }: SliceRow): number => (values[first.key] === null ? Infinity : values[first.key]! * sign);
    rows.sort((a, b) => badness(a) - badness(b));
  }
  return { column, values: rows, left: Math.max(0, largest.length - SLICES_MAX) };
}

/** Names of the slices by a column: its values, or quarters of many numbers. */
export function namer(values: readonly unknown[]): (value: unknown) => string {
  const plain = (value: unknown): string =>
    value === null || value === undefined || value === '' ? '(missing)' : value instanceof Date ? value.toISOString() : String(value);
  const numbers = values.filter((value): value is number => typeof value === 'number' && Number.isFinite(value));
  if (new Set(numbers).size <= SLICES_MAX) return plain;
  const sorted = numbers.sort((a, b) => a - b);
  const cuts = [0.25, 0.5, 0.75].map((share) => sorted[Math.floor(sorted.length * share)]!);
  const names = [`< ${cuts[0]}`, `${cuts[0]} to < ${cuts[1]}`, `${cuts[1]} to < ${cuts[2]}`, `≥ ${cuts[2]}`];
  return (value) =>
    typeof value === 'number' && Number.isFinite(value) ? names[cuts.filter((cut) => value >= cut).length]! : plain(value);
}
