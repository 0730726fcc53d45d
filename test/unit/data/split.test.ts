import { describe, expect, it } from 'vitest';
import { DEFAULT_SPLIT, assignSplits, checkSplit, countSplits, orderNote, resolveSplit } from '../../../src/data/ingest/split.ts';
import type { SplitConfig, SplitRequest } from '../../../src/data/ingest/split.ts';
import { checkBudget } from '../../../src/data/ingest/usable-rows.ts';
import type { TypedColumn } from '../../../src/data/reading/source-column.ts';
import { withDatabase } from '../../../src/data/table/duckdb.ts';

describe('shares', () => {
  it.each([
    [undefined, [0.7, 0.15, 0.15]],
    [{}, [0.7, 0.15, 0.15]],
    [{ by: 'time' }, [0.7, 0.15, 0.15]],
    [{ train: 0.8 }, [0.8, 0.1, 0.1]],
    [{ train: 0.5, validation: 0.3 }, [0.5, 0.3, 0.2]],
    [{ test: 0.1, validation: 0 }, [0.9, 0, 0.1]],
    [{ train: 1 }, [1, 0, 0]],
    [{ train: 0.9, validation: 0.3 }, [0.9, 0.3, 0]],
    [{ train: 0.7, validation: 0.2, test: 0.1 }, [0.7, 0.2, 0.1]],
    [{ train: 2 / 3 }, [2 / 3, 0.166666667, 0.166666667]],
  ] as const)('%j', (given, [train, validation, test]) => {
    const by = given !== undefined && 'by' in given ? given.by : 'hash';
    expect(resolveSplit(given)).toEqual({ by, train, validation, test });
  });
});

describe('mistakes of a split', () => {
  const whole: SplitConfig = DEFAULT_SPLIT;
  const mistakes = (split: Partial<SplitConfig>, label: string | undefined = 'y') =>
    checkSplit({ ...whole, ...split }, label).map(({ pointer, message, fix }) => [pointer, message, fix] as const);
  const one = (split: Partial<SplitConfig>, label?: string) => {
    const found = mistakes(split, label);
    expect(found.length).toBe(1);
    return found[0]!;
  };

  it('none where it fits', () => {
    for (const split of [
      {},
      { key: 'k', stratify: true },
      { by: 'random', key: 'k' },
      { by: 'time', column: 't' },
      { by: 'column', column: 's', train: 0.1 },
      { by: 'column', column: 's', values: { train: [0, '1'], test: 'x' } },
      { train: 0.7 + 1e-7 },
      { by: 'time', column: 't', stratify: false },
    ] as Partial<SplitConfig>[])
      expect(mistakes(split)).toEqual([]);
    expect(checkSplit(whole, undefined)).toEqual([]);
  });

  it('shares that do not add up', () => {
    expect(one({ train: 0.8 })).toEqual([
      '/split',
      'The proportions add up to 1.1, not 1.',
      'Make train + validation + test = 1, for example "test": 0.05.',
    ]);
    expect(one({ train: 0.9, validation: 0.3 })[2]).toContain('"test": 0.');
    expect(one({ train: 0.5 })).toEqual(['/split', 'The proportions add up to 0.8, not 1.', expect.stringContaining('"test": 0.35.')]);
  });

  it('members that belong to another way of dividing', () => {
    expect(one({ by: 'time' })).toEqual([
      '/split/column',
      'A split by time needs "column".',
      'Name the column that orders the rows in time.',
    ]);
    expect(one({ by: 'column' })).toEqual([
      '/split/column',
      'A split by column needs "column".',
      'Name the column that holds train, validation or test.',
    ]);
    for (const by of ['hash', 'random'] as const)
      expect(one({ by, column: 'c' })).toEqual(['/split/column', `A split by ${by} has no "column".`, expect.stringContaining('"key"')]);
    for (const by of ['time', 'column'] as const) {
      expect(one({ by, column: 'c', key: 'k' })).toEqual([
        '/split/key',
        `A split by ${by} has no "key".`,
        'Remove "key", or split by hash or random.',
      ]);
      expect(one({ by, column: 'c', stratify: true })).toEqual([
        '/split/stratify',
        `A split by ${by} cannot be stratified.`,
        'Remove "stratify", or split by hash or random.',
      ]);
    }
    for (const by of ['hash', 'random'] as const)
      expect(one({ by, values: { train: 1 } })).toEqual([
        '/split/values',
        `A split by ${by} has no "values".`,
        'Use "by": "column", or remove "values".',
      ]);
  });

  it('values that say two things, or none for what is learnt from', () => {
    const values = (given: SplitConfig['values']) => one({ by: 'column', column: 's', ...(given === undefined ? {} : { values: given }) });
    expect(values({ train: 0, test: '0.0' })).toEqual(['/split/values', '"0" stands for two splits.', 'Give every value to one split.']);
    expect(values({ train: ['A', 'b'], test: ' a ' })[1]).toBe('"a" stands for two splits.');
    expect(values({ train: true, test: 'TRUE' })[1]).toBe('"true" stands for two splits.');
    expect(values({ train: [1, '1'] })[1]).toBe('"1" stands for two splits.');
    expect(mistakes({ by: 'column', column: 's', values: { train: '', test: 0 } })).toEqual([]);
    expect(values({ test: 1 })).toEqual([
      '/split/values',
      'No value stands for "train": there would be nothing to learn from.',
      expect.any(String),
    ]);
  });

  it('classes without a label', () => {
    expect(checkSplit({ ...whole, stratify: true }, undefined)).toEqual([
      { pointer: '/split/stratify', message: 'A stratified split needs a "label".', fix: 'Name the label, or remove "stratify".' },
    ]);
  });
});

