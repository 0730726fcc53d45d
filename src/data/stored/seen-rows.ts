import type { OpenArtifact } from '../../core/ports.ts';
import { datasetMeta } from './dataset-rows.ts';
import { ident, parquetTable, withDatabase } from '../table/duckdb.ts';
import type { Database } from '../table/duckdb.ts';
import { digestsInOrder, digestsOfQuery } from '../ingest/row-digests.ts';
import { tellingColumns } from '../ingest/telling-columns.ts';
import { identitySql } from '../reading/digest.ts';
import { SPLITS } from './dataset.ts';
import type { DatasetMeta, Split } from './dataset.ts';
import type { Column } from './column.ts';

/** Splits that a model learns from, or is chosen by. */
const LEARNT_FROM = ['train', 'validation'] as const;

/**
 * Which test rows of a dataset a model that was trained on another one has seen: 1 for each row that stands in its training or
 * validation split. Rows are compared by the columns that both have and that tell rows apart in both.
 *
 * @returns undefined where there is no such column, so that nobody can tell
 */
export async function seenTestRows(dataset: OpenArtifact, trainedOn: OpenArtifact): Promise<Uint8Array | undefined> {
  const columns = sharedColumns(await toldBy(dataset), await toldBy(trainedOn));
  if (columns.length === 0) return undefined;
  const test = await digestsBy(dataset, 'test', columns);
  const seen = new Uint8Array(test.length);
  for (const split of LEARNT_FROM) {
    const learnt = (await digestsBy(trainedOn, split, columns)).sort();
    for (let row = 0; row < test.length; row++) if (seen[row] === 0 && holds(learnt, test[row]!)) seen[row] = 1;
  }
  return seen;
}

/** The columns by which the rows of a dataset are known again. Of one that does not say so they are looked for. */
export async function toldBy(dataset: OpenArtifact): Promise<Column[]> {
  const meta = datasetMeta(dataset);
  if (meta.toldBy !== undefined) return meta.columns.filter(({ name }) => meta.toldBy!.includes(name));
  const kept = [...(meta.label === null ? [] : [meta.label]), ...(meta.furtherLabels ?? [])];
  return withDatabase(async (db) => {
    const splits = SPLITS.filter((split) => meta.rows[split] > 0);
    const parts = await Promise.all(splits.map(async (split) => tableOf(db, dataset, split)));
    const table = `(${parts.map((part) => `SELECT * FROM ${part}`).join(' UNION ALL ')})`;
    const columns = meta.columns.map((column, at) => ({ ...column, origin: column.origin === true, sql: `c${at}`, column }));
    const told = await tellingColumns(db, table, columns, {
      kept,
      ...(meta.splitColumn === undefined ? {} : { never: meta.splitColumn }),
    });
    return told.map(({ column }) => column);
  });
}

/**
 * Of two datasets: a column that says in one of them which split a row is in makes equal rows differ, and is not among those of that
 * one.
 */
export function sharedColumns(ours: readonly Column[], theirs: readonly Column[]): Column[] {
  return ours.filter(({ name, type }) => theirs.some((column) => column.name === name && kindOf(column.type) === kindOf(type)));
}

/** Types whose equal values have equal digests. */
function kindOf(type: Column['type']): string {
  return type === 'integer' || type === 'boolean' ? 'number' : type;
}

/** Digests of a split by some columns, in the order of its rows: those that are kept with it, where they are of just these. */
export async function digestsBy(dataset: OpenArtifact, split: Split, columns: readonly Column[]): Promise<BigUint64Array> {
  const meta = datasetMeta(dataset);
  const kept = madeOf(meta, columns) ? await digestsInOrder(dataset, split) : undefined;
  return kept ?? digestAgain(dataset, split, columns);
}

function madeOf({ toldBy: names }: DatasetMeta, columns: readonly Column[]): boolean {
  return names !== undefined && names.length === columns.length && columns.every(({ name }) => names.includes(name));
}

async function digestAgain(dataset: OpenArtifact, split: Split, columns: readonly Column[]): Promise<BigUint64Array> {
  if (datasetMeta(dataset).rows[split] === 0) return new BigUint64Array(0);
  return withDatabase(async (db) => digestsOfQuery(db, await identityQuery(db, dataset, split, columns)));
}

/** A query that gives the digests of a split by some of its columns as `digest`, in the order of its rows. */
export async function identityQuery(db: Database, dataset: OpenArtifact, split: Split, columns: readonly Column[]): Promise<string> {
  const { columns: all } = datasetMeta(dataset);
  const identity = identitySql(
    columns.map(({ name }) => {
      const at = all.findIndex((column) => column.name === name);
      return { name, type: all[at]!.type, sql: `c${at}` };
    }),
  );
  return `SELECT ${identity} AS digest FROM ${await tableOf(db, dataset, split)}`;
}

/** SQL of a split whose columns are called c0, c1, … by their places: names that differ only in case have others in the file. */
async function tableOf(db: Database, dataset: OpenArtifact, split: Split): Promise<string> {
  const source = parquetTable(await dataset.path(`${split}.parquet`));
  const found = await db.describe(`SELECT * FROM ${source}`);
  return `(SELECT ${found.map(({ name }, at) => `${ident(name)} AS c${at}`).join(', ')} FROM ${source})`;
}

/** Whether ascending values hold one. */
function holds(values: BigUint64Array, wanted: bigint): boolean {
  let low = 0;
  let high = values.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (values[middle]! < wanted) low = middle + 1;
    else high = middle;
  }
  return low < values.length && values[low] === wanted;
}
