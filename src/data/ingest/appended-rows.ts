import { PerennialError } from '../../core/errors.ts';
import type { OpenArtifact } from '../../core/ports.ts';
import { identitySql } from '../reading/digest.ts';
import type { TypedColumn } from '../reading/source-column.ts';
import { datasetMeta } from '../stored/dataset-rows.ts';
import { SPLITS } from '../stored/dataset.ts';
import type { Split } from '../stored/dataset.ts';
import { identityQuery, sharedColumns, toldBy } from '../stored/seen-rows.ts';
import type { Database } from '../table/duckdb.ts';

/**
 * All rows that a version was made from. A group holds datasets without common rows, each appended to the others; what two groups have
 * in common is the same rows twice.
 */
export interface KnownRows {
  /** For people: "flow version 3". */
  readonly text: string;
  readonly model: string;
  readonly version: number;
  readonly groups: readonly (readonly OpenArtifact[])[];
}

/** A run has nothing to learn from: not a mistake, and not a dataset either. */
export class NothingNew extends Error {}

/** Digests of the datasets that one was appended to, by group, itself in each. */
export function groupsOf(dataset: OpenArtifact): string[][] {
  const own = dataset.ref.digest;
  const before = datasetMeta(dataset).appendedTo?.datasets ?? [];
  return before.length === 0 ? [[own]] : before.map((group) => [own, ...group]);
}

/** Groups that no other one holds. */
export function wholeGroups(groups: readonly (readonly string[])[]): string[][] {
  const sets = groups.map((group) => new Set(group));
  return groups
    .filter(
      (group, at) =>
        !sets.some((other, place) => place !== at && group.every((one) => other.has(one)) && (other.size > sets[at]!.size || place < at)),
    )
    .map((group) => [...new Set(group)]);
}

/**
 * Writes the rows of `table` that were seen, one by one, into the table `seen` (r: their rowid): a row that stands there once and here
 * twice was seen once, the earlier one.
 *
 * @returns the columns that rows are known again by, and how many were seen
 * @throws DATA_INVALID where no column tells
 */
export async function markSeen(
  db: Database,
  typed: readonly TypedColumn[],
  known: KnownRows,
): Promise<{ readonly columns: readonly string[]; readonly seen: number }> {
  const datasets = new Map(known.groups.flat().map((dataset) => [dataset.ref.digest, dataset]));
  let columns = sharedColumns(await toldBy([...datasets.values()][0]!), typed);
  for (const dataset of datasets.values()) columns = sharedColumns(columns, datasetMeta(dataset).columns);
  if (columns.length === 0)
    throw new PerennialError(
      'DATA_INVALID',
      `Which rows ${known.text} has seen cannot be told: its data and these have no column in common that tells rows apart.`,
      { hint: 'Learn from all rows once ("mode": "all"), then append to that version.' },
    );
  const parts: string[] = [];
  for (const [group, members] of known.groups.entries())
    for (const dataset of members)
      for (const split of SPLITS)
        if (datasetMeta(dataset).rows[split] > 0)
          parts.push(`SELECT ${group} AS g, digest FROM (${await identityQuery(db, dataset, split, columns)})`);
  const own = identitySql(
    columns.map(({ name }) => typed.find((column) => column.name === name)!).map(({ name, type, id }) => ({ name, type, sql: id })),
  );
  await db.run(
    `CREATE OR REPLACE TEMP TABLE seen AS SELECT r FROM (SELECT rowid AS r, digest, row_number() OVER (PARTITION BY digest ORDER BY rowid) AS place FROM (SELECT rowid, ${own} AS digest FROM data)) JOIN (SELECT digest, max(n) AS n FROM (SELECT g, digest, count(*) AS n FROM (${parts.join(' UNION ALL ')}) GROUP BY g, digest) GROUP BY digest) USING (digest) WHERE place <= n`,
  );
  const [count] = await db.rows('SELECT count(*) FROM seen');
  return { columns: columns.map(({ name }) => name), seen: Number(count![0]) };
}

/** SQL of rows with a split and `r`, without those that were seen in the splits that hold new rows only. */
export function withoutSeen(source: string, splits: readonly Split[]): string {
  return `(SELECT * FROM ${source} WHERE NOT (split IN (${splits.map((name) => `'${name}'`).join(', ')}) AND r IN (SELECT r FROM seen)))`;
}
