import type { PreprocessConfig } from './preprocess-config.ts';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { ArtifactRef } from '../../core/artifact.ts';
import { PerennialError } from '../../core/errors.ts';
import { canonicalJson } from '../../core/json.ts';
import type { Json } from '../../core/json.ts';
import type { LocalFile, OpenArtifact } from '../../core/ports.ts';
import type { StepContext, StepResult } from '../../core/step.ts';
import type { TensorSpec } from '../../core/tensor.ts';
import { anomalyRule, countAnomalies, normalOnly } from './anomaly.ts';
import type { AnomalyRule, AnomalySplit } from './anomaly.ts';
import { automaticFeatures } from './automatic-features.ts';
import type { Decision } from './automatic-features.ts';
import { writeTrain } from './balanced-train.ts';
import { checkChain, kindOf, parseChain } from './chain.ts';
import { columnOutcomes, outcomeTable } from './column-outcomes.ts';
import type { Link, TransformSpec } from './chain.ts';
import { fitInThreads, isWorthThreads, writeInThreads } from './in-threads.ts';
import { requireColumn } from '../table/columns.ts';
import { columnBatches, columnSource, columnsOf, datasetMeta } from '../stored/dataset-rows.ts';
import { pathLiteral, withDatabase } from '../table/duckdb.ts';
import type { Database } from '../table/duckdb.ts';
import { ShardWriter, labelSpecs } from '../stored/examples.ts';
import { fitColumns } from './fit.ts';
import type { TrainPass } from './fit.ts';
import { labelColumns } from '../ingest/label-columns.ts';
import { fitOutput } from './label.ts';
import { refuseCopies } from './label-copies.ts';
import { storedColumns } from '../images/pixel-levels.ts';
import { createPreprocessor } from './preprocessor.ts';
import { describeTable, profileFiles } from '../table/profile.ts';
import { REFERENCE_FILE } from '../stored/reference-values.ts';
import { weightColumn } from './row-weight.ts';
import { datasetTable, surveySeries } from './series-survey.ts';
import type { SeriesSurvey } from './series-survey.ts';
import { checkReusedColumns, reuseOutput, reusedFrom, withReused } from './reuse.ts';
import type { FittedBase, ReusedPreprocessing } from './reuse.ts';
import { normalRows, splitBatches } from './split-tensors.ts';
import type { FittedPreprocessing, SplitSource } from './split-tensors.ts';
import { PROFILE, SPLITS } from '../stored/dataset.ts';
import type { AnomalyMeta, DatasetMeta, DatasetProfile, ExamplesMeta, Split } from '../stored/dataset.ts';
import type { Column } from '../stored/column.ts';
import { Windows } from './windows.ts';
import { fileAs } from '../../storage/stored.ts';

export interface ResolvedFeatures {
  readonly chains: { column: Column; links: Link[] }[];
  readonly features: Record<string, readonly TransformSpec[]>;
  readonly notes: readonly string[];
  /** Where the document says nothing. */
  readonly decisions?: readonly Decision[];
}

/**
 * The columns of a dataset with the chains of the document, checked against their types. Without `features`, the profile decides on them.
 */
