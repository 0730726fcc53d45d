import { PerennialError } from '../../core/errors.ts';
import { literal, numberLiteral } from '../table/duckdb.ts';
import { columnExpectation, defineExpectation, requireType } from './expectation.ts';

interface Config {
  readonly column: string;
  readonly between: readonly [number | string | null, number | string | null];
}

export default defineExpectation<Config>({
  name: 'between',
  summary: 'Values lie in a closed range; null leaves an end open.',
  configSchema: columnExpectation(
    'between',
    'Values lie in a closed range.',
    {
      type: 'array',
      minItems: 2,
      maxItems: 2,
      items: { type: ['number', 'string', 'null'] },
      description: 'Lowest and highest value allowed: numbers, or ISO 8601 times for timestamps; null leaves an end open.',
      examples: [
        [0, 100],
        ['2020-01-01', null],
      ],
    },
    { column: 'body_mass_g', between: [2_000, 7_000] },
  ),
  examples: [
    { column: 'body_mass_g', between: [2_000, 7_000] },
    { column: 'date', between: ['2020-01-01', null] },
  ],
  rule({ column: name, between: [low, high] }, scope) {
    const column = scope.column(name);
    requireType(column, ['number', 'integer', 'timestamp'], 'between');
    const end = (value: number | string) => {
      if (column.type !== 'timestamp' && typeof value === 'number') return numberLiteral(value);
      if (column.type === 'timestamp' && typeof value === 'string' && !Number.isNaN(Date.parse(value)))
        return `CAST(${literal(new Date(value).toISOString())} AS TIMESTAMPTZ)::TIMESTAMP`;
      throw new PerennialError(
        'CONFIG_INVALID',
        `expect: between ${JSON.stringify(value)} does not fit the ${column.type} column "${name}".`,
        { hint: column.type === 'timestamp' ? 'Give ISO 8601 times, e.g. "2024-01-31".' : 'Give numbers.' },
      );
    };
    const parts = [
      low === null ? undefined : `${column.sql} < ${end(low)}`,
      high === null ? undefined : `${column.sql} > ${end(high)}`,
    ].filter((part) => part !== undefined);
    return {
      violation: parts.length === 0 ? 'false' : `coalesce(${parts.join(' OR ')}, false)`,
      reason: `"${name}" is not between ${low ?? 'any'} and ${high ?? 'any'}`,
      value: column.sql,
    };
  },
});
