import { PARAM_OPTION } from '../repeated.ts';
import { plural } from '../../core/plural.ts';
import { PerennialError } from '../../core/errors.ts';
import { defineCommand } from './command.ts';
import type { CliIo } from './command.ts';

export default defineCommand({
  register(program, io) {
    program
      .command('validate')
      .summary('check documents and report every mistake')
      .description(
        'Checks documents against the schema and everything that can be known without data. Reports all mistakes with file, line and column, what is allowed, and the fix. Exits with 2 if there is any.',
      )
      .argument('<paths...>', 'pipeline documents (JSON), or folders of them')
      .option(...PARAM_OPTION)
      .addHelpText(
        'after',
        '\nExamples:\n  perennial validate pipelines/penguins.json\n  perennial validate pipelines/ --json\n  perennial validate pipelines/penguins.json --param epochs=5',
      )
      .action((paths: string[], options: { readonly param: readonly string[] }) => validate(paths, options.param, io));
  },
});

async function validate(paths: readonly string[], options: readonly string[], io: CliIo): Promise<void> {
  const { compileDocument } = await import('../../config/plan-document.ts');
  const { formatDiagnostic } = await import('../../config/diagnostic.ts');
  const { parseParameterOptions } = await import('../../config/parameters.ts');
  const params = parseParameterOptions(options);
  const [{ findDocuments }, { leftOutLines }] = await Promise.all([
    import('../../config/find-documents.ts'),
    import('../difference-text.ts'),
  ]);
  const given = await findDocuments(paths);
  const { files } = given;
  if (files.length === 0)
    throw new PerennialError('USAGE', `No pipeline document lies in ${given.folders.join(', ')}.`, {
      hint: 'Start one with `perennial init NAME`.',
    });
  for (const line of leftOutLines(given)) io.note(line);
  const results = [];
  for (const file of files) {
    const { plan, diagnostics, notes } = await compileDocument(file, { params });
    for (const note of notes) io.note(note);
    if (plan === undefined) for (const diagnostic of diagnostics) io.print(formatDiagnostic(diagnostic));
    else io.print(`${file}: valid (${plan.steps.map((step) => step.id).join(' → ')})`);
    results.push({ file, valid: plan !== undefined, diagnostics, notes });
  }
  const mistakes = results.reduce((sum, result) => sum + result.diagnostics.length, 0);
  if (mistakes > 0) {
    io.print(
      `\n${plural(mistakes, 'mistake')} in ${results.filter((result) => !result.valid).length} of ${plural(files.length, 'document')}.`,
    );
    io.exit(2);
  }
  io.result({ valid: mistakes === 0, files: results });
}
