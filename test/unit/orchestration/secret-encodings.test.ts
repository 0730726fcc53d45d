import { describe, expect, it } from 'vitest';
import { SecretFinder } from '../../../src/steps/secret-finder.ts';

const SECRET = 'Zq9xW7vKp2Lm';
const finder = new SecretFinder([SECRET]);
const hex = Buffer.from(SECRET).toString('hex');
const base64 = Buffer.from(SECRET).toString('base64');
/** A text and a file are looked through by the same rules. */
const hides = (text: string, by = finder): boolean => {
  const hidden = by.hide(text).includes('***');
  expect(by.isIn(Buffer.from(text)), text).toBe(hidden);
  return hidden;
};

describe('bytes written one by one', () => {
  const inGroups = (bytes: number): string[] => hex.match(new RegExp(`.{${bytes * 2}}`, 'g'))!;

  it.each([' ', ':', ',', ', ', ';', '; ', '_', '.', '-'])('in hexadecimal with %j between them are hidden as a whole', (between) => {
    for (const bytes of [1, 2, 3])
      for (const prefix of ['', '0x'])
        for (const spelt of [(text: string) => text, (text: string) => text.toUpperCase()]) {
          const text = inGroups(bytes)
            .map((group) => prefix + spelt(group))
            .join(between);
          expect(finder.hide(`[${text}]`)).toBe('[***]');
          expect(finder.hideInKey(`(${text})`)).toBe('(***)');
          expect(hides(text)).toBe(true);
        }
  });

  it('as escapes, however often they were escaped again, and glued together are hidden', () => {
    for (const backslashes of ['\\', '\\\\', '\\\\\\\\']) {
      const text = inGroups(1)
        .map((byte) => `${backslashes}x${byte}`)
        .join('');
      expect(finder.hide(`b'${text}'`)).toBe(`b'***'`);
    }
  });

  it('in four groups are a list already, of eight bytes each too', () => {
    const short = new SecretFinder(['abcdefgh']);
    expect(short.hide('6162 6364 6566 6768')).toBe('***');
    const long = 'a-secret-of-thirty-two-characters';
    const groups = Buffer.from(long.slice(0, 32)).toString('hex').match(/.{16}/g)!;
    expect(new SecretFinder([long.slice(0, 32)]).hide(`x: ${groups.join(' ')}`)).toMatch(/^x: \*\*\*( \*\*\*)*$/);
  });

  it.each([', ', ',', ' ', '\n'])('in decimal with %j between them are hidden as a whole', (between) => {
    const text = [...Buffer.from(SECRET)].join(between);
    expect(finder.hide(`[${text}]`)).toBe('[***]');
    expect(hides(text)).toBe(true);
    const other = [...Buffer.from('Zq9xW?vK?2Lm')].join(between);
    expect(finder.hide(other)).toBe(other);
  });

  it('of something else are left', () => {
    for (const text of [
      '61 62 63 64 65 66 67 68 69',
      '0x61, 0x62, 0x63, 0x64',
      '1, 2, 3, 4, 5, 6, 7, 8, 9',
      `${hex.slice(0, 8)} ${hex.slice(0, 4)}`,
    ])
      expect(finder.hide(text)).toBe(text);
  });
});

describe('pieces of an encoded secret', () => {
  it('of fifteen hexadecimal digits in a row are found wherever they stand', () => {
    for (let from = 0; from + 15 <= hex.length; from += 1)
      for (let before = 0; before < 4; before += 1)
        expect(hides(`${'f'.repeat(before + 1)}${hex.slice(from, from + 15)}fff`), `${from} ${before}`).toBe(true);
  });

  it('of twelve at the beginning or the end of a row of sixteen as well', () => {
    expect(hides(`ffff${hex.slice(3, 15)}`)).toBe(true);
    expect(hides(`${hex.slice(3, 15)}ffff`)).toBe(true);
    expect(hides(`fffff${hex.slice(-12)}`)).toBe(true);
    expect(hides(`fffff${hex.slice(-11)}`)).toBe(false);
    expect(hides(`fff${hex.slice(3, 15)}`)).toBe(false);
  });

  it('of ten characters of base64 in a row are found wherever they stand', () => {
    for (let from = 0; from + 10 <= base64.length; from += 1)
      for (let before = 0; before < 3; before += 1)
        expect(hides(`${'_'.repeat(before)}${base64.slice(from, from + 10)}__`), `${from} ${before}`).toBe(true);
    // The last eight count, of a row of ten.
    expect(hides(`___${base64.slice(-8)}`)).toBe(true);
    expect(hides(`_${base64.slice(-8)}`)).toBe(false);
    expect(hides(`___${base64.slice(-7)}`)).toBe(false);
  });

  it('of the shortest secrets that are looked for are found whole', () => {
    const short = new SecretFinder(['abcdefgh']);
    expect(short.hide('6162636465666768')).toBe('***');
    expect(short.hide('YWJjZGVmZ2')).toBe('***');
    expect(short.hide('YWJjZGVmZ')).toBe('YWJjZGVmZ');
    expect(new SecretFinder(['abcdefg']).hide('61626364656667')).toBe('***');
    expect(new SecretFinder(['abcdefg']).hide('(YWJjZGVmZw==)')).toBe('(YWJjZGVmZw==)');
  });

  it('end with the row of characters that they stand in', () => {
    expect(finder.hide(`a:${base64}=`)).toBe('a:***=');
    expect(finder.hide(`${base64}é${base64}`)).toBe('***é***');
    expect(finder.hide(`\u0100${hex}\u0101`)).toBe('\u0100***\u0101');
    expect(finder.hide(`${base64} ${hex}`)).toBe('*** ***');
  });
});

