import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import type { Json } from '../../../src/core/json.ts';
import { applyChain, applyWholeChain, parseChain } from '../../../src/data/preprocess/chain.ts';
import type { TransformSpec } from '../../../src/data/preprocess/chain.ts';
import type { ColumnData, NumberData, VectorData } from '../../../src/data/transforms/column-data.ts';
import { withDatabase } from '../../../src/data/table/duckdb.ts';
import { profileTable } from '../../../src/data/table/profile.ts';

interface Golden {
  readonly train: number[];
  readonly fresh: number[];
  readonly missing: (number | null)[];
  readonly categories: string[];
  readonly unseen: string[];
  readonly frequent: string[];
  readonly standardize: number[];
  readonly minMax: number[];
  readonly minMaxWide: number[];
  readonly robust: number[];
  readonly log1p: number[];
  readonly imputeMean: number;
  readonly imputeMedian: number;
  readonly imputeMostFrequent: string;
  readonly oneHot: number[];
  readonly oneHotCategories: string[];
  readonly ordinal: number[];
  readonly quantileBins: number[];
  readonly widthBins: number[];
  readonly tail: number[];
  readonly tailFresh: number[];
  readonly yeoJohnsonLambda: number;
  readonly yeoJohnson: number[];
  readonly yeoJohnsonPlain: number[];
  readonly quantileNormal: number[];
  readonly quantileUniform: number[];
  readonly near: number[];
  readonly nearStandardize: number[];
  readonly nearMinMax: number[];
  readonly nearRobust: number[];
  readonly nearSpread: number[];
  readonly nearSpreadStandardize: number[];
  readonly nearSpreadMinMax: number[];
  readonly nearSpreadRobust: number[];
  readonly marked: number[];
  readonly moments: string[];
  readonly dateParts: number[];
  readonly datePartsScaled: number[];
  readonly cycles: number[];
  readonly profile: { readonly mean: number; readonly std: number; readonly deciles: number[]; readonly counts: number[] };
}

const golden = JSON.parse(readFileSync(new URL('transforms.json', import.meta.url), 'utf8')) as Golden;
const numbers = (values: readonly (number | null)[]): NumberData => ({
  kind: 'number',
  values: Float64Array.from(values, (value) => value ?? Number.NaN),
});
const texts = (values: readonly (string | null)[]): ColumnData => ({ kind: 'text', values });

/** Fits one transform on `train`, split into two batches, and applies it to `fresh`. */
async function run(spec: TransformSpec, train: ColumnData, fresh: ColumnData): Promise<{ data: ColumnData; state: Json }> {
  const [link] = parseChain([spec], 'x');
  const scope = { column: 'x', seed: 1, firstRow: 0 };
  let state: Json = null;
  if (link!.definition.fit !== undefined) {
    const fitter = link!.definition.fit(link!.config, { ...scope, kind: train.kind });
    const half = train.kind === 'number' ? [numbers([...train.values.slice(0, 31)]), numbers([...train.values.slice(31)])] : [train];
    for (const part of half) fitter.add(part);
    state = JSON.parse(JSON.stringify(fitter.finish())) as Json;
  }
  return { data: await applyChain(fresh, [{ ...link!, state }], scope), state };
}

function close(actual: ArrayLike<number>, expected: readonly number[], digits = 10): void {
  expect(actual.length).toBe(expected.length);
  expected.forEach((value, index) => expect(actual[index]).toBeCloseTo(value, digits));
}

test.each([
  ['standardize', golden.standardize],
  ['minMax', golden.minMax],
  ['robust', golden.robust],
  [{ minMax: [-1, 1] }, golden.minMaxWide],
  [{ bucketize: { bins: 5, encode: 'ordinal' } }, golden.quantileBins],
  [{ bucketize: { bins: 5, by: 'width', encode: 'ordinal' } }, golden.widthBins],
] as [TransformSpec, number[]][])('%j gives the numbers of scikit-learn', async (spec, expected) => {
  const { data } = await run(spec, numbers(golden.train), numbers(golden.fresh));
  close((data as NumberData).values, expected);
});

test('log1p gives the numbers of NumPy', async () => {
  const { data } = await run('log1p', numbers([]), numbers(golden.fresh.map(Math.abs)));
  close((data as NumberData).values, golden.log1p, 12);
});

test('yeoJohnson learns the power of PowerTransformer and gives its numbers', async () => {
  const { data, state } = await run('yeoJohnson', numbers(golden.tail), numbers(golden.tailFresh));
  expect((state as { lambda: number }).lambda).toBeCloseTo(golden.yeoJohnsonLambda, 5);
  // The minimum is flat: λ is known to half the digits of a double, in scikit-learn too.
  golden.yeoJohnson.forEach((value, row) => expect((data as NumberData).values[row]).toBeCloseTo(value, 4));
  const plain = (await run({ yeoJohnson: { standardize: false } }, numbers(golden.tail), numbers(golden.tailFresh))).data as NumberData;
  golden.yeoJohnsonPlain.forEach((value, row) => expect(Math.abs(plain.values[row]! - value)).toBeLessThanOrEqual(1e-4 * Math.abs(value)));
});

