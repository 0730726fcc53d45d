import { readFileSync } from 'node:fs';
import { PerennialError, isPerennialError, messageOf } from '../../core/errors.ts';
import { outOfMemory } from './memory.ts';
import type { TrainerJob, TrainerMessage } from './protocol.ts';
import { startTelemetry, stopTelemetry } from '../../telemetry/telemetry.ts';
import { train } from './train.ts';
import { tellTraining } from './trainer-telemetry.ts';

/**
 * The trainer process: `trainer.js JOB`, forked with an IPC channel. It ends at once when the channel closes, since then nobody waits
 * for it and another attempt may start; SIGTERM saves a checkpoint first.
 */
async function main(): Promise<void> {
  let cancelled = false;
  process.on('SIGTERM', () => {
    cancelled = true;
  });
  process.on('SIGINT', () => {
    cancelled = true;
  });
  process.on('disconnect', () => process.exit(1));
  const path = process.argv[2];
  if (path === undefined || process.send === undefined) {
    process.stderr.write('The trainer is started by a train step, not by hand.\n');
    process.exit(2);
  }
  const job = JSON.parse(readFileSync(path, 'utf8')) as TrainerJob;
  try {
    await startTelemetry('trainer');
    await tellTraining({ send: (message) => void process.send!(message), cancelled: () => cancelled }, (hooks) => train(job, hooks));
    await deliver({ type: 'done' });
  } catch (error) {
    const { code, message, hint, details } = asPerennial(error, job);
    if (code === 'INTERNAL' && error instanceof Error) process.stderr.write(`${error.stack ?? error.message}\n`);
    await deliver({ type: 'failed', error: { code, message, hint, details } });
  }
  await stopTelemetry();
  process.disconnect();
}

function asPerennial(error: unknown, job: TrainerJob): PerennialError {
  if (isPerennialError(error)) return error;
  const errno = (error as NodeJS.ErrnoException | undefined)?.code;
  if (errno === 'ENOSPC' || errno === 'EDQUOT')
    return new PerennialError('STORE_FULL', `No space is left for checkpoints and the model: ${messageOf(error)}`, {
      hint: 'Free space on this disk.',
      cause: error,
    });
  return outOfMemory(messageOf(error), job.config.batchSize) ?? new PerennialError('INTERNAL', messageOf(error), { cause: error });
}

/** Resolves once the parent's side of the channel has the message. */
function deliver(message: TrainerMessage): Promise<void> {
  return new Promise((resolve) => process.send!(message, undefined, {}, () => resolve()));
}

void main();
