import { expect, it } from 'vitest';
import { looksOf, quoted } from '../../../src/core/spelling.ts';
import { columnMissing } from '../../../src/data/table/columns.ts';
import { checkRowColumns } from '../../../src/data/table/row-values.ts';
import { checkRows } from '../../../src/serving/source-rows.ts';

const COMPOSED = 'caf\u00e9';
const DECOMPOSED = 'cafe\u0301';

it.each([
  ['an accent', COMPOSED, DECOMPOSED, '"caf\u00e9"', '"cafe\\u0301"'],
  ['a character that nobody sees', 'price', 'pri\u200bce', '"price"', '"pri\\u200bce"'],
  ['another blank', 'net price', 'net\u00a0price', '"net price"', '"net\\u00a0price"'],
  ['a blank around', 'price', 'price ', '"price"', '"price "'],
])('names that differ in %s look the same and are told apart', (_, name, other, shown, spelt) => {
  expect(looksOf(other)).toBe(looksOf(name));
  expect(quoted(name)).toBe(shown);
  expect(quoted(other)).toBe(spelt);
});

it('a column of a model is not imputed in silence where a row has one that looks the same', () => {
  const columns = [
    { name: COMPOSED, type: 'number' as const, required: false },
    { name: 'b', type: 'number' as const, required: false },
  ];
  const row = { [DECOMPOSED]: 1, b: 2 };
  expect(() => checkRowColumns([row], columns)).toThrow(
    'row 0, column "caf\u00e9": it is absent, and there is an unknown column "cafe\\u0301".',
  );
  const servable = { preprocessor: { columns, windowSize: 1 }, sourceColumns: [COMPOSED, 'b'] } as never;
  expect(() => checkRows(servable, [row])).toThrow('has no column "caf\u00e9", but "cafe\\u0301": did you mean "caf\u00e9"?');
  // Of two letters, one of which is written as two.
  const short = [{ name: 'n\u00e9', type: 'number' as const, required: false }];
  expect(() => checkRowColumns([{ 'ne\u0301': 1 }], short)).toThrow('"ne\\u0301"');
});

it('a document that names a column by other characters is told which they are', () => {
  const error = columnMissing(DECOMPOSED, [COMPOSED, 'b'], 'label');
  expect(error.message).toContain('there is no column "cafe\\u0301"');
  expect(error.hint).toBe('Did you mean "caf\u00e9"?');
});
