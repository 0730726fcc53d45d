import fc from 'fast-check';
import { expect, test } from 'vitest';
import { tableBatches } from '../../../src/data/stored/dataset-rows.ts';
import { CODED_TEXTS_MAX } from '../../../src/data/stored/short-texts.ts';
import { withDatabase } from '../../../src/data/table/duckdb.ts';
import type { Database } from '../../../src/data/table/duckdb.ts';

/** Says that there are many rows, so that texts are read as places in a list. */
const MANY_ROWS = 1_000_000;
const CHOSEN = ['a', 'b'].map((name) => ({ column: { name, type: 'string' as const }, sql: name }));

type Text = string | null;

async function read(db: Database, rows: number, shared: boolean): Promise<{ readonly columns: Text[][]; readonly coded: boolean }> {
  const columns: Text[][] = [[], []];
  let coded = true;
  for await (const batch of tableBatches(db, 'texts', CHOSEN, rows, shared))
    for (const [index, { column }] of CHOSEN.entries()) {
      const data = batch.columns.get(column.name)!;
      if (data.kind !== 'text') throw new Error(data.kind);
      coded &&= data.coded !== undefined;
      columns[index]!.push(...data.values);
    }
  return { columns, coded };
}

async function bothWays(one: readonly Text[], other: readonly Text[]): Promise<boolean> {
  return withDatabase(async (db) => {
    await db.run('CREATE OR REPLACE TEMP TABLE texts (a VARCHAR, b VARCHAR)');
    await db.append('texts', [one, other], one.length);
    const results = [await read(db, MANY_ROWS, false), await read(db, MANY_ROWS, true)];
    for (const { columns } of results) expect(columns).toEqual([one, other]);
    expect((await read(db, 0, false)).columns).toEqual([one, other]);
    return results[0]!.coded;
  });
}

const text = fc.oneof(
  fc.constantFrom(null, '', ' ', 'a', 'a\0', 'a\0\0', '\ufeffx', 'twelve bytes', 'thirteen bytes', 'ä'.repeat(6), 'ä'.repeat(7)),
  fc.string({ unit: 'grapheme', maxLength: 4 }),
);

test('texts are the same as places in a list and one by one, short and long, missing and empty', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(text, text), { minLength: 1, maxLength: 40 }), async (rows) => {
      await bothWays(
        rows.map(([one]) => one),
        rows.map(([, other]) => other),
      );
    }),
    { numRuns: 40 },
  );
});

test.each([
  [CODED_TEXTS_MAX, true],
  [CODED_TEXTS_MAX + 1, false],
])('of %i different texts the list ends amid a batch, and nothing is lost: %s', async (different, coded) => {
  const rows = 20_000;
  const many = Array.from({ length: rows }, (_, row) => (row % 17 === 0 ? null : `v${Math.min(row, 5_000) % different}`));
  const late = Array.from({ length: rows }, (_, row) => (row < 17_000 ? `w${row % 3}` : `x${(row - 17_000) % (different - 3)}`));
  expect(await bothWays(many, many)).toBe(coded);
  expect(
    await bothWays(
      late,
      many.map(() => 'one'),
    ),
  ).toBe(coded);
});
