import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Prng } from '../../../src/core/prng.ts';
import { scenarioRegistry } from '../../../src/simulation/scenarios/index.generated.ts';
import { defineScenario } from '../../../src/simulation/scenarios/scenario.ts';
import type { WorldOfDay } from '../../../src/simulation/scenarios/scenario.ts';
import { Feed } from '../../../src/simulation/stream/feed.ts';
import { generatedStream } from '../../../src/simulation/stream/generated-stream.ts';
import { Oracle } from '../../../src/simulation/stream/oracle.ts';
import type { Stream } from '../../../src/simulation/stream/stream.ts';
import { tableStream } from '../../../src/simulation/stream/table-stream.ts';
import { refuseNumbers } from '../../../src/simulation/stream/table.ts';
import type { SourceTable } from '../../../src/simulation/stream/table.ts';
import { tempDir } from '../../support/temp-dir.ts';

/** `a` tells the label well, `b` hardly, `c` not at all. */
function tableOf(rows = 2_000): SourceTable {
  const random = new Prng('table', 1);
  return {
    columns: [
      { name: 'a', kind: 'number' },
      { name: 'b', kind: 'integer' },
      { name: 'c', kind: 'text' },
      { name: 'label', kind: 'text' },
    ],
    rows: Array.from({ length: rows }, () => {
      const yes = random.uniform() < 0.25;
      return {
        a: random.normal() + (yes ? 3 : 0),
        b: Math.round(10 * random.normal() + (yes ? 4 : 0)),
        c: random.uniform() < 0.5 ? 'x' : 'y',
        label: yes ? 'yes' : 'no',
      };
    }),
  };
}

const base = { days: 10, rowsPerDay: 1_000, seed: 1, label: 'label', times: [], excluded: [] };
const streamOf = (world: WorldOfDay, more: Partial<typeof base> = {}): Stream =>
  generatedStream(tableOf(), {
    ...base,
    ...more,
    scenario: defineScenario({ name: 'one', summary: 'One.', numbers: 0, day: (day) => (day === 1 ? world : { words: '' }) }),
  });
const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
const column = (stream: Stream, day: number, name: string): number[] => stream.rows(day).map(({ row }) => row[name] as number);

describe('a generated stream', () => {
  it('is the same each time, and another one for another seed and day', () => {
    const stream = streamOf({ words: '' });
    expect(stream.rows(3)).toEqual(streamOf({ words: '' }).rows(3));
    expect(stream.rows(3)).not.toEqual(stream.rows(4));
    expect(stream.rows(3)).not.toEqual(streamOf({ words: '' }, { seed: 2 }).rows(3));
  });

  it('shifts the column that tells most by its standard deviations, and leaves the others', () => {
    const stream = streamOf({ shifts: [2], words: 'shifted' });
    const deviation = Math.sqrt(1 + 9 * 0.25 * 0.75);
    expect(mean(column(stream, 1, 'a')) - mean(column(stream, 0, 'a'))).toBeCloseTo(2 * deviation, 0);
    expect(Math.abs(mean(column(stream, 1, 'b')) - mean(column(stream, 0, 'b')))).toBeLessThan(1.5);
    expect(column(stream, 1, 'b').every(Number.isInteger)).toBe(true);
  });

  it('makes classes rarer, and columns empty or of another unit', () => {
    const rarer = streamOf({ classes: [0.25], words: '' });
    const share = (day: number): number => mean(rarer.rows(day).map(({ label }) => (label === 'no' ? 1 : 0)));
    expect(share(0)).toBeCloseTo(0.75, 1);
    expect(share(1)).toBeCloseTo(0.43, 1);
    expect(column(streamOf({ broken: { column: 0, how: 'missing' }, words: '' }), 1, 'a').every((value) => value === null)).toBe(true);
    expect(Math.max(...column(streamOf({ broken: { column: 0, how: 'unit' }, words: '' }), 1, 'a'))).toBeGreaterThan(1_000);
  });

  it('refuses a scenario that the table has too few numbers for', () => {
    const table = tableOf(50);
    const scenario = scenarioRegistry.get('year');
    expect(() =>
      generatedStream({ columns: table.columns.filter(({ name }) => name !== 'b'), rows: table.rows }, { ...base, scenario }),
    ).toThrow('The scenario "year" changes 2 columns of numbers; the table of the document has 1.');
  });
});

