import { describe, expect, it } from 'vitest';
import type { ColumnProfile, DatasetProfile } from '../../../src/data/stored/dataset.ts';
import type { ColumnWindow, CurrentSource } from '../../../src/monitoring/column-window.ts';
import { conclude, judgeWindow } from '../../../src/monitoring/detect.ts';
import type { DriftOptions, DriftResult, JudgedWindow, KeptWindow, TrainingProfile } from '../../../src/monitoring/detect.ts';
import { numberSample } from '../../../src/monitoring/drift/drift-test.ts';
import type { JointDrift } from '../../../src/monitoring/joint/compare-rows.ts';
import type { RowSample, SampleOrder } from '../../../src/monitoring/joint/row-sample.ts';
import { Prng } from '../../../src/core/prng.ts';

const ROWS = 400;
/** Evenly from 0 to 1, so that a shift by s, a multiple of 1 / rows, is a KS distance of s: half a step less, so that no two are equal. */
const even = (shift = 0, rows = ROWS): number[] =>
  Array.from({ length: rows }, (_, at) => at / rows + (shift === 0 ? 0 : shift - 0.5 / rows));

const numberColumn = (name: string): ColumnProfile => ({
  name,
  type: 'number',
  count: ROWS,
  missing: 0,
  distinct: ROWS,
  number: { min: 0, max: 1, mean: 0.5, std: 0.29, quantiles: {}, edges: [], counts: [], sample: even() },
});
const profileOf = (...columns: ColumnProfile[]): DatasetProfile => ({ formatVersion: 1, rows: ROWS, columns });
const numbers = (names: string): DatasetProfile => profileOf(...[...names].map(numberColumn));

const shifted = (shift: number, rows = ROWS): ColumnWindow => ({
  rows,
  missing: 0,
  invalid: 0,
  present: true,
  sample: numberSample(Float64Array.from(even(shift, rows))),
});
const lost = (missing: number, rows = ROWS): ColumnWindow => ({
  ...shifted(0, rows),
  missing,
  sample: numberSample(Float64Array.from(even(0, rows - missing))),
});

interface Seen {
  readonly order?: SampleOrder | undefined;
  readonly wanted?: readonly string[];
}

/** A window of which is known what is in it. */
function given(
  columns: Record<string, ColumnWindow>,
  more: { rows?: number; unknown?: string[]; sample?: RowSample; seen?: (seen: Seen) => void } = {},
): CurrentSource {
  return (wanted, _known, order) => {
    more.seen?.({ order, wanted: wanted.map(({ column }) => column.name) });
    return Promise.resolve({
      rows: more.rows ?? ROWS,
      unknown: more.unknown ?? [],
      async *columns() {
        for (const { column } of wanted) if (columns[column.name] !== undefined) yield [column.name, columns[column.name]!] as const;
      },
      sample: () => Promise.resolve(more.sample ?? { rows: 0, of: 0, columns: new Map() }),
    });
  };
}

/** One p-value and no distance, so that chance alone decides. */
const KS: DriftOptions = { tests: [{ ks: { threshold: 0.001 } }], pool: 1 };
const judge = (names: string, columns: Record<string, ColumnWindow>, options: DriftOptions = {}): Promise<JudgedWindow> =>
  judgeWindow({ profile: numbers(names) }, given(columns), { ...KS, ...options });
const testOf = ({ result }: JudgedWindow, name: string) => result.columns.find((column) => column.name === name)!.tests[0]!;
/** By how much the p-value of a column was corrected. */
const factorOf = (window: JudgedWindow, name: string): number => {
  const { corrected, score } = testOf(window, name);
  return (corrected ?? score) / score;
};

/** Nearly every value is another one: it is not compared. */
const note: ColumnProfile = {
  name: 'note',
  type: 'string',
  count: 400,
  missing: 0,
  distinct: 390,
  categories: { counts: { a: 1 }, other: 399 },
};

