import type { Tensor, TensorBatch, TensorSpec } from '../core/tensor.ts';
import { SERVING_LIMITS } from './limits.ts';
import { RequestError } from './request-error.ts';
import type { WaitingPredictor } from './servable.ts';

export interface BatcherOptions {
  readonly batchRowsMax: number;
  readonly queueRowsMax: number;
  /** How long a request waits for the network, in milliseconds. Default: for ever. */
  readonly waitMsMax?: number;
  /** Told the rows of every call of the network. */
  readonly onBatch?: (rows: number) => void;
}

interface Job {
  readonly batch: TensorBatch;
  readonly rows: number;
  readonly output: Float32Array;
  /** Rows taken into batches so far, and rows whose values have arrived. */
  taken: number;
  done: number;
  failed: boolean;
  /** By `performance.now()`: until then the network has to begin with it. */
  readonly until: number;
  readonly waitMs: number;
  resolve(output: Float32Array): void;
  reject(error: unknown): void;
}

interface Slice {
  readonly job: Job;
  readonly start: number;
  readonly rows: number;
}

/**
 * Joins the tensors of concurrent requests into calls of the network. The window is one turn of the event loop: a lone request
 * waits for nothing, and what arrives while a batch computes forms the next one. A request that makes its batch fail does not
 * fail the others: they run again without it.
 */
export class Batcher {
  readonly #predictor: WaitingPredictor;
  readonly #options: BatcherOptions;
  readonly #width: number;
  readonly #queue: Job[] = [];
  #waitingRows = 0;
  #running = false;

  constructor(predictor: WaitingPredictor, options: BatcherOptions) {
    this.#predictor = predictor;
    this.#options = options;
    this.#width = predictor.meta.outputShape.reduce((product, size) => product * size, 1);
  }

  get waitingRows(): number {
    return this.#waitingRows;
  }

  /**
   * @param waitMs how long it may wait, where that is less than for all
   * @returns at once where the network answers at once
   * @throws RequestError 503 when the queue is full, or the network did not come to it in time.
   */
  predict(batch: TensorBatch, waitMs = Infinity): Float32Array | Promise<Float32Array> {
    const rows = rowsOf(batch);
    if (rows === 0) return new Float32Array(0);
    // Nobody is waiting, and many rows would keep everybody else waiting.
    const values = this.#running || rows > this.#options.batchRowsMax ? undefined : this.#predictor.predictNow?.(batch);
    if (values === undefined) return this.#enqueue(batch, rows, waitMs);
    this.#options.onBatch?.(rows);
    return this.#checked(values, rows);
  }

  /** @throws Error where the network gives another number of values than it says */
  #checked(values: Float32Array, rows: number): Float32Array {
    if (values.length === rows * this.#width) return values;
    throw new Error(`the network gave ${values.length} values for ${rows} rows of ${this.#width}`);
  }

  #enqueue(batch: TensorBatch, rows: number, waitMs: number): Promise<Float32Array> {
    if (this.#waitingRows > 0 && this.#waitingRows + rows > this.#options.queueRowsMax) {
      return Promise.reject(
        new RequestError(503, `The server is busy: ${this.#waitingRows} rows wait already. Try again in a second.`, { retryAfter: 1 }),
      );
    }
    this.#waitingRows += rows;
    return new Promise((resolve, reject) => {
      const patience = Math.min(waitMs, this.#options.waitMsMax ?? Infinity);
      this.#queue.push({
        batch,
        rows,
        output: new Float32Array(rows * this.#width),
        taken: 0,
        done: 0,
        failed: false,
        until: performance.now() + patience,
        waitMs: patience,
        resolve,
        reject,
      });
      if (!this.#running) {
        this.#running = true;
        setImmediate(() => void this.#drain());
      }
    });
  }

