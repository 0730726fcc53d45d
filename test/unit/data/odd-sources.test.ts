import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Row } from '../../../src/core/tensor.ts';
import { ingest } from '../../../src/data/ingest/ingest.ts';
import type { IngestConfig } from '../../../src/data/ingest/ingest-config.ts';
import { momentOfText, timestampOfTextSql } from '../../../src/data/reading/timestamps.ts';
import { SPLITS } from '../../../src/data/stored/dataset.ts';
import type { DatasetMeta } from '../../../src/data/stored/dataset.ts';
import { literal, withDatabase } from '../../../src/data/table/duckdb.ts';
import { createBench, failure } from './support.ts';
import type { Bench } from './support.ts';

let bench: Bench;
beforeAll(async () => {
  bench = await createBench();
});
afterAll(() => bench.close());

async function read(format: string, name: string, content: string | Uint8Array, more: object = {}) {
  const { outputs, details = '' } = await ingest(bench.context(), {
    source: { format, path: await bench.file(name, content) },
    split: { by: 'hash', train: 0.6, validation: 0.2, test: 0.2 },
    ...more,
  } as unknown as IngestConfig);
  const splits = await bench.rows(outputs.dataset);
  const rows: Row[] = SPLITS.flatMap((split) => splits[split]).sort((a, b) => Number(a['k']) - Number(b['k']));
  const { columns } = (await bench.open(outputs.dataset)).manifest.meta as unknown as DatasetMeta;
  return { details, rows, types: Object.fromEntries(columns.map((column) => [column.name, column.type])) };
}

const lines = (line: (k: number) => string): string => Array.from({ length: 60 }, (_, k) => `${line(k)}\n`).join('');

function tar(name: string, content: string): Buffer {
  const head = Buffer.alloc(512);
  head.write(name, 0);
  head.write(Buffer.byteLength(content).toString(8).padStart(11, '0'), 124);
  head.write('ustar', 257);
  return Buffer.concat([head, Buffer.from(content), Buffer.alloc(1024)]);
}

describe('a header that its rows do not fit', () => {
  test.each([
    ['fractions with a comma', 'y,x,c\n', (k: number) => `${k % 2 ? 'no' : 'yes'},${k % 7},5,${'abc'[k % 3]}`, 3, 4],
    ['texts in other quotes', 'y,c\n', (k: number) => `no,'a,b${k % 3}'`, 2, 3],
    ['few names over many fields', 'x,y\n', (k: number) => `${k},${k},${k / 4},a,${k % 5}`, 2, 5],
    ['few names over many fields, under a note', '# made by hand\nx,y\n', (k: number) => `${k},${k},${k / 4},a,${k % 5}`, 2, 5],
  ])('is refused, and never shifted or taken for a title: %s', async (name, header, row, names, fields) => {
    expect(await failure(read('csv', `${name.replaceAll(/\W+/g, '-')}.csv`, header + lines(row)))).toMatchObject({
      code: 'SOURCE_INVALID',
      message: expect.stringContaining(`the header names ${names} columns`) as string,
      hint: expect.stringContaining('quotes') as string,
    });
    expect((await failure(read('csv', 'again.csv', header + lines(row)))).message).toContain(`most rows have ${fields} fields`);
  });

  test('is one of a table with names of rows, which is said', async () => {
    const { rows, details } = await read('csv', 'named.csv', `k,c\n${lines((k) => `r${k},${k},${'abc'[k % 3]}`)}`);
    expect(rows[4]).toEqual({ column_1: 'r4', k: 4, c: 'b' });
    expect(details).toContain('the first one ("r0") is taken for the name of its row, and the second one for "k"');
  });

  test('and a table of one column says so where another character may divide it', async () => {
    const { details } = await read('csv', 'colons.csv', `k:x:c\n${lines((k) => `${k}:${k / 4}:a`)}`);
    expect(details).toContain('is read as a table of one column, "k:x:c"');
  });
});

describe('a file that is no table of text', () => {
  test.each([
    [
      'utf32.csv',
      Buffer.concat([Buffer.from([0xff, 0xfe, 0, 0]), ...[...'k,x\n1,2\n'].map((char) => Buffer.from([char.charCodeAt(0), 0, 0, 0]))]),
      'is UTF-32',
    ],
    ['a.tar', tar('a.csv', 'k,x\n1,2\n'), 'is an archive of tar'],
    ['a.tar.gz', gzipSync(tar('a.csv', 'k,x\n1,2\n')), 'is an archive of tar'],
    ['page.csv', '<!DOCTYPE html><html><body>404</body></html>\n', 'is a page of HTML or XML'],
    ['lfs.csv', 'version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n', 'is a pointer of Git LFS'],
    ['json.csv', '[{"k": 1, "x": 2}]', 'holds JSON, and no CSV'],
    ['nul.csv', `k,x\0y\n${lines((k) => `${k},1`)}`, 'the name of a column holds a NUL character ("x\\u0000y")'],
  ])('is called what it is: %s', async (name, content, message) => {
    expect(await failure(read('csv', name, content))).toMatchObject({
      code: 'SOURCE_INVALID',
      message: expect.stringContaining(message) as string,
    });
  });

  test.each([
    ['single quotes', (k: number) => `{'k': ${k}}`, 'its texts stand in single quotes'],
    ['commas', (k: number) => `{"k": ${k}},`, 'a comma stands behind the object'],
    ['several lines', (k: number) => `{\n"k": ${k}\n}`, 'the object goes on behind it'],
    ['one line for all', (k: number) => `{"k": ${k}}{"k": ${k}}`, 'several objects stand on it'],
    ['half a character', (k: number) => `{"k": "${k}\\ud83d"}`, 'is half of a character'],
    ['a table', (k: number) => `${k},a`, 'it is something else'],
  ])('of objects in lines is told by its first line: %s', async (name, line, why) => {
    const { message } = await failure(read('ndjson', `${name.replaceAll(' ', '-')}.ndjson`, lines(line)));
    expect(message).toMatch(/None of the \d+ lines of .* is a JSON object; line 1 is ".*": /);
    expect(message).toContain(why);
  });
});