describe('how much p-values are corrected', () => {
  it('by the number of columns, as Benjamini and Hochberg do', async () => {
    const one = shifted(0.12);
    expect(factorOf(await judge('a', { a: one }), 'a')).toBeCloseTo(1, 9);
    // The smallest of four, and the two smallest of four where they are equal.
    const four = await judge('abcd', { a: one, b: shifted(0), c: shifted(0), d: shifted(0) });
    expect(factorOf(four, 'a')).toBeCloseTo(4, 9);
    const two = await judge('abcd', { a: one, b: one, c: shifted(0), d: shifted(0) });
    expect([factorOf(two, 'a'), factorOf(two, 'b')].map((factor) => factor.toFixed(6))).toEqual(['2.000000', '2.000000']);
    // The second of two is what it was.
    const pair = await judge('ab', { a: shifted(0.15), b: one });
    expect([factorOf(pair, 'a'), factorOf(pair, 'b')].map((factor) => factor.toFixed(6))).toEqual(['2.000000', '1.000000']);
  });

  it('not at all where it is not asked for', async () => {
    const all = { a: shifted(0.12), b: shifted(0), c: shifted(0) };
    const plain = await judge('abc', all, { correction: 'none', looks: 24 });
    expect(testOf(plain, 'a')).not.toHaveProperty('corrected');
    expect(plain.result.options.correction).toBe('none');
    // KS over 400 and 400 values that are 0.12 apart: p = 0.0063 = 2 exp(-2 · 0.12² · 200)
    expect(testOf(plain, 'a').score).toBeCloseTo(0.0063, 3);
  });

  it('by the number of looks', async () => {
    expect(factorOf(await judge('a', { a: shifted(0.15) }, { looks: 3 }), 'a')).toBeCloseTo(3, 9);
    expect(factorOf(await judge('ab', { a: shifted(0.15), b: shifted(0) }, { looks: 3 }), 'a')).toBeCloseTo(6, 9);
  });

  it('decides', async () => {
    // p = 0.00025 = 2 exp(-2 · 0.15² · 200), and a threshold of 0.001: four columns are one too many.
    const drifted = async (names: string, options: DriftOptions = {}): Promise<boolean> =>
      (await judge(names, Object.fromEntries([...names].map((name) => [name, shifted(name === 'a' ? 0.15 : 0)])), options)).result.drifted;
    expect(testOf(await judge('a', { a: shifted(0.15) }), 'a').score).toBeCloseTo(0.00025, 4);
    expect([await drifted('a'), await drifted('abc'), await drifted('abcdefgh')]).toEqual([true, true, false]);
    expect([await drifted('abcdefgh', { correction: 'none' }), await drifted('a', { looks: 24 })]).toEqual([true, false]);
  });

  it('by columns with p-values only: distances have no chance that could be corrected', async () => {
    const distances = { perColumn: { b: { tests: ['ksDistance' as const] }, c: { tests: ['ksDistance' as const] } } };
    const window = await judge('abc', { a: shifted(0.15), b: shifted(0), c: shifted(0.5) }, distances);
    expect(factorOf(window, 'a')).toBeCloseTo(1, 9);
    expect(testOf(window, 'c')).not.toHaveProperty('corrected');
    expect(window.result.driftedColumns).toEqual(['a', 'c']);
  });

  it('by everything that was looked at, where nothing speaks for drift', async () => {
    // The distance is too small, so that there is no evidence: three columns, two looks.
    const both: DriftOptions = { tests: [{ ks: { threshold: 0.001 } }, { ksDistance: { threshold: 0.5 } }], looks: 2 };
    const window = await judge('abc', { a: shifted(0.15), b: shifted(0), c: shifted(0) }, both);
    expect(factorOf(window, 'a')).toBeCloseTo(6, 9);
    expect(window.result.drifted).toBe(false);
  });

  it('by the numbers of windows that are looked at together', async () => {
    const first = await judge('ab', { a: shifted(0), b: shifted(0) }, { pool: 2 });
    const second = await judge('ab', { a: shifted(0.2), b: shifted(0) }, { pool: 2, before: [first.window] });
    // Alone or both together; two columns. Alone it shows most, and is what is told.
    expect(factorOf(second, 'a')).toBeCloseTo(4, 9);
    const column = second.result.columns[0]!;
    expect([column.windows, column.tests[0]!.score < 1e-6]).toEqual([undefined, true]);
    // Of windows that show the same the fewest are told.
    const same = await judge('a', { a: shifted(2) }, { pool: 2, tests: [{ ksDistance: { threshold: 0.05 } }], before: [] });
    const again = await judge('a', { a: shifted(2) }, { pool: 2, tests: [{ ksDistance: { threshold: 0.05 } }], before: [same.window] });
    expect([again.result.drifted, again.result.columns[0]!.windows]).toEqual([true, undefined]);
    const nothing = { tests: [{ ks: { threshold: 0.001 } }, { ksDistance: { threshold: 0.9 } }], pool: 2, looks: 3 };
    const calm = await judge('ab', { a: shifted(0.1), b: shifted(0) }, nothing);
    const calmer = await judge('ab', { a: shifted(0.1), b: shifted(0) }, { ...nothing, before: [calm.window] });
    expect(factorOf(calmer, 'a')).toBeCloseTo(2 * 2 * 3, 9);
  });
});

