import { literal } from '../table/duckdb.ts';
import { columnExpectation, defineExpectation, requireType } from './expectation.ts';

interface Config {
  readonly column: string;
  readonly in: readonly (string | number | boolean)[];
}

export default defineExpectation<Config>({
  name: 'in',
  summary: 'Values are among those listed.',
  configSchema: columnExpectation(
    'in',
    'Values are among those listed.',
    {
      type: 'array',
      minItems: 1,
      uniqueItems: true,
      items: { type: ['string', 'number', 'boolean'] },
      description: 'The values allowed.',
      examples: [['a', 'b']],
    },
    { column: 'species', in: ['Adelie', 'Gentoo'] },
  ),
  examples: [{ column: 'species', in: ['Adelie', 'Gentoo'] }],
  rule({ column: name, in: allowed }, scope) {
    const column = scope.column(name);
    requireType(column, ['string', 'number', 'integer', 'boolean'], 'in');
    const numeric = column.type === 'number' || column.type === 'integer';
    const value = numeric ? `CAST(${column.sql} AS DOUBLE)` : `CAST(${column.sql} AS VARCHAR)`;
    const list = allowed.map((item) =>
      numeric && typeof item === 'number' ? `CAST('${item}' AS DOUBLE)` : numeric ? 'NULL' : literal(String(item)),
    );
    const shown = allowed.slice(0, 10).join(', ');
    return {
      violation: `(${column.sql} IS NOT NULL AND NOT coalesce(${value} IN (${list.join(', ')}), false))`,
      reason: `"${name}" is not one of ${shown}${allowed.length > 10 ? ', …' : ''}`,
      value: column.sql,
    };
  },
});
