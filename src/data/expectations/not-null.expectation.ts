import { columnExpectation, defineExpectation } from './expectation.ts';

interface Config {
  readonly column: string;
  readonly notNull: boolean;
}

export default defineExpectation<Config>({
  name: 'notNull',
  summary: 'No value is missing.',
  configSchema: columnExpectation(
    'notNull',
    'No value is missing.',
    { const: true, description: 'true: a missing value breaks the expectation.' },
    { column: 'island', notNull: true },
  ),
  examples: [{ column: 'island', notNull: true }],
  rule({ column: name }, scope) {
    return { violation: `${scope.column(name).sql} IS NULL`, reason: `"${name}" is missing` };
  },
});
