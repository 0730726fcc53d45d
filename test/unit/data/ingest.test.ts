import { mkdir, readFile, writeFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Row } from '../../../src/core/tensor.ts';
import { readRows } from '../../../src/data/stored/dataset-rows.ts';
import { fingerprintSource, ingest } from '../../../src/data/ingest/ingest.ts';
import type { IngestConfig } from '../../../src/data/ingest/ingest-config.ts';
import { SPLITS } from '../../../src/data/stored/dataset.ts';
import type { DatasetMeta, DatasetProfile, Split } from '../../../src/data/stored/dataset.ts';
import { literal, withDatabase } from '../../../src/data/table/duckdb.ts';
import { readRowsFile } from '../../../src/serving/rows-file.ts';
import { readFileAs } from '../../../src/data/reading/read-as.ts';
import { createBench, failure } from './support.ts';
import type { Bench } from './support.ts';

let bench: Bench;
beforeAll(async () => {
  bench = await createBench();
});
afterAll(() => bench.close());

let files = 0;
async function csv(text: string | Uint8Array, config: Partial<IngestConfig> = {}): Promise<IngestConfig> {
  const path = await bench.file(`t${(files += 1)}.csv`, text);
  return {
    label: 'y',
    split: { train: 0.5, validation: 0.25, test: 0.25, by: 'random' },
    ...config,
    source: { format: 'csv', path, ...(config.source ?? {}) },
  };
}

async function run(
  config: IngestConfig,
  nominalTime?: string,
): Promise<{ meta: DatasetMeta; rows: Record<Split, Row[]>; all: Row[]; values: Record<string, unknown>; digest: string }> {
  const result = await ingest(bench.context('ingest', nominalTime), config);
  const artifact = await bench.open(result.outputs.dataset);
  const rows: Record<Split, Row[]> = { train: [], validation: [], test: [] };
  for (const split of SPLITS) for await (const batch of readRows(artifact, split)) rows[split].push(...batch);
  return {
    meta: artifact.manifest.meta as unknown as DatasetMeta,
    rows,
    all: SPLITS.flatMap((split) => rows[split]),
    values: result.values as Record<string, unknown>,
    digest: result.outputs.dataset!.digest,
  };
}

const lines = (count: number, line: (index: number) => string) => Array.from({ length: count }, (_, index) => line(index)).join('\n');
const simple = (count = 20) => `x,y\n${lines(count, (i) => `${i},${i % 2 === 0 ? 'a' : 'b'}`)}\n`;

