import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { writeParquet } from '../../../src/data/ingest/ingest.ts';
import { parquetTable, withDatabase } from '../../../src/data/table/duckdb.ts';
import { tempDir } from '../../support/temp-dir.ts';

const GROUP = 122_880;

it('the same rows give the same bytes, however many threads there are', async () => {
  const path = join(tempDir('parquet'), 'rows.parquet');
  await withDatabase(async (db) => {
    await db.run('CREATE TEMP TABLE many AS SELECT range AS n, hash(range) % 100 AS h FROM range(2000000)');
    const digests = new Set<string>();
    for (let time = 0; time < 6; time += 1) {
      await writeParquet(db, 'SELECT n FROM many WHERE h < 70', path, GROUP);
      digests.add(createHash('sha256').update(readFileSync(path)).digest('hex'));
    }
    expect(digests.size).toBe(1);
  });
});

it('rows stand in the order of the query, and columns keep their names', async () => {
  const path = join(tempDir('parquet'), 'rows.parquet');
  await withDatabase(async (db) => {
    await writeParquet(db, `SELECT hash(range) AS "a b", range AS place FROM range(300000) ORDER BY "a b" DESC`, path, GROUP);
    expect((await db.describe(`SELECT * FROM ${parquetTable(path)}`)).map(({ name }) => name)).toEqual(['a b', 'place']);
    const [row] = await db.rows(
      `SELECT count(*), count_if(before < "a b") FROM (SELECT "a b", lag("a b") OVER (ORDER BY file_row_number) AS before FROM ${parquetTable(path, 'file_row_number = true')})`,
    );
    expect(row!.map(Number)).toEqual([300_000, 0]);
  });
});
