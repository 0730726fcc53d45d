import { PerennialError } from '../../core/errors.ts';
import { defineCommand, table } from '../command.ts';
import type { Temporal } from '../../orchestration/connect.ts';
import type { Overlap } from '../../orchestration/schedule-plan.ts';

const EXAMPLES = `
A schedule is named by its id (penguins/schedule, penguins/drift, penguins/new-data) or by its pipeline (penguins).

Examples:
  perennial schedules list
  perennial schedules pause penguins --note "source is being migrated"
  perennial schedules trigger penguins
  perennial schedules backfill penguins --from 2026-01-01 --to 2026-01-08`;

const OVERLAPS = ['SKIP', 'BUFFER_ONE', 'BUFFER_ALL', 'CANCEL_OTHER', 'TERMINATE_OTHER', 'ALLOW_ALL'] as const;

export default defineCommand({
  register(program, io) {
    const group = program.command('schedules').description('List, pause, resume, trigger and backfill the Schedules that `perennial apply` made.').addHelpText('after', EXAMPLES);

    group
      .command('list')
      .description('All schedules: when, policies, next and missed actions.')
      .option('--pipeline <name>', 'only those of one pipeline')
      .action((options: { readonly pipeline?: string }) =>
        withTemporal(async (temporal, { listSchedules }) => {
          const rows = await listSchedules(temporal, options);
          io.result({ schedules: rows });
          if (rows.length === 0) io.print('No schedules. Create them with `perennial apply FILE`.');
          else io.print(table([['SCHEDULE', 'WHEN', 'STATE', 'NEXT (UTC)', 'TAKEN', 'MISSED', 'SKIPPED', 'OVERLAP', 'CATCH-UP'], ...rows.map((row) => [row.id, row.when, row.paused ? `paused${row.note === null ? '' : `: ${row.note}`}` : 'active', row.paused ? '' : (row.next[0] ?? ''), String(row.taken), String(row.missedCatchup), String(row.skippedOverlap), row.overlap, row.catchup])]));
        }),
      );

    group
      .command('pause')
      .description('Take no more actions until resumed.')
      .argument('<schedule>')
      .option('--note <text>', 'why', 'paused by perennial schedules pause')
      .action((name: string, options: { readonly note: string }) =>
        withTemporal(async (temporal, { findSchedule, pauseSchedule }) => {
          const id = await findSchedule(temporal, name);
          await pauseSchedule(temporal, id, options.note);
          io.result({ id, paused: true });
          io.print(`${id} is paused.`);
        }),
      );

    group
      .command('resume')
      .description('Take actions again. What was missed meanwhile is not made up for; use backfill.')
      .argument('<schedule>')
      .option('--note <text>', 'why', 'resumed by perennial schedules resume')
      .action((name: string, options: { readonly note: string }) =>
        withTemporal(async (temporal, { findSchedule, resumeSchedule }) => {
          const id = await findSchedule(temporal, name);
          await resumeSchedule(temporal, id, options.note);
          io.result({ id, paused: false });
          io.print(`${id} is active.`);
        }),
      );

    group
      .command('trigger')
      .description('Take the action now, beside the schedule.')
      .argument('<schedule>')
      .action((name: string) =>
        withTemporal(async (temporal, { findSchedule, triggerSchedule }) => {
          const id = await findSchedule(temporal, name);
          await triggerSchedule(temporal, id);
          io.result({ id, triggered: true });
          io.print(`${id} was triggered.`);
        }),
      );

    group
      .command('backfill')
      .description('Take every action that the schedule would have taken between two times, each with its own nominal time.')
      .argument('<schedule>')
      .requiredOption('--from <time>', 'first time, ISO 8601 (a date is midnight UTC)')
      .requiredOption('--to <time>', 'last time, ISO 8601')
      .option('--overlap <policy>', `what happens where runs overlap: ${OVERLAPS.join(', ')}`, 'BUFFER_ALL')
      .action((name: string, options: { readonly from: string; readonly to: string; readonly overlap: string }) =>
        withTemporal(async (temporal, { findSchedule, backfillSchedule }) => {
          const [start, end] = [timeOf(options.from, '--from'), timeOf(options.to, '--to')];
          if (start > end) throw new PerennialError('USAGE', `--from ${options.from} is after --to ${options.to}.`, { hint: 'Give the earlier time first.' });
          const overlap = OVERLAPS.find((policy) => policy === options.overlap) as Overlap | undefined;
          if (overlap === undefined) throw new PerennialError('USAGE', `--overlap is "${options.overlap}"; expected one of ${OVERLAPS.join(', ')}.`);
          const id = await findSchedule(temporal, name);
          await backfillSchedule(temporal, id, { start, end }, overlap);
          io.result({ id, from: start.toISOString(), to: end.toISOString(), overlap });
          io.print(`${id}: actions from ${start.toISOString()} to ${end.toISOString()} are being taken. See \`perennial runs list\`.`);
        }),
      );
  },
});

async function withTemporal(work: (temporal: Temporal, schedules: typeof import('../../orchestration/schedules.ts')) => Promise<void>): Promise<void> {
  const [{ connectOwn }, schedules] = await Promise.all([import('../../orchestration/own-stack.ts'), import('../../orchestration/schedules.ts')]);
  const temporal = await connectOwn();
  try {
    await work(temporal, schedules);
  } finally {
    await temporal.close();
  }
}

function timeOf(text: string, option: string): Date {
  const time = /^\d{4}-\d{2}-\d{2}/.test(text) ? new Date(text) : new Date(Number.NaN);
  if (Number.isNaN(time.getTime())) throw new PerennialError('USAGE', `${option} is "${text}"; expected an ISO 8601 time.`, { hint: 'For example 2026-01-31 or 2026-01-31T03:00:00Z' });
  return time;
}
