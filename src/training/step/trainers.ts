import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import type { Socket } from 'node:net';
import { availableParallelism } from 'node:os';
import { telemetryIsOn, traceEnvironment } from '../../telemetry/telemetry.ts';
import { environmentForTf } from '../tensorflow/tf.ts';
import type { TrainerMessage, TrainerOrder } from '../trainer/protocol.ts';

/** What a process has decided for good when it has loaded TensorFlow: a job goes to one of its kind alone. */
export interface TrainerKind {
  /** The built entry point. */
  readonly trainer: string;
  /** Of the entry point: what was built anew is another trainer. */
  readonly digest: string;
  readonly oneDnn: boolean;
}

export interface TrainersOptions {
  /** Processes that wait for a job at most. Default: as many as a worker lets train at once by default. */
  readonly idleMax?: number;
  /** Milliseconds that a process waits for a job before it is ended. */
  readonly idleMs?: number;
  /** Bytes of resident memory from which on a process is ended after its job. */
  readonly rssMax?: number;
}

/** How a process ended. */
export interface TrainerEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** The error where it could not even be started. */
  readonly error?: Error;
}

const IDLE_MS = 60_000;
/** A small model leaves about 300 MiB, most of it TensorFlow itself. */
const RSS_MAX = 768 * 2 ** 20;
const STDERR_CHARS = 4_000;
/** A process can call itself by no longer name than it was started with; it is called by its job. */
const ROOM_FOR_NAME = ' '.repeat(1_000);

/** A process that trains: one job at a time. */
export class Trainer {
  readonly key: string;
  readonly ended: Promise<TrainerEnd>;
  /** Whether it has worked or was started before it was needed. */
  waited = false;
  onMessage: (message: TrainerMessage) => void = () => undefined;
  readonly #child: ChildProcess;
  #lastWords = '';
  #gone = false;

  constructor(key: string, { trainer }: TrainerKind) {
    this.key = key;
    this.#child = fork(trainer, ['--stay', ROOM_FOR_NAME], {
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      env: { ...environmentForTf(), ...traceEnvironment() },
      execArgv: [],
      serialization: 'json',
    });
    const keepTail = (chunk: Buffer): void => {
      this.#lastWords = (this.#lastWords + chunk.toString('utf8')).slice(-STDERR_CHARS);
    };
    this.#child.stdout!.on('data', keepTail);
    this.#child.stderr!.on('data', keepTail);
    this.#child.on('message', (message: TrainerMessage) => this.onMessage(message));
    this.ended = new Promise((resolve) => {
      this.#child.on('error', (error) => resolve({ code: null, signal: null, error }));
      this.#child.once('close', (code, signal) => resolve({ code, signal }));
    });
    void this.ended.then(() => (this.#gone = true));
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** What it wrote last of the job at hand. */
  get lastWords(): string {
    return this.#lastWords;
  }

  get gone(): boolean {
    return this.#gone;
  }

  /** Gives it something to do. Where it is gone already, `ended` tells. */
  order(order: TrainerOrder): void {
    if (order.type === 'job') this.#lastWords = '';
    this.#child.send(order, () => undefined);
  }

  /** `SIGTERM` lets it save a checkpoint first. */
  end(signal: 'SIGTERM' | 'SIGKILL' = 'SIGKILL'): void {
    this.#child.kill(signal);
  }

  /** Whether this process stays alive for it. */
  hold(holds: boolean): void {
    const { stdout, stderr, channel } = this.#child;
    for (const each of [this.#child, channel, stdout as Socket, stderr as Socket])
      if (holds) each?.ref();
      else each?.unref();
  }
}

/**
 * Processes that train. One that did its job well is handed the next of its kind, which then starts without a process and TensorFlow to be
 * loaded; nothing of the job before is left in it. One that was cancelled, killed or failed, or whose memory has grown, is ended.
 */
export class Trainers {
  readonly #options: Required<TrainersOptions>;
  readonly #idle = new Map<Trainer, NodeJS.Timeout>();

  constructor(options: TrainersOptions = {}) {
    this.#options = {
      idleMax: options.idleMax ?? Math.max(2, Math.floor(availableParallelism() / 2)),
      idleMs: options.idleMs ?? IDLE_MS,
      rssMax: options.rssMax ?? RSS_MAX,
    };
  }

  /** Those that have nothing to do. */
  get waiting(): readonly Trainer[] {
    return [...this.#idle.keys()];
  }

  /** One that waits, or a new one. It is the caller's until it is given back or ends. */
  take(kind: TrainerKind): Trainer {
    const key = keyOf(kind);
    const found = this.waiting.findLast((trainer) => trainer.key === key && !trainer.gone);
    if (found === undefined) return new Trainer(key, kind);
    this.#forget(found);
    found.hold(true);
    return found;
  }

  /** The order for a job. */
  job(path: string): TrainerOrder {
    // The trace of a step comes to its trainer at its start.
    return { type: 'job', path, ...(telemetryIsOn() ? {} : { stayUpTo: this.#options.rssMax }) };
  }

  /** Takes back one whose job is done, and that said that it stays. */
  give(trainer: Trainer): void {
    trainer.onMessage = () => undefined;
    trainer.waited = true;
    trainer.hold(false);
    const timer = setTimeout(() => {
      this.#forget(trainer);
      trainer.end();
    }, this.#options.idleMs);
    timer.unref();
    this.#idle.set(trainer, timer);
    void trainer.ended.then(() => this.#forget(trainer));
    for (const oldest of this.waiting.slice(0, Math.max(0, this.#idle.size - this.#options.idleMax))) {
      this.#forget(oldest);
      oldest.end();
    }
  }

  /** Starts one for a job that is expected, in place of one that was ended. */
  prepare(kind: TrainerKind): void {
    const key = keyOf(kind);
    if (telemetryIsOn() || this.waiting.some((trainer) => trainer.key === key)) return;
    const trainer = new Trainer(key, kind);
    trainer.order({ type: 'load', oneDnn: kind.oneDnn });
    this.give(trainer);
  }

  /** Ends those that wait. */
  async close(): Promise<void> {
    const idle = this.waiting;
    for (const trainer of idle) {
      this.#forget(trainer);
      trainer.hold(true);
      trainer.end();
    }
    await Promise.all(idle.map(({ ended }) => ended));
  }

  #forget(trainer: Trainer): void {
    clearTimeout(this.#idle.get(trainer));
    this.#idle.delete(trainer);
  }
}

/** The environment is part of what a process is; of one that has nothing to tell, it does not change. */
function keyOf(kind: TrainerKind): string {
  return JSON.stringify([kind.trainer, kind.digest, kind.oneDnn, environmentForTf(), traceEnvironment()]);
}
