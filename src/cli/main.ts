import { Command, CommanderError } from 'commander';
import { createIo, reportError } from './command.ts';
import { commands } from './commands/index.generated.ts';

const program = new Command('perennial')
  .description('Keeps models alive: one JSON document declares how a model is made, proven, served, watched and made again.')
  .version('0.1.0')
  .option('--json', 'print one JSON document on stdout; progress and logs go to stderr')
  .showSuggestionAfterError(true)
  // Options after a command's name are the command's own: `predict --version 3` names a version of the model.
  .enablePositionalOptions()
  .exitOverride();
const io = createIo(() => program.opts<{ json?: boolean }>().json === true || process.argv.includes('--json'));
for (const command of commands) command.register(program, io);
declareJsonEverywhere(program);

try {
  await program.parseAsync(process.argv);
} catch (error) {
  if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? 0 : 2;
  else reportError(error, io);
}

/** `--json` works before and after the command's name. */
function declareJsonEverywhere(command: Command): void {
  for (const child of command.commands) {
    child.exitOverride();
    if (!child.options.some((option) => option.long === '--json')) child.option('--json', 'print one JSON document on stdout');
    declareJsonEverywhere(child);
  }
}
