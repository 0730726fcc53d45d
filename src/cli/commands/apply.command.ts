import { resolve } from 'node:path';
import { PerennialError, isPerennialError } from '../../core/errors.ts';
import { confirm } from '../confirm.ts';
import { defineCommand } from './command.ts';
import type { CliIo } from './command.ts';
import type { Reconciliation, Renamed, ScheduleChange } from '../../runs/reconcile.ts';
import type { Plan } from '../../core/plan.ts';

const EXAMPLES = `
Examples:
  perennial apply pipelines/*.json --dry-run
  perennial apply pipelines/penguins.json
  perennial apply pipelines/*.json --check
  perennial apply pipelines/*.json --prune
  perennial apply pipelines/birds.json --move penguins

Exit codes: 0 done, 2 bad input, 3 something differs (--check), 4 Temporal cannot be reached.`;

const SIGNS: Readonly<Record<ScheduleChange['action'], string>> = { create: '+', update: '~', delete: '-', keep: '=' };
/** As of gates: asked whether all is well, the answer is no. */
const DIFFERS = 3;

interface ApplyOptions {
  readonly dryRun?: boolean;
  readonly check?: boolean;
  readonly prune?: boolean;
  readonly yes?: boolean;
  readonly move: readonly string[];
  readonly param: readonly string[];
}

const repeated = (text: string, before: readonly string[]): readonly string[] => [...before, text];

export default defineCommand({
  register(program, io) {
    program
      .command('apply')
      .description(
        'Make the Schedules in Temporal those that the documents ask for ("on": schedule, drift, newData): all of them, or none. And the sinks of events ("on.publish").',
      )
      .argument('<files...>', 'JSON documents')
      .option('--dry-run', 'only show what would change')
      .option('--check', 'only show what would change, and exit with 3 where something would')
      .option('--prune', 'also remove the schedules of pipelines that none of the documents is of; names them and asks')
      .option('-y, --yes', 'remove what --prune names without asking')
      .option(
        '--move <pipeline>',
        'the old name of a document: its schedules go over to the new one (repeatable)',
        repeated,
        [] as readonly string[],
      )
      .option('-p, --param <name=value>', 'value of a parameter, for every document (repeatable)', repeated, [] as readonly string[])
      .addHelpText('after', EXAMPLES)
      .action(async (files: readonly string[], options: ApplyOptions) => {
        const [{ parseParameterOptions }, { compileAll }, { steps }] = await Promise.all([
          import('../../config/parameters.ts'),
          import('../compile-all.ts'),
          import('../../../activities/steps/index.generated.ts'),
        ]);
        // Every document first: half an application would be worse than none.
        const plans = await compileAll(files, parseParameterOptions(options.param));
        const [{ connectOwn }, { compareSchedules }] = await Promise.all([
          import('../../runs/own-stack.ts'),
          import('../../runs/reconcile.ts'),
        ]);
        const temporal = await connectOwn();
        try {
          const sinks = await sinksOf(plans, { prune: options.prune === true, moved: options.move });
          const byPipeline = new Map(plans.map((plan, index) => [plan.pipeline, resolve(files[index]!)]));
          const schedules = await compareSchedules(temporal, plans, steps, {
            prune: options.prune === true,
            move: options.move,
            files: byPipeline,
          });
          const found = withSinks(schedules, sinks);
          const only = options.dryRun === true || options.check === true;
          tell(io, found, only);
          if (!only) {
            await agree(io, found, options);
            await found.carryOut();
          }
          await finish(io, temporal, plans, found, only, options.check === true);
        } finally {
          await temporal.close();
        }
      });
  },
});

type Sinks = Awaited<ReturnType<typeof import('../../events/sink-records.ts').compareSinks>>;

