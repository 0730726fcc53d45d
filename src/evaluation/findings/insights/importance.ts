import { Prng } from '../../../core/prng.ts';
import type { OpenArtifact } from '../../../core/ports.ts';
import type { OutputSpec, Row } from '../../../core/tensor.ts';
import { readRows } from '../../../data/stored/dataset-rows.ts';
import { pauses } from '../../../platform/pauses.ts';
import type { Bundle } from '../../../training/bundle/load-model.ts';
import { toChunk } from '../../measure/chunk.ts';
import { metricOrNull } from '../../measure/compute.ts';
import type { Chunk } from '../../metrics/metric.ts';
import type { ResolvedMetric } from '../../metrics/resolve-metrics.ts';
import type { ColumnImportance, Insights } from './insight-types.ts';

const SHUFFLES = 3;
/** Values that are predicted again, rows times columns times shuffles: bounds the time of large networks and wide tables. */
const PREDICTIONS_MAX = 60_000;
const ROWS_MAX = 2_000;
const ROWS_MIN = 50;
const BATCH_ROWS = 512;

export interface ImportanceParts {
  readonly bundle: Pick<Bundle, 'predictor' | 'preprocessor'>;
  readonly dataset: OpenArtifact;
  readonly output: OutputSpec;
  /** As the model learned them, of all test rows. */
  readonly labels: Float64Array;
  readonly metric: ResolvedMetric;
  readonly choices: { readonly positive?: string; readonly threshold?: number };
  readonly seed: number;
  readonly signal?: AbortSignal;
}

/**
 * How much worse a metric gets on the first test rows when the values of one source column are shuffled among them: what the model
 * would lose without what the column tells. Undefined where a model reads one column, or the metric is undefined.
 *
 * @see L. Breiman: Random Forests (2001); scikit-learn's `permutation_importance`
 */
export async function permutationImportance(parts: ImportanceParts): Promise<Insights['importance']> {
  const { bundle, dataset, metric, seed } = parts;
  const columns = bundle.preprocessor.columns.map(({ name }) => name);
  const fitting = Math.min(ROWS_MAX, Math.floor(PREDICTIONS_MAX / (columns.length * SHUFFLES)));
  if (columns.length < 2 || fitting < ROWS_MIN) return undefined;
  const rows = await firstRows(dataset, Math.min(fitting, parts.labels.length));
  const pause = pauses(parts.signal);
  const score = async (changed: readonly Row[]): Promise<number | null> => {
    await pause();
    return metricOrNull(metric, await chunkOf(parts, changed));
  };
  const base = await score(rows);
  if (base === null) return undefined;
  const sign = metric.definition.direction === 'maximize' ? 1 : -1;
  const found: ColumnImportance[] = [];
  for (const column of columns) {
    const losses: number[] = [];
    for (let shuffle = 0; shuffle < SHUFFLES; shuffle++) {
      const values = new Prng(seed, column, shuffle).shuffle(rows.map((row) => row[column]));
      const after = await score(rows.map((row, index) => ({ ...row, [column]: values[index] }) as Row));
      if (after !== null) losses.push(sign * (base - after));
    }
    if (losses.length > 0)
      found.push({
        column,
        loss: losses.reduce((sum, loss) => sum + loss, 0) / losses.length,
        low: Math.min(...losses),
        high: Math.max(...losses),
      });
  }
  return { metric: metric.key, rows: rows.length, shuffles: SHUFFLES, columns: found.sort((a, b) => b.loss - a.loss) };
}

async function firstRows(dataset: OpenArtifact, limit: number): Promise<Row[]> {
  const rows: Row[] = [];
  for await (const batch of readRows(dataset, 'test', { limit })) rows.push(...batch);
  return rows;
}

async function chunkOf({ bundle, output, labels, choices }: ImportanceParts, rows: readonly Row[]): Promise<Chunk> {
  const answers: Float32Array[] = [];
  for (let start = 0; start < rows.length; start += BATCH_ROWS)
    answers.push(
      await bundle.predictor.predict(await bundle.preprocessor.apply(rows.slice(start, start + BATCH_ROWS), { saturate: true })),
    );
  const predictions = new Float32Array(answers.reduce((sum, part) => sum + part.length, 0));
  let offset = 0;
  for (const part of answers) {
    predictions.set(part, offset);
    offset += part.length;
  }
  const width = output.kind === 'number' ? output.width : 1;
  return toChunk({ output, predictions, labels: labels.subarray(0, rows.length * width), rows: rows.length, ...choices });
}
