import { repeated } from '../repeated.ts';
import { PerennialError } from '../../core/errors.ts';
import { defineCommand } from './command.ts';
import type { Temporal } from '../../runs/connect.ts';
import type { RunAddress } from '../../runs/run-address.ts';
import type { CompareOptions } from '../runs/compare-action.ts';
import type { ListOptions } from '../runs/list-action.ts';
import type { ReproduceOptions } from '../reproduce-run.ts';

const SHOWN = 'of a pipeline its newest one';

const EXAMPLES = `
A run is named by its workflow id (penguins/20260131-174501-x7k2) or by the part after "/", as far as it is unique. To look at
the newest run of a pipeline (show, logs, report), its name is enough.

Examples:
  perennial runs list --pipeline penguins
  perennial runs show 20260131-174501-x7k2 --follow
  perennial runs show penguins --curves
  perennial runs compare 20260131-174501-x7k2 20260131-180102-a1b2
  perennial runs tag 20260131-174501-x7k2 best owner=ada
  perennial runs note 20260131-174501-x7k2 "the one of the paper"
  perennial runs logs penguins/20260131-174501-x7k2 --step train
  perennial runs approve 20260131-174501-x7k2 --reason "the errors are harmless"
  perennial runs retry 20260131-174501-x7k2
  perennial runs reproduce 20260131-174501-x7k2`;

