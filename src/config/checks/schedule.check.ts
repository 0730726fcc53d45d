import { checkCron } from '../cron.ts';
import { defineCheck } from './check.ts';
import { nearest } from '../diagnostic.ts';
import type { Finding } from '../diagnostic.ts';
import { isObject } from '../schema-walk.ts';
import { inRightCase, isZoneName } from '../zone-names.ts';

export default defineCheck({
  name: 'schedule',
  summary: 'The cron expression and the time zone of `on.schedule` exist.',
  run({ document }) {
    const on = document['on'];
    const schedule = isObject(on) ? on['schedule'] : undefined;
    if (!isObject(schedule)) return [];
    const findings: Finding[] = [];
    const { cron, timezone } = schedule;
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
