import { mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ObjectStore } from '../../core/ports.ts';
import { toolsDir } from '../../platform/paths.ts';
import type { Report } from '../../provisioning/provisioner.ts';
import { ensureTestServer } from '../../provisioning/test-server.ts';
import { FileStore } from '../../storage/file-store.ts';
import type { Jump } from '../members/simulated-clock.ts';
import { Member } from './member.ts';
import type { MemberPlace } from './member.ts';
import { TimeServer } from './time-server.ts';

/** Variables of the user's own stack, store and telemetry: nothing of a simulation goes there. */
const FOREIGN = /^(PERENNIAL_|TEMPORAL_|OTEL_|AWS_|S3_|TRACEPARENT$)/;
/** Two clocks that differ by less are told apart by nobody. */
const BLUR_MS = 50;
const KEPT = /^PERENNIAL_(TOOLS|CHROMIUM)$/;

/**
 * A home, a store, a Temporal, a worker and a model server of their own, by a clock of their own. All of it is in one temporary folder,
 * and gone when it is closed.
 */
export class World {
  readonly folder: string;
  readonly time: TimeServer;
  readonly store: ObjectStore;
  readonly #env: NodeJS.ProcessEnv;
  readonly #jumps: Jump[];
  #worker: Member | undefined;
  #server: Member | undefined;
  #serverPort = 0;

  private constructor(folder: string, time: TimeServer, store: ObjectStore, env: NodeJS.ProcessEnv, jumps: Jump[]) {
    this.folder = folder;
    this.time = time;
    this.store = store;
    this.#env = env;
    this.#jumps = jumps;
  }

  /** @throws PROVISIONING_FAILED, TEMPORAL_UNAVAILABLE, INTERNAL */
  static async open(report: Report): Promise<World> {
    const tool = await ensureTestServer(report);
    const folder = mkdtempSync(join(tmpdir(), 'perennial-simulation-'));
    let time: TimeServer | undefined;
    let world: World | undefined;
    try {
      for (const name of ['home', 'logs', 'data']) mkdirSync(join(folder, name));
      time = await TimeServer.start(tool.path, join(folder, 'logs'));
      const store = new FileStore(join(folder, 'store'), { sync: false });
      await store.attach();
      const env = {
        ...Object.fromEntries(Object.entries(process.env).filter(([name]) => !FOREIGN.test(name) || KEPT.test(name))),
        PERENNIAL_HOME: join(folder, 'home'),
        PERENNIAL_TOOLS: toolsDir(),
        PERENNIAL_STORE: `file:${join(folder, 'store')}`,
        TEMPORAL_ADDRESS: time.address,
      };
      world = new World(folder, time, store, env, [{ from: 0, aheadMs: (await time.now()) - Date.now() }]);
      // One that starts is waited for where the other one does not: it would be left behind.
      const started = await Promise.allSettled([world.startWorker(), world.startServer()]);
      for (const one of started) if (one.status === 'rejected') throw one.reason;
      return world;
    } catch (error) {
      await Promise.allSettled((world === undefined ? [] : world.#members()).map((member) => member.kill()));
      await time?.stop();
      rmSync(folder, { recursive: true, force: true });
      throw error;
    }
  }

  /** undefined: it is away. */
  get serverUrl(): string | undefined {
    return this.#server?.url;
  }

  async startWorker(): Promise<void> {
    this.#worker = await Member.start('worker', this.#place('worker', 0));
  }

  /** At the address that it had before. */
  async startServer(): Promise<void> {
    this.#server = await Member.start('server', this.#place('server', this.#serverPort));
    this.#serverPort = this.#server.port;
  }

  async killWorker(): Promise<void> {
    const worker = this.#worker;
    this.#worker = undefined;
    await worker?.kill();
  }

  async killServer(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    await server?.kill();
  }

  /** The folder of the store is gone, as a network drive that is not mounted. */
  takeStoreAway(): void {
    renameSync(join(this.folder, 'store'), join(this.folder, 'store.away'));
  }

  bringStoreBack(): void {
    renameSync(join(this.folder, 'store.away'), join(this.folder, 'store'));
  }

  /** Simulated, in milliseconds since 1970. */
  now(): number {
    return Date.now() + this.#jumps.at(-1)!.aheadMs;
  }

  /** Lets the time pass until then, for Temporal and all processes; a time that is over already is let be. */
  async until(ms: number): Promise<void> {
    const left = ms - (await this.time.now());
    if (left > 0) await this.time.skip(left);
    const jump = { from: Date.now(), aheadMs: (await this.time.now()) - Date.now() };
    // What asking takes is no jump.
    if (Math.abs(jump.aheadMs - this.#jumps.at(-1)!.aheadMs) < BLUR_MS) return;
    this.#jumps.push(jump);
    await Promise.all(this.#members().map((member) => member.order({ kind: 'jump', jump })));
  }

  /** What the server has answered until now is in the log of predictions. */
  async flush(): Promise<void> {
    await this.#server?.order({ kind: 'flush' });
  }

  /** @param interrupted in the middle of whatever goes on: nothing is waited for */
  async close(interrupted = false): Promise<void> {
    await Promise.allSettled(this.#members().map((member) => (interrupted ? member.kill() : member.stop())));
    await this.time.stop(!interrupted);
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 3 });
  }

  #members(): Member[] {
    return [this.#worker, this.#server].filter((member) => member !== undefined);
  }

  #place(name: string, port: number): MemberPlace {
    return {
      env: this.#env,
      log: join(this.folder, 'logs', `${name}.log`),
      port,
      jumps: this.#jumps,
      temporal: this.time.identity,
      folder: this.folder,
    };
  }
}
