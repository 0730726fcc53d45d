import { columnExpectation, defineExpectation, requireType } from './expectation.ts';

interface Config {
  readonly column: string;
  readonly mean: readonly [number | null, number | null];
}

export default defineExpectation<Config>({
  name: 'mean',
  summary: 'The mean over all rows lies in a closed range.',
  configSchema: columnExpectation(
    'mean',
    'The mean over all rows lies in a closed range.',
    {
      type: 'array',
      minItems: 2,
      maxItems: 2,
      items: { type: ['number', 'null'] },
      description: 'Lowest and highest mean; null leaves an end open.',
      examples: [[4_000, 4_500]],
    },
    { column: 'body_mass_g', mean: [4_000, 4_500] },
  ),
  examples: [{ column: 'body_mass_g', mean: [4_000, 4_500] }],
  rule({ column: name, mean: [low, high] }, scope) {
    const column = scope.column(name);
    requireType(column, ['number', 'integer'], 'mean');
    return {
      measure: `avg(CAST(${column.sql} AS DOUBLE))`,
      judge(measured) {
        if (measured === null) return `"${name}" has no value, so no mean`;
        const mean = Number(measured);
        return (low !== null && mean < low) || (high !== null && mean > high) || Number.isNaN(mean)
          ? `the mean of "${name}" is ${mean}, expected ${low ?? 'any'} to ${high ?? 'any'}`
          : undefined;
      },
    };
  },
});
