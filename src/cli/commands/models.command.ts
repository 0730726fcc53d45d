import type { GcFlags } from '../models/view-actions.ts';
import type { CardOptions } from '../models/card-action.ts';
import type { TimelineFlags } from '../models/timeline-action.ts';
import { PAGE_FORMATS } from '../page-out.ts';
import { InvalidArgumentError, Option } from 'commander';
import type { Command } from 'commander';
import { defineCommand } from './command.ts';
import type { CliIo } from './command.ts';

const VERSION = 'number, alias or "latest"';

/** The actions are loaded when they are called, so that `perennial --help` stays quick. */
const views = () => import('../models/view-actions.ts');
const sampling = () => import('../models/sample-action.ts');
const routing = () => import('../models/routing-actions.ts');
const rollouts = () => import('../models/rollout-actions.ts');

export default defineCommand({
  register(program, io) {
    const models = program
      .command('models')
      .summary('list, compare, promote and roll back registered models')
      .description('The registry: immutable versions, the aliases that name them, and who moved them when and why.')
      .addHelpText(
        'after',
        '\nExamples:\n  perennial models list\n  perennial models show penguins champion\n  perennial models promote penguins 4 --reason "two weeks in shadow"\n  perennial models rollback penguins',
      );
    declareViews(models, io);
    declareTimeline(models, io);
    declareRouting(models, io);
    declareRollouts(models, io);
    declareKeeping(models, io);
  },
});

function declareViews(models: Command, io: CliIo): void {
  models
    .command('list')
    .summary('all models')
    .description('Lists the models with their versions, champion and its metrics.')
    .addHelpText('after', '\nExamples:\n  perennial models list\n  perennial models list --json')
    .action(async () => (await views()).listAction(io));
  models
    .command('show')
    .summary('versions of a model, or one version')
    .description('Lists the versions of a model, or tells everything about one.')
    .argument('<model>')
    .argument('[version]', VERSION)
    .addHelpText(
      'after',
      '\nExamples:\n  perennial models show penguins\n  perennial models show penguins champion\n  perennial models show penguins 3 --json',
    )
    .action(async (model: string, version: string | undefined) => (await views()).showAction(io, model, version));
  models
    .command('compare')
    .summary('what differs between versions')
    .description(
      'Sets the metrics of versions side by side, with the differences from the first; then what differs in settings, rows, code, libraries and machine, the metrics with intervals of their difference on the same rows, size and time. Default: champion and challenger; where they are one version, the one before it and it.',
    )
    .argument('<model>')
    .argument('[versions...]', VERSION)
    .addHelpText('after', '\nExamples:\n  perennial models compare penguins\n  perennial models compare penguins 2 3 latest')
    .option('--no-measure', 'load no model: only what is written down')
    .action(async (model: string, versions: string[], options: { measure: boolean }) =>
      (await views()).compareAction(io, model, versions, options),
    );
  models
    .command('card')
    .summary('the model card of a version')
    .description(
      'Prints the model card of a version, or writes it to a file: JSON in the schema of the Model Card Toolkit, Markdown, or HTML.',
    )
    .argument('<model>')
    .argument('[version]', VERSION, 'champion')
    .addOption(new Option('--format <format>', 'what it is written in').choices(['json', 'markdown', 'html']).default('markdown'))
    .option('--out <file>', 'write it there')
    .addHelpText('after', '\nExamples:\n  perennial models card penguins\n  perennial models card penguins 3 --format html --out card.html')
    .action(async (model: string, version: string, options: CardOptions) =>
      (await import('../models/card-action.ts')).cardAction(io, model, version, options),
    );
  models
    .command('report')
    .summary('a page about a version')
    .description('Writes all that is known of a version as one HTML file that loads nothing.')
    .argument('<model>')
    .argument('[version]', VERSION, 'champion')
    .option('--out <file>', 'default: MODEL-VERSION.html in this folder')
    .addHelpText('after', '\nExamples:\n  perennial models report penguins\n  perennial models report penguins 3 --out penguins.html')
    .action(async (model: string, version: string, { out }: { readonly out?: string }) =>
      (await import('../runs/report-action.ts')).versionReportAction(io, model, version, out),
    );
  models
    .command('history')
    .summary('who moved which alias, when and why')
    .description('Every change of the routing, oldest first; or what served at a time.')
    .argument('<model>')
    .option('--at <time>', 'what served at this time (ISO 8601)')
    .addHelpText('after', '\nExamples:\n  perennial models history penguins\n  perennial models history penguins --at 2026-03-01T12:00:00Z')
    .action(async (model: string, options: { at?: string }) => (await views()).historyAction(io, model, options));
}