/** Of a store that nobody here can open the documents may say nothing. @throws STORE_… */
async function sinksOf(plans: readonly Plan[], options: { readonly prune: boolean; readonly moved: readonly string[] }): Promise<Sinks> {
  const [{ compareSinks }, { declaredSinks }, { openStore }] = await Promise.all([
    import('../../events/sink-records.ts'),
    import('../../runs/declared-sinks.ts'),
    import('../../storage/open-store.ts'),
  ]);
  try {
    return await compareSinks(await openStore(), plans.map(declaredSinks), options);
  } catch (error) {
    if (plans.some(({ on }) => on.publish !== undefined) || !isPerennialError(error)) throw error;
    return { changes: [], carryOut: () => Promise.resolve() };
  }
}

/** Sinks stand among the schedules, and come last: they cannot be refused any more. */
function withSinks(schedules: Reconciliation, sinks: Sinks): Reconciliation {
  const gone = sinks.changes.filter(({ action, differences }) => action === 'delete' && differences[0]?.startsWith('no document') === true);
  return {
    ...schedules,
    changes: [...schedules.changes, ...sinks.changes],
    pruned: [...schedules.pruned, ...gone.map(({ id }) => id)],
    carryOut: async () => {
      await schedules.carryOut();
      await sinks.carryOut();
    },
  };
}

function tell(io: CliIo, { changes, renamed }: Reconciliation, only: boolean): void {
  for (const change of changes) {
    io.print(`${SIGNS[change.action]} ${change.id}${change.action === 'keep' ? '  (as it should be)' : ''}`);
    for (const line of change.differences) io.print(`    ${line}`);
  }
  for (const rename of renamed) io.note(offer(rename));
  if (changes.length === 0) io.print('The documents ask for no schedule and no sink.');
  else if (only) io.print(`${changes.filter(({ action }) => action !== 'keep').length} of ${changes.length} would change.`);
}

function offer({ from, to, file, schedules }: Renamed): string {
  return `note: ${file} was named "${from}" when its schedules were made, and is "${to}" now: ${schedules.join(', ')} would go on beside the new ones. Move them: perennial apply ${file} --move ${from}. Or remove them: perennial schedules delete ${schedules.join(' ')}`;
}

/** @throws USAGE where the answer is no */
async function agree(io: CliIo, { pruned }: Reconciliation, options: ApplyOptions): Promise<void> {
  if (pruned.length === 0 || options.yes === true) return;
  const yes = await confirm(io, `--prune removes ${pruned.join(', ')}. Go on?`, '--yes');
  if (!yes) throw new PerennialError('USAGE', 'Nothing was changed.', { hint: 'Apply without --prune to leave these schedules alone.' });
}

async function finish(
  io: CliIo,
  temporal: import('../../runs/connect.ts').Temporal,
  plans: readonly Plan[],
  { changes, renamed }: Reconciliation,
  only: boolean,
  check: boolean,
): Promise<void> {
  const [{ ensureModelWorkflow }, { modelOf }, { daylightNote }, { temporalCrons }] = await Promise.all([
    import('../../runs/models.ts'),
    import('../../runs/search-attributes.ts'),
    import('../../runs/daylight.ts'),
    import('../../config/cron.ts'),
  ]);
  const models = [...new Set(plans.map(modelOf).filter((model) => model !== undefined))];
  if (!only) for (const model of models) await ensureModelWorkflow(temporal, model);
  const notes: string[] = [];
  for (const {
    pipeline,
    on: { schedule },
  } of only ? [] : plans) {
    if (schedule?.cron === undefined) continue;
    const note = await daylightNote(temporal, `${pipeline}/schedule`, temporalCrons(schedule.cron).join(' or '), schedule.timezone);
    if (note !== null) notes.push(`${pipeline}/schedule: ${note}`);
  }
  const count = changes.filter(({ action }) => action !== 'keep').length;
  io.result({ dryRun: only, changes, renamed, models, notes });
  for (const note of notes) io.note(`note: ${note}`);
  if (!only && changes.length > 0) io.print(`${count} of ${changes.length} changed.`);
  if (check && count > 0) io.exit(DIFFERS);
}
