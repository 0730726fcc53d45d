import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import fc from 'fast-check';
import { dateFormats } from '../../../src/data/reading/date-formats.ts';
import {
  checkTimestampFormat,
  momentOfNumber,
  momentOfText,
  timestampOfNumberSql,
  timestampOfTextSql,
} from '../../../src/data/reading/timestamps.ts';
import { withDatabase } from '../../../src/data/table/duckdb.ts';
import { createBench } from './support.ts';
import type { Bench } from './support.ts';

let bench: Bench;
beforeAll(async () => {
  bench = await createBench();
});
afterAll(() => bench.close());

const pad = (value: number): string => String(value).padStart(2, '0');
const MONTHS = ['January', 'February', 'March', 'April', 'May', 'June', 'July', 'August', 'September', 'October', 'November', 'December'];
const DAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];
const moments = Array.from({ length: 200 }, (_, k) => new Date(Date.UTC(2019, 0, 1) + k * 9_876_543_000));
const h12 = (date: Date): string => pad(date.getUTCHours() % 12 || 12);
const clock = (date: Date): string => date.toISOString().slice(11, 16);
const half = (date: Date): string => (date.getUTCHours() < 12 ? 'AM' : 'PM');
const parts = (date: Date) => ({ y: date.getUTCFullYear(), M: pad(date.getUTCMonth() + 1), d: pad(date.getUTCDate()) });

describe('the way in which dates are written', () => {
  it.each<[string, (date: Date) => string]>([
    ['dd.MM.yyyy', (date) => `${parts(date).d}.${parts(date).M}.${parts(date).y}`],
    ['d.M.yyyy', (date) => `${date.getUTCDate()}.${date.getUTCMonth() + 1}.${parts(date).y}`],
    ['MM/dd/yyyy', (date) => `${parts(date).M}/${parts(date).d}/${parts(date).y}`],
    [
      'MM/dd/yyyy hh:mm a',
      (date) => `${parts(date).M}/${parts(date).d}/${parts(date).y} ${h12(date)}:${clock(date).slice(3)} ${half(date)}`,
    ],
    ['dd-MMM-yyyy', (date) => `${parts(date).d}-${MONTHS[date.getUTCMonth()]!.slice(0, 3)}-${parts(date).y}`],
    ['MMMM dd, yyyy', (date) => `${MONTHS[date.getUTCMonth()]} ${parts(date).d}, ${parts(date).y}`],
    ["EEE, dd MMM yyyy HH:mm:ss 'GMT'", (date) => date.toUTCString().replace(/^\w+/, DAYS[date.getUTCDay()]!)],
    ["yyyyMMdd'T'HHmmss", (date) => date.toISOString().slice(0, 19).replaceAll(/[-:]/g, '')],
    ['yyyy-MM', (date) => date.toISOString().slice(0, 7)],
    ['MM/yyyy', (date) => `${parts(date).M}/${parts(date).y}`],
    ['MMM yyyy', (date) => `${MONTHS[date.getUTCMonth()]!.slice(0, 3)} ${parts(date).y}`],
    ["yyyy-'Q'Q", (date) => `${parts(date).y}-Q${Math.floor(date.getUTCMonth() / 3) + 1}`],
    ['EEE, dd MMM yyyy HH:mm:ss ZZ', (date) => `${date.toUTCString().replace(/^\w+/, DAYS[date.getUTCDay()]!).replace('GMT', '+0000')}`],
    [
      'EEE MMM dd HH:mm:ss yyyy',
      (date) =>
        `${DAYS[date.getUTCDay()]} ${MONTHS[date.getUTCMonth()]!.slice(0, 3)} ${parts(date).d} ${date.toISOString().slice(11, 19)} ${parts(date).y}`,
    ],
    [
      'dd/MMM/yyyy:HH:mm:ss ZZ',
      (date) => `${parts(date).d}/${MONTHS[date.getUTCMonth()]!.slice(0, 3)}/${parts(date).y}:${date.toISOString().slice(11, 19)} +0000`,
    ],
    ['dd.MM.yyyy HH:mmZZ', (date) => `${parts(date).d}.${parts(date).M}.${parts(date).y} ${clock(date)}+00:00`],
  ])('is found: %s', (format, write) => {
    const texts = moments.map(write);
    const found = dateFormats(texts, 0.8);
    expect(found[0]).toEqual({ format, read: texts.length });
    expect(found.filter(({ read }) => read === texts.length)).toHaveLength(1);
    expect(texts.map((text) => momentOfText(text, { format })).some(Number.isNaN)).toBe(false);
  });

  it('is none of times of day', () => {
    expect(dateFormats(['11:05:00', '02:08:09', '10:12:11'], 0.8)).toEqual([]);
    expect(dateFormats(['11:05', '02:08'], 0.8)).toEqual([]);
    expect(dateFormats(['2019:01:31', '2020:02:11'], 0.8)[0]?.format).toBe('yyyy:MM:dd');
  });

  it('is not decided where several read every text, and is none of what is no date', () => {
    const both = moments.map((date) => `${pad((date.getUTCDate() % 12) + 1)}/${parts(date).M}/${parts(date).y}`);
    expect(
      dateFormats(both, 1)
        .map(({ format }) => format)
        .sort(),
    ).toEqual(['MM/dd/yyyy', 'dd/MM/yyyy']);
    const two = dateFormats(['21-06-11', '22-03-04', '20-12-09'], 1).map(({ format }) => format);
    expect(two).toContain('yy-MM-dd');
    expect(two.length).toBeGreaterThan(1);
    for (const text of ['sku-1', '10.11.12.13', '2024-01-01 10:00 CET', 'A2024-01', '+49 170 1234', '1-2', '12:30'])
      expect(dateFormats([text], 1)).toEqual([]);
  });
});