describe('types', () => {
  test('follow from all values of a column; codes stay text', async () => {
    const { meta, all } = await run(
      await csv(
        `i,n,b,d,s,zip,id,y\n${lines(8, (k) => `${k},${k}.5,${k % 2 === 0},2024-01-0${k + 1},t${k},0${k}123,1234567890123456789${k},${k % 2 ? 'a' : 'b'}`)}\n`,
      ),
    );
    expect(meta.columns.map((column) => column.type)).toEqual([
      'integer',
      'number',
      'boolean',
      'timestamp',
      'string',
      'string',
      'string',
      'string',
    ]);
    expect(all.find((row) => row.i === 3)).toEqual({
      i: 3,
      n: 3.5,
      b: false,
      d: '2024-01-04T00:00:00.000Z',
      s: 't3',
      zip: '03123',
      id: '12345678901234567893',
      y: 'a',
    });
  });

  test('names with spaces, Unicode, quotes and __proto__ are plain names', async () => {
    const names = ['a b', 'größe', '__proto__', 'x"y', "o'k", 'constructor', 'Case', 'case', 'a.b/../c', 'y'];
    const header = names.map((name) => `"${name.replaceAll('"', '""')}"`).join(',');
    const { meta, all } = await run(
      await csv(
        `${header}\n${lines(
          10,
          (k) =>
            `${names
              .slice(1)
              .map((_, c) => k * 10 + c)
              .join(',')},${k % 2 ? 'p' : 'q'}`,
        )}\n`,
      ),
    );
    expect(meta.columns.map((column) => column.name)).toEqual(names);
    const row = all.find((item) => item['a b'] === 30)!;
    expect(Object.keys(row)).toEqual(names);
    expect(names.map((name) => row[name])).toEqual([30, 31, 32, 33, 34, 35, 36, 37, 38, 'p']);
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
  });

  test('NaN of a feature is a missing value; a declared type quarantines what does not fit', async () => {
    const config = await csv(`x,z,y\n${lines(30, (k) => `${k === 3 ? 'NaN' : k},${k === 7 ? 'oops' : k},${k % 2 ? 'a' : 'b'}`)}\n`, {
      columns: { z: 'number' },
    });
    const { meta, all } = await run(config);
    expect(meta.quarantined).toBe(1);
    expect(all).toHaveLength(29);
    expect(all.find((row) => row.z === 3)!.x).toBeNull();
  });

  test('a column with a few values that are no numbers is text, and a note says so with examples', async () => {
    const { values, meta } = await run(await csv(`x,y\n${lines(50, (k) => `${k === 9 ? 'oops' : k},${k % 2 ? 'a' : 'b'}`)}\n`));
    expect(meta.columns[0]!.type).toBe('string');
    expect(values.warnings).toEqual([
      expect.stringMatching(/"x" is read as text: 1 of 50 values are no numbers \("oops"\)\. Declare "columns": \{"x": "number"\}/),
    ]);
  });

  test('words for a missing value are missing in a column of numbers, and a category in one of texts; both are said or seen', async () => {
    const { values, meta, all } = await run(
      await csv(
        `n,t,y\n${lines(50, (k) => `${k === 9 ? '?' : k === 10 ? 'None' : k},${k % 3 === 0 ? 'None' : 'some'},${k % 2 ? 'a' : 'b'}`)}\n`,
      ),
    );
    expect(meta.columns.map(({ type }) => type)).toEqual(['integer', 'string', 'string']);
    expect(all.filter((row) => row.n === null)).toHaveLength(2);
    expect(all.filter((row) => row.t === 'None')).toHaveLength(17);
    expect(values.warnings).toEqual([
      expect.stringContaining('"n" is read as integer: 2 of 50 values stand for a missing one ("?", "None")'),
    ]);
  });
});

