import type { OpenArtifact } from '../../core/ports.ts';
import { datasetMeta } from './dataset-rows.ts';
import { ident, pathLiteral, withDatabase } from '../table/duckdb.ts';
import { digestsInOrder, digestsOfQuery } from '../ingest/row-digests.ts';
import { withDigest } from '../reading/digest.ts';
import type { DatasetMeta, Split } from './dataset.ts';
import type { Column } from './column.ts';

/** Splits that a model learns from, or is chosen by. */
const LEARNT_FROM = ['train', 'validation'] as const;

/**
 * Which test rows of a dataset a model that was trained on another one has seen: 1 for each row that stands in its training or
 * validation split. Where the datasets have other columns, rows are compared by those that both have.
 *
 * @returns undefined where they have no column in common, so that nobody can tell
 */
export async function seenTestRows(dataset: OpenArtifact, trainedOn: OpenArtifact): Promise<Uint8Array | undefined> {
  const [ours, theirs] = [datasetMeta(dataset), datasetMeta(trainedOn)];
  const columns = sameRows(ours, theirs) ? undefined : sharedColumns(ours, theirs);
  if (columns?.length === 0) return undefined;
  const test = await digests(dataset, 'test', columns);
  const seen = new Uint8Array(test.length);
  for (const split of LEARNT_FROM) {
    const learnt = (await digests(trainedOn, split, columns)).sort();
    for (let row = 0; row < test.length; row++) if (seen[row] === 0 && holds(learnt, test[row]!)) seen[row] = 1;
  }
  return seen;
}

/** Whether the digests that are kept with both are of the same columns. One that says which split a row is in makes equal rows differ. */
function sameRows(one: DatasetMeta, other: DatasetMeta): boolean {
  if (one.splitColumn !== undefined || other.splitColumn !== undefined || one.columns.length !== other.columns.length) return false;
  return one.columns.every(({ name, type }) =>
    other.columns.some((column) => column.name === name && kindOf(column.type) === kindOf(type)),
  );
}

function sharedColumns(one: DatasetMeta, other: DatasetMeta): Column[] {
  return one.columns.filter(
    ({ name, type }) =>
      name !== one.splitColumn &&
      name !== other.splitColumn &&
      other.columns.some((column) => column.name === name && kindOf(column.type) === kindOf(type)),
  );
}

/** Types whose equal values have equal digests. */
function kindOf(type: Column['type']): string {
  return type === 'integer' || type === 'boolean' ? 'number' : type;
}

/** In the order of the rows. @param columns left out: all, as they were digested when the source was read */
async function digests(dataset: OpenArtifact, split: Split, columns: readonly Column[] | undefined): Promise<BigUint64Array> {
  const kept = columns === undefined ? await digestsInOrder(dataset, split) : undefined;
  return kept ?? digestAgain(dataset, split, columns ?? datasetMeta(dataset).columns);
}

async function digestAgain(dataset: OpenArtifact, split: Split, columns: readonly Column[]): Promise<BigUint64Array> {
  const { columns: all, rows } = datasetMeta(dataset);
  if (rows[split] === 0) return new BigUint64Array(0);
  const source = `read_parquet(${pathLiteral(await dataset.path(`${split}.parquet`))})`;
  return withDatabase(async (db) => {
    const found = await db.describe(`SELECT * FROM ${source}`);
    const chosen = columns.map((column, at) => ({
      id: `c${at}`,
      sql: ident(found[all.findIndex(({ name }) => name === column.name)]!.name),
      column: all.find(({ name }) => name === column.name)!,
    }));
    const inner = `(SELECT ${chosen.map(({ id, sql }) => `${sql} AS ${id}`).join(', ')} FROM ${source})`;
    const digested = withDigest(
      inner,
      chosen.map(({ id, column }) => ({ name: column.name, type: column.type, sql: id })),
    );
    return digestsOfQuery(db, `SELECT digest FROM ${digested}`);
  });
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
