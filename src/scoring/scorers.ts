import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { PerennialError } from '../core/errors.ts';
import { entryPoint } from '../platform/paths.ts';
import { environmentForTf } from '../training/tensorflow/tf.ts';
import type { PartOrder, ScorerMessage } from './protocol.ts';
import type { PartRecord } from './score-task.ts';

export interface ScorersRun {
  /** Path of the job of all processes. */
  readonly job: string;
  /** In the order in which they are given out. */
  readonly orders: readonly PartOrder[];
  readonly signal?: AbortSignal | undefined;
  /** A part is done; the next one is given out meanwhile. @throws what ends the run */
  readonly onPart: (record: PartRecord) => void;
  readonly onRows: (rows: number) => void;
}

const STDERR_CHARS = 4_000;

/** Processes that answer parts. They load what they need while the source is still read. */
export class Scorers {
  readonly #idle: ChildProcess[];

  /** @param isPlain they need no TensorFlow @throws PROVISIONING_FAILED */
  constructor(processes: number, isPlain: boolean) {
    const entry = entryPoint('scorer');
    if (!existsSync(entry))
      throw new PerennialError('PROVISIONING_FAILED', `${entry} is not there: Perennial is not built.`, {
        hint: 'Run `npm run setup` in the folder of the clone.',
      });
    this.#idle = Array.from({ length: processes }, () =>
      fork(entry, isPlain ? ['--plain'] : [], {
        stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
        env: environmentForTf(),
        execArgv: [],
        serialization: 'json',
      }),
    );
    // Whoever ends before there is work is met by the first message to it.
    for (const child of this.#idle) child.on('error', () => undefined);
  }

  /** Ends all of them. */
  stop(): void {
    for (const child of this.#idle) child.kill('SIGKILL');
  }

  /**
   * Each takes the next part when it is done with the one before.
   *
   * @throws what a process or `onPart` threw; TRAINER_CRASHED where one ends on its own; CANCELLED
   */
  async run(run: ScorersRun): Promise<void> {
    run.signal?.throwIfAborted();
    const open = [...run.orders];
    let failed: unknown;
    const stop = (error: unknown): void => {
      failed ??= error;
      this.stop();
    };
    const abort = (): void => stop(new PerennialError('CANCELLED', 'Scoring was cancelled.', { cause: run.signal!.reason }));
    run.signal?.addEventListener('abort', abort, { once: true });
    try {
      await Promise.all(this.#idle.slice(0, open.length).map((child) => drive(child, open, run, stop)));
    } finally {
      run.signal?.removeEventListener('abort', abort);
      this.stop();
    }
    if (failed !== undefined) throw failed as Error;
  }
}

/** One process from its start to its end; gives it orders while there are some. */
function drive(child: ChildProcess, open: PartOrder[], run: ScorersRun, stop: (error: unknown) => void): Promise<void> {
  let stderr = '';
  let finished = false;
  const keep = (chunk: Buffer): void => {
    stderr = (stderr + chunk.toString('utf8')).slice(-STDERR_CHARS);
  };
  child.stdout!.on('data', keep);
  child.stderr!.on('data', keep);
  const next = (): void => {
    const order = open.shift();
    if (order !== undefined) {
      child.send(order, (error) => {
        if (error !== null) stop(error);
      });
      return;
    }
    finished = true;
    child.kill('SIGKILL');
  };
  child.send({ job: run.job }, (error) => {
    if (error !== null) stop(error);
  });
  child.on('message', (message: ScorerMessage) => {
    try {
      if (message.type === 'failed') {
        const { code, message: text, hint } = message.error;
        stop(new PerennialError(code, text, hint === '' ? {} : { hint }));
      } else if (message.type === 'rows') run.onRows(message.rows);
      else {
        if (message.type === 'done') run.onPart(message.record);
        next();
      }
    } catch (error) {
      stop(error);
    }
  });
  return new Promise((resolve) => {
    child.once('error', (error) => {
      stop(error);
      resolve();
    });
    child.once('close', (code, signal) => {
      if (!finished)
        stop(
          new PerennialError(
            'TRAINER_CRASHED',
            `A scoring process ended with ${signal ?? `code ${code}`}.${stderr === '' ? '' : ` It wrote: ${stderr.trim()}`}`,
            {
              hint: 'What was answered before is kept: the same command, or the next attempt of the step, goes on. Should it happen again, the machine may lack memory.',
            },
          ),
        );
      resolve();
    });
  });
}
