import { Command, CommanderError } from 'commander';
import { PerennialError } from '../core/errors.ts';
import { createIo, reportError } from './commands/command.ts';
import type { CliIo, Outlet } from './commands/command.ts';
import { commands } from './commands/index.generated.ts';
import { startTelemetry, stopTelemetry } from '../telemetry/telemetry.ts';
import { tellCommand } from './command-telemetry.ts';

/** Processes that tell of themselves for as long as they live; a command is told as a whole. */
const LIVES_ON = ['serve', 'worker', 'up'];

/**
 * Carries out one command of the command line. Never throws: what went wrong is told, and decides the exit code.
 *
 * @param words what follows the name of the program
 */
export async function runCommandLine(words: readonly string[], outlet: Outlet): Promise<void> {
  const program = new Command('perennial')
    .description('Keeps models alive: one JSON document declares how a model is made, proven, served, watched and made again.')
    .version('0.1.0')
    .option('--json', 'print one JSON document on stdout; progress and logs go to stderr')
    .showSuggestionAfterError(true)
    // Mistakes of usage are told below, as all others are.
    .configureOutput({ writeOut: outlet.stdout, writeErr: outlet.stderr, outputError: () => {} })
    // Options after a command's name are the command's own: `predict --version 3` names a version of the model.
    .enablePositionalOptions()
    .exitOverride();
  let code = 0;
  const exit = (asked: number): void => outlet.exit((code = asked));
  const io = createIo({ ...outlet, exit }, () => program.opts<{ json?: boolean }>().json === true || words.includes('--json'));
  for (const command of commands) command.register(program, io);
  declareJsonEverywhere(program);

  const path = commandPath(program, words);
  if (path.length > 0 && !LIVES_ON.includes(path[0]!)) await startTelemetry('cli');
  await tellCommand(path.join(' '), async () => ({ error: await run(program, words, path, io), code }));
  await stopTelemetry();
}

/** @returns the error that was told */
async function run(program: Command, words: readonly string[], path: readonly string[], io: CliIo): Promise<unknown> {
  try {
    await program.parseAsync([...words], { from: 'user' });
    return undefined;
  } catch (error) {
    const shown = error instanceof CommanderError && (error.exitCode === 0 || error.code === 'commander.help');
    if (shown) {
      io.exit(error.exitCode === 0 ? 0 : 2);
      return undefined;
    }
    const told = error instanceof CommanderError ? usageError(error, path) : error;
    reportError(told, io);
    return told;
  }
}

/** With the command that was meant, as far as it is one. */
function usageError({ message }: CommanderError, path: readonly string[]): PerennialError {
  return new PerennialError('USAGE', message.replace(/^error: /, ''), {
    hint: `See \`${['perennial', ...path].join(' ')} --help\`.`,
  });
}

/** The words of the command line that are names of commands: "models list". */
function commandPath(program: Command, words: readonly string[]): string[] {
  let command = program;
  const path: string[] = [];
  for (const word of words) {
    const next = command.commands.find((child) => child.name() === word);
    if (next === undefined) continue;
    command = next;
    path.push(word);
  }
  return path;
}

/** `--json` works before and after the command's name. */
function declareJsonEverywhere(command: Command): void {
  for (const child of command.commands) {
    child.exitOverride();
    if (!child.options.some((option) => option.long === '--json')) child.option('--json', 'print one JSON document on stdout');
    declareJsonEverywhere(child);
  }
}
