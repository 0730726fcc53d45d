import type { PreprocessConfig } from './preprocess-config.ts';
import { PerennialError } from '../../core/errors.ts';
import type { OpenArtifact } from '../../core/ports.ts';
import { anomalyRule, countAnomalies } from './anomaly.ts';
import type { AnomalyRule, AnomalySplit } from './anomaly.ts';
import { columnOutcomes } from './column-outcomes.ts';
import type { TransformSpec } from './chain.ts';
import { fitInThreads, isWorthThreads } from './in-threads.ts';
import { requireColumn } from '../table/columns.ts';
import { columnBatches, columnSource, columnsOf, datasetMeta } from '../stored/dataset-rows.ts';
import { parquetTable } from '../table/duckdb.ts';
import type { Database } from '../table/duckdb.ts';
import { fitColumns } from './fit.ts';
import type { TrainPass } from './fit.ts';
import { labelColumns } from '../ingest/label-columns.ts';
import { fitOutput } from './label.ts';
import { refuseCopies } from './label-copies.ts';
import { createPreprocessor } from './preprocessor.ts';
import { describeTable } from '../table/profile.ts';
import { datasetTable, surveySeries } from './series-survey.ts';
import type { SeriesSurvey } from './series-survey.ts';
import { checkReusedColumns, reuseOutput } from './reuse.ts';
import type { ReusedPreprocessing } from './reuse.ts';
import { usableWeight } from './row-weight.ts';
import { normalRows } from './split-tensors.ts';
import type { FittedPreprocessing } from './split-tensors.ts';
import { PROFILE, SPLITS } from '../stored/dataset.ts';
import type { AnomalyMeta, DatasetProfile, Split } from '../stored/dataset.ts';
import type { Column } from '../stored/column.ts';
import { fileAs } from '../../storage/stored.ts';
import { resolveFeatures } from './resolve-features.ts';
import type { ResolvedFeatures } from './resolve-features.ts';

/** @throws SPLIT_INVALID, CONFIG_INVALID, and what {@link surveySeries} throws */
async function seriesOf(
  db: Database,
  dataset: OpenArtifact,
  { sequence, balance }: PreprocessConfig,
  reused: ReusedPreprocessing | undefined,
): Promise<SeriesSurvey | undefined> {
  if (sequence === undefined) return undefined;
  const meta = datasetMeta(dataset);
  requireColumn(meta.columns, sequence.by, 'sequence.by');
  if (meta.timeColumn !== sequence.by) {
    throw new PerennialError(
      'SPLIT_INVALID',
      `sequence.by: windows over "${sequence.by}" need a dataset that is split by that time; this one is ${meta.timeColumn === undefined ? 'not split by time' : `split by "${meta.timeColumn}"`}.`,
      {
        hint: `Use "split": {"by": "time", "column": "${sequence.by}"} in the ingest step: otherwise neighbours of test rows are trained on.`,
      },
    );
  }
  if (balance !== undefined)
    throw new PerennialError('CONFIG_INVALID', 'balance: windows of a series cannot be balanced.', {
      hint: 'Use "classWeights": "balanced" in the train step.',
    });
  return surveySeries(await datasetTable(db, dataset), sequence, reused?.parts.sequence);
}