describe('a table as a stream', () => {
  const table: SourceTable = {
    columns: [
      { name: 'at', kind: 'time' },
      { name: 'a', kind: 'number' },
      { name: 'label', kind: 'text' },
    ],
    rows: [
      ['2026-01-03 12:00:00', 3],
      ['2026-01-01', 1],
      ['2026-01-01T23:59:59Z', 2],
      ['2026-01-05T01:00:00+02:00', 4],
    ].map(([at, a]) => ({ at: at!, a: a!, label: 'x' })),
  };
  const settings = { name: 't.csv', time: 'at', history: 1, days: 100, label: 'label', times: [], excluded: [] };

  it('gives the rows of each day, by their own time, the first days as known', () => {
    const stream = tableStream(table, settings);
    expect(stream.days).toBe(3);
    expect([-1, 0, 1, 2].map((day) => stream.rows(day).map(({ row }) => row['a']))).toEqual([[1, 2], [], [3], [4]]);
    expect(stream.rows(1)[0]!.at).toBe(0.5);
    expect(stream.features).toEqual([{ name: 'a', numeric: true }]);
  });

  it('says what is wrong with it', () => {
    expect(() => tableStream(table, { ...settings, time: 'when' })).toThrow('The table has no column "when"; it has at, a, label.');
    expect(() => tableStream(table, { ...settings, history: 9 })).toThrow('none is left to play');
    expect(() => tableStream({ ...table, rows: [{ at: 'soon', a: 1, label: 'x' }] }, settings)).toThrow(
      'Row 1 of the table has "soon" as "at"',
    );
  });
});

it('takes classes alone', () => {
  expect(() => refuseNumbers(tableOf(50), 'label')).not.toThrow();
  expect(() => refuseNumbers(tableOf(50), 'a')).toThrow('"a" is a number, and answers are judged as right or wrong');
  expect(() => refuseNumbers(tableOf(200), 'b')).toThrow('"b" is a number');
});

describe('the feed', () => {
  it('is a CSV file of what is known, with times of the simulation', () => {
    const path = join(tempDir('feed'), 'stream.csv');
    const stream: Stream = { ...streamOf({ words: '' }), columns: ['c', 'at', 'label'], times: ['at'] };
    const feed = new Feed(path, stream, Date.parse('2026-02-01T00:00:00Z'));
    const rows = [
      { row: { c: 'a "b", c' }, label: 'no', at: 0.5 },
      { row: { c: null }, label: 'yes', at: 0 },
    ];
    feed.add(-1, rows);
    const right = 'c,at,label\n"a ""b"", c",2026-01-31T12:00:00.000Z,no\n,2026-01-31T00:00:00.000Z,yes\n';
    expect(readFileSync(path, 'utf8')).toBe(right);
    const mend = feed.mislabel([{ day: -1, rows }], ['no', 'yes']);
    expect(readFileSync(path, 'utf8')).toContain('12:00:00.000Z,yes\n');
    mend();
    expect(readFileSync(path, 'utf8')).toBe(right);
  });
});

describe('the oracle', () => {
  it('is about as good as one can be, and follows a shift', () => {
    const stream = streamOf({ words: '' }, { rowsPerDay: 500 });
    const oracle = new Oracle(stream, stream.rows(-1), 1, 3);
    oracle.know(-1, stream.rows(-1));
    oracle.learn(0);
    const steady = mean([2, 3, 4, 5].map((day) => oracle.right(stream.rows(day))));
    // Of two normal distributions three deviations apart, a quarter to three quarters, 94 % can be told; the spread takes some of it.
    expect(steady).toBeGreaterThan(0.91);
    const moved = (day: number) => stream.rows(day).map(({ row, ...rest }) => ({ ...rest, row: { ...row, a: (row['a'] as number) + 3 } }));
    const before = oracle.right(moved(5));
    for (let day = 1; day < 6; day += 1) {
      oracle.know(day - 1, moved(day - 1));
      oracle.learn(day);
    }
    expect(before).toBeLessThan(0.8);
    expect(oracle.right(moved(6))).toBeGreaterThan(0.91);
  });
});
