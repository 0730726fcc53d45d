import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Json } from '../../core/json.ts';
import type { OpenArtifact } from '../../core/ports.ts';
import { withDatabase } from '../table/duckdb.ts';
import { SPLITS } from '../stored/dataset.ts';
import type { DatasetProfile } from '../stored/dataset.ts';
import { lookAtSource } from './ingest.ts';
import { readTables } from './ingest-tables.ts';
import type { IngestConfig } from './ingest-config.ts';
import { digestsInOrder, digestsOfQuery } from './row-digests.ts';
import { datasetMeta } from '../stored/dataset-rows.ts';

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

/** Rows of a source, read as the dataset was, that the dataset does not hold. A source with the same bytes as then is not read again. */
export async function unseenRows(
  dataset: OpenArtifact,
  name: string,
  { config, documentDir, nominalTime }: SourceRequest,
): Promise<UnseenRows> {
  const meta = datasetMeta(dataset);
  const held = Object.values(meta.rows).reduce((sum, rows) => sum + rows, 0);
  const { files, fingerprint } = await lookAtSource(config, documentDir);
  if (config.window === undefined && fingerprint.digest === meta.source.digest) return { rows: held, unseen: 0, note: '' };
  const reference =
    config.reference?.version === 'none' || meta.reading === undefined
      ? {}
      : { reference: { text: name, reading: meta.reading, profile: await dataset.json<DatasetProfile & Json>('profile.json') } };
  const known = await digestsIn(dataset);
  const workDir = await mkdtemp(join(tmpdir(), 'perennial-count-'));
  try {
    return await withDatabase(async (db) => {
      const { rows } = await readTables({ db, config, files, nominalTime, workDir, documentDir, ...reference });
      const count = rows.train + rows.validation + rows.test;
      // Datasets of the first version keep no digests: all that is known of their rows is how many there are.
      if (known === undefined)
        return { rows: count, unseen: Math.max(0, count - held), note: 'by the number of rows alone, as its data keep no digests' };
      return { rows: count, unseen: countNew((await digestsOfQuery(db, 'SELECT digest FROM rows')).sort(), known), note: '' };
    });
  } finally {
    await rm(workDir, { recursive: true, force: true });
  }
}

async function digestsIn(dataset: OpenArtifact): Promise<BigUint64Array | undefined> {
  const parts: BigUint64Array[] = [];
  for (const split of SPLITS) {
    const digests = await digestsInOrder(dataset, split);
    if (digests === undefined) return undefined;
    parts.push(digests);
  }
  const all = new BigUint64Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all.sort();
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
