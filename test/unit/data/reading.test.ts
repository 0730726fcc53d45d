import { readFile } from 'node:fs/promises';
import { gzipSync } from 'node:zlib';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Row } from '../../../src/core/tensor.ts';
import { openExamples } from '../../../src/data/stored/examples.ts';
import { ingest } from '../../../src/data/ingest/ingest.ts';
import type { IngestConfig } from '../../../src/data/ingest/ingest-config.ts';
import { countOverlap } from '../../../src/data/ingest/row-digests.ts';
import type { ReferenceSchema } from '../../../src/data/ingest/reference.ts';
import { preprocess } from '../../../src/data/preprocess/preprocess.ts';
import type { PreprocessConfig } from '../../../src/data/preprocess/preprocess-config.ts';
import { loadPreprocessor } from '../../../src/data/preprocess/preprocessor.ts';
import { UNREADABLE, readCell } from '../../../src/data/reading/cells.ts';
import { parseJson, writeJson } from '../../../src/data/reading/json-numbers.ts';
import { readFileAs } from '../../../src/data/reading/read-as.ts';
import type { Column } from '../../../src/data/stored/column.ts';
import { SPLITS } from '../../../src/data/stored/dataset.ts';
import type { DatasetMeta, DatasetProfile } from '../../../src/data/stored/dataset.ts';
import { withDatabase } from '../../../src/data/table/duckdb.ts';
import { previewExamples } from '../../../src/planning/preview-examples.ts';
import { readEveryRow, readRowsFile } from '../../../src/serving/rows-file.ts';
import { createBench, failure } from './support.ts';
import type { Bench } from './support.ts';

let bench: Bench;
beforeAll(async () => {
  bench = await createBench();
});
afterAll(() => bench.close());

let files = 0;
const lines = (count: number, line: (index: number) => string) => Array.from({ length: count }, (_, index) => line(index)).join('\n');

async function run(
  name: string,
  content: string | Uint8Array,
  config: Partial<Omit<IngestConfig, 'source'>> & { readonly source?: object } = {},
  reference?: ReferenceSchema,
) {
  const path = await bench.file(`r${(files += 1)}-${name}`, content);
  const format = /\.(\w+?)(\.gz)?$/.exec(name)![1]!;
  const result = await ingest(
    bench.context(),
    { label: 'y', split: { by: 'random' }, ...config, source: { format, path, ...config.source } },
    async () => reference,
  );
  const artifact = await bench.open(result.outputs.dataset);
  const rows = await bench.rows(result.outputs.dataset);
  const meta = artifact.manifest.meta as unknown as DatasetMeta;
  return {
    path: join(bench.dir, path),
    dataset: result.outputs.dataset!,
    artifact,
    meta,
    rows,
    all: SPLITS.flatMap((split) => rows[split]),
    types: Object.fromEntries(meta.columns.map((column) => [column.name, column.type])),
    warnings: (result.values as { warnings: string[] }).warnings,
    details: result.details!,
  };
}

/** What the training read, and what a request of the same rows gives. */
async function expectServed(dataset: Awaited<ReturnType<typeof run>>, features: PreprocessConfig['features'], requests: readonly Row[]) {
  const { outputs } = await preprocess(bench.context(), { features: features! }, dataset.dataset);
  const examples = await openExamples(await bench.open(outputs.examples));
  const preprocessor = loadPreprocessor(JSON.parse(JSON.stringify(await examples.preprocessorJson())));
  const trained = SPLITS.flatMap((split) => {
    const reader = examples.reader(split);
    const width = preprocessor.inputs[0]!.shape[0]!;
    const { data } = reader.read(0, reader.rows)[preprocessor.inputs[0]!.name]!;
    reader.close();
    return Array.from({ length: reader.rows }, (_, row) => Array.from(data.subarray(row * width, (row + 1) * width)).join());
  }).sort();
  const served = await preprocessor.apply(requests);
  const tensor = served[preprocessor.inputs[0]!.name]!;
  const width = tensor.spec.shape[0]!;
  expect(
    Array.from({ length: tensor.rows }, (_, row) => Array.from(tensor.data.subarray(row * width, (row + 1) * width)).join()).sort(),
  ).toEqual(trained);
  return preprocessor;
}

const y = (k: number): string => (k % 2 === 0 ? 'a' : 'b');