const column = (id: string, name: string, type: TypedColumn['type']): TypedColumn => ({ id, name, type, from: 'text' });
const COLUMNS = [column('c0', 'n', 'integer'), column('c1', 'y', 'string'), column('c2', 's', 'string'), column('c3', 't', 'number')];

/** Divides rows (n, y, s, t), whose digests are those of n. */
async function divide(
  rows: readonly (readonly [number, string, string | null, number])[],
  split: Partial<SplitConfig>,
  more: Partial<SplitRequest> = {},
): Promise<{ counts: Record<string, number>; of: Record<number, string>; inOrder: boolean; order: number[]; note: string[] }> {
  return withDatabase(async (db) => {
    await db.run('CREATE TEMP TABLE data (c0 INTEGER, c1 VARCHAR, c2 VARCHAR, c3 DOUBLE, digest UBIGINT)');
    const text = (value: string | null): string => (value === null ? 'NULL' : `'${value}'`);
    await db.run(
      `INSERT INTO data SELECT *, hash(c0) FROM (VALUES ${rows.map(([n, y, s, t]) => `(${n}, ${text(y)}, ${text(s)}, ${t})`).join(', ')}) AS v (c0, c1, c2, c3)`,
    );
    const config = resolveSplit(split);
    const request: SplitRequest = { db, split: config, seed: 1, columns: COLUMNS, label: undefined, stratify: false, ...more };
    const { rows: counts, source, inOrder } = await assignSplits(request);
    expect(await countSplits(db, source)).toEqual(counts);
    const found = await db.rows(`SELECT c0, split FROM ${source} ORDER BY position`);
    return {
      counts,
      of: Object.fromEntries(found.map(([n, name]) => [Number(n), String(name)])),
      inOrder,
      order: found.map(([n]) => Number(n)),
      note: await orderNote(db, config, COLUMNS),
    };
  });
}
const many = (count: number, s: (n: number) => string | null = () => null) =>
  Array.from({ length: count }, (_, n): [number, string, string | null, number] => [n, n % 2 === 0 ? 'a' : 'b', s(n), (n * 7) % count]);