/** Learns everything from the dataset that `apply` needs. */
export async function fitPreprocessing(
  db: Database,
  dataset: OpenArtifact,
  config: PreprocessConfig,
  reused?: ReusedPreprocessing,
  signal?: AbortSignal,
): Promise<FittedPreprocessing> {
  const meta = datasetMeta(dataset);
  const seed = reused?.parts.seed ?? config.seed ?? 1;
  const survey = await seriesOf(db, dataset, config, reused);
  const anomaly = config.anomaly === undefined ? undefined : anomalyRule(config.anomaly, meta.columns);
  const anomalies = anomaly === undefined ? undefined : await anomaliesOf(db, dataset, anomaly);
  const normal = anomaly === undefined || meta.rows.train === 0 ? undefined : await normalRows(db, dataset, 'train', anomaly);
  const described = normal === undefined ? undefined : await describeTable(db, normal, await columnsOf(db, dataset, 'train'));
  const profile = described?.profile ?? (await fileAs(dataset, PROFILE, 'profile.json'));
  if (reused !== undefined) checkReusedColumns(reused, meta.columns);
  if (anomaly !== undefined && reused?.parts.columns.some(({ name }) => name === anomaly.column.name) === true) {
    throw new PerennialError(
      'CONFIG_INVALID',
      `anomaly.column: the preprocessing that is taken over reads "${anomaly.column.name}"; a model that is given the answer finds nothing.`,
      { hint: 'Take over one that does not read it, or leave "from" out.' },
    );
  }
  const { chains, features, notes, decisions }: ResolvedFeatures =
    reused === undefined ? resolveFeatures(config, meta, profile) : { chains: [], features: featuresOf(reused), notes: [] };
  const copies =
    config.sequence === undefined && anomaly === undefined && meta.rows.train > 0
      ? await copiesIn(
          db,
          dataset,
          reused === undefined && config.features === undefined,
          reused?.parts.columns ?? chains.map(({ column }) => column),
          profile,
        )
      : [];
  const train: TrainPass = (names) => columnBatches(db, dataset, 'train', names, normal);
  const all: TrainPass = async function* (names) {
    for (const split of SPLITS) yield* columnBatches(db, dataset, split, names);
  };
  const output =
    anomaly === undefined && reused !== undefined && config.from?.label !== 'fit'
      ? await reuseOutput(reused, meta, all)
      : await fitOutput(anomaly === undefined ? labelColumns(meta) : [], config, all, train, meta.labelKinds);
  const learnt: string[] = [];
  const note = (text: string): unknown => learnt.push(text);
  const inThreads =
    normal === undefined &&
    isWorthThreads(
      meta.rows.train,
      chains.map(({ column }) => column),
    );
  const columns =
    reused?.parts.columns ??
    (inThreads
      ? await fitInThreads(
          dataset,
          chains.map(({ column }) => ({ column: column.name, specs: features[column.name]! })),
          seed,
          note,
          signal,
        )
      : await fitColumns(chains, train, seed, note));
  const parts = {
    columns,
    output,
    seed,
    ...(meta.reading === undefined ? {} : { reading: meta.reading }),
    ...(survey === undefined ? {} : { sequence: survey.sequence }),
  };
  return {
    columns,
    output,
    preprocessor: createPreprocessor(parts, survey?.byType),
    ...(survey === undefined ? {} : { sequence: survey.sequence, byType: survey.byType }),
    outcomes: columnOutcomes(columns, features, decisions, meta.columns),
    notes: [...(survey?.notes ?? []), ...notes, ...copies, ...learnt],
    seed,
    ...(anomaly === undefined
      ? {}
      : { anomaly, ...(anomalies === undefined ? {} : { anomalies }), ...(described === undefined ? {} : { described }) }),
    ...(config.weight === undefined ? {} : { weight: await usableWeight(db, dataset, config.weight) }),
  };
}

async function copiesIn(
  db: Database,
  dataset: OpenArtifact,
  automatic: boolean,
  features: readonly Pick<Column, 'name'>[],
  profile: DatasetProfile,
): Promise<string[]> {
  const all = await columnsOf(db, dataset, 'train');
  const labels = labelColumns({ ...datasetMeta(dataset), columns: all });
  return refuseCopies({
    db,
    table: parquetTable(await dataset.path('train.parquet')),
    features: all.filter(({ name }) => features.some((feature) => feature.name === name)),
    labels,
    automatic,
    profile,
  });
}

function featuresOf({ parts }: ReusedPreprocessing): Record<string, readonly TransformSpec[]> {
  return Object.fromEntries(
    parts.columns.map(({ name, links }) => [
      name,
      links.map((link) => (link.value === null ? link.definition.name : { [link.definition.name]: link.value })),
    ]),
  );
}

async function anomaliesOf(db: Database, dataset: OpenArtifact, rule: AnomalyRule): Promise<AnomalyMeta> {
  const { rows } = datasetMeta(dataset);
  const places: Partial<Record<Split, AnomalySplit>> = {};
  for (const split of SPLITS) if (rows[split] > 0) places[split] = await columnSource(db, dataset, split, rule.column.name);
  return countAnomalies(db, rule, places);
}
