import { parseArgs } from 'node:util';
import { messageOf, isPerennialError } from '../core/errors.ts';
import { runWorker } from './worker.ts';

/** Entry of a worker process: `worker.js [--queue NAME]…`. Says `{"ready":true}` over IPC, stops on SIGTERM, SIGINT and a lost parent. */
const { values } = parseArgs({ options: { queue: { type: 'string', multiple: true } } });
const stop = new AbortController();
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => stop.abort());
if (process.env.PERENNIAL_SUPERVISED === '1') process.once('disconnect', () => stop.abort());

try {
  await runWorker({ queues: values.queue, signal: stop.signal, onReady: (queues) => process.send?.({ ready: true, queues }) });
  process.exit(0);
} catch (error) {
  console.error(isPerennialError(error) ? `error ${error.code}: ${error.message} ${error.hint}` : `error: ${messageOf(error)}`);
  process.exit(1);
}