export function resolveFeatures(
  config: PreprocessConfig,
  meta: Pick<DatasetMeta, 'columns' | 'label' | 'furtherLabels' | 'splitColumn'>,
  profile: DatasetProfile | undefined,
): ResolvedFeatures {
  const labels = labelColumns(meta);
  const weight = config.weight === undefined ? undefined : weightColumn(config.weight, meta.columns, labels);
  const series = config.sequence !== undefined;
  // In a series the label's own past is known when it is predicted.
  const leftOut = series
    ? [config.sequence.by, ...labels.filter((label) => label.type === 'string').map(({ name }) => name)]
    : labels.map(({ name }) => name);
  const automatic =
    config.features === undefined
      ? automaticFeatures(meta.columns, profile!, [
          ...leftOut,
          ...(config.anomaly === undefined ? [] : [config.anomaly.column]),
          ...(weight === undefined ? [] : [weight.name]),
          ...(meta.splitColumn === undefined ? [] : [meta.splitColumn]),
        ])
      : undefined;
  const features: Record<string, readonly TransformSpec[]> = automatic?.features ?? { ...config.features };
  const chains = Object.entries(features).map(([name, specs]) => {
    const column = requireColumn(meta.columns, name, 'features');
    if (labels.includes(column) && !series)
      throw new PerennialError('CONFIG_INVALID', `features: "${name}" is the label; a model that is given the answer learns nothing.`, {
        hint: `Remove "${name}" from the features.`,
      });
    if (name === config.anomaly?.column)
      throw new PerennialError(
        'CONFIG_INVALID',
        `features: "${name}" says which rows are anomalies; a model that is given the answer finds nothing.`,
        { hint: `Remove "${name}" from the features.` },
      );
    if (column === weight)
      throw new PerennialError(
        'CONFIG_INVALID',
        `features: "${name}" holds the weights of rows, which are not known when a model is asked.`,
        { hint: `Remove "${name}" from the features.` },
      );
    const links = parseChain(specs, name);
    const mistake = checkChain(links, kindOf(column.type));
    if (mistake !== undefined && column.type === 'string' && profile?.columns.some((one) => one.name === name && one.count === 0) === true)
      throw new PerennialError(
        'DATA_INVALID',
        `features.${name}: the column is missing in every row of the train split, so there is nothing to learn from it.`,
        { hint: `Remove "${name}" from the features, or correct the source.` },
      );
    if (mistake !== undefined)
      throw new PerennialError('CONFIG_INVALID', `features.${name} (${column.type}): ${mistake.message}`, { hint: mistake.fix });
    return { column, links };
  });
  if (chains.length === 0)
    throw new PerennialError('CONFIG_INVALID', 'features: no column is left to learn from.', {
      hint: `The columns are: ${meta.columns.map((column) => column.name).join(', ')}.`,
    });
  return { chains, features, notes: automatic?.notes ?? [], ...(automatic === undefined ? {} : { decisions: automatic.decisions }) };
}

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
    ...(config.weight === undefined ? {} : { weight: requireColumn(meta.columns, config.weight, 'weight') }),
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
    table: `read_parquet(${pathLiteral(await dataset.path('train.parquet'))})`,
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

async function writeSplit(
  source: SplitSource,
  config: PreprocessConfig,
  split: Split,
  specs: readonly TensorSpec[],
  windows: Windows | undefined,
  ctx: StepContext,
  dir: string,
): Promise<ShardWriter> {
  const writer = new ShardWriter(dir, split, specs);
  const total = datasetMeta(source.dataset).rows[split];
  let done = 0;
  const report = (rows: number) => {
    done += rows;
    ctx.signal.throwIfAborted();
    ctx.progress({ message: `${split}: ${done} of ${total} rows`, fraction: total === 0 ? 1 : done / total });
  };
  if (split === 'train' && config.balance !== undefined)
    await writeTrain(source, config.balance, writer, {
      signal: ctx.signal,
      report,
      progress: (message, fraction) => ctx.progress({ message, fraction }),
    });
  else {
    const normal = source.fitted.anomaly !== undefined && split !== 'test';
    // Windows are cut from all rows, since those of a series follow each other; then the ones with anomalies are left out.
    for await (const { tensors, columns } of splitBatches(source, split, windows?.columns ?? [], normal && windows === undefined)) {
      const rows = Object.values(tensors)[0]?.rows ?? 0;
      const examples = windows === undefined ? tensors : windows.add(tensors, columns);
      await writer.write(normal && windows !== undefined ? normalOnly(examples) : examples);
      report(rows);
    }
  }
  await writer.close();
  return writer;
}

/** Rows of the table of columns in the details. */
const COLUMNS_SHOWN = 100;
/** Bytes of columns and of notes that travel with the run, within what a step may give; `columns.json` of the examples has all. */
const TOLD_BYTES_MAX = 5 * 1024;

