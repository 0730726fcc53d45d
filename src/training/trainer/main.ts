import { readFileSync } from 'node:fs';
import { PerennialError, isPerennialError, messageOf } from '../../core/errors.ts';
import { isDiskFull } from '../../core/file-trouble.ts';
import { outOfMemory } from './memory.ts';
import { loadTf, preferOneDnn } from '../tensorflow/tf.ts';
import type { TrainerJob, TrainerMessage, TrainerOrder } from './protocol.ts';
import { startTelemetry, stopTelemetry } from '../../telemetry/telemetry.ts';
import { train } from './train.ts';
import type { TrainerHooks } from './train.ts';
import { tellTraining } from './trainer-telemetry.ts';

/**
 * The trainer process, forked with an IPC channel: `trainer.js JOB` does one job, `trainer.js --stay` waits for jobs. It ends at once when
 * the channel closes, since then nobody waits for it and another attempt may start; SIGTERM saves a checkpoint first.
 */
async function main(): Promise<void> {
  let cancelled = false;
  let works = false;
  let dropped = false;
  const cancel = (): void => {
    if (!works) process.exit(0);
    cancelled = true;
  };
  process.on('SIGTERM', cancel);
  process.on('SIGINT', cancel);
  process.on('disconnect', () => process.exit(1));
  const [, , path] = process.argv;
  if (path === undefined || process.send === undefined) {
    process.stderr.write('The trainer is started by a train step, not by hand.\n');
    process.exit(2);
  }
  await startTelemetry('trainer');
  if (path !== '--stay') {
    works = true;
    await work({ type: 'job', path }, { cancelled: () => cancelled, dropped: () => false });
    return leave();
  }
  process.title = WAITING;
  process.on('message', (order: TrainerOrder) => {
    if (order.type === 'load') {
      if (order.oneDnn) preferOneDnn();
      warmUp();
      return;
    }
    if (order.type === 'drop') {
      dropped = works;
      return;
    }
    works = true;
    dropped = false;
    // Whoever looks at the processes of the machine sees what this one works for.
    process.title = order.path;
    void work(order, { cancelled: () => cancelled, dropped: () => dropped }).then(async (end) => {
      if (end === 'leaves') return leave();
      works = false;
      process.title = WAITING;
      await deliver(end === 'dropped' ? { type: 'dropped' } : { type: 'done', stays: true });
      if (cancelled) process.exit(0);
    });
  });
}

const WAITING = 'perennial trainer, waiting';

async function leave(): Promise<void> {
  await stopTelemetry();
  process.disconnect();
}

/** Does a job. @returns what became of it, where this process may do another: word of it is then the caller's */
async function work(
  { path, stayUpTo }: Extract<TrainerOrder, { type: 'job' }>,
  { cancelled, dropped }: Pick<TrainerHooks, 'cancelled' | 'dropped'>,
): Promise<'done' | 'dropped' | 'leaves'> {
  const stays = (): boolean => stayUpTo !== undefined && !cancelled() && isAsNew(stayUpTo);
  await deliver({ type: 'taken' });
  let batchSize = 1;
  try {
    const job = JSON.parse(readFileSync(path, 'utf8')) as TrainerJob;
    ({ batchSize } = job.config);
    await tellTraining({ send: (message) => void process.send!(message), cancelled, dropped }, (hooks) => train(job, hooks));
    if (stays()) return 'done';
    await deliver({ type: 'done' });
  } catch (error) {
    if (dropped() && isPerennialError(error, 'CANCELLED') && stays()) return 'dropped';
    const { code, message, hint, details } = asPerennial(error, batchSize);
    if (code === 'INTERNAL' && error instanceof Error) process.stderr.write(`${error.stack ?? error.message}\n`);
    await deliver({ type: 'failed', error: { code, message, hint, details } });
  }
  return 'leaves';
}

/** TensorFlow is loaded, and has computed something: its threads are there. */
function warmUp(): void {
  const tf = loadTf();
  tf.tidy(() => tf.add(tf.scalar(1), tf.scalar(1)).dataSync());
}

/** Nothing of the last job is left: no tensor, no session, and no more memory than `rssMax`. */
function isAsNew(rssMax: number): boolean {
  const tf = loadTf();
  return tf.memory().numTensors === 0 && tf.node.getNumOfSavedModels() === 0 && process.memoryUsage.rss() <= rssMax;
}

function asPerennial(error: unknown, batchSize: number): PerennialError {
  if (isPerennialError(error)) return error;
  if (isDiskFull(error))
    return new PerennialError('STORE_FULL', `No space is left for checkpoints and the model: ${messageOf(error)}`, {
      hint: 'Free space on this disk.',
      cause: error,
    });
  return outOfMemory(messageOf(error), batchSize) ?? new PerennialError('INTERNAL', messageOf(error), { cause: error });
}

/** Resolves once the parent's side of the channel has the message. */
function deliver(message: TrainerMessage): Promise<void> {
  return new Promise((resolve) => process.send!(message, undefined, {}, () => resolve()));
}

void main();
