import type { NumberData } from './column-data.ts';
import { countCategories, defineTransform, numbersOfCategories, requireValues } from './transform.ts';
import { unknownCategory } from './shared/categories.ts';

interface Config {
  readonly order?: readonly string[];
  readonly unknown: 'error' | number;
}

export default defineTransform<Config, { categories: string[] }>({
  name: 'ordinal',
  summary: 'The position of the category, from 0: in the given order, else sorted.',
  configSchema: {
    oneOf: [
      { type: 'array', items: { type: 'string' }, minItems: 1, description: 'The categories in their order.' },
      {
        type: 'object',
        additionalProperties: false,
        properties: {
          order: {
            type: 'array',
            items: { type: 'string' },
            minItems: 1,
            description: 'The categories in their order. Left out: those of the train split, sorted.',
            examples: [['low', 'middle', 'high']],
          },
          unknown: {
            oneOf: [{ const: 'error' }, { type: 'number' }],
            default: 'error',
            description: 'An unknown category: refused, or this number.',
          },
        },
      },
    ],
    default: {},
    description: 'Positions of categories.',
    examples: [['low', 'middle', 'high'], { unknown: -1 }],
  },
  examples: [['low', 'middle', 'high'], { unknown: -1 }],
  takes: ['text', 'number'],
  gives: () => 'number',
  resolve: (value) =>
    Array.isArray(value) ? { order: value as string[], unknown: 'error' } : { unknown: 'error', ...(value as object | null) },
  fit: ({ order }, { column, kind }) => {
    const seen = new Map<string, number>();
    return {
      add: (data) => {
        countCategories(data, seen);
      },
      finish: () => {
        if (order !== undefined) return { categories: [...order] };
        requireValues(seen.size, column, 'its categories');
        return { categories: kind === 'number' ? [...seen.keys()].sort((a, b) => Number(a) - Number(b)) : [...seen.keys()].sort() };
      },
    };
  },
  apply: (data, { unknown }, { categories }, { column, firstRow }) => {
    const index = new Map(categories.map((category, at) => [category, at]));
    const values = numbersOfCategories(data, (name, row) => {
      if (name === null) return Number.NaN;
      const at = index.get(name);
      if (at !== undefined) return at;
      if (unknown !== 'error') return unknown;
      throw unknownCategory(firstRow + row, column, name, categories, 'Add it to "order", or give {"ordinal": {"unknown": -1}}.');
    });
    return { kind: 'number', values };
  },
  invert: (data, _config, { categories }) => ({
    kind: 'text',
    values: Array.from(
      (data as NumberData).values,
      (value) => categories[Math.min(categories.length - 1, Math.max(0, Math.round(value)))]!,
    ),
  }),
  reference: 'scikit-learn OrdinalEncoder',
});
