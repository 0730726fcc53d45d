import { expect, it } from 'vitest';
import { pinText } from '../../../src/cli/models/routing-actions.ts';

it('a rollback tells what holds of its pin by then', () => {
  const pin = { version: 2, by: 'bob', at: '2026-01-01T00:00:00Z', why: 'complaints' };
  expect(pinText('m', 2, pin)).toBe('No automation promotes over it until `perennial models unpin m`.');
  expect(pinText('m', 1, pin)).toBe('Meanwhile m was pinned to version 2 by bob: complaints');
  expect(pinText('m', 1, null)).toBe('The pin to version 1 was lifted meanwhile: `perennial models history m` tells by whom.');
});