/** The first ones that fit. */
function withinBytes<T>(items: readonly T[], bytes: number): T[] {
  let used = 0;
  const tooMany = items.findIndex((item) => (used += Buffer.byteLength(JSON.stringify(item)) + 1) > bytes);
  return tooMany === -1 ? [...items] : items.slice(0, tooMany);
}

function describeFeatures({ outcomes }: FittedPreprocessing): string {
  const cell = (text: string): string => text.replaceAll('|', '\\|');
  const [head, ...rows] = outcomeTable(outcomes.slice(0, COLUMNS_SHOWN));
  const lines = rows.map(([column, ...rest]) => `| \`${cell(column!)}\` | ${rest.map(cell).join(' | ')} |`);
  const more = outcomes.length > COLUMNS_SHOWN ? ['', `… and ${outcomes.length - COLUMNS_SHOWN} more columns`] : [];
  return [`| ${head!.join(' | ')} |`, `|${head!.map(() => '---').join('|')}|`, ...lines, ...more].join('\n');
}

const shape = (spec: TensorSpec) => `${spec.name} [${spec.shape.join(', ')}] ${spec.dtype}`;

/**
 * `dataset` → `examples`: transforms learnt from the train split, tensors of all splits in shards, and the preprocessor that serving
 * applies to raw rows.
 *
 * @param base a model whose transforms are used as they were learnt
 * @throws COLUMN_MISSING, CONFIG_INVALID, DATA_INVALID, LABEL_INVALID, SPLIT_INVALID
 */
export async function preprocess(
  ctx: StepContext,
  given: PreprocessConfig,
  datasetRef: ArtifactRef,
  base?: FittedBase,
): Promise<StepResult> {
  const dataset = await ctx.artifacts.open(datasetRef);
  const reused = base === undefined ? undefined : reusedFrom(base);
  const config = withHorizon(reused === undefined ? given : withReused(given, reused), datasetMeta(dataset));
  const dir = join(ctx.workDir, `examples-${ctx.attempt}`);
  await rm(dir, { recursive: true, force: true });
  return withDatabase(async (db) => {
    ctx.progress({
      message: base === undefined ? 'learning the transforms from the train split' : `taking over the transforms of ${base.text}`,
    });
    const fitted = await fitPreprocessing(db, dataset, config, reused, ctx.signal);
    for (const note of fitted.notes) ctx.log.warn(note);
    const { inputs } = fitted.preprocessor;
    const { output } = fitted;
    const specs: TensorSpec[] = [...inputs, ...labelSpecs(output)];
    const { anomalies } = fitted;
    const windows = fitted.sequence === undefined ? undefined : new Windows(fitted.sequence, fitted.byType!);
    const files: Record<string, Uint8Array | LocalFile> = {};
    const splits: Partial<Record<Split, ExamplesMeta['splits'][Split]>> = {};
    // Windows and balanced rows are computed from values.
    const stored =
      windows === undefined && config.balance === undefined
        ? await storedColumns(fitted.columns, config.seed ?? 1)
        : { columns: fitted.columns, levels: {} };
    const { rows } = datasetMeta(dataset);
    const inThreads =
      windows === undefined &&
      config.balance === undefined &&
      fitted.anomaly === undefined &&
      isWorthThreads(
        SPLITS.reduce((sum, split) => sum + rows[split], 0),
        fitted.columns,
      );
    if (inThreads) {
      const written = await writeInThreads(dataset, { ...fitted, columns: stored.columns }, specs, dir, ctx.signal, (message, fraction) =>
        ctx.progress({ message, fraction }),
      );
      Object.assign(files, written.files);
      Object.assign(splits, written.splits);
    } else
      for (const split of SPLITS) {
        const writer = await writeSplit(
          { db, dataset, fitted: { ...fitted, columns: stored.columns }, seed: config.seed ?? 1 },
          config,
          split,
          specs,
          windows,
          ctx,
          dir,
        );
        Object.assign(files, writer.files);
        splits[split] = { rows: writer.rows, shards: writer.shards };
      }
    requireExamples((split) => splits[split]!.rows, rows);
    files['preprocessor.json'] = Buffer.from(canonicalJson(fitted.preprocessor.toJson()));
    files['columns.json'] = Buffer.from(JSON.stringify({ columns: fitted.outcomes, notes: fitted.notes }));
    Object.assign(files, fitted.described === undefined ? await profileOf(dataset) : profileFiles(fitted.described));
    const meta: ExamplesMeta = {
      inputs,
      output,
      splits: splits as ExamplesMeta['splits'],
      ...(Object.keys(stored.levels).length === 0 ? {} : { levels: stored.levels }),
      ...(anomalies === undefined ? {} : { anomaly: anomalies }),
      ...(config.weight === undefined ? {} : { weight: config.weight }),
      dataset: datasetRef.digest,
    };
    const summary = `${SPLITS.map((split) => `${splits[split]!.rows} ${split}`).join(', ')}; ${inputs.map(shape).join(', ')}`;
    const examples = await ctx.artifacts.write({ kind: 'examples', summary, files, meta: meta as unknown as Json });
    await rm(dir, { recursive: true, force: true });
    return {
      outputs: { examples },
      values: {
        trainRows: splits.train!.rows,
        validationRows: splits.validation!.rows,
        testRows: splits.test!.rows,
        inputs: inputs.map(shape),
        ...(output.kind === 'classes' ? { classes: output.classes.slice(0, 100) } : {}),
        automatic: config.features === undefined && reused === undefined,
        columns: withinBytes(fitted.outcomes, TOLD_BYTES_MAX) as unknown as Json,
        warnings: shortened(fitted.notes),
      },
      details: [`**${summary}**`, '', describeFeatures(fitted), '', ...shortened(fitted.notes).map((note) => `- ${note}`)].join('\n'),
    };
  }, ctx.signal);
}

