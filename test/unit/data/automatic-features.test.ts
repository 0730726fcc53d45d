import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { limits } from '../../../src/core/limits.ts';
import { Prng } from '../../../src/core/prng.ts';
import { withDatabase } from '../../../src/data/table/duckdb.ts';
import { automaticFeatures } from '../../../src/data/preprocess/automatic-features.ts';
import type { AutomaticFeatures } from '../../../src/data/preprocess/automatic-features.ts';
import { ingest } from '../../../src/data/ingest/ingest.ts';
import { preprocess } from '../../../src/data/preprocess/preprocess.ts';
import { previewExamples } from '../../../src/planning/preview-examples.ts';
import { profileTable } from '../../../src/data/table/profile.ts';
import { openExamples } from '../../../src/data/stored/examples.ts';
import { loadPreprocessor } from '../../../src/data/preprocess/preprocessor.ts';
import type { ColumnType } from '../../../src/data/stored/column.ts';
import { createBench } from './support.ts';
import type { Bench } from './support.ts';

type Value = string | number | boolean | null;

/** What is decided on one column of these values, or on several. */
async function decide(columns: Readonly<Record<string, readonly [ColumnType, readonly Value[]]>>): Promise<AutomaticFeatures> {
  const names = Object.keys(columns);
  const sql: Record<string, string> = {
    number: 'DOUBLE',
    integer: 'BIGINT',
    boolean: 'BOOLEAN',
    string: 'VARCHAR',
    timestamp: 'TIMESTAMP',
  };
  const literal = (value: Value, type: ColumnType): string =>
    `CAST(${value === null ? 'NULL' : typeof value === 'string' ? `'${value.replaceAll("'", "''")}'` : `'${String(value)}'`} AS ${sql[type]})`;
  return withDatabase(async (db) => {
    const rows = columns[names[0]!]![1].map(
      (_, row) => `(${names.map((name) => literal(columns[name]![1][row]!, columns[name]![0])).join(', ')})`,
    );
    await db.run(`CREATE TEMP TABLE t AS SELECT * FROM (VALUES ${rows.join(', ')}) v(${names.map((_, at) => `c${at}`).join(', ')})`);
    const known = names.map((name, at) => ({ name, type: columns[name]![0], sql: `c${at}` }));
    return automaticFeatures(known, await profileTable(db, 't', known), []);
  });
}

const many = <T>(count: number, of: (row: number) => T): T[] => Array.from({ length: count }, (_, row) => of(row));
const random = new Prng('automatic features');
const normal = many(300, () => random.normal());
const words = ['good', 'bad', 'fast', 'slow', 'blue', 'green', 'very', 'rather', 'never'];
const sentence = (length: number): string => many(length, () => words[random.below(words.length)]!).join(' ');