describe('rows', () => {
  it('by hash: each by itself, whatever others there are', async () => {
    const first = await divide(many(300), { by: 'hash' });
    const half = await divide(many(150), { by: 'hash' });
    for (const [n, name] of Object.entries(half.of)) expect(first.of[Number(n)]).toBe(name);
    expect(first.inOrder).toBe(true);
    expect(first.counts['train']).toBeGreaterThan(180);
    expect(first.counts['train']! + first.counts['validation']! + first.counts['test']!).toBe(300);
    const other = await divide(many(300), { by: 'hash' }, { seed: 2 });
    expect(other.of).not.toEqual(first.of);
  });

  it('by hash with classes: one that chance leaves out of a split gives it a row', async () => {
    const label = COLUMNS[1]!;
    const rare = many(300).map(([n, , s, t]): [number, string, string | null, number] => [n, n < 3 ? 'rare' : 'often', s, t]);
    const { of } = await divide(rare, { by: 'hash' }, { label, stratify: true });
    expect([of[0], of[1], of[2]].sort()).toEqual(['test', 'train', 'validation']);
    const single = await divide(
      rare.map(([n, , s, t]) => [n, n < 1 ? 'rare' : 'often', s, t] as const),
      { by: 'hash' },
      { label, stratify: true },
    );
    expect(single.of[0]).toBe('train');
    const two = await divide(
      rare.map(([n, , s, t]) => [n, n < 2 ? 'rare' : 'often', s, t] as const),
      { by: 'hash', train: 0.8, validation: 0, test: 0.2 },
      { label, stratify: true },
    );
    expect([two.of[0], two.of[1]].sort()).toEqual(['test', 'train']);
  });

  it('by a key: together, by hash and by chance', async () => {
    for (const by of ['hash', 'random'] as const) {
      const { of } = await divide(
        many(400, (n) => `g${n % 40}`),
        { by, key: 's' },
      );
      for (let n = 40; n < 400; n++) expect(of[n]).toBe(of[n % 40]);
      expect(new Set(Object.values(of)).size).toBe(3);
    }
  });

  it('by chance: exact shares, of every class too', async () => {
    const { counts, inOrder, of } = await divide(many(200), { by: 'random', train: 0.5, validation: 0.25, test: 0.25 });
    expect([counts, inOrder]).toEqual([{ train: 100, validation: 50, test: 50 }, false]);
    expect((await divide(many(200), { by: 'random', train: 0.5, validation: 0.25, test: 0.25 }, { seed: 2 })).of).not.toEqual(of);
    const stratified = await divide(
      many(200),
      { by: 'random', train: 0.5, validation: 0.25, test: 0.25 },
      { label: COLUMNS[1]!, stratify: true },
    );
    const odd = Object.entries(stratified.of).filter(([n]) => Number(n) % 2 === 1);
    expect(odd.filter(([, name]) => name === 'train').length).toBe(50);
    expect(odd.filter(([, name]) => name === 'test').length).toBe(25);
  });

  it('by time: the earliest are trained on, one moment stays together, and the order is said', async () => {
    const { counts, order, of, note } = await divide(many(20), { by: 'time', column: 't', train: 0.5, validation: 0.25, test: 0.25 });
    expect(counts).toEqual({ train: 10, validation: 5, test: 5 });
    const time = (n: number): number => (n * 7) % 20;
    expect(order.map(time)).toEqual([...order.map(time)].sort((a, b) => a - b));
    expect(order.slice(0, 10).every((n) => of[n] === 'train')).toBe(true);
    expect(note).toEqual([
      expect.stringMatching(/^The source is not in the order of "t": 6 of 20 rows are earlier than the row before, the first is row 4\. /),
    ]);
    const tied = await divide(
      many(20).map(([n, y, s]) => [n, y, s, n < 12 ? 1 : n] as const),
      { by: 'time', column: 't', train: 0.5, validation: 0.25, test: 0.25 },
    );
    expect(tied.counts['train']).toBe(12);
    expect(tied.note).toEqual([]);
    expect((await divide(many(20), { by: 'random' })).note).toEqual([]);
    await expect(divide(many(20), { by: 'time', column: 'y' })).rejects.toMatchObject({
      code: 'SPLIT_INVALID',
      message: expect.stringContaining('a split by time needs'),
    });
  });

  it('by a column: its names, or what its values mean', async () => {
    const names = ['train', ' Training ', 'val', 'VALIDATION', 'valid', 'dev', 'test', 'testing'];
    expect(
      (
        await divide(
          many(8, (n) => names[n]!),
          { by: 'column', column: 's' },
        )
      ).counts,
    ).toEqual({ train: 2, validation: 4, test: 2 });
    expect(
      (
        await divide(
          many(6, (n) => String(n % 2)),
          { by: 'column', column: 's', values: { train: 0, test: [1] } },
        )
      ).counts,
    ).toEqual({
      train: 3,
      validation: 0,
      test: 3,
    });
    expect((await divide(many(6), { by: 'column', column: 't', values: { train: [0, 1, 2], test: [3, 4, '5.0'] } })).counts).toEqual({
      train: 3,
      validation: 0,
      test: 3,
    });
    await expect(
      divide(
        many(6, (n) => String(n % 3)),
        { by: 'column', column: 's' },
      ),
    ).rejects.toMatchObject({
      code: 'SPLIT_INVALID',
      message: expect.stringMatching(/"s" holds "\d" \(2 rows\), .*; expected train, validation or test\.$/),
      hint: 'Say what the values mean: "values": {"train": 0, "validation": 1, "test": 2}.',
    });
    await expect(
      divide(
        many(6, (n) => (n < 3 ? null : 'train')),
        { by: 'column', column: 's' },
      ),
    ).rejects.toMatchObject({
      message: expect.stringContaining('"(missing)" (3 rows)'),
      hint: expect.stringContaining('"train": "…"'),
    });
    await expect(
      divide(
        many(6, () => 'x'),
        { by: 'column', column: 's', values: { train: 'y' } },
      ),
    ).rejects.toMatchObject({
      message: expect.stringContaining('expected "y".'),
      hint: 'Add them to "values" of the split, or leave such rows out with "filter".',
    });
    await expect(
      divide(
        many(6, () => 'test'),
        { by: 'column', column: 's' },
      ),
    ).rejects.toMatchObject({
      message: 'The train split is empty: 6 rows, none of them "train" in "s".',
      hint: 'Give more rows or other proportions.',
    });
  });

  it('that are too few leave a split empty, with what helps', async () => {
    const hintOf = async (
      rows: Parameters<typeof divide>[0],
      split: Partial<SplitConfig>,
      more: Partial<SplitRequest> = {},
    ): Promise<string> =>
      divide(rows, split, more).then(
        () => 'none',
        (error: { hint: string }) => error.hint,
      );
    const same = many(20).map(([, y, s, t]) => [7, y, s, t] as const);
    expect(await hintOf(same, { by: 'hash' })).toBe(
      'Only 1 of the rows differ, and equal rows stay in one split: give more different rows, or "by": "random".',
    );
    expect(await hintOf(many(2), { by: 'random' })).toBe('Give more rows or other proportions.');
    expect(await hintOf(many(2), { by: 'random' }, { label: COLUMNS[1]!, stratify: true })).toBe(
      'Each of the 2 classes of "y" is divided by itself and has too few rows: give more rows of each, other proportions, or remove "stratify".',
    );
    expect(
      await hintOf(
        many(20, () => 'one'),
        { by: 'random', key: 's' },
      ),
    ).toBe('Rows with the same "s" stay together: give more different values, or other proportions.');
    await expect(divide(many(2), { by: 'random' })).rejects.toMatchObject({
      message: expect.stringMatching(/^The \w+ split is empty: 2 rows, proportion 0\.\d+\.$/),
    });
    expect((await divide(many(2), { by: 'random', train: 1, validation: 0, test: 0 })).counts).toEqual({
      train: 2,
      validation: 0,
      test: 0,
    });
  });
});

