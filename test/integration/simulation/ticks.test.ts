import { Client, Connection } from '@temporalio/client';
import { afterAll, expect, it } from 'vitest';
import { temporalCrons } from '../../../src/config/cron.ts';
import { ticksBetween } from '../../../src/runs/matching-times.ts';
import { ticksOf } from '../../../src/simulation/world/ticks.ts';
import { startTemporal } from '../../support/temporal.ts';

const temporal = await startTemporal();
const connection = await Connection.connect({ address: temporal.address });
const client = new Client({ connection });
afterAll(async () => {
  await connection.close();
  await temporal.stop();
});

/** Days around both changes of daylight saving, ends of months, and a leap day. */
const RANGES = [
  ['2026-03-27', '2026-04-07'],
  ['2026-10-23', '2026-11-03'],
  ['2028-02-25', '2028-03-03'],
] as const;

it.each([
  [{ cron: '30 2 * * *', timezone: 'Europe/Berlin' }],
  [{ cron: '0 * * * *', timezone: 'America/New_York' }],
  [{ cron: '30 2 * * *', timezone: 'Australia/Sydney' }],
  [{ cron: '0 0,3,9 * * *', timezone: 'Europe/Berlin' }],
  [{ cron: '30 1 * * *', timezone: 'America/New_York' }],
  [{ cron: '*/20 * * * *', timezone: 'America/New_York' }],
  [{ cron: '10 0-4 * * *', timezone: 'America/New_York' }],
  [{ cron: '15 3 1 * MON', timezone: 'UTC' }],
  [{ cron: '40 1 * * *', timezone: 'Australia/Lord_Howe' }],
  [{ cron: '45 23 29 FEB *', timezone: 'Asia/Kathmandu' }],
  [{ everyMs: 7 * 3_600_000 }],
] as const)('ticks of a simulation are those of Temporal: %j', async (when) => {
  const scheduleId = JSON.stringify(when);
  await client.schedule.create({
    scheduleId,
    spec:
      'cron' in when ? { cronExpressions: temporalCrons(when.cron), timezone: when.timezone } : { intervals: [{ every: when.everyMs }] },
    action: { type: 'startWorkflow', workflowType: 'none', taskQueue: 'none', args: [] },
    state: { paused: true },
  });
  for (const [from, to] of RANGES) {
    const range = { start: new Date(`${from}T00:00:00Z`), end: new Date(`${to}T00:00:00Z`) };
    const theirs = await ticksBetween(client.workflowService, 'default', scheduleId, range);
    expect(ticksOf({ when }, range.start.getTime(), range.end.getTime()).map((tick) => new Date(tick).toISOString())).toEqual(theirs);
  }
});
