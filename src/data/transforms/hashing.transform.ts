import { oneHotVector } from './column-data.ts';
import { hash32 } from '../../core/prng.ts';
import { numbersOfCategories, defineTransform } from './transform.ts';

interface Config {
  readonly buckets: number;
}

export default defineTransform<Config, null>({
  name: 'hashing',
  summary: 'One-hot over hashed buckets, for categories that are too many to list; a missing one has 0 in all of them.',
  configSchema: {
    type: 'integer',
    minimum: 2,
    maximum: 100_000,
    default: 64,
    description: 'Number of buckets; categories of one bucket cannot be told apart.',
    examples: [256],
  },
  examples: [64],
  takes: ['text', 'number'],
  gives: () => 'vector',
  resolve: (value) => ({ buckets: (value as number | null) ?? 64 }),
  apply: (data, { buckets }) => {
    const chosen = numbersOfCategories(data, (name) => (name === null ? -1 : hash32(name) % buckets));
    return oneHotVector(
      chosen,
      Array.from({ length: buckets }, (_, bucket) => `bucket ${bucket}`),
    );
  },
});
