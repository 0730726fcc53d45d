import { columnExpectation, defineExpectation } from './expectation.ts';

interface Config {
  readonly column: string;
  readonly distinct: { readonly atLeast?: number; readonly atMost?: number };
}

export default defineExpectation<Config>({
  name: 'distinct',
  summary: 'Number of distinct values, missing ones not counted.',
  configSchema: columnExpectation(
    'distinct',
    'Number of distinct values.',
    {
      type: 'object',
      additionalProperties: false,
      minProperties: 1,
      description: 'Limits of the number.',
      properties: {
        atLeast: { type: 'integer', minimum: 0, description: 'Fewest distinct values.' },
        atMost: { type: 'integer', minimum: 0, description: 'Most distinct values.' },
      },
    },
    { column: 'species', distinct: { atLeast: 3, atMost: 3 } },
  ),
  examples: [{ column: 'species', distinct: { atLeast: 3, atMost: 3 } }],
  rule({ column: name, distinct: { atLeast, atMost } }, scope) {
    const column = scope.column(name);
    return {
      measure: `count(DISTINCT ${column.type === 'image' ? `md5(${column.sql})` : column.sql})`,
      judge(measured) {
        const count = Number(measured);
        if (atLeast !== undefined && count < atLeast) return `"${name}" has ${count} distinct values, expected at least ${atLeast}`;
        return atMost !== undefined && count > atMost ? `"${name}" has ${count} distinct values, expected at most ${atMost}` : undefined;
      },
    };
  },
});
