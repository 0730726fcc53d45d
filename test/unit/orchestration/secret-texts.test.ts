import { afterEach, expect, it, vi } from 'vitest';
import { canonical, escapesOf } from '../../../src/steps/secret-escapes.ts';
import { SecretFinder } from '../../../src/steps/secret-finder.ts';
import { inBase64, spellingsOf } from '../../../src/steps/secret-spellings.ts';
import {
  finderOf,
  knownSecrets,
  mask,
  maskResult,
  redact,
  rememberSecret,
  resolveSecrets,
  secretNames,
  secretOf,
} from '../../../src/steps/secrets.ts';

afterEach(() => void vi.unstubAllEnvs());

/** Escapes, and what they stand for. */
it.each([
  ['plain', 'plain'],
  ['', ''],
  ['\\x41', 'A'],
  ['\\x4', 'x4'],
  ['\\x4g', 'x4g'],
  ['\\u0041\\u00e9', 'Aé'],
  ['\\u004', 'u004'],
  ['\\u{41}\\u{1F600}', 'A😀'],
  ['\\u{000041}', 'A'],
  ['\\u{0000041}', 'u{0000041}'],
  ['\\u{}', 'u{}'],
  ['\\u{41', 'u{41'],
  ['\\U00000041\\U0001F600', 'A😀'],
  ['\\U0000004', 'U0000004'],
  ['\\U00110000!', '!'],
  ['\\101\\060\\377', 'A0ÿ'],
  ['\\401', '401'],
  ['\\019', '019'],
  ['\\018', '018'],
  ['\\ 12', ' 12'],
  ['\\U{41}', 'U{41}'],
  ['\\uab}', 'uab}'],
  ['\\U0010FFFF', '\u{10FFFF}'],
  ['\\\\\\x41', 'A'],
  ['\\\\\\\\', ''],
  ['\\n', 'n'],
  ['\\"', '"'],
  ['a\nb\tc\rd\0e', 'anbtcde'],
  ['%41%e9', 'Aé'],
  ['%2541', 'A'],
  ['%252541', 'A'],
  ['%25', '%'],
  ['%2', '%2'],
  ['%4G', '%4G'],
  ['%/1', '%/1'],
  ['%1/', '%1/'],
  ['%:1', '%:1'],
  ['%@1', '%@1'],
  ['%4', '%4'],
  ['%25zz', '%zz'],
  ['100 %', '100 %'],
  ['%5c%0d%00', ''],
  ['%0a%09', 'nt'],
  ['&#65;&#065;&#0000065;', 'AAA'],
  ['&#x41;&#X0041;', 'AA'],
  ['&#12345678;', '&#12345678;'],
  ['&#;', '&#;'],
  ['&#65', '&#65'],
  ['&amp;&lt;&gt;&quot;&apos;', `&<>"'`],
  ['&amp;lt;', '<'],
  ['&amp;amp;', '&'],
  ['&amp;#65;', 'A'],
  ['&amp;amp;#x41;', 'A'],
  ['&amp;x', '&x'],
  ['&nbsp;', '&nbsp;'],
  ['&', '&'],
  ['&#1114112;', ''],
])('%j means %j', (text, meant) => {
  expect(canonical(text)).toBe(meant);
  // The pieces say where each character comes from.
  const pieces = escapesOf(text);
  let rebuilt = '';
  let last = 0;
  for (const { at, length, from, to } of pieces) {
    rebuilt += text.slice(last, from);
    expect(at).toBe(rebuilt.length);
    rebuilt += meant.slice(at, at + length);
    last = to;
  }
  expect(rebuilt + text.slice(last)).toBe(meant);
});

const SECRET = 'Zq9xW7vKp2Lm';

it.each([
  ['at the start', `\\x5a${SECRET.slice(1)} after`, '*** after'],
  ['at the end', `before ${SECRET.slice(0, -1)}\\x6d`, 'before ***'],
  ['between escapes', `\\x41 ${SECRET.slice(0, 4)}\\x57${SECRET.slice(5)} \\x42`, '\\x41 *** \\x42'],
  ['twice', `%5a${SECRET.slice(1)}|%5a${SECRET.slice(1)}`, '***|***'],
  ['cut by what stands for nothing', `x${SECRET.slice(0, 3)}\r${SECRET.slice(3)}y`, 'x***y'],
  ['beside itself', `${SECRET}${SECRET}`, '******'],
  ['beside itself, escaped', `%5a${SECRET.slice(1)}%5a${SECRET.slice(1)}`, '******'],
])('what is hidden is what was written: %s', (_where, text, hidden) => {
  expect(redact(text, [SECRET])).toBe(hidden);
});

it('hides the longer of secrets that begin alike, and each of several', () => {
  expect(redact('abcd1234 abcd12345678', ['abcd1234', 'abcd12345678'])).toBe('*** ***');
  expect(redact('abcd12345678', ['abcd12345678', 'abcd1234'])).toBe('***');
  expect(redact('one: first-secret, two: other-secret', ['first-secret', 'other-secret'])).toBe('one: ***, two: ***');
});