describe('a header that stands among the rows once more, as where files were joined', () => {
  const part = (from: number, line: (k: number) => string) => Array.from({ length: 40 }, (_, k) => line(from + k)).join('\n');
  const csv = (header: string, again: string, line: (k: number) => string, end = '\n') =>
    `${header}\n${part(0, line)}\n${again}\n${part(40, line)}\n${again}${end}`.replaceAll('\n', end === '' ? '\n' : end);
  const numbers = (k: number) => `${k}.5,t${k % 3},${y(k)}`;
  const about = ({ meta }: Awaited<ReturnType<typeof run>>) => ({ columns: {}, reading: meta.reading! });

  test.each([
    ['as it is', csv('x,t,y', 'x,t,y', numbers)],
    ['lines that end in two characters', csv('x,t,y', 'x,t,y', numbers, '\r\n')],
    ['without an end of the last line', csv('x,t,y', 'x,t,y', numbers, '')],
    ['quotes around its names', csv('x,t,y', '"x","t","y"', numbers)],
    ['quotes the first time', csv('"x","t","y"', 'x,t,y', numbers)],
    ['quotes and no others', csv('"x","t","y"', '"x","t","y"', numbers)],
    ['at once', csv('x,t,y\nx,t,y', 'x,t,y', numbers)],
    ['behind a title, and blanks', csv('# of 2024\nx , t, y', 'x , t, y', numbers)],
    ['a name in two lines', csv('x,"t","y"', 'x,"t","y"', numbers)],
    ['a byte order mark', `\uFEFF${csv('x,t,y', 'x,t,y', numbers)}`],
    ['packed', gzipSync(csv('x,t,y', 'x,t,y', numbers))],
  ])('%s', async (name, content) => {
    const read = await run(name === 'packed' ? 'again.csv.gz' : 'again.csv', content);
    expect(read.types).toEqual({ x: 'number', t: 'string', y: 'string' });
    expect([read.all.length, read.meta.quarantined]).toEqual([80, 0]);
    expect(read.warnings).toEqual([expect.stringMatching(/the header stands [23] more times among the rows/), ...read.warnings.slice(1)]);
    const rows = await readRowsFile(read.path, about(read));
    expect(rows).toHaveLength(80);
    expect(rows.filter(({ y: label }) => label === 'y')).toEqual([]);
  });

  test('in a table of texts alone, and in each of several files', async () => {
    const texts = (k: number) => `s${k % 4},t${k % 3},${y(k)}`;
    const content = csv('NA,t,y', 'NA,t,y', texts);
    const read = await run('again.csv', content);
    expect(read.all).toHaveLength(80);
    await bench.file('joined-1.csv', content);
    const path = await bench.file('joined-2.csv', csv('NA,t,y', 'NA,t,y', texts));
    const both = await run('x.csv', '', { source: { path: path.replace('2.csv', '*.csv') } });
    expect(both.all).toHaveLength(160);
    expect(both.meta.quarantined).toBe(0);
  });

  test('many rows, which are read byte by byte where no header stands among them', async () => {
    const many = (from: number) => Array.from({ length: 30_000 }, (_, k) => `s${k % 4},t${k % 3},${y(from + k)}`).join('\n');
    const read = await run('again.csv', `s,t,y\n${many(0)}\ns,t,y\n${many(1)}\n`);
    expect(read.all).toHaveLength(60_000);
  });

  test('lines that are told of rows behind it are those of the file', async () => {
    const read = await run('again.csv', csv('x,t,y', 'x,t,y', numbers));
    const { lines: told } = await readEveryRow(read.path, about(read), 1000);
    expect(told?.slice(38, 42)).toEqual([40, 41, 43, 44]);
  });

  test('a row of one column, and one that has a single name for a value, are rows', async () => {
    const read = await run('names.csv', `x,t\n${part(0, (k) => `${k},t${k % 3}`)}\n7,t\n`, { label: 't' });
    expect(read.all.filter(({ t }) => t === 't')).toHaveLength(1);
  });
});

describe('strings of JSON stay as they are, in training and in serving', () => {
  test.each([
    ['capital UUIDs', (k: number) => `3F2504E0-4F89-11D3-9A0C-0305E82C33${String(k % 7).padStart(2, '0')}`],
    ['times of day', (k: number) => `0${k % 9}:30`],
    ['dates declared as text', (k: number) => `2024-0${(k % 9) + 1}-01`],
    ['numbers and letters', (k: number) => (k % 3 === 0 ? k % 5 : k % 3 === 1 ? `A${k % 5}` : 1.5)],
    ['numbers, texts, true and null', (k: number) => [7, '7', true, null, 'x', 1e21][k % 6]],
    ['lists and objects', (k: number) => (k % 2 === 0 ? { b: 1.0, a: [k % 3, 'é'] } : [1.5, null])],
    ['integers beyond 2^53', (k: number) => 9_007_199_254_740_993n + BigInt(k % 5)],
  ])('%s', async (_, value) => {
    const rows = Array.from({ length: 60 }, (__, k) => ({ v: value(k), y: y(k) }));
    const texts = rows.map((row) => writeJson(row));
    for (const [name, content] of [
      ['rows.ndjson', texts.join('\n')],
      ['rows.json', `[${texts.join(',')}]`],
    ] as const) {
      const read = await run(name, content, { columns: { v: 'string' } });
      expect(read.types['v']).toBe('string');
      await expectServed(
        read,
        { v: ['oneHot'] },
        texts.map((text) => parseJson(text) as Row),
      );
    }
  });

  test('keys that differ in case are two columns', async () => {
    const { meta, all } = await run(
      'case.ndjson',
      lines(40, (k) => JSON.stringify({ Name: `u${k}`, name: k * 0.5, y: y(k) })),
    );
    expect(meta.columns.map(({ name, type }) => [name, type])).toEqual([
      ['Name', 'string'],
      ['name', 'number'],
      ['y', 'string'],
    ]);
    expect(all.find((row) => row.Name === 'u3')).toEqual({ Name: 'u3', name: 1.5, y: 'b' });
  });

  test('an object that names a key twice is set aside', async () => {
    const { meta } = await run('twice.ndjson', `${lines(60, (k) => `{"x":${k}.5,"y":"${y(k)}"}`)}\n{"x":1,"x":2,"y":"a"}`);
    expect(meta.quarantined).toBe(1);
  });
});

