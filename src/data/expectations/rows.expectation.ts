import { defineExpectation } from './expectation.ts';

interface Config {
  readonly rows: { readonly atLeast?: number; readonly atMost?: number };
}

export default defineExpectation<Config>({
  name: 'rows',
  summary: 'The number of rows, over all splits.',
  configSchema: {
    type: 'object',
    additionalProperties: false,
    required: ['rows'],
    description: 'The number of rows, over all splits.',
    properties: {
      rows: {
        type: 'object',
        additionalProperties: false,
        minProperties: 1,
        description: 'Limits of the number of rows.',
        properties: {
          atLeast: { type: 'integer', minimum: 1, description: 'Fewest rows.' },
          atMost: { type: 'integer', minimum: 1, description: 'Most rows.' },
        },
      },
    },
    examples: [{ rows: { atLeast: 100 } }],
  },
  examples: [{ rows: { atLeast: 100 } }],
  rule({ rows: { atLeast, atMost } }) {
    return {
      measure: 'count(*)',
      judge(measured) {
        const count = Number(measured);
        if (atLeast !== undefined && count < atLeast) return `there are ${count} rows, expected at least ${atLeast}`;
        return atMost !== undefined && count > atMost ? `there are ${count} rows, expected at most ${atMost}` : undefined;
      },
    };
  },
});
