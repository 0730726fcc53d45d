import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { defineStep } from '../src/core/step.ts';
import type { StepDefinition } from '../src/core/step.ts';
import { freePort } from '../src/platform/ports.ts';
import { devServerArguments, waitForTemporal } from '../src/platform/temporal-server.ts';
import { ensureTemporal } from '../src/provisioning/temporal.ts';
import { connectTemporal } from '../src/runs/connect.ts';
import type { Temporal } from '../src/runs/connect.ts';
import { createArtifactStore } from '../src/storage/artifact-store.ts';
import { FileStore } from '../src/storage/file-store.ts';
import { runWorker } from '../src/worker/worker.ts';

/** A Temporal server with a worker in this process whose only step does nothing: what is measured is everything around the work. */
export interface NoopStage {
  /** A client whose runs go to the worker. */
  readonly bench: Temporal;
  readonly store: FileStore;
  /** Milliseconds of the processor that this process and the server have used: what the clock would say on an idle machine. */
  cpuMs(): { readonly worker: number; readonly server: number | null };
  /** Ends the worker and the connection; the server stays. */
  leave(): Promise<void>;
  /** Ends the server. */
  end(): Promise<void>;
}

/** Steps of a document that is declared, and of which nothing is run. */
export const DECLARED_STEPS = [
  { uses: 'ingest', with: { source: { format: 'csv', path: 'data.csv' }, label: 'y' } },
  { uses: 'preprocess' },
  { uses: 'train', with: { model: { architecture: 'mlp', units: [8] } } },
  { uses: 'evaluate' },
  { uses: 'register' },
  { uses: 'deploy' },
];

/** A step that does nothing, but what is said. */
export const noopStep = <Config>(
  own: Pick<StepDefinition<Config>, 'run'> & Partial<Pick<StepDefinition<Config>, 'type' | 'outputs' | 'cacheable'>>,
): StepDefinition<Config> =>
  defineStep<Config>({
    type: 'noop',
    version: 1,
    summary: 'Nothing',
    configSchema: {},
    inputs: {},
    outputs: {},
    timeouts: { startToCloseMs: 60_000, heartbeatMs: 15_000 },
    retry: { maximumAttempts: 1, initialIntervalMs: 1_000, backoffCoefficient: 1, maximumIntervalMs: 1_000 },
    cacheable: true,
    examples: [],
    ...own,
  });

/** @param home folder for the database, the store and the work; `TEMPORAL_ADDRESS` is set for whatever follows */
export async function setNoopStage(home: string, noop: StepDefinition): Promise<NoopStage> {
  const { path: tool } = await ensureTemporal((line) => console.error(line));
  const [port, uiPort] = [await freePort(), await freePort()];
  const server = spawn(tool, devServerArguments({ port, uiPort, database: join(home, 'temporal.db') }), { stdio: 'ignore' });
  process.env.TEMPORAL_ADDRESS = `127.0.0.1:${port}`;
  try {
    if (!(await waitForTemporal(process.env.TEMPORAL_ADDRESS, 30_000))) throw new Error('Temporal did not start');
    const temporal = await connectTemporal();
    const store = new FileStore(join(home, 'noop-store'));
    const stop = new AbortController();
    let worker: Promise<void> = Promise.resolve();
    await new Promise<void>((ready, fail) => {
      worker = runWorker({
        queues: ['bench'],
        signal: stop.signal,
        onReady: () => ready(),
        deps: {
          store,
          artifacts: createArtifactStore(store, join(home, 'blobs')),
          steps: [noop],
          workRoot: join(home, 'work'),
          codeDigest: () => 'bench',
        },
      });
      worker.catch(fail);
    });
    return {
      bench: { ...temporal, settings: { ...temporal.settings, taskQueue: 'bench' } },
      store,
      cpuMs: () => ({ worker: (process.cpuUsage().user + process.cpuUsage().system) / 1e3, server: cpuOf(server.pid!) }),
      async leave() {
        stop.abort();
        await worker;
        await temporal.close();
      },
      end: () => endChild(server),
    };
  } catch (error) {
    await endChild(server);
    throw error;
  }
}

/** User and system time of another process; null where the system does not tell. Ticks of the clock are 10 ms. */
function cpuOf(pid: number): number | null {
  try {
    const [, fields = ''] = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ');
    const [user, system] = fields.split(' ').slice(11, 13).map(Number);
    return (user! + system!) * 10;
  } catch {
    return null;
  }
}

/** What a process that still ends would write is written before its folder is removed. */
export async function endChild(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill();
  await once(child, 'exit');
}
