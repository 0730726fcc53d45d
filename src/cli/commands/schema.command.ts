import { defineCommand, table } from './command.ts';
import type { CliIo } from './command.ts';

export default defineCommand({
  register(program, io) {
    program
      .command('schema')
      .summary('what can be written in a document')
      .description(
        'Without arguments: the kinds of things that a document can name. With a kind: all names of it. With a name: its keys, their types, defaults and meaning, and an example. `--json` prints the JSON Schema instead.',
      )
      .argument('[kind]', 'one of those that are listed without it, e.g. step, transform or trigger; "document" for the envelope')
      .argument('[name]', 'name of a definition, e.g. train')
      .addHelpText(
        'after',
        '\nExamples:\n  perennial schema\n  perennial schema layer\n  perennial schema step train\n  perennial schema transform impute\n  perennial schema --json > pipeline.schema.json',
      )
      .action((kind: string | undefined, name: string | undefined) => printSchema(kind, name, io));
  },
});

async function printSchema(kind: string | undefined, name: string | undefined, io: CliIo): Promise<void> {
  const docs = await import('../../config/schema-docs.ts');
  if (kind === undefined) {
    io.result(docs.editorSchema());
    io.print(table([['KIND', 'NAMES'], ...docs.kinds().map((each) => [each, docs.namesOf(each).join(', ') || '(none)'])]));
    io.print('\nMore: perennial schema KIND, perennial schema KIND NAME, perennial schema document');
    return;
  }
  if (name === undefined && kind !== 'document') {
    io.result(docs.schemaOf(docs.existingKind(kind)));
    io.print(
      table([
        [kind.toUpperCase(), 'WHAT IT DOES'],
        ...docs.namesOf(docs.existingKind(kind)).map((each) => [each, docs.summaryOf(kind, each)]),
      ]),
    );
    return;
  }
  io.result(docs.schemaOf(kind, name));
  io.print(docs.describe(kind, name));
}