describe('one column', () => {
  test.each([
    ['normal numbers', 'number', normal, [{ impute: 'median' }, 'standardize']],
    [
      'numbers with holes',
      'number',
      normal.map((value, row) => (row % 5 === 0 ? null : value)),
      [{ impute: { strategy: 'median', indicator: true } }, 'standardize'],
    ],
    ['money', 'number', normal.map((value) => Math.exp(8 + 1.5 * value)), [{ impute: 'median' }, 'quantile']],
    [
      'a sentinel',
      'integer',
      normal.map((value, row) => (row === 7 ? 99_999 : Math.round(100 * value))),
      [{ impute: 'median' }, 'quantile'],
    ],
    ['mostly zeros', 'number', normal.map((value, row) => (row % 10 === 0 ? Math.exp(value) : 0)), [{ impute: 'median' }, 'quantile']],
    [
      'a value or nothing',
      'number',
      normal.map((_, row) => (row % 3 === 0 ? null : 5)),
      [{ impute: { strategy: 'median', indicator: true } }, 'standardize'],
    ],
    ['true and false', 'boolean', normal.map((value) => value > 0), [{ impute: 'mostFrequent' }]],
    [
      'true, false and neither',
      'boolean',
      normal.map((value, row) => (row % 4 === 0 ? null : value > 0)),
      [{ impute: { strategy: 'mostFrequent', indicator: true } }],
    ],
    ['codes', 'integer', many(300, (row) => 10 * (row % 7)), ['oneHot']],
    [
      'codes with holes',
      'integer',
      many(300, (row) => (row % 11 === 0 ? null : row % 7)),
      [{ impute: { strategy: 'mostFrequent', indicator: true } }, 'oneHot'],
    ],
    ['counts with rare values', 'integer', many(300, (row) => (row === 3 ? 9 : row % 4)), [{ impute: 'median' }, 'standardize']],
    ['two whole numbers', 'integer', many(300, (row) => row % 2), [{ impute: 'median' }, 'standardize']],
    ['few categories', 'string', many(300, (row) => `c${row % 12}`), ['oneHot']],
    [
      'categories with holes',
      'string',
      many(300, (row) => (row % 9 === 0 ? null : `c${row % 12}`)),
      [{ impute: { constant: '(missing)' } }, 'oneHot'],
    ],
    ['sixty categories', 'string', many(300, (row) => `c${row % 60}`), ['oneHot']],
    ['too many categories', 'string', many(1_200, (row) => `c${row % 500}`), [{ hashing: 256 }]],
    ['short comments', 'string', many(300, (row) => `${sentence(3)} ${row}`), [{ impute: { constant: '' } }, 'tokenize']],
    [
      'sentences without spaces',
      'string',
      many(300, (row) => `${['今天', '昨天', '价格'][row % 3]}${['很好', '很差'][row % 2]}的产品${row}`),
      [{ impute: { constant: '' } }, 'tokenize'],
    ],
    ['keys of words', 'string', many(300, (row) => `key-${row * 7_919}`), undefined],
    ['names of few files', 'string', many(12, (row) => `dark/${row}.png`), undefined],
    ['the same everywhere', 'string', many(300, () => 'v1'), undefined],
    ['the same but for rounding', 'number', many(300, (row) => (row % 2 ? 0.3 : 0.1 + 0.2)), undefined],
    ['never there', 'number', many(300, () => null), undefined],
  ] as [string, ColumnType, Value[], unknown][])('%s', async (_what, type, values, transforms) => {
    const { decisions, notes } = await decide({ x: [type, values], other: ['number', values.map((__, row) => Math.sin(row))] });
    expect(decisions[0]!.transforms).toEqual(transforms);
    if (transforms === undefined) expect(notes[0]).toMatch(/^The column "x" is left out: /);
  });

  test.each([
    ['dates of years', many(300, (row) => new Date(Date.UTC(2020, 0, 1 + 3 * row)).toISOString().slice(0, 10)), ['year', 'month', 'week']],
    ['moments of weeks', many(300, (row) => new Date(Date.UTC(2024, 0, 1, 3 * row, 7 * row)).toISOString().slice(0, 19)), ['week', 'day']],
    ['every Monday', many(60, (row) => new Date(Date.UTC(2024, 0, 1 + 7 * row)).toISOString().slice(0, 10)), ['year', 'month']],
    ['one afternoon', many(60, (row) => new Date(Date.UTC(2024, 0, 1, 12, row * 4)).toISOString().slice(0, 19)), ['hour']],
  ])('%s have the cycles that they go through', async (_what, values, cycles) => {
    expect((await decide({ x: ['timestamp', values] })).features).toEqual({
      x: [{ impute: 'median' }, { dateParts: { parts: ['time'], cycles, scale: true } }],
    });
  });
});