it('leaves what is shorter than four characters, and looks at keys, numbers and files for eight', () => {
  expect(redact('abc abcd', ['abc', 'abcd'])).toBe('abc ***');
  expect(redact({ abcd: 'abcd', abcdefgh: 1 }, ['abcd', 'abcdefgh'])).toEqual({ abcd: '***', '***': 1 });
  expect(redact([1234, 123, 12345.5, true, null], ['1234', '123', '12345.5'])).toEqual(['***', 123, '***', true, null]);
  expect(redact({ a: [{ b: 'abcd' }] }, ['abcd'])).toEqual({ a: [{ b: '***' }] });
  const value = { a: 'abcd' };
  expect(redact(value, [])).toBe(value);
  const finder = new SecretFinder(['abcd', 'abcdefgh']);
  expect([finder.isIn(Buffer.from('x abcd y')), finder.isIn(Buffer.from('x abcdefgh y')), finder.isIn(Buffer.from('x abcdefg y'))]).toEqual(
    [false, true, false],
  );
  // A second look begins at the start again.
  expect(finder.isIn(Buffer.from('abcdefgh'))).toBe(true);
  expect(new SecretFinder(['abcd']).isIn(Buffer.from('abcd'))).toBe(false);
  expect(new SecretFinder(['abcd']).hideInKey('abcd')).toBe('abcd');
  expect([new SecretFinder([]).isEmpty, new SecretFinder(['abcd']).isEmpty]).toEqual([true, false]);
  expect([new SecretFinder([]).span, new SecretFinder(['abcd']).span, new SecretFinder(['abcdefgh', 'abcdefghi']).span]).toEqual([
    0, 0, 144,
  ]);
});

it('takes no neighbour of an encoded secret for a part of it', () => {
  const hex = Buffer.from(SECRET).toString('hex');
  expect(redact(`id ${hex} end`, [SECRET])).toBe('id *** end');
  expect(redact(`id ${hex.toUpperCase()} end`, [SECRET])).toBe('id *** end');
  expect(redact(`${hex.slice(0, 14)} end`, [SECRET])).toBe(`${hex.slice(0, 14)} end`);
  const other = Buffer.from('another thing').toString('hex');
  expect(redact(`${other} ${hex}`, [SECRET])).toBe(`${other} ***`);
  const base64 = Buffer.from(SECRET).toString('base64');
  expect(redact(`a ${base64}, b`, [SECRET])).toBe('a ***, b');
  expect(redact(base64.slice(0, 9), [SECRET])).toBe(base64.slice(0, 9));
  const list = [...Buffer.from(SECRET)].join(', ');
  expect(redact(`numbers: [${list}]; 1, 2, 3`, [SECRET])).toBe('numbers: [***]; 1, 2, 3');
  const plain = [...Buffer.from('nothing at all')].join(', ');
  expect(redact(plain, [SECRET])).toBe(plain);
  const bytes = [...Buffer.from('nothing at all')].map((byte) => byte.toString(16)).join(':');
  expect(redact(`${bytes} ${bytes}`, [SECRET])).toBe(`${bytes} ${bytes}`);
});

it('knows how a secret is spelt', () => {
  const spellings = spellingsOf(' a"b/c&d\'e$f é ');
  for (const text of [
    ` a\\"b/c&d'e$f é `,
    `a"b/c&d'e$f é`,
    ` a\\"b/c&d'e$f \\u00e9 `,
    ` a\\"b/c&d'e$f \\u00E9 `,
    ` a\\"b\\/c&d'e$f é `,
    ` a\\\\\\"b/c&d'e$f é `,
    '%20a%22b%2Fc%26d%27e%24f%20%C3%A9%20',
    '%20a%22b%2fc%26d%27e%24f%20%c3%a9%20',
    '%20a%22b/c%26d%27e%24f%20%C3%A9%20',
    '+a%22b%2Fc%26d%27e%24f+%C3%A9+',
    ` a"b/c&d\\'e$f é `,
    ` a"b/c&d\\'e$f \\xe9 `,
    ` a"b/c&d\\'e$f \\xc3\\xa9 `,
    ` a"b/c&d'e$f \\xc3\\xa9 `,
    ' a&quot;b/c&amp;d&#x27;e$f é ',
    ` a\\"b/c&d'e\\$f é `,
    ` a"b/c&d'\\''e$f é `,
    '2061',
  ])
    expect(
      spellings.some((one) => (text === '2061' ? one.startsWith(text) : one === text)),
      text,
    ).toBe(true);
  expect(spellingsOf('ab')).not.toContain('ab');
  expect(spellingsOf('first line of it\nshort\n  second line  ')).toEqual(expect.arrayContaining(['first line of it', 'second line']));
  expect(spellingsOf('first line of it\nshort\n  second line  ')).not.toContain('short');
  expect(spellingsOf('😀x\u0100\n')).toEqual(expect.arrayContaining(['\\U0001f600x\\u0100\\n']));
  expect(new Set(spellingsOf(SECRET)).size).toBe(spellingsOf(SECRET).length);
});

