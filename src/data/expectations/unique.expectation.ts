import { columnExpectation, defineExpectation, requireType } from './expectation.ts';

interface Config {
  readonly column: string;
  readonly unique: boolean;
}

export default defineExpectation<Config>({
  name: 'unique',
  summary: 'No value comes twice, over all splits; the first row with a value is kept.',
  configSchema: columnExpectation(
    'unique',
    'No value comes twice.',
    { const: true, description: 'true: a value that came before breaks the expectation.' },
    { column: 'id', unique: true },
  ),
  examples: [{ column: 'id', unique: true }],
  rule({ column: name }, scope) {
    const column = scope.column(name);
    requireType(column, ['string', 'number', 'integer', 'timestamp', 'boolean'], 'unique');
    return {
      violation: `(${column.sql} IS NOT NULL AND row_number() OVER (PARTITION BY ${column.sql} ORDER BY "row") > 1)`,
      reason: `"${name}" came before`,
      value: column.sql,
    };
  },
});