describe('escapes in files', () => {
  it('of one secret among several are enough, of none nothing is said', () => {
    const two = new SecretFinder(['another-secret', SECRET]);
    expect(two.isIn(Buffer.from(`\\x41 \\x5a${SECRET.slice(1)}`))).toBe(true);
    expect(two.isIn(Buffer.from(`%5A${SECRET.slice(1)}`))).toBe(true);
    expect(two.isIn(Buffer.from(`%5B${SECRET.slice(1)}`))).toBe(false);
    expect(two.isIn(Buffer.from('nothing & nothing'))).toBe(false);
    expect(two.isIn(Buffer.from(base64))).toBe(true);
    expect(two.isIn(Buffer.from('nothing'))).toBe(false);
  });

  it('in UTF-16 of both orders, with letters of any alphabet', () => {
    const secret = 'пароль-密码-Zq9';
    const own = new SecretFinder([secret]);
    const little = Buffer.from(`x${secret}y`, 'utf16le');
    expect(own.isIn(little)).toBe(true);
    expect(own.isIn(Buffer.from(little).swap16())).toBe(true);
    expect(own.isIn(Buffer.from(`\r\n${secret.slice(0, 4)}\r${secret.slice(4)}`))).toBe(true);
    expect(finder.isIn(Buffer.from(`${SECRET.slice(0, 3)}\0${SECRET.slice(3)}`))).toBe(true);
    expect(own.isIn(Buffer.from(Buffer.from(secret, 'utf16le').toString('base64')))).toBe(true);
    expect(own.isIn(Buffer.from(Buffer.from(secret, 'utf16le').swap16().toString('hex')))).toBe(true);
  });
});

describe('secrets with spaces and lines', () => {
  it('are hidden without what is around them, and with "+" for a space', () => {
    const spaced = new SecretFinder(['  first second third ']);
    expect(spaced.hide('<first second third>')).toBe('<***>');
    expect(spaced.hide('a=++first+second+third+&b')).toBe('a=***&b');
    expect(spaced.hide('\\x66irst second third')).toBe('***');
    expect(spaced.hide('a=++%66irst+second+third+')).toBe('a=***');
  });

  it('are hidden line by line, but for lines of less than eight characters', () => {
    const lines = new SecretFinder(['the-first-line\n  12345678  \n1234567\n']);
    expect(lines.hide('the-first-line, 12345678, 1234567')).toBe('***, ***, 1234567');
    expect(lines.hide('\\x74he-first-line, \\x312345678')).toBe('***, ***');
    expect(lines.hide('\\x31234567')).toBe('\\x31234567');
    expect(lines.isIn(Buffer.from('%31234567'))).toBe(false);
    expect(lines.isIn(Buffer.from('%312345678'))).toBe(true);
  });

  it('that are mostly spaces are not looked for by less than four characters, and in keys and files by eight', () => {
    const three = new SecretFinder(['        abc']);
    expect(three.hide('abc')).toBe('abc');
    const four = new SecretFinder(['        abcd']);
    expect(four.hide('abcd')).toBe('***');
    expect([four.hideInKey('abcd'), four.isIn(Buffer.from('abcd'))]).toEqual(['abcd', false]);
    expect(four.isIn(Buffer.from('\\x61bcd'))).toBe(false);
  });

  it('of four to seven characters are hidden as JSON and Python write them', () => {
    const short = new SecretFinder(['pä"x/']);
    for (const text of ['pä\\"x/', 'p\\u00e4\\"x/', 'pä\\"x\\/', 'p\\xe4"x/', 'p%C3%A4%22x%2F'])
      expect(short.hide(`<${text}>`)).toBe('<***>');
    expect(new SecretFinder([`it's-a-secret`]).hide(`it'\\''s-a-secret`)).toBe('***');
  });
});

describe('what is cut out', () => {
  it('is every secret, in whatever order they are known, and no more', () => {
    const [one, two] = ['first-secret', 'second-secret'];
    for (const order of [
      [one, two],
      [two, one],
    ]) {
      const both = new SecretFinder(order);
      expect(both.hide(`%41 ${two} ${one} %42`)).toBe('%41 *** *** %42');
      expect(both.hide('\\x73econd-secret, %66irst-secret')).toBe('***, ***');
      expect(both.hide(`${Buffer.from(two).toString('hex')} ${Buffer.from(one).toString('base64')}`)).toBe('*** ***');
    }
    const within = new SecretFinder(['abcdefgh', 'abcdefgh1234', 'efgh1234']);
    expect(within.hide('%41 \\x61bcdefgh1234 %42')).toBe('%41 *** %42');
  });

  it('begins and ends at the escapes of the secret itself', () => {
    expect(finder.hide(`${SECRET} \\x41`)).toBe('*** \\x41');
    expect(finder.hide(`(${SECRET})\\x41`)).toBe('(***)\\x41');
    expect(finder.hide(`\\x41${SECRET}%42`)).toBe('\\x41***%42');
    expect(finder.hide(`\\\\${SECRET}\\\\`)).toMatch(/^\\*\*\*\*\\\\$/);
  });

  it('is nothing where nothing is known', () => {
    expect(new SecretFinder([]).hide('undefined')).toBe('undefined');
    expect(new SecretFinder(['abcd']).hideInKey('undefined')).toBe('undefined');
  });
});