describe('dates', () => {
  test('month and day in an order that nobody can tell stay text, never two orders in one column', async () => {
    const text = lines(60, (k) =>
      JSON.stringify({ d: `${String((k % 12) + 1).padStart(2, '0')}-${String((k % 11) + 1).padStart(2, '0')}-2024`, y: y(k) }),
    );
    const { types, warnings } = await run('us.ndjson', text);
    expect(types['d']).toBe('string');
    expect(warnings.join()).toContain('do not say which part is the month');
    expect(await failure(run('us.ndjson', text, { split: { by: 'time', column: 'd' } }))).toMatchObject({
      code: 'SPLIT_INVALID',
      hint: expect.stringMatching(/\{"format":"(dd-MM|MM-dd)-yyyy"\}\}\} or .*whichever is right; it reads 60 of 60 values/),
    });
    const declared = await run('us.ndjson', text, { columns: { d: { timestamp: { format: 'MM-dd-yyyy', zone: 'Europe/Berlin' } } } });
    expect(declared.all.some((row) => row.d === '2023-12-31T23:00:00.000Z')).toBe(true);
    await expectServed(
      declared,
      { d: [{ dateParts: ['month', 'day', 'hour'] }] },
      text.split('\n').map((line) => JSON.parse(line) as Row),
    );
  });

  const pad = (value: number): string => String(value).padStart(2, '0');
  const month = (k: number): string => `${2000 + Math.floor(k / 12)}-${pad((k % 12) + 1)}`;
  test.each<[string, (k: number) => string, string]>([
    ['months', month, 'yyyy-MM'],
    ['months in front', (k) => month(k).replace(/(.*)-(.*)/, '$2/$1'), 'MM/yyyy'],
    [
      'names of months',
      (k) => `${['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'][k % 12]!} ${month(k).slice(0, 4)}`,
      'MMM yyyy',
    ],
    ['quarters', (k) => `${2000 + Math.floor(k / 4)}-Q${(k % 4) + 1}`, "yyyy-'Q'Q"],
    ['weeks', (k) => `${2000 + Math.floor(k / 52)}-W${pad((k % 52) + 1)}`, "YYYY-'W'ww"],
    ['days with months in front', (k) => `${pad((k % 12) + 1)}/${pad(((k * 5) % 28) + 1)}/${2000 + Math.floor(k / 12)}`, 'MM/dd/yyyy'],
    [
      'days and half days',
      (k) => `${pad((k % 12) + 1)}/${pad(((k * 5) % 28) + 1)}/${2000 + Math.floor(k / 12)} 03:47 PM`,
      'MM/dd/yyyy hh:mm a',
    ],
  ])('%s are points in time where the document uses them as such, and named with their form elsewhere', async (_, write, format) => {
    const csv = ['by.csv', `at,v,y\n${lines(120, (k) => `${write(k)},${k}.5,${y(k)}`)}\n`] as const;
    const ndjson = ['by.ndjson', lines(120, (k) => JSON.stringify({ at: write(k), v: k + 0.5, y: y(k) }))] as const;
    // A form is read out of texts, wherever they stand: one of them out of both.
    for (const [name, text] of format === 'yyyy-MM' ? [csv, ndjson] : [format.length % 2 === 0 ? csv : ndjson]) {
      const declaration = `"columns": {"at": {"timestamp":{"format":"${format}"}}}`;
      const plain = await run(name, text);
      expect(plain.types['at']).toBe('string');
      expect(plain.warnings.join()).toContain(`Declare ${declaration} to read them`);
      const read = await run(name, text, { split: { by: 'time', column: 'at' } as never });
      expect(read.types['at']).toBe('timestamp');
      expect(read.warnings.join()).toContain(`is read as ${declaration}, the only form that all its values have`);
      expect(read.rows.train[0]!.v).toBe(0.5);
      await expectServed(
        read,
        { at: [{ dateParts: ['month'] }], v: [] },
        Array.from({ length: 120 }, (_, k) => ({ at: write(k), v: k + 0.5 })),
      );
    }
  });

  test('months make a series without gaps', async () => {
    const read = await run('monthly.csv', `month,v\n${lines(240, (k) => `${month(k)},${(Math.sin(k / 2) * 10).toFixed(2)}`)}\n`, {
      label: 'v',
      split: { by: 'time', column: 'month' } as never,
    });
    const { outputs, values } = await preprocess(
      bench.context(),
      { features: { v: ['standardize'] }, sequence: { size: 6, horizon: 1, by: 'month' } } as unknown as PreprocessConfig,
      read.dataset,
    );
    expect(JSON.stringify(values)).not.toContain('gap');
    expect((await openExamples(await bench.open(outputs.examples))).meta.splits.train.rows).toBe(read.rows.train.length - 6);
  });

  test('a form is suggested that reads the values, or none', async () => {
    const noteOf = async (write: (k: number) => string): Promise<string> =>
      (await run('forms.csv', `d,y\n${lines(60, (k) => `"${write(k)}",${y(k)}`)}\n`)).warnings.find((note) => note.includes('"d"')) ?? '';
    expect(await noteOf((k) => `${pad(((k * 5) % 28) + 1)}.${pad((k % 12) + 1)}.2021`)).toContain('"dd.MM.yyyy"');
    expect(await noteOf((k) => `${pad((k % 12) + 1)}.${pad((k % 11) + 1)}.2021`)).toMatch(
      /"(dd\.MM|MM\.dd)\.yyyy"\}\}\} or .*whichever is right/,
    );
    expect(await noteOf((k) => `2${k % 4}-${pad((k % 12) + 1)}-${pad((k % 11) + 1)}`)).toContain('"yy-MM-dd"');
    expect(await noteOf((k) => (k % 2 ? `${pad((k % 12) + 1)}/13/2021` : `13.${pad((k % 12) + 1)}.2021`))).toMatch(
      /looks like dates .* no one form reads them all\.$/,
    );
    expect(await noteOf((k) => (k === 7 ? 'soon' : `${pad(((k * 5) % 28) + 1)}.${pad((k % 12) + 1)}.2021`))).toMatch(
      /"dd\.MM\.yyyy".* to read them; 1 of 60 values would be quarantined\.$/,
    );
    expect(await noteOf((k) => (k % 7 === 0 ? 'soon' : `${pad(((k * 5) % 28) + 1)}.${pad((k % 12) + 1)}.2021`))).toMatch(
      /9 of 60 values would be quarantined, which "budget" has to allow \(it is 0\.05\)/,
    );
  });

  test('numbers that count from 1970 in a declared unit', async () => {
    const read = await run('epoch.csv', `t,y\n${lines(40, (k) => `${1_700_000_000 + k * 3_600},${y(k)}`)}`, {
      columns: { t: { timestamp: { unit: 's' } } },
    });
    expect(read.all.some((row) => row.t === '2023-11-14T22:13:20.000Z')).toBe(true);
    await expectServed(
      read,
      { t: [{ dateParts: ['hour'] }] },
      Array.from({ length: 40 }, (_, k) => ({ t: 1_700_000_000 + k * 3_600 })),
    );
  });

  test('a declared form that has no meaning is refused', async () => {
    expect(await failure(run('d.csv', `d,y\n1,a\n2,b\n`, { columns: { d: { timestamp: { format: 'dd/mm/yyyy' } } } }))).toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringContaining('"dd/mm/yyyy" says the day and not the month'),
    });
    expect(await failure(run('d.csv', `d,y\n1,a\n2,b\n`, { columns: { d: { timestamp: { zone: 'Europe/Berln' } } } }))).toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringContaining('"Europe/Berln" is no time zone'),
    });
  });
});

