import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { literal, withDatabase } from '../../../src/data/table/duckdb.ts';
import { UNREADABLE, readCell } from '../../../src/data/reading/cells.ts';
import { isOddSql, valueSql } from '../../../src/data/reading/column-sql.ts';
import { shortestOfFloat32 } from '../../../src/data/reading/float32.ts';
import { withDigest } from '../../../src/data/reading/digest.ts';
import type { ValueFormat } from '../../../src/data/reading/value-format.ts';
import type { ColumnType } from '../../../src/data/stored/column.ts';
import { createBench } from '../../unit/data/support.ts';
import type { Bench } from '../../unit/data/support.ts';

let bench: Bench;
beforeAll(async () => {
  bench = await createBench();
});
afterAll(() => bench.close());

const digits = fc.stringMatching(/^[+-]?[0-9]{0,4}[.,' _]?[0-9]{0,5}[.,]?[0-9]{0,3}(e[+-]?[0-9]{1,3})?%?$/);
const money = fc
  .tuple(
    fc.constantFrom('', '$', '€ ', 'USD ', '-', '('),
    digits,
    fc.constantFrom('', ' €', ' EUR', ')', '%', ' %', '-', ' -', ') EUR', ' kg', 'km/h', 'kg)', ') kg', ' lb'),
  )
  .map((parts) => parts.join(''));
const moment = fc
  .tuple(
    fc.integer({ min: 0, max: 2_100 }),
    fc.integer({ min: 0, max: 13 }),
    fc.integer({ min: 0, max: 32 }),
    fc.constantFrom('-', '/', '.'),
    fc.constantFrom('', 'T10:30', ' 02:30:15', ' 2:30:15.123456', 'T23:59:60', ' 24:00'),
    fc.constantFrom('', 'Z', '+02:00', '-0330', '+19:00', ' UTC'),
  )
  .chain(([year, month, day, mark, time, zone]) =>
    fc.constantFrom(
      `${String(year).padStart(4, '0')}${mark}${String(month).padStart(2, '0')}${mark}${String(day).padStart(2, '0')}${time}${zone}`,
      `${day}${mark}${month}${mark}${year}${time}`,
      `${String(day).padStart(2, '0')}/${String(month).padStart(2, '0')}/${String(year).padStart(4, '0')}`,
    ),
  );
const word = fc.constantFrom(
  '',
  ' ',
  'NA',
  'nan',
  'None',
  '?',
  '-',
  'true',
  'FALSE',
  ' yes',
  'no',
  '1',
  '0',
  'inf',
  '-Infinity',
  '0x1F',
  '1_000',
  '٣',
  '1e5',
  '2E5',
  '007',
  '9007199254740993',
  'Mar 5, 2024 3:04 PM',
  '5 March 2024',
);
const anyText = fc.oneof(digits, money, moment, word, fc.string({ maxLength: 12 })).filter((text) => !text.includes('\0'));

const READINGS: readonly { readonly type: Exclude<ColumnType, 'image'>; readonly format?: ValueFormat }[] = [
  { type: 'number' },
  { type: 'integer' },
  { type: 'boolean' },
  { type: 'string' },
  { type: 'timestamp' },
  { type: 'number', format: { number: { decimal: ',', thousands: '.' } } },
  { type: 'number', format: { number: { thousands: ' ', percent: true } } },
  { type: 'number', format: { number: { unit: 'km/h', decimal: ',' } } },
  { type: 'number', format: { number: { unit: 'kg', accounting: true } } },
  { type: 'number', format: { number: { currency: true, thousands: ',' } } },
  { type: 'number', format: { number: { accounting: true } } },
  { type: 'number', format: { number: { accounting: true, currency: true, thousands: ',' } } },
  { type: 'number', format: { number: { accounting: true, percent: true, decimal: ',', thousands: '.' } } },
  { type: 'timestamp', format: { timestamp: { format: 'dd/MM/yyyy' } } },
  { type: 'timestamp', format: { timestamp: { format: 'dd/MM/yyyy', zone: 'America/New_York' } } },
  { type: 'timestamp', format: { timestamp: { zone: 'Europe/Berlin' } } },
  { type: 'timestamp', format: { timestamp: { unit: 's' } } },
];

test('a text is read to the same value by the SQL that reads sources and by the code that reads requests', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(anyText, { minLength: 20, maxLength: 120 }), async (texts) => {
      await withDatabase(async (db) => {
        const table = `(VALUES ${texts.map((text) => `(${literal(text)})`).join(', ')}) t(c0)`;
        for (const reading of READINGS) {
          const column = { id: 'c0', from: 'text', ...reading } as const;
          const value = valueSql(column);
          const shown =
            reading.type === 'timestamp'
              ? `CAST(epoch_ms(${value}) AS DOUBLE)`
              : reading.type === 'string'
                ? value
                : `CAST(${value} AS DOUBLE)`;
          const found = await db.rows(`SELECT ${shown}, ${isOddSql(column, value)} FROM ${table}`);
          for (const [index, text] of texts.entries()) {
            const [sql, odd] = found[index]!;
            const own = readCell(text, reading);
            // An integer with a fraction is quarantined in a source; a request says so when the model needs it.
            if (
              reading.type === 'integer' &&
              typeof own === 'number' &&
              (own !== Math.trunc(own) || Math.abs(own) > Number.MAX_SAFE_INTEGER)
            )
              continue;
            expect([text, reading, own === UNREADABLE ? 'unreadable' : own]).toEqual([text, reading, odd === true ? 'unreadable' : sql]);
          }
        }
      });
    }),
    { numRuns: 12, seed: 20261129 },
  );
});