describe('missing values', () => {
  const missingReason = 'Missing or unreadable values went from 0 % to 12 % of the rows.';

  it('drift where more are missing than may be, and not by chance', async () => {
    const { result } = await judge('ab', { a: lost(48), b: shifted(0) });
    expect(result.columns[0]).toMatchObject({ drifted: true, reason: missingReason, missingCurrent: 0.12 });
    expect((await judge('ab', { a: lost(40), b: shifted(0) })).result.drifted).toBe(false);
    expect((await judge('ab', { a: lost(40), b: shifted(0) }, { missing: 0.09 })).result.drifted).toBe(true);
  });

  it('are looked for in every column and at every look as well', async () => {
    // Of 60 rows 8, of 400 none: p ≈ 1e-13.
    const few = { a: lost(8, 60) };
    const drifted = async (options: DriftOptions, names = 'a'): Promise<boolean> =>
      (
        await judge(names, { ...few, b: shifted(0) }, { rowsMin: 10, tests: [{ ks: { threshold: 0 } }], ...options })
      ).result.driftedColumns.includes('a');
    expect(await drifted({})).toBe(true);
    expect(await drifted({ looks: 1e6 })).toBe(true);
    expect(await drifted({ looks: 1e10 })).toBe(false);
    expect(await drifted({ looks: 1e10, correction: 'none' })).toBe(true);
    // p relative to its level by bisection: the bound on looks halves with a second column.
    const bound = async (names: string): Promise<number> => {
      let [low, high] = [0, 14];
      for (let step = 0; step < 40; step += 1) {
        const middle = (low + high) / 2;
        if (await drifted({ looks: 10 ** middle }, names)) low = middle;
        else high = middle;
      }
      return 10 ** low;
    };
    expect((await bound('a')) / (await bound('ab'))).toBeCloseTo(2, 3);
  });

  it('of what is not compared count as well', async () => {
    const gone: ColumnWindow = { rows: ROWS, missing: 200, invalid: 0, present: true };
    const { result } = await judgeWindow({ profile: profileOf(note) }, given({ note: gone }), KS);
    expect(result.columns[0]).toMatchObject({
      status: 'skipped',
      drifted: true,
      reason:
        'Missing or unreadable values went from 0 % to 50 % of the rows. Nothing is measured of it: rows of the reference are not kept.',
    });
  });
});

describe('which columns are judged', () => {
  it('all but the labels, or those that are named, in their order', async () => {
    const columns = { a: shifted(0), b: shifted(0), c: shifted(0) };
    const names = async (options: DriftOptions): Promise<string[]> =>
      (await judge('abc', columns, options)).result.columns.map(({ name }) => name);
    expect(await names({})).toEqual(['a', 'b', 'c']);
    expect(await names({ labels: ['b'] })).toEqual(['a', 'c']);
    expect(await names({ columns: ['c', 'b'], labels: ['b'] })).toEqual(['c', 'b']);
    await expect(names({ columns: ['x'] })).rejects.toMatchObject({
      code: 'COLUMN_MISSING',
      message: expect.stringContaining('x') as string,
    });
    await expect(names({ perColumn: { x: { missing: 0.5 } } })).rejects.toMatchObject({
      code: 'COLUMN_MISSING',
      message: expect.stringContaining('a, b, c') as string,
    });
    await expect(names({ columns: ['a'], perColumn: { b: { missing: 0.5 } } })).rejects.toMatchObject({ code: 'COLUMN_MISSING' });
  });

  it('not those whose values are hidden, nor what cannot be compared; each says why', async () => {
    const profile = profileOf(
      numberColumn('a'),
      numberColumn('b'),
      { name: 'when', type: 'timestamp', count: ROWS, missing: 0, distinct: ROWS },
      { name: 'photo', type: 'image', count: ROWS, missing: 0, distinct: ROWS },
    );
    const wanted: (readonly string[])[] = [];
    const { result, window } = await judgeWindow(
      { profile },
      given({ a: shifted(0), b: shifted(1) }, { seen: (seen) => wanted.push(seen.wanted!) }),
      { ...KS, hidden: new Set(['b']) },
    );
    expect(wanted).toEqual([['a']]);
    expect(result.columns.map(({ name, status, reason }) => [name, status, reason])).toEqual([
      ['a', 'compared', expect.stringContaining('p of ks')],
      ['b', 'skipped', 'The predictions are logged without its values, as "predictionLog" of the deployment says.'],
      ['when', 'skipped', 'Points in time go on, and are not compared; what "measures" names of them is, as their hour.'],
      [
        'photo',
        'skipped',
        'Pictures are not compared; what is measured of them is, as their brightness. Nothing is measured of it: the training of this version kept nothing of it.',
      ],
    ]);
    expect(Object.keys(window.columns)).toEqual(['a']);
    expect(result.summary).toBe('No drift in 1 compared columns over 400 rows.');
  });

  it('new ones are told, unless the training had them', async () => {
    const source = given({ a: shifted(0) }, { unknown: ['b', 'z'] });
    const { result } = await judgeWindow({ profile: numbers('ab') }, source, { ...KS, columns: ['a'] });
    expect(result.newColumns).toEqual(['z']);
  });

  it('an absent one has drifted where it was named', async () => {
    const absent: ColumnWindow = { rows: ROWS, missing: ROWS, invalid: 0, present: false };
    expect((await judge('ab', { a: absent, b: shifted(0) })).result.driftedColumns).toEqual([]);
    expect((await judge('ab', { a: absent, b: shifted(0) }, { columns: ['a', 'b'] })).result.driftedColumns).toEqual(['a']);
  });
});

