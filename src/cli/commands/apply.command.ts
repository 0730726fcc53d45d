import { repeated } from '../repeated.ts';
import { PerennialError } from '../../core/errors.ts';
import { confirm } from '../confirm.ts';
import { defineCommand } from './command.ts';
import type { CliIo } from './command.ts';
import type { GivenDocuments } from '../declared-difference.ts';
import type { ObjectStore } from '../../core/ports.ts';
import type { Temporal } from '../../runs/connect.ts';
import type { Difference } from '../../runs/difference.ts';

const EXAMPLES = `
Examples:
  perennial apply pipelines/
  perennial apply pipelines/ --check
  perennial apply pipelines/ --prune
  perennial apply pipelines/penguins.json --dry-run
  perennial apply pipelines/ --move penguins=birds

Exit codes: 0 done, 2 bad input, 3 something differs (--check), 4 Temporal cannot be reached.`;

/** As of gates: asked whether all is well, the answer is no. */
const DIFFERS = 3;
/** Calls of Temporal. */
const AT_ONCE = 8;

interface ApplyOptions {
  readonly dryRun?: boolean;
  readonly check?: boolean;
  readonly prune?: boolean;
  readonly yes?: boolean;
  readonly move: readonly string[];
  readonly param: readonly string[];
}

export default defineCommand({
  register(program, io) {
    program
      .command('apply')
      .summary('make what lives that which documents declare')
      .description(
        'Shows how what lives differs from what documents declare, and makes it so, all of it or nothing: the Schedules in Temporal ("on": schedule, drift, newData and all other triggers) and the sinks of events ("on.publish", "on.notify"). Of a folder, documents that are gone are named, too. A document that was renamed takes its schedules and what its monitors keep with it. What people did to the routing (a pin, a paused rollout, a promotion) and a pause of a schedule are shown, with the command that undoes them, and stay.',
      )
      .argument('<paths...>', 'pipeline documents (JSON), or folders of them')
      .option('--dry-run', 'only show what would change')
      .option('--check', 'only show what would change, and exit with 3 where anything differs, also what was changed by hand')
      .option(
        '--prune',
        'also remove what is to be removed: of folders the pipelines whose documents are gone, of files all that none of them is of; names them and asks',
      )
      .option('-y, --yes', 'remove what --prune names without asking')
      .option(
        '--move <old=new>',
        'a document was renamed, where neither its file nor its text tells (repeatable); of one document the old name is enough',
        repeated,
        [] as readonly string[],
      )
      .option('-p, --param <name=value>', 'value of a parameter, for every document (repeatable)', repeated, [] as readonly string[])
      .addHelpText('after', EXAMPLES)
      .action((paths: readonly string[], options: ApplyOptions) => apply(paths, options, io));
  },
});

async function apply(paths: readonly string[], options: ApplyOptions, io: CliIo): Promise<void> {
  const [{ differenceOf, readDocuments, renamesTold, storeOf }, { leftOutLines }] = await Promise.all([
    import('../declared-difference.ts'),
    import('../difference-text.ts'),
  ]);
  const given = await readDocuments(paths, options.param);
  const renamed = renamesTold(options.move, given.declared);
  for (const line of leftOutLines(given)) io.note(line);
  const { connectOwn } = await import('../../runs/own-stack.ts');
  const temporal = await connectOwn();
  try {
    const store = await storeOf(given.declared, (problem) => io.note(`note: ${problem}`));
    const only = options.dryRun === true || options.check === true;
    const work = async (mayStill?: () => void): Promise<void> => {
      const difference = await differenceOf(temporal, store, given, {
        prune: options.prune === true,
        renamed,
        ...(mayStill === undefined ? {} : { mayStill }),
      });
      await show(io, difference);
      if (!only) {
        await agree(io, difference, options);
        await difference.carryOut();
      }
      await finish(io, temporal, given, difference, options, only);
    };
    if (only || store === undefined) await work();
    else await oneAtATime(store, work, io);
  } finally {
    await temporal.close();
  }
}

async function oneAtATime(store: ObjectStore, work: (mayStill: () => void) => Promise<void>, io: CliIo): Promise<void> {
  const [{ inTurn }, { currentUser }] = await Promise.all([import('../../runs/apply-turn.ts'), import('../models/options.ts')]);
  await inTurn(store, `${currentUser()} (process ${process.pid})`, work, (holder) =>
    io.note(`note: ${holder} applies documents to this store; waiting for its end`),
  );
}

async function show(io: CliIo, difference: Difference): Promise<void> {
  const { differenceText, elsewhereLines } = await import('../difference-text.ts');
  io.print(differenceText(difference));
  for (const line of elsewhereLines(difference)) io.note(line);
}

/** @throws USAGE where the answer is no */
async function agree(io: CliIo, { pipelines, pruned }: Difference, options: ApplyOptions): Promise<void> {
  if (pruned.length === 0 || options.yes === true) return;
  const parts = pipelines
    .filter(({ action }) => action === 'remove')
    .flatMap((one) => (one.parts.length === 0 ? [one.pipeline] : one.parts.map(({ id }) => id)));
  const yes = await confirm(io, `--prune removes ${parts.join(', ')}. Go on?`, '--yes');
  if (!yes) throw new PerennialError('USAGE', 'Nothing was changed.', { hint: 'Apply without --prune to leave these alone.' });
}

async function finish(
  io: CliIo,
  temporal: Temporal,
  { declared, leftOut }: GivenDocuments,
  difference: Difference,
  options: ApplyOptions,
  only: boolean,
): Promise<void> {
  const [{ ensureModelWorkflow }, { modelOf }, { daylightNote }, { temporalCrons }, { summaryText }, { mapLimited }] = await Promise.all([
    import('../../runs/models.ts'),
    import('../../runs/search-attributes.ts'),
    import('../../runs/daylight.ts'),
    import('../../config/cron.ts'),
    import('../difference-text.ts'),
    import('../../storage/concurrency.ts'),
  ]);
  const { pipelines, summary, differs, elsewhere } = difference;
  const models = [...new Set(declared.map(({ plan }) => modelOf(plan)).filter((model) => model !== undefined))];
  if (!only) await mapLimited(models, AT_ONCE, (model) => ensureModelWorkflow(temporal, model));
  const touched = new Set(pipelines.filter(({ action }) => action !== 'unchanged').map(({ pipeline }) => pipeline));
  const clocks = await mapLimited(only ? [] : declared, AT_ONCE, async ({ plan }) => {
    const { schedule } = plan.on;
    if (schedule?.cron === undefined || !touched.has(plan.pipeline)) return null;
    const id = `${plan.pipeline}/schedule`;
    const note = await daylightNote(temporal, id, temporalCrons(schedule.cron).join(' or '), schedule.timezone);
    return note === null ? null : `${id}: ${note}`;
  });
  const notes = clocks.filter((note) => note !== null);
  io.result({
    dryRun: only,
    differs,
    summary,
    pipelines,
    changes: pipelines.flatMap(({ parts }) => parts),
    elsewhere,
    leftOut,
    models,
    notes,
  });
  for (const note of notes) io.note(`note: ${note}`);
  if (!only) {
    const left = options.prune === true ? 0 : summary.remove;
    const done = { ...difference, summary: { ...summary, remove: summary.remove - left } };
    if (touched.size > left) io.print(`Applied: ${summaryText(done, 'done')}.`);
    if (left > 0) io.print(`${left} to remove: \`perennial apply\` with --prune does it.`);
  }
  if (options.check === true && differs) io.exit(DIFFERS);
}
