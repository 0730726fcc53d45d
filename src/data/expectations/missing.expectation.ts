import { columnExpectation, defineExpectation } from './expectation.ts';

interface Config {
  readonly column: string;
  readonly missing: { readonly atMost: number };
}

export default defineExpectation<Config>({
  name: 'missing',
  summary: 'Share of missing values over all rows.',
  configSchema: columnExpectation(
    'missing',
    'Share of missing values over all rows.',
    {
      type: 'object',
      additionalProperties: false,
      required: ['atMost'],
      description: 'Limit of the share.',
      properties: { atMost: { type: 'number', minimum: 0, maximum: 1, description: 'Largest share, 0 to 1.' } },
    },
    { column: 'sex', missing: { atMost: 0.05 } },
  ),
  examples: [{ column: 'sex', missing: { atMost: 0.05 } }],
  rule({ column: name, missing: { atMost } }, scope) {
    const column = scope.column(name);
    return {
      measure: `CAST(count_if(${column.sql} IS NULL) AS DOUBLE) / greatest(count(*), 1)`,
      judge: (measured) =>
        Number(measured) <= atMost
          ? undefined
          : `"${name}" is missing in ${(100 * Number(measured)).toFixed(1)} % of the rows, expected at most ${(100 * atMost).toFixed(1)} %`,
    };
  },
});