describe('the verdict on a window', () => {
  it('has the rules that it was judged by beside it', async () => {
    const { result } = await judge(
      'ab',
      { a: shifted(0), b: shifted(0) },
      {
        rowsMin: 50,
        columnsMin: 2,
        missing: 0.2,
        agree: 'any',
        pool: 3,
        perColumn: { b: { tests: [{ wasserstein: { threshold: 0.3 } }], missing: 0.4 } },
      },
    );
    expect(result.options).toEqual({
      rowsMin: 50,
      columnsMin: 2,
      missing: 0.2,
      agree: 'any',
      correction: 'benjaminiHochberg',
      pool: 3,
      tests: [{ test: 'ks', threshold: 0.001 }],
      columns: { b: { missing: 0.4, agree: 'any', tests: [{ test: 'wasserstein', threshold: 0.3 }] } },
    });
    expect(result).not.toHaveProperty('joint');
    expect(result.rowsReference).toBe(400);
  });

  it('asks for rows enough, of the windows that are looked at together', async () => {
    const few = (rows: number, before: readonly KeptWindow[] = [], pool = 3) =>
      judgeWindow({ profile: numbers('a') }, given({ a: shifted(1, rows) }, { rows }), { ...KS, rowsMin: 100, pool, before });
    const first = await few(99);
    expect(first.result).toMatchObject({
      enoughRows: false,
      drifted: false,
      rows: 99,
      summary: 'No verdict: 99 rows, and at least 100 are needed.',
    });
    expect((await few(100)).result).toMatchObject({ enoughRows: true, drifted: true });
    expect((await few(1, [first.window])).result.enoughRows).toBe(true);
    expect((await few(1, [first.window], 1)).result.enoughRows).toBe(false);
    const small = (await few(40)).window;
    expect((await few(19, [small, small])).result.enoughRows).toBe(false);
    expect((await few(20, [small, small])).result.enoughRows).toBe(true);
    // Of three that are looked at, the fourth is none.
    expect((await few(19, [small, small, small])).result.enoughRows).toBe(false);
  });

  it('asks for columns enough, and says which', async () => {
    const columns = { a: shifted(1), b: shifted(1), c: shifted(0) };
    expect((await judge('abc', columns, { columnsMin: 2 })).result).toMatchObject({
      drifted: true,
      driftedColumns: ['a', 'b'],
      summary: 'Drift in 2 of 3 compared columns over 400 rows: a, b.',
    });
    expect((await judge('abc', columns, { columnsMin: 3 })).result).toMatchObject({
      drifted: false,
      summary: '2 of 3 compared columns drifted over 400 rows: a, b; 3 are needed.',
    });
  });

  it('has the largest PSI of its columns as its score', async () => {
    const { result } = await judge('ab', { a: shifted(0.1), b: shifted(0.5) });
    const [a, b] = result.columns.map(({ score }) => score!) as [number, number];
    expect(a).toBeLessThan(b);
    expect(result.driftScore).toBe(b);
  });
});

