import { PARAM_OPTION } from '../repeated.ts';
import { defineCommand } from './command.ts';
import type { CliIo } from './command.ts';

export default defineCommand({
  register(program, io) {
    program
      .command('show')
      .summary('print a document as it is understood')
      .description(
        'Prints the resolved document as a tree: parameters substituted, every default filled in, every step with its version and what it takes and gives. Looks at the source as `plan` does, for what follows from the data: which column becomes what, and the loss of the model.',
      )
      .argument('<file>', 'pipeline document (JSON)')
      .option(...PARAM_OPTION)
      .addHelpText(
        'after',
        '\nExamples:\n  perennial show pipelines/penguins.json\n  perennial show pipelines/penguins.json --param epochs=5 --json',
      )
      .action((file: string, options: { readonly param: readonly string[] }) => show(file, options.param, io));
  },
});

async function show(file: string, options: readonly string[], io: CliIo): Promise<void> {
  const { compileOrThrow } = await import('../../config/plan-document.ts');
  const { parseParameterOptions } = await import('../../config/parameters.ts');
  const { planTree } = await import('../plan-text.ts');
  const { stepFacts } = await import('../step-facts.ts');
  const plan = await compileOrThrow(file, { params: parseParameterOptions(options) });
  const facts = await stepFacts(plan);
  io.result({ ...plan, decided: Object.fromEntries(facts.map(({ step, json }) => [step, json])) });
  io.print(planTree(plan, new Map(facts.map(({ step, lines }) => [step, lines]))));
}
