import { Command, CommanderError } from 'commander';
import { PerennialError } from '../core/errors.ts';
import { createIo, reportError } from './command.ts';
import { commands } from './commands/index.generated.ts';

const program = new Command('perennial')
  .description('Keeps models alive: one JSON document declares how a model is made, proven, served, watched and made again.')
  .version('0.1.0')
  .option('--json', 'print one JSON document on stdout; progress and logs go to stderr')
  .showSuggestionAfterError(true)
  // Mistakes of usage are told below, as all others are.
  .configureOutput({ outputError: () => {} })
  // Options after a command's name are the command's own: `predict --version 3` names a version of the model.
  .enablePositionalOptions()
  .exitOverride();
const io = createIo(() => program.opts<{ json?: boolean }>().json === true || process.argv.includes('--json'));
for (const command of commands) command.register(program, io);
declareJsonEverywhere(program);

try {
  await program.parseAsync(process.argv);
} catch (error) {
  if (!(error instanceof CommanderError)) reportError(error, io);
  else if (error.exitCode === 0 || error.code === 'commander.help') process.exitCode = error.exitCode === 0 ? 0 : 2;
  else reportError(usageError(error), io);
}

/** With the command that was meant, as far as it is one. */
function usageError({ message }: CommanderError): PerennialError {
  let command: Command = program;
  const path = ['perennial'];
  for (const word of process.argv.slice(2)) {
    const next = command.commands.find((child) => child.name() === word);
    if (next === undefined) continue;
    command = next;
    path.push(word);
  }
  return new PerennialError('USAGE', message.replace(/^error: /, ''), { hint: `See \`${path.join(' ')} --help\`.` });
}

/** `--json` works before and after the command's name. */
function declareJsonEverywhere(command: Command): void {
  for (const child of command.commands) {
    child.exitOverride();
    if (!child.options.some((option) => option.long === '--json')) child.option('--json', 'print one JSON document on stdout');
    declareJsonEverywhere(child);
  }
}