describe('tests of whole rows', () => {
  /** Two columns, each as it was; together they were opposite, and now are equal. */
  const random = new Prng('whole rows');
  const opposite: RowSample = rowSample(() => {
    const value = random.normal();
    return [value, -value];
  });
  const equal: RowSample = rowSample(() => {
    const value = random.normal();
    return [value, value];
  });
  /** As before but for every second row. */
  let row = 0;
  const some: RowSample = rowSample(() => {
    const value = random.normal();
    row += 1;
    return [value, row % 2 === 0 ? value : -value];
  });
  function rowSample(row: () => [number, number], rows = 100): RowSample {
    const all = Array.from({ length: rows }, row);
    return { rows, of: rows, columns: new Map([0, 1].map((at) => ['ab'[at]!, Float64Array.from(all, (one) => one[at]!)])) };
  }
  const training = (names = 'ab', rows: RowSample | undefined = opposite): TrainingProfile & { readonly orders: SampleOrder[] } => {
    const orders: SampleOrder[] = [];
    return { profile: numbers(names), orders, rowsOf: (order) => (orders.push(order), Promise.resolve(rows)) };
  };
  const same = { a: shifted(0), b: shifted(0) };
  const MMD: DriftOptions = { ...KS, joint: [{ mmd: { threshold: 0.05, pValue: 0.001 } }] };

  it('are drift of the data where one says so, though no column drifted', async () => {
    const { result } = await judgeWindow(training(), given(same, { sample: equal }), MMD);
    expect(result).toMatchObject({ drifted: true, driftedColumns: [] });
    expect(result.joint).toMatchObject([{ test: 'mmd', status: 'compared', drifted: true, columns: ['a', 'b'], leftOut: [] }]);
    expect(result.summary).toBe('No drift in 2 compared columns over 400 rows. Drift of whole rows by mmd.');
    expect(result.options.joint).toEqual([{ test: 'mmd', threshold: 0.05, pValue: 0.001, rows: 1_000 }]);
    const calm = await judgeWindow(training(), given(same, { sample: opposite }), MMD);
    expect(calm.result).toMatchObject({ drifted: false, summary: 'No drift in 2 compared columns over 400 rows.' });
    expect(calm.result.joint).toMatchObject([{ drifted: false }]);
  });

  it('are no drift while there are too few rows', async () => {
    const { result } = await judgeWindow(training(), given(same, { sample: equal }), { ...MMD, rowsMin: 500 });
    expect(result).toMatchObject({ drifted: false, enoughRows: false, summary: 'No verdict: 400 rows, and at least 500 are needed.' });
  });

  it('are corrected together with the columns, in which they count as one more', async () => {
    const rows = (await judgeWindow(training(), given(same, { sample: some }), MMD)).result.joint![0]!;
    expect(rows.corrected! / rows.pValue!).toBeCloseTo(3, 6);
    const looks = (await judgeWindow(training(), given(same, { sample: some }), { ...MMD, looks: 5 })).result.joint![0]!;
    expect(looks.corrected! / looks.pValue!).toBeCloseTo(15, 6);
    expect(
      (await judgeWindow(training(), given(same, { sample: some }), { ...MMD, correction: 'none' })).result.joint![0],
    ).not.toHaveProperty('corrected');
    // The effect is too small: no evidence, and all that was looked at.
    const small: DriftOptions = { ...KS, joint: [{ mmd: { threshold: 0.9 } }], looks: 2 };
    const weak = (await judgeWindow(training(), given(same, { sample: some }), small)).result.joint![0]!;
    expect([weak.drifted, (weak.corrected! / weak.pValue!).toFixed(6)]).toEqual([false, '6.000000']);
    const column = await judgeWindow(training(), given({ a: shifted(0.15), b: shifted(0) }, { sample: opposite }), MMD);
    expect(factorOf(column, 'a')).toBeCloseTo(3, 6);
    const least: DriftOptions = { ...MMD, tests: [{ ks: { threshold: 0.001 } }, { ksDistance: { threshold: 0.5 } }], looks: 2 };
    expect(
      factorOf(await judgeWindow(training(), given({ a: shifted(0.15), b: shifted(0) }, { sample: opposite }), least), 'a'),
    ).toBeCloseTo(6, 6);
  });

  it('that were not made count for nothing', async () => {
    const few = rowSample(() => [0, 1], 20);
    const window = await judgeWindow(training('ab', few), given({ a: shifted(0.15), b: shifted(0) }, { sample: few }), MMD);
    expect(window.result.joint).toMatchObject([
      { status: 'skipped', drifted: false, reason: expect.stringContaining('Too few rows') as string },
    ]);
    expect(factorOf(window, 'a')).toBeCloseTo(2, 9);
    const { profile } = training();
    const without = await judgeWindow({ profile }, given(same, { sample: equal }), MMD);
    expect(without.result.joint).toMatchObject([{ status: 'skipped', reason: expect.stringContaining('not in the store') as string }]);
  });

  it('are of the columns that can be compared; of the others is said why they are not', async () => {
    const empty: ColumnProfile = { name: 'empty', type: 'number', count: 0, missing: ROWS, distinct: 0 };
    const when: ColumnProfile = { name: 'when', type: 'timestamp', count: ROWS, missing: 0, distinct: ROWS };
    const profile = profileOf(numberColumn('a'), numberColumn('b'), numberColumn('c'), note, empty, when);
    const { orders, rowsOf } = training();
    const options = {
      ...MMD,
      hidden: new Set(['c']),
      joint: [{ mmd: { rows: 300 } }, { classifier: { rows: 700 } }],
      perColumn: { note: { measures: [] } },
    };
    const { result } = await judgeWindow({ profile, rowsOf: rowsOf! }, given(same, { sample: equal }), options);
    expect(orders).toEqual([
      {
        most: 700,
        columns: [
          { name: 'a', type: 'number', numeric: true },
          { name: 'b', type: 'number', numeric: true },
        ],
      },
    ]);
    expect(result.joint![0]!.leftOut).toEqual([
      { name: 'c', reason: 'not logged' },
      { name: 'note', reason: 'text' },
      { name: 'empty', reason: 'no values in training' },
      { name: 'when', reason: 'timestamp' },
    ]);
  });

  it('share one sample of rows with what is measured of texts and points in time', async () => {
    const short: ColumnProfile = { ...note, name: 'short', distinct: 3, categories: { counts: { a: 200, b: 200 }, other: 0 } };
    const when: ColumnProfile = { name: 'when', type: 'timestamp', count: ROWS, missing: 0, distinct: ROWS };
    const profile = profileOf(numberColumn('a'), note, short, when);
    const perColumn = { when: { measures: ['hour' as const] }, short: { measures: ['words' as const] } };
    const { orders, rowsOf } = training();
    const ordersOf = async (options: DriftOptions): Promise<SampleOrder[]> => {
      orders.length = 0;
      await judgeWindow({ profile, rowsOf: rowsOf! }, given({ a: shifted(0) }, { sample: equal }), { ...KS, ...options });
      return [...orders];
    };
    const [a, text, shortly, time] = [
      { name: 'a', type: 'number', numeric: true },
      { name: 'note', type: 'string', numeric: false },
      { name: 'short', type: 'string', numeric: false },
      { name: 'when', type: 'timestamp', numeric: true },
    ];
    expect(await ordersOf({ perColumn })).toEqual([{ most: 5_000, columns: [text, shortly, time] }]);
    expect(await ordersOf({})).toEqual([{ most: 5_000, columns: [text] }]);
    expect(await ordersOf({ perColumn, joint: [{ mmd: { rows: 500 } }] })).toEqual([{ most: 5_000, columns: [a, shortly, text, time] }]);
    expect(await ordersOf({ joint: [{ classifier: { rows: 9_000 } }] })).toEqual([{ most: 9_000, columns: [a, shortly, text] }]);
    expect(await ordersOf({ perColumn: { note: { measures: [] } } })).toEqual([]);
    expect(await ordersOf({ perColumn, hidden: new Set(['note', 'short', 'when']) })).toEqual([]);
  });
});

