import { isPerennialError } from '../core/errors.ts';
import type { OpenArtifact } from '../core/ports.ts';
import type { OutputSpec, Row } from '../core/tensor.ts';
import { readRows } from '../data/dataset-rows.ts';
import { labelsOf } from '../data/examples.ts';
import type { DatasetMeta } from '../data/types.ts';
import { openBundle } from '../training/bundle/load-model.ts';
import { incomparable } from './champion.ts';
import { RawScorer, reachOf, sequenceOf } from './score.ts';
import type { Sequence } from './score.ts';

/** The version that serves now. */
export interface ServingVersion {
  readonly model: string;
  readonly version: number;
  readonly artifact: OpenArtifact;
}

export interface ScoredChampion {
  readonly model: string;
  readonly version: number;
  readonly digest: string;
  readonly output: OutputSpec;
  /** Row-major model output, one part per target. */
  readonly predictions: Float32Array;
  /** Index of the test row that holds the label of each prediction. */
  readonly targets: Int32Array;
}

export interface TestRowFacts {
  readonly rows: number;
  /** Raw values of each label, in order. */
  readonly labels: ReadonlyMap<string, readonly unknown[]>;
  /** Those of the rows right before the test split; only for sequences. */
  readonly past: ReadonlyMap<string, readonly unknown[]>;
  readonly slices: ReadonlyMap<string, readonly unknown[]>;
  readonly worst: ReadonlyMap<number, Row>;
  readonly champion: ScoredChampion | { readonly none: string };
}

export interface WantedRows {
  /** Indices of the rows to keep whole. */
  readonly worst: ReadonlySet<number>;
  readonly slices: readonly string[];
  readonly output: OutputSpec;
  readonly sequence: Sequence | undefined;
  /** Rows before the test split whose labels are wanted, at least. */
  readonly back?: number;
}

/** One pass over the raw test rows: labels, slice columns, the worst rows, and the champion's predictions. */
export async function readTestRows(
  inputs: { readonly dataset: OpenArtifact; readonly champion: ServingVersion | { readonly none: string } },
  { worst: kept, slices: columns, output, sequence, back = 0 }: WantedRows,
  options: { readonly signal?: AbortSignal; readonly onProgress?: (message: string, fraction?: number) => void } = {},
): Promise<TestRowFacts> {
  const names = labelsOf(output).map(({ name }) => name);
  const champion = await openChampion(inputs.champion, output);
  try {
    const before = await rowsBefore(inputs.dataset, Math.max(reachOf(sequence), back, 'none' in champion ? 0 : champion.reach));
    let failure = 'none' in champion ? champion.none : await tryScore(champion.scorer, before.slice(before.length - Math.min(before.length, champion.reach)));
    const labels = new Map(names.map((name): [string, unknown[]] => [name, []]));
    const slices = new Map(columns.map((column): [string, unknown[]] => [column, []]));
    const worst = new Map<number, Row>();
    let rows = 0;
    for await (const batch of readRows(inputs.dataset, 'test')) {
      options.signal?.throwIfAborted();
      for (const row of batch) {
        for (const [name, values] of labels) values.push(row[name]);
        for (const [column, values] of slices) values.push(row[column]);
        if (kept.has(rows)) worst.set(rows, row);
        rows++;
      }
      if ('scorer' in champion) failure ??= await tryScore(champion.scorer, batch);
      const { test } = (inputs.dataset.manifest.meta as unknown as DatasetMeta).rows;
      options.onProgress?.(`read ${rows} of ${test} test rows`, rows / test);
    }
    const past = new Map(names.map((name) => [name, before.map((row) => row[name])]));
    const scored = 'none' in champion || failure !== undefined ? { none: failure ?? 'there is no champion' } : predictionsFor(champion, rows, Math.min(before.length, champion.reach));
    return { rows, labels, past, slices, worst, champion: scored };
  } finally {
    if ('scorer' in champion) champion.dispose();
  }
}

/** The last `count` rows before the test split: what the windows of its first labels reach back over. */
async function rowsBefore(dataset: OpenArtifact, count: number): Promise<Row[]> {
  const { rows } = dataset.manifest.meta as unknown as DatasetMeta;
  const found: Row[] = [];
  for (const split of ['validation', 'train'] as const) {
    const missing = count - found.length;
    if (missing <= 0) break;
    const part: Row[] = [];
    for await (const batch of readRows(dataset, split, { offset: Math.max(0, rows[split] - missing), limit: missing })) part.push(...batch);
    found.unshift(...part);
  }
  return found;
}

/** The data moved on and the champion cannot read it: that is a finding of the comparison and not a failure of the step. */
async function tryScore(scorer: RawScorer, batch: readonly Row[]): Promise<string | undefined> {
  try {
    await scorer.add(batch);
    return undefined;
  } catch (error) {
    if (isPerennialError(error) && error.category === 'data') return `the champion cannot read these rows: ${error.message}`;
    throw error;
  }
}

interface OpenChampion {
  readonly scorer: RawScorer;
  /** Rows before a label that the champion's windows reach back over. */
  readonly reach: number;
  readonly horizon: number;
  readonly identity: Pick<ScoredChampion, 'model' | 'version' | 'digest' | 'output'>;
  dispose(): void;
}

async function openChampion(champion: ServingVersion | { readonly none: string }, output: OutputSpec): Promise<OpenChampion | { readonly none: string }> {
  if ('none' in champion) return champion;
  if (output.kind === 'none') return { none: 'models without a label are not compared' };
  const bundle = await openBundle(champion.artifact);
  const reason = incomparable(output, bundle.meta.output);
  if (reason !== undefined) {
    bundle.predictor.dispose();
    return { none: reason };
  }
  const sequence = sequenceOf(bundle.preprocessor.toJson());
  return {
    scorer: new RawScorer(bundle.predictor, bundle.preprocessor),
    reach: reachOf(sequence),
    horizon: sequence?.horizon ?? 0,
    identity: { model: champion.model, version: champion.version, digest: champion.artifact.ref.digest, output: bundle.meta.output },
    dispose: () => bundle.predictor.dispose(),
  };
}

/**
 * Window i of the scored rows (those before the split, then the split) ends `horizon` rows before its label. Labels that lie after the
 * last row are not known yet, and those before the first belong to another split: both are left out.
 */
function predictionsFor({ scorer, reach, horizon, identity }: OpenChampion, rows: number, before: number): ScoredChampion | { readonly none: string } {
  const scored = scorer.finish();
  const count = Math.min(scored.rows - horizon, rows);
  if (count <= 0) return { none: 'the champion needs more rows for one prediction' };
  const width = scored.predictions.length / scored.rows;
  const targets = Int32Array.from({ length: count }, (_, index) => index + reach - before);
  return { ...identity, predictions: scored.predictions.subarray(0, count * width), targets };
}
