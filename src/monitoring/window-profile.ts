import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Row } from '../core/tensor.ts';
import { literal, withDatabase } from '../data/table/duckdb.ts';
import { describeTable } from '../data/table/profile.ts';
import { decodeReference, encodeReference } from '../data/stored/reference-values.ts';
import type { ColumnProfile, SourceReading } from '../data/stored/dataset.ts';
import { columnValues } from './column-values.ts';
import { isNumeric } from './column-window.ts';
import type { TrainingProfile } from './detect.ts';

/**
 * Rows that were asked about, as a reference: the columns of a profile as they are in these rows.
 *
 * @param columns those that can be compared: no images, no points in time
 * @param reading of the model that was asked
 */
export async function profileOfRows(
  columns: readonly ColumnProfile[],
  batches: AsyncIterable<readonly Row[]>,
  reading?: SourceReading,
): Promise<TrainingProfile> {
  const workDir = await mkdtemp(join(tmpdir(), 'perennial-window-'));
  try {
    const path = join(workDir, 'rows.ndjson');
    await writeRows(path, columns, batches, reading);
    return await withDatabase(async (db) => {
      const types = columns.map(({ type }, index) => `c${index}: ${literal(isNumeric(type) ? 'DOUBLE' : 'VARCHAR')}`);
      await db.run(
        `CREATE TEMP TABLE asked AS SELECT * FROM read_json(${literal(path)}, format = 'newline_delimited', columns = {${["n: 'INTEGER'", ...types].join(', ')}})`,
      );
      const { profile, reference } = await describeTable(
        db,
        '(SELECT * FROM asked ORDER BY n)',
        columns.map(({ name, type }, index) => ({ name, type, sql: `c${index}` })),
      );
      return { profile, ...(reference.length === 0 ? {} : { values: decodeReference(encodeReference(reference)) }) };
    });
  } finally {
    await rm(workDir, { recursive: true, force: true });
  }
}

async function writeRows(
  path: string,
  columns: readonly ColumnProfile[],
  batches: AsyncIterable<readonly Row[]>,
  reading: SourceReading | undefined,
): Promise<void> {
  const readers = columns.map((column) => columnValues(column, reading));
  const file = await open(path, 'w');
  try {
    let count = 0;
    for await (const batch of batches) {
      const lines = batch.map((row) =>
        JSON.stringify(
          Object.fromEntries([
            ['n', (count += 1)],
            ...columns.map((column, index) => [`c${index}`, readers[index]!(row[column.name]) ?? null]),
          ]),
        ),
      );
      if (lines.length > 0) await file.write(`${lines.join('\n')}\n`);
    }
  } finally {
    await file.close();
  }
}