function declareTimeline(models: Command, io: CliIo): void {
  models
    .command('timeline')
    .summary('what became of a model, and who did what')
    .description(
      'Tells all that the store knows of a model in a stretch of time: versions, who was champion when, runs and checks and what came of them, drift, how the answers did, and who did what and why. As Markdown, or as one HTML file that loads nothing.',
    )
    .argument('<model>')
    .option('--since <when>', 'a duration such as "30d", or a date', '90d')
    .option('--until <when>', 'a duration ago, or a date; default: now')
    .addOption(new Option('--format <format>', 'what it is written in').choices(PAGE_FORMATS).default('markdown'))
    .option('--out <file>', 'write it there')
    .option('--no-performance', 'read no predictions: how the answers did is left out')
    .addHelpText(
      'after',
      '\nExamples:\n  perennial models timeline penguins\n  perennial models timeline penguins --since 365d --format html --out year.html\n  perennial models timeline penguins --since 2026-01-01 --until 2026-02-01 --json',
    )
    .action(async (model: string, options: TimelineFlags) =>
      (await import('../models/timeline-action.ts')).timelineAction(io, model, options),
    );
}

function declareRouting(models: Command, io: CliIo): void {
  const withConfirmation = (command: Command): Command =>
    command
      .option('--reason <text>', 'why; kept in the history')
      .option('--no-confirm', 'do not wait for the servers')
      .option('--timeout <seconds>', 'how long to wait for the servers', positiveNumber, 30);
  withConfirmation(
    models
      .command('promote')
      .summary('make a version champion')
      .description('Moves an alias to a version, "champion" unless told otherwise, and waits until the running servers answer with it.')
      .argument('<model>')
      .argument('<version>', VERSION)
      .option('--alias <alias>', 'which alias moves', 'champion')
      .option('--unpin', 'also where a rollback pinned the model; lifts the pin'),
  )
    .addHelpText(
      'after',
      '\nExamples:\n  perennial models promote penguins challenger\n  perennial models promote penguins 4 --reason "two weeks in shadow"\n  perennial models promote penguins 4 --unpin\n  perennial models promote penguins 4 --alias candidate',
    )
    .action(async (model: string, version: string, options) => (await routing()).promoteAction(io, model, version, options));
  withConfirmation(
    models
      .command('rollback')
      .summary('back to the last known good version')
      .description(
        'Goes back to the last champion that nobody rolled back from, or to a named version; pins it, so that no automation promotes over it; and is done when the servers answer with it.',
      )
      .argument('<model>')
      .option('--to <version>', VERSION),
  )
    .addHelpText(
      'after',
      '\nExamples:\n  perennial models rollback penguins\n  perennial models rollback penguins --to 2 --reason "version 3 fails on chinstraps"',
    )
    .action(async (model: string, options) => (await routing()).rollbackAction(io, model, options));
  models
    .command('unpin')
    .summary('let promotions through again')
    .description('Lifts the pin that a rollback set. The champion stays as it is.')
    .argument('<model>')
    .option('--reason <text>', 'why; kept in the history')
    .addHelpText('after', '\nExamples:\n  perennial models unpin penguins')
    .action(async (model: string, options: { reason?: string }) => (await routing()).unpinAction(io, model, options));
}

function declareRollouts(models: Command, io: CliIo): void {
  const rollout = models
    .command('rollout')
    .summary('versions that take over step by step')
    .description('Canaries, shadows and A/B tests, as the "strategy" of a deploy step declares them. One per model goes on at a time.')
    .addHelpText(
      'after',
      '\nExamples:\n  perennial models rollout show penguins\n  perennial models rollout pause penguins --reason "a holiday"\n  perennial models rollout abort penguins --reason "complaints"',
    );
  rollout
    .command('show')
    .summary('what was counted and concluded')
    .description('Shows the rollout that goes on, or the newest one: requests by step and version, what the checks say, and the servers.')
    .argument('<model>')
    .argument('[id]', 'an earlier one; default: the newest')
    .addHelpText(
      'after',
      '\nExamples:\n  perennial models rollout show penguins\n  perennial models rollout show penguins 3f0a9c51d2e4 --json',
    )
    .action(async (model: string, id: string | undefined) => (await rollouts()).showRolloutAction(io, model, id));
  const actions = [
    ['pause', 'stay at this share', 'Keeps the share as it is; checks go on and may end the rollout.'],
    ['resume', 'go on', 'Goes on with the step where it was paused.'],
    ['promote', 'make the candidate champion now', 'Ends the rollout and makes its candidate champion.'],
    ['abort', 'send all traffic to the champion again', 'Ends the rollout; the champion stays.'],
  ] as const;
  for (const [action, summary, description] of actions)
    rollout
      .command(action)
      .summary(summary)
      .description(description)
      .argument('<model>')
      .option('--reason <text>', 'why; kept in the history')
      .addHelpText('after', `\nExamples:\n  perennial models rollout ${action} penguins --reason "as agreed"`)
      .action(async (model: string, options: { reason?: string }) => (await rollouts()).askRolloutAction(io, model, action, options));
}

