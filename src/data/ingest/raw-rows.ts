import { join } from 'node:path';
import type { Database } from '../table/duckdb.ts';
import { DATA_LIMITS } from '../table/limits.ts';
import { readerRegistry } from '../readers/index.generated.ts';
import type { IngestTables } from './ingest-tables.ts';
import type { IngestConfig } from './ingest-config.ts';

/** A file with some rows of the test split as the source had them. */
export interface RawTestRows {
  readonly file: string;
  readonly path: string;
  /** Places of the rows in the test split, rising. */
  readonly positions: readonly number[];
}

/**
 * Keeps rows of the test split as they stand in the source, so that they can be sent to the model before it is registered: what a
 * client will send is this, not what training made of it.
 *
 * @returns undefined where the source has no rows to copy, or none of the test split among its first ones
 */
export async function keepRawRows(
  db: Database,
  { raw, columns, rows }: IngestTables,
  { source, split }: IngestConfig,
  workDir: string,
): Promise<RawTestRows | undefined> {
  if (raw.copyRows === undefined || rows.test === 0) return undefined;
  const texts = columns.filter(({ type }) => type === 'string').map(({ id }) => `coalesce(strlen(${id}), 0)`);
  const near = `r < ${DATA_LIMITS.rawRowsFromFirst}`;
  const series = split?.by === 'time';
  // Only in the order of time the place of a row depends on rows far behind it in the source.
  const placed = `SELECT r, row_number() OVER (ORDER BY position) - 1 AS place, ${['0', ...texts].join(' + ')} AS bytes FROM rows WHERE split = 'test'${series ? '' : ` AND ${near}`}`;
  const found = (await db.rows(`SELECT r, place, bytes FROM (${placed}) WHERE ${near} ORDER BY place`)).map(
    (row) => row.map(Number) as [number, number, number],
  );
  // Windows are cut from rows that follow each other; otherwise some from everywhere.
  const step = series ? 1 : Math.max(1, found.length / DATA_LIMITS.rawRowsMax);
  const most = series ? DATA_LIMITS.rawRowsInTimeMax : DATA_LIMITS.rawRowsMax;
  const chosen: [number, number][] = [];
  let bytes = 0;
  for (let at = 0; Math.floor(at) < found.length && chosen.length < most; at += step) {
    const [row, place, size] = found[Math.floor(at)]!;
    bytes += size;
    if (bytes > DATA_LIMITS.rawRowsBytesMax) break;
    chosen.push([row, place]);
  }
  if (chosen.length === 0) return undefined;
  const file = `raw-test${readerRegistry.get(source.format).endings?.[0] ?? ''}`;
  const path = join(workDir, file);
  await raw.copyRows(
    chosen.map(([row]) => row),
    path,
  );
  return { file, path, positions: chosen.map(([, place]) => place) };
}
