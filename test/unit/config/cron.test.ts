import { describe, expect, it } from 'vitest';
import { checkCron, cronTimes, temporalCrons } from '../../../src/config/cron.ts';

describe('cron', () => {
  it.each([
    '0 3 * * *',
    '*/15 * * * *',
    '0 0 1,15 * MON-FRI',
    '5-59/10 0-6 * jan,jul 7',
    '0 0 29 2 *',
    '0 0 31 2 MON',
    '59 23 31 12 0',
    ' 0   3 * *\t* ',
    '5-5 * * * *',
    '0 0 30,31 2,4 *',
  ])('takes %s', (cron) => {
    expect(checkCron(cron)).toBeUndefined();
  });

  it.each([
    ['', 'has none'],
    ['  ', 'has none'],
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
    ['1/2/3 * * * *', 'malformed'],
    ['*/x2 * * * *', 'the step "x2" is no number from 1'],
    ['*/2x * * * *', 'the step "2x" is no number from 1'],
    ['x2 * * * *', '"x2" is no minute'],
    ['2x * * * *', '"2x" is no minute'],
    ['0 0 30 2 */2', 'names a day that no month has'],
    ['1-2-3 * * * *', 'a range has two ends'],
    ['-1 * * * *', 'is no minute'],
    ['0 3 ? * *', '"*" means the same'],
    ['0 0 30 2 *', 'names a day that no month has'],
    ['0 0 31 4,6,9,11 *', 'names a day that no month has'],
  ])('refuses %j', (cron, message) => {
    expect(checkCron(cron)?.message).toContain(message);
  });
});

const days = (cron: string, month: number): number[] =>
  // 2023 began on a Sunday.
  Array.from({ length: new Date(Date.UTC(2023, month, 0)).getUTCDate() }, (_, index) => index + 1).filter((day) =>
    cronTimes(cron).onDay(month, day, new Date(Date.UTC(2023, month - 1, day)).getUTCDay()),
  );

describe('the times of a cron expression', () => {
  it.each<[string, number[], number[]]>([
    ['7 3 * * *', [7], [3]],
    ['*/20 */6 * * *', [0, 20, 40], [0, 6, 12, 18]],
    ['5/25 20/2 * * *', [5, 30, 55], [20, 22]],
    ['10-13 8-9 * * *', [10, 11, 12, 13], [8, 9]],
    ['10-20/5 1,3,2 * * *', [10, 15, 20], [1, 2, 3]],
    ['59 23 * * *', [59], [23]],
  ])('%s: minutes and hours', (cron, minutes, hours) => {
    const times = cronTimes(cron);
    expect([[...times.minutes].sort((a, b) => a - b), [...times.hours].sort((a, b) => a - b)]).toEqual([minutes, hours]);
  });

  it.each(
    ['JAN', 'FEB', 'MAR', 'APR', 'MAY', 'JUN', 'JUL', 'AUG', 'SEP', 'OCT', 'NOV', 'DEC'].map((name, index) => [name, index + 1] as const),
  )('%s is month %d, and no other', (name, month) => {
    const of = Array.from({ length: 12 }, (_, index) => index + 1).filter((each) =>
      cronTimes(`0 0 1 ${name.toLowerCase()} *`).onDay(each, 1, 0),
    );
    expect(of).toEqual([month]);
    expect(days(`0 0 1 ${month} *`, month)).toEqual([1]);
  });

  it.each([
    ['SUN', 0],
    ['MON', 1],
    ['TUE', 2],
    ['WED', 3],
    ['THU', 4],
    ['FRI', 5],
    ['SAT', 6],
    ['7', 0],
    ['0', 0],
    ['3', 3],
  ] as const)('%s is day of week %d, and no other', (name, weekday) => {
    expect([0, 1, 2, 3, 4, 5, 6].filter((each) => cronTimes(`0 0 * * ${name}`).onDay(1, 1, each))).toEqual([weekday]);
  });

  it('ticks on either where both days are restricted, and on both where one is open', () => {
    expect(days('0 0 13 1 FRI', 1)).toEqual([6, 13, 20, 27]);
    expect(days('0 0 1,2 1 MON', 1)).toEqual([1, 2, 9, 16, 23, 30]);
    expect(days('0 0 13 1 *', 1)).toEqual([13]);
    expect(days('0 0 * 1 FRI', 1)).toEqual([6, 13, 20, 27]);
    expect(days('0 0 */10 1 *', 1)).toEqual([1, 11, 21, 31]);
    expect(days('0 0 13 2 FRI', 1)).toEqual([]);
    // Open is what begins with *, also where it goes on.
    expect(days('0 0 13 1 */2', 1)).toEqual([]);
    expect(days(' 0  0 */10 1 FRI ', 1)).toEqual([]);
  });

  it('is asked of Temporal by one expression, or by two where both days are restricted', () => {
    expect(temporalCrons('0 3 * * *')).toEqual(['0 3 * * *']);
    expect(temporalCrons('0 3 13 * *')).toEqual(['0 3 13 * *']);
    expect(temporalCrons('0 3 * 2 FRI')).toEqual(['0 3 * 2 FRI']);
    expect(temporalCrons('0 3 */2 2 FRI')).toEqual(['0 3 */2 2 FRI']);
    expect(temporalCrons('0 3 13 2 */2')).toEqual(['0 3 13 2 */2']);
    expect(temporalCrons(' 5  3 13 2 FRI ')).toEqual(['5 3 13 2 *', '5 3 * 2 FRI']);
  });

  it('knows how long every month is', () => {
    const possible = Array.from({ length: 12 }, (_, index) => index + 1).map((month) =>
      Array.from({ length: 31 }, (_, index) => index + 1).findLast((day) => checkCron(`0 0 ${day} ${month} *`) === undefined),
    );
    expect(possible).toEqual([31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]);
  });
});
