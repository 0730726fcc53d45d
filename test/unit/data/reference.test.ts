import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ingest } from '../../../src/data/ingest/ingest.ts';
import type { IngestConfig } from '../../../src/data/ingest/ingest-config.ts';
import type { ReferenceSchema } from '../../../src/data/ingest/reference.ts';
import { preprocess } from '../../../src/data/preprocess/preprocess.ts';
import { decodeReference } from '../../../src/data/stored/reference-values.ts';
import type { DatasetMeta, DatasetProfile, ExamplesMeta } from '../../../src/data/stored/dataset.ts';
import { createBench, failure } from './support.ts';
import type { Bench } from './support.ts';

let bench: Bench;
beforeAll(async () => {
  bench = await createBench();
});
afterAll(() => bench.close());

type Cells = Readonly<Record<string, string | number>>;
type Make = (k: number) => Cells;
type Config = Partial<Omit<IngestConfig, 'source'>>;
let files = 0;

/** As a chance that is the same each time, 0 to 1. */
const chance = (k: number, salt = 0): number => {
  const x = Math.sin(k * 12.9898 + salt * 78.233 + 1) * 43_758.5453;
  return x - Math.floor(x);
};

async function table(rows: number, make: Make): Promise<string> {
  const cells = Array.from({ length: rows }, (_, k) => make(k));
  const names = Object.keys(cells[0]!);
  return bench.file(`t${(files += 1)}.csv`, `${names.join()}\n${cells.map((row) => names.map((name) => row[name]).join()).join('\n')}\n`);
}

async function read(rows: number, make: Make, config: Config = {}, reference?: ReferenceSchema) {
  const path = await table(rows, make);
  const result = await ingest(
    bench.context(),
    { label: 'y', split: { by: 'hash' }, ...config, source: { format: 'csv', path } } as IngestConfig,
    async () => reference,
  );
  const artifact = await bench.open(result.outputs.dataset);
  return {
    dataset: result.outputs.dataset!,
    artifact,
    meta: artifact.manifest.meta as unknown as DatasetMeta,
    warnings: (result.values as { warnings: string[] }).warnings.join('\n'),
  };
}

const known = new Map<Make, Map<string, Promise<ReferenceSchema>>>();

/** Read once for all tests that ask for the same. */
function referenceOf(rows: number, make: Make, config: Config = {}, labels?: ReferenceSchema['labels']): Promise<ReferenceSchema> {
  const of = known.get(make) ?? new Map<string, Promise<ReferenceSchema>>();
  known.set(make, of);
  const key = JSON.stringify([rows, config, labels]);
  const reference = of.get(key) ?? readReference(rows, make, config, labels);
  of.set(key, reference);
  return reference;
}

async function readReference(rows: number, make: Make, config: Config, labels?: ReferenceSchema['labels']): Promise<ReferenceSchema> {
  const { artifact, meta } = await read(rows, make, config);
  return {
    text: 'shop version 3',
    reading: meta.reading!,
    profile: (await artifact.json<DatasetProfile & never>('profile.json')) as DatasetProfile,
    ...(artifact.manifest.files['reference.bin'] === undefined ? {} : { values: decodeReference(await artifact.bytes('reference.bin')) }),
    ...(labels === undefined ? {} : { labels }),
    ...(meta.labelCopies === undefined ? {} : { copies: meta.labelCopies }),
  };
}

const usual: Make = (k) => ({
  price: (-20 * Math.log(1 - chance(k))).toFixed(2),
  mass: (2 + 4 * chance(k, 1)).toFixed(2),
  n: Math.floor(50 * chance(k, 2)),
  city: ['Rome', 'Paris', 'Berlin', 'Oslo'][Math.floor(4 * chance(k, 3))]!,
  town: `town ${Math.floor(60 * chance(k, 4))}`,
  y: ['a', 'b', 'c'][k % 3]!,
});
const ROWS = 600;