describe('what is measured of a column', () => {
  const note: ColumnProfile = {
    name: 'note',
    type: 'string',
    count: 400,
    missing: 0,
    distinct: 390,
    categories: { counts: { a: 1 }, other: 399 },
  };
  const photo: ColumnProfile = { name: 'photo', type: 'image', count: ROWS, missing: 0, distinct: ROWS };
  const when: ColumnProfile = { name: 'when', type: 'timestamp', count: ROWS, missing: 0, distinct: ROWS };
  const present: ColumnWindow = { rows: ROWS, missing: 0, invalid: 0, present: true };
  const words = (count: number): string => Array.from({ length: count }, (_, at) => `word${at}`).join(' ');
  const notes = (count: (row: number) => number): RowSample => ({
    rows: 60,
    of: 60,
    columns: new Map([['note', Array.from({ length: 60 }, (_, row) => words(count(row)))]]),
  });
  const training = (...columns: ColumnProfile[]): TrainingProfile => ({
    profile: profileOf(...columns),
    rowsOf: () => Promise.resolve(notes((row) => 1 + (row % 10))),
  });
  const WORDS: DriftOptions = { ...KS, perColumn: { note: { measures: ['words'] } } };
  const judgeNotes = async (count: (row: number) => number, options: DriftOptions = WORDS): Promise<JudgedWindow> =>
    judgeWindow(training(note), given({ note: present }, { sample: notes(count) }), options);

  it('of texts is judged beside it by the tests that fit a number, and the column says so', async () => {
    const { result, window } = await judgeNotes((row) => 5 + (row % 10), { ...WORDS, also: ['wasserstein', 'chiSquare'] });
    expect(result.driftedColumns).toEqual(['note (words)']);
    expect(result.columns.map(({ name, status }) => [name, status])).toEqual([
      ['note', 'skipped'],
      ['note (words)', 'compared'],
    ]);
    expect(result.columns[0]!.reason).toBe(
      'Nearly every value is different, as in text and identifiers: shares mean nothing. Compared is what is measured of it: note (words).',
    );
    expect(result.columns[1]!.tests.map(({ test }) => test)).toEqual(['ks', 'wasserstein', 'psi']);
    expect(Object.keys(window.columns)).toEqual(['note (words)']);
    expect((await judgeNotes((row) => 1 + (row % 10))).result.driftedColumns).toEqual([]);
    // Several windows of it together as well.
    const again = await judgeWindow(training(note), given({ note: present }, { sample: notes((row) => 4 + (row % 10)) }), {
      ...WORDS,
      pool: 2,
      before: [window],
    });
    expect(again.result.columns[1]).toMatchObject({ windows: 2 });
  });

  it('is not told of a column that is gone, and one that lost its values says that', async () => {
    const nothing: RowSample = { rows: 60, of: 60, columns: new Map() };
    const gone = await judgeWindow(training(note), given({ note: { ...present, present: false, missing: ROWS } }, { sample: nothing }), {
      ...WORDS,
      columns: ['note'],
    });
    expect(gone.result.columns.map(({ name, status, reason }) => [name, status, reason])).toEqual([
      ['note', 'absent', 'No current row has this column.'],
    ]);
    const lost = await judgeWindow(
      training(note),
      given({ note: { ...present, missing: 200 } }, { sample: notes((row) => 1 + (row % 10)) }),
      WORDS,
    );
    expect(lost.result.columns[0]).toMatchObject({
      drifted: true,
      reason: 'Missing or unreadable values went from 0 % to 50 % of the rows.',
    });
    expect(lost.result.columns[1]!.status).toBe('compared');
  });

  it('of a point in time stands under it, in the order of the columns', async () => {
    const hours = Float64Array.from({ length: 60 }, (_, at) => (at % 24) * 3_600_000);
    const sample: RowSample = { rows: 60, of: 60, columns: new Map([['when', hours]]) };
    const profile = profileOf(numberColumn('a'), when, numberColumn('b'));
    const { result } = await judgeWindow(
      { profile, rowsOf: () => Promise.resolve(sample) },
      given({ a: shifted(0), b: shifted(0) }, { sample }),
      { tests: ['ks', 'chiSquare'], pool: 1, perColumn: { when: { measures: ['hour'] } } },
    );
    expect(result.columns.map(({ name, status }) => [name, status])).toEqual([
      ['a', 'compared'],
      ['when', 'skipped'],
      ['when (hour)', 'compared'],
      ['b', 'compared'],
    ]);
    expect(result.columns[1]!.reason).toBe('Points in time go on. Compared is what is measured of it: when (hour).');
    const untold = await judgeWindow({ profile }, given({ a: shifted(0), b: shifted(0) }), {
      ...KS,
      perColumn: { when: { measures: ['hour'] } },
    });
    expect(untold.result.columns.map(({ name }) => name)).toEqual(['a', 'when', 'b']);
    expect(untold.result.columns[1]!.reason).toMatch(/as their hour\. Nothing is measured of it: rows of the reference are not kept\.$/);
    expect(untold.result.columns[0]!.reason).not.toContain('Nothing is measured');
  });

  it('of pictures is in the profile already: the column tells of those that are missing or gone, what is measured of them does not', async () => {
    const profile = profileOf(photo, numberColumn('photo (brightness)'), { ...photo, name: 'other' }, numberColumn('a'));
    const options: DriftOptions = {
      ...KS,
      columns: ['photo', 'other', 'a'],
      perColumn: { photo: { measures: ['brightness', 'width'], tests: ['ks', 'psi'] }, other: { measures: ['width'] } },
    };
    const judgePhotos = async (columns: Record<string, ColumnWindow>, unknown: string[] = []): Promise<DriftResult> =>
      (await judgeWindow({ profile }, given({ a: shifted(0), ...columns }, { unknown }), options)).result;
    const darker = await judgePhotos({ photo: present, 'photo (brightness)': shifted(0.5) });
    expect(darker.columns.map(({ name, status }) => [name, status])).toEqual([
      ['photo', 'skipped'],
      ['photo (brightness)', 'compared'],
      ['other', 'skipped'],
      ['a', 'compared'],
    ]);
    expect(darker.driftedColumns).toEqual(['photo (brightness)']);
    expect(darker.columns[1]!.tests.map(({ test, decides }) => [test, decides])).toEqual([
      ['ks', true],
      ['psi', true],
    ]);
    expect(darker.columns[0]!.reason).toBe('Nearly every picture is different. Compared is what is measured of it: photo (brightness).');
    expect(darker.columns[2]!.reason).toMatch(/Nothing is measured of it: the training of this version kept nothing of it\.$/);
    const absent = { ...present, present: false, missing: ROWS };
    const gone = await judgePhotos({ photo: absent, 'photo (brightness)': absent });
    expect(gone.columns.map(({ name, status, drifted }) => [name, status, drifted])).toEqual([
      ['photo', 'absent', true],
      ['other', 'skipped', false],
      ['a', 'compared', false],
    ]);
    const unmeasured = await judgePhotos({ photo: present, 'photo (brightness)': absent });
    expect(unmeasured.columns.map(({ name }) => name)).toEqual(['photo', 'other', 'a']);
    expect(unmeasured.driftedColumns).toEqual([]);
    expect((await judgePhotos({ photo: present }, ['photo (brightness)', 'photo (width)'])).newColumns).toEqual(['photo (width)']);
  });

  it('of pictures beside the profile is no new column', async () => {
    const ranks = numberSample(Float64Array.from(even())).ranks();
    const values = new Map([
      ['photo (brightness)', { kind: 'number', name: 'photo (brightness)', ranks, deviation: 0.29, of: ROWS } as const],
    ]);
    const source = given(
      { photo: present, 'photo (brightness)': shifted(0) },
      { unknown: ['photo (brightness)', 'photo (red)', 'note (words)'] },
    );
    const { result } = await judgeWindow({ profile: profileOf(photo), values }, source, KS);
    expect(result.newColumns).toEqual(['photo (red)', 'note (words)']);
    expect(result.columns.map(({ name }) => name)).toEqual(['photo', 'photo (brightness)']);
  });

  it('of pictures that are hidden is not known', async () => {
    const { result } = await judgeWindow({ profile: profileOf(photo, numberColumn('photo (brightness)')) }, given({}), {
      ...KS,
      columns: ['photo'],
      hidden: new Set(['photo']),
    });
    expect(result.columns).toMatchObject([
      {
        name: 'photo',
        status: 'skipped',
        reason: expect.stringMatching(/^The predictions are logged without its values.*says\.$/) as string,
      },
    ]);
  });
});

