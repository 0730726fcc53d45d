import { describe, expect, it } from 'vitest';
import type { Json } from '../../../src/core/json.ts';
import { loadPreprocessor } from '../../../src/data/preprocess/preprocessor.ts';
import type { Preprocessor } from '../../../src/data/stored/dataset.ts';
import { isSlow } from '../../../src/serving/warm-up.ts';
import type { Servable } from '../../../src/serving/servable.ts';

const spec = { name: 'features', shape: [1], dtype: 'float32' };
const standardize = { name: 'standardize', value: null, state: { mean: 3, std: 7 } };

function preprocessorOf(names: readonly string[], transforms: Json[] = [standardize]): Preprocessor {
  const columns = names.map((name) => ({ name, type: 'number', required: true, spec, transforms }));
  return loadPreprocessor({ formatVersion: 1, seed: 1, columns, output: { kind: 'number', name: 'y', width: 1 } });
}

const featuresOf = async (preprocessor: Preprocessor, rows: readonly object[]): Promise<number[]> =>
  Array.from((await preprocessor.apply(rows as Record<string, unknown>[])).features!.data);

describe('rows of numbers', () => {
  it('become the features that the same numbers become as texts, to the bit', async () => {
    const preprocessor = preprocessorOf(['a', 'b']);
    const numbers = [0, -0, 1 / 3, 1e-320, 3.4e38, -123_456.789, 16_777_217];
    const rows = numbers.map((a, index) => ({ a, b: numbers.at(-1 - index)! }));
    const texts = rows.map(({ a, b }) => ({ a: String(a), b: String(b) }));
    expect(await featuresOf(preprocessor, rows)).toEqual(await featuresOf(preprocessor, texts));
  });

  it('take no value from what objects inherit, and are refused in the same words as ever', async () => {
    const plain = preprocessorOf(['a', 'constructor'], []);
    await expect(featuresOf(plain, [{ a: 1 }])).rejects.toThrow('row 0, column "constructor"');
    await expect(featuresOf(plain, [{ a: 1, constructor: 2 }, Object.assign([], { a: 1, constructor: 2 })])).rejects.toThrow('row 1');
    await expect(featuresOf(plain, [{ a: 1, constructor: 2 }, null as unknown as object])).rejects.toThrow('row 1');
    await expect(featuresOf(plain, [{ a: 1, constructor: 1e39 }])).rejects.toThrow('row 0, column "constructor": the value is');
    await expect(featuresOf(plain, [{ a: Number.NaN, constructor: 1 }])).rejects.toThrow('row 0, column "a"');
    await expect(featuresOf(plain, [{ a: 1, constructor: true }])).rejects.toThrow('expected a number, got boolean true');
    expect(await featuresOf(plain, [{ a: 1, constructor: 2 }])).toEqual([1, 2]);
  });
});

describe('a network that answers at once', () => {
  it('is not taken for a slow one while the machine is busy', async () => {
    const slow = (): Promise<Float32Array> => new Promise((resolve) => setTimeout(() => resolve(new Float32Array(1)), 20));
    const servable = (predictNow?: () => Float32Array | undefined): Servable =>
      ({
        preprocessor: preprocessorOf(['a']),
        predictor: { predict: slow, ...(predictNow === undefined ? {} : { predictNow }) },
      }) as unknown as Servable;
    expect(await isSlow(servable(() => new Float32Array(1)))).toBe(false);
    expect(await isSlow(servable(() => undefined))).toBe(true);
    expect(await isSlow(servable())).toBe(true);
  });
});