/** Notes that travel with the run. */
function shortened(notes: readonly string[]): string[] {
  const told = withinBytes(notes, TOLD_BYTES_MAX);
  return told.length === notes.length
    ? told
    : [...told, `… and ${notes.length - told.length} more such columns; the log of the step names all.`];
}

/** The profile of a dataset as it lies there. Those written before there was a file beside it have none. */
async function profileOf(dataset: OpenArtifact): Promise<Record<string, Uint8Array>> {
  const names = ['profile.json', REFERENCE_FILE].filter((name) => dataset.manifest.files[name] !== undefined);
  return Object.fromEntries(await Promise.all(names.map(async (name): Promise<[string, Uint8Array]> => [name, await dataset.bytes(name)])));
}

/** Without a label there is nothing to foresee: a window stands for itself. @throws CONFIG_INVALID */
export function withHorizon(config: PreprocessConfig, meta: Pick<DatasetMeta, 'label'>): PreprocessConfig {
  const { sequence } = config;
  if (sequence === undefined) return config;
  const labelled = config.anomaly === undefined && meta.label !== null;
  if (!labelled && sequence.horizon !== undefined)
    throw new PerennialError(
      'CONFIG_INVALID',
      `sequence.horizon: ${config.anomaly === undefined ? 'the dataset has no label' : 'with "anomaly" no label is learned'}, so there is nothing ${sequence.horizon} rows later.`,
      { hint: 'Leave "horizon" out.' },
    );
  return { ...config, sequence: { ...sequence, horizon: sequence.horizon ?? (labelled ? 1 : 0) } };
}

/** @param examples of a split @param rows that they were made of @throws SPLIT_INVALID */
function requireExamples(examples: (split: Split) => number, rows: Readonly<Record<Split, number>>): void {
  const empty = SPLITS.find((split) => examples(split) === 0 && rows[split] > 0);
  if (empty !== undefined)
    throw new PerennialError('SPLIT_INVALID', `The ${empty} split has ${rows[empty]} rows, and no example is left of them.`, {
      hint: 'Every window or row of it holds an anomaly: give more normal rows, or shorter windows.',
    });
}
