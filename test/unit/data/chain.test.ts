import { expect, test } from 'vitest';
import { checkChain, parseChain } from '../../../src/data/preprocess/chain.ts';

test('a chain is followed by kinds, also where the column is not known yet', () => {
  expect(checkChain(parseChain(['oneHot', 'standardize'], 'x'), undefined)).toMatchObject({
    at: 1,
    message: expect.stringContaining('several numbers per row'),
  });
  expect(checkChain(parseChain(['lowercase'], 'x'), 'text')).toMatchObject({ at: 1, fix: expect.stringContaining('oneHot') });
  expect(checkChain(parseChain([{ impute: 'median' }, 'standardize'], 'x'), undefined)).toBeUndefined();
});