/** The same change stops the run, says what it found, and passes where the document accepts it. */
async function stops(column: string, message: RegExp, make: Make, config: Config = {}, rows = ROWS, before: Make = usual): Promise<void> {
  const reference = await referenceOf(rows, before, config);
  const error = await failure(read(rows, make, config, reference));
  expect(error).toMatchObject({ code: 'SCHEMA_CHANGED', message: expect.stringMatching(message), details: { columns: [column] } });
  expect(error.message).toContain(`"${column}"`);
  expect(error.message).toContain('shop version 3');
  expect(error.hint).toContain(`"accept": ["${column}"]`);
  await read(rows, make, { ...config, reference: { accept: [column] } }, reference);
}

describe('a class of the label', () => {
  test.each<readonly [string, Make, Make]>([
    ['of texts', usual, (k) => ({ ...usual(k), y: ['a', 'b'][k % 2]! })],
    ['of whole numbers', (k) => ({ ...usual(k), y: k % 3 }), (k) => ({ ...usual(k), y: k % 2 })],
    ['written as decimals', (k) => ({ ...usual(k), y: `${k % 3}.0` }), (k) => ({ ...usual(k), y: `${k % 2}.0` })],
    ['in another way of writing', usual, (k) => ({ ...usual(k), y: String(usual(k)['y']).toUpperCase() })],
  ])('%s that is gone stops the run', async (_, before, now) => {
    await stops('y', /has no row of the class(es)? /, now, {}, ROWS, before);
  });

  test('whose rows all go to the quarantine is gone', async () => {
    const make: Make = (k) => ({ ...usual(k), y: k % 50 === 0 ? 'rare' : usual(k)['y']! });
    await stops(
      'y',
      /no row of the class "rare" any more, which shop version 3 learnt from \d+ of its \d+ rows/,
      (k) => ({ ...make(k), ...(k % 50 === 0 ? { n: 'x' } : {}) }),
      {},
      ROWS,
      make,
    );
  });

  test('that a filter of the document leaves out is said', async () => {
    const reference = await referenceOf(ROWS, usual);
    const { warnings } = await read(ROWS, usual, { filter: [{ column: 'y', in: ['a', 'b'] }] }, reference);
    expect(warnings).toContain('no row of the class "c" any more');
  });

  test('that is new is said', async () => {
    const { warnings } = await read(ROWS, (k) => ({ ...usual(k), y: 'abcd'[k % 4]! }), {}, await referenceOf(ROWS, usual));
    expect(warnings).toContain('The label "y" has the new class "d" (150 rows), which shop version 3 does not know.');
  });
});

describe('what a label is learnt as', () => {
  const output = async (dataset: Awaited<ReturnType<typeof read>>['dataset']) => {
    const { outputs } = await preprocess(bench.context(), { features: { n: ['standardize'] } }, dataset);
    return ((await bench.open(outputs.examples)).manifest.meta as unknown as ExamplesMeta).output;
  };
  const of =
    (classes: number): Make =>
    (k) => ({ ...usual(k), y: k % classes });

  test('stays: 21 whole numbers that were 20 classes are 21 classes', async () => {
    const { dataset, warnings, meta } = await read(ROWS, of(21), {}, await referenceOf(ROWS, of(20)));
    expect(await output(dataset)).toMatchObject({ kind: 'classes', classes: expect.arrayContaining(['20']) });
    expect(warnings).toContain('is learnt as classes, as it was for shop version 3');
    expect(meta.labelKinds).toEqual({ y: 'classes' });
    const anew = await read(ROWS, of(21), { reference: { accept: ['y'] } }, await referenceOf(ROWS, of(20)));
    expect(await output(anew.dataset)).toMatchObject({ kind: 'number' });
  });

  test('stays: a quantity that has few values now is no class', async () => {
    const { dataset } = await read(ROWS, of(10), {}, await referenceOf(ROWS, of(40)));
    expect(await output(dataset)).toMatchObject({ kind: 'number' });
    const decimals = await read(
      ROWS,
      (k) => ({ ...usual(k), y: `${10 + (k % 7)}.0` }),
      {},
      await referenceOf(ROWS, (k) => ({ ...usual(k), y: (10 + (k % 70) / 10).toFixed(1) })),
    );
    expect(await output(decimals.dataset)).toMatchObject({ kind: 'number' });
  });

  test('classes that became quantities stop the run; a fraction among them goes to the quarantine', async () => {
    await stops('y', /had 20 classes for shop version 3 .*holds 300 different whole numbers/, of(300), {}, ROWS, of(20));
    await stops('y', /rows hold something else now/, (k) => ({ ...usual(k), y: k / 7 }), {}, ROWS, of(20));
    const { meta } = await read(ROWS, (k) => ({ ...usual(k), y: k === 5 ? 1.5 : k % 20 }), {}, await referenceOf(ROWS, of(20)));
    expect(meta.quarantined).toBe(1);
  });
});

