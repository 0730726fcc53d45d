import { defineCommand, type CliIo } from './command.ts';

export default defineCommand({
  register(program, io) {
    program
      .command('down')
      .summary('stop what `up` started')
      .description(
        'Ends every process that `perennial up` of this PERENNIAL_HOME started, and nothing else. Runs that are under way continue when the stack is up again.',
      )
      .addHelpText('after', '\nExample:\n  perennial down')
      .action(() => down(io));
  },
});

async function down(io: CliIo): Promise<void> {
  const { stopStack } = await import('../../stack/down.ts');
  const { perennialHome } = await import('../../platform/paths.ts');
  const result = await stopStack((text) => io.note(text));
  io.result(result);
  if (result.stopped.length === 0) io.print(`Nothing is running in ${perennialHome()}.`);
  else
    io.print(`Stopped ${result.stopped.map((part) => `${part.name} (${part.pid}${part.how === 'killed' ? ', killed' : ''})`).join(', ')}.`);
}
