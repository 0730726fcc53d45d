import { connect } from 'node:net';
import { mkdirSync } from 'node:fs';
import { PerennialError, isPerennialError, messageOf } from '../core/errors.ts';
import { ensureTemporal } from '../provisioning/temporal.ts';
import { alreadyRunning, type SupervisorMessage, type UpOptions } from './up.ts';
import { choosePort } from './choose-port.ts';
import { lastPorts, rememberPorts, type PortName } from './last-ports.ts';
import { refuseOpenDatabase, stopLeftovers } from './down.ts';
import { tryLock } from '../platform/lock.ts';
import { entryPoint, perennialHome } from '../platform/paths.ts';
import { startOnPorts } from '../platform/ports.ts';
import { identify } from '../platform/process-info.ts';
import { logsDir, readableStack, removeStack, stackFile, stackLock, storeLocation, writeStack, type Stack } from '../platform/stack.ts';
import { livingProcesses, temporalDatabase } from '../platform/stack-processes.ts';
import { SupervisedChild } from './supervised-child.ts';
import { devServerArguments, waitForTemporal } from '../platform/temporal-server.ts';

/** How often the supervisor looks whether what it wrote is still there. */
const STACK_FILE_MS = 2_000;

const STANDARD = { temporal: 7233, ui: 8233, server: 8080 } as const;

function tell(message: SupervisorMessage): void {
  if (message.note !== undefined) console.log(`${new Date().toISOString()} ${message.note}`);
  if (process.connected === true) process.send?.(message, () => {}); // whoever started us may be gone
}

const note = (text: string): void => tell({ note: text });

/** Starts Temporal, server and workers, keeps them running, and ends them when told. */
class Supervisor {
  readonly #options: UpOptions;
  readonly #startedAt = new Date().toISOString();
  readonly #workers: SupervisedChild[] = [];
  #state: Stack['state'] = 'starting';
  #temporal: Stack['temporal'];
  #temporalChild: SupervisedChild | undefined;
  #server: SupervisedChild | undefined;
  #serverPort = 0;
  readonly #last = lastPorts();
  #ports: Partial<Record<PortName, number>> = {};
  #guard: NodeJS.Timeout | undefined;
  /** Everything has ended: nothing is written any more. */
  #closed = false;

  constructor(options: UpOptions) {
    this.#options = options;
  }

