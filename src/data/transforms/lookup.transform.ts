import { defineTransform, numbersOfCategories, withDefaults } from './transform.ts';
import { frequentCategories, unknownCategory } from './shared/categories.ts';

interface Config {
  readonly unknown: 'own' | 'error';
  readonly maximum: number;
}

const DEFAULTS: Config = { unknown: 'own', maximum: 100_000 };

export default defineTransform<Config, { categories: string[] }>({
  name: 'lookup',
  summary:
    'The category as an id for an embedding layer: 0 is a missing category, 1 an unknown one. Makes an input of its own, named by the column.',
  configSchema: {
    type: 'object',
    additionalProperties: false,
    default: {},
    description: 'Ids of categories.',
    properties: {
      unknown: {
        enum: ['own', 'error'],
        default: DEFAULTS.unknown,
        description:
          'A category that the train split does not hold: an id of its own (a missing one has another), or refused, as is a missing one.',
      },
      maximum: {
        type: 'integer',
        minimum: 1,
        maximum: 1_000_000,
        default: DEFAULTS.maximum,
        description: 'The most frequent categories that get an id; others count as unknown.',
      },
    },
    examples: [{ maximum: 1_000 }],
  },
  examples: [{ maximum: 1_000 }, { unknown: 'error' }],
  takes: ['text', 'number'],
  gives: () => 'tokens',
  resolve: (value) => withDefaults(DEFAULTS, value),
  fit: ({ maximum }, { column, kind }) => frequentCategories(maximum, column, kind, 'a number'),
  apply: (data, { unknown }, state, { column, firstRow }) => {
    const index = idsOf(state);
    const ids = numbersOfCategories(data, (name, row) => {
      const id = name === null ? 0 : (index.get(name) ?? 1);
      if (id > 1 || unknown === 'own') return id;
      throw unknownCategory(firstRow + row, column, name, state.categories, 'Use {"lookup": {"unknown": "own"}} to let such rows through.');
    });
    return { kind: 'tokens', length: 1, vocabularySize: state.categories.length + 2, values: new Int32Array(ids) };
  },
  reference: 'Keras StringLookup(mask_token="")',
});

const known = new WeakMap<object, Map<string, number>>();

/** Built once per fitted state: serving applies it to single rows. */
function idsOf(state: { categories: string[] }): Map<string, number> {
  let index = known.get(state);
  if (index === undefined) known.set(state, (index = new Map(state.categories.map((category, at) => [category, at + 2]))));
  return index;
}
