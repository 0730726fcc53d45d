import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { Worker, isMainThread, parentPort, workerData } from 'node:worker_threads';
import { PerennialError, isPerennialError, messageOf } from '../core/errors.ts';
import type { ErrorCode } from '../core/errors.ts';
import { entryPoint } from './paths.ts';

/** Threads of one piece of work: several steps may compute at once on a worker. */
const THREADS_MAX = 8;
/** JavaScript's own heap of a thread; arrays of numbers lie outside of it. */
const HEAP_MB = 1024;

export interface ThreadWork<Task, Result = unknown> {
  /** A built entry point whose file calls `answerTasks`: see scripts/build.mjs. */
  readonly entry: string;
  /** What is done, as errors call it, e.g. "finding neighbours". */
  readonly what: string;
  /** For `answerTasks`; shared memory is shared, everything else is copied. */
  readonly data: unknown;
  readonly tasks: readonly Task[];
  /** @see threadsFor */
  readonly threads: number;
  /** Aborted: the threads are ended at once, and its reason is thrown. */
  readonly signal?: AbortSignal | undefined;
  /** The threads call into code that must not be torn down amid a call (a database): they are told to stop, and waited for. */
  readonly gentle?: boolean;
  /** After every task. */
  readonly onDone?: (done: number, tasks: number) => void;
  /**
   * Takes the answers one by one, in the order of the tasks, instead of their being kept. No thread begins a task that is further ahead
   * of it than {@link THREADS_AHEAD} tasks for each thread.
   */
  readonly take?: (result: Result, task: number) => void;
}

/** @see ThreadWork.take */
export const THREADS_AHEAD = 2;

/** Memory under this name in a task or an answer is handed over instead of copied; the giver has it no more. */
interface Handing {
  readonly memory?: ArrayBuffer;
}

function handed(message: unknown): ArrayBuffer[] {
  const memory = (message as Handing | null | undefined)?.memory;
  return memory instanceof ArrayBuffer ? [memory] : [];
}

type Answer<Result> =
  { readonly result: Result } | { readonly problem: { readonly code: ErrorCode; readonly message: string; readonly hint?: string } };

/** How many threads are worth it for so many tasks on this machine. */
export function threadsFor(tasks: number): number {
  return Math.max(1, Math.min(tasks, availableParallelism(), THREADS_MAX));
}

/**
 * Works on tasks in threads, so that the event loop goes on: heartbeats, cancellation and other steps. Each thread takes the next task
 * when it has answered one; answers come in the order of the tasks.
 *
 * @throws what a task threw, in its words; STEP_FAILED where a thread ends; OUT_OF_MEMORY; the reason of the signal
 */
export async function workInThreads<Task, Result>(work: ThreadWork<Task, Result>): Promise<Result[]> {
  const { tasks, signal } = work;
  signal?.throwIfAborted();
  const entry = entryPoint(work.entry);
  if (!existsSync(entry))
    throw new PerennialError('PROVISIONING_FAILED', `${entry} is not there: Perennial is not built.`, {
      hint: 'Run `npm run setup` in the folder of the clone.',
    });
  const results = new Array<Result | undefined>(tasks.length);
  const ahead = work.take === undefined ? tasks.length : THREADS_AHEAD * work.threads;
  const workers: Worker[] = [];
  /** Of each thread, until it has answered its task, or ended. */
  const busy = new Map<Worker, Promise<void>>();
  const stop = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
  let abort: (() => void) | undefined;
  try {
    await new Promise<void>((resolve, reject) => {
      abort = () => reject(signal!.reason as Error);
      signal?.addEventListener('abort', abort, { once: true });
      let next = 0;
      let done = 0;
      let taken = 0;
      const idle = new Set<() => void>();
      const take = (): void => {
        if (work.take === undefined) return;
        for (; taken < next && results[taken] !== undefined; taken += 1) {
          work.take(results[taken]!, taken);
          results[taken] = undefined;
        }
        for (const give of [...idle]) {
          idle.delete(give);
          give();
        }
      };
      if (tasks.length === 0) resolve();
      for (let thread = 0; thread < Math.min(work.threads, tasks.length); thread += 1) {
        const worker = new Worker(entry, {
          workerData: { data: work.data, thread, stop },
          resourceLimits: { maxOldGenerationSizeMb: HEAP_MB },
        });
        workers.push(worker);
        let current = -1;
        let free = (): void => undefined;
        worker.on('exit', () => free());
        const give = (): void => {
          if (next >= tasks.length) return;
          if (next >= taken + ahead) return void idle.add(give);
          current = next++;
          busy.set(worker, new Promise((answered) => (free = answered)));
          worker.postMessage(tasks[current], handed(tasks[current]));
        };
        worker.on('message', (answer: Answer<Result>) => {
          free();
          if ('problem' in answer)
            return reject(
              new PerennialError(
                answer.problem.code,
                answer.problem.message,
                answer.problem.hint === undefined ? {} : { hint: answer.problem.hint },
              ),
            );
          results[current] = answer.result;
          done += 1;
          try {
            take();
          } catch (error) {
            return reject(error as Error);
          }
          work.onDone?.(done, tasks.length);
          if (done === tasks.length) return resolve();
          give();
        });
        worker.on('error', (error) => reject(threadError(work.what, error)));
        worker.on('messageerror', (error) => reject(threadError(work.what, error)));
        worker.on('exit', (code) =>
          reject(new PerennialError('STEP_FAILED', `${work.what}: a thread ended with the code ${code} before it had answered.`)),
        );
        give();
      }
    });
    return results as Result[];
  } finally {
    if (abort !== undefined) signal?.removeEventListener('abort', abort);
    Atomics.store(stop, 0, 1);
    if (work.gentle === true) await Promise.all(busy.values());
    await Promise.all(workers.map((worker) => worker.terminate()));
  }
}

function threadError(what: string, error: unknown): PerennialError {
  const code = (error as NodeJS.ErrnoException | undefined)?.code;
  if (code === 'ERR_WORKER_OUT_OF_MEMORY')
    return new PerennialError('OUT_OF_MEMORY', `${what}: a thread needed more than ${HEAP_MB} MB.`, {
      hint: 'Use fewer rows or columns.',
      cause: error,
    });
  return new PerennialError('STEP_FAILED', `${what}: a thread failed: ${messageOf(error)}`, { cause: error });
}

/**
 * The other side: what the file of an entry point calls; an answer may be a promise. `stopped` tells a long task that nobody waits for its
 * answer any more. In a process's main thread it does nothing.
 */
export function answerTasks<Task, Data>(start: (data: Data, thread: number, stopped: () => boolean) => (task: Task) => unknown): void {
  if (isMainThread || parentPort === null) return;
  const port = parentPort;
  const { data, thread, stop } = workerData as { data: Data; thread: number; stop: Int32Array };
  let answer: ((task: Task) => unknown) | undefined;
  port.on('message', async (task: Task) => {
    try {
      answer ??= start(data, thread, () => Atomics.load(stop, 0) === 1);
      const result = await answer(task);
      port.postMessage({ result } satisfies Answer<unknown>, handed(result));
    } catch (error) {
      if (!isPerennialError(error)) throw error;
      port.postMessage({ problem: { code: error.code, message: error.message, hint: error.hint } } satisfies Answer<unknown>);
    }
  });
}
