import { InvalidArgumentError } from 'commander';
import type { Stack } from '../../platform/stack.ts';
import { defineCommand, table, type CliIo } from './command.ts';

interface Options {
  readonly detach?: boolean;
  readonly port?: number;
  readonly temporalPort?: number;
  readonly uiPort?: number;
  readonly workers: number;
  readonly queue: readonly string[];
}

const INTERRUPTED = 130;

export default defineCommand({
  register(program, io) {
    program
      .command('up')
      .summary('start Temporal, worker and server')
      .description(
        'Starts the embedded stack: a Temporal server (none where TEMPORAL_ADDRESS is set), workers and the prediction server, and keeps them running.',
      )
      .option('-d, --detach', 'return once everything answers, and leave the stack running; stop it with `perennial down`')
      .option(
        '--port <port>',
        'port of the prediction server (default: that of the last time, else 8080, or a free one where that is taken)',
        port,
      )
      .option('--temporal-port <port>', 'port of the Temporal server (default: that of the last time, else 7233, or a free one)', port)
      .option('--ui-port <port>', 'port of the Temporal UI (default: that of the last time, else 8233, or a free one)', port)
      .option('--workers <count>', 'number of worker processes', count, 1)
      .option(
        '-q, --queue <name>',
        'task queue that the workers poll; may be given more than once (default "perennial")',
        (name: string, before: string[]) => [...before, name],
        [],
      )
      .addHelpText(
        'after',
        '\nExamples:\n  perennial up                      run until Ctrl-C\n  perennial up --detach             run in the background\n  perennial up --port 9000 --workers 2\n  TEMPORAL_ADDRESS=temporal:7233 PERENNIAL_STORE=s3://bucket/models perennial up',
      )
      .action((options: Options) => up(options, io));
  },
});

async function up(options: Options, io: CliIo): Promise<void> {
  const { startStack } = await import('../../stack/up.ts');
  const interrupted = new AbortController();
  const begun = Date.now();
  const interrupt = (): void => {
    if (!interrupted.signal.aborted) io.note('Stopping …');
    interrupted.abort();
  };
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, interrupt);
  const supervisor = await startStack(
    {
      foreground: options.detach !== true,
      workers: options.workers,
      queues: options.queue,
      ...(options.port === undefined ? {} : { port: options.port }),
      ...(options.temporalPort === undefined ? {} : { temporalPort: options.temporalPort }),
      ...(options.uiPort === undefined ? {} : { uiPort: options.uiPort }),
    },
    (text) => io.note(text),
    interrupted.signal,
  );
  const stop = options.detach === true ? '`perennial down` stops it.' : 'Ctrl-C stops it.';
  io.print(`Perennial is up after ${((Date.now() - begun) / 1000).toFixed(1)} s. ${stop}\n\n${describe(supervisor.stack)}`);
  io.result(supervisor.stack);
  if (options.detach === true) return;
  const code = await supervisor.ended;
  io.note('Perennial is down.');
  io.exit(interrupted.signal.aborted ? INTERRUPTED : code);
}

function describe(stack: Stack): string {
  const { temporal, server, workers } = stack;
  return table([
    ...(temporal?.uiUrl === undefined ? [] : [['  Temporal UI', temporal.uiUrl]]),
    ['  Temporal', `${temporal?.address ?? ''}${temporal?.external === true ? ' (TEMPORAL_ADDRESS)' : ''}`],
    ['  Server', server?.url ?? ''],
    ['  Workers', String(workers.length)],
    ['  Store', stack.store],
    ['  Logs', stack.logs],
  ]);
}

function port(text: string): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value > 65_535)
    throw new InvalidArgumentError(`"${text}" is not a port; expected a whole number from 0 (any free one) to 65535.`);
  return value;
}

function count(text: string): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < 1 || value > 64)
    throw new InvalidArgumentError(`"${text}" is not a number of workers; expected 1 to 64.`);
  return value;
}
