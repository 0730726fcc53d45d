import { parseArgs } from 'node:util';
import { PerennialError, exitCodeOf, isPerennialError, messageOf } from '../core/errors.ts';
import { openServer, portOf } from './open-server.ts';

/** Entry point of the server process: `server.js [--port N] [--host H]`. */
async function main(): Promise<void> {
  const { values } = parseArgs({ options: { port: { type: 'string' }, host: { type: 'string' } } });
  const server = await openServer({
    ...(values.port === undefined ? {} : { port: portOf(values.port) }),
    ...(values.host === undefined ? {} : { host: values.host }),
  });
  let stopping: Promise<void> | undefined;
  const stop = (): void => {
    stopping ??= server.stop().then(
      () => process.exit(0),
      (error: unknown) => {
        process.stderr.write(`the server did not stop cleanly: ${messageOf(error)}\n`);
        process.exit(1);
      },
    );
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
  if (process.env.PERENNIAL_SUPERVISED === '1') process.on('disconnect', stop);
  process.send?.({ ready: true, url: server.url });
}

main().catch((error: unknown) => {
  const known = isPerennialError(error) ? error : new PerennialError('INTERNAL', messageOf(error), { cause: error });
  process.stderr.write(`error ${known.code}: ${known.message}\n  fix: ${known.hint}\n`);
  if (!isPerennialError(error) && error instanceof Error) process.stderr.write(`${error.stack ?? ''}\n`);
  process.exit(exitCodeOf(known.code));
});
