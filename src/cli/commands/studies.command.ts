import { InvalidArgumentError } from 'commander';
import { defineCommand } from './command.ts';

/** The actions are loaded when they are called, so that `perennial --help` stays quick. */
const actions = () => import('../studies/study-actions.ts');
const resuming = () => import('../studies/resume-action.ts');
const STUDY = 'PIPELINE/RUN/STEP, as much of it as names one; the name of a pipeline means its newest';

export default defineCommand({
  register(program, io) {
    const studies = program
      .command('studies')
      .summary('list, show, report, resume and export searches')
      .description('What tune steps searched: every trial with its values, what came of it, and the winner.')
      .addHelpText(
        'after',
        '\nExamples:\n  perennial studies list\n  perennial studies show penguins\n  perennial studies report penguins --out study.html\n  perennial studies resume penguins --trials 80\n  perennial studies export penguins --out trials.csv',
      );
    studies
      .command('list')
      .summary('all studies, the newest first')
      .description('Lists the studies with their trials and what the best one reached.')
      .option('--pipeline <name>', 'only of this pipeline')
      .option('-n, --limit <count>', 'at most so many', positiveInteger, 20)
      .action(async (options: { readonly pipeline?: string; readonly limit: number }) => (await actions()).listAction(io, options));
    studies
      .command('show')
      .summary('the trials of a study, the best first')
      .description('Shows the search space, the trials with their values, the Pareto front of several objectives, and why trials failed.')
      .argument('<study>', STUDY)
      .option('--trial <number>', 'everything about one trial', wholeNumber)
      .option('-n, --limit <count>', 'at most so many trials', positiveInteger, 20)
      .action(async (study: string, options: { readonly trial?: number; readonly limit: number }) =>
        (await actions()).showAction(io, study, options),
      );
    studies
      .command('resume')
      .summary('go on with a study that ended early, or with more trials')
      .description(
        'Runs the plan of the study again: trials that are over are taken from it, and those that were under way go on from their checkpoints.',
      )
      .argument('<study>', STUDY)
      .option('--trials <count>', 'trials in all; default: as many as before', positiveInteger)
      .option('-d, --detach', 'start the run and return')
      .action(async (study: string, options: { readonly trials?: number; readonly detach?: boolean }) =>
        (await resuming()).resumeAction(io, study, options),
      );
    studies
      .command('report')
      .summary('a study as one HTML file')
      .description(
        'Writes all that is known of a study as one HTML file that loads nothing: scores over trials, what matters, the Pareto front of several objectives, failures and every trial.',
      )
      .argument('<study>', STUDY)
      .option('--out <file>', 'default: PIPELINE-RUN-STEP.html in this folder')
      .action(async (study: string, { out }: { readonly out?: string }) => (await actions()).reportAction(io, study, out));
    studies
      .command('export')
      .summary('the trials as CSV or JSON')
      .description(
        'Writes one row for each trial: number, state, values of the search, objectives, times. The ending of the file decides on the format.',
      )
      .argument('<study>', STUDY)
      .option('--out <file>', 'file to write, .csv or .json; default: CSV on standard output')
      .action(async (study: string, options: { readonly out?: string }) => (await actions()).exportAction(io, study, options));
  },
});

function positiveInteger(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 1) throw new InvalidArgumentError('It has to be an integer above 0.');
  return value;
}

function wholeNumber(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 0 || text.trim() === '')
    throw new InvalidArgumentError('It has to be the number of a trial, from 0 on.');
  return value;
}