it('knows backslashes, quotes, breaks and the ends of ASCII in every spelling', () => {
  const secret = "a\\b'c\nd~e\tf";
  const all = spellingsOf(secret);
  for (const text of [
    "a\\\\b\\'c\\nd~e\\x09f",
    "a\\\\b\\'c\\nd~e\tf",
    "a\\\\b'c\\nd~e\tf",
    "a\\\\b'c\\nd~e\\x09f",
    Buffer.from(secret).toString('hex').toUpperCase(),
    Buffer.from(secret).toString('hex'),
  ])
    expect(all, text).toContain(text);
  expect(spellingsOf('é"abcdef')).toContain('\\\\u00e9\\\\\\"abcdef');
  expect(spellingsOf('a b~c*d/e')).toEqual(expect.arrayContaining(['a+b~c%2Ad%2Fe', 'a+b%7Ec*d%2Fe']));
  expect(spellingsOf('12345678\n1234567')).toContain('12345678');
  expect(spellingsOf('12345678\n1234567')).not.toContain('1234567');
  expect(spellingsOf('no lines at all').every((text) => !text.includes('Stryker'))).toBe(true);
  expect(spellingsOf('\u{10000}abc')).toContain('\\U00010000abc');
});

it('base64 from each of three beginnings, in both alphabets', () => {
  const bytes = Buffer.from([251, 255, 254, 251, 255, 254, 251, 255, 254, 1]);
  const [first, other] = inBase64(bytes);
  expect(first).toBe('+//++//++//+A'.slice(0, first!.length));
  expect(other).toBe(first!.replaceAll('+', '-').replaceAll('/', '_'));
  expect(inBase64(bytes).length).toBe(6);
  for (const [index, before] of ['', 'a', 'ab'].entries())
    expect(Buffer.from(before + bytes.toString('latin1') + 'xyz', 'latin1').toString('base64')).toContain(inBase64(bytes)[index * 2]);
  expect(inBase64(Buffer.from('abcdefg'))).toEqual([]);
  expect(inBase64(Buffer.from('abcdefgh')).length).toBeGreaterThan(0);
});

it('finds the names of secrets in a configuration, and puts values in their place', () => {
  const config = {
    b: { $secret: 'B' },
    list: [{ $secret: 'A' }, 1, null, 'x'],
    c: { $secret: 'B' },
    no: { $secret: 1 },
    two: { $secret: 'C', x: 1 },
  };
  expect(secretNames(config)).toEqual(['A', 'B']);
  expect(resolveSecrets(config, (name) => `value of ${name}`)).toEqual({
    config: { b: 'value of B', list: ['value of A', 1, null, 'x'], c: 'value of B', no: { $secret: 1 }, two: { $secret: 'C', x: 1 } },
    used: ['value of B', 'value of A'],
  });
  expect(secretNames('text')).toEqual([]);
});

it('remembers every secret that was read, and hides it from then on', () => {
  vi.stubEnv('HOUSE_OF_TEXTS', 'mnbv-lkjh-4711');
  expect(mask('say mnbv-lkjh-4711')).toBe('say mnbv-lkjh-4711');
  expect(secretOf('HOUSE_OF_TEXTS')).toBe('mnbv-lkjh-4711');
  expect(mask({ say: 'mnbv-lkjh-4711' })).toEqual({ say: '***' });
  rememberSecret('abc');
  expect(knownSecrets()).toContain('mnbv-lkjh-4711');
  expect(knownSecrets()).not.toContain('abc');
  rememberSecret('abcd');
  expect(knownSecrets()).toContain('abcd');
  vi.stubEnv('HOUSE_OF_TEXTS', undefined);
  expect(() => secretOf('HOUSE_OF_TEXTS')).toThrow(
    expect.objectContaining({ code: 'SECRET_MISSING', hint: expect.stringContaining('Set HOUSE_OF_TEXTS') }),
  );
  vi.stubEnv('HOUSE_OF_TEXTS', '');
  expect(() => secretOf('HOUSE_OF_TEXTS')).toThrow('The secret "HOUSE_OF_TEXTS" is not in the environment of this worker.');
  const digest = 'mnbv-lkjh-4711';
  expect(
    maskResult({ outputs: { out: { kind: 'data', digest, summary: 'of mnbv-lkjh-4711' } }, values: { said: 'mnbv-lkjh-4711' } } as never),
  ).toEqual({ outputs: { out: { kind: 'data', digest, summary: 'of ***' } }, values: { said: '***' } });
});

it('keeps what looks for the same secrets', () => {
  expect(finderOf(['same-secret-1', 'x'])).toBe(finderOf(['same-secret-1', 'x']));
  expect(finderOf(['same-secret-1', 'x'])).not.toBe(finderOf(['same-secret-2', 'x']));
  expect(finderOf(['ab', 'c'])).not.toBe(finderOf(['abc']));
});
