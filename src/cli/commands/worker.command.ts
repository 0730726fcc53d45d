import { defineCommand } from './command.ts';

const EXAMPLES = `
Examples:
  perennial worker
  perennial worker --queue perennial --queue gpu
  TEMPORAL_ADDRESS=temporal.example.org:7233 PERENNIAL_STORE=s3://models/team perennial worker --queue gpu`;

export default defineCommand({
  register(program, io) {
    program
      .command('worker')
      .summary('work on steps, in the foreground')
      .description('Work on steps in the foreground until Ctrl-C. Any number of workers on any machines share the work of their queues.')
      .option(
        '-q, --queue <name>',
        'task queue to take steps from (repeatable); default: the configured one',
        (name: string, before: readonly string[]) => [...before, name],
        [] as readonly string[],
      )
      .addHelpText('after', EXAMPLES)
      .action(async (options: { readonly queue: readonly string[] }) => {
        const { runWorker } = await import('../../worker/worker.ts');
        const stop = new AbortController();
        const interrupt = (): void => {
          if (stop.signal.aborted) process.exit(130);
          io.note('Stopping: steps in flight go to other workers (Ctrl-C again to leave at once) …');
          stop.abort();
        };
        process.on('SIGINT', interrupt);
        process.on('SIGTERM', interrupt);
        try {
          await runWorker({
            queues: options.queue,
            signal: stop.signal,
            onReady: (queues) => io.note(`Working on ${queues.join(', ')}. Ctrl-C stops.`),
          });
        } finally {
          process.off('SIGINT', interrupt);
          process.off('SIGTERM', interrupt);
        }
      });
  },
});