describe('bad sources', () => {
  test('a missing file names where it was looked for; of a sample data set, the command', async () => {
    expect(await failure(run({ source: { format: 'csv', path: 'nowhere.csv' }, label: 'y' }))).toMatchObject({
      code: 'SOURCE_NOT_FOUND',
      message: expect.stringContaining(join(bench.dir, 'nowhere.csv')),
    });
    expect(await failure(run({ source: { format: 'images', path: 'data/digits' } }))).toMatchObject({
      code: 'SOURCE_NOT_FOUND',
      hint: expect.stringContaining('npm run datasets -- digits'),
    });
  });

  test.each([
    ['', 'empty'],
    ['x,y\n', 'no rows'],
    ['\n\n', 'empty'],
  ])('an empty file %j', async (text, words) => {
    expect(await failure(run(await csv(text)))).toMatchObject({ code: 'SOURCE_EMPTY', message: expect.stringContaining(words) });
  });

  test('bytes that are not UTF-8 are located; the right encoding reads them', async () => {
    const bytes = Buffer.from(`x,y\n${lines(10, (k) => `café${k},${k % 2 ? 'a' : 'b'}`)}\n`, 'latin1');
    expect(await failure(run(await csv(bytes)))).toMatchObject({
      code: 'SOURCE_INVALID',
      message: expect.stringContaining('byte 0xe9 at offset 7 (line 2)'),
    });
    const { all } = await run(await csv(bytes, { source: { format: 'csv', encoding: 'latin-1' } as never }));
    expect(all.some((row) => row.x === 'café3')).toBe(true);
  });

  test('a large file is checked piece by piece, also where a character lies across two pieces', async () => {
    const text = `x,y\n${lines(60_000, (k) => `größe€𝄞 ${k} ${'ä'.repeat(10)},${k % 2 ? 'a' : 'b'}`)}\n`;
    expect((await run(await csv(text))).all).toHaveLength(60_000);
    const bad = Buffer.concat([Buffer.from(text), Buffer.from([0x78, 0x2c, 0xc3])]);
    expect(await failure(run(await csv(bad)))).toMatchObject({
      code: 'SOURCE_INVALID',
      message: expect.stringContaining(`at offset ${bad.length - 1} (line 60002)`),
    });
  });

  test('malformed rows are quarantined with their reason, within the budget', async () => {
    const text = `x,y\n${lines(98, (i) => `${i},${i % 2 ? 'a' : 'b'}`)}\n1,2,3\n5\n`;
    const result = await ingest(bench.context(), await csv(text));
    const artifact = await bench.open(result.outputs.dataset);
    expect((artifact.manifest.meta as unknown as DatasetMeta).quarantined).toBe(2);
    expect(artifact.manifest.files['quarantine.parquet']).toBeDefined();
    expect(result.details).toContain('too many columns');
    expect(await failure(run(await csv(text, { budget: 0.01 })))).toMatchObject({
      code: 'DATA_INVALID',
      message: expect.stringContaining('2 of 100 rows cannot be used (2.0 %, the budget is 1.0 %)'),
    });
  });

  test('two columns of one name, and files of one source that differ', async () => {
    expect(await failure(run(await csv('x,x,y\n1,2,a\n')))).toMatchObject({
      code: 'SOURCE_INVALID',
      message: expect.stringContaining('two columns named "x"'),
    });
    await bench.file('g1.csv', 'x,y\n1,a\n');
    await bench.file('g2.csv', 'x,z\n1,a\n');
    expect(await failure(run({ source: { format: 'csv', path: 'g?.csv' }, label: 'y' }))).toMatchObject({
      code: 'SOURCE_INVALID',
      message: expect.stringContaining('g2.csv has the columns x, z'),
    });
  });

  test('a source that is written to while it is read', async () => {
    const config = await csv(simple());
    const ctx = bench.context();
    const path = join(bench.dir, config.source.path);
    const disturbed = {
      ...ctx,
      progress: ({ message }: { message: string }) => void (message.startsWith('reading') && writeFile(path, simple(30))),
    };
    expect(await failure(ingest(disturbed, config))).toMatchObject({ code: 'SOURCE_CHANGED', retryable: true });
  });

  test.each([
    ['is replaced by half of a file', (path: string) => writeFile(path, `x,y\n${'1,2,3\n'.repeat(30)}`)],
    ['loses the column of the label', (path: string) => writeFile(path, 'x,z\n1,a\n')],
    ['is emptied', (path: string) => writeFile(path, '')],
    ['is removed', (path: string) => rm(path)],
  ])('a source that %s while it is read is called changed, whatever the reader says of it', async (_how, change) => {
    const config = await csv(simple());
    const ctx = bench.context();
    const path = join(bench.dir, config.source.path);
    let changing: Promise<void> | undefined;
    const disturbed = {
      ...ctx,
      artifacts: ctx.artifacts,
      progress: ({ message }: { message: string }) => void (message.startsWith('reading') && (changing ??= change(path))),
    };
    const error = await failure(ingest(disturbed, config));
    await changing;
    expect(error).toMatchObject({ code: 'SOURCE_CHANGED', retryable: true, hint: expect.stringContaining('rename') });
  });

  test.each([
    ['and the reader takes it for torn', true],
    ['and the reader notices nothing', false],
  ])('a file of rows that changes while a command reads it, %s', async (_how, torn) => {
    const path = await bench.file(`changing-${String(torn)}.csv`, simple());
    const use = async (): Promise<void> => {
      await writeFile(join(bench.dir, path), simple(7));
      if (torn) throw new Error('torn');
    };
    expect(await failure(readFileAs(path, bench.dir, undefined, [], use))).toMatchObject({ code: 'SOURCE_CHANGED' });
    // As it is, what was wrong with it is wrong with it.
    const wrong = (): Promise<void> => Promise.reject(new Error('torn'));
    expect(await failure(readFileAs(path, bench.dir, undefined, [], wrong))).toMatchObject({ message: 'torn' });
  });

  test('a file that comes to those of a pattern while a command reads them', async () => {
    await bench.file('part-1.csv', simple());
    const use = async (): Promise<void> => void (await bench.file('part-2.csv', simple()));
    expect(await failure(readFileAs('part-?.csv', bench.dir, undefined, [], use))).toMatchObject({ code: 'SOURCE_CHANGED' });
  });

  test('JSON that is torn, and lines that are no objects', async () => {
    await bench.file('torn.json', '[{"x":1,"y":"a"},{"x":2,');
    expect(await failure(run({ source: { format: 'json', path: 'torn.json' }, label: 'y' }))).toMatchObject({ code: 'SOURCE_INVALID' });
    await bench.file(
      'some.ndjson',
      `${lines(39, (k) => JSON.stringify({ x: k, y: k % 2 ? 'a' : 'b', __proto__: undefined }))}\n{"x": 1, "y"\n`,
    );
    const { meta, all } = await run({ source: { format: 'ndjson', path: 'some.ndjson' }, label: 'y', split: { by: 'random' } });
    expect(meta.quarantined).toBe(1);
    expect(all).toHaveLength(39);
    await bench.file('array.ndjson', '[1,2]\n');
    expect(await failure(run({ source: { format: 'ndjson', path: 'array.ndjson' }, label: 'y' }))).toMatchObject({
      code: 'SOURCE_INVALID',
    });
    await bench.file('no.parquet', 'no parquet');
    expect(await failure(run({ source: { format: 'parquet', path: 'no.parquet' }, label: 'y' }))).toMatchObject({ code: 'SOURCE_INVALID' });
  });
});

