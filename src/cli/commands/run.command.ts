import { PARAM_OPTION } from '../repeated.ts';
import type { Command } from 'commander';
import { PerennialError } from '../../core/errors.ts';
import { TURN_POLICIES } from '../../core/plan.ts';
import type { TurnPolicy } from '../../core/plan.ts';
import { defineCommand } from './command.ts';

const EXAMPLES = `
Examples:
  perennial run pipelines/penguins.json
  perennial run pipelines/penguins.json --param epochs=5
  perennial run pipelines/penguins.json --no-cache --json
  perennial run pipelines/digits.json --detach

Exit codes: 0 done, 1 the run failed, 2 bad input, 3 a gate said no or another run was going (skip), 4 a service cannot be reached, 130 interrupted.`;

interface RunOptions {
  readonly param: readonly string[];
  readonly cache: boolean;
  readonly detach?: boolean;
  readonly overlap?: string;
}

export default defineCommand({
  register(program, io) {
    program
      .command('run')
      .summary('run a document, and follow it to its end')
      .description('Run a document: compile it to a plan, start the run, and follow it to its end.')
      .argument('<file>', 'the JSON document')
      .option(...PARAM_OPTION)
      .option('--no-cache', 'run every step, whatever the cache holds; results are still cached')
      .option(
        '--overlap <policy>',
        'where another run of the pipeline is going: queue (wait for it), skip (give up), replace (stop it), allow (go beside it); default: "on.overlap" of the document, else queue',
      )
      .option('-d, --detach', 'start the run and return; follow it with `perennial runs show`')
      .addHelpText('after', EXAMPLES)
      .action(async (file: string, options: RunOptions, _command: Command) => {
        const overlap = policyOf(options.overlap);
        const [{ compileOrThrow }, { parseParameterOptions }, { steps }, connect, { startRun }, { followRun }] = await Promise.all([
          import('../../config/plan-document.ts'),
          import('../../config/parameters.ts'),
          import('../../../activities/steps/index.generated.ts'),
          import('../../runs/own-stack.ts'),
          import('../../runs/runs.ts'),
          // Before the run starts, so that a Ctrl-C right after it finds its handler.
          import('../follow-run.ts'),
        ]);
        // Connecting takes as long as compiling, so both go at once; a mistake in the document comes first.
        const connecting = connect.connectOwn();
        connecting.catch(() => undefined);
        let plan;
        try {
          plan = await compileOrThrow(file, { params: parseParameterOptions(options.param) });
        } catch (error) {
          connecting.then(
            (open) => open.close(),
            () => undefined,
          );
          throw error;
        }
        const temporal = await connecting;
        try {
          if (plan.on.publish !== undefined || plan.on.notify !== undefined)
            await (await import('../../runs/declared-sinks.ts')).declareForRun(plan);
          const run = await startRun(temporal, plan, steps, {
            trigger: 'manual',
            ...(options.cache ? {} : { readCache: false }),
            ...(overlap === undefined ? {} : { overlap }),
          });
          if (options.detach === true) {
            io.result({
              runId: run.runId,
              workflowId: run.workflowId,
              pipeline: plan.pipeline,
              status: 'running',
              urls: { temporal: run.url },
            });
            io.print(
              `Started ${run.workflowId}\nFollow it: perennial runs show ${run.workflowId} --follow\n${(await import('../run-report.ts')).uiLine(run.url)}`,
            );
            return;
          }
          io.note(`Run ${run.workflowId}`);
          const { steps: planned } = plan;
          await followRun(temporal, run, io, async (step, message) => {
            const { placeText } = await import('../../config/place-problem.ts');
            return placeText(file, { steps: planned }, step, message);
          });
        } finally {
          await temporal.close();
        }
      });
  },
});

function policyOf(text: string | undefined): TurnPolicy | undefined {
  const policy = TURN_POLICIES.find((known) => known === text);
  if (text !== undefined && policy === undefined)
    throw new PerennialError('USAGE', `--overlap is ${JSON.stringify(text)}; expected one of ${TURN_POLICIES.join(', ')}.`);
  return policy;
}
