import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { OpenArtifact } from '../../core/ports.ts';
import { withDatabase } from '../table/duckdb.ts';
import type { Database } from '../table/duckdb.ts';
import { PROFILE, SPLITS } from '../stored/dataset.ts';
import { lookAtSource } from './ingest.ts';
import { readTables } from './ingest-tables.ts';
import type { IngestConfig } from './ingest-config.ts';
import { markSeen } from './appended-rows.ts';
import type { KnownRows } from './appended-rows.ts';
import { identitySql } from '../reading/digest.ts';
import type { TypedColumn } from '../reading/source-column.ts';
import type { Column } from '../stored/column.ts';
import { datasetMeta } from '../stored/dataset-rows.ts';
import { digestsBy, sharedColumns, toldBy } from '../stored/seen-rows.ts';
import { digestsOfQuery } from './row-digests.ts';
import { fileAs } from '../../storage/stored.ts';

export interface SourceRequest {
  readonly config: IngestConfig;
  readonly documentDir: string;
  readonly nominalTime: string;
}

export interface UnseenRows {
  /** Rows that an ingest would keep now. */
  readonly rows: number;
  /** Those of them that the dataset does not hold; a row that stands there once and here twice is one. */
  readonly unseen: number;
  /** What has to be said of the count. */
  readonly note: string;
}

/**
 * Rows of a source, read as a dataset was, that a version has not seen. A source with the same bytes as then is not read again.
 *
 * @param dataset the one that the version was trained on last
 */
export async function unseenRows(
  dataset: OpenArtifact,
  known: KnownRows,
  { config, documentDir, nominalTime }: SourceRequest,
): Promise<UnseenRows> {
  const meta = datasetMeta(dataset);
  const held = Object.values(meta.rows).reduce((sum, rows) => sum + rows, 0);
  const { files, fingerprint } = await lookAtSource(config, documentDir);
  if (config.window === undefined && config.time === undefined && fingerprint.digest === meta.source.digest)
    return { rows: held, unseen: 0, note: '' };
  const reference =
    config.reference?.version === 'none' || meta.reading === undefined
      ? {}
      : { reference: { text: known.text, reading: meta.reading, profile: await fileAs(dataset, PROFILE, 'profile.json') } };
  const told = await toldBy(dataset);
  const workDir = await mkdtemp(join(tmpdir(), 'perennial-count-'));
  try {
    return await withDatabase(async (db) => {
      const tables = await readTables({ db, config, files, nominalTime, workDir, documentDir, ...reference });
      const rows = tables.rows.train + tables.rows.validation + tables.rows.test;
      if (known.groups.flat().length > 1) {
        await markSeen(db, tables.columns, known);
        const [count] = await db.rows('SELECT count(*) FROM rows WHERE r NOT IN (SELECT r FROM seen)');
        return { rows, unseen: Number(count![0]), note: '' };
      }
      const columns = sharedColumns(told, tables.columns);
      if (columns.length === 0)
        return { rows, unseen: Math.max(0, rows - held), note: 'by the number of rows alone, as the data of now have other columns' };
      return { rows, unseen: countNew(await digestsOf(db, tables.columns, columns), await digestsIn(dataset, columns)), note: '' };
    });
  } finally {
    await rm(workDir, { recursive: true, force: true });
  }
}

async function digestsIn(dataset: OpenArtifact, columns: readonly Column[]): Promise<BigUint64Array> {
  const parts: BigUint64Array[] = [];
  for (const split of SPLITS) parts.push(await digestsBy(dataset, split, columns));
  const all = new BigUint64Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all.sort();
}

async function digestsOf(db: Database, typed: readonly TypedColumn[], columns: readonly Column[]): Promise<BigUint64Array> {
  const identity = identitySql(
    columns.map(({ name }) => typed.find((column) => column.name === name)!).map(({ name, type, id }) => ({ name, type, sql: id })),
  );
  return (await digestsOfQuery(db, `SELECT ${identity} FROM rows`)).sort();
}

/** Values of the first that the second does not hold as often. Both ascend. */
function countNew(rows: BigUint64Array, known: BigUint64Array): number {
  let count = 0;
  let at = 0;
  for (const value of rows) {
    while (at < known.length && known[at]! < value) at += 1;
    if (at < known.length && known[at] === value) at += 1;
    else count += 1;
  }
  return count;
}