  async #drain(): Promise<void> {
    while (this.#queue.length > 0) {
      const ready = this.#predictor.ready?.();
      if (ready !== undefined && !(await this.#patiently(ready))) continue;
      await this.#runSlices(this.#nextSlices());
      if (this.#queue.length > 0) await new Promise((resolve) => setImmediate(resolve));
    }
    this.#running = false;
  }

  /** Whether the network came back; those who waited too long for it are told so meanwhile. */
  async #patiently(ready: Promise<void>): Promise<boolean> {
    const sweep = setInterval(() => {
      const now = performance.now();
      for (const job of [...this.#queue]) if (now > job.until) this.#fail(job, tooLate(job));
    }, SERVING_LIMITS.patienceCheckMs);
    try {
      await ready;
      return true;
    } catch (error) {
      for (const job of [...this.#queue]) this.#fail(job, error);
      return false;
    } finally {
      clearInterval(sweep);
    }
  }

  #nextSlices(): Slice[] {
    const slices: Slice[] = [];
    const now = performance.now();
    let room = this.#options.batchRowsMax;
    while (room > 0 && this.#queue.length > 0) {
      const job = this.#queue[0]!;
      if (job.taken === 0 && now > job.until) {
        this.#fail(job, tooLate(job));
        continue;
      }
      const rows = Math.min(room, job.rows - job.taken);
      slices.push({ job, start: job.taken, rows });
      job.taken += rows;
      room -= rows;
      if (job.taken === job.rows) this.#queue.shift();
    }
    return slices;
  }

  async #runSlices(slices: readonly Slice[]): Promise<void> {
    if (slices.length === 0) return;
    const rows = slices.reduce((sum, slice) => sum + slice.rows, 0);
    this.#options.onBatch?.(rows);
    try {
      const values = this.#checked(await this.#predictor.predict(joinSlices(slices, rows)), rows);
      let offset = 0;
      for (const slice of slices) {
        this.#deliver(slice, values.subarray(offset, offset + slice.rows * this.#width));
        offset += slice.rows * this.#width;
      }
    } catch (error) {
      // A network that is not there is no fault of one of them.
      const isGone = error instanceof RequestError && error.status === 503;
      if (slices.length === 1 || isGone) for (const { job } of slices) this.#fail(job, error);
      else for (const slice of slices) await this.#runSlices([slice]);
    }
  }

  #deliver({ job, start, rows }: Slice, values: Float32Array): void {
    if (job.failed) return;
    job.output.set(values, start * this.#width);
    job.done += rows;
    this.#waitingRows -= rows;
    if (job.done === job.rows) job.resolve(job.output);
  }

  #fail(job: Job, error: unknown): void {
    if (job.failed) return;
    job.failed = true;
    this.#waitingRows -= job.rows - job.done;
    const position = this.#queue.indexOf(job);
    if (position !== -1) this.#queue.splice(position, 1);
    job.reject(error);
  }
}

function tooLate({ waitMs }: Job): RequestError {
  return new RequestError(503, `The server is busy: the request waited longer than ${Math.round(waitMs)} ms. Try again in a second.`, {
    retryAfter: 1,
  });
}

export function rowsOf(batch: TensorBatch): number {
  for (const name of Object.keys(batch)) return batch[name]!.rows;
  return 0;
}

function joinSlices(slices: readonly Slice[], rows: number): TensorBatch {
  const first = slices[0]!;
  if (slices.length === 1 && first.start === 0 && first.rows === first.job.rows) return first.job.batch;
  const joined: Record<string, Tensor> = {};
  for (const name of Object.keys(first.job.batch)) {
    const { spec } = first.job.batch[name]!;
    const size = sizeOf(spec);
    const data = arrayFor(spec, rows * size);
    let offset = 0;
    for (const { job, start, rows: count } of slices) {
      data.set(job.batch[name]!.data.subarray(start * size, (start + count) * size), offset);
      offset += count * size;
    }
    joined[name] = { spec, rows, data };
  }
  return joined;
}

/** Values of one example. */
export function sizeOf(spec: TensorSpec): number {
  return spec.shape.reduce((product, size) => product * size, 1);
}

export function arrayFor(spec: TensorSpec, length: number): Float32Array | Int32Array | Uint8Array {
  if (spec.dtype === 'float32') return new Float32Array(length);
  return spec.dtype === 'int32' ? new Int32Array(length) : new Uint8Array(length);
}
