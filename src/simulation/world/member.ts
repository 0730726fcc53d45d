import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { closeSync, openSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PerennialError } from '../../core/errors.ts';
import { entryPoint } from '../../platform/paths.ts';
import type { MemberKind, MemberMessage, MemberOrder, MemberTask } from '../members/protocol.ts';
import type { Jump } from '../members/simulated-clock.ts';
import { lastOf } from './last-words.ts';

const STARTS_WITHIN_MS = 60_000;
const STOPS_WITHIN_MS = 20_000;

export interface MemberPlace extends Pick<MemberTask, 'temporal' | 'folder'> {
  readonly env: NodeJS.ProcessEnv;
  readonly log: string;
  readonly port: number;
  readonly jumps: readonly Jump[];
}

/** A process that lives by the simulated clock. It can be killed, and another one started in its place. */
export class Member {
  readonly kind: MemberKind;
  readonly url: string;
  readonly port: number;
  readonly #child: ChildProcess;
  readonly #log: string;
  readonly #waiting = new Map<number, { readonly resolve: () => void; readonly reject: (error: Error) => void }>();
  readonly #exited: Promise<void>;
  #orders = 0;
  #gone: string | undefined;

  private constructor(child: ChildProcess, kind: MemberKind, log: string, ready: { readonly url: string | null; readonly port: number }) {
    this.#child = child;
    this.#log = log;
    this.kind = kind;
    this.url = ready.url ?? '';
    this.port = ready.port;
    child.on('message', (message: MemberMessage) => {
      if (message.kind !== 'done') return;
      this.#waiting.get(message.id)?.resolve();
      this.#waiting.delete(message.id);
    });
    this.#exited = new Promise((resolve) => {
      const over = (): void => {
        this.#gone ??= 'it ended';
        for (const { reject } of this.#waiting.values()) reject(this.#error());
        this.#waiting.clear();
        resolve();
      };
      if (child.exitCode !== null || child.signalCode !== null) over();
      else child.once('exit', over);
    });
  }

  /** @throws INTERNAL with what it said last */
  static async start(kind: MemberKind, { env, log, port, jumps, temporal, folder }: MemberPlace): Promise<Member> {
    const task: MemberTask = { kind, jumps, port, temporal, folder };
    const file = openSync(log, 'a');
    // In a file: after two years of jumps it is too long for an argument.
    const path = join(folder, `${kind}-${randomUUID()}.json`);
    writeFileSync(path, JSON.stringify(task));
    const child = fork(entryPoint('simulated'), [path], { env, stdio: ['ignore', file, file, 'ipc'] });
    closeSync(file);
    const ready = await new Promise<Extract<MemberMessage, { kind: 'ready' }>>((resolve, reject) => {
      const fail = (why: string): void => {
        clearTimeout(timer);
        child.kill('SIGKILL');
        reject(
          new PerennialError('INTERNAL', `The simulated ${kind} did not start: ${why}${lastOf(log)}`, {
            hint: 'Run it again: perhaps the machine was short of memory or disk.',
          }),
        );
      };
      const timer = setTimeout(() => fail(`it is not ready after ${STARTS_WITHIN_MS / 1_000} s.`), STARTS_WITHIN_MS);
      child.once('exit', (code, by) => fail(`it ended with ${String(code ?? by)}.`));
      child.on('message', (message: MemberMessage) => {
        if (message.kind === 'failed') fail(message.message);
        if (message.kind !== 'ready') return;
        clearTimeout(timer);
        resolve(message);
      });
    });
    return new Member(child, kind, log, ready);
  }

  /** Resolves once it was done. @throws INTERNAL where the process is gone */
  order(order: { readonly kind: 'jump'; readonly jump: Jump } | { readonly kind: 'flush' }): Promise<void> {
    if (this.#gone !== undefined) return Promise.reject(this.#error());
    const id = (this.#orders += 1);
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#child.send({ ...order, id } satisfies MemberOrder);
    });
  }

  /** As a machine that loses its power. */
  async kill(): Promise<void> {
    this.#gone = 'it was killed';
    this.#child.kill('SIGKILL');
    await this.#exited;
  }

  async stop(): Promise<void> {
    this.#gone ??= 'it was stopped';
    this.#child.kill('SIGTERM');
    const late = setTimeout(() => this.#child.kill('SIGKILL'), STOPS_WITHIN_MS);
    await this.#exited;
    clearTimeout(late);
  }

  #error(): PerennialError {
    return new PerennialError('INTERNAL', `The simulated ${this.kind} is not there: ${this.#gone ?? 'it ended'}.${lastOf(this.#log)}`);
  }
}
