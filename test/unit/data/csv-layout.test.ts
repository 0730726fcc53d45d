import { describe, expect, it } from 'vitest';
import { csvLayout } from '../../../src/data/reading/csv-layout.ts';
import type { CsvDialect } from '../../../src/data/reading/csv-layout.ts';

const layout = (lines: readonly string[], dialect: Partial<CsvDialect> = {}) =>
  csvLayout(`${lines.join('\n')}\n`, { quote: '"', header: true, ...dialect }, 'table.csv')!;
const rows = (line: (index: number) => string): string[] => Array.from({ length: 30 }, (_, index) => line(index));
const NUMBERS = rows((k) => `a${k % 3},${k / 7},${k % 5},${k % 2 ? 'B' : 'A'}`);
const TEXTS = rows((k) => `a${k % 3},b${k % 4},c${k % 5},${k % 2 ? 'B' : 'A'}`);
const NAMES = ['id2', 'x', 'z', 'y'];

describe('what stands before a header', () => {
  it.each([
    ['nothing', [], 0],
    ['a title that is filled up', ['Sales report 2024,,,', ',,,'], 2],
    ['a title alone', ['Sales report 2024,,,'], 1],
    ['titles, and a pair', ['Sales report 2024,,,', 'Region,North,,'], 2],
    ['pairs, and a blank line', ['Region,North,,', 'Year,2024,,', ',,,'], 3],
    ['a title that is not filled up', ['Sales report, 2024', ''], 2],
    ['a title that is one field short', ['Sales report, of 2024, by hand'], 1],
    ['a note with as many delimiters', ['# made by tool, v1, on monday, 2024'], 1],
    ['notes with any number of them', ['# made by tool', '# a, b, c, d', '# x,y'], 3],
    ['what Excel says of the delimiter', ['sep=,'], 1],
    ['that and a title', ['sep=,,,,', 'Sales report,,,'], 2],
  ])('is left out: %s', (_, before, skipped) => {
    for (const body of [NUMBERS, TEXTS]) {
      if (body === TEXTS && before[0] === 'Sales report, of 2024, by hand') continue;
      expect(layout([...before, NAMES.join(','), ...body])).toMatchObject({ names: NAMES, delimiter: ',', skip: skipped + 1, trailing: 0 });
      expect(layout([...before, NAMES.join(','), ...body], { expected: ['x', 'z', 'y'] })).toMatchObject({
        names: NAMES,
        skip: skipped + 1,
      });
    }
  });

  it('is no header that has few names, or begins with "#"', () => {
    expect(layout(['id,,', ...rows((k) => `${k},${k % 3},${k % 4}`)])).toMatchObject({ names: ['id', 'column_2', 'column_3'], skip: 1 });
    expect(layout(['a,b,c,', ...NUMBERS])).toMatchObject({ names: ['a', 'b', 'c', 'column_4'], skip: 1 });
    expect(layout(['#id2,x,z,y', ...NUMBERS])).toMatchObject({ names: ['#id2', 'x', 'z', 'y'], skip: 1 });
    expect(layout(['# id2,x,z,y', ...NUMBERS])).toMatchObject({ names: ['# id2', 'x', 'z', 'y'], skip: 1 });
    expect(layout(['# from, a, nice, tool', '#id2,x,z,y', ...NUMBERS])).toMatchObject({ names: ['#id2', 'x', 'z', 'y'], skip: 2 });
    expect(layout(['#id2,x,z,y', ...TEXTS])).toMatchObject({ names: ['#id2', 'x', 'z', 'y'] });
    expect(layout(['colour,x', ...rows((k) => `#ff00${k},${k}`)])).toMatchObject({ names: ['colour', 'x'], skip: 1 });
    expect(layout([',x', ...rows((k) => `r${k},${k % 7}`)])).toMatchObject({ names: ['column_1', 'x'], skip: 1 });
    expect(layout(['country,2020,2021', ...rows((k) => `c${k},${k % 7},${k % 3}`)])).toMatchObject({ names: ['country', '2020', '2021'] });
  });

  it('is left out without a header, too', () => {
    expect(layout(['Report of the month', ...NUMBERS], { header: false })).toMatchObject({ skip: 1, names: { length: 4 } });
    expect(layout(['made 2024, by us', '# a, b, c, d', ...NUMBERS], { header: false })).toMatchObject({ names: { length: 4 } });
  });

  it('says what divides the fields', () => {
    for (const mark of [';', '|', '\t', '~'])
      expect(layout([`sep=${mark}`, `city${mark}x`, ...rows((k) => `"a${mark}b"${mark}1,${k}`)])).toMatchObject({
        delimiter: mark,
        names: ['city', 'x'],
        skip: 2,
      });
  });
});

describe('a delimiter at the ends of lines', () => {
  it('behind every row and no name makes no column', () => {
    expect(layout(['y,x,z', ...rows((k) => `${k % 2 ? 'no' : 'yes'},${k / 3},${k % 4},`)])).toMatchObject({
      names: ['y', 'x', 'z'],
      trailing: 1,
      skip: 1,
    });
    expect(layout(['y;x;z', ...rows((k) => `${k % 2};${k},3;${k % 4};;`)])).toMatchObject({ names: ['y', 'x', 'z'], trailing: 2 });
    expect(layout(['id,x,z', ...rows((k) => `${k},${k / 3},${k % 4}, `)])).toMatchObject({ names: ['id', 'x', 'z'], trailing: 1 });
    expect(layout(['Report,,,', 'y,x,z', ...rows((k) => `${k % 2},${k / 3},${k % 4},`)])).toMatchObject({
      names: ['y', 'x', 'z'],
      trailing: 1,
      skip: 2,
    });
  });

  it('behind the header alone makes none either', () => {
    expect(layout(['y,x,z,', ...rows((k) => `${k % 2},${k / 3},${k % 4}`)])).toMatchObject({ names: ['y', 'x', 'z'], trailing: 0 });
  });

  it('is told from names of rows, which have none of their own', () => {
    expect(layout(['x,y', ...rows((k) => `${k + 1},${k / 3},${k % 2 ? 'a' : 'b'}`)])).toMatchObject({
      names: ['column_1', 'x', 'y'],
      trailing: 0,
    });
    expect(layout(['x,y', ...rows((k) => `${k + 1},${k === 0 ? 'NA' : k / 3},${k % 2 ? 'a' : 'b'}`)])).toMatchObject({
      names: ['column_1', 'x', 'y'],
    });
    expect(() => layout(['x,y', ...rows((k) => `${k + 1},${k / 3},`)])).toThrow(
      /header names 2 columns \(x, y\), and every row has 3 fields/,
    );
  });
});
