import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import type { Duplex } from 'node:stream';
import { PerennialError } from '../../core/errors.ts';
import type { TensorBatch } from '../../core/tensor.ts';
import { entryPoint } from '../../platform/paths.ts';
import { computedTicksOf, residentBytesOf } from '../../platform/process-info.ts';
import type { ModelMeta } from '../../training/model/model-meta.ts';
import { environmentForTf } from '../../training/tensorflow/tf.ts';
import type { LocalFiles } from '../../training/trainer/local-artifact.ts';
import { SERVING_LIMITS } from '../limits.ts';
import { RequestError } from '../request-error.ts';
import type { ProcessWatch, WaitingPredictor } from '../servable.ts';
import { hasPassed } from '../../platform/passed.ts';
import { FrameReader, writeFrame } from './frames.ts';
import type { Head } from './frames.ts';

const STDERR_CHARS = 4_000;

interface Waiting {
  readonly rows: number;
  /** By `performance.now()`. */
  readonly askedAt: number;
  resolve(values: Float32Array): void;
  reject(error: unknown): void;
}

/** A process that has loaded the network, or is about to. */
interface Running {
  readonly child: ChildProcess;
  readonly pipe: Duplex;
  readonly waiting: Map<number, Waiting>;
  readonly startedAt: number;
  /** While somebody waits for it. */
  watch?: NodeJS.Timeout;
  /** The longest that a row took so far, in milliseconds. */
  rowMs: number;
  /** Ends what waits for it. @param problem for the log @param refusal for those who wait */
  end: (problem: string, refusal: string) => void;
}

/**
 * A network in a process of its own: the event loop of the server goes on while it computes, and what it does to itself (memory above all)
 * it does to nobody else. One that ends by itself, or hangs, is started again.
 */
export class ProcessPredictor implements WaitingPredictor {
  readonly meta: ModelMeta;
  readonly #files: () => Promise<LocalFiles>;
  readonly #watch: ProcessWatch;
  #running: Running | undefined;
  #reviving: Promise<void> | undefined;
  #deaths = 0;
  #nextId = 0;
  #disposed = false;

  private constructor(meta: ModelMeta, files: () => Promise<LocalFiles>, watch: ProcessWatch) {
    this.meta = meta;
    this.#files = files;
    this.#watch = watch;
  }

  /**
   * @param files asked again whenever the process is started again: copies may be cleared away meanwhile
   * @throws SERVING_PROCESS, PROVISIONING_FAILED; what loading throws
   */
  static async start(meta: ModelMeta, files: () => Promise<LocalFiles>, watch: ProcessWatch): Promise<ProcessPredictor> {
    const predictor = new ProcessPredictor(meta, files, watch);
    await predictor.#start();
    return predictor;
  }

  /** undefined while it does not run. */
  get pid(): number | undefined {
    return this.#running?.child.pid;
  }

  /** Memory that it has for itself, in bytes; undefined where that is not known. */
  get bytes(): number | undefined {
    return this.pid === undefined ? undefined : residentBytesOf(this.pid);
  }

  ready(): Promise<void> | undefined {
    return this.#reviving;
  }

  async predict(batch: TensorBatch): Promise<Float32Array> {
    if (this.#disposed) throw new PerennialError('INTERNAL', 'A model was asked after it was disposed of.');
    if (this.#reviving !== undefined) await this.#reviving;
    if (this.#running === undefined) throw gone('is not running');
    return this.#ask(this.#running, batch);
  }

  dispose(): void {
    this.#disposed = true;
    // It holds nothing that could be lost.
    this.#running?.child.kill('SIGKILL');
    this.#running = undefined;
  }

  #ask(running: Running, batch: TensorBatch): Promise<Float32Array> {
    const { pipe, waiting } = running;
    const id = this.#nextId++;
    // Values of 1 byte last: the others then lie where they can be read in place.
    const names = this.meta.inputs
      .map(({ name }) => name)
      .filter((name) => batch[name] !== undefined)
      .sort((a, b) => bytesPerValue(batch, b) - bytesPerValue(batch, a));
    const rows = names.length === 0 ? 0 : batch[names[0]!]!.rows;
    const tensors = Object.fromEntries(names.map((name) => [name, batch[name]!.data.byteLength]));
    return new Promise((resolve, reject) => {
      waiting.set(id, { resolve, reject, rows, askedAt: performance.now() });
      running.watch ??= watch(running);
      writeFrame(
        pipe,
        { type: 'predict', id, rows, tensors },
        names.map((name) => batch[name]!.data),
      );
    });
  }

  async #start(): Promise<void> {
    const entry = entryPoint('predictor');
    if (!existsSync(entry))
      throw new PerennialError('PROVISIONING_FAILED', `${entry} is not there: Perennial is not built.`, {
        hint: 'Run `npm run setup` in the folder of the clone.',
      });
    const model = await this.#files();
    const child = spawn(process.execPath, [entry], { stdio: ['ignore', 'ignore', 'pipe', 'pipe'], env: environmentForTf() });
    const running: Running = {
      child,
      pipe: child.stdio[3] as Duplex,
      waiting: new Map(),
      startedAt: Date.now(),
      rowMs: 0,
      end: () => undefined,
    };
    let stderr = '';
    let loaded = false;
    child.stderr!.on('data', (chunk: Buffer) => {
      stderr = (stderr + chunk.toString('utf8')).slice(-STDERR_CHARS);
    });
    // Whoever ended is told about by "close".
    running.pipe.on('error', () => undefined);
    await new Promise<void>((resolve, reject) => {
      const late = setTimeout(() => {
        reject(
          new PerennialError('SERVING_PROCESS', `The process of a network took longer than ${SERVING_LIMITS.processStartMs} ms to start.`),
        );
        child.kill('SIGKILL');
      }, SERVING_LIMITS.processStartMs);
      const settle = (error?: unknown): void => {
        clearTimeout(late);
        if (error === undefined) resolve();
        else reject(error as Error);
      };
      const take = new FrameReader((head, values) => {
        if (head.type === 'loaded') {
          this.#ask(running, this.#watch.warm).then(() => {
            loaded = true;
            settle();
          }, settle);
        } else if (head.type === 'failed' && head.id === undefined) settle(errorOf(head));
        else answer(running, head, values);
      });
      running.pipe.on('data', (piece: Buffer) => take.push(piece));
      child.once('error', (error) =>
        settle(new PerennialError('SERVING_PROCESS', `The process of a network cannot be started: ${error.message}`)),
      );
      let isOver = false;
      running.end = (problem, refusal) => {
        if (isOver) return;
        isOver = true;
        clearInterval(running.watch);
        const told = `${problem}${stderr.trim() === '' ? '' : `; it wrote: ${stderr.trim()}`}`;
        settle(new PerennialError('SERVING_PROCESS', `The process of a network ${told}`));
        for (const { reject: refuse } of running.waiting.values()) refuse(gone(refusal));
        running.waiting.clear();
        if (loaded && !this.#disposed) this.#died(running, told);
      };
      child.once('close', (code, signal) => running.end(`ended with ${signal ?? `code ${code}`}`, 'ended'));
      writeFrame(running.pipe, { type: 'load', model });
    }).catch((error: unknown) => {
      child.kill('SIGKILL');
      throw error;
    });
    if (this.#disposed) {
      child.kill('SIGKILL');
      throw gone('is not wanted any more');
    }
    this.#running = running;
  }

