import { PerennialError, messageOf } from '../../core/errors.ts';
import { literal } from '../table/duckdb.ts';
import { columnExpectation, defineExpectation, requireType } from './expectation.ts';

interface Config {
  readonly column: string;
  readonly matches: string;
}

export default defineExpectation<Config>({
  name: 'matches',
  summary: 'Text matches a regular expression (RE2 syntax) somewhere; anchor it with ^ and $.',
  configSchema: columnExpectation(
    'matches',
    'Text matches a regular expression.',
    {
      type: 'string',
      minLength: 1,
      format: 'regex',
      description: 'Regular expression in RE2 syntax: no look-around, no back references.',
      examples: ['^[A-Z]{2}\\d{4}$'],
    },
    { column: 'code', matches: '^[A-Z]' },
  ),
  examples: [{ column: 'code', matches: '^[A-Z]' }],
  rule({ column: name, matches }, scope) {
    const column = scope.column(name);
    requireType(column, ['string'], 'matches');
    try {
      new RegExp(matches, 'u');
    } catch (error) {
      throw new PerennialError('CONFIG_INVALID', `expect: ${JSON.stringify(matches)} is no regular expression: ${messageOf(error)}`);
    }
    return {
      violation: `NOT coalesce(regexp_matches(${column.sql}, ${literal(matches)}), true)`,
      reason: `"${name}" does not match ${matches}`,
      value: column.sql,
    };
  },
});