test.each([
  ['quantile', golden.quantileNormal],
  [{ quantile: { output: 'uniform', quantiles: 50 } }, golden.quantileUniform],
] as [TransformSpec, number[]][])('%j gives the numbers of QuantileTransformer', async (spec, expected) => {
  const { data } = await run(spec, numbers(golden.tail), numbers(golden.tailFresh));
  close((data as NumberData).values, expected, 7);
});

test.each(['yeoJohnson', 'quantile'])('%s is turned back', async (name) => {
  const { data, state } = await run(name, numbers(golden.tail), numbers(golden.tail));
  const [link] = parseChain([name], 'x');
  const back = link!.definition.invert!(data as NumberData, link!.config, state) as NumberData;
  // Shares near 1 have few digits left for what lies in the tail.
  golden.tail.forEach((value, row) => expect(Math.abs(back.values[row]! - value)).toBeLessThanOrEqual(1e-5 * Math.abs(value) + 1e-9));
});

test.each([
  ['standardize', 'near', golden.nearStandardize],
  ['minMax', 'near', golden.nearMinMax],
  ['robust', 'near', golden.nearRobust],
  ['standardize', 'nearSpread', golden.nearSpreadStandardize],
  ['minMax', 'nearSpread', golden.nearSpreadMinMax],
  ['robust', 'nearSpread', golden.nearSpreadRobust],
] as [string, 'near' | 'nearSpread', number[]][])(
  '%s takes %s for constant, or not, as scikit-learn does',
  async (name, values, expected) => {
    const { data } = await run(name, numbers(golden[values]), numbers(golden[values]));
    close((data as NumberData).values, expected, 7);
  },
);

test('a mark of missing values stays 0 or 1 beside values that are scaled', async () => {
  const [impute, standardize] = parseChain([{ impute: { strategy: 'median', indicator: true } }, 'standardize'], 'x');
  const scope = { column: 'x', seed: 1, firstRow: 0, kind: 'number' } as const;
  const learn = async (link: typeof impute, data: ColumnData): Promise<Json> => {
    const fitter = link!.definition.fit!(link!.config, scope);
    fitter.add(data);
    return fitter.finish() as Json;
  };
  const first = { ...impute!, state: await learn(impute, numbers(golden.missing)) };
  const filled = await applyChain(numbers(golden.missing), [first], scope);
  const second = { ...standardize!, state: await learn(standardize, filled) };
  const whole = (await applyWholeChain(numbers(golden.missing), [first, second], scope)) as VectorData;
  expect(whole).toMatchObject({ kind: 'vector', width: 2, parts: ['', 'missing'] });
  close(whole.values, golden.marked, 5);
});

test('dateParts gives the parts of pandas, scaled those of StandardScaler, and cycles', async () => {
  const moments: ColumnData = { kind: 'timestamp', values: Float64Array.from(golden.moments, (text) => Date.parse(text)) };
  const parts = ['year', 'month', 'day', 'dayOfWeek', 'hour', 'minute', 'time'];
  const plain = (await run({ dateParts: parts }, moments, moments)).data as VectorData;
  expect(plain.parts).toEqual(parts);
  golden.dateParts.forEach((value, at) => expect(plain.values[at]! / value || 1).toBeCloseTo(1, 6));
  close(((await run({ dateParts: { parts, scale: true } }, moments, moments)).data as VectorData).values, golden.datePartsScaled, 5);
  const cycles = (await run({ dateParts: { parts: [], cycles: ['year', 'day'] } }, moments, moments)).data as VectorData;
  expect(cycles.parts).toEqual(['sin year', 'cos year', 'sin day', 'cos day']);
  close(cycles.values, golden.cycles, 5);
});

test('impute learns what SimpleImputer learns', async () => {
  const fill = async (strategy: string, train: ColumnData) =>
    ((await run({ impute: strategy }, train, train)).state as { value: number | string }).value;
  expect(await fill('mean', numbers(golden.missing))).toBeCloseTo(golden.imputeMean, 10);
  expect(await fill('median', numbers(golden.missing))).toBeCloseTo(golden.imputeMedian, 10);
  expect(await fill('mostFrequent', texts(golden.frequent))).toBe(golden.imputeMostFrequent);
});

test('oneHot and ordinal encode as scikit-learn does, an unknown category as zeros', async () => {
  const { data, state } = await run('oneHot', texts(golden.categories), texts(golden.unseen));
  expect((state as { categories: string[] }).categories).toEqual(golden.oneHotCategories);
  close((data as VectorData).values, golden.oneHot);
  const ordinal = await run('ordinal', texts(golden.categories), texts(['green', 'red', 'blue']));
  close((ordinal.data as NumberData).values, golden.ordinal);
});

test('the profile has the moments, deciles and counts of pandas and NumPy', async () => {
  const profile = await withDatabase(async (db) => {
    await db.run(
      `CREATE TEMP TABLE t AS SELECT * FROM (VALUES ${golden.train.map((value) => `(CAST('${value}' AS DOUBLE))`).join(', ')}) v(x)`,
    );
    return profileTable(db, 't', [{ name: 'x', type: 'number', sql: 'x' }]);
  });
  const number = profile.columns[0]!.number!;
  expect(number.mean).toBeCloseTo(golden.profile.mean, 10);
  expect(number.std).toBeCloseTo(golden.profile.std, 10);
  close(number.edges, golden.profile.deciles);
  expect(number.counts).toEqual(golden.profile.counts);
  expect(number.sample).toEqual([...golden.train].sort((a, b) => a - b));
});
