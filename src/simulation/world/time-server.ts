import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { InternalConnectionOptionsSymbol } from '@temporalio/client/lib/connection.js';
import { msNumberToTs, tsToMs } from '@temporalio/common/lib/time.js';
import { TEMPORAL_DEFAULTS } from '../../../temporal.config.ts';
import { PerennialError, messageOf } from '../../core/errors.ts';
import { SEARCH_ATTRIBUTES } from '../../core/search-attributes.ts';
import { identify, signal, stopProcess } from '../../platform/process-info.ts';
import type { ProcessIdentity } from '../../platform/process-info.ts';
import { freePort, startOnPorts } from '../../platform/ports.ts';
import type { Temporal } from '../../runs/connect.ts';
import { lastOf } from './last-words.ts';

/** Numbers of Temporal's `IndexedValueType`. */
const INDEXED = { KEYWORD: 2, INT: 3, DOUBLE: 4, DATETIME: 6 } as const;
/** What Temporal's scheduler marks the workflows with that it starts: it is not there, so its attributes are not known either. */
const SCHEDULED = { TemporalScheduledStartTime: 'DATETIME', TemporalScheduledById: 'KEYWORD' } as const;
const STARTS_WITHIN_MS = 30_000;
/** How often it is looked whether the time is skipped; after so many looks in vain somebody holds it who should not. */
const LOOK_MS = 200;
const STILL_MAX = 3;
const LEAP_MS = 1_000;
/** The test server hangs up on clients that ask more often than every five minutes whether it is there. */
const QUIET = { 'grpc.keepalive_time_ms': 3_600_000, 'grpc.keepalive_permit_without_calls': 0 };

/**
 * Temporal's test server: workflows, timers, activities and updates as they are, in memory, with a clock that can be skipped forward. It
 * has no schedules, and lists neither workflows nor workers.
 */
export class TimeServer {
  readonly address: string;
  readonly temporal: Temporal;
  readonly identity: ProcessIdentity;
  readonly #process: ChildProcess;
  readonly #connection: Connection;

  private constructor(address: string, process: ChildProcess, connection: Connection) {
    this.address = address;
    this.#process = process;
    this.identity = identify(process.pid!);
    this.#connection = connection;
    const { namespace, taskQueue, connectTimeoutMs } = TEMPORAL_DEFAULTS;
    this.temporal = {
      client: new Client({ connection, namespace }),
      connection,
      settings: { address, namespace, taskQueue, uiUrl: undefined, connectTimeoutMs, connection: { address } },
      close: () => connection.close(),
    };
  }

  /** @throws TEMPORAL_UNAVAILABLE */
  static start(program: string, logs: string): Promise<TimeServer> {
    const choose = async (): Promise<number[]> => [await freePort()];
    return startOnPorts(
      choose,
      ([port]) => TimeServer.#startOn(port!, program, logs),
      () => undefined,
    );
  }

  static async #startOn(port: number, program: string, logs: string): Promise<TimeServer> {
    const address = `127.0.0.1:${port}`;
    const log = openSync(join(logs, 'temporal.log'), 'a');
    // In a group of its own: the keyboard does not reach it, and it goes when the simulation says so.
    const child = spawn(program, [String(port)], { stdio: ['ignore', log, log], detached: true });
    closeSync(log);
    let gone: string | undefined;
    child.once('error', (error) => (gone = messageOf(error)));
    child.once('exit', (code, by) => (gone = `it ended with ${String(code ?? by)}`));
    for (const until = Date.now() + STARTS_WITHIN_MS; gone === undefined && Date.now() < until;) {
      try {
        const connection = await Connection.connect({
          address,
          connectTimeout: 1_000,
          channelArgs: QUIET,
          [InternalConnectionOptionsSymbol]: { supportsTestService: true },
        } as Parameters<typeof Connection.connect>[0]);
        const searchAttributes = Object.fromEntries(
          Object.entries({ ...SEARCH_ATTRIBUTES, ...SCHEDULED }).map(([name, type]) => [name, INDEXED[type]]),
        );
        await connection.operatorService.addSearchAttributes({ namespace: TEMPORAL_DEFAULTS.namespace, searchAttributes });
        return new TimeServer(address, child, connection);
      } catch (error) {
        if (Date.now() >= until) gone = messageOf(error);
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    }
    child.kill('SIGKILL');
    throw new PerennialError(
      'TEMPORAL_UNAVAILABLE',
      `Temporal's test server did not start (${gone ?? 'it does not answer'}).${lastOf(join(logs, 'temporal.log'))}`,
      {
        hint: `${program} is the program.`,
      },
    );
  }

  /** By its clock, in milliseconds since 1970. */
  async now(): Promise<number> {
    const { time } = await this.#connection.testService!.getCurrentTime({});
    return tsToMs(time);
  }

  /**
   * Lets the time pass at once; timers that are due meanwhile fire in their order. While activities run, it passes as it does.
   *
   * The test server counts who holds the time still, and forgets to count down where a workflow ends before a child that it left behind:
   * then the time passes as it does for ever. Where nothing happens though the time should be skipped, one is let go in its place.
   */
  async skip(ms: number): Promise<void> {
    const service = this.#connection.testService!;
    let isOver = false;
    const passed = service.unlockTimeSkippingWithSleep({ duration: msNumberToTs(ms) }).finally(() => (isOver = true));
    passed.catch(() => undefined);
    for (let still = 0, before = Infinity; !isOver;) {
      await Promise.race([passed, new Promise((resolve) => setTimeout(resolve, LOOK_MS))]);
      if (isOver) break;
      const now = await this.now();
      still = now - before < 2 * LOOK_MS ? still + 1 : 0;
      before = now;
      if (still < STILL_MAX) continue;
      await service.unlockTimeSkipping({});
      still = 0;
    }
    await passed;
    await this.#holdStill();
  }

  /** Should too many have been let go, the time is held again. */
  async #holdStill(): Promise<void> {
    const [before, began] = [await this.now(), performance.now()];
    if ((await this.now()) - before > performance.now() - began + LEAP_MS) await this.#connection.testService!.lockTimeSkipping({});
  }

  /** It answers nobody until {@link resume}. */
  pause(): void {
    this.#process.kill('SIGSTOP');
  }

  resume(): void {
    this.#process.kill('SIGCONT');
  }

  /** @param calls false: some may be under way, whose failures nobody hears; the connection goes with this process */
  async stop(calls = true): Promise<void> {
    if (calls) await this.#connection.close().catch(() => undefined);
    signal(this.identity, 'SIGCONT');
    await stopProcess(this.identity, 2_000);
  }
}
