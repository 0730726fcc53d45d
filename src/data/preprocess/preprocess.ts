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
import { normalOnly } from './anomaly.ts';
import { writeTrain } from './balanced-train.ts';
import { isWorthThreads, writeInThreads } from './in-threads.ts';
import { datasetMeta } from '../stored/dataset-rows.ts';
import { withDatabase } from '../table/duckdb.ts';
import { ShardWriter, labelSpecs } from '../stored/examples.ts';
import { storedColumns } from '../images/pixel-levels.ts';
import { profileFiles } from '../table/profile.ts';
import { REFERENCE_FILE } from '../stored/reference-values.ts';
import { reusedFrom, withReused } from './reuse.ts';
import type { FittedBase } from './reuse.ts';
import { splitBatches } from './split-tensors.ts';
import type { SplitSource } from './split-tensors.ts';
import { SPLITS } from '../stored/dataset.ts';
import type { ExamplesMeta, Split } from '../stored/dataset.ts';
import { Windows } from './windows.ts';
import { FEATURES } from './fitted-column.ts';
import { packingOf } from './column-tensors.ts';
import { withHorizon } from './resolve-features.ts';
import { fitPreprocessing } from './fit-preprocessing.ts';
import { TOLD_BYTES_MAX, withinBytes, describeFeatures, shape, shortened } from './tell-columns.ts';

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
    const packing = windows === undefined && config.balance === undefined ? packingOf(stored.columns) : undefined;
    const storing = { ...fitted, columns: stored.columns, ...(packing === undefined ? {} : { packing }) };
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
      const written = await writeInThreads(dataset, storing, specs, dir, ctx.signal, (message, fraction) =>
        ctx.progress({ message, fraction }),
      );
      Object.assign(files, written.files);
      Object.assign(splits, written.splits);
    } else
      for (const split of SPLITS) {
        const writer = await writeSplit({ db, dataset, fitted: storing, seed: config.seed ?? 1 }, config, split, specs, windows, ctx, dir);
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
      ...(packing === undefined ? {} : { formatVersion: 2 as const, packed: { [FEATURES]: packing } }),
      ...(anomalies === undefined ? {} : { anomaly: anomalies }),
      ...(fitted.weight === undefined
        ? {}
        : { weight: fitted.weight.column.name, ...(fitted.weight.recency === undefined ? {} : { recency: fitted.weight.recency }) }),
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

/** The profile of a dataset as it lies there. Those written before there was a file beside it have none. */
async function profileOf(dataset: OpenArtifact): Promise<Record<string, Uint8Array>> {
  const names = ['profile.json', REFERENCE_FILE].filter((name) => dataset.manifest.files[name] !== undefined);
  return Object.fromEntries(await Promise.all(names.map(async (name): Promise<[string, Uint8Array]> => [name, await dataset.bytes(name)])));
}

/** @param examples of a split @param rows that they were made of @throws SPLIT_INVALID */
function requireExamples(examples: (split: Split) => number, rows: Readonly<Record<Split, number>>): void {
  const empty = SPLITS.find((split) => examples(split) === 0 && rows[split] > 0);
  if (empty !== undefined)
    throw new PerennialError('SPLIT_INVALID', `The ${empty} split has ${rows[empty]} rows, and no example is left of them.`, {
      hint: 'Every window or row of it holds an anomaly: give more normal rows, or shorter windows.',
    });
}
