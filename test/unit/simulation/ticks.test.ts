import { expect, it } from 'vitest';
import { ticksOf } from '../../../src/simulation/world/ticks.ts';

const at = (text: string): number => Date.parse(text);
const shown = (ticks: readonly number[]): string[] => ticks.map((tick) => new Date(tick).toISOString());
const cron = (expression: string, timezone = 'UTC') => ({ when: { cron: expression, timezone } });

it('counts intervals from 1970, the end of the range included and its beginning not', () => {
  expect(shown(ticksOf({ when: { everyMs: 6 * 3_600_000 } }, at('2026-01-31T06:00:00Z'), at('2026-02-01T00:00:00Z')))).toEqual([
    '2026-01-31T12:00:00.000Z',
    '2026-01-31T18:00:00.000Z',
    '2026-02-01T00:00:00.000Z',
  ]);
});

it('goes by the wall clock, over the hour that is left out and the hour that comes twice', () => {
  const berlin = cron('30 2 * * *', 'Europe/Berlin');
  expect(shown(ticksOf(berlin, at('2026-03-28T00:00:00Z'), at('2026-03-31T00:00:00Z')))).toEqual([
    '2026-03-28T01:30:00.000Z',
    '2026-03-30T00:30:00.000Z',
  ]);
  expect(shown(ticksOf(berlin, at('2026-10-24T22:00:00Z'), at('2026-10-26T00:00:00Z')))).toEqual(['2026-10-25T01:30:00.000Z']);
  const newYork = cron('30 1 * * *', 'America/New_York');
  expect(shown(ticksOf(newYork, at('2026-11-01T00:00:00Z'), at('2026-11-02T00:00:00Z')))).toEqual([
    '2026-11-01T05:30:00.000Z',
    '2026-11-01T06:30:00.000Z',
  ]);
});

it('knows zones that differ by quarters of an hour', () => {
  expect(shown(ticksOf(cron('0 3 * * *', 'Asia/Kathmandu'), at('2026-01-01T00:00:00Z'), at('2026-01-02T00:00:00Z')))).toEqual([
    '2026-01-01T21:15:00.000Z',
  ]);
});

it('takes days of the month and of the week either way', () => {
  expect(ticksOf(cron('0 0 1 * MON'), at('2026-01-31T00:00:00Z'), at('2026-02-28T23:00:00Z')).length).toBe(5);
});
