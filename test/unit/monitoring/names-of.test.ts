import { expect, test } from 'vitest';
import { withDatabase } from '../../../src/data/table/duckdb.ts';
import { namesOf } from '../../../src/monitoring/current-table.ts';

const ROWS = 5_000;
/** A hundred different texts, a missing one, and one that cannot be read. */
const TABLE = `(SELECT CASE WHEN i % 50 = 7 THEN NULL ELSE 'v' || (i % 101) END AS v, i % 100 = 7 AS odd FROM range(${ROWS}) t(i))`;

async function counted(bytesMax?: number): Promise<{ readonly counts: Map<string | null, readonly number[]>; readonly readings: number }> {
  return withDatabase(async (db) => {
    const counts = new Map<string | null, readonly number[]>();
    let readings = 0;
    const watched = { ...db, chunks: (sql: string) => ((readings += 1), db.chunks(sql)) };
    for await (const { rows, columns } of namesOf(watched, TABLE, { sql: 'v', unreadable: 'odd' }, ROWS, bytesMax))
      for (let row = 0; row < rows; row += 1) {
        const [name, ...numbers] = columns.map((column) => column[row]);
        expect(counts.has(name as string | null)).toBe(false);
        counts.set(name as string | null, numbers.map(Number));
      }
    return { counts, readings };
  });
}

test('names that do not go into memory are counted in several readings, each name in one of them', async () => {
  const once = await counted();
  expect(once.readings).toBe(1);
  expect(once.counts.size).toBe(102);
  expect(once.counts.get(null)).toEqual([100, 50]);
  const often = await counted(2_000);
  expect(often.readings).toBeGreaterThan(3);
  expect(often.counts).toEqual(once.counts);
});