describe('labels', () => {
  test('absent: the nearest spelling', async () => {
    expect(await failure(run(await csv(simple().replace('x,y', 'x,Specis'), { label: 'species' })))).toMatchObject({
      code: 'COLUMN_MISSING',
      hint: 'Did you mean "Specis"?',
    });
    expect(await failure(run(await csv(simple(), { exclude: ['xx'] })))).toMatchObject({
      code: 'COLUMN_MISSING',
      message: expect.stringContaining('exclude'),
    });
  });

  test('constant, missing, NaN and infinite', async () => {
    expect(await failure(run(await csv(`x,y\n${lines(10, (k) => `${k},a`)}\n`)))).toMatchObject({
      code: 'LABEL_INVALID',
      message: expect.stringContaining('constant'),
    });
    expect(await failure(run(await csv(`x,y\n${lines(10, (k) => `${k},`)}\n`)))).toMatchObject({
      code: 'DATA_INVALID',
      message: expect.stringContaining('the label "y" is missing (10 rows)'),
    });
    const result = await ingest(bench.context(), await csv(`x,y\n${lines(97, (k) => `${k},${k}.5`)}\n1,NaN\n1,inf\n1,\n`));
    expect(result.values).toMatchObject({ rows: 97, quarantined: 3 });
    for (const reason of ['2 rows: the label "y" is missing', 'is infinite']) expect(result.details).toContain(reason);
  });

  test('a class of one row is trained on, with a note; without stratify it must be in the train split', async () => {
    const text = `${simple(40)}99,rare\n`;
    const stratified = await run(await csv(text, { split: { by: 'hash', stratify: true } }));
    expect(stratified.rows.train.some((row) => row.y === 'rare')).toBe(true);
    expect(stratified.values.warnings).toEqual([expect.stringContaining('The class "rare" of label "y" has one row')]);
    let seed = 0;
    let error: { code: string; message: string; hint: string } | undefined;
    while (error === undefined && seed < 20)
      error = await run(await csv(text, { seed: (seed += 1), split: { by: 'random' } })).then(
        () => undefined,
        (reason) => reason as typeof error,
      );
    expect(error).toMatchObject({
      code: 'SPLIT_INVALID',
      message: expect.stringContaining('"rare"'),
      hint: expect.stringContaining('stratify'),
    });
  });

  test('a column that is missing in every row gives a note with the fix', async () => {
    const { values } = await run(await csv(`x,e,y\n${lines(10, (k) => `${k},,${k % 2 ? 'a' : 'b'}`)}\n`));
    expect(values.warnings).toEqual([expect.stringContaining('"exclude"')]);
  });
});

