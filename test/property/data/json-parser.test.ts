import { textOfValue } from '../../../src/data/reading/json-text.ts';
import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { JSON_DEPTH_MAX, parseInTurns, parseText } from '../../../src/data/reading/json-parser.ts';

/** The rules switch the runtime's parser off wherever a long number stands, so that ours is asked. */
const OURS = { exactIntegers: true };
const withMark = (json: string): string => `[12345678901234567890,${json}]`;
const ours = (json: string): unknown => rounded((parseText(withMark(json), OURS) as unknown[])[1]);

/** Integers as the runtime rounds them. */
function rounded(value: unknown): unknown {
  if (typeof value === 'bigint') return Number(value);
  if (Array.isArray(value)) return value.map(rounded);
  if (typeof value !== 'object' || value === null) return value;
  for (const [key, item] of Object.entries(value))
    Object.defineProperty(value, key, { value: rounded(item), enumerable: true, configurable: true, writable: true });
  return value;
}

function outcome(parse: () => unknown): unknown {
  try {
    return { value: parse() };
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return 'refused';
  }
}

describe('the parser of large texts', () => {
  it('reads what the runtime reads, as it reads it', () => {
    fc.assert(
      fc.property(fc.json(), fc.nat(4), (json, space) => {
        const text = JSON.stringify(JSON.parse(json), null, space);
        expect(ours(text)).toEqual(JSON.parse(text));
      }),
    );
  });

  it('refuses what the runtime refuses, and nothing else', () => {
    const damaged = fc.tuple(
      fc.json(),
      fc.nat(),
      fc.constantFrom('', ',', '"', '[', ']', '{', '}', ':', '1', '-', '.', 'e', 'x', '\\', '\u0001', ' ', 'tru', '00', '__proto__'),
    );
    fc.assert(
      fc.property(damaged, ([json, place, piece]) => {
        const at = place % (json.length + 1);
        const text = `${json.slice(0, at)}${piece}${json.slice(at + (place % 2))}`;
        expect(outcome(() => ours(text))).toEqual(outcome(() => (JSON.parse(withMark(text)) as unknown[])[1]));
      }),
      { numRuns: 500 },
    );
  });

  it('keeps integers exact, repeats and names that are no names as the runtime does', () => {
    expect(parseText('{"id":9007199254740993,"x":-12345678901234567890,"y":1234567890123456.5}', OURS)).toEqual({
      id: 9007199254740993n,
      x: -12345678901234567890n,
      y: 1234567890123456.5,
    });
    expect(ours('{"a":1,"a":2}')).toEqual({ a: 2 });
    const made = ours('{"__proto__":{"a":1}}') as object;
    expect(Object.keys(made)).toEqual(['__proto__']);
    expect('a' in made).toBe(false);
  });

  it('reads the tokens of TensorFlow Serving only where they are allowed', () => {
    expect(parseText('[1,NaN,-Infinity,Infinity,"NaN"]', { tokens: true })).toEqual([
      1,
      Number.NaN,
      Number.NEGATIVE_INFINITY,
      Number.POSITIVE_INFINITY,
      'NaN',
    ]);
    for (const text of ['[NaN]', '[NaNo]', '[Infinity1]', '[N]'])
      expect(() => parseText(text, text === '[NaN]' ? {} : { tokens: true })).toThrow(SyntaxError);
  });

  it('says where it is nested too deep, and reads what is as deep as allowed', () => {
    const nested = (levels: number): string => '['.repeat(levels) + ']'.repeat(levels);
    expect(parseText(nested(JSON_DEPTH_MAX))).toHaveLength(1);
    expect(() => parseText(nested(JSON_DEPTH_MAX + 1))).toThrow(
      `nested deeper than ${JSON_DEPTH_MAX} levels at character ${JSON_DEPTH_MAX}`,
    );
    expect(() => parseText('{"a":'.repeat(20_000))).toThrow('nested deeper');
  });

  it('puts a word in the place of what is deeper where it is told to, and is as strict about it', () => {
    const cut = (text: string): unknown => parseText(text, { depthMax: 3, deeper: 'cut' });
    const written = (text: string): string => JSON.stringify(cut(text));
    const deep = (at: number): string => `"(nested deeper than 3 levels at character ${at})"`;
    expect(written('[[[1]]]')).toBe('[[[1]]]');
    expect(written('[[[ [1,2,[{"a":[]}],"x"] ,2]],3]')).toBe(`[[[${deep(4)},2]],3]`);
    expect(written('{"a":{"b":[{"c":{"d":1},"e":2},{},5]},"f":6}')).toBe(`{"a":{"b":[${deep(11)},${deep(31)},5]},"f":6}`);
    expect(written('[[[[]]]]')).toBe(`[[[${deep(3)}]]]`);
    for (const text of ['[[[[1}]]]', '[[[[1 2]]]]', '[[[{"a" 1}]]]', '[[[[', '[[[[1,]]]]', '[[[[nul]]]]', '[[[{1:2}]]]', '[[[[1]]]]]'])
      expect(() => cut(text), text).toThrow(SyntaxError);
    expect(() => parseText('['.repeat(3_000_000), { deeper: 'cut' })).toThrow('nested deeper than 101000 levels at character 101000');
  });

  it('a text with a place that was cut is no text', () => {
    expect(textOfValue(parseText('{"a":[[1]]}', { depthMax: 2, deeper: 'cut' }))).toBeUndefined();
    expect(textOfValue(parseText('{"a":[1]}', { depthMax: 2, deeper: 'cut' }))).toBe('{"a":[1]}');
  });

  it('lets others have their turn, whatever a large text is made of', async () => {
    const megabytes = (piece: string, open = '', close = ''): string =>
      `${open}${piece.repeat(Math.ceil(1_500_000 / piece.length))}${close}`;
    const texts = [
      megabytes('[],', '[', '1]'),
      megabytes('0.12345,', '[', '1]'),
      megabytes('12345678901234567890,', '[', '1]'),
      megabytes('"\\"",', '[', '1]'),
      megabytes('\\"', '["', '"]'),
      megabytes('\\"', '["'),
      megabytes('"', '['),
      megabytes('[0.5],', '[', '[1]]'),
      megabytes('{"a":1},', '[', '1]'),
      megabytes('1 , ', '[', '1]'),
      megabytes(' ', '[', ']'),
      megabytes('9'),
      megabytes('NaN,', '[', '1]'),
    ];
    // A clock by which every step of the reader has used up its turn: it then rests as often as it can.
    let now = 0;
    const clock = vi.spyOn(performance, 'now').mockImplementation(() => (now += 1_000));
    const native = vi.spyOn(JSON, 'parse');
    for (const text of texts) {
      native.mockClear();
      let turns = 0;
      let reading = true;
      const other = (): void => {
        turns += 1;
        if (reading) setImmediate(other);
      };
      setImmediate(other);
      await (async () => parseInTurns(text, { exactIntegers: true, tokens: true }))().catch(() => undefined);
      reading = false;
      // What the runtime reads in one go, in milliseconds, needs no turns; nor does one token (a string, blanks, a number), whose end is
      // looked for in one go.
      const atOnce = native.mock.calls.some(([given]) => given === text) || ['["', '[ ', '99'].some((begin) => text.startsWith(begin));
      expect([text.slice(0, 20), atOnce || turns >= 10]).toEqual([text.slice(0, 20), true]);
    }
    clock.mockRestore();
    native.mockRestore();
  });
});
