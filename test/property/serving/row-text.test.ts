import fc from 'fast-check';
import { expect, it } from 'vitest';
import { ROW_CHARS_MAX, rowText } from '../../../src/serving/row-text.ts';

const number = fc.oneof(fc.double({ noNaN: true, noDefaultInfinity: true }), fc.integer(), fc.constantFrom(-0, 1e21, 5e-324)).map(String);
const value = fc.oneof(
  { weight: 8, arbitrary: number },
  fc.constantFrom('null', 'true', '"1"', '[1]', '{"a":1}', '""', '"a\\"b"', '1e400'),
);
const name = fc.oneof(
  fc.string(),
  fc.string({ unit: 'binary' }),
  fc.constantFrom('a', 'b', '__proto__', 'constructor', '"', '\\', 'ü', '\u2028'),
);
const space = fc.constantFrom('', ' ', '  ', '\t', '\n', '\r\n');
/** Bodies as people write them: spaces anywhere, names that stand twice, one of them with escapes. */
const body = fc
  .array(fc.tuple(name, value, space, fc.boolean()), { maxLength: 6 })
  .map((members) => {
    const spelt = members.map(([key, text, gap, escaped]) => {
      const quoted = JSON.stringify(key);
      const shown =
        escaped && key !== ''
          ? `"\\u${key.charCodeAt(0).toString(16).padStart(4, '0')}${quoted.slice(1 + JSON.stringify(key[0]).length - 2)}`
          : quoted;
      return `${gap}${shown}:${gap}${text}${gap}`;
    });
    return `{${spelt.join(',')}}`;
  })
  .filter((text) => {
    try {
      JSON.parse(text);
      return true;
    } catch {
      return false;
    }
  });

it('the text of a row says in one line what the row holds, or is not taken', () => {
  let taken = 0;
  fc.assert(
    fc.property(body, (text) => {
      const row: unknown = JSON.parse(text);
      const found = rowText(text, row);
      if (found === undefined) return;
      taken += 1;
      expect(found).not.toMatch(/[\n\r]/);
      expect(JSON.parse(found)).toEqual(row);
      // Of members that stand twice readers take one or the other.
      const members = found.match(/"[^"]*"\s*:/g) ?? [];
      expect(members).toHaveLength(Object.keys(row as object).length);
    }),
    { numRuns: 2_000 },
  );
  expect(taken).toBeGreaterThan(100);
});

it('takes rows of numbers as clients write them', () => {
  for (const text of ['{"a":1,"b":-2.50}', '{ "a" : 1e3 , "größe" : 0 }', '{}']) expect(rowText(text, JSON.parse(text))).toBe(text);
});

it.each([
  ['a name that stands twice', '{"a":1,"a":2}'],
  ['a name that stands twice, once with an escape', '{"a":1,"\\u0061":2}'],
  ['several lines', '{"a":1,\n"b":2}'],
  ['a text', '{"a":"1"}'],
  ['a missing value', '{"a":null}'],
  ['a number beyond all', '{"a":1e400}'],
  ['an array', '[1,2]'],
])('does not take %s', (_, text) => {
  expect(rowText(text, JSON.parse(text))).toBeUndefined();
});

it('does not take what is long', () => {
  const text = JSON.stringify(Object.fromEntries(Array.from({ length: 2_000 }, (_, index) => [`column ${index}`, index])));
  expect(text.length).toBeGreaterThan(ROW_CHARS_MAX);
  expect(rowText(text, JSON.parse(text))).toBeUndefined();
});
