import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { withDatabase } from '../../../src/data/table/duckdb.ts';
import { readRowsFile } from '../../../src/serving/rows-file.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'perennial-rows-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function file(name: string, text: string | Uint8Array): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, text);
  return path;
}

describe('rows of a file', () => {
  it.each([
    ['list.json', '[{"a":1},{"a":2}]', [{ a: 1 }, { a: 2 }]],
    ['rows.json', '{"rows":[{"a":1}]}', [{ a: 1 }]],
    ['one.json', '{"a":1}', [{ a: 1 }]],
    ['lines.ndjson', '{"a":1}\n\n{"a":2}\n', [{ a: 1 }, { a: 2 }]],
    ['lines.jsonl', '{"a":1}\r\n{"a":2}', [{ a: 1 }, { a: 2 }]],
    [
      'table.csv',
      '\uFEFFa,b,c,d\r\n1,"x, ""y""\nz",true,\r\nheavy,,no,07\r\n',
      [
        { a: 1, b: 'x, "y"\nz', c: true, d: null },
        { a: 'heavy', b: null, c: false, d: '07' },
      ],
    ],
    ['ends.csv', 'b,c\nx,', [{ b: 'x', c: null }]],
  ])('are read from %s', async (name, text, rows) => {
    expect(await readRowsFile(await file(name, text), { columns: { a: 'number', b: 'string', c: 'boolean', d: 'string' } })).toEqual(rows);
  });

  it.each([
    ['missing.csv', undefined, 'SOURCE_NOT_FOUND', 'There is no file or folder'],
    ['missing.json', undefined, 'SOURCE_NOT_FOUND', 'There is no file or folder'],
    ['empty.csv', '', 'SOURCE_EMPTY', 'empty.csv: the file is empty'],
    ['empty.ndjson', '', 'SOURCE_EMPTY', 'empty.ndjson: the file is empty'],
    ['empty.parquet', '', 'SOURCE_EMPTY', 'empty.parquet: the file is empty'],
    ['empty.csv.gz', gzipSync(''), 'SOURCE_EMPTY', 'empty.csv.gz: nothing is packed into the file'],
    ['head.csv', 'a,b\n', 'SOURCE_EMPTY', 'holds no rows'],
    ['empty.json', '[]', 'SOURCE_EMPTY', 'holds no rows'],
    ['cut.json', '[{"a":', 'SOURCE_INVALID', 'is not JSON'],
    ['wrong.json', '[1]', 'SOURCE_INVALID', 'row 0 is not an object'],
    ['cut.ndjson', '{"a":1}\n{', 'SOURCE_INVALID', 'cut.ndjson:2 is not JSON'],
    ['short.csv', 'a,b\n1,2\n1\n', 'SOURCE_INVALID', 'columns are missing: line 3'],
    ['quote.csv', 'a,b\n1,2\n"x,2\n', 'SOURCE_INVALID', 'a quote is opened and not closed'],
    ['after.csv', 'a,b\n1,2\n"x"y,3\n', 'SOURCE_INVALID', 'line 3'],
    ['latin.csv', Buffer.from([0x61, 0x0a, 0xe9, 0x0a]), 'SOURCE_INVALID', 'is not UTF-8'],
    ['table.parquet', 'PAR1', 'SOURCE_INVALID', 'cannot be read as parquet'],
    ['table.xlsx', 'PK', 'USAGE', 'says its format'],
  ])('are refused from %s', async (name, text, code, message) => {
    const path = text === undefined ? join(folder, name) : await file(name, text);
    await expect(readRowsFile(path, { columns: { a: 'string', b: 'string' } })).rejects.toMatchObject({
      code,
      message: expect.stringContaining(message),
    });
  });

  it('hold images as base64, or as bytes in a column of Parquet', async () => {
    const path = join(folder, 'bytes.parquet');
    const bytes = Buffer.from('iVBORw0KGgo'.padEnd(80, 'A'), 'base64');
    await withDatabase((db) => db.run(`COPY (SELECT unhex('${bytes.toString('hex')}') AS photo, 1 AS n) TO '${path}' (FORMAT parquet)`));
    expect(await readRowsFile(path, { columns: { photo: 'image', n: 'number' } })).toEqual([{ photo: bytes.toString('base64'), n: 1 }]);
  });

  it('hold images as base64, or as paths from the folder of the file', async () => {
    const png = Buffer.from('iVBORw0KGgo'.padEnd(80, 'A'), 'base64');
    await file('own.png', png);
    const text = png.toString('base64');
    expect(
      await readRowsFile(await file('images.csv', `photo,n\nown.png,1\n${text},2\n,3\n`), { columns: { photo: 'image', n: 'number' } }),
    ).toEqual([
      { photo: text, n: 1 },
      { photo: text, n: 2 },
      { photo: null, n: 3 },
    ]);
    await expect(readRowsFile(await file('away.ndjson', '{"photo":"away.png"}'), { columns: { photo: 'image' } })).rejects.toMatchObject({
      code: 'SOURCE_NOT_FOUND',
      message: expect.stringContaining('row 0, column "photo": the image "away.png" cannot be read'),
    });
  });

  it('survive being written as CSV', async () => {
    const text = fc.string({ unit: fc.constantFrom('a', '"', ',', '\n', '\r\n', ' ', 'ü'), minLength: 1 });
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(text, text), { minLength: 1, maxLength: 5 }), async (records) => {
        const quote = (field: string): string => `"${field.replaceAll('"', '""')}"`;
        const path = await file('any.csv', ['p,q', ...records.map((record) => record.map(quote).join(','))].join('\n'));
        expect(await readRowsFile(path, { columns: { p: 'string', q: 'string' } })).toEqual(records.map(([p, q]) => ({ p, q })));
      }),
      { numRuns: 100, seed: 7 },
    );
  });
});
