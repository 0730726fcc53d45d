import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadDocument, parseDocument } from '../../../src/config/load-document.ts';

const parse = (text: string | Uint8Array) => parseDocument('d.json', typeof text === 'string' ? new TextEncoder().encode(text) : text);
const first = (text: string | Uint8Array) => parse(text).diagnostics[0]!;

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'config-'));
});
afterAll(() => rm(dir, { recursive: true }));

describe('files', () => {
  it('that are not there, are folders, or are too large are said to be so', async () => {
    expect((await loadDocument(join(dir, 'no.json'))).diagnostics[0]!.message).toBe('There is no such file.');
    expect((await loadDocument(dir)).diagnostics[0]!.message).toBe('This is a folder, not a file.');
    const large = join(dir, 'large.json');
    await writeFile(large, ' '.repeat(1024 * 1024 + 1));
    expect((await loadDocument(large)).diagnostics[0]!.message).toBe('The document has 1048577 bytes; at most 1048576 are read.');
  });

  it('that are empty are refused', () => {
    expect(first('').message).toBe('The document is empty.');
    expect(first(' \n').message).toBe('The document is empty.');
  });
});

describe('encoding', () => {
  const bytes = (...parts: (string | number)[]): Uint8Array =>
    Uint8Array.from(parts.flatMap((part) => (typeof part === 'string' ? [...new TextEncoder().encode(part)] : [part])));

  it.each([
    ['Latin-1', bytes('{"ü": "', 0xfc, '"}'), 8, '0xfc', 1, 8],
    ['a cut character', bytes('{\n"a": "', 0xe2, 0x82, '"}'), 8, '0xe2', 2, 7],
    ['an overlong form', bytes('"', 0xc0, 0x80, '"'), 1, '0xc0', 1, 2],
    ['a surrogate', bytes('"', 0xed, 0xa0, 0x80, '"'), 1, '0xed', 1, 2],
    ['a lone continuation', bytes('"ab', 0x80, '"'), 3, '0x80', 1, 4],
    ['above Unicode', bytes('"', 0xf4, 0x90, 0x80, 0x80), 1, '0xf4', 1, 2],
    ['a cut end', bytes('"abc', 0xf0, 0x9f), 4, '0xf0', 1, 5],
  ])('names the first bad byte: %s', (_name, text, offset, byte, line, column) => {
    expect(first(text)).toMatchObject({
      line,
      column,
      message: `The file is not UTF-8: the byte ${byte} at offset ${offset} does not belong there.`,
    });
  });

  it('takes a byte order mark, and refuses UTF-16', () => {
    expect(parse(bytes(0xef, 0xbb, 0xbf, '{"a": 1}'))).toMatchObject({ document: { value: { a: 1 } }, diagnostics: [] });
    expect(first(bytes(0xff, 0xfe, '{', 0)).message).toBe('The file is UTF-16; a document is UTF-8.');
  });
});

describe('syntax', () => {
  it.each([
    ['{"a": 1,}', 'A comma stands before "}", and nothing follows it.', 9],
    ['[1, 2,]', 'A comma stands before "]", and nothing follows it.', 7],
    ["{'a': 1}", "JSON's quotes are double quotes; a single quote was found.", 2],
    ['{a: 1}', 'A key in double quotes is expected; a was found.', 2],
    ['{"a" 1}', 'A colon is expected here, between the key and its value; "1" was found.', 6],
    ['{"a": 1 "b": 2}', 'A comma is missing before this; "b" was found.', 9],
    ['{"a": NaN}', 'JSON has no NaN.', 7],
    ['{"a": -Infinity}', 'JSON has no -Infinity.', 7],
    ['{"a": True}', 'JSON does not know True.', 7],
    ['{"a": "b\n"}', 'A text has no closing double quote on its line.', 7],
    ['{"a": 1', 'The document ends too early: a closing brace "}" is missing.', 8],
    ['{"a": 1} x', 'The document ended before this; nothing may follow; "x" was found.', 10],
    ['{"a": "\\x"}', 'A backslash is followed by a character that has no escape.', 7],
  ])('%j', (text, message, column) => {
    const { document, diagnostics } = parse(text);
    expect(document).toBeUndefined();
    expect(diagnostics).toHaveLength(1);
    expect(diagnostics[0]).toMatchObject({ message, line: 1, column });
  });

  it('has no comments, and every one is named', () => {
    const { diagnostics } = parse('{\n  // one\n  "a": 1 /* two */\n}');
    expect(diagnostics.map(({ line, column, message }) => [line, column, message])).toEqual([
      [2, 3, 'JSON has no comments.'],
      [3, 10, 'JSON has no comments.'],
    ]);
  });
});

describe('what JSON allows and a document does not', () => {
  it('is a key twice, at every depth', () => {
    expect(parse('{"a": [{"b": 1, "c": 2, "b": 3}], "a": 1}').diagnostics.map(({ pointer, column }) => [pointer, column])).toEqual([
      ['/a/0/b', 25],
      ['/a', 35],
    ]);
  });

  it('is __proto__, and the document goes no further', () => {
    const { document, diagnostics } = parse('{"steps": [{"__proto__": {"polluted": true}}]}');
    expect(document).toBeUndefined();
    expect(diagnostics[0]).toMatchObject({ pointer: '/steps/0/__proto__', column: 13, message: 'The key "__proto__" is not allowed.' });
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });

  it('is a number that cannot be kept', () => {
    expect(first('{"seed": 9007199254740993}').message).toMatch(/^The integer is too large to be kept exactly/);
    expect(first('{"a": 1e999}').message).toBe('The number is too large: it would be read as infinity.');
    expect(parse('{"a": 1e300, "b": 9007199254740991}').diagnostics).toEqual([]);
  });

  it('is nesting without end', () => {
    expect(first('['.repeat(100_000)).message).toBe('Objects and arrays are nested more than 64 deep.');
  });
});

describe('places', () => {
  const { document } = parse('{\n  "a": {\n    "0": [10, {"b/c": 2}]\n  }\n}');
  it.each([
    ['/a/0/1/b~1c', 'value', 3, 23],
    ['/a/0/1/b~1c', 'key', 3, 16],
    ['/a/0/0', 'value', 3, 11],
    ['/a/nothing/there', 'value', 2, 8],
    ['', 'value', 1, 1],
  ] as const)('%s as %s', (pointer, at, line, column) => {
    expect(document!.place({ pointer, at, message: 'm' })).toEqual({ file: 'd.json', line, column, pointer, message: 'm' });
  });
});
