import type { OpenArtifact } from '../../../core/ports.ts';
import type { OutputSpec, Row } from '../../../core/tensor.ts';
import { datasetMeta, readRows } from '../../../data/stored/dataset-rows.ts';
import { seenTestRows } from '../../../data/stored/seen-rows.ts';
import { labelsOf } from '../../../data/stored/examples.ts';
import type { Bundle } from '../../../training/bundle/load-model.ts';
import type { Chunk } from '../../metrics/metric.ts';
import type { ResolvedMetric } from '../../metrics/resolve-metrics.ts';
import { confusionMatrix, lossesOf, readable } from '../error-analysis.ts';
import { withPictures } from '../worst-pictures.ts';
import { costCurve } from './cost-curve.ts';
import { findSlices } from './find-slices.ts';
import { permutationImportance } from './importance.ts';
import type { Costs, Insights, SuspectedRow } from './insight-types.ts';
import { confusedPairs, suspectedLabels } from './label-issues.ts';

const SUSPECTED_MAX = 20;
const PAIRS_MAX = 10;
const DUPLICATES_SHOWN = 20;
/** Test rows of which values are kept to look for slices. */
const ROWS_MAX = 100_000;
/** Columns that have values to slice by. */
const SLICED_TYPES: readonly string[] = ['number', 'integer', 'string', 'boolean'];

export interface InsightParts {
  readonly bundle: Bundle;
  readonly dataset: OpenArtifact;
  readonly output: OutputSpec;
  /** All outputs of the model: labels are no columns to slice by. */
  readonly outputs: OutputSpec;
  readonly chunk: Chunk;
  readonly metrics: readonly ResolvedMetric[];
  /** Test row of each example. */
  readonly targets: Int32Array;
  /** As the model learned them, of a model with one output whose examples are single rows: importance is measured there. */
  readonly labels: Float64Array | undefined;
  readonly costs: Costs | undefined;
  readonly choices: { readonly positive?: string; readonly threshold?: number };
  readonly seed: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (message: string) => void;
}

/** Looks closer at the test rows: where a model errs, which labels may be wrong, what it goes by, and where to cut. */
export async function findInsights(parts: InsightParts): Promise<Insights> {
  const { chunk, dataset, targets, onProgress } = parts;
  onProgress?.('looking for slices, wrong labels and duplicates');
  const suspected = chunk.kind === 'classes' && chunk.errors === undefined ? suspectedLabels(chunk) : [];
  const kept = await readColumns(parts, new Set(suspected.slice(0, SUSPECTED_MAX).map(({ row }) => targets[row]!)));
  const slices = slicesOf(parts, kept.columns);
  const duplicates = await duplicatesOf(dataset);
  const thresholds =
    chunk.kind === 'classes' && chunk.errors === undefined ? costCurve(chunk, parts.costs, parts.choices.threshold) : undefined;
  const importance = await importanceOf(parts);
  return {
    ...(slices === undefined ? {} : { slices }),
    ...(chunk.kind === 'classes' ? { confused: confusedPairs(chunk.classes, confusionMatrix(chunk), PAIRS_MAX) } : {}),
    ...(chunk.kind === 'classes' && chunk.probabilities && chunk.errors === undefined
      ? { suspected: { found: suspected.length, rows: await suspectedRows(chunk, suspected, targets, kept.rows) } }
      : {}),
    ...(duplicates === undefined ? {} : { duplicates }),
    ...(importance === undefined ? {} : { importance }),
    ...(thresholds === undefined ? {} : { thresholds }),
  };
}

async function readColumns(
  { dataset, outputs }: InsightParts,
  wanted: ReadonlySet<number>,
): Promise<{ readonly columns: ReadonlyMap<string, unknown[]>; readonly rows: ReadonlyMap<number, Row> }> {
  const labels = labelsOf(outputs).map(({ name }) => name);
  const names = datasetMeta(dataset)
    .columns.filter(({ name, type }) => SLICED_TYPES.includes(type) && !labels.includes(name))
    .map(({ name }) => name);
  const columns = new Map(names.map((name): [string, unknown[]] => [name, []]));
  const rows = new Map<number, Row>();
  let at = 0;
  for await (const batch of readRows(dataset, 'test')) {
    for (const row of batch) {
      // Of texts only the length counts where they are many; they are not kept whole.
      if (at < ROWS_MAX) for (const [name, values] of columns) values.push(row[name]);
      if (wanted.has(at)) rows.set(at, row);
      at++;
    }
  }
  return { columns, rows };
}

function slicesOf({ chunk, targets }: InsightParts, columns: ReadonlyMap<string, readonly unknown[]>): Insights['slices'] {
  const wrong =
    chunk.kind === 'classes' ? Float64Array.from(chunk.labels, (label, row) => (label === chunk.predicted[row] ? 0 : 1)) : lossesOf(chunk);
  const places = targets.findIndex((target) => target >= ROWS_MAX);
  const looked = places < 0 ? targets : targets.subarray(0, places);
  const values = new Map([...columns].map(([name, all]) => [name, Array.from(looked, (target) => all[target])]));
  const found = findSlices(values, wrong.subarray(0, looked.length));
  if (found.looked === 0) return undefined;
  const measure =
    chunk.kind === 'classes' ? 'share of wrong rows' : chunk.kind === 'errors' ? 'error of the reconstruction' : 'absolute error';
  return { ...found, measure };
}

async function suspectedRows(
  chunk: Extract<Chunk, { kind: 'classes' }>,
  suspected: ReturnType<typeof suspectedLabels>,
  targets: Int32Array,
  rows: ReadonlyMap<number, Row>,
): Promise<SuspectedRow[]> {
  return Promise.all(
    suspected.slice(0, SUSPECTED_MAX).map(async ({ row, suggested }) => {
      const index = targets[row]!;
      const raw = rows.get(index) ?? {};
      const label = chunk.labels[row]!;
      const shown = { index, loss: 0, label: chunk.classes[label]!, predicted: '', probability: null, columns: readable(raw) };
      const { columns } = await withPictures(shown, raw);
      return {
        index,
        label: chunk.classes[label]!,
        suggested: chunk.classes[suggested]!,
        probability: chunk.scores[row * chunk.classes.length + label]!,
        columns,
      };
    }),
  );
}

/** undefined: nobody can tell, of a dataset of an earlier version. */
async function duplicatesOf(dataset: OpenArtifact): Promise<Insights['duplicates']> {
  const seen = await seenTestRows(dataset, dataset);
  if (seen === undefined) return undefined;
  const examples: number[] = [];
  let rows = 0;
  seen.forEach((value, row) => {
    if (value === 0) return;
    rows++;
    if (examples.length < DUPLICATES_SHOWN) examples.push(row);
  });
  return { rows, of: seen.length, examples };
}

async function importanceOf({
  bundle,
  dataset,
  output,
  labels,
  metrics,
  choices,
  seed,
  signal,
  onProgress,
}: InsightParts): Promise<Insights['importance']> {
  const [metric] = metrics;
  if (labels === undefined || metric === undefined || (output.kind !== 'classes' && output.kind !== 'number')) return undefined;
  onProgress?.('shuffling columns: what each is worth');
  return permutationImportance({ bundle, dataset, output, labels, metric, choices, seed, ...(signal === undefined ? {} : { signal }) });
}
