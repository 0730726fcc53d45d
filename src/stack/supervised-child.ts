import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, renameSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { messageOf } from '../core/errors.ts';
import { withoutCredentials } from '../platform/environment.ts';
import { logsDir } from '../platform/stack.ts';
import { identify, signalGroup, stopProcess, type ProcessIdentity } from '../platform/process-info.ts';
import { forgetProcess, recordProcess, type StackProcess } from '../platform/stack-processes.ts';

export interface ChildSpec {
  readonly name: string;
  readonly program: string;
  /** Asked for at every start, since a port may have to change. */
  readonly args: () => Promise<readonly string[]>;
  readonly env: Readonly<Record<string, string>>;
  /** The program says `{ ready: true, url? }` on an IPC channel; otherwise `probe` finds out. */
  readonly ipc: boolean;
  readonly probe?: (gaveUp: () => boolean) => Promise<boolean>;
  readonly readyMsMax: number;
  readonly stopMsMax: number;
}

const LOG_BYTES_MAX = 10_000_000;
const BACKOFF_MS = { first: 250, longest: 10_000 } as const;
/** A child that ran this long was fine: the next restart is quick again. */
const HEALTHY_MS = 30_000;

/**
 * One child of the supervisor, leader of a process group of its own. After it was ready once, it is started again whenever it
 * ends, with growing pauses. Its output goes to `logs/<name>.log`.
 */
export class SupervisedChild {
  identity: ProcessIdentity | undefined;
  url: string | undefined;
  readonly #spec: ChildSpec;
  readonly #changed: () => void;
  readonly #note: (text: string) => void;
  #process: ChildProcess | undefined;
  #stopping = false;
  #failures = 0;
  #wake: (() => void) | undefined;

  constructor(spec: ChildSpec, changed: () => void, note: (text: string) => void) {
    this.#spec = spec;
    this.#changed = changed;
    this.#note = note;
  }

  get name(): string {
    return this.#spec.name;
  }

