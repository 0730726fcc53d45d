import { registerBackfills } from '../backfill-actions.ts';
import { defineCommand, table } from './command.ts';
import type { Temporal } from '../../runs/connect.ts';
import type { ScheduleRow } from '../../runs/schedules.ts';

const EXAMPLES = `
A schedule is named by its id (penguins/schedule, penguins/drift, penguins/new-data) or by its pipeline (penguins).

Examples:
  perennial schedules list
  perennial schedules pause penguins --note "source is being migrated"
  perennial schedules trigger penguins
  perennial schedules backfill penguins --from 2026-01-01 --to 2026-01-08
  perennial schedules backfills
  perennial schedules watch penguins
  perennial schedules cancel penguins
  perennial schedules delete penguins/drift`;

export default defineCommand({
  register(program, io) {
    const group = program
      .command('schedules')
      .summary('list, pause, resume, trigger, backfill and delete schedules')
      .description('List, pause, resume, trigger, backfill and delete the Schedules that `perennial apply` made.')
      .addHelpText('after', EXAMPLES);

    group
      .command('list')
      .summary('all schedules: when, and what comes next')
      .description('All schedules: when, policies, next and missed actions.')
      .option('--pipeline <name>', 'only those of one pipeline')
      .action((options: { readonly pipeline?: string }) =>
        withTemporal(async (temporal, { listSchedules }) => {
          const rows = await listSchedules(temporal, options);
          const [{ needsAttention }, { attentionLines }] = await Promise.all([
            import('../../runs/attention.ts'),
            import('../attention-text.ts'),
          ]);
          const attention = await needsAttention(temporal, options);
          io.result({ schedules: rows, attention });
          if (rows.length === 0) io.print('No schedules. Create them with `perennial apply FILE`.');
          else
            io.print(
              table([
                ['SCHEDULE', 'WHEN', 'STATE', 'NEXT (UTC)', 'LAST', 'TAKEN', 'MADE UP', 'MISSED', 'SKIPPED', 'OVERLAP', 'CATCH-UP'],
                ...rows.map((row) => [
                  row.id,
                  row.when,
                  row.paused ? `paused${row.note === null ? '' : `: ${row.note}`}` : 'active',
                  row.paused ? '' : (row.next[0] ?? ''),
                  row.last ?? '',
                  String(row.taken),
                  String(row.madeUp),
                  String(row.missedCatchup),
                  String(row.skippedOverlap),
                  row.overlap,
                  row.catchup,
                ]),
              ]),
            );
          for (const note of [...rows.flatMap(notesOf), ...attentionLines(attention)]) io.print(note);
        }),
      );

    group
      .command('pause')
      .summary('take no more actions')
      .description('Take no more actions until resumed. Backfills of its ticks are held, too.')
      .argument('<schedule>')
      .option('--note <text>', 'why; default: who paused it')
      .action((name: string, options: { readonly note?: string }) =>
        withTemporal(async (temporal, { findSchedule, pauseSchedule }) => {
          const id = await findSchedule(temporal, name);
          const note = options.note ?? `paused by ${(await import('../models/options.ts')).currentUser()}`;
          await pauseSchedule(temporal, id, note);
          await tellSchedule(id, 'schedule.paused', note);
          io.result({ id, paused: true });
          io.print(`${id} is paused.`);
        }),
      );

    group
      .command('resume')
      .summary('take actions again')
      .description('Take actions again. What was missed meanwhile is not made up for; use backfill.')
      .argument('<schedule>')
      .option('--note <text>', 'why', 'resumed by perennial schedules resume')
      .action((name: string, options: { readonly note: string }) =>
        withTemporal(async (temporal, { findSchedule, resumeSchedule }) => {
          const id = await findSchedule(temporal, name);
          await resumeSchedule(temporal, id, options.note);
          await tellSchedule(id, 'schedule.resumed', options.note);
          io.result({ id, paused: false });
          io.print(`${id} is active.`);
        }),
      );

    group
      .command('trigger')
      .summary('take the action now')
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
      .command('delete')
      .summary('remove schedules')
      .description('Remove schedules. The runs that they started go on.')
      .argument('<schedules...>')
      .action((names: readonly string[]) =>
        withTemporal(async (temporal, { findSchedule, deleteSchedule }) => {
          // All names first: a wrong one removes nothing.
          const ids: string[] = [];
          for (const name of names) ids.push(await findSchedule(temporal, name));
          for (const id of new Set(ids)) await deleteSchedule(temporal, id);
          io.result({ deleted: [...new Set(ids)] });
          for (const id of new Set(ids)) io.print(`${id} is deleted.`);
        }),
      );

    registerBackfills(group, io, withTemporal);
  },
});

async function withTemporal(
  work: (temporal: Temporal, schedules: typeof import('../../runs/schedules.ts')) => Promise<void>,
): Promise<void> {
  const [{ connectOwn }, schedules] = await Promise.all([import('../../runs/own-stack.ts'), import('../../runs/schedules.ts')]);
  const temporal = await connectOwn();
  try {
    await work(temporal, schedules);
  } finally {
    await temporal.close();
  }
}

/** What a row of the table cannot say. */
function notesOf({ id, daylight, missedCatchup, skippedOverlap }: ScheduleRow): string[] {
  return [
    ...(missedCatchup === 0
      ? []
      : [
          `${id}: ${missedCatchup} ticks were missed: Temporal was away for longer than "catchup". Make up for them with \`perennial schedules backfill ${id}\`.`,
        ]),
    ...(skippedOverlap === 0
      ? []
      : [
          `${id}: ${skippedOverlap} ticks were skipped, also of those that came while Temporal was away: the run before was still going. Make up for them with \`perennial schedules backfill ${id}\`.`,
        ]),
    ...(daylight === null ? [] : [`${id}: ${daylight}`]),
  ];
}

/** Other programs hear of it. */
async function tellSchedule(id: string, type: 'schedule.paused' | 'schedule.resumed', why: string): Promise<void> {
  const [{ tellSchedule: tell }, { currentUser }] = await Promise.all([
    import('../../runs/tell-schedule.ts'),
    import('../models/options.ts'),
  ]);
  await tell(id, type, { who: currentUser(), why });
}
