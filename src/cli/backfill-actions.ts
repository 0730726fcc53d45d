import { plural } from '../core/plural.ts';
import type { Command } from 'commander';
import { PerennialError } from '../core/errors.ts';
import { momentOf } from '../core/moment.ts';
import type { BackfillView } from '../core/backfill.ts';
import type { Temporal } from '../runs/connect.ts';
import { currentUser } from './models/options.ts';
import { table } from './commands/command.ts';
import type { CliIo } from './commands/command.ts';

type WithTemporal = (work: (temporal: Temporal) => Promise<void>) => Promise<void>;

const POLL_MS = 1_000;
/** Nothing was made up for where a backfill did not come to its end. */
const INCOMPLETE = 1;

/** `schedules backfill`, `backfills`, `watch` and `cancel`. */
export function registerBackfills(group: Command, io: CliIo, withTemporal: WithTemporal): void {
  group
    .command('backfill')
    .summary('run the ticks of a stretch of time')
    .description('Run every tick that the schedule would have had between two times, one after the other, while it is not paused.')
    .argument('<schedule>')
    .requiredOption('--from <time>', 'first time, ISO 8601 (a date is midnight UTC)')
    .requiredOption('--to <time>', 'last time, ISO 8601; not in the future')
    .option('--promote', 'let the newest version that it registers serve at its end: a rollback to it, which pins the model')
    .action((name: string, options: { readonly from: string; readonly to: string; readonly promote?: boolean }) =>
      withTemporal(async (temporal) => {
        const [start, end] = [timeOf(options.from, '--from'), timeOf(options.to, '--to')];
        if (start > end)
          throw new PerennialError('USAGE', `--from ${options.from} is after --to ${options.to}.`, {
            hint: 'Give the earlier time first.',
          });
        const [{ startBackfill }, { findSchedule }] = await Promise.all([import('../runs/backfills.ts'), import('../runs/schedules.ts')]);
        const schedule = await findSchedule(temporal, name);
        const { id, ticks, held } = await startBackfill(
          temporal,
          schedule,
          { start, end },
          options.promote === true ? { who: currentUser() } : undefined,
        );
        io.result({ id, schedule, from: start.toISOString(), to: end.toISOString(), ticks, held });
        io.print(`${id}: ${plural(ticks.length, 'tick')} from ${ticks[0]!} to ${ticks.at(-1)!}.`);
        if (held !== null)
          io.print(
            `It is held, as ${schedule} is paused${held === '' ? '' : `: ${held}`}. Go on with \`perennial schedules resume ${schedule}\`.`,
          );
        io.print(`Watch it: perennial schedules watch ${id}\nStop it:  perennial schedules cancel ${id}`);
      }),
    );

  group
    .command('backfills')
    .summary('backfills, the newest first')
    .description('Backfills, newest first.')
    .action(() =>
      withTemporal(async (temporal) => {
        const { listBackfills } = await import('../runs/backfills.ts');
        const rows = await listBackfills(temporal);
        io.result({ backfills: rows });
        if (rows.length === 0) io.print('No backfills.');
        else
          io.print(
            table([
              ['BACKFILL', 'STATE', 'DONE', 'FIRST TICK', 'LAST TICK', 'NOTE'],
              ...rows.map((row) => [row.id, row.state, `${row.done ?? '?'} of ${row.ticks}`, row.first, row.last, row.note]),
            ]),
          );
      }),
    );

  group
    .command('watch')
    .summary('follow a backfill to its end')
    .description('Follow a backfill to its end.')
    .argument('<backfill>', 'its id, or the schedule or pipeline where only one goes')
    .action((name: string) =>
      withTemporal(async (temporal) => {
        const { describeBackfill, findBackfill } = await import('../runs/backfills.ts');
        const id = await findBackfill(temporal, name);
        const told = new Set<string>();
        for (;;) {
          const view = await describeBackfill(temporal, id);
          for (const line of lines(view)) {
            if (told.has(line)) continue;
            told.add(line);
            io.print(line);
          }
          if (view.state !== 'running' && view.state !== 'held') return report(io, id, view);
          await new Promise((resolve) => setTimeout(resolve, POLL_MS));
        }
      }),
    );

  group
    .command('cancel')
    .summary('stop a backfill')
    .description('Stop a backfill with the run that it is at.')
    .argument('<backfill>', 'its id, or the schedule or pipeline where only one goes')
    .action((name: string) =>
      withTemporal(async (temporal) => {
        const { cancelBackfill, findBackfill } = await import('../runs/backfills.ts');
        const id = await findBackfill(temporal, name);
        await cancelBackfill(temporal, id);
        io.result({ id, cancelling: true });
        io.print(`${id} is being cancelled.`);
      }),
    );
}

function lines({ runs, state, note }: BackfillView): string[] {
  return [
    ...runs.map(({ tick, run, status, headline }) => `${tick}  ${run}  ${status}${headline === '' ? '' : `: ${headline}`}`),
    ...(state === 'held' ? [`held: ${note}`] : []),
  ];
}

function report(io: CliIo, id: string, view: BackfillView): void {
  io.result({ id, ...view });
  io.print(`${id} ${view.state}${view.note === '' ? '' : `: ${view.note}`}`);
  if (view.promoted !== undefined) io.print(view.promoted);
  if (view.state !== 'done' || view.note !== '') io.exit(INCOMPLETE);
}

function timeOf(text: string, option: string): Date {
  const time = new Date(momentOf(text));
  if (Number.isNaN(time.getTime()))
    throw new PerennialError('USAGE', `${option} is "${text}"; expected an ISO 8601 time.`, {
      hint: 'For example 2026-01-31 or 2026-01-31T03:00:00Z',
    });
  return time;
}
