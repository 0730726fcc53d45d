import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Prng } from '../../../src/core/prng.ts';
import { withDatabase } from '../../../src/data/table/duckdb.ts';
import type { Database } from '../../../src/data/table/duckdb.ts';
import type { RawTable } from '../../../src/data/readers/reader.ts';
import { readerRegistry } from '../../../src/data/readers/index.generated.ts';
import { identitySql, knownIdentitySql } from '../../../src/data/reading/digest.ts';
import { appendPlainRows } from '../../../src/data/reading/plain-scan.ts';
import { loadTable } from '../../../src/data/reading/load-table.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'perennial-plain-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** More than what types are supposed from, so that something comes behind that. */
const ROWS = 24_000;
const random = new Prng('plain rows');
const number = (): string =>
  random.below(30) === 0
    ? ''
    : `${random.below(2) === 0 ? '-' : ''}${random.below(10 ** random.below(8))}.${random.below(10 ** (1 + random.below(7)))}`;
const usual = Array.from({ length: ROWS }, () => [
  number(),
  String(random.below(1_000)),
  `v${random.below(7)}`,
  ['a longer text than twelve bytes', 'größe', 'NA', ''][random.below(4)]!,
  number(),
]);

let names = 0;
async function file(
  text: string,
): Promise<{ readonly path: string; readonly name: string; readonly size: number; readonly stamp: string }> {
  const path = join(folder, `${(names += 1)}.csv`);
  await writeFile(path, text);
  return { path, name: 'x.csv', size: (await stat(path)).size, stamp: '' };
}

interface Read {
  readonly table: string;
  readonly rows: unknown;
  readonly types: readonly string[];
  readonly rejects: unknown;
  readonly notes: readonly string[];
  /** By the reader of plain rows. */
  readonly plain: boolean;
}

async function load(
  db: Database,
  texts: readonly string[],
  config: object,
  general: boolean,
  exclude: readonly string[] = [],
): Promise<Read> {
  const files = await Promise.all(texts.map(file));
  const raw: RawTable = await readerRegistry
    .get('csv')
    .read({ db, config: { format: 'csv', path: 'x.csv', ...config }, files, workDir: folder });
  const { plain, ...rest } = raw;
  const loaded = await loadTable({
    db,
    raw: general ? rest : { ...rest, ...(plain === undefined ? {} : { plain }) },
    declared: {},
    exclude,
    named: [],
    rows: 'all',
  });
  const [first] = await db.rows('SELECT count(*), CAST(sum(digest) AS VARCHAR) FROM data');
  const list = loaded.columns.map(({ id, type }) =>
    type === 'number' || type === 'integer'
      ? `CAST(sum(hash(CAST(${id} AS DOUBLE))) AS VARCHAR), count(${id})`
      : `CAST(sum(hash(${id})) AS VARCHAR), count(${id})`,
  );
  const order = await db.rows(
    `SELECT ${loaded.columns.map(({ id }) => id).join(', ')}, digest FROM data WHERE rowid % 501 = 7 OR rowid > ${ROWS - 60} ORDER BY rowid`,
  );
  const columns = loaded.columns.map(({ id, name, type }) => ({ sql: id, name, type }));
  const differ = [columns, columns.slice(1, 3), columns.slice(0, -1)].map(
    (some) => `count_if(${knownIdentitySql(columns, some)} <> ${identitySql(some)})`,
  );
  expect(await db.rows(`SELECT ${differ.join(', ')} FROM data`)).toEqual([[0n, 0n, 0n]]);
  const [identified] = await db.rows('SELECT count(identity) FROM data');
  return {
    table: String(first),
    rows: [...(await db.rows(`SELECT ${list.join(', ')} FROM data`)), ...order],
    types: loaded.columns.map(({ type }) => type),
    rejects: await db.rows(`SELECT "row", regexp_replace(reason, '/\\S*', '') FROM rejects ORDER BY ALL`),
    notes: loaded.notes,
    plain: Number(identified![0]) > 0,
  };
}

/** A table with other fields in some late rows. */
const table = (
  change: (rows: string[][]) => void = () => undefined,
  { delimiter = ',', end = '\n', last = true, head = 'n,i,c,t,m' } = {},
): string => {
  const rows = usual.map((row) => [...row]);
  change(rows);
  return `${head.replaceAll(',', delimiter)}${end}${rows.map((row) => row.join(delimiter)).join(end)}${last ? end : ''}`;
};
const late =
  (column: number, ...texts: readonly string[]) =>
  (rows: string[][]) =>
    texts.forEach((text, index) => (rows[ROWS - 50 + index]![column] = text));

