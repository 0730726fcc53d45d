import { describe, expect, it } from 'vitest';
import { encodeRows } from '../../../src/monitoring/joint/encode-rows.ts';
import { RowReservoir, drawPlaces, thinnedRows } from '../../../src/monitoring/joint/row-sample.ts';
import type { RowSample, SampledValues } from '../../../src/monitoring/joint/row-sample.ts';

const sample = (columns: Record<string, number[] | (string | null)[]>): RowSample => {
  const all = Object.entries(columns).map(([name, values]): [string, SampledValues] => [
    name,
    values.every((value) => typeof value === 'number') ? Float64Array.from(values as number[]) : (values as (string | null)[]),
  ]);
  const rows = all[0]![1].length;
  return { rows, of: rows, columns: new Map(all) };
};
const rowsOf = ({ rows, width, values }: { rows: number; width: number; values: Float64Array }): number[][] =>
  Array.from({ length: rows }, (_, row) => [...values.subarray(row * width, (row + 1) * width)]);

describe('rows as numbers', () => {
  it('are numbers in deviations of the reference, missing ones at its mean with a sign of their own', () => {
    const { reference, current } = encodeRows(sample({ x: [0, 4, 0, 4] }), sample({ x: [8, NaN] }), ['x']);
    expect(rowsOf(reference)).toEqual([
      [-1, 0],
      [1, 0],
      [-1, 0],
      [1, 0],
    ]);
    expect(rowsOf(current)).toEqual([
      [3, 0],
      [0, 1],
    ]);
  });

  it('have a place for each frequent category, one for all others, and one for none', () => {
    const then = [...new Array<string>(150).fill('a'), ...new Array<string>(149).fill('b'), 'rare'];
    const { reference, current, columns } = encodeRows(sample({ c: then }), sample({ c: ['a', 'b', 'rare', 'new', null] }), ['c']);
    expect(columns).toEqual(['c']);
    expect(rowsOf(reference)[299]).toEqual([0, 0, 1, 0]);
    expect(rowsOf(current)).toEqual([
      [1, 0, 0, 0],
      [0, 1, 0, 0],
      [0, 0, 1, 0],
      [0, 0, 1, 0],
      [0, 0, 0, 1],
    ]);
  });

  it('are finite for constants, nothing at all and the largest numbers', () => {
    const big = Number.MAX_VALUE;
    const { reference, current, columns, leftOut } = encodeRows(
      sample({ one: [7, 7, 7], none: [NaN, NaN, NaN], big: [big, -big, 0], same: [1, 1, 1], gone: [1, 2, 3] }),
      sample({ one: [7, 8, NaN], none: [NaN, 1, 2], big: [big, big, -big], same: [1, 1, 1] }),
      ['one', 'none', 'big', 'same', 'gone', 'unknown'],
    );
    for (const { values } of [reference, current]) expect(values.every(Number.isFinite)).toBe(true);
    expect(rowsOf(current).map(([value]) => value)).toEqual([0, 1, 0]);
    expect(columns).toEqual(['one', 'none', 'big']);
    expect(leftOut).toEqual([
      { name: 'same', reason: 'the same in all rows' },
      { name: 'gone', reason: 'no current row has it' },
      { name: 'unknown', reason: 'the training had no values of it' },
    ]);
  });

  it('take so many numbers and no more, and say which columns are beyond', () => {
    const wide = Object.fromEntries(Array.from({ length: 1_005 }, (_, at) => [`c${at}`, [at, at + 1]]));
    const { reference, leftOut } = encodeRows(sample(wide), sample(wide), Object.keys(wide));
    expect([reference.width, leftOut.length, leftOut[0]]).toEqual([1_000, 5, { name: 'c1000', reason: 'beyond 1000 numbers a row' }]);
  });
});

describe('some of many rows', () => {
  it('are the same ones each time, each with the same chance', () => {
    expect([...drawPlaces(3, 5)]).toEqual([0, 1, 2]);
    expect([...drawPlaces(0, 5)]).toEqual([]);
    const places = drawPlaces(1_000_000, 1_000);
    expect([...drawPlaces(1_000_000, 1_000)]).toEqual([...places]);
    expect(new Set(places).size).toBe(1_000);
    const mean = places.reduce((sum, place) => sum + place, 0) / 1_000;
    expect(Math.abs(mean - 500_000)).toBeLessThan(5 * (1_000_000 / Math.sqrt(12 * 1_000)));
    expect(thinnedRows(sample({ x: [5, 6, 7] }), 2).columns.get('x')).toHaveLength(2);
  });

  it('of a stream keep their columns together', () => {
    const reservoir = new RowReservoir(
      {
        most: 50,
        columns: [
          { name: 'a', type: 'number', numeric: true },
          { name: 'b', type: 'string', numeric: false },
          { name: 'c', type: 'number', numeric: true },
        ],
      },
      undefined,
    );
    for (let row = 0; row < 5_000; row += 1) reservoir.add({ a: row, b: `row ${row}` });
    reservoir.add({ a: 'x', b: null });
    const { rows, of, columns } = reservoir.finish();
    expect([rows, of, [...columns.keys()]]).toEqual([50, 5_001, ['a', 'b']]);
    const [a, b] = [columns.get('a') as Float64Array, columns.get('b') as (string | null)[]];
    a.forEach((value, at) => expect(b[at]).toBe(Number.isNaN(value) ? null : `row ${value}`));
    expect(a.some((value) => value > 2_000)).toBe(true);
  });
});