describe('several comparisons as one', () => {
  const result = (over: Partial<DriftResult>): DriftResult => ({
    drifted: false,
    driftScore: 0,
    rows: 400,
    rowsReference: 1_000,
    enoughRows: true,
    driftedColumns: [],
    columns: [],
    newColumns: [],
    options: { rowsMin: 100, columnsMin: 1, missing: 0.1, agree: 'all', correction: 'none', pool: 1, tests: [], columns: {} },
    summary: '',
    ...over,
  });
  const column = (name: string, status: 'compared' | 'skipped' = 'compared') => ({ name, status }) as DriftResult['columns'][number];
  const joint = (test: string, drifted: boolean) => ({ test, drifted }) as JointDrift;
  const rules = { rowsMin: 100, columnsMin: 2 };

  it('count drifted columns together, and have all columns', () => {
    const both = conclude(
      [
        result({ driftedColumns: ['a'], columns: [column('a'), column('b', 'skipped')], driftScore: 0.3, rows: 300, newColumns: ['x'] }),
        result({ driftedColumns: ['c'], columns: [column('c')], driftScore: 0.7, rowsReference: 5, newColumns: ['y'] }),
      ],
      rules,
    );
    expect(both).toMatchObject({
      drifted: true,
      driftScore: 0.7,
      rows: 400,
      rowsReference: 1_000,
      enoughRows: true,
      driftedColumns: ['a', 'c'],
      newColumns: ['x', 'y'],
      summary: 'Drift in 2 of 2 compared columns over 400 rows: a, c.',
    });
    expect(both.columns.map(({ name }) => name)).toEqual(['a', 'b', 'c']);
    expect(both).not.toHaveProperty('joint');
    const one = conclude([result({ driftedColumns: ['a'], columns: [column('a')] }), result({ columns: [column('c')] })], rules);
    expect(one).toMatchObject({ drifted: false, summary: '1 of 2 compared columns drifted over 400 rows: a; 2 are needed.' });
  });

  it('do not hear what has too few rows', () => {
    const few = result({
      enoughRows: false,
      driftedColumns: ['a', 'b'],
      driftScore: 9,
      columns: [column('a'), column('b')],
      rows: 50,
      joint: [joint('mmd', true)],
    });
    const both = conclude([few, result({ columns: [column('c')], driftScore: 0.2 })], rules);
    expect(both).toMatchObject({
      drifted: false,
      driftScore: 0.2,
      driftedColumns: [],
      enoughRows: true,
      rows: 400,
      summary: 'No drift in 1 compared columns over 400 rows.',
    });
    expect(both.columns).toHaveLength(3);
    expect(both.joint).toHaveLength(1);
    expect(conclude([few, few], rules)).toMatchObject({
      drifted: false,
      enoughRows: false,
      driftScore: 0,
      summary: 'No verdict: 50 rows, and at least 100 are needed.',
    });
  });

  it('have drifted where one test of whole rows says so', () => {
    const both = conclude(
      [result({ joint: [joint('mmd', false), joint('classifier', true)] }), result({ joint: [joint('mmd', true)] })],
      rules,
    );
    expect(both).toMatchObject({
      drifted: true,
      summary: 'No drift in 0 compared columns over 400 rows. Drift of whole rows by classifier and mmd.',
    });
    expect(both.joint).toHaveLength(3);
    expect(conclude([result({ joint: [joint('mmd', false)] }), result({})], rules)).toMatchObject({
      drifted: false,
      summary: 'No drift in 0 compared columns over 400 rows.',
    });
  });

  it('keep the rules of every column', () => {
    const own = (name: string) => ({ [name]: { missing: 0.5, agree: 'any' as const, tests: [] } });
    const [first, second] = [result({}), result({})];
    const both = conclude(
      [
        { ...first, options: { ...first.options, columns: own('a') } },
        { ...second, options: { ...second.options, missing: 1, columns: own('b') } },
      ],
      rules,
    );
    expect(both.options).toEqual({ ...first.options, columns: { ...own('a'), ...own('b') } });
  });
});