const CASES: readonly (readonly [name: string, plain: boolean, texts: () => string[], config?: object, exclude?: string[]])[] = [
  ['as programs write them', true, () => [table()]],
  [
    'semicolons, lines of two characters, no end of the last one',
    true,
    () => [table(undefined, { delimiter: ';', end: '\r\n', last: false })],
  ],
  [
    'tabs, two files, a byte order mark',
    true,
    () => [`\uFEFF${table(undefined, { delimiter: '\t' })}`, table(undefined, { delimiter: '\t' })],
  ],
  ['a title before the header, and a column that is left out', true, () => [`A title\n\n${table()}`], {}, ['c']],
  [
    'numbers of every form',
    true,
    () => [
      table(
        late(
          0,
          '1e5',
          '-2.5E-3',
          '.5',
          '5.',
          '+7.25',
          '0.1234567890123456789',
          '123456789012345678.5',
          'inf',
          '-Infinity',
          ' 3.5',
          '4.5 ',
          '"6.5"',
          '-0',
          '1e400',
          '0.00000000000000000000000012',
        ),
      ),
    ],
  ],
  ['words for a missing value', true, () => [table(late(0, 'NaN', 'NA', '?', ' - ', 'None', '-nan', '#N/A'))]],
  ['own words for a missing value', true, () => [table(late(2, 'void', 'v1', 'NA'))], { nullValues: ['void'] }],
  ['whole numbers that are written with a point', true, () => [table(late(1, '5.0', '7.', '-0', '9007199254740991'))]],
  ['quotes around texts', true, () => [table((rows) => rows.forEach((row) => (row[2] = `"${row[2]}"`)))]],
  [
    'texts that are one text in another form, and blanks around them',
    true,
    () => [table(late(2, 'e\u0301', '\u00e9', ' v1 ', '\u00a0v1', '\u2126', '\u03a9', '가', '한국어', ' ', '\u00a0'))],
  ],
  ['numbers at the edge of 32 bits', true, () => [table(late(0, '3.4028235e38', '3.4028236e38', '-3.5e38', '1e-46', '16777217', '1e300'))]],
  ['a quoted delimiter, at last', true, () => [table(late(2, '"a,b"'))]],
  ['a number that is none', false, () => [table(late(0, 'x'))]],
  ['digits of another script', false, () => [table(late(0, '٣'))]],
  ['a rare blank beside a number', false, () => [table(late(0, '3.5\u00a0'))]],
  ['a code with zeros in front', false, () => [table(late(1, '007'))]],
  ['more digits than a number holds', false, () => [table(late(1, '9007199254740993'))]],
  ['a fraction among whole numbers', false, () => [table(late(1, '5.5'))]],
  ['digits in groups', false, () => [table(late(0, '1_000'))]],
  ['a doubled quote', false, () => [table(late(2, '"a ""b"""'))]],
  ['a line break in quotes', false, () => [table(late(2, '"a\nb"'))]],
  ['a line with too many fields', false, () => [table(late(2, 'a,b'))]],
  ['a blank line', false, () => [table((rows) => rows.splice(ROWS - 30, 1, ['']))]],
  ['many different texts', false, () => [table((rows) => rows.forEach((row, index) => (row[3] = `text ${index}`)))]],
];

describe('plain rows are read to the values, digests, rejects and notes of the general reading', () => {
  for (const [name, plain, texts, config = {}, exclude = []] of CASES) {
    test(name, async () => {
      await withDatabase(async (db) => {
        const given = texts();
        const own = await load(db, given, config, false, exclude);
        const { plain: none, ...general } = await load(db, given, config, true, exclude);
        expect(own).toEqual({ ...general, plain });
        expect(none).toBe(false);
      });
    });
  }
});

describe('in pieces, by threads', () => {
  const inPieces = (db: Database, texts: readonly string[], pieceBytes: number) =>
    withFiles(texts, async (files) => {
      await db.run('CREATE OR REPLACE TEMP TABLE pieces (n DOUBLE, i BIGINT, t VARCHAR, m DOUBLE, digest UBIGINT, identity UBIGINT)');
      const kinds = ['number', 'integer', 'leave', 'string', 'number'] as const;
      const columns = kinds.map((kind, index) => ({ name: 'nictm'[index]!, kind }));
      const source = { files, delimiter: ',', quote: '"', nullValues: [''], columns };
      if (!(await appendPlainRows(db, 'pieces', source, pieceBytes))) return 'not plain';
      return db.rows('SELECT rowid, * FROM pieces ORDER BY rowid');
    });
  const withFiles = async <T>(texts: readonly string[], work: (files: { path: string; skip: number }[]) => Promise<T>): Promise<T> =>
    work((await Promise.all(texts.map(file))).map(({ path }) => ({ path, skip: 1 })));

  test.for([1e9, 20_000])('they stop where nobody waits for them, in pieces of %i bytes', async (pieceBytes) => {
    const controller = new AbortController();
    const stopped = withDatabase((db) => {
      const read = inPieces(db, [table()], pieceBytes);
      setTimeout(() => controller.abort(), 0);
      return read;
    }, controller.signal);
    await expect(stopped).rejects.toMatchObject({ code: 'CANCELLED' });
  });

  test.for([
    ['two files', [table(), table(late(3, 'the last one is another text'), { last: false })]],
    ['lines of two characters', [table(undefined, { end: '\r\n', last: false })]],
    ['lines of two characters in one file alone', [table(undefined, { end: '\r\n' }), table()]],
    ['something at the end that is not plain', [table(late(3, '"a"b'))]],
    ['a line break in quotes', [table((rows) => (rows[ROWS >> 1]![3] = '"one\ntwo"'))]],
  ] as const)('%s', async ([, texts]) => {
    await withDatabase(async (db) => {
      const whole = await inPieces(db, texts, 1e9);
      expect(await inPieces(db, texts, 60_007)).toEqual(whole);
      expect(await inPieces(db, texts, 7_001)).toEqual(whole);
    });
  });
});
