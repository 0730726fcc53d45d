import { columnExpectation, defineExpectation, requireType } from './expectation.ts';

interface Config {
  readonly column: string;
  readonly length: { readonly atLeast?: number; readonly atMost?: number };
}

export default defineExpectation<Config>({
  name: 'length',
  summary: 'Length of a text in characters.',
  configSchema: columnExpectation(
    'length',
    'Length of a text in characters.',
    {
      type: 'object',
      additionalProperties: false,
      minProperties: 1,
      description: 'Limits of the length.',
      properties: {
        atLeast: { type: 'integer', minimum: 0, description: 'Fewest characters.' },
        atMost: { type: 'integer', minimum: 0, description: 'Most characters.' },
      },
    },
    { column: 'text', length: { atLeast: 1 } },
  ),
  examples: [{ column: 'text', length: { atLeast: 1, atMost: 10_000 } }],
  rule({ column: name, length: { atLeast, atMost } }, scope) {
    const column = scope.column(name);
    requireType(column, ['string'], 'length');
    const parts = [
      atLeast === undefined ? undefined : `length(${column.sql}) < ${Number(atLeast)}`,
      atMost === undefined ? undefined : `length(${column.sql}) > ${Number(atMost)}`,
    ].filter((part) => part !== undefined);
    return {
      violation: `coalesce(${parts.join(' OR ') || 'false'}, false)`,
      reason: `"${name}" has a length outside of ${atLeast ?? 0} to ${atMost ?? 'any'}`,
      value: `length(${column.sql})`,
    };
  },
});
