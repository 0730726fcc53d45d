import type { JsonObject } from '../core/json.ts';
import { checkCron } from './cron.ts';
import { nearest } from './diagnostic.ts';
import type { Finding } from './diagnostic.ts';
import { inRightCase, isZoneName } from './zone-names.ts';

/** What is wrong with the `cron` and `timezone` of an object. @param pointer of the object */
export function calendarFindings({ cron, timezone }: JsonObject, pointer: string): Finding[] {
  const problem = typeof cron === 'string' ? checkCron(cron) : undefined;
  const findings: Finding[] = problem === undefined ? [] : [{ pointer: `${pointer}/cron`, given: cron!, ...problem }];
  if (typeof timezone !== 'string' || isZoneName(timezone)) return findings;
  const suggestion = inRightCase(timezone) ?? nearest(timezone, Intl.supportedValuesOf('timeZone'));
  return [
    ...findings,
    {
      pointer: `${pointer}/timezone`,
      given: timezone,
      message: `There is no time zone "${timezone}"${inRightCase(timezone) === undefined ? '' : ': names of time zones are read letter by letter'}.`,
      ...(suggestion === undefined ? {} : { suggestion }),
      fix: 'Write a name of the IANA list, such as "UTC" or "Europe/Berlin".',
    },
  ];
}