  #died({ startedAt }: Running, problem: string): void {
    this.#running = undefined;
    if (hasPassed(startedAt, SERVING_LIMITS.processSteadyMs)) this.#deaths = 0;
    this.#watch.died(problem);
    this.#reviving = this.#revive().finally(() => {
      this.#reviving = undefined;
    });
    // Who waits for it hears why it failed.
    this.#reviving.catch(() => undefined);
  }

  async #revive(): Promise<void> {
    for (;;) {
      const wait = Math.min(SERVING_LIMITS.processRetryMs * 2 ** this.#deaths, SERVING_LIMITS.loadRetryMaxMs);
      this.#deaths += 1;
      await new Promise((resolve) => setTimeout(resolve, wait).unref());
      if (this.#disposed) throw gone('is not wanted any more');
      try {
        await this.#start();
        this.#watch.revived();
        return;
      } catch (error) {
        if (this.#disposed) throw error;
        this.#watch.died(error instanceof Error ? error.message : String(error));
      }
    }
  }
}

/** Looks now and then whether what was asked is computed; ends the process where it is not. A stopped one ends by SIGKILL, too. */
function watch(running: Running): NodeJS.Timeout {
  const { child, waiting } = running;
  let ticks = computedTicksOf(child.pid!);
  let still = 0;
  return setInterval(() => {
    if (waiting.size === 0) {
      clearInterval(running.watch);
      delete running.watch;
      return;
    }
    const [{ rows, askedAt }] = waiting.values() as MapIterator<Waiting> & [Waiting];
    const ms = performance.now() - askedAt;
    const now = computedTicksOf(child.pid!);
    // Looks are counted, not seconds: a server that was stopped itself finds none that hangs.
    still = now === undefined || now !== ticks || ms < SERVING_LIMITS.hangCheckMs ? 0 : still + 1;
    ticks = now;
    const isStill = still >= SERVING_LIMITS.hangChecksMax;
    if (!isStill && ms < Math.max(SERVING_LIMITS.callMsMax, SERVING_LIMITS.callSlownessMax * running.rowMs * rows)) return;
    running.end(
      `hung: it was asked for ${(ms / 1_000).toFixed(1)} s and ${isStill ? 'did not compute' : `computed without an end for ${rows} rows`}`,
      'did not answer, and is started again',
    );
    child.kill('SIGKILL');
  }, SERVING_LIMITS.hangCheckMs).unref();
}

function answer(running: Running, head: Head, values: Uint8Array): void {
  const { waiting } = running;
  if (head.type !== 'answer' && head.type !== 'failed') return;
  const asked = waiting.get(head.id!);
  if (asked === undefined) return;
  waiting.delete(head.id!);
  if (head.type === 'answer') running.rowMs = Math.max(running.rowMs, (performance.now() - asked.askedAt) / Math.max(1, asked.rows));
  if (head.type === 'answer') asked.resolve(new Float32Array(values.buffer));
  else asked.reject(errorOf(head));
}

function errorOf({ code, message, hint }: Extract<Head, { type: 'failed' }>): PerennialError {
  return new PerennialError(code, message, hint === '' ? {} : { hint });
}

function bytesPerValue(batch: TensorBatch, name: string): number {
  return batch[name]!.data.BYTES_PER_ELEMENT;
}

function gone(how: string): RequestError {
  return new RequestError(503, `The process of the network ${how}. Try again in a second.`, { retryAfter: 1 });
}