describe('splits', () => {
  test('the same input and configuration give the same artifact', async () => {
    const config = await csv(simple(500), { split: { by: 'hash', stratify: true } });
    const [first, second] = [await run(config), await run(config)];
    expect(first.digest).toBe(second.digest);
    expect((await run({ ...config, seed: 2 })).digest).not.toBe(first.digest);
  });

  test('by hash a row stays in its split when others come, and equal rows stay together', async () => {
    const before = await run(await csv(simple(300), { split: { by: 'hash' } }));
    const after = await run(
      await csv(`${simple(300)}${lines(200, (k) => `${k + 1_000},a`)}\n${lines(50, (k) => `${k},${k % 2 === 0 ? 'a' : 'b'}`)}\n`, {
        split: { by: 'hash' },
      }),
    );
    for (const split of SPLITS) for (const row of before.rows[split]) expect(after.rows[split]).toContainEqual(row);
    expect(after.values.leakedRows).toBe(0);
  });

  test('duplicates over the splits of a random split are counted', async () => {
    const { values } = await run(await csv(`x,y\n${lines(200, (k) => `${k % 10},${k % 2 ? 'a' : 'b'}`)}\n`, { split: { by: 'random' } }));
    expect(values.leakedRows).toBeGreaterThan(0);
    expect(bench.warnings.some((warning) => warning.includes('equal a row of another split'))).toBe(true);
  });

  test('rows of one key stay together, stratified keeps the shares', async () => {
    const keyed = await run(
      await csv(`k,x,y\n${lines(4_000, (k) => `${k % 800},${k},${k % 800 < 200 ? 'a' : 'b'}`)}\n`, {
        split: { by: 'hash', key: 'k', stratify: true },
      }),
    );
    const seen = new Map<unknown, Split>();
    for (const split of SPLITS) for (const row of keyed.rows[split]) expect(seen.get(row.k) ?? (seen.set(row.k, split), split)).toBe(split);
    for (const split of SPLITS) {
      const share = keyed.rows[split].filter((row) => row.y === 'a').length / keyed.rows[split].length;
      expect(share).toBeCloseTo(0.25, 1);
    }
    expect(keyed.meta.rows.train / 4_000).toBeCloseTo(0.7, 1);
  });

  test('by time the newest rows are tested, ties stay together, order is kept', async () => {
    // Twenty rows of one moment lie across the border between train and validation.
    const minute = (k: number) => (k >= 60 && k < 80 ? 60 : k);
    const { rows, meta } = await run(
      await csv(`d,y\n${lines(100, (k) => `${new Date(Date.UTC(2024, 0, 1, 0, minute(99 - k))).toISOString()},${k}.5`)}\n`, {
        split: { by: 'time', column: 'd' },
      }),
    );
    expect(meta.rows).toEqual({ train: 80, validation: 5, test: 15 });
    const order = SPLITS.flatMap((split) => rows[split].map((row) => String(row.d)));
    expect(order).toEqual([...order].sort());
    expect(meta.timeColumn).toBe('d');
  });

  test('by column, and shares that were left out', async () => {
    const text = `x,s,y\n${lines(12, (k) => `${k},${['train', 'val', 'TEST'][k % 3]},${k % 2 ? 'a' : 'b'}`)}\n`;
    expect((await run(await csv(text, { split: { by: 'column', column: 's' } }))).meta.rows).toEqual({ train: 4, validation: 4, test: 4 });
    expect(await failure(run(await csv(text.replace('val', 'other'), { split: { by: 'column', column: 's' } })))).toMatchObject({
      code: 'SPLIT_INVALID',
      message: expect.stringContaining('"other" (1 rows)'),
    });
    expect((await run(await csv(simple(100), { split: { train: 0.8, test: 0.2, by: 'random' } }))).meta.rows).toEqual({
      train: 80,
      validation: 0,
      test: 20,
    });
    expect(await failure(run(await csv(simple(2), { split: { by: 'random' } })))).toMatchObject({ code: 'SPLIT_INVALID' });
  });
});

