import { expect, test } from 'vitest';
import type { ColumnData } from '../../../src/data/transforms/column-data.ts';
import { applyChain, parseChain } from '../../../src/data/preprocess/chain.ts';

const text = (...values: (string | null)[]): ColumnData => ({ kind: 'text', values });
const scope = { column: 'region', seed: 1, firstRow: 0 };

/** Ids of values after learning the categories of others. */
async function idsOf(setting: object, learnt: ColumnData, data: ColumnData): Promise<{ ids: number[]; size: number }> {
  const [link] = parseChain([{ lookup: setting as never }], 'region');
  const fitter = link!.definition.fit!(link!.config, { ...scope, kind: learnt.kind });
  fitter.add(learnt);
  const result = await applyChain(data, [{ ...link!, state: fitter.finish() }], scope);
  if (result.kind !== 'tokens') throw new Error(result.kind);
  return { ids: [...result.values], size: result.vocabularySize };
}

test('categories get ids from 2, in order; missing is 0, unknown 1', async () => {
  expect(await idsOf({}, text('b', 'a', 'b', null), text('a', 'b', null, 'new'))).toEqual({ ids: [2, 3, 0, 1], size: 4 });
  expect(
    await idsOf({}, { kind: 'number', values: Float64Array.of(10, 9, Number.NaN) }, { kind: 'number', values: Float64Array.of(9, 10, 11) }),
  ).toEqual({ ids: [2, 3, 1], size: 4 });
});

test('rare categories share the id of unknown ones, or unknown ones are refused', async () => {
  expect(await idsOf({ maximum: 1 }, text('b', 'a', 'b'), text('a', 'b'))).toEqual({ ids: [1, 2], size: 3 });
  await expect(idsOf({ unknown: 'error' }, text('a'), text('a', 'z'))).rejects.toMatchObject({
    code: 'DATA_INVALID',
    message: expect.stringContaining('row 1, column "region": the category "z" is unknown'),
  });
});
