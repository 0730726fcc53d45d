import { expect, it } from 'vitest';
import { intervalText, intervalTextNow } from '../../../src/runs/schedule-plan.ts';

it('says when in its interval a monitor looks, for people', () => {
  expect(intervalText(900_000)).toBe('15m');
  expect(intervalText(900_000, 439_000)).toBe('15m, 7m 19s into each');
  expect(intervalText(86_400_000, 3_600_000)).toBe('1d, 1h into each');
  expect(intervalText(90_000, 1_500)).toBe('90s, 1s 500ms into each');
});

it('takes the words of earlier versions for the same', () => {
  expect(intervalTextNow('15m from 439s on')).toBe(intervalText(900_000, 439_000));
  expect(intervalTextNow('15m from 439s on or 1h')).toBe('15m, 7m 19s into each or 1h');
  expect(intervalTextNow('1h')).toBe('1h');
  expect(intervalTextNow('90s from 1500ms on')).toBe(intervalText(90_000, 1_500));
});