describe('windows of time', () => {
  const text = `d,x,y\n${lines(60, (k) => `${new Date(Date.UTC(2026, 0, 1 + k)).toISOString()},${k},${k % 2 ? 'a' : 'b'}`)}\n`;

  test('reach back from the nominal time', async () => {
    const { all, values } = await run(await csv(text, { window: { column: 'd', last: '30d' } }), '2026-02-15T00:00:00.000Z');
    const times = all.map((row) => String(row.d)).sort();
    expect(all).toHaveLength(30);
    expect(times[0]).toBe('2026-01-17T00:00:00.000Z');
    expect(times.at(-1)).toBe('2026-02-15T00:00:00.000Z');
    expect(values.outsideWindow).toBe(30);
  });

  test('without any row: the range of the data', async () => {
    const config = await csv(text, { window: { column: 'd', last: '1w' } });
    expect(await failure(run(config, '2027-01-01T00:00:00.000Z'))).toMatchObject({
      code: 'SOURCE_EMPTY',
      message: expect.stringContaining('the data run from 2026-01-01'),
    });
    expect((await run({ ...config, window: { column: 'd', last: '20d', until: 'latest' } }, '2027-01-01T00:00:00.000Z')).all).toHaveLength(
      20,
    );
  });
});

test('the fingerprint is of the contents: not of the path, but of every byte, and of the nominal time where a window needs it', async () => {
  const one = await csv(simple());
  const two = await csv(simple());
  const other = await csv(simple(21));
  const at = (config: IngestConfig, time = '2026-01-01T00:00:00Z') => fingerprintSource(config, bench.dir, time);
  expect(await at(one)).toEqual(await at(two));
  expect(await at(one)).not.toEqual(await at(other));
  expect(await at(one, '2026-02-01T00:00:00Z')).toEqual(await at(one));
  const window = { ...one, window: { column: 'x', last: '1d' } };
  expect(await at(window, '2026-02-01T00:00:00Z')).not.toEqual(await at(window));
});

test('text files in class folders, with files that are no UTF-8 set aside', async () => {
  for (const name of ['good', 'bad']) await mkdir(join(bench.dir, 'texts', name), { recursive: true });
  await Promise.all(
    Array.from({ length: 30 }, (_, k) =>
      bench.file(`texts/${k % 2 ? 'good' : 'bad'}/${k}.txt`, k === 4 ? Buffer.from([0x63, 0xe9]) : `it's text ${k}`),
    ),
  );
  const { meta, all } = await run({ source: { format: 'texts', path: 'texts' }, split: { by: 'random' } });
  expect(meta).toMatchObject({ label: 'label', quarantined: 1 });
  expect(all.find((row) => row.file === 'good/3.txt')).toEqual({ text: "it's text 3", label: 'good', file: 'good/3.txt' });
});

