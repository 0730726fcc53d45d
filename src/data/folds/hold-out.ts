import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { ArtifactRef } from '../../core/artifact.ts';
import type { Json } from '../../core/json.ts';
import type { LocalFile, OpenArtifact } from '../../core/ports.ts';
import type { StepContext, StepResult } from '../../core/step.ts';
import { datasetSummary, rowGroup, writeParquet } from '../ingest/ingest.ts';
import { digestsFile, writeDigestsOf } from '../ingest/row-digests.ts';
import { SPLITS } from '../stored/dataset.ts';
import type { DatasetMeta, Split } from '../stored/dataset.ts';
import { columnsOf, datasetMeta } from '../stored/dataset-rows.ts';
import { ident, parquetTable, withDatabase } from '../table/duckdb.ts';
import type { Database } from '../table/duckdb.ts';
import { describeTable, profileFiles } from '../table/profile.ts';
import { assignFolds } from './assign-folds.ts';
import type { FoldConfig } from './fold-config.ts';

type Files = Record<string, Uint8Array | LocalFile>;

/**
 * One fold of the train split as a dataset of its own: what is held out is its test split, what is left its train split. The validation
 * split stays, so that what ends a training early is never what it is measured by; the test rows are in no fold.
 *
 * @throws COLUMN_MISSING, SPLIT_INVALID
 */
export async function holdOut(ctx: StepContext, config: FoldConfig, datasetRef: ArtifactRef): Promise<StepResult> {
  const dataset = await ctx.artifacts.open(datasetRef);
  return withDatabase(async (db) => {
    ctx.progress({ message: `holding out fold ${config.fold} of ${config.folds}` });
    await assignFolds(db, dataset, config);
    const { rawTest: _raw, ...before } = datasetMeta(dataset);
    const rows = await countRows(db, config.by === 'time' ? 0 : before.rows.validation);
    const files: Files = {};
    for (const split of SPLITS)
      if (split === 'validation' && config.by !== 'time') Object.assign(files, await asItWas(dataset, split, before));
      else Object.assign(files, await chosenRows(db, dataset, split, ctx.workDir));
    const columns = (await columnsOf(db, dataset, 'train')).map((column) => ({ ...column, sql: ident(column.name) }));
    const train = parquetTable((files['train.parquet'] as LocalFile).path);
    Object.assign(files, profileFiles(await describeTable(db, `(SELECT * FROM ${train})`, columns)));
    const meta: DatasetMeta = { ...before, rows, quarantined: 0 };
    const made = await ctx.artifacts.write({ kind: 'dataset', summary: datasetSummary(meta), files, meta: meta as unknown as Json });
    for (const split of SPLITS)
      for (const name of [`${split}.parquet`, digestsFile(split)]) await rm(join(ctx.workDir, name), { force: true });
    return {
      outputs: { dataset: made },
      values: { trainRows: rows.train, validationRows: rows.validation, testRows: rows.test },
      details: `**fold ${config.fold} of ${config.folds}**: ${rows.test} rows are held out, ${rows.train} are learnt from`,
    };
  }, ctx.signal);
}

async function countRows(db: Database, validation: number): Promise<DatasetMeta['rows']> {
  const counts: Record<Split, number> = { train: 0, validation, test: 0 };
  for (const [part, count] of await db.rows('SELECT part, count(*) FROM assigned GROUP BY part')) counts[part as Split] = Number(count);
  return counts;
}

async function asItWas(dataset: OpenArtifact, split: Split, meta: DatasetMeta): Promise<Files> {
  const names = [`${split}.parquet`, ...(meta.rows[split] === 0 ? [] : [digestsFile(split)])];
  const there = names.filter((name) => dataset.manifest.files[name] !== undefined);
  return Object.fromEntries(await Promise.all(there.map(async (name) => [name, await dataset.bytes(name)] as const)));
}

async function chosenRows(db: Database, dataset: OpenArtifact, split: Split, workDir: string): Promise<Files> {
  const meta = datasetMeta(dataset);
  const rows = parquetTable(await dataset.path('train.parquet'), 'file_row_number = true');
  const names = meta.columns.map(({ name }) => `d.${ident(name)}`).join(', ');
  const path = join(workDir, `${split}.parquet`);
  await writeParquet(
    db,
    `SELECT ${names} FROM ${rows} d JOIN assigned a ON a.r = d.file_row_number WHERE a.part = '${split}' ORDER BY d.file_row_number`,
    path,
    rowGroup(meta),
  );
  const digests = join(workDir, digestsFile(split));
  const kept = await writeDigestsOf(db, dataset, 'train', `SELECT r FROM assigned WHERE part = '${split}' ORDER BY r`, digests);
  return { [`${split}.parquet`]: { path }, ...(kept ? { [digestsFile(split)]: { path: digests } } : {}) };
}