describe('the budget of rows that are set aside', () => {
  const reasons = (count: number) =>
    Array.from({ length: count }, (_, index) => ({ reason: `reason ${index}`, rows: index + 1, example: 'an example' }));
  const problem = (quarantined: number, good: number, budget: number, why = reasons(1)): string => {
    try {
      checkBudget(quarantined, good, budget, why);
    } catch (error) {
      return (error as Error).message;
    }
    return 'none';
  };

  it('is kept up to its end, and not where nothing is left', () => {
    expect(problem(5, 95, 0.05)).toBe('none');
    expect(problem(6, 94, 0.05)).toBe('6 of 100 rows cannot be used (6.0 %, the budget is 5.0 %): reason 0 (1 rows).');
    expect(problem(0, 10, 0)).toBe('none');
    expect(problem(10, 0, 1)).toContain('10 of 10 rows cannot be used (100.0 %, the budget is 100.0 %)');
  });

  it('names five reasons, and the example where few rows have it', () => {
    expect(problem(9, 1, 0, reasons(7))).toMatch(
      /: reason 0 \(1 rows\); reason 1 \(2 rows\); reason 2 \(3 rows\); reason 3 \(4 rows\); reason 4 \(5 rows\)\.$/,
    );
    const told = (rows: number, example: string): string => problem(9, 1, 0, [{ reason: 'no number', rows, example }]);
    expect(told(3, 'no number: "x"')).toContain('no number: "x" (3 rows)');
    expect(told(4, 'no number: "x"')).toContain('no number (4 rows)');
    expect(told(3, 'other')).toContain('no number (3 rows)');
  });

  it('says what helps, with the reasons as data', () => {
    try {
      checkBudget(9, 1, 0, reasons(2));
      expect.unreachable();
    } catch (error) {
      expect(error).toMatchObject({
        code: 'DATA_INVALID',
        hint: expect.stringContaining('raise "budget" of the ingest step'),
        details: { reasons: reasons(2) },
      });
    }
  });
});
