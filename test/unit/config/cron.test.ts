import { describe, expect, it } from 'vitest';
import { checkCron } from '../../../src/config/cron.ts';

describe('cron', () => {
  it.each(['0 3 * * *', '*/15 * * * *', '0 0 1,15 * MON-FRI', '5-59/10 0-6 * jan,jul 7', '0 0 29 2 *', '0 0 31 2 MON', '59 23 31 12 0'])(
    'takes %s',
    (cron) => {
      expect(checkCron(cron)).toBeUndefined();
    },
  );

  it.each([
    ['', 'five fields'],
    ['0 3 * *', 'has 4'],
    ['0 0 3 * * *', 'has 6'],
    ['@daily', 'has 1'],
    ['60 * * * *', '60 is not between 0 and 59'],
    ['0 24 * * *', '24 is not between 0 and 23'],
    ['0 0 0 * *', '0 is not between 1 and 31'],
    ['0 0 * 13 *', '13 is not between 1 and 12'],
    ['0 0 * * 8', '8 is not between 0 and 7'],
    ['0 0 * * FUN', '"FUN" is no day of week'],
    ['*/0 * * * *', 'the step "0" is no number from 1'],
    ['30-10 * * * *', 'the range 30-10 ends before it starts'],
    ['1,,2 * * * *', 'malformed'],
    ['1-2-3 * * * *', 'a range has two ends'],
    ['-1 * * * *', 'is no minute'],
    ['0 3 ? * *', '"*" means the same'],
    ['0 0 30 2 *', 'names a day that no month has'],
    ['0 0 31 4,6,9,11 *', 'names a day that no month has'],
  ])('refuses %j', (cron, message) => {
    expect(checkCron(cron)?.message).toContain(message);
  });
});