test('text files in other encodings are read by their marks and as declared; others are set aside with their place and the way out', async () => {
  const text = (k: number): string => `Grüße ${k} aus Łódź`;
  const write = (folder: string, encode: (k: number) => Buffer): Promise<unknown> =>
    Promise.all(
      Array.from({ length: 30 }, async (_, k) => {
        await mkdir(join(bench.dir, folder, k % 2 ? 'good' : 'bad'), { recursive: true });
        await bench.file(`${folder}/${k % 2 ? 'good' : 'bad'}/${k}.txt`, encode(k));
      }),
    );
  const marked = (mark: number[], body: Buffer): Buffer => Buffer.concat([Buffer.from(mark), body]);
  await write('marked', (k) =>
    k % 3 === 0
      ? marked([0xff, 0xfe], Buffer.from(text(k), 'utf16le'))
      : k % 3 === 1
        ? marked([0xfe, 0xff], Buffer.from(text(k), 'utf16le').swap16())
        : marked([0xef, 0xbb, 0xbf], Buffer.from(text(k))),
  );
  const good = await run({ source: { format: 'texts', path: 'marked' }, split: { by: 'random' } });
  expect(good.meta.quarantined).toBe(0);
  expect(new Set(good.all.map((row) => row.text))).toEqual(new Set(Array.from({ length: 30 }, (_, k) => text(k))));
  await write('western', (k) => Buffer.from(`\nGr\u00fc\u00dfe ${k}`, 'latin1'));
  const western = await run({ source: { format: 'texts', path: 'western', encoding: 'windows-1252' }, split: { by: 'random' } });
  expect(new Set(western.all.map((row) => row.text))).toEqual(new Set(Array.from({ length: 30 }, (_, k) => `\nGrüße ${k}`)));
  expect(await failure(run({ source: { format: 'texts', path: 'western' }, split: { by: 'random' } }))).toMatchObject({
    code: 'DATA_INVALID',
    message: expect.stringContaining('the file is not UTF-8 (the source can declare its "encoding") (30 rows)') as string,
  });
  await bench.file('western/good/1.txt', 'Grüße 1');
  for (let k = 0; k < 30; k += 1) if (k !== 5) await bench.file(`western/${k % 2 ? 'good' : 'bad'}/${k}.txt`, `Grüße ${k}`);
  const { details } = await ingest(bench.context(), { source: { format: 'texts', path: 'western' }, split: { by: 'random' }, budget: 0.1 });
  expect(details).toContain(
    'quarantined, 1 rows: the file is not UTF-8 (the source can declare its "encoding"), e.g. good/5.txt, byte 0xfc at offset 3 (line 2); read as "windows-1252" it would be "',
  );
});

