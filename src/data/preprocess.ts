import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { ArtifactRef } from '../core/artifact.ts';
import { PerennialError } from '../core/errors.ts';
import { canonicalJson } from '../core/json.ts';
import type { Json } from '../core/json.ts';
import type { OpenArtifact } from '../core/ports.ts';
import type { StepContext, StepResult } from '../core/step.ts';
import type { TensorSpec } from '../core/tensor.ts';
import { automaticFeatures } from './automatic-features.ts';
import type { BalanceConfig } from './balance.ts';
import { writeTrain } from './balanced-train.ts';
import { checkChain, kindOf, parseChain } from './chain.ts';
import type { Link, TransformSpec } from './chain.ts';
import { requireColumn } from './columns.ts';
import { columnBatches, datasetMeta } from './dataset-rows.ts';
import { withDatabase } from './duckdb.ts';
import type { Database } from './duckdb.ts';
import { LABEL, ShardWriter } from './examples.ts';
import { fitColumns } from './fit.ts';
import type { TrainPass } from './fit.ts';
import { labelSpec } from './label.ts';
import type { Task } from './label.ts';
import { createPreprocessor } from './preprocessor.ts';
import type { SequenceConfig } from './preprocessor.ts';
import { splitTensors } from './split-tensors.ts';
import type { FittedPreprocessing, SplitSource } from './split-tensors.ts';
import { SPLITS } from './types.ts';
import type { Column, DatasetMeta, DatasetProfile, ExamplesMeta, Split } from './types.ts';
import { Windows } from './windows.ts';

export interface PreprocessConfig {
  readonly features?: Readonly<Record<string, readonly TransformSpec[]>>;
  readonly label?: readonly TransformSpec[];
  readonly task?: Task;
  readonly sequence?: SequenceConfig;
  readonly balance?: BalanceConfig;
  readonly seed?: number;
}

/** The columns of a dataset with the chains of the document, checked against their types. Without `features`, the profile decides on them. */
export function resolveFeatures(config: PreprocessConfig, meta: Pick<DatasetMeta, 'columns' | 'label'>, profile: DatasetProfile | undefined): { chains: { column: Column; links: Link[] }[]; features: Record<string, readonly TransformSpec[]>; notes: readonly string[] } {
  const label = meta.columns.find((column) => column.name === meta.label);
  const series = config.sequence !== undefined;
  // In a series the label's own past is known when it is predicted.
  const leftOut = series ? [config.sequence!.by, ...(label !== undefined && label.type === 'string' ? [label.name] : [])] : label === undefined ? [] : [label.name];
  const automatic = config.features === undefined ? automaticFeatures(meta.columns, profile!, leftOut) : undefined;
  const features: Record<string, readonly TransformSpec[]> = automatic?.features ?? { ...config.features };
  const chains = Object.entries(features).map(([name, specs]) => {
    const column = requireColumn(meta.columns, name, 'features');
    if (name === meta.label && !series) throw new PerennialError('CONFIG_INVALID', `features: "${name}" is the label; a model that is given the answer learns nothing.`, { hint: `Remove "${name}" from the features.` });
    const links = parseChain(specs, name);
    const mistake = checkChain(links, kindOf(column.type));
    if (mistake !== undefined && column.type === 'string' && profile?.columns.some((one) => one.name === name && one.count === 0) === true)
      throw new PerennialError('DATA_INVALID', `features.${name}: the column is missing in every row of the train split, so there is nothing to learn from it.`, { hint: `Remove "${name}" from the features, or correct the source.` });
    if (mistake !== undefined) throw new PerennialError('CONFIG_INVALID', `features.${name} (${column.type}): ${mistake.message}`, { hint: mistake.fix });
    return { column, links };
  });
  if (chains.length === 0) throw new PerennialError('CONFIG_INVALID', 'features: no column is left to learn from.', { hint: `The columns are: ${meta.columns.map((column) => column.name).join(', ')}.` });
  return { chains, features, notes: automatic?.notes ?? [] };
}

function checkSequence(sequence: SequenceConfig | undefined, meta: DatasetMeta, balance: BalanceConfig | undefined): Column['type'] | undefined {
  if (sequence === undefined) return undefined;
  const by = requireColumn(meta.columns, sequence.by, 'sequence.by');
  if (meta.timeColumn !== sequence.by) {
    throw new PerennialError('SPLIT_INVALID', `sequence.by: windows over "${sequence.by}" need a dataset that is split by that time; this one is ${meta.timeColumn === undefined ? 'not split by time' : `split by "${meta.timeColumn}"`}.`, { hint: `Use "split": {"by": "time", "column": "${sequence.by}"} in the ingest step: otherwise neighbours of test rows are trained on.` });
  }
  if (balance !== undefined) throw new PerennialError('CONFIG_INVALID', 'balance: windows of a series cannot be balanced.', { hint: 'Use "classWeights": "balanced" in the train step.' });
  return by.type;
}

/** Learns everything from the dataset that `apply` needs. */
export async function fitPreprocessing(db: Database, dataset: OpenArtifact, config: PreprocessConfig): Promise<FittedPreprocessing> {
  const meta = datasetMeta(dataset);
  const seed = config.seed ?? 1;
  const byType = checkSequence(config.sequence, meta, config.balance);
  const profile = await dataset.json<DatasetProfile & Json>('profile.json');
  const { chains, features, notes } = resolveFeatures(config, meta, profile);
  const train: TrainPass = (names) => columnBatches(db, dataset, 'train', names);
  const all: TrainPass = async function* (names) {
    for (const split of SPLITS) yield* columnBatches(db, dataset, split, names);
  };
  const column = meta.columns.find((item) => item.name === meta.label);
  const output = await labelSpec({ column, task: config.task ?? 'auto', transforms: config.label, all, train });
  const columns = await fitColumns(chains, train, seed);
  const parts = { columns, output, seed, ...(config.sequence === undefined ? {} : { sequence: { size: config.sequence.size, horizon: config.sequence.horizon, by: config.sequence.by } }) };
  return { columns, output, preprocessor: createPreprocessor(parts, byType), features, notes };
}

