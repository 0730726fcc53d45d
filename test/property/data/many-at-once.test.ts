import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Prng } from '../../../src/core/prng.ts';
import { keepingPass } from '../../../src/data/preprocess/thread-work.ts';
import { QuantileSketch } from '../../../src/data/table/quantiles.ts';
import { codedText } from '../../../src/data/transforms/column-data.ts';
import type { ColumnData } from '../../../src/data/transforms/column-data.ts';
import { Moments, countCategories, finiteOf, numbersOfCategories } from '../../../src/data/transforms/transform.ts';

const batches = fc.array(fc.float64Array({ noNaN: true, noDefaultInfinity: true, maxLength: 40 }), { maxLength: 6 });

test('values that are added at once give what they give one by one, to the bit', () => {
  fc.assert(
    fc.property(batches, fc.integer({ min: 1, max: 50 }), (given, limit) => {
      const [one, all] = [new Moments(), new Moments()];
      const [kept, keptAll] = [new QuantileSketch(3, limit), new QuantileSketch(3, limit)];
      for (const values of given) {
        for (const value of values) {
          one.add(value);
          kept.add(value);
        }
        all.addAll(values);
        keptAll.addAll(values);
      }
      expect([all.count, all.mean, all.std, all.min, all.max]).toEqual([one.count, one.mean, one.std, one.min, one.max]);
      expect(keptAll.count).toBe(kept.count);
      expect(keptAll.sorted()).toEqual(kept.sorted());
    }),
  );
});

test('numbers are drawn evenly below a bound: what lies above its last multiple is drawn again', () => {
  const asDefined = (random: Prng, bound: number): number => {
    const limit = 2 ** 32 - (2 ** 32 % bound);
    let value = random.uint32();
    while (value >= limit) value = random.uint32();
    return value % bound;
  };
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 2 ** 32 }), fc.integer(), (bound, seed) => {
      const [one, other] = [new Prng('below', seed), new Prng('below', seed)];
      for (let draw = 0; draw < 20; draw += 1) expect(one.below(bound)).toBe(asDefined(other, bound));
    }),
  );
});

test('finite values are all but the missing ones, and infinite ones are refused', () => {
  const values = Float64Array.of(1, Number.NaN, -2, Number.NaN);
  expect(finiteOf({ kind: 'number', values }, 'x')).toEqual(Float64Array.of(1, -2));
  expect(values).toEqual(Float64Array.of(1, Number.NaN, -2, Number.NaN));
  expect(() => finiteOf({ kind: 'number', values: Float64Array.of(1, Number.NEGATIVE_INFINITY) }, 'x')).toThrow(/"x" holds -Infinity/);
});

/** Categories as they are defined: by the shortest text of each value. */
function named(data: ColumnData): (string | null)[] {
  const { values } = data as { readonly values: ArrayLike<string | number | null> };
  return Array.from(values, (value) => (value === null || Number.isNaN(value) ? null : String(value)));
}

const numbers = fc.array(fc.oneof(fc.integer({ min: -2, max: 300 }), fc.constantFrom(-0, 0.5, Number.NaN, 2 ** 31, 1e300)), {
  maxLength: 30,
});
const small = fc.array(fc.integer({ min: 0, max: 5 }), { maxLength: 30 });
const codes = fc.array(fc.integer({ min: -1, max: 3 }), { maxLength: 30 });
const columns = fc.oneof(
  fc.oneof(numbers, small).map((values): ColumnData => ({ kind: 'number', values: Float64Array.from(values) })),
  codes.map((values): ColumnData => codedText(Int32Array.from(values), ['a', '', 'ä', '1'])),
);

test('categories are counted and numbered by their texts, each asked for at its first row', () => {
  fc.assert(
    fc.property(columns, (data) => {
      const names = named(data);
      const counts = new Map<string, number>();
      expect(countCategories(data, counts)).toBe(names.indexOf(null));
      const wanted = new Map<string, number>();
      for (const name of names) if (name !== null) wanted.set(name, (wanted.get(name) ?? 0) + 1);
      expect([...counts]).toEqual([...wanted]);
      const asked: (readonly [string | null, number])[] = [];
      const found = numbersOfCategories(data, (name, row) => asked.push([name, row]));
      expect(asked).toEqual([...new Set(names)].map((name) => [name, names.indexOf(name)]));
      expect([...found]).toEqual(names.map((name) => asked.findIndex(([each]) => each === name) + 1));
    }),
  );
});

test('columns that are asked for again are read once, where memory is meant for them', async () => {
  const read: string[][] = [];
  async function* pass(names: readonly string[]) {
    read.push([...names]);
    for (const firstRow of [0, 2])
      yield {
        firstRow,
        columns: new Map(names.map((name): [string, ColumnData] => [name, { kind: 'number', values: Float64Array.of(firstRow, 1) }])),
      };
  }
  const all = async (batches: ReturnType<typeof pass>) => {
    const found = [];
    for await (const batch of batches) found.push([batch.firstRow, [...batch.columns.keys()], [...batch.columns.values()]]);
    return found;
  };
  const kept = keepingPass(pass, ['a']);
  await all(kept(['a', 'b']) as never);
  expect(await all(kept(['a']) as never)).toEqual(await all(pass(['a'])));
  expect(read).toEqual([['a', 'b'], ['a']]);
  const small = keepingPass(pass, ['a'], 31);
  await all(small(['a']) as never);
  await all(small(['a']) as never);
  expect(read).toHaveLength(4);
});
