import { expect, it } from 'vitest';
import { checkFreeze, frozenUntil } from '../../../src/deployment/freeze.ts';

const at = (text: string): number => Date.parse(text);

it('a weekend in a time zone, also where the clocks are changed in it', () => {
  const weekend = [{ cron: '0 16 * * FRI', for: '64h', timezone: 'Europe/Berlin', why: 'nobody is there' }];
  // 2026-03-27 is a Friday, and on the Sunday the clocks are put forward.
  expect(frozenUntil(weekend, at('2026-03-27T14:59:59Z'))).toBeUndefined();
  expect(frozenUntil(weekend, at('2026-03-27T15:00:00Z'))).toEqual({ until: '2026-03-30T07:00:00.000Z', why: 'nobody is there' });
  expect(frozenUntil(weekend, at('2026-03-30T06:59:00Z'))).toMatchObject({ until: '2026-03-30T07:00:00.000Z' });
  expect(frozenUntil(weekend, at('2026-03-30T07:00:00Z'))).toBeUndefined();
  expect(frozenUntil(weekend, at('2026-07-03T14:00:00Z'))).toMatchObject({ until: '2026-07-06T06:00:00.000Z' });
});

it('a stretch of the calendar; of several freezes the one that ends last', () => {
  const freezes = [
    { from: '2026-12-20', to: '2027-01-03', timezone: 'America/New_York' },
    { cron: '0 0 * * *', for: '1h' },
  ];
  expect(frozenUntil(freezes, at('2026-12-20T04:30:00Z'))).toBeUndefined();
  expect(frozenUntil(freezes, at('2026-12-20T05:00:00Z'))).toEqual({ until: '2027-01-03T05:00:00.000Z', why: '' });
  expect(frozenUntil(freezes, at('2027-01-03T05:00:00Z'))).toBeUndefined();
  expect(frozenUntil(freezes, at('2027-01-04T00:59:00Z'))).toMatchObject({ until: '2027-01-04T01:00:00.000Z' });
  expect(frozenUntil([{ from: '2026-12-20T08:00', to: '2026-12-20T09:30' }], at('2026-12-20T09:29:59Z'))).toMatchObject({
    until: '2026-12-20T09:30:00.000Z',
  });
});

it('mistakes are said where they stand', () => {
  const problems = (freeze: object): string[] => checkFreeze([freeze]).map(({ pointer, message }) => `${pointer}: ${message}`);
  expect(problems({ cron: '0 16 * * FRI', for: '64h' })).toEqual([]);
  expect(problems({ cron: '0 16 * * FRI' })).toEqual(['/freeze/0: A freeze has either "cron" and "for", or "from" and "to".']);
  expect(problems({ cron: '0 16 * * FRI', for: '1h', from: '2026-01-01', to: '2026-01-02' })).toHaveLength(1);
  expect(problems({ cron: '0 25 * * *', for: '40d' })).toEqual([
    '/freeze/0/cron: The hour of the cron expression is "25": 25 is not between 0 and 23.',
    '/freeze/0/for: A freeze lasts up to 31 days, not 40d.',
  ]);
  expect(problems({ from: '2026-02-30', to: '2026-03-02', timezone: 'Berlin' })).toEqual([
    '/freeze/0/timezone: There is no time zone "Berlin".',
    '/freeze/0/from: There is no 2026-02-30 in the calendar.',
  ]);
  expect(problems({ from: '2026-03-02', to: '2026-03-01' })).toEqual([
    '/freeze/0/to: The freeze ends (2026-03-01) before it begins (2026-03-02).',
  ]);
});
