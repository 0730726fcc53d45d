import { expect, it } from 'vitest';
import { RateLimit } from '../../../src/access/rate-limit.ts';

it('takes as many as a second brings at once, then one after the other', () => {
  let now = 0;
  const limit = new RateLimit(() => now);
  const ask = (name: string, requestsPerSecond?: number): number =>
    limit.wait({ name, ...(requestsPerSecond === undefined ? {} : { requestsPerSecond }) });
  expect([ask('a', 2), ask('a', 2), ask('a', 2)]).toEqual([0, 0, 0.5]);
  expect(ask('b', 2)).toBe(0);
  now = 250;
  expect(ask('a', 2)).toBe(0.25);
  now = 500;
  expect([ask('a', 2), ask('a', 2)]).toEqual([0, 0.5]);
  now = 60_000;
  expect([ask('a', 2), ask('a', 2), ask('a', 2)]).toEqual([0, 0, 0.5]);
  expect(Array.from({ length: 100 }, () => ask('free')).every((seconds) => seconds === 0)).toBe(true);
});

it('lets one in after the other where the rate is below one a second', () => {
  let now = 0;
  const limit = new RateLimit(() => now);
  const ask = (): number => limit.wait({ name: 'a', requestsPerSecond: 0.5 });
  expect([ask(), ask()]).toEqual([0, 2]);
  now = 1_999;
  expect(ask()).toBeCloseTo(0.001, 6);
  now = 2_000;
  expect(ask()).toBe(0);
});
