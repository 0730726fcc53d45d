import { DATA_LIMITS } from '../table/limits.ts';
import { oneHotVector } from './column-data.ts';
import type { VectorData } from './column-data.ts';
import { defineTransform, numbersOfCategories, withDefaults } from './transform.ts';
import { frequentCategories, unknownCategory } from './shared/categories.ts';

interface Config {
  readonly unknown: 'zeros' | 'error';
  readonly maximum: number;
}

export default defineTransform<Config, { categories: string[] }>({
  name: 'oneHot',
  summary: 'One column per category of the train split; an unknown or missing category has 0 in all of them.',
  configSchema: {
    type: 'object',
    additionalProperties: false,
    default: {},
    description: 'One column per category.',
    properties: {
      unknown: {
        enum: ['zeros', 'error'],
        default: 'zeros',
        description: 'A category that the train split does not hold, or a missing one: 0 in all columns, or refused.',
      },
      maximum: {
        type: 'integer',
        minimum: 1,
        maximum: 10_000,
        default: DATA_LIMITS.oneHotCategoriesMax,
        description: 'The most frequent categories that get a column; others count as unknown.',
      },
    },
    examples: [{ unknown: 'error' }],
  },
  examples: [{ unknown: 'zeros', maximum: 1_000 }],
  takes: ['text', 'number'],
  gives: () => 'vector',
  resolve: (value) => withDefaults<Config>({ unknown: 'zeros', maximum: DATA_LIMITS.oneHotCategoriesMax }, value),
  fit: ({ maximum }, { column, kind }) => frequentCategories(maximum, column, kind, 'a column'),
  apply: (data, { unknown }, { categories }, { column, firstRow }) => {
    const index = new Map(categories.map((category, at) => [category, at]));
    const places = numbersOfCategories(data, (name, row) => {
      const at = name === null ? undefined : index.get(name);
      if (at === undefined && unknown === 'error')
        throw unknownCategory(firstRow + row, column, name, categories, 'Use {"oneHot": {"unknown": "zeros"}} to let such rows through.');
      return at ?? -1;
    });
    return oneHotVector(places, categories);
  },
  invert: (data, _config, { categories }) => {
    const { values, width } = data as VectorData;
    return {
      kind: 'text',
      values: Array.from(
        { length: values.length / width },
        (_, row) => categories[largestOf(values.subarray(row * width, (row + 1) * width))]!,
      ),
    };
  },
  reference: 'scikit-learn OneHotEncoder(handle_unknown="ignore")',
});

function largestOf(values: Float32Array): number {
  return values.reduce((top, value, index) => (value > values[top]! ? index : top), 0);
}
