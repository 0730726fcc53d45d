import { expect, it } from 'vitest';
import type { JsonObject } from '../../../src/core/json.ts';
import { loadPreprocessor } from '../../../src/data/preprocess/preprocessor.ts';
import { sourceTable } from '../../../src/data/stored/source-values.ts';

type Fitted = readonly [name: string, value: unknown, state: unknown];

const column = (name: string, type: string, width: number, transforms: readonly Fitted[]): object => ({
  name,
  type,
  required: name !== 'gap',
  spec: {
    name: 'features',
    shape: [width],
    dtype: 'float32',
    parts: width === 1 ? [name] : Array.from({ length: width }, (_, at) => `${name} part ${at}`),
  },
  transforms: transforms.map(([transform, value, state]) => ({ name: transform, value, state })),
});

const preprocessor = {
  formatVersion: 1,
  seed: 1,
  output: { kind: 'none', name: '' },
  columns: [
    column('length', 'number', 1, [
      ['impute', 'median', { value: 40 }],
      ['standardize', null, { mean: 44, std: 5.5 }],
    ]),
    column('mass', 'integer', 1, [
      ['clip', [0, 9_000], null],
      ['minMax', [-1, 1], { min: 2_700, max: 6_300 }],
    ]),
    column('price', 'number', 1, [
      ['log1p', null, null],
      ['robust', null, { median: 2, range: 1.5 }],
    ]),
    column('island', 'string', 3, [
      ['lowercase', null, null],
      ['oneHot', null, { categories: ['biscoe', 'dream', 'torgersen'] }],
    ]),
    column('size', 'string', 1, [['ordinal', ['s', 'm', 'l'], { categories: ['s', 'm', 'l'] }]]),
    column('tagged', 'boolean', 1, []),
    column('gap', 'number', 2, [['impute', { indicator: true }, { value: 3 }]]),
    column('angle', 'number', 2, [['cyclical', 360, null]]),
  ],
} as unknown as JsonObject;

it('turns transforms back to rows of the source, and keeps what cannot be turned back', async () => {
  const rows = [
    { length: 39.1, mass: 3_750, price: 12.5, island: 'torgersen', size: 'l', tagged: true, gap: 7, angle: 0 },
    { length: 50.25, mass: 6_300, price: 0, island: 'biscoe', size: 's', tagged: false, gap: null, angle: 90 },
  ];
  const { features } = await loadPreprocessor(preprocessor).apply(rows);
  const table = sourceTable(preprocessor, [features!.spec], features!.data as Float32Array, 2);
  expect(table.columns).toEqual(['length', 'mass', 'price', 'island', 'size', 'tagged', 'gap', 'angle part 0', 'angle part 1']);
  expect(table.kept).toEqual(['angle part 0', 'angle part 1']);
  table.rows.forEach((cells, row) => {
    const [length, mass, price, ...rest] = cells as [number, number, number, ...unknown[]];
    expect(length).toBeCloseTo(rows[row]!.length, 4);
    expect(mass).toBe(rows[row]!.mass);
    expect(price).toBeCloseTo(rows[row]!.price, 4);
    expect(rest.slice(0, 4)).toEqual([rows[row]!.island, rows[row]!.size, String(rows[row]!.tagged), rows[row]!.gap]);
  });
  // What a network makes up is never exact: the nearest category, and nothing beyond what was clipped.
  const made = Float32Array.from([0, 9, 0, 0.2, 0.7, 0.1, 1.6, 0.4, 1, 0.1, 0, 0]);
  expect(sourceTable(preprocessor, [features!.spec], made, 1).rows[0]!.slice(0, 7)).toEqual([
    44,
    9_000,
    expect.closeTo(Math.E ** 2 - 1, 4),
    'dream',
    'l',
    'false',
    1,
  ]);
});
