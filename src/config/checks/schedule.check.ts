import { calendarFindings } from '../calendar.ts';
import { defineCheck } from './check.ts';
import type { Finding } from '../diagnostic.ts';
import { isObject } from '../schema-walk.ts';

export default defineCheck({
  name: 'schedule',
  summary: 'The schedule has a cron expression that exists, in a time zone that exists, or an interval.',
  run({ document }) {
    const on = document['on'];
    const schedule = isObject(on) ? on['schedule'] : undefined;
    if (!isObject(schedule)) return [];
    const findings: Finding[] = [];
    const { cron, timezone, every } = schedule;
    if ((cron === undefined) === (every === undefined))
      findings.push({
        pointer: '/on/schedule',
        at: 'key',
        message: cron === undefined ? 'The schedule says neither "cron" nor "every".' : 'The schedule says both "cron" and "every".',
        fix: 'Give one of them, e.g. "cron": "0 3 * * *".',
      });
    if (every !== undefined && cron === undefined && timezone !== undefined)
      findings.push({
        pointer: '/on/schedule/timezone',
        message: 'An interval has no time zone: it is the same time whatever the clocks do.',
        fix: 'Remove "timezone", or give "cron" in place of "every".',
      });
    return [...findings, ...calendarFindings(schedule, '/on/schedule')];
  },
});