async function writeSplit(source: SplitSource, config: PreprocessConfig, split: Split, specs: readonly TensorSpec[], windows: Windows | undefined, ctx: StepContext, dir: string): Promise<ShardWriter> {
  const writer = new ShardWriter(dir, split, specs);
  const total = datasetMeta(source.dataset).rows[split];
  let done = 0;
  const report = (rows: number) => {
    done += rows;
    ctx.signal.throwIfAborted();
    ctx.progress({ message: `${split}: ${done} of ${total} rows`, fraction: total === 0 ? 1 : done / total });
  };
  if (split === 'train' && config.balance !== undefined) await writeTrain(source, config.balance, writer, report);
  else {
    for await (const batch of splitTensors(source, split)) {
      const rows = Object.values(batch)[0]?.rows ?? 0;
      await writer.write(windows === undefined ? batch : windows.add(batch));
      report(rows);
    }
  }
  await writer.close();
  return writer;
}

function describeFeatures(fitted: FittedPreprocessing): string {
  const lines = Object.entries(fitted.features).map(([name, specs]) => `| \`${name}\` | ${specs.length === 0 ? 'as it is' : specs.map((spec) => (typeof spec === 'string' ? spec : `${Object.keys(spec)[0]} ${JSON.stringify(Object.values(spec)[0])}`)).join(' → ')} |`);
  return ['| column | transforms |', '|---|---|', ...lines].join('\n');
}

const shape = (spec: TensorSpec) => `${spec.name} [${spec.shape.join(', ')}] ${spec.dtype}`;

/**
 * `dataset` → `examples`: transforms learnt from the train split, tensors of all splits in shards, and the preprocessor that serving
 * applies to raw rows.
 *
 * @throws COLUMN_MISSING, CONFIG_INVALID, DATA_INVALID, LABEL_INVALID, SPLIT_INVALID
 */
export async function preprocess(ctx: StepContext, given: PreprocessConfig, datasetRef: ArtifactRef): Promise<StepResult> {
  const config: PreprocessConfig = given.sequence === undefined ? given : { ...given, sequence: { ...given.sequence, horizon: given.sequence.horizon ?? 1 } };
  const dataset = await ctx.artifacts.open(datasetRef);
  const dir = join(ctx.workDir, `examples-${ctx.attempt}`);
  await rm(dir, { recursive: true, force: true });
  return withDatabase(async (db) => {
    ctx.progress({ message: 'learning the transforms from the train split' });
    const fitted = await fitPreprocessing(db, dataset, config);
    for (const note of fitted.notes) ctx.log.warn(note);
    const { inputs } = fitted.preprocessor;
    const { output } = fitted;
    const specs: TensorSpec[] = output.kind === 'none' ? [...inputs] : [...inputs, { name: LABEL, shape: [1], dtype: output.kind === 'classes' ? 'int32' : 'float32' }];
    const windows = config.sequence === undefined ? undefined : new Windows(config.sequence);
    const files: Record<string, Uint8Array | { path: string }> = {};
    const splits: Partial<Record<Split, ExamplesMeta['splits'][Split]>> = {};
    for (const split of SPLITS) {
      const writer = await writeSplit({ db, dataset, fitted, seed: config.seed ?? 1 }, config, split, specs, windows, ctx, dir);
      Object.assign(files, writer.files);
      splits[split] = { rows: writer.rows, shards: writer.shards };
    }
    checkRows(splits as ExamplesMeta['splits'], datasetMeta(dataset), config);
    files['preprocessor.json'] = Buffer.from(canonicalJson(fitted.preprocessor.toJson()));
    files['profile.json'] = await dataset.bytes('profile.json');
    const meta: ExamplesMeta = { inputs, output, splits: splits as ExamplesMeta['splits'], dataset: datasetRef.digest };
    const summary = `${SPLITS.map((split) => `${splits[split]!.rows} ${split}`).join(', ')}; ${inputs.map(shape).join(', ')}`;
    const examples = await ctx.artifacts.write({ kind: 'examples', summary, files, meta: meta as unknown as Json });
    await rm(dir, { recursive: true, force: true });
    return {
      outputs: { examples },
      values: {
        trainRows: splits.train!.rows, validationRows: splits.validation!.rows, testRows: splits.test!.rows,
        inputs: inputs.map(shape), ...(output.kind === 'classes' ? { classes: output.classes.slice(0, 100) } : {}), automatic: config.features === undefined, warnings: fitted.notes.slice(0, 20),
      },
      details: [`**${summary}**`, '', describeFeatures(fitted), ...fitted.notes.map((note) => `- ${note}`)].join('\n'),
    };
  }, ctx.signal);
}

function checkRows(splits: ExamplesMeta['splits'], meta: DatasetMeta, { sequence }: PreprocessConfig): void {
  for (const split of SPLITS) {
    if (splits[split].rows > 0 || meta.rows[split] === 0) continue;
    throw new PerennialError('SPLIT_INVALID', `The ${split} split has ${meta.rows[split]} rows, too few for one window of ${sequence?.size ?? 1} rows with the label ${sequence?.horizon ?? 0} rows later.`, { hint: 'Give shorter windows, or more rows.' });
  }
}