  /** @throws Error with the end of its log where it ends, or is not ready in time. */
  async start(): Promise<void> {
    const { child, readyAt } = await this.#startOnce();
    void this.#watch(child, readyAt);
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    this.#wake?.();
    if (this.identity !== undefined) await stopProcess(this.identity, this.#spec.stopMsMax, 'group');
    this.#killGroup();
  }

  async #startOnce(): Promise<{ child: ChildProcess; readyAt: number }> {
    const { name, program, env, ipc, readyMsMax } = this.#spec;
    const args = await this.#spec.args();
    if (this.#stopping) throw new Error('stopping');
    const log = openLog(name);
    writeSync(log, `--- ${new Date().toISOString()} ${program} ${args.join(' ')}\n`);
    // Workers and servers of ours open the store and Temporal; other programs have no use for credentials.
    const child = spawn(program, args, {
      detached: true,
      stdio: ipc ? ['ignore', log, log, 'ipc'] : ['ignore', log, log],
      env: { ...(ipc ? process.env : withoutCredentials()), ...env },
    });
    closeSync(log);
    this.#process = child;
    let ended: string | undefined;
    const end = new Promise<'ended'>((resolve) => {
      child.once('error', (error) => {
        ended = messageOf(error);
        resolve('ended');
      });
      child.once('exit', (code, signal) => {
        ended = signal === null ? `it ended with code ${code}` : `it was ended by ${signal}`;
        resolve('ended');
      });
    });
    if (child.pid !== undefined) {
      try {
        this.identity = identify(child.pid);
      } catch {
        this.identity = undefined; // it ended at once; `ended` says how
      }
    }
    this.#keepRecord(recordProcess);
    this.#changed();
    const outcome = await Promise.race([end, this.#becomesReady(child, () => ended !== undefined || this.#stopping), expire(readyMsMax)]);
    if (outcome === 'ready') return { child, readyAt: Date.now() };
    const why = ended ?? (this.#stopping ? 'it was told to stop' : `it was not ready after ${readyMsMax / 1000} s`);
    if (!this.#stopping && this.identity !== undefined) await stopProcess(this.identity, 2_000, 'group');
    this.#killGroup();
    this.#gone();
    throw new Error(`${name} did not start: ${why}.${logTail(name)}`);
  }

  async #becomesReady(child: ChildProcess, gaveUp: () => boolean): Promise<'ready' | never> {
    const { probe } = this.#spec;
    if (probe !== undefined) return (await probe(gaveUp)) ? 'ready' : forever();
    return new Promise((resolve) => {
      child.on('message', (message: unknown) => {
        const { ready, url } = message as { ready?: boolean; url?: string };
        if (ready !== true) return;
        this.url = url;
        resolve('ready');
      });
    });
  }

  async #watch(child: ChildProcess, readyAt: number): Promise<void> {
    let [current, since] = [child, readyAt];
    this.#changed();
    for (;;) {
      const how = await endOf(current);
      this.#killGroup();
      this.#gone();
      if (this.#stopping) return;
      if (Date.now() - since > HEALTHY_MS) this.#failures = 0;
      this.#note(`${this.name} ${how}; it is started again`);
      const next = await this.#restart();
      if (next === undefined) return;
      [current, since] = [next.child, next.readyAt];
      this.#changed();
      this.#note(`${this.name} is back (process ${current.pid})`);
    }
  }

  async #restart(): Promise<{ child: ChildProcess; readyAt: number } | undefined> {
    while (!this.#stopping) {
      await this.#pause(Math.min(BACKOFF_MS.longest, BACKOFF_MS.first * 2 ** this.#failures));
      this.#failures += 1;
      try {
        return await this.#startOnce();
      } catch (error) {
        if (!this.#stopping) this.#note(messageOf(error));
      }
    }
    return undefined;
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  /** A full disk is no reason to end what runs. */
  #keepRecord(keep: (process: StackProcess) => void): void {
    if (this.identity === undefined) return;
    try {
      keep({ name: this.name, ...this.identity });
    } catch (error) {
      this.#note(`${this.name}: the record of process ${this.identity.pid} could not be kept: ${messageOf(error)}`);
    }
  }

  /** What the child left behind, such as a trainer. */
  #killGroup(): void {
    const pid = this.#process?.pid;
    try {
      signalGroup(pid, 'SIGKILL');
    } catch (error) {
      this.#note(`${this.name}: its process group ${pid} could not be ended: ${messageOf(error)}`);
    }
  }

  #gone(): void {
    this.#keepRecord(forgetProcess);
    this.identity = undefined;
    this.#process = undefined;
    this.#changed();
  }
}

function endOf(child: ChildProcess): Promise<string> {
  const text = (code: number | null, signal: NodeJS.Signals | null): string =>
    signal === null ? `ended with code ${code}` : `was ended by ${signal}`;
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve(text(child.exitCode, child.signalCode));
  return new Promise((resolve) => child.once('exit', (code, signal) => resolve(text(code, signal))));
}

function forever(): Promise<never> {
  return new Promise(() => {});
}

function expire(ms: number): Promise<'late'> {
  return new Promise((resolve) => setTimeout(() => resolve('late'), ms).unref());
}

function openLog(name: string): number {
  mkdirSync(logsDir(), { recursive: true });
  const path = join(logsDir(), `${name}.log`);
  if (existsSync(path) && statSync(path).size > LOG_BYTES_MAX) renameSync(path, `${path}.1`);
  return openSync(path, 'a');
}

/** The last lines of a log, for a message. */
export function logTail(name: string, lines = 8): string {
  const path = join(logsDir(), `${name}.log`);
  if (!existsSync(path)) return '';
  const text = readFileSync(path, 'utf8')
    .trimEnd()
    .split('\n')
    .filter((line) => !line.startsWith('--- '));
  return text.length === 0
    ? ` Its log ${path} is empty.`
    : ` The end of ${path}:\n${text
        .slice(-lines)
        .map((line) => `    ${line}`)
        .join('\n')}`;
}
