import { isPerennialError } from '../../core/errors.ts';
import type { OpenArtifact } from '../../core/ports.ts';
import type { OutputSpec, Row } from '../../core/tensor.ts';
import { datasetMeta, readRows } from '../../data/stored/dataset-rows.ts';
import { labelsOf } from '../../data/stored/examples.ts';
import { openBundle } from '../../training/bundle/load-model.ts';
import { incomparable } from '../champion/champion.ts';
import { RawScorer, reachOf, sequenceOf } from '../measure/score.ts';
import type { Sequence } from '../measure/score.ts';
import { readSeriesRows } from './series-rows.ts';
import type { TrainedOn } from '../../training/model/trained-on.ts';

/** The version that serves now. */
export interface ServingVersion {
  readonly model: string;
  readonly version: number;
  readonly artifact: OpenArtifact;
  readonly trainedOn: TrainedOn;
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
  readonly slices: ReadonlyMap<string, readonly unknown[]>;
  readonly worst: ReadonlyMap<number, Row>;
  readonly champion: ScoredChampion | { readonly none: string };
}

export interface WantedRows {
  /** Indices of the rows to keep whole. */
  readonly worst: ReadonlySet<number>;
  readonly slices: readonly string[];
  readonly output: OutputSpec;
}

/** One pass over the raw test rows: labels, slice columns, the worst rows, and the champion's predictions. */
export async function readTestRows(
  inputs: { readonly dataset: OpenArtifact; readonly champion: ServingVersion | { readonly none: string } },
  { worst: kept, slices: columns, output }: WantedRows,
  options: { readonly signal?: AbortSignal; readonly onProgress?: (message: string, fraction?: number) => void } = {},
): Promise<TestRowFacts> {
  const names = labelsOf(output).map(({ name }) => name);
  const champion = await openChampion(inputs.champion, output);
  try {
    const { train, validation, test } = datasetMeta(inputs.dataset).rows;
    let failure =
      'none' in champion
        ? champion.none
        : await attempt(async () => {
            const before = await rowsBefore(inputs.dataset, champion);
            await champion.scorer.add(
              before.map(({ row }) => row),
              (at) => before[at]!.place,
            );
          });
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
      const first = train + validation + rows - batch.length;
      if ('scorer' in champion) failure ??= await attempt(() => champion.scorer.add(batch, (at) => first + at));
      options.onProgress?.(`read ${rows} of ${test} test rows`, rows / test);
    }
    let scored: ScoredChampion | { readonly none: string } = { none: failure ?? 'there is no champion' };
    if ('scorer' in champion && failure === undefined) {
      failure = await attempt(async () => void (scored = await predictionsFor(champion, inputs.dataset, options.signal)));
      if (failure !== undefined) scored = { none: failure };
    }
    return { rows, labels, slices, worst, champion: scored };
  } finally {
    if ('scorer' in champion) champion.dispose();
  }
}

interface PlacedRow {
  readonly row: Row;
  readonly place: number;
}

/**
 * The last rows before the test split, of each series those that the windows of its first labels reach back over; with their places among
 * all rows.
 */
async function rowsBefore(dataset: OpenArtifact, { reach, scorer }: OpenChampion): Promise<PlacedRow[]> {
  const { rows } = datasetMeta(dataset);
  if (reach === 0) return [];
  const kept = new Map<string, PlacedRow[]>();
  // Of several series the last rows of one may lie far back.
  const first = scorer.severalSeries ? 0 : Math.max(0, rows.train + rows.validation - reach);
  for (const [split, offset] of [
    ['train', 0],
    ['validation', rows.train],
  ] as const) {
    let place = Math.max(first, offset);
    for await (const batch of place - offset >= rows[split]
      ? []
      : readRows(dataset, split, { offset: place - offset, limit: rows[split] - (place - offset) })) {
      const keys = await scorer.keysOf(batch);
      for (const [at, row] of batch.entries()) {
        const own = kept.get(keys?.[at] ?? '') ?? [];
        own.push({ row, place });
        if (own.length > reach) own.shift();
        kept.set(keys?.[at] ?? '', own);
        place += 1;
      }
    }
  }
  return [...kept.values()].flat().sort((a, b) => a.place - b.place);
}

/** The data moved on and the champion cannot read it: that is a finding of the comparison and not a failure of the step. */
async function attempt(work: () => Promise<void>): Promise<string | undefined> {
  try {
    await work();
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
  readonly sequence: Sequence | undefined;
  readonly identity: Pick<ScoredChampion, 'model' | 'version' | 'digest' | 'output'>;
  dispose(): void;
}

async function openChampion(
  champion: ServingVersion | { readonly none: string },
  output: OutputSpec,
): Promise<OpenChampion | { readonly none: string }> {
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
    sequence,
    identity: { model: champion.model, version: champion.version, digest: champion.artifact.ref.digest, output: bundle.meta.output },
    dispose: () => bundle.predictor.dispose(),
  };
}

/**
 * The champion's predictions of test rows: of each window, for the row that holds its label. Labels that are not known yet, and those
 * before the split, are left out.
 */
async function predictionsFor(
  { scorer, sequence, identity }: OpenChampion,
  dataset: OpenArtifact,
  signal: AbortSignal | undefined,
): Promise<ScoredChampion | { readonly none: string }> {
  const scored = scorer.finish();
  const { rows } = datasetMeta(dataset);
  const exampleOf = new Map(scored.ends.map((end, example) => [end, example]));
  const found =
    sequence === undefined
      ? {
          targets: Int32Array.from({ length: rows.test }, (_, row) => row),
          ends: Int32Array.from({ length: rows.test }, (_, row) => rows.train + rows.validation + row),
        }
      : await readSeriesRows(dataset, sequence, [], 0, { signal });
  const pairs = Array.from(found.targets, (target, at) => ({ target, example: exampleOf.get(found.ends[at]!) })).filter(
    (pair): pair is { target: number; example: number } => pair.example !== undefined,
  );
  if (pairs.length === 0) return { none: 'the champion needs more rows for one prediction' };
  const width = scored.predictions.length / scored.rows;
  const predictions = new Float32Array(pairs.length * width);
  pairs.forEach(({ example }, at) => predictions.set(scored.predictions.subarray(example * width, (example + 1) * width), at * width));
  return { ...identity, predictions, targets: Int32Array.from(pairs, ({ target }) => target) };
}