test('digests of rows are what they were: rows must not move between splits with an upgrade', async () => {
  const rows = `(VALUES (1.5, 'a', true, TIMESTAMP '2024-05-01 10:00:00'), (-0.0, 'a longer text', false, NULL), (NULL, '', NULL, TIMESTAMP '1969-12-31 23:59:59.999'), (9007199254740991, 'größe', true, NULL)) t(c0, c1, c2, c3)`;
  const columns = [
    { name: 'n', type: 'number', sql: 'CAST(c0 AS DOUBLE)' },
    { name: 't', type: 'string', sql: 'c1' },
    { name: 'b', type: 'boolean', sql: 'c2' },
    { name: 'd', type: 'timestamp', sql: 'c3' },
  ] as const;
  const digests = await withDatabase(async (db) =>
    (await db.rows(`SELECT CAST(digest AS VARCHAR) FROM ${withDigest(rows, columns)}`)).map(([digest]) => digest),
  );
  expect(digests).toMatchInlineSnapshot(`
    [
      "10053225755100691590",
      "7551135669431222873",
      "10934106335648354125",
      "13330161749470908050",
    ]
  `);
  const turned = await withDatabase(async (db) =>
    (await db.rows(`SELECT CAST(digest AS VARCHAR) FROM ${withDigest(rows, [...columns].reverse())}`)).map(([digest]) => digest),
  );
  expect(turned).toEqual(digests);
});

const number = fc.oneof(
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.integer({ min: -1_000, max: 1_000 }),
  fc.constantFrom(0, 1, -999, 1e-5, 1.5e-7, 1e16, 1e21, 2 ** 60, 1_700_000_000_000, 0.1 + 0.2),
  fc.integer({ min: -9_999, max: 9_999 }).map((cents) => cents / 100),
);

test('a number of a typed source is read to the same value as one of a request', async () => {
  const nullValues = ['', '-999', '1', '0.5', 'true', '2023-11-14T22:13:20Z'];
  await fc.assert(
    fc.asyncProperty(fc.array(number, { minLength: 20, maxLength: 120 }), async (numbers) => {
      await withDatabase(async (db) => {
        const table = `(VALUES ${numbers.map((value) => `(CAST('${value}' AS DOUBLE))`).join(', ')}) t(c0)`;
        for (const given of READINGS) {
          for (const float32 of [undefined, true] as const) {
            const reading = { ...given, nullValues, ...(float32 === undefined ? {} : { float32 }) };
            const column = { id: 'c0', from: 'number', ...reading } as const;
            const value = valueSql(column);
            const shown =
              reading.type === 'timestamp'
                ? `CAST(epoch_ms(${value}) AS DOUBLE)`
                : reading.type === 'string'
                  ? value
                  : `CAST(${value} AS DOUBLE)`;
            const found = await db.rows(`SELECT ${shown}, ${isOddSql(column, value)} FROM ${table}`);
            for (const [index, one] of numbers.entries()) {
              const own = readCell(one, reading);
              // An integer with a fraction is none in a source; a request, and a file that is read for a model, may hold one.
              if (reading.type === 'integer' && typeof own === 'number' && !Number.isSafeInteger(own)) continue;
              const [sql, odd] = found[index]!;
              const expected = own === UNREADABLE ? 'unreadable' : typeof own === 'number' ? own + 0 : own;
              expect([one, reading, expected]).toEqual([
                one,
                reading,
                odd === true ? 'unreadable' : typeof sql === 'number' ? sql + 0 : sql,
              ]);
            }
          }
        }
      });
    }),
    { numRuns: 3, seed: 20261129 },
  );
});

test('a number of 32 bits is the decimal that somebody wrote', () => {
  fc.assert(
    fc.property(fc.integer({ min: -999_999, max: 999_999 }), fc.integer({ min: 0, max: 9 }), (digits, places) => {
      const decimal = digits / 10 ** places;
      expect(shortestOfFloat32(Math.fround(decimal))).toBe(decimal + 0);
      expect(shortestOfFloat32(decimal)).toBe(decimal + 0);
    }),
    { numRuns: 2_000, seed: 7 },
  );
  for (const edge of [Number.NaN, Number.POSITIVE_INFINITY, 1e300, 2 ** -149, 2 ** 127, 16_777_216, -0.7]) {
    const once = shortestOfFloat32(edge);
    expect(shortestOfFloat32(once)).toBe(once);
    if (Number.isFinite(Math.fround(edge))) expect(Math.fround(once)).toBe(Math.fround(edge));
  }
});