function declareKeeping(models: Command, io: CliIo): void {
  models
    .command('export')
    .summary('write the files of a version')
    .description(
      'Copies the files of a version, verified, into a new directory; or writes it in a format of other programs. An export that the version does not have yet is made, read again and compared with the model first.',
    )
    .argument('<model>')
    .argument('<version>', VERSION)
    .argument('[directory]', 'must not exist yet')
    .option('--out <directory>', 'the same as the third argument')
    .option('--format <format>', 'a format, or an object such as {"tfjs":{"quantize":{"uint8":"*"}}}; `perennial schema export` lists them')
    .addHelpText(
      'after',
      '\nExamples:\n  perennial models export penguins champion ./penguins-champion\n  perennial models export digits 3 ./serving --format savedModel\n  perennial models export digits 3 ./web --format \'{"tfjs":{"quantize":{"uint8":"*"}}}\'',
    )
    .action(async (model: string, version: string, directory: string | undefined, options: { out?: string; format?: string }) =>
      (await views()).exportAction(io, model, version, directory, options),
    );
  models
    .command('targets')
    .summary('where the champion is kept besides the servers')
    .description(
      'Shows the deployment targets of a model: which version each shows, whether that is the champion, and how it is used. They follow by themselves; what fails is tried again.',
    )
    .argument('<model>')
    .option('--follow', 'bring them in step now')
    .addHelpText('after', '\nExamples:\n  perennial models targets penguins\n  perennial models targets penguins --follow')
    .action(async (model: string, options: { readonly follow?: boolean }) =>
      (await import('../models/targets-action.ts')).targetsAction(io, model, options),
    );
  models
    .command('sample')
    .summary('let a generator make examples')
    .description(
      'Writes what a registered generator, or variational autoencoder, makes of noise into a new directory: images as PNG, rows of a table as CSV in the units of the source. The same seed gives the same sample.',
    )
    .argument('<model>')
    .requiredOption('--out <directory>', 'must not exist yet')
    .option('--version <version>', VERSION, 'champion')
    .option('--count <number>', 'how many', wholeNumber(1, 100_000), 16)
    .option('--seed <number>', 'of the first sample; the others follow', wholeNumber(0, 2 ** 48), 0)
    .option('--label <class>', 'all of this class, where the generator is conditional; default: one class after the other')
    .addHelpText(
      'after',
      '\nExamples:\n  perennial models sample digits-gan --out ./digits\n  perennial models sample digits-gan --version 3 --count 100 --seed 7 --out ./more\n  perennial models sample signs --label stop --out ./stop-signs',
    )
    .action(async (model: string, options) => (await sampling()).sampleAction(io, model, options));
  models
    .command('delete')
    .summary('take a version out of sight')
    .description('Deletes a version that no alias names. Its number is never given again; `gc` frees the space.')
    .argument('<model>')
    .argument('<version>', VERSION)
    .option('--reason <text>', 'why; kept in the history')
    .addHelpText('after', '\nExamples:\n  perennial models delete penguins 2 --reason "trained on wrong labels"')
    .action(async (model: string, version: string, options: { reason?: string }) =>
      (await views()).deleteAction(io, model, version, options),
    );
  models
    .command('gc')
    .summary('free the space of what nothing refers to')
    .description(
      'Shows blobs, artifacts and cache entries that nothing refers to, logs that are older than they are kept, and what killed servers, checks and runs left. Deletes them only with --delete.',
    )
    .option('--delete', 'delete; default: dry run')
    .option('--grace <hours>', 'nothing younger is deleted; at least 24', positiveNumber, 24)
    .option('--cache <days>', 'cached step results younger than this keep their artifacts', positiveNumber, 30)
    .option('--predictions <days>', 'logged predictions younger than this stay; at least 1', positiveNumber, 90)
    .option('--logs <days>', 'logs of steps, and records of rollouts, younger than this stay; at least 1', positiveNumber, 90)
    .option('--events <days>', 'events that other programs took less long ago stay; at least 7', positiveNumber, 30)
    .option('--journal <days>', 'what came of runs and checks less long ago stays, for time lines; at least 7', positiveNumber, 730)
    .addHelpText(
      'after',
      '\nExamples:\n  perennial models gc\n  perennial models gc --delete --grace 48\n  perennial models gc --delete --predictions 30 --logs 14',
    )
    .action(async (options: GcFlags) => (await views()).gcAction(io, options));
}

function positiveNumber(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value) || value <= 0) throw new InvalidArgumentError('Expected a number above 0.');
  return value;
}

function wholeNumber(lowest: number, highest: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (text.trim() !== '' && Number.isInteger(value) && value >= lowest && value <= highest) return value;
    throw new InvalidArgumentError(`It is not a whole number from ${lowest} to ${highest}.`);
  };
}