describe('a column', () => {
  const changes: readonly (readonly [string, string, RegExp, Make, Config?])[] = [
    ['empty in every row', 'price', /is empty in all 600 rows/, (k) => ({ ...usual(k), price: '' })],
    ['empty in most rows', 'city', /is empty in \d+ of 600 rows \(9\d %\)/, (k) => ({ ...usual(k), city: k % 10 === 0 ? 'Rome' : '' })],
    ['with words for missing values', 'mass', /is empty in all 600 rows/, (k) => ({ ...usual(k), mass: 'NaN' })],
    ['with a number that stands for nothing', 'price', /is "-999" in 600 of 600 rows/, (k) => ({ ...usual(k), price: -999 })],
    [
      'with a word that stands for nothing',
      'city',
      /is "unknown" in \d+ of 600 rows/,
      (k) => ({ ...usual(k), city: k % 5 === 0 ? 'Rome' : 'unknown' }),
    ],
    [
      'of whole numbers that became texts',
      'n',
      /was read as integer for shop version 3, and 600 of 600 rows hold something else now \("X0"/,
      (k) => ({ ...usual(k), n: `X${k}` }),
    ],
    ['in cents', 'price', /unit may be another/, (k) => ({ ...usual(k), price: Math.round(100 * Number(usual(k)['price'])) })],
    [
      'in grams, and declared',
      'mass',
      /unit may be another/,
      (k) => ({ ...usual(k), mass: 1000 * Number(usual(k)['mass']) }),
      { columns: { mass: 'number' } },
    ],
    ['in pounds', 'mass', /kilograms and pounds/, (k) => ({ ...usual(k), mass: 2.2046 * Number(usual(k)['mass']) })],
    [
      'in cents for a part of the rows',
      'mass',
      /a part of the rows/,
      (k) => ({ ...usual(k), mass: (k % 3 === 0 ? 1000 : 1) * Number(usual(k)['mass']) }),
    ],
    ['of new categories alone', 'city', /None of the 600 values of "city"/, (k) => ({ ...usual(k), city: `city ${k % 4}` })],
    [
      'of new categories but for one row',
      'city',
      /Only 1 of the 600 values/,
      (k) => ({ ...usual(k), city: k === 0 ? 'Rome' : `city ${k % 4}` }),
    ],
    [
      'of sixty categories in capitals',
      'town',
      /in another way of writing/,
      (k) => ({ ...usual(k), town: String(usual(k)['town']).toUpperCase() }),
    ],
    ['that is one number now', 'mass', /is 70\.1 in all 600 rows that have a value/, (k) => ({ ...usual(k), mass: 70.1 })],
    ['of sixty categories, all of them new', 'town', /None of the 600 values/, (k) => ({ ...usual(k), town: `village ${k % 60}` })],
  ];
  for (const [name, column, message, make, config] of changes)
    test(`${name} stops the run`, async () => stops(column, message, make, config));

  test('exchanged with another one stops the run, and names both', async () => {
    const two: Make = (k) => ({ ...usual(k), price: (24 + 9 * chance(k)).toFixed(2), mass: (40 + 9 * chance(k, 1)).toFixed(2) });
    const reference = await referenceOf(ROWS, two);
    const now: Make = (k) => ({ ...two(k), price: two(k)['mass']!, mass: two(k)['price']! });
    expect(await failure(read(ROWS, now, {}, reference))).toMatchObject({
      code: 'SCHEMA_CHANGED',
      message: expect.stringContaining('The columns "price" and "mass" seem to be exchanged') as string,
      details: { columns: ['price', 'mass'] },
    });
    await read(ROWS, now, { reference: { accept: ['price', 'mass'] } }, reference);
  });

  test('that lacks far more values than before is told', async () => {
    const reference = await referenceOf(ROWS, usual);
    const { warnings } = await read(ROWS, (k) => ({ ...usual(k), mass: k % 2 ? '' : usual(k)['mass']! }), {}, reference);
    expect(warnings).toContain(
      'The column "mass" is empty in 300 of 600 rows (50 %); it was in 0 % of the rows that shop version 3 was made from.',
    );
  });

  test('of points in time that tell the label is told', async () => {
    const { dataset } = await read(ROWS, (k) => ({ ...usual(k), day: `2024-0${(k % 3) + 1}-1${k % 5}` }));
    const { values } = await preprocess(bench.context(), {}, dataset);
    expect(String((values as { warnings: string[] }).warnings)).toMatch(
      /"day" tells the label "y" .* each of its 15 points in time are of one class/,
    );
    const other = await read(ROWS, (k) => ({ ...usual(k), day: `2024-01-1${Math.floor(5 * chance(k, 8))}` }));
    const { values: none } = await preprocess(bench.context(), {}, other.dataset);
    expect(String((none as { warnings: string[] }).warnings)).not.toContain('"day" tells');
  });

  test('that moves as honest data do goes on', async () => {
    const reference = await referenceOf(ROWS, usual);
    const honest: Readonly<Record<string, Make>> = {
      'twice the rows': (k) => usual(k + 5_000),
      'a third of new categories': (k) => ({
        ...usual(k),
        city: k % 3 === 0 ? `new ${k % 2}` : usual(k)['city']!,
        town: k % 3 === 0 ? `new ${k % 20}` : usual(k)['town']!,
      }),
      'means that moved': (k) => ({
        ...usual(k),
        price: (Number(usual(k)['price']) + 20).toFixed(2),
        mass: (Number(usual(k)['mass']) + 1.1).toFixed(2),
        n: Number(usual(k)['n']) + 14,
      }),
      'some missing values': (k) => ({
        ...usual(k),
        price: k % 4 === 0 ? '' : usual(k)['price']!,
        city: k % 4 === 0 ? '' : usual(k)['city']!,
      }),
    };
    for (const [name, make] of Object.entries(honest))
      expect([name, (await read(2 * ROWS, make, {}, reference)).meta.compared]).toEqual([name, true]);
  });
});

describe('a column that equals the label', () => {
  const truth: Make = (k) => ({ ...usual(k), y: chance(k, 9) < 0.5 ? 'true' : 'false' });
  const flags: Readonly<Record<string, Make>> = {
    'as 1 and 0': (k) => ({ ...truth(k), flag: truth(k)['y'] === 'true' ? 1 : 0 }),
    'in other words': (k) => ({ ...truth(k), flag: truth(k)['y'] === 'true' ? 'Yes' : 'No' }),
    'with blanks around': (k) => ({
      ...truth(k),
      y: truth(k)['y'] === 'true' ? 'open ' : 'closed',
      flag: truth(k)['y'] === 'true' ? 'open ' : 'CLOSED',
    }),
    'but for missing values': (k) => ({ ...truth(k), flag: k % 20 === 0 ? '' : truth(k)['y']! }),
    'as decimals': (k) => ({ ...truth(k), y: truth(k)['y'] === 'true' ? 1 : 2, flag: truth(k)['y'] === 'true' ? '1.0' : '2.0' }),
  };
  test.each(Object.entries(flags))('%s is no feature that is chosen, and is told where it is listed', async (_, make) => {
    const { dataset } = await read(ROWS, make);
    const error = await failure(preprocess(bench.context(), {}, dataset));
    expect(error).toMatchObject({ code: 'LABEL_INVALID', message: expect.stringMatching(/"flag" equals the label "y" .* = /) });
    const { values } = await preprocess(
      bench.context(),
      {
        features: {
          n: ['standardize'],
          flag: [typeof make(1)['flag'] === 'number' || make(1)['flag'] === '1.0' || make(1)['flag'] === '2.0' ? 'standardize' : 'oneHot'],
        },
      },
      dataset,
    );
    expect(String((values as { warnings: string[] }).warnings)).toContain('"flag" equals the label "y"');
  });

  test('in other names for the classes is told', async () => {
    const { dataset } = await read(ROWS, (k) => ({ ...usual(k), status: { a: 'p', b: 'q', c: 'r' }[String(usual(k)['y'])]! }));
    const { values } = await preprocess(bench.context(), {}, dataset);
    expect(String((values as { warnings: string[] }).warnings)).toContain('"status" tells the label "y" in every row');
  });

  test('and did not before stops the run, listed or not; where it always did, it goes on', async () => {
    const before: Make = (k) => ({ ...truth(k), flag: chance(k, 8) < 0.5 ? 1 : 0 });
    await stops('flag', /equals the label "y" in every row .* now \("[01]" = /, flags['as 1 and 0']!, {}, ROWS, before);
    const { meta } = await read(ROWS, (k) => flags['as 1 and 0']!(k + 7_000), {}, await referenceOf(ROWS, flags['as 1 and 0']!));
    expect(meta.compared).toBe(true);
  });
});

describe('a text that means a missing value, beside', () => {
  const rare =
    (word: string | number, make: Make): Make =>
    (k) => ({ ...make(k), y: k % 50 === 0 ? word : make(k)['y']! });
  test.each<readonly [string, string, Make]>([
    ['whole numbers', 'none', (k) => ({ ...usual(k), y: k % 4 })],
    ['whole numbers', 'NA', (k) => ({ ...usual(k), y: k % 4 })],
    ['decimals that are whole', '?', (k) => ({ ...usual(k), y: `${k % 2}.0` })],
    ['true and false', 'None', (k) => ({ ...usual(k), y: k % 2 === 0 ? 'true' : 'false' })],
  ])('%s of a label is no missing value until the document says so: %s', async (_, word, make) => {
    const error = await failure(read(ROWS, rare(word, make)));
    expect(error).toMatchObject({ code: 'LABEL_INVALID', message: expect.stringContaining(`"y" is "${word}" in 12 rows`) });
    const path = await table(ROWS, rare(word, make));
    const anew = async (nullValues: readonly string[], columns?: IngestConfig['columns']) => {
      const { outputs, values } = await ingest(bench.context(), {
        source: { format: 'csv', path, nullValues: [...nullValues] },
        label: 'y',
        ...(columns === undefined ? {} : { columns }),
      });
      return {
        quarantined: (values as { quarantined: number }).quarantined,
        rows: Object.values(await bench.rows(outputs.dataset)).flat(),
      };
    };
    expect((await anew(['', word])).quarantined).toBe(12);
    expect(new Set((await anew([''], { y: 'string' })).rows.map((row) => row['y']))).toContain(word);
  });

  test('a quantity is a missing label, as before', async () => {
    const { meta } = await read(
      ROWS,
      rare('NA', (k) => ({ ...usual(k), y: (k / 7).toFixed(2) })),
    );
    expect(meta.quarantined).toBe(12);
  });
});