describe('numbers', () => {
  test('long integers, zeros in front and codes like 2E5 are exact texts, and said', async () => {
    const { types, all, warnings } = await run(
      'ids.csv',
      `id,zip,part,n,y\n${lines(50, (k) => `${9_007_199_254_740_993n + BigInt(k)},0${k}1,${k}E5,${k}.25,${y(k)}`)}`,
    );
    expect(types).toEqual({ id: 'string', zip: 'string', part: 'string', n: 'number', y: 'string' });
    expect(new Set(all.map((row) => row.id)).size).toBe(50);
    expect(warnings.filter((warning) => warning.includes('codes'))).toHaveLength(3);
  });

  test('declared ways of writing them are read, in training, in a file and in a request; undeclared ones are named with examples', async () => {
    const text = `money,de,pct,y\n${lines(50, (k) => `"$${k},${String(k).padStart(3, '0')}.50","${k},5",${k}%,${y(k)}`)}\n`;
    const unsaid = await run('ways.csv', text);
    for (const [name, format] of [
      ['money', '"currency":true'],
      ['de', '"decimal":","'],
      ['pct', '"percent":true'],
    ] as const) {
      const note = unsaid.warnings.find((warning) => warning.includes(`"${name}"`))!;
      expect(note).toContain(format);
      expect(note.match(/"[^"]*\d[^"]*"/g)!.length).toBeGreaterThanOrEqual(3);
    }
    const read = await run('ways.csv', text, {
      columns: {
        money: { number: { currency: true, thousands: ',' } },
        de: { number: { decimal: ',' } },
        pct: { number: { percent: true } },
      },
    });
    expect(read.meta.quarantined).toBe(0);
    expect(read.all.find((row) => row.de === 7.5)).toMatchObject({ money: 7007.5, pct: 0.07 });
    const preprocessor = await expectServed(
      read,
      { money: [], de: [], pct: [] },
      await readRowsFile(read.path, { columns: { money: 'number', de: 'number', pct: 'number' }, reading: read.meta.reading! }),
    );
    const one = await preprocessor.apply([{ money: '$7,007.50', de: '7,5', pct: '7%' }]);
    expect(Array.from(one['features']!.data)).toEqual([7007.5, 7.5, Math.fround(0.07)]);
  });

  test('negatives as accounts write them are named as the reason, and read where that is declared', async () => {
    const negative = (k: number): string => ['(1,234.50)', '17.25-', `(${k})`][Math.floor(k / 10) % 3]!;
    const text = `a,b,y\n${lines(80, (k) => `"${k % 10 === 1 ? negative(k) : `${k}.5`}","${k % 2 ? `${k}-` : `€ (${k})`}",${y(k)}`)}\n`;
    const unsaid = await run('accounts.csv', text);
    expect(unsaid.types).toMatchObject({ a: 'string', b: 'string' });
    expect(unsaid.warnings.join()).toMatch(
      /"a" is read as text: 8 of 80 values are written in another way .*Declare "columns": \{"a": \{"number":\{"accounting":true/,
    );
    expect(unsaid.warnings.join()).toMatch(
      /"b" is read as text: .*Declare "columns": \{"b": \{"number":\{"currency":true,"accounting":true\}\}\}/,
    );
    const accounting = { number: { accounting: true, currency: true, thousands: ',' } } as const;
    const read = await run('accounts.csv', text, { columns: { a: accounting, b: accounting }, budget: 0.1 });
    expect(read.meta.quarantined).toBe(0);
    const values = (texts: string[]): unknown[] => texts.map((value) => readCell(value, { type: 'number', format: accounting }));
    expect(values(['(1,234.50)', '123-', '( 5 )', '$ (12)', '(12) USD', '-€7', '123 - ', '(0.5)', '−4'])).toEqual([
      -1234.5, -123, -5, -12, -12, -7, -123, -0.5, -4,
    ]);
    expect(new Set(values(['(-5)', '((5))', '-5-', '(5', '5)', '(5)-', '-', '()']))).toEqual(new Set([UNREADABLE, null]));
  });

  test('ids are no amounts of money, and two ways that fit are both named', async () => {
    const text = (write: (k: number) => string): string => `c,y\n${lines(60, (k) => `"${write(k)}",${y(k)}`)}\n`;
    const noteOf = async (write: (k: number) => string): Promise<string> =>
      (await run('ids.csv', text(write))).warnings.find((note) => note.includes('"c"')) ?? '';
    for (const prefix of ['cat', 'abc', 'SKU', 'USD', 'TOP ', 'Eur']) expect(await noteOf((k) => `${prefix}${100 + k}`)).toBe('');
    for (const amount of ['USD ', '€', '$ ']) expect(await noteOf((k) => `${amount}${100 + k}`)).toContain('{"number":{"currency":true}}');
    expect(await noteOf((k) => `USD${k}.50`)).toContain('"currency":true');
    expect(await noteOf((k) => `${k + 1},${100 + k}`)).toMatch(/Declare .*"thousands":",".* or .*"decimal":",".*whichever is right/);
    expect(await noteOf((k) => `${k + 1},5`)).toMatch(/Declare "columns": \{"c": \{"number":\{"decimal":","\}\}\} to read them/);
    expect(await noteOf((k) => (k < 10 ? `${k}.5` : `${k},5`))).not.toContain('whichever');
  });

  test('numbers with their unit behind them are named, and read where it is declared; another unit is none', async () => {
    const text = (write: (k: number) => string): string => `w,y\n${lines(60, (k) => `"${write(k)}",${y(k)}`)}\n`;
    const noteOf = async (write: (k: number) => string): Promise<string> =>
      (await run('units.csv', text(write))).warnings.find((note) => note.includes('"w"')) ?? '';
    expect(await noteOf((k) => `${k + 0.5} kg`)).toContain('Declare "columns": {"w": {"number":{"unit":"kg"}}} to read them');
    expect(await noteOf((k) => `${k},5km/h`)).toContain('{"number":{"decimal":",","unit":"km/h"}}');
    expect(await noteOf((k) => `${k}°C`)).toContain('{"number":{"unit":"°C"}}');
    for (const code of [(k: number) => `0${k} a`, (k: number) => `${k}-B`, (k: number) => `${k}${k % 2 ? ' kg' : ' lb'}`])
      expect(await noteOf(code)).not.toContain('unit');
    const read = await run(
      'units.csv',
      text((k) => ['12 kg', '12kg', '-3.5 kg', '7', '7 lb'][k % 5]!),
      {
        columns: { w: { number: { unit: 'kg' } } },
        budget: 0.3,
      },
    );
    expect(new Set(read.all.map((row) => row.w))).toEqual(new Set([12, -3.5, 7]));
    expect(read.meta.quarantined).toBe(12);
    const preprocessor = await expectServed(
      read,
      { w: [] },
      read.all.map((row) => ({ w: `${String(row.w)} kg` })),
    );
    expect(Array.from((await preprocessor.apply([{ w: '-3.5 kg' }, { w: 4 }]))['features']!.data)).toEqual([-3.5, 4]);
  });

  test('days that are written as integers are named, in tables of texts and in sources with types', async () => {
    const day = (k: number): number => 20_240_101 + (k % 28);
    const csv = await run('days.csv', `day,n,y\n${lines(60, (k) => `${day(k)},${20_240_130 + k},${y(k)}`)}\n`);
    expect(csv.types).toMatchObject({ day: 'integer', n: 'integer' });
    const said = csv.warnings.filter((note) => note.includes('are days'));
    expect(said).toEqual([
      'The column "day" is read as integer, and all its values are days (20240101, 20240102, 20240103). Declare "columns": {"day": {"timestamp":{"format":"yyyyMMdd"}}} to read them as points in time.',
    ]);
    const json = lines(60, (k) => JSON.stringify({ day: day(k), y: y(k) }));
    expect((await run('days.ndjson', `${json}\n`)).warnings.join()).toContain('all its values are days');
    const declared = { columns: { day: { timestamp: { format: 'yyyyMMdd' } } } };
    for (const [name, content] of [
      ['days.csv', `day,y\n${lines(60, (k) => `${day(k)},${y(k)}`)}\n`],
      ['days.ndjson', `${json}\n`],
    ] as const) {
      const { types, warnings, meta } = await run(name, content, declared);
      expect(types).toMatchObject({ day: 'timestamp' });
      expect(meta.quarantined).toBe(0);
      expect(warnings.join()).not.toContain('are days');
    }
  });

  test('what is said of the first rows does not pass for all', async () => {
    const { warnings } = await run('first.csv', `c,y\n${lines(30_000, (k) => `€${k},${y(k)}`)}\n`);
    expect(warnings.join()).toContain('20480 of the 20480 values that were looked at are written in another way');
  });

  test('a supposition that the first rows suggest is proved on all', async () => {
    const rows = 30_000;
    const { types, all } = await run(
      'late.csv',
      `i,n,t,z,y\n${lines(rows, (k) => `${k === 25_000 ? '1.5' : k},${k === 26_000 ? 'none at all' : `${k}.5`},${k === 27_000 ? 'never' : '2024-01-01'},${k === 28_000 ? '007' : k},${y(k)}`)}`,
    );
    expect(types).toMatchObject({ i: 'number', n: 'string', t: 'string', z: 'string' });
    expect(all).toHaveLength(rows);
    expect(all.some((row) => row.z === '007')).toBe(true);
  });
});

describe('labels', () => {
  test('a class that is called NA does not disappear: somebody has to say what it means', async () => {
    const text = `x,y\n${lines(60, (k) => `${k}.5,${['EU', 'AF', 'NA'][k % 3]}`)}\n`;
    expect(await failure(run('na.csv', text))).toMatchObject({
      code: 'LABEL_INVALID',
      message: expect.stringContaining('"y" is "NA" in 20 rows'),
      hint: expect.stringContaining('"nullValues": [""]'),
    });
    expect(new Set((await run('na.csv', text, { source: { nullValues: [''] } })).all.map((row) => row.y))).toEqual(
      new Set(['EU', 'AF', 'NA']),
    );
    expect((await run('na.csv', text, { source: { nullValues: ['', 'NA'] }, budget: 0.5 })).meta.quarantined).toBe(20);
  });

  test('1.0 and 0.0 are two classes, and it is said; a declared number is one', async () => {
    const text = `x,y\n${lines(60, (k) => `${k}.5,${k % 2}.0`)}\n`;
    const { types, warnings } = await run('float.csv', text);
    expect(types['y']).toBe('integer');
    expect(warnings.join()).toContain('taken for 2 classes');
    expect((await run('float.csv', text, { columns: { y: 'number' } })).types['y']).toBe('number');
  });

  test('blanks around the name of a class do not count, its case does, and both are said', async () => {
    const { all, warnings } = await run('blank.csv', `x,y\n${lines(60, (k) => `${k}.5,${['yes', 'no', 'yes ', 'Yes'][k % 4]}`)}\n`);
    expect(new Set(all.map((row) => row.y))).toEqual(new Set(['yes', 'no', 'Yes']));
    expect(warnings.join()).toContain('"yes " (15 rows) was taken for "yes"');
    expect(warnings.join()).toContain('differ in their case only');
  });
});

describe('texts that look the same', () => {
  const composed = 'Köln';
  const apart = composed.normalize('NFD');
  const written = [composed, apart, composed, 'K\u00ADöln', 'K\u200Böln', ' Köln', 'Bonn am\u00A0Rhein', 'Bonn am Rhein'];

  test('are one class, called as most rows call it, and it is said', async () => {
    const { all, warnings } = await run('alike.csv', `x,y\n${lines(80, (k) => `${k}.5,${written[k % 8]}`)}\n`);
    expect(new Set(all.map((row) => row.y))).toEqual(new Set([composed, 'Bonn am Rhein']));
    expect(warnings.join()).toContain('"Ko\\u0308ln" (10 rows) was taken for "Köln"');
    expect(warnings.join()).toContain('"K\\u00adöln" (10 rows) was taken for "Köln"');
    expect(warnings.join()).toContain('"K\\u200böln" (10 rows) was taken for "Köln"');
  });

  test('are one class under the name that the source has, where it has one only', async () => {
    const { all, warnings } = await run('apart.csv', `x,y\n${lines(60, (k) => `${k}.5,${[apart, 'Bonn'][k % 2]}`)}\n`);
    expect(new Set(all.map((row) => row.y))).toEqual(new Set([apart, 'Bonn']));
    expect(warnings).toEqual([]);
  });

  test('stay different categories, and it is said, by run and by plan', async () => {
    const text = `city,y\n${lines(80, (k) => `${written[k % 8]},${['a', 'b'][k % 2]}`)}\n`;
    const { all, warnings, path } = await run('alike.csv', text, { columns: { city: 'string' } });
    expect(new Set(all.map((row) => row.city)).size).toBe(7);
    for (const said of [
      warnings,
      (await previewExamples({ label: 'y', source: { format: 'csv', path }, split: { by: 'random' } }, {}, bench.dir)).notes,
    ])
      expect(said.join()).toMatch(/The column "city" has values that look the same and are not: "Köln" \(\d+ rows\) and .*"Ko\\u0308ln"/);
    const plain = await run('plain.csv', `city,y\n${lines(60, (k) => `${['Köln', 'Koln', 'köln', '👨‍👩', '👨👩'][k % 5]},${k % 2}`)}\n`);
    expect(plain.warnings.join()).not.toContain('look the same');
  });
});

describe('CSV as people have it', () => {
  const body = lines(40, (k) => `${k}.5,name ${k},${y(k)}`);
  const expected = { x: 'number', name: 'string', y: 'string' };
  test.each([
    ['blank lines first', `\n\n\nx,name,y\n${body}\n`],
    ['a title and a comment', `Report of 2024\n# made by hand\n\nx,name,y\n${body}\n`],
    [
      'lines that end in different ways',
      `x,name,y\r\n${body
        .split('\n')
        .map((line, k) => line + (k % 3 === 0 ? '\r\n' : k % 3 === 1 ? '\n' : '\r'))
        .join('')}`,
    ],
    ['UTF-16 with a mark', Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from(`x,name,y\n${body}\n`, 'utf16le')])],
    ['UTF-8 with a mark', `\uFEFFx,name,y\n${body}\n`],
    ['semicolons', `x;name;y\n${body.replaceAll(',', ';')}\n`],
    ['tabs', `x\tname\ty\n${body.replaceAll(',', '\t')}\n`],
  ])('%s', async (_, content) => {
    const { types, all } = await run('odd.csv', content);
    expect(types).toEqual(expected);
    expect(all).toHaveLength(40);
  });

  test('packed with gzip; not as a bomb, and not torn', async () => {
    const packed = gzipSync(`x,name,y\n${body}\n`);
    expect((await run('packed.csv.gz', packed)).types).toEqual(expected);
    expect(await failure(run('torn.csv.gz', packed.subarray(0, packed.length - 20)))).toMatchObject({
      code: 'SOURCE_INVALID',
      message: expect.stringContaining('cannot be unpacked (gzip)'),
    });
    expect(await failure(run('bomb.csv.gz', gzipSync(Buffer.alloc(300 * 2 ** 20, 'a\n'))))).toMatchObject({
      code: 'SOURCE_INVALID',
      message: expect.stringContaining('unpacks to more than'),
    });
    expect(await failure(run('zip.csv', Buffer.from('504b03040000', 'hex')))).toMatchObject({
      code: 'SOURCE_INVALID',
      message: expect.stringContaining('ZIP archive or a workbook'),
    });
  });

  test('a delimiter behind every row makes no column; a row with a value there is set aside', async () => {
    const text = (count: number, late: number) => `y,x,z\n${lines(count, (k) => `${y(k)},${k}.5,${k % 7},${k === late ? 'more' : ''}`)}\n`;
    const { types, meta, warnings, path } = await run('ends.csv', text(900, 800));
    expect(types).toEqual({ y: 'string', x: 'number', z: 'integer' });
    expect(meta.quarantined).toBe(1);
    expect(warnings.join()).toContain('a delimiter stands behind the last value of every row');
    const about = { columns: { x: 'number', z: 'integer' } as const, reading: meta.reading! };
    await expect(readRowsFile(path, about)).rejects.toThrow(/too many columns: line 802/);
    expect((await run('ends.csv', text(60, -1))).all).toHaveLength(60);
    const [, second] = [await bench.file('part-a.csv', text(40, -1)), await bench.file('part-b.csv', text(40, -1).replaceAll(/,$/gm, ''))];
    expect(second).toBe('part-b.csv');
    expect((await run('part.csv', 'x', { source: { path: 'part-*.csv' } })).all).toHaveLength(80);
  });

  test('a header that is broken into lines', async () => {
    const { meta, all } = await run(
      'broken.csv',
      `"weight\r\n(kg)",y\r\n${lines(40, (k) => `${k}.5,${y(k)}`).replaceAll('\n', '\r\n')}\r\n`,
    );
    expect(meta.columns.map(({ name }) => name)).toEqual(['weight (kg)', 'y']);
    expect(all).toHaveLength(40);
  });

  test('bytes of another encoding show how they would read', async () => {
    const bytes = Buffer.from(`x,y\n${lines(30, (k) => `café ${k},${y(k)}`)}\n`, 'latin1');
    expect(await failure(run('cp.csv', bytes))).toMatchObject({ code: 'SOURCE_INVALID', hint: expect.stringContaining('"windows-1252"') });
    expect((await run('cp.csv', bytes, { source: { encoding: 'windows-1252' } })).all.some((row) => row.x === 'café 3')).toBe(true);
  });

  test('hundreds of columns', async () => {
    const names = Array.from({ length: 300 }, (_, index) => `c${index}`);
    const { meta } = await run(
      'wide.csv',
      `${names.join(',')},y\n${lines(30, (k) => `${names.map((_, index) => `${index + k}.5`).join(',')},${y(k)}`)}\n`,
    );
    expect(meta.columns).toHaveLength(301);
  });

  test('an index that a program exported is left out, and a column that only counts is no feature; both are said', async () => {
    const { meta, warnings } = await run('index.csv', `,id,x,y\n${lines(40, (k) => `${k},${k + 1},${(k * 7) % 11}.5,${y(k)}`)}\n`);
    expect(meta.columns.map(({ name, origin }) => [name, origin ?? false])).toEqual([
      ['id', true],
      ['x', false],
      ['y', false],
    ]);
    expect(warnings.filter((warning) => warning.includes('numbers the rows'))).toHaveLength(2);
  });
});

describe('the very file that a model was trained on is read again, whatever it is called', () => {
  const row = (k: number) => ({ x: `é${k % 5}`, n: k + 0.5, y: k % 2 ? 'b' : 'a' });
  const ndjson = `${lines(60, (k) => JSON.stringify(row(k)))}\n`;
  const csv = (delimiter = ',', header = true): string =>
    `${header ? `x${delimiter}n${delimiter}y\n` : ''}${lines(60, (k) => Object.values(row(k)).join(delimiter))}\n`;
  const latin = (text: string): Buffer => Buffer.from(text, 'latin1');
  const zstd = async (name: string, text: string | Uint8Array): Promise<Uint8Array> => {
    const [from, to] = [join(bench.dir, await bench.file(`plain-${name}`, text)), join(bench.dir, `packed-${name}.zst`)];
    await withDatabase((db) =>
      db.run(
        `COPY (SELECT line FROM read_csv('${from}', auto_detect=false, header=false, delim=chr(1), quote='', escape='', columns={'line': 'VARCHAR'})) TO '${to}' (FORMAT csv, HEADER false, DELIMITER '\x01', QUOTE '', ESCAPE '', COMPRESSION zstd)`,
      ),
    );
    return readFile(to);
  };
  const titles = 'Report of the month\nmade 2024, by us, today\n';
  test.each<[string, string, () => string | Uint8Array | Promise<Uint8Array>, object]>([
    ['ndjson in .json', 'lines.json', () => ndjson, { format: 'ndjson' }],
    ['ndjson without an ending', 'lines', () => ndjson, { format: 'ndjson' }],
    ['json in .txt', 'list.txt', () => JSON.stringify(Array.from({ length: 60 }, (_, k) => row(k))), { format: 'json' }],
    [
      'json in .ndjson',
      'list.ndjson',
      () =>
        JSON.stringify(
          Array.from({ length: 60 }, (_, k) => row(k)),
          null,
          2,
        ),
      { format: 'json' },
    ],
    ['csv in .data', 'adult.data', () => csv(), { format: 'csv' }],
    ['csv in .json', 'table.json', () => csv(';'), { format: 'csv' }],
    ['tabs in .txt', 'table.txt', () => csv('\t'), { format: 'csv' }],
    ['ndjson.zst', 'lines.ndjson.zst', () => zstd('a', ndjson), { format: 'ndjson' }],
    ['csv.zst in .bin', 'table.bin', () => zstd('b', csv()), { format: 'csv' }],
    ['csv.gz of another encoding', 'table.csv.gz', () => gzipSync(latin(csv())), { format: 'csv', encoding: 'windows-1252' }],
    ['csv of another encoding', 'table.csv', () => latin(csv()), { format: 'csv', encoding: 'windows-1252' }],
    ['ndjson in UTF-16', 'wide.ndjson', () => Buffer.from(`\uFEFF${ndjson}`, 'utf16le'), { format: 'ndjson' }],
    ['ndjson.gz in UTF-16', 'wide.ndjson.gz', () => gzipSync(Buffer.from(`\uFEFF${ndjson}`, 'utf16le')), { format: 'ndjson' }],
    ['json in UTF-16', 'wide.json', () => Buffer.from(`\uFEFF[${ndjson.trim().replaceAll('\n', ',')}]`, 'utf16le'), { format: 'json' }],
    ['titles that are skipped', 'skipped.csv', () => `${titles}${csv()}`, { format: 'csv', skip: 2 }],
    ['no header', 'bare.csv', () => csv(',', false), { format: 'csv', header: false }],
    [
      'no header, and titles that are skipped',
      'bare-skipped.csv',
      () => `${titles}${csv(',', false)}`,
      { format: 'csv', header: false, skip: 2 },
    ],
    [
      'no header, and rows that are skipped',
      'rows-skipped.csv',
      () => `é1,7.5,a\né2,3.5,a\n${csv(',', false)}`,
      { format: 'csv', header: false, skip: 2 },
    ],
    ['a delimiter of its own', 'own.csv', () => csv('~'), { format: 'csv', delimiter: '~' }],
  ])('%s', async (_, name, content, source) => {
    const text = await content();
    const path = await bench.file(`again-${name}`, text);
    const bare = (source as { header?: boolean }).header === false;
    const read = await ingest(bench.context(), {
      source: { path, ...source },
      label: bare ? 'column_3' : 'y',
      split: { by: 'random' },
    } as unknown as IngestConfig);
    const meta = (await bench.open(read.outputs.dataset)).manifest.meta as unknown as DatasetMeta;
    expect(meta.rows.train + meta.rows.validation + meta.rows.test).toBe(60);
    const names = bare ? ['column_1', 'column_2'] : ['x', 'n'];
    const about = { columns: { [names[0]!]: 'string', [names[1]!]: 'number' } as const, reading: meta.reading! };
    const rows = await readRowsFile(join(bench.dir, path), about);
    expect(rows.map((one) => [one[names[0]!], one[names[1]!]])).toEqual(Array.from({ length: 60 }, (_, k) => [row(k).x, row(k).n]));
    const wanted = names.map((name, index): Column => ({ name, type: index === 0 ? 'string' : 'number' }));
    const counted = await readFileAs(path, bench.dir, meta.reading, wanted, async ({ db, source: table, columns }) =>
      db.rows(`SELECT count(*), count(${columns[0]!.value}), sum(${columns[1]!.value}) FROM ${table}`),
    );
    expect(counted[0]!.map(Number)).toEqual([60, 60, (59 * 60) / 2 + 30]);
  });

  test('lines that were skipped are no loss for a file that has rows there', async () => {
    const path = await bench.file('titled.csv', `${titles}${csv(',', false)}`);
    const read = await ingest(bench.context(), {
      source: { format: 'csv', path, header: false, skip: 2 },
      label: 'column_3',
    } as unknown as IngestConfig);
    const { reading } = (await bench.open(read.outputs.dataset)).manifest.meta as unknown as DatasetMeta;
    const about = { columns: { column_2: 'number' } as const, reading: reading! };
    expect(await readRowsFile(join(bench.dir, await bench.file('untitled.csv', csv(',', false))), about)).toHaveLength(60);
    const other = `Report of another month\n2025, 1, today\n${csv(',', false)}`;
    expect(await readRowsFile(join(bench.dir, await bench.file('other.csv', other)), about)).toHaveLength(60);
  });
});

test('the very file that a model was trained on is read as in training, whatever its delimiter and words for missing values', async () => {
  const text = (delimiter: string): string =>
    [' x ', 'c', 'y'].join(delimiter) +
    '\n' +
    lines(60, (k) => [k % 9 === 0 ? 'NA' : k % 7 === 0 ? '?' : `${k}.5`, k % 5 === 0 ? 'NA' : `k${k % 4}`, y(k)].join(delimiter)) +
    '\n';
  const read = await run('semi.csv', text(';'));
  const features = { x: [{ impute: { strategy: 'median', indicator: true } }], c: ['oneHot'] } as never;
  const about = { columns: { x: 'number', c: 'string' } as const, reading: read.meta.reading! };
  await expectServed(read, features, await readRowsFile(read.path, about));
  await expectServed(read, features, await readRowsFile(join(bench.dir, await bench.file('comma.csv', text(','))), about));
  // As texts, too: that is how the source has them.
  await expectServed(
    read,
    features,
    text(';')
      .trim()
      .split('\n')
      .slice(1)
      .map((line) => ({ x: line.split(';')[0], c: line.split(';')[1] })),
  );
});

describe('splits that hold', () => {
  const row = (k: number): string => `${(k * 37) % 1_000}.25,t${k},${'abc'[k % 3]}`;
  test('with stratify, no row moves when others come; columns in another order and another format make no difference', async () => {
    const split = { by: 'hash', stratify: true } as const;
    const before = await run('before.csv', `x,t,y\n${lines(2_000, row)}`, { split });
    const after = await run('after.csv', `x,t,y\n${lines(2_600, (k) => row(2_599 - k))}`, { split });
    const turned = await run(
      'turned.ndjson',
      lines(2_000, (k) => {
        const [x, t, label] = row(k).split(',');
        return JSON.stringify({ y: label, t, x: Number(x) });
      }),
      { split },
    );
    for (const name of SPLITS) {
      const there = new Set(after.rows[name].map((one) => one.t));
      expect(before.rows[name].filter((one) => !there.has(one.t))).toEqual([]);
      expect(new Set(turned.rows[name].map((one) => one.t))).toEqual(new Set(before.rows[name].map((one) => one.t)));
    }
    const overlap = (await countOverlap(before.artifact, after.artifact))!;
    for (const name of SPLITS) for (const other of SPLITS) expect(overlap[name][other]).toBe(name === other ? before.rows[name].length : 0);
  });

  test('every class is in every split, where it has rows enough', async () => {
    const { rows } = await run('rare.csv', `x,y\n${lines(400, (k) => `${k}.5,${k % 100 === 0 ? 'rare' : 'usual'}`)}`, {
      split: { by: 'hash', stratify: true },
    });
    for (const split of SPLITS) expect(rows[split].some((one) => one.y === 'rare')).toBe(true);
  });
});

describe('the last version is the reference', () => {
  const text = (make: (k: number) => string) => `price,kind,n,y\n${lines(100, make)}\n`;
  const usual = (k: number): string => `${100 + (k % 50)}.5,${['red', 'blue'][k % 2]},${k},${y(k)}`;
  async function reference(): Promise<ReferenceSchema> {
    const { artifact, meta } = await run('reference.csv', text(usual));
    return {
      text: 'shop version 3',
      reading: meta.reading!,
      profile: await artifact.json<DatasetProfile & never>('profile.json'),
    };
  }

  test('one bad cell goes to the quarantine, and the column stays', async () => {
    const { meta, types } = await run(
      'cell.csv',
      text((k) => (k === 7 ? `oops,red,1,a` : usual(k))),
      {},
      await reference(),
    );
    expect(types).toEqual({ price: 'number', kind: 'string', n: 'integer', y: 'string' });
    expect(meta.quarantined).toBe(1);
  });

  test.each([
    ['vanished', text(usual).replace('price,', 'cost,'), 'no column "price" any more'],
    ['of another type', text((k) => usual(k).replace(/^\d+\.5/, 'cheap')), '"price" was read as number for shop version 3'],
    ['in another unit', text((k) => usual(k).replace(/^(\d+)\.5/, '$100')), 'the unit may be another'],
    ['of new categories alone', text((k) => usual(k).replace('red', 'rot').replace('blue', 'blau')), 'None of the 100 values of "kind"'],
  ])('a column that is %s stops the run, unless the document accepts it', async (_, content, message) => {
    const known = await reference();
    const error = await failure(run('changed.csv', content, {}, known));
    expect(error).toMatchObject({
      code: 'SCHEMA_CHANGED',
      message: expect.stringContaining(message),
      hint: expect.stringContaining('"accept"'),
    });
    expect((await run('changed.csv', content, { reference: { accept: ['price', 'kind'] } }, known)).all).toHaveLength(100);
  });

  test('a column that equals the label is no feature', async () => {
    const { dataset } = await run('copy.csv', `x,copy,y\n${lines(60, (k) => `${k}.5,${y(k)},${y(k)}`)}`);
    expect(await failure(preprocess(bench.context(), {}, dataset))).toMatchObject({
      code: 'LABEL_INVALID',
      message: expect.stringContaining('"copy" equals the label "y"'),
    });
    const { details } = await preprocess(bench.context(), { features: { copy: ['oneHot'] } }, dataset);
    expect(details).toContain('"copy" equals the label "y"');
  });
});