test('lines of objects may end in different ways', async () => {
  const { rows } = await read(
    'ndjson',
    'ends.ndjson',
    lines((k) => `{"k": ${k}, "v": ${k}}${k % 2 ? '\r' : ''}\n`),
  );
  expect(rows).toHaveLength(60);
  expect(rows[7]).toEqual({ k: 7, v: 7 });
});

test('a key that holds a NUL character is refused', async () => {
  expect(
    await failure(
      read(
        'ndjson',
        'nul.ndjson',
        lines((k) => `{"k": ${k}, "a\\u0000b": 1}`),
      ),
    ),
  ).toMatchObject({
    code: 'SOURCE_INVALID',
    message: 'nul.ndjson: a key holds a NUL character ("a\\u0000b").',
  });
});

test('a text that begins with a byte order mark keeps it, as a request does', async () => {
  const { rows } = await read(
    'ndjson',
    'marks.ndjson',
    lines((k) => `{"k": ${k}, "short": "\\ufeff${k}", "long": "\\ufeff${'x'.repeat(40)}"}`),
  );
  expect(rows[3]).toEqual({ k: 3, short: '\ufeff3', long: `\ufeff${'x'.repeat(40)}` });
});

test('the smallest integer of 64 bits is a code like any other that long', async () => {
  const { rows, types } = await read('csv', 'smallest.csv', `k,n\n${lines((k) => `${k},${k === 7 ? '-9223372036854775808' : k}`)}`);
  expect([types['n'], rows[7]!['n']]).toEqual(['string', '-9223372036854775808']);
});

test('numbers of JSON are no codes, however they are written', async () => {
  const { rows, types } = await read(
    'ndjson',
    'powers.ndjson',
    lines((k) => `{"k": ${k}, "v": ${k % 9}e5}`),
  );
  expect([types['v'], rows[3]!['v']]).toEqual(['number', 300_000]);
});

test('numbers with the minus of typesetters, apostrophes and lower dashes are named', async () => {
  const { details } = await read(
    'csv',
    'ways.csv',
    `k,minus,swiss,code\n${lines((k) => `${k},${k % 2 ? `−${k}` : k},1'${String(k).padStart(3, '0')},${k + 1}_${String(k).padStart(3, '0')}`)}`,
  );
  expect(details).toContain(`Declare "columns": {"minus": {"number":{"decimal":"."}}}`);
  expect(details).toContain(`Declare "columns": {"swiss": {"number":{"thousands":"'"}}}`);
  expect(details).toContain(`Declare "columns": {"code": {"number":{"thousands":"_"}}}`);
});

test.each([
  ['\u00a02024-01-02', undefined],
  ['2024-01-02 03:04\u3000', undefined],
  ['2024-01-02 03:04\u202fZ', undefined],
  ['1/2/2024, 3:04:05\u202fPM', 'M/d/yyyy, h:mm:ss a'],
  ['\ufeff02.01.2024\u00a003:04', 'dd.MM.yyyy HH:mm'],
  ['\v02.01.2024', 'dd.MM.yyyy'],
])('blanks of every kind are blanks in training and in requests: %j', async (text, format) => {
  const own = format === undefined ? undefined : { format };
  const [row] = await withDatabase((db) => db.rows(`SELECT epoch_ms(${timestampOfTextSql('t', own)}) FROM (SELECT ${literal(text)} AS t)`));
  expect(Number(row![0])).toBe(momentOfText(text, own));
  expect(momentOfText(text, own)).not.toBeNaN();
});

test('a declared integer that is too large for one says so, and what to declare', async () => {
  const { details } = await read('csv', 'beyond.csv', `k,n\n${lines((k) => `${k},${k === 7 ? '9007199254740993' : k}`)}`, {
    columns: { n: 'integer' },
    budget: 0.5,
  });
  expect(details).toContain('"n" is no integer, e.g. 9007199254740993 (beyond 9007199254740991: declare it as "string")');
});
