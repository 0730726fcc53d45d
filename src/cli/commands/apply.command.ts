import { defineCommand } from '../command.ts';
import type { ScheduleChange } from '../../orchestration/schedules.ts';

const EXAMPLES = `
Examples:
  perennial apply pipelines/*.json --dry-run
  perennial apply pipelines/penguins.json
  perennial apply pipelines/*.json --prune`;

const SIGNS: Readonly<Record<ScheduleChange['action'], string>> = { create: '+', update: '~', delete: '-', keep: '=' };

export default defineCommand({
  register(program, io) {
    program
      .command('apply')
      .description('Make the Schedules in Temporal those that the documents ask for ("on": schedule, drift, newData).')
      .argument('<files...>', 'JSON documents')
      .option('--dry-run', 'only show what would change')
      .option('--prune', 'also remove the schedules of pipelines that none of the documents is of')
      .option('-p, --param <name=value>', 'value of a parameter, for every document (repeatable)', (text: string, before: readonly string[]) => [...before, text], [] as readonly string[])
      .addHelpText('after', EXAMPLES)
      .action(async (files: readonly string[], options: { readonly dryRun?: boolean; readonly prune?: boolean; readonly param: readonly string[] }) => {
        const [{ parseParameterOptions }, { compileAll }, { steps }] = await Promise.all([import('../../config/parameters.ts'), import('../compile-all.ts'), import('../../../activities/steps/index.generated.ts')]);
        // Every document first: half an application would be worse than none.
        const plans = await compileAll(files, parseParameterOptions(options.param));
        const [{ connectOwn }, { reconcile }, { ensureModelWorkflow }, { modelOf }] = await Promise.all([
          import('../../orchestration/own-stack.ts'), import('../../orchestration/schedules.ts'), import('../../orchestration/models.ts'), import('../../orchestration/search-attributes.ts'),
        ]);
        const temporal = await connectOwn();
        try {
          const changes = await reconcile(temporal, plans, steps, options);
          const models = [...new Set(plans.map(modelOf).filter((model) => model !== undefined))];
          if (options.dryRun !== true) for (const model of models) await ensureModelWorkflow(temporal, model);
          io.result({ dryRun: options.dryRun === true, changes, models });
          for (const change of changes) {
            io.print(`${SIGNS[change.action]} ${change.id}${change.action === 'keep' ? '  (as it should be)' : ''}`);
            for (const line of change.differences) io.print(`    ${line}`);
          }
          const count = changes.filter((change) => change.action !== 'keep').length;
          if (changes.length === 0) io.print('The documents ask for no schedule.');
          else io.print(options.dryRun === true ? `${count} of ${changes.length} would change.` : `${count} of ${changes.length} changed.`);
        } finally {
          await temporal.close();
        }
      });
  },
});
