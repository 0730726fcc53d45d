import { expect } from 'vitest';
import { findExpectation } from '../../src/data/expectations/find-expectation.ts';
import type { ExpectationDefinition, ExpectedColumn } from '../../src/data/expectations/expectation.ts';
import { expectationRegistry } from '../../src/data/expectations/index.generated.ts';
import { ident, withDatabase } from '../../src/data/table/duckdb.ts';
import { describeLaws, goldenLaw } from './support/laws.ts';
import { looseParts, validator } from './support/schemas.ts';

const TABLE = `CREATE OR REPLACE TEMP TABLE judged AS SELECT * FROM (VALUES (1, 1, 'a', 'x'), (2, 2, 'b', 'x'), (3, 3, 'c', 'y'), (4, NULL, NULL, NULL)) t("row", n, s, d)`;
const COLUMNS: readonly ExpectedColumn[] = [
  { name: 'n', type: 'integer', sql: ident('n') },
  { name: 's', type: 'string', sql: ident('s') },
  { name: 'd', type: 'string', sql: ident('d') },
];

/** Of the table above: what holds, what does not, and how many rows break that ("all": the data as a whole). By hand. */
const WORKED: Readonly<Record<string, readonly [holds: object, broken: object, rows: number | 'all']>> = {
  between: [{ column: 'n', between: [1, 3] }, { column: 'n', between: [2, null] }, 1],
  distinct: [{ column: 'd', distinct: { atMost: 2 } }, { column: 'd', distinct: { atLeast: 3 } }, 'all'],
  in: [{ column: 's', in: ['a', 'b', 'c'] }, { column: 's', in: ['a'] }, 2],
  length: [{ column: 's', length: { atLeast: 1 } }, { column: 's', length: { atLeast: 2 } }, 3],
  matches: [{ column: 's', matches: '^[a-c]$' }, { column: 's', matches: '^[ab]$' }, 1],
  mean: [{ column: 'n', mean: [2, 2] }, { column: 'n', mean: [0, 1.9] }, 'all'],
  missing: [{ column: 'n', missing: { atMost: 0.25 } }, { column: 'n', missing: { atMost: 0.2 } }, 'all'],
  notNull: [{ column: 'n', notNull: true }, { column: 'n', notNull: true }, 1],
  rows: [{ rows: { atLeast: 4, atMost: 4 } }, { rows: { atLeast: 5 } }, 'all'],
  type: [{ column: 'n', type: 'integer' }, { column: 'n', type: 'string' }, 'all'],
  unique: [{ column: 's', unique: true }, { column: 'd', unique: true }, 1],
};

/** @returns how many rows break it, or "all" where the data as a whole do */
function broken(expectation: ExpectationDefinition, config: object): Promise<number | 'all' | undefined> {
  return withDatabase(async (db) => {
    await db.run(TABLE);
    const rule = expectation.rule(config, { column: (name) => COLUMNS.find((column) => column.name === name)! });
    if ('measure' in rule) {
      const [measured] = await db.rows(`SELECT ${rule.measure} FROM judged`);
      return rule.judge(measured![0]) === undefined ? undefined : 'all';
    }
    expect(rule.reason.length).toBeGreaterThan(3);
    const [count] = await db.rows(`SELECT count(*) FROM (SELECT (${rule.violation}) AS broken FROM judged) WHERE broken`);
    const [unknown] = await db.rows(`SELECT count(*) FROM (SELECT (${rule.violation}) AS broken FROM judged) WHERE broken IS NULL`);
    expect(Number(unknown![0]), 'a violation is true or false, never NULL').toBe(0);
    return Number(count![0]) === 0 ? undefined : Number(count![0]);
  });
}

const between = expectationRegistry.get('between');

describeLaws<ExpectationDefinition>({
  kind: 'expectation',
  definitions: expectationRegistry.all(),
  nameOf: ({ name }) => name,
  laws: {
    'has a closed, described schema that accepts its examples, and is found by its key': (expectation) => {
      expect(looseParts(expectation.configSchema)).toEqual([]);
      const valid = validator(expectation.configSchema);
      for (const example of expectation.examples) {
        expect(valid(example)).toBe(true);
        expect(findExpectation(example as never).name).toBe(expectation.name);
      }
    },
    'notices what breaks it, and nothing else': async (expectation) => {
      const worked = WORKED[expectation.name];
      if (worked === undefined) return;
      const [holds, breaks, rows] = worked;
      // A column without a missing value is not in the table.
      if (expectation.name !== 'notNull') expect(await broken(expectation, holds)).toBeUndefined();
      expect(await broken(expectation, breaks)).toBe(rows);
    },
    'has a golden value, or a reason for none': goldenLaw<ExpectationDefinition>('expectation', ({ name }) => name, {
      names: new Set(Object.keys(WORKED)),
      add: 'Put into WORKED of test/contract/expectations.test.ts what holds, what does not, and how many rows break it.',
      file: 'test/contract/expectations.test.ts',
    }),
  },
  mutants: {
    'has a closed, described schema that accepts its examples, and is found by its key': [
      { ...between, configSchema: { type: 'object' } },
      { ...between, examples: [{ rows: { atLeast: 1 } }] },
    ],
    'notices what breaks it, and nothing else': [
      { ...between, rule: () => ({ violation: 'false', reason: 'nothing' }) },
      { ...between, rule: () => ({ violation: 'true', reason: 'everything' }) },
      { ...between, rule: () => ({ violation: 'n < 2', reason: 'missing is unknown' }) },
    ],
    'has a golden value, or a reason for none': [{ ...between, name: 'new' }],
  },
});