  async start(): Promise<Stack> {
    this.#write();
    await Promise.all([this.#startTemporal(), this.#startServer()]);
    await Promise.all(Array.from({ length: this.#options.workers }, (_, index) => this.#startWorker(index + 1)));
    this.#state = 'up';
    rememberPorts(this.#ports);
    this.#guard = setInterval(() => this.#rewrite(), STACK_FILE_MS);
    return this.#write();
  }

  async stop(): Promise<void> {
    this.#state = 'stopping';
    this.#write();
    await Promise.all([...this.#workers, this.#server].map(async (child) => child?.stop()));
    await this.#temporalChild?.stop();
    clearInterval(this.#guard);
    this.#closed = true;
  }

  async #startTemporal(): Promise<void> {
    const external = process.env.TEMPORAL_ADDRESS;
    if (external !== undefined && external !== '') {
      const uiUrl = process.env.TEMPORAL_UI_URL;
      this.#temporal = { address: external, external: true, ...(uiUrl === undefined || uiUrl === '' ? {} : { uiUrl }) };
      if (!(await canConnect(external)))
        throw new PerennialError('TEMPORAL_UNAVAILABLE', `TEMPORAL_ADDRESS is "${external}", and nothing answers there.`, {
          hint: 'Start that server, correct the address, or unset TEMPORAL_ADDRESS to let Perennial start one.',
        });
      return;
    }
    const tool = await ensureTemporal(note);
    const { temporalPort, uiPort } = this.#options;
    const choose = async (): Promise<number[]> => [
      await choosePort(
        { what: 'Temporal', option: '--temporal-port', asked: temporalPort, standard: STANDARD.temporal, last: this.#last.temporal },
        note,
      ),
      await choosePort({ what: 'the Temporal UI', option: '--ui-port', asked: uiPort, standard: STANDARD.ui, last: this.#last.ui }, note),
    ];
    await this.#startOnPorts(choose, ([port, ui]) => this.#startTemporalOn(tool, port!, ui!));
  }

  async #startTemporalOn(tool: { readonly path: string; readonly version: string }, port: number, uiPort: number): Promise<void> {
    this.#ports = { ...this.#ports, temporal: port, ui: uiPort };
    const address = `127.0.0.1:${port}`;
    this.#temporal = { address, uiUrl: `http://127.0.0.1:${uiPort}`, external: false, version: tool.version };
    this.#temporalChild = this.#child({
      name: 'temporal',
      program: tool.path,
      ipc: false,
      env: {},
      readyMsMax: 60_000,
      stopMsMax: 10_000,
      args: () => Promise.resolve(devServerArguments({ port, uiPort, database: temporalDatabase() })),
      probe: (gaveUp) => waitForTemporal(address, 60_000, gaveUp),
    });
    await this.#temporalChild.start();
  }

  async #startServer(): Promise<void> {
    const { port } = this.#options;
    const choose = async (): Promise<number[]> => [
      await choosePort({ what: 'the server', option: '--port', asked: port, standard: STANDARD.server, last: this.#last.server }, note),
    ];
    await this.#startOnPorts(choose, ([chosen]) => this.#startServerOn(chosen!));
  }

  async #startServerOn(port: number): Promise<void> {
    this.#serverPort = port;
    this.#ports = { ...this.#ports, server: port };
    this.#server = this.#child({
      name: 'server',
      program: process.execPath,
      ipc: true,
      env: this.#environment(),
      readyMsMax: 60_000,
      stopMsMax: 15_000,
      args: () => Promise.resolve([entryPoint('server'), '--host', '127.0.0.1', '--port', String(port)]),
    });
    await this.#server.start();
  }

  #startOnPorts(choose: () => Promise<number[]>, start: (ports: readonly number[]) => Promise<void>): Promise<void> {
    const unlessStopping = (): Promise<number[]> => {
      if (this.#state === 'stopping') throw new Error('it was told to stop');
      return choose();
    };
    return startOnPorts(unlessStopping, start, note);
  }

  async #startWorker(number: number): Promise<void> {
    const queues = this.#options.queues.flatMap((queue) => ['--queue', queue]);
    const worker = this.#child({
      name: `worker-${number}`,
      program: process.execPath,
      ipc: true,
      env: this.#environment(),
      readyMsMax: 90_000,
      stopMsMax: 20_000,
      args: () => Promise.resolve([entryPoint('worker'), ...queues]),
    });
    this.#workers.push(worker);
    await worker.start();
  }

  #environment(): Record<string, string> {
    const temporal = this.#temporal;
    return {
      PERENNIAL_SUPERVISED: '1',
      PERENNIAL_HOME: perennialHome(),
      ...(temporal === undefined ? {} : { TEMPORAL_ADDRESS: temporal.address }),
      ...(temporal?.uiUrl === undefined ? {} : { TEMPORAL_UI_URL: temporal.uiUrl }),
    };
  }

  #child(spec: ConstructorParameters<typeof SupervisedChild>[0]): SupervisedChild {
    return new SupervisedChild(spec, () => this.#tryWrite(), note);
  }

  #tryWrite(): void {
    try {
      this.#write();
    } catch (error) {
      note(`stack.json could not be written: ${messageOf(error)}`); // a full disk is no reason to end what runs
    }
  }

  /** Whoever tore or removed the file did not mean to end what runs. */
  #rewrite(): void {
    if (this.#closed || readableStack() !== undefined) return;
    note('stack.json was gone or torn; it is written anew.');
    this.#tryWrite();
  }

  #write(): Stack {
    const stack: Stack = {
      formatVersion: 1,
      state: this.#state,
      supervisor: identify(process.pid),
      ...(this.#temporal === undefined ? {} : { temporal: { ...this.#temporal, ...this.#temporalChild?.identity } }),
      ...(this.#server === undefined
        ? {}
        : { server: { url: this.#server.url ?? `http://127.0.0.1:${this.#serverPort}`, ...this.#server.identity } }),
      workers: this.#workers.map((worker) => ({ name: worker.name, queues: this.#options.queues, ...worker.identity })),
      store: storeLocation(),
      startedAt: this.#startedAt,
      logs: logsDir(),
    };
    if (!this.#closed) writeStack(stack);
    return stack;
  }
}

function canConnect(address: string): Promise<boolean> {
  const at = address.lastIndexOf(':');
  return new Promise((resolve) => {
    const socket = connect({ host: address.slice(0, at), port: Number(address.slice(at + 1)), timeout: 5_000 });
    const done = (answer: boolean): void => {
      socket.destroy();
      resolve(answer);
    };
    socket
      .once('connect', () => done(true))
      .once('error', () => done(false))
      .once('timeout', () => done(false));
  });
}

/** A download that is under way runs in our own process group, and ends with us. */
function exitWithGroup(code: number): never {
  try {
    process.kill(-process.pid, 'SIGTERM'); // reaches us, too, and does nothing here
  } catch {
    // started by hand, and not the leader of a group
  }
  process.exit(code);
}

async function main(options: UpOptions): Promise<void> {
  mkdirSync(perennialHome(), { recursive: true });
  const lock = tryLock(stackLock());
  if (!lock.taken) throw alreadyRunning(lock.holder);
  const left = readableStack();
  const living = livingProcesses(left);
  if (left !== undefined)
    note(
      `The stack of process ${left.supervisor.pid} (since ${left.startedAt}) was not ended by \`perennial down\`: its process is gone. Taking over.`,
    );
  else if (living.length > 0)
    note(`An earlier stack was not ended by \`perennial down\`, and ${stackFile()} is torn or gone. Taking over what is left of it.`);
  await stopLeftovers(living, note);
  refuseOpenDatabase();
  const supervisor = new Supervisor(options);
  let stopping: Promise<void> | undefined;
  const stop = (why: string): Promise<void> => {
    stopping ??= (async () => {
      // Reasons of errors are sentences already.
      note(`Stopping: ${why.replace(/\.$/, '')}.`);
      await supervisor.stop();
      removeStack();
      lock.release();
    })();
    return stopping;
  };
  const stopAndExit = (why: string): void =>
    void stop(why).then(
      () => exitWithGroup(0),
      (error: unknown) => {
        note(messageOf(error));
        exitWithGroup(1);
      },
    );
  process.on('SIGTERM', () => stopAndExit('told to stop'));
  process.on('SIGINT', () => stopAndExit('interrupted'));
  process.on('uncaughtException', (error) => stopAndExit(`a defect of the supervisor: ${error.stack ?? messageOf(error)}`));
  process.on('SIGHUP', () => {}); // a closed terminal is no reason for a detached stack
  if (options.foreground) process.on('disconnect', () => stopAndExit('the command that started it has ended'));
  try {
    tell({ ready: await supervisor.start() });
  } catch (error) {
    if (stopping !== undefined) return stopping;
    await stop(messageOf(error));
    throw error;
  }
  if (!options.foreground && process.connected === true) process.disconnect();
}

try {
  await main(JSON.parse(process.argv[2] ?? 'null') as UpOptions);
} catch (error) {
  const failure = isPerennialError(error)
    ? error
    : new PerennialError('SERVER_UNAVAILABLE', messageOf(error), {
        hint: 'Correct what the log names and run `perennial up` again; `perennial doctor` checks every component.',
      });
  console.error(`${new Date().toISOString()} ${failure.code}: ${failure.message}`);
  if (process.connected === true) {
    await new Promise((resolve) =>
      process.send?.({ error: { code: failure.code, message: failure.message, hint: failure.hint, details: failure.details } }, resolve),
    );
  }
  process.exit(1);
}
