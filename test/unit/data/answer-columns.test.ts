import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { OutputSpec } from '../../../src/core/tensor.ts';
import { decode } from '../../../src/data/answers/decode.ts';
import { withDatabase } from '../../../src/data/table/duckdb.ts';
import { answerColumns, answerValues, flatName } from '../../../src/data/answers/answer-columns.ts';
import { answerList } from '../../../src/scoring/answer-list.ts';
import { nestedSql, valueOfSql } from '../../../src/scoring/answer-sql.ts';

const classes = (...names: string[]) => ({ kind: 'classes', name: 'c', classes: names }) as const;
const number = (width: number, scale?: { mean: number; std: number }) =>
  ({ kind: 'number', name: 'n', width, ...(scale === undefined ? {} : { scale }) }) as const;

const OUTPUTS: readonly (readonly [string, OutputSpec, number])[] = [
  ['classes', classes('a', "it's", 'A'), 3],
  ['two classes from one value', classes('no', 'yes'), 1],
  ['a number', number(1, { mean: 12.5, std: 3.3 }), 1],
  ['several numbers', number(3), 3],
  [
    'several outputs',
    {
      kind: 'several',
      name: 's',
      outputs: [
        { ...classes('x', 'y'), name: 'kind' },
        { ...number(2, { mean: 1, std: 2 }), name: 'size' },
      ],
    },
    4,
  ],
  [
    'scores of anomalies',
    { kind: 'anomaly', name: 'a', error: 'squared', threshold: 0.5, calibration: { quantile: 0.9, split: 'validation', rows: 10 } },
    1,
  ],
  ['samples', { kind: 'samples', name: 'x', shape: [2], latentSize: 2 }, 2],
];

/** The answers as a file of NDJSON would have them, through the database. */
async function nested(output: OutputSpec, values: Float32Array, rows: number, width: number): Promise<unknown[]> {
  const columns = answerColumns(output, width);
  const ids = columns.map((_, index) => `a${index}`);
  const types = columns.map(({ type, texts }) =>
    texts !== undefined || type === 'boolean' || type === 'integer' ? 'INTEGER' : type === 'text' ? 'VARCHAR' : 'DOUBLE',
  );
  return withDatabase(async (db) => {
    await db.run(`CREATE OR REPLACE TEMP TABLE answers (${ids.map((id, index) => `${id} ${types[index]}`).join(', ')})`);
    await db.append('answers', answerValues(output, values, rows), rows);
    const parts = nestedSql(columns, ids).flatMap(({ name, sql }) => [`'${name}'`, sql]);
    return (await db.rows(`SELECT CAST(json_object(${parts.join(', ')}) AS VARCHAR) FROM answers`)).map(
      ([text]) => JSON.parse(String(text)) as unknown,
    );
  });
}

describe('columns of answers', () => {
  it.each(OUTPUTS)('say of %s bit by bit what the server says', async (_, output, width) => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.float({ min: 0, max: 1, noNaN: true }), { minLength: width, maxLength: 20 * width }), async (drawn) => {
        const rows = Math.floor(drawn.length / width);
        const values = Float32Array.from(drawn.slice(0, rows * width));
        expect(await nested(output, values, rows, width)).toEqual(JSON.parse(JSON.stringify(decode(output, values, rows))));
      }),
      { numRuns: 20 },
    );
  });

  it('have names of their own in a table', () => {
    const columns = answerColumns(classes('yes', 'Yes'), 2);
    expect(columns.map(flatName)).toEqual(['label', 'probability', 'probabilities.yes', 'probabilities.Yes']);
    expect(valueOfSql(columns[0]!, 'a0')).toBe("list_extract(['yes', 'Yes'], a0 + 1)");
    const list = answerList({ columns, kept: [{ name: 'id', id: 'k0' }], prefix: 'p_', format: 'parquet' });
    expect(list.map(({ name }) => name)).toEqual(['row', 'id', 'p_label', 'p_probability', 'p_probabilities.yes', 'p_probabilities.Yes_2']);
    for (const name of ['Label', 'ROW'])
      expect(() => answerList({ columns, kept: [{ name, id: 'k0' }], prefix: '', format: 'csv' })).toThrow(
        name === 'ROW' ? /number of the row/ : /as one of the answers/,
      );
  });
});