export default defineCommand({
  register(program, io) {
    const group = program
      .command('runs')
      .summary('list, compare, approve, cancel, retry and reproduce runs')
      .description('List, look at, compare, label, approve, cancel, retry and reproduce runs.')
      .addHelpText('after', EXAMPLES);

    group
      .command('list')
      .summary('runs, the newest first')
      .description('Runs, newest first.')
      .option('--pipeline <name>', 'only those of one pipeline')
      .option('--limit <n>', 'at most so many', '20')
      .option('--metrics <names>', 'show these metrics, e.g. accuracy,f1; "all": every one')
      .option(
        '--where <condition>',
        'only those of which it holds, e.g. "accuracy>0.9", "verdict=passed", "seconds<60"; may be repeated',
        repeated,
      )
      .option('--param <name=value>', 'only those with this parameter, which is shown; may be repeated', repeated)
      .option('--tag <tag[=value]>', 'only those with this tag; may be repeated', repeated)
      .option('--since <time>', 'only those that began since: "24h", "7d", or a date')
      .option('--sort <name>', 'by a metric, "seconds", "started" or "param.NAME"; with "-" before it: largest first')
      .addHelpText(
        'after',
        `
Examples:
  perennial runs list --metrics all --sort -accuracy
  perennial runs list --where 'accuracy>0.9' --param epochs=60 --since 7d
  perennial runs list --tag best`,
      )
      .action((options: ListOptions) =>
        withTemporal(async (temporal) => (await import('../runs/list-action.ts')).listRunsAction(temporal, options, io)),
      );

    group
      .command('compare')
      .summary('what differs between runs')
      .description(
        'What differs between runs: document, parameters, rows, code, libraries, machine and seed; their metrics with intervals of the difference on the same rows; size and time. The first is compared with each other.',
      )
      .argument('<runs...>')
      .option('--no-measure', 'load no model: only what is written down')
      .action((names: string[], options: CompareOptions) =>
        withTemporal(async (temporal) => (await import('../runs/compare-action.ts')).compareRunsAction(temporal, names, options, io)),
      );

    group
      .command('report')
      .summary('a page about a run')
      .description(
        'Write all that is known of a run as one HTML file that loads nothing: curves, metrics, gates, mistakes, data, steps, document. Of failed and running ones too.',
      )
      .argument('<run>', SHOWN)
      .option('--out <file>', 'default: PIPELINE-RUN.html in this folder')
      .action((run: string, { out }: { readonly out?: string }) =>
        withTemporal(async (temporal) => (await import('../runs/report-action.ts')).runReportAction(temporal, run, out, io)),
      );

    group
      .command('tag')
      .summary('set or show tags of a run')
      .description('Set tags of a run; without any, show them.')
      .argument('<run>')
      .argument('[tags...]', 'NAME or NAME=VALUE')
      .option('--remove <tag>', 'take a tag away; may be repeated', repeated)
      .action((run: string, tags: string[], options: { readonly remove?: readonly string[] }) =>
        withTemporal(async (temporal) =>
          (await import('../runs/label-actions.ts')).tagAction(temporal, run, tags, options.remove ?? [], io),
        ),
      );

    group
      .command('note')
      .summary('write or show notes on a run')
      .description('Write a note on a run; without a text, show them.')
      .argument('<run>')
      .argument('[text]')
      .action((run: string, text: string | undefined) =>
        withTemporal(async (temporal) => (await import('../runs/label-actions.ts')).noteAction(temporal, run, text, io)),
      );

    group
      .command('show')
      .summary('steps, verdict and metrics of a run')
      .description('Steps, verdict and metrics of a run.')
      .argument('<run>', SHOWN)
      .option('-f, --follow', 'follow it to its end')
      .option('--curves', 'draw its training curves, from the first epoch on, whatever became of the run')
      .action((run: string, options: { readonly follow?: boolean; readonly curves?: boolean }) =>
        withTemporal(async (temporal, runs) => {
          const address = await findShown(temporal, run);
          if (options.curves === true) {
            if (options.follow === true)
              throw new PerennialError('USAGE', '"--curves" and "--follow" are given together.', {
                hint: 'Leave one out: `--curves` draws what there is now, also of a run that goes on.',
              });
            const { showCurves } = await import('../runs/show-curves.ts');
            return showCurves(temporal, address, io);
          }
          if (options.follow === true) {
            const { followRun } = await import('../follow-run.ts');
            return followRun(temporal, address, io);
          }
          const view = await runs.describeRun(temporal, address);
          const [{ stepLine, questionLines }, { reportRun }, { reachable }] = await Promise.all([
            import('../run-progress.ts'),
            import('../run-report.ts'),
            import('../follow-run.ts'),
          ]);
          const width = Math.max(...view.steps.map((step) => step.id.length));
          for (const step of view.steps)
            for (const line of [stepLine(step, width), ...(step.asks === undefined ? [] : questionLines(view, step.asks))]) io.print(line);
          reportRun(await reachable(view), io);
          const [{ readLabels }, { openStore }, { labelLines }] = await Promise.all([
            import('../../runs/run-labels.ts'),
            import('../../storage/open-store.ts'),
            import('../runs/label-actions.ts'),
          ]);
          if (!io.json())
            for (const line of labelLines(await readLabels(await openStore(), `${view.pipeline}/${view.runId}`))) io.print(line);
          // Looking at a failed run is no failure.
          io.exit(0);
        }),
      );

    group
      .command('logs')
      .summary('what the steps of a run logged')
      .description('What the steps of a run logged.')
      .argument('<run>', SHOWN)
      .option('--step <id>', 'only one step')
      .action((run: string, options: { readonly step?: string }) =>
        withTemporal(async (temporal, runs) => {
          const { workflowId, executionId } = await findShown(temporal, run);
          const [{ openStore }, { readStepLogs }, { executionIdOf, runIdOf }] = await Promise.all([
            import('../../storage/open-store.ts'),
            import('../../steps/step-logs.ts'),
            import('../../core/run.ts'),
          ]);
          const logsOf = async (runId: string): ReturnType<typeof readStepLogs> =>
            readStepLogs(await openStore(), workflowId.split('/')[0]!, runId, options.step);
          const own = executionId === undefined ? [] : await logsOf(executionIdOf(workflowId, executionId));
          // Runs that began before their ids named one execution.
          const logs = own.length > 0 ? own : await logsOf(runIdOf(workflowId));
          // no such run?
          if (logs.length === 0) await runs.inputOf(temporal, { workflowId, ...(executionId === undefined ? {} : { executionId }) });
          io.result({ workflowId, logs });
          if (logs.length === 0) io.print("The steps that ended logged nothing. A running step's log comes when its attempt ends.");
          for (const log of logs) io.print(`── ${log.step} (attempt ${log.attempt})\n${log.text.trimEnd()}`);
        }),
      );

    group
      .command('cancel')
      .summary('ask a run to stop')
      .description('Ask a run to stop; its steps end their processes and clean up.')
      .argument('<run>')
      .action((run: string) =>
        withTemporal(async (temporal, runs) => {
          const address = await find(temporal, run);
          const { workflowId } = address;
          await runs.cancelRun(temporal, address);
          io.result({ workflowId, cancelling: true });
          io.print(`${workflowId} is being cancelled.`);
        }),
      );

    for (const [action, decision, summary, description] of [
      ['approve', 'approved', 'let what a run asks about go on', 'Let what a run asks about go on.'],
      ['reject', 'rejected', 'stop what a run asks about', 'Stop what a run asks about: the run ends as rejected.'],
    ] as const)
      group
        .command(action)
        .summary(summary)
        .description(`${description} \`runs show\` says what is asked, and on what grounds.`)
        .argument('<run>')
        .requiredOption('--reason <text>', 'why; kept with the version and its history')
        .option('--step <id>', 'the step that asks, where several do')
        .option('--who <name>', 'who answers; default: the user of this machine')
        .action((run: string, options: { readonly reason: string; readonly step?: string; readonly who?: string }) =>
          withTemporal(async (temporal) => {
            const [{ answerRun }, { currentUser }, { approvalText }] = await Promise.all([
              import('../../runs/answer.ts'),
              import('../models/options.ts'),
              import('../../core/approval.ts'),
            ]);
            if (options.reason.trim() === '')
              throw new PerennialError('USAGE', '--reason is empty; an answer says why, and that is kept with the version.', { hint: '' });
            const address = await find(temporal, run);
            const answer = await answerRun(temporal, address, decision, {
              who: options.who ?? currentUser(),
              why: options.reason,
              ...(options.step === undefined ? {} : { step: options.step }),
            });
            io.result({ workflowId: address.workflowId, ...answer });
            io.print(`"${answer.step}" of ${address.workflowId} is ${approvalText(answer)}`);
          }),
        );

    group
      .command('retry')
      .summary('run what failed again')
      .description(
        'Run the plan of a run again; what was done is taken from the cache. With --step: start a failed step of a run that still goes on once more.',
      )
      .argument('<run>')
      .option('--step <id>', 'a failed or rejected step of a running run')
      .option('-d, --detach', 'start the run and return')
      .action((run: string, options: { readonly step?: string; readonly detach?: boolean }) =>
        withTemporal(async (temporal, runs) => {
          const address = await find(temporal, run);
          const { workflowId } = address;
          if (options.step !== undefined) {
            const answer = await runs.retryStep(temporal, address, options.step);
            io.result({ workflowId, step: options.step, answer });
            io.print(answer);
            return;
          }
          const { readCache: _once, ...input } = await runs.inputOf(temporal, address);
          const view = await runs.nominalTimeOf(temporal, address, input);
          await again(
            temporal,
            runs,
            { ...input, nominalTime: view, trigger: 'manual', why: `retry of ${workflowId}` },
            options.detach === true,
          );
        }),
      );

    group
      .command('reproduce')
      .summary('run all of it again, and compare')
      .description(
        'Run the plan of a run again from the start, without the cache and with its nominal time, and compare the two: metric by metric, weight by weight. It registers at most, and moves no alias. Exit code: 0 the same, 1 not the same.',
      )
      .argument('<run>')
      .option('-d, --detach', 'start the run and return')
      .option('--promote', 'let what it registers serve: a rollback to it, which pins the model')
      .action((run: string, options: ReproduceOptions) =>
        withTemporal(async (temporal) => {
          const { reproduceRun } = await import('../reproduce-run.ts');
          await reproduceRun(temporal, await find(temporal, run), io, options);
        }),
      );

    async function again(temporal: Temporal, runs: Runs, input: import('../../core/run.ts').PipelineInput, detach: boolean): Promise<void> {
      const started = await runs.startInput(temporal, input);
      const { uiLine } = await import('../run-report.ts');
      if (detach) {
        io.result({
          runId: started.runId,
          workflowId: started.workflowId,
          pipeline: input.plan.pipeline,
          status: 'running',
          urls: { temporal: started.url },
        });
        io.print(`Started ${started.workflowId}\n${uiLine(started.url)}`);
        return;
      }
      io.note(`Run ${started.workflowId}`);
      const { followRun } = await import('../follow-run.ts');
      await followRun(temporal, started, io);
    }
  },
});

/** By the name of a pipeline too. */
async function findShown(temporal: Temporal, run: string): Promise<RunAddress> {
  return (await import('../../runs/find-run.ts')).findShownRun(temporal, run);
}

async function find(temporal: Temporal, run: string): Promise<RunAddress> {
  return (await import('../../runs/find-run.ts')).findRun(temporal, run);
}

type Runs = typeof import('../../runs/runs.ts');

async function withTemporal(work: (temporal: Temporal, runs: Runs) => Promise<void>): Promise<void> {
  const [{ connectOwn }, runs] = await Promise.all([import('../../runs/own-stack.ts'), import('../../runs/runs.ts')]);
  const temporal = await connectOwn();
  try {
    await work(temporal, runs);
  } finally {
    await temporal.close();
  }
}
