import { checkCron } from '../cron.ts';
import { defineCheck } from './check.ts';
import { nearest } from '../diagnostic.ts';
import type { Finding } from '../diagnostic.ts';
import { isObject } from '../schema-walk.ts';
import { inRightCase, isZoneName } from '../zone-names.ts';

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
    const problem = typeof cron === 'string' ? checkCron(cron) : undefined;
    if (problem !== undefined) findings.push({ pointer: '/on/schedule/cron', given: cron!, ...problem });
    if (typeof timezone === 'string' && !isZoneName(timezone)) {
      const suggestion = inRightCase(timezone) ?? nearest(timezone, Intl.supportedValuesOf('timeZone'));
      findings.push({
        pointer: '/on/schedule/timezone',
        given: timezone,
        message: `There is no time zone "${timezone}"${inRightCase(timezone) === undefined ? '' : ': names of time zones are read letter by letter'}.`,
        ...(suggestion === undefined ? {} : { suggestion }),
        fix: 'Write a name of the IANA list, such as "UTC" or "Europe/Berlin".',
      });
    }
    return findings;
  },
});