test('whatever is dropped, hashed or taken for something else is named with counts and examples', async () => {
  const { notes } = await decide({
    '': ['integer', many(300, (row) => row)],
    person: ['string', many(300, (row) => `p-${row}`)],
    form: ['string', many(300, () => 'v1')],
    code: ['integer', many(300, (row) => row % 7)],
    comment: ['string', many(300, (row) => `${sentence(4)} ${row}`)],
    quantity: ['number', normal],
  });
  expect(notes).toHaveLength(5);
  expect(notes[0]).toBe('The column "" is left out: every row has another whole number, which counts the rows or names them (0, 1, 2, …).');
  expect(notes[1]).toMatch(
    /^The column "person" is left out: 300 different values in 300 rows: an identifier, .* \("p-\d+", "p-\d+", "p-\d+", …\)\.$/,
  );
  expect(notes[2]).toBe('The column "form" is left out: it is constant ("v1").');
  expect(notes[3]).toBe(
    'The column "code" is taken as 7 categories, each with a column: its whole numbers have so few values (0, 1, 2, …).',
  );
  expect(notes[4]).toMatch(/^The column "comment" is read as language, word by word: 300 different values in 300 rows \("/);
  expect((await decide({ shop: ['string', many(1_200, (row) => `c${row % 500}`)] })).notes[0]).toMatch(
    /^The column "shop" is hashed into 256 columns, .*: 500 different values in 1,200 rows are too many for a column each \("c\d+", /,
  );
});

test('a row number is left out where there is anything else, and used where there is not', async () => {
  expect((await decide({ row: ['integer', many(60, (row) => row)], x: ['number', normal.slice(0, 60)] })).features).toEqual({
    x: [{ impute: 'median' }, 'standardize'],
  });
  expect((await decide({ row: ['integer', many(60, (row) => row)] })).features).toEqual({ row: [{ impute: 'median' }, 'standardize'] });
  expect(
    (
      await decide({
        order_id: ['integer', many(60, (row) => 70_000 + 13 * row)],
        year: ['integer', many(60, (row) => 1_960 + row)],
        step: ['integer', many(60, (row) => row)],
        x: ['number', normal.slice(0, 60)],
      })
    ).decisions.map(({ transforms }) => transforms !== undefined),
  ).toEqual([false, true, true, true]);
});

describe('a step', () => {
  let bench: Bench;
  beforeAll(async () => {
    bench = await createBench();
  });
  afterAll(() => bench.close());

  test('tells no more than may travel with a run, of many columns too; the artifact has all', async () => {
    const names = many(150, (column) => `a rather long name of a column with the number ${column}`);
    const path = await bench.file(
      'wide.csv',
      `${names.join(',')},y\n${many(40, (row) => `${names.map((_, column) => (column % 2 ? 'same' : (row * column) % 7)).join(',')},${row % 2 ? 'a' : 'b'}`).join('\n')}\n`,
    );
    const { outputs } = await ingest(bench.context(), { source: { format: 'csv', path }, label: 'y', split: { by: 'random' } });
    const made = await preprocess(bench.context(), {}, outputs.dataset!);
    expect(Buffer.byteLength(JSON.stringify(made.values))).toBeLessThan(limits.stepValuesBytesMax);
    expect((made.values!.warnings as string[]).at(-1)).toMatch(/^… and \d+ more such columns/);
    const all = await (await bench.open(made.outputs.examples)).json<{ columns: unknown[]; notes: unknown[] }>('columns.json');
    expect([all.columns.length, all.notes.length >= 75]).toEqual([150, true]);
  });

  test('tells which column became what, as the preview does, and serves missing values with their marks', async () => {
    const path = await bench.file(
      'auto.csv',
      `id,price,kind,when,flag,y\n${many(200, (row) => `u-${row},${row % 6 ? Math.exp(3 * normal[row]!).toFixed(5) : ''},${row % 7 ? `k${row % 3}` : ''},2024-0${1 + (row % 9)}-1${row % 10},${row % 5 ? row % 2 === 0 : ''},${row % 2 ? 'a' : 'b'}`).join('\n')}\n`,
    );
    const source = { source: { format: 'csv', path }, label: 'y' };
    const { outputs } = await ingest(bench.context(), source);
    const made = await preprocess(bench.context(), {}, outputs.dataset!);
    const examples = await openExamples(await bench.open(made.outputs.examples));
    expect(made.values).toMatchObject({
      automatic: true,
      warnings: [expect.stringContaining('"id" is left out')],
      columns: [
        { column: 'id', type: 'string', transforms: [], shape: [], why: expect.stringContaining('an identifier') },
        {
          column: 'price',
          type: 'number',
          transforms: [{ impute: { strategy: 'median', indicator: true } }, 'quantile'],
          input: 'features',
          shape: [2],
        },
        { column: 'kind', type: 'string', transforms: [{ impute: { constant: '(missing)' } }, 'oneHot'], shape: [4] },
        { column: 'when', type: 'timestamp', shape: [7], why: 'a moment' },
        { column: 'flag', type: 'boolean', shape: [2] },
      ],
    });
    expect(made.details).toContain('| `price` | number | impute strategy median, indicator → quantile | 2 | long tail up to');
    expect(await (await bench.open(made.outputs.examples)).json('columns.json')).toEqual({
      columns: made.values!.columns,
      notes: made.values!.warnings,
    });
    expect(made.details).toContain('| `id` | string | - | left out |');
    expect((await previewExamples(source, {}, bench.dir)).features).toEqual(made.values!.columns);
    const { features } = await loadPreprocessor(await examples.preprocessorJson()).apply([
      { price: null, kind: null, when: null, flag: null },
      { price: 1, kind: 'k1', when: '2024-05-05', flag: true },
    ]);
    expect(examples.meta.inputs).toEqual([{ name: 'features', shape: [15], dtype: 'float32' }]);
    const row = (at: number): number[] => Array.from(features!.data.slice(15 * at, 15 * (at + 1)));
    expect([row(0)[1], ...row(0).slice(2, 6), row(0)[14]]).toEqual([1, 1, 0, 0, 0, 1]);
    expect([row(1)[1], ...row(1).slice(2, 6), ...row(1).slice(13)]).toEqual([0, 0, 0, 1, 0, 1, 0]);
  });
});