describe('a month, a quarter, a year or a week', () => {
  const forms = ['yyyy-MM', 'M/yyyy', 'yyyy', 'MMM yyyy', "yyyy-'Q'Q", "YYYY-'W'ww", "YYYY-'W'ww-e", "YYYY'W'ww'T'"];
  it('is its first moment', () => {
    const day = (text: string, format: string): string => new Date(momentOfText(text, { format })).toISOString().slice(0, 10);
    expect(day('2024-02', 'yyyy-MM')).toBe('2024-02-01');
    expect(day('2024', 'yyyy')).toBe('2024-01-01');
    expect(day('2024-Q3', "yyyy-'Q'Q")).toBe('2024-07-01');
    expect(day('2024-W01', "YYYY-'W'ww")).toBe('2024-01-01');
    expect(day('2021-W01', "YYYY-'W'ww")).toBe('2021-01-04');
    expect(day('2020-W53-7', "YYYY-'W'ww-e")).toBe('2021-01-03');
    expect(momentOfText('2021-W53', { format: "YYYY-'W'ww" })).toBeNaN();
    expect(momentOfText('2024-13', { format: 'yyyy-MM' })).toBeNaN();
    expect(momentOfNumber(202402, { format: 'yyyyMM' })).toBe(Date.UTC(2024, 1, 1));
    expect(momentOfNumber(1_700_000_000_000, { format: 'yyyyMM' })).toBe(1_700_000_000_000);
  });

  it('is refused with less than that, or of two calendars', () => {
    for (const format of ['MM', 'dd/yyyy', 'yyyy-MM HH:mm', 'HH:mm', "yyyy-'W'ww", 'YYYY-MM', 'yyyy-MM-Q', 'YYYY', "YYYY-'W'ww dd"])
      expect(() => checkTimestampFormat({ format })).toThrow(/timestamp\.format: "/);
    for (const format of forms) expect(() => checkTimestampFormat({ format })).not.toThrow();
  });

  it('is the same to code and SQL', async () => {
    const text = fc.oneof(
      fc.tuple(fc.integer({ min: 1890, max: 2110 }), fc.integer({ min: 0, max: 54 })).map(([year, week]) => `${year}-W${pad(week)}`),
      fc
        .tuple(fc.integer({ min: 1, max: 9999 }), fc.integer({ min: 0, max: 14 }))
        .map(([year, month]) => `${String(year).padStart(4, '0')}-${pad(month)}`),
      fc
        .tuple(fc.integer({ min: 1890, max: 2110 }), fc.integer({ min: 1, max: 53 }), fc.integer({ min: 0, max: 8 }))
        .map(([y, w, d]) => `${y}-W${pad(w)}-${d}`),
      fc.constantFrom('2024', '2024-Q1', '2024-Q5', 'Feb 2024', '2/2024', '', ' 2024 ', '2024-1'),
    );
    await withDatabase(async (db) => {
      for (const format of forms) {
        const texts = fc.sample(text, { numRuns: 150, seed: 7 });
        const values = texts.map((one) => `('${one}')`).join(', ');
        const rows = await db.rows(`SELECT epoch_ms(${timestampOfTextSql('c', { format })}) FROM (VALUES ${values}) t(c)`);
        expect(rows.map(([value]) => (value === null ? Number.NaN : Number(value)))).toEqual(
          texts.map((one) => momentOfText(one, { format })),
        );
      }
      const numbers = [202402, 202413, 2024, 1_700_000_000_000, 20_240_131, -5];
      for (const format of ['yyyyMM', 'yyyy', 'yyyyMMdd', 'dd/MM/yyyy']) {
        const rows = await db.rows(
          `SELECT epoch_ms(${timestampOfNumberSql('c', { format })}) FROM (VALUES ${numbers.map((one) => `(${one}::DOUBLE)`).join(', ')}) t(c)`,
        );
        expect(rows.map(([value]) => Number(value))).toEqual(numbers.map((one) => momentOfNumber(one, { format })));
      }
    });
  });
});