test('what is wrong with a Parquet file is said in words of ours, with the file and what to do', async () => {
  const whole = join(bench.dir, 'whole.parquet');
  await withDatabase(async (db) => {
    const rows = `SELECT i + 0.5 AS x, CASE WHEN i % 2 = 0 THEN 'a' ELSE 'b' END AS y FROM range(500) t(i)`;
    await db.run(`COPY (${rows}) TO ${literal(whole)} (FORMAT parquet, COMPRESSION snappy)`);
    await db.run(`COPY (SELECT x FROM (${rows})) TO ${literal(join(bench.dir, 'narrow.parquet'))} (FORMAT parquet)`);
    await db.run(`COPY (SELECT y AS x, y FROM (${rows})) TO ${literal(join(bench.dir, 'typed.parquet'))} (FORMAT parquet)`);
  });
  const bytes = await readFile(whole);
  const footer = bytes.length - 8 - bytes.readUInt32LE(bytes.length - 8);
  const changed = (change: (copy: Buffer) => void): Buffer => {
    const copy = Buffer.from(bytes);
    change(copy);
    return copy;
  };
  const cases: [string, Buffer | string, string, string][] = [
    ['half.parquet', bytes.subarray(0, bytes.length / 2), 'it is cut off', 'Write it again'],
    ['end.parquet', bytes.subarray(0, -3), 'it is cut off', 'Write it again'],
    ['short.parquet', 'PAR1', 'it is cut off', 'Write it again'],
    ['text.parquet', 'x,y\n1,a\n'.repeat(20), 'it is no Parquet file: it begins with the text "x,y"', '"format"'],
    ['zip.parquet', Buffer.concat([Buffer.from('PK\x03\x04'), Buffer.alloc(99)]), 'it is no Parquet file: it is a ZIP archive', '"format"'],
    [
      'long.parquet',
      changed((copy) => copy.writeUInt32LE(1e9, copy.length - 8)),
      'its footer would have 1000000000 bytes',
      'Write it again',
    ],
    ['footer.parquet', changed((copy) => copy.fill(0xee, footer + 4, footer + 60)), 'a footer that cannot be understood', 'Write it again'],
    ['values.parquet', changed((copy) => copy.fill(0xee, 4, 40)), 'values that cannot be read', 'Write it again'],
    ['lzo.parquet', changed((copy) => withCodec(copy, footer)), 'it is packed with LZO, which is not read', 'snappy'],
    ['secret.parquet', `PARE${'.'.repeat(99)}PARE`, 'it is encrypted', 'without encryption'],
  ];
  for (const [path, content, message, hint] of cases) {
    await bench.file(path, content);
    const source = { format: 'parquet', path };
    for (const read of [
      () => run({ source, label: 'y', split: { by: 'random' } }),
      () => readRowsFile(join(bench.dir, path), { columns: { x: 'number' } }),
    ]) {
      const error = await failure(read());
      expect([path, error.code, error.message]).toEqual([path, 'SOURCE_INVALID', expect.stringContaining(message)]);
      expect(error.hint).toContain(hint);
      expect(error.message).not.toMatch(/Error:|TProtocol|magic/i);
    }
  }
  for (const [other, message] of [
    ['narrow', 'narrow.parquet has no column "y", and first.parquet has one'],
    ['typed', 'The column "x" is of type VARCHAR in typed.parquet'],
    ['half', 'half.parquet is cut off'],
  ] as const) {
    await mkdir(join(bench.dir, other), { recursive: true });
    await bench.file(`${other}/first.parquet`, bytes);
    await bench.file(`${other}/${other}.parquet`, await readFile(join(bench.dir, `${other}.parquet`)));
    const source = { format: 'parquet', path: `${other}/*.parquet` };
    expect((await failure(run({ source, label: 'y', split: { by: 'random' } }))).message).toContain(message);
  }
});

/** The codec of a column in the footer: behind its name. */
function withCodec(copy: Buffer, footer: number): void {
  for (const mark of [Buffer.from('x\x15\x02'), Buffer.from('y\x15\x02')]) {
    const at = copy.indexOf(mark, footer);
    expect(at).toBeGreaterThan(0);
    copy[at + 2] = 0x06;
  }
}

test('parquet in, parquet out: the profile describes the train split', async () => {
  const result = await ingest(
    bench.context(),
    await csv(`x,c,y\n${lines(100, (k) => `${k},${k % 3 ? 'p' : ''},${k % 2 ? 'a' : 'b'}`)}\n`, { split: { by: 'time', column: 'x' } }),
  );
  const artifact = await bench.open(result.outputs.dataset);
  await bench.file('copy.parquet', await artifact.bytes('train.parquet'));
  const again = await run({ source: { format: 'parquet', path: 'copy.parquet' }, label: 'y', split: { by: 'random' } });
  expect(again.all).toHaveLength(70);
  const profile = (await artifact.json<DatasetProfile & never>('profile.json')) as DatasetProfile;
  expect(profile.rows).toBe(70);
  expect(profile.columns[0]).toMatchObject({ name: 'x', count: 70, missing: 0, distinct: 70, number: { min: 0, max: 69, mean: 34.5 } });
  expect(profile.columns[1]).toMatchObject({ missing: 24, categories: { counts: { p: 46 }, other: 0 } });
});
