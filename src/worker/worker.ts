import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import type { NativeConnection, Worker as TemporalWorker, WorkerOptions } from '@temporalio/worker';
import { createActivities } from '../../activities/index.ts';
import type { ActivityDeps } from '../../activities/deps.ts';
import { TEMPORAL_DEFAULTS, temporalConfig } from '../../temporal.config.ts';
import { PerennialError, isPerennialError, messageOf } from '../core/errors.ts';
import type { ObjectStore } from '../core/ports.ts';
import { heavyQueue } from '../core/run.ts';
import { codeDigestOf } from '../steps/code-digests.ts';
import { connectTemporal, reach, temporalError, temporalSettings } from '../runs/connect.ts';
import type { TemporalSettings } from '../runs/connect.ts';
import { refuseToJoinOthers, refuseToStayWithOthers, workerIdentity } from '../runs/own-stack.ts';
import { ensureSearchAttributes } from '../runs/search-attributes.ts';
import { mask } from '../steps/secrets.ts';
import { packageRoot, perennialHome } from '../platform/paths.ts';
import { startTelemetry, stopTelemetry, telemetryIsOn } from '../telemetry/telemetry.ts';
import { deliverEvents } from './deliver-events.ts';
import { packLogs } from './pack-logs.ts';
import { watchTargets } from './watch-targets.ts';
import { watchEnds } from './watch-ends.ts';

export interface WorkerRun {
  /** Default: the configured task queue. */
  readonly queues?: readonly string[] | undefined;
  /** Abort to stop: tasks in flight get a short while, then go to other workers. */
  readonly signal: AbortSignal;
  readonly onReady?: (queues: readonly string[]) => void;
  /** Default: the store of the environment and every step type of this installation. */
  readonly deps?: ActivityDeps;
  /** More options of Temporal's worker, for tests. */
  readonly options?: Partial<WorkerOptions>;
}

/** Milliseconds between attempts to reach a Temporal server that is away. */
const RECONNECT_MS = 1_000;

/**
 * Works until the signal aborts. A Temporal server that goes away is waited for, also at the start.
 *
 * @throws STORE_…, USAGE; INTERNAL where the installation was not built.
 */
export async function runWorker(run: WorkerRun): Promise<void> {
  await startTelemetry('worker');
  try {
    await workOn(run);
  } finally {
    await stopTelemetry();
  }
}

async function workOn(run: WorkerRun): Promise<void> {
  const settings = await temporalSettings();
  const queues = run.queues !== undefined && run.queues.length > 0 ? run.queues : [settings.taskQueue];
  const deps = run.deps ?? (await defaultDeps());
  const over = new AbortController();
  const signal = AbortSignal.any([run.signal, over.signal]);
  const watching = Promise.all([watchEnds(deps, signal), packLogs(deps, signal), deliverEvents(deps, signal), watchTargets(deps, signal)]);
  try {
    await workUntilTold(settings, queues, deps, run);
  } finally {
    over.abort();
    await watching;
  }
}

async function workUntilTold(settings: TemporalSettings, queues: readonly string[], deps: ActivityDeps, run: WorkerRun): Promise<void> {
  while (!run.signal.aborted) {
    if (!(await temporalAnswers(settings, run.signal))) return;
    try {
      return await work(settings, queues, deps, run);
    } catch (error) {
      // The core gives up on a connection after a minute of failures; a stopped worker process would be worse than a new connection.
      if (!isTransport(error) || run.signal.aborted) throw error;
      console.error(`worker: connection to Temporal lost (${messageOf(error)}); connecting again`);
    }
  }
}

async function temporalAnswers(settings: TemporalSettings, signal: AbortSignal): Promise<boolean> {
  for (let told = false; !signal.aborted; told = true) {
    try {
      await reach(settings);
      return true;
    } catch (error) {
      if (!told) console.error(`worker: ${messageOf(error)} Waiting for it.`);
      await new Promise((resolve) => setTimeout(resolve, RECONNECT_MS));
    }
  }
  return false;
}

async function work(settings: TemporalSettings, queues: readonly string[], deps: ActivityDeps, run: WorkerRun): Promise<void> {
  const { NativeConnection, Worker } = await import('@temporalio/worker');
  const temporal = await connectTemporal();
  try {
    await ensureSearchAttributes(temporal).catch((error: unknown) => {
      throw temporalError(error, `The worker at ${settings.address}`);
    });
    await refuseToJoinOthers(temporal, queues, deps.store);
  } finally {
    await temporal.close();
  }
  const { address, tls, apiKey, metadata } = settings.connection;
  const identity = await workerIdentity(deps.store);
  // Its threads keep a process alive, so that it comes when nothing can be wrong with the settings any more.
  await installRuntime();
  const connection = await NativeConnection.connect({
    address,
    ...(tls === undefined ? {} : { tls }),
    ...(apiKey === undefined ? {} : { apiKey }),
    ...(metadata === undefined ? {} : { metadata: { ...metadata } }),
  });
  try {
    const workers: TemporalWorker[] = [];
    const telling = telemetryIsOn() ? await (await import('./tracing.ts')).tracingOptions() : {};
    for (const queue of queues)
      workers.push(
        ...(await Promise.all(
          optionsOf(queue, settings, connection, deps, run, { ...telling, identity }).map((options) => Worker.create(options)),
        )),
      );
    await runAll(workers, run, queues, deps);
  } finally {
    await connection.close();
  }
}

/** Runs all until the signal aborts, one fails, or workers of another store turn out to be there; then all stop. */
async function runAll(
  workers: readonly TemporalWorker[],
  run: WorkerRun,
  queues: readonly string[],
  { store }: ActivityDeps,
): Promise<void> {
  const over = new AbortController();
  const stop = (): void => {
    over.abort();
    for (const worker of workers) if (worker.getState() === 'RUNNING') worker.shutdown();
  };
  run.signal.addEventListener('abort', stop, { once: true });
  try {
    const running = workers.map((worker) => worker.run().finally(stop));
    const alone = stayAlone(queues, store, over.signal).catch((error: unknown) => {
      stop();
      throw error;
    });
    run.onReady?.(queues);
    if (run.signal.aborted) stop();
    const results = await Promise.allSettled([...running, alone]);
    const failed = results.find((result) => result.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
  } finally {
    run.signal.removeEventListener('abort', stop);
  }
}

async function stayAlone(queues: readonly string[], store: ObjectStore, signal: AbortSignal): Promise<void> {
  try {
    const temporal = await connectTemporal();
    await refuseToStayWithOthers(temporal, queues, store, signal).finally(() => temporal.close());
  } catch (error) {
    // A server that went away is the workers' to wait for; when they connect again, they look again.
    if (!isPerennialError(error) || error.code !== 'TEMPORAL_UNAVAILABLE') throw error;
  }
}

/** Two workers per queue: workflows with light steps, and heavy steps with their few slots. */
export function optionsOf(
  queue: string,
  settings: TemporalSettings,
  connection: NativeConnection,
  deps: ActivityDeps,
  run: WorkerRun,
  telling: Pick<WorkerOptions, 'interceptors' | 'sinks' | 'identity'>,
): WorkerOptions[] {
  const { worker } = TEMPORAL_DEFAULTS;
  const config = temporalConfig();
  const activities = createActivities(deps);
  const common = {
    connection,
    namespace: settings.namespace,
    activities,
    shutdownGraceTime: worker.shutdownGraceMs,
    shutdownForceTime: worker.shutdownForceMs,
    maxHeartbeatThrottleInterval: worker.heartbeatThrottleMs,
    defaultHeartbeatThrottleInterval: worker.heartbeatThrottleMs,
    ...telling,
  };
  const light: WorkerOptions = {
    ...common,
    taskQueue: queue,
    workflowBundle: run.options?.workflowBundle ?? { codePath: workflowBundle() },
    maxConcurrentActivityTaskExecutions: config.lightSlots,
    maxConcurrentWorkflowTaskExecutions: worker.workflowTasks,
    stickyQueueScheduleToStartTimeout: worker.stickyTimeoutMs,
    ...run.options,
  };
  const heavy: WorkerOptions = {
    ...common,
    taskQueue: heavyQueue(queue),
    shutdownGraceTime: 0,
    maxConcurrentActivityTaskExecutions: config.heavySlots ?? defaultHeavySlots(),
  };
  return [light, heavy];
}

function defaultHeavySlots(): number {
  return Math.max(2, Math.floor(availableParallelism() / 2));
}

function workflowBundle(): string {
  const path = join(packageRoot(), 'dist', telemetryIsOn() ? 'workflow-bundle.traced.cjs' : 'workflow-bundle.cjs');
  if (!existsSync(path))
    throw new PerennialError('INTERNAL', `The workflow bundle ${path} is missing.`, {
      hint: 'Run `npm run setup` in the folder of the clone.',
    });
  return path;
}

async function defaultDeps(): Promise<ActivityDeps> {
  const [{ openStore }, { createArtifactStore }, { steps }] = await Promise.all([
    import('../storage/open-store.ts'),
    import('../storage/artifact-store.ts'),
    import('../../activities/steps/index.generated.ts'),
  ]);
  const store = await openStore();
  return { store, artifacts: createArtifactStore(store), steps, workRoot: join(perennialHome(), 'work'), codeDigest: codeDigestOf };
}

let runtimeInstalled = false;

/** Quiet core, our own signal handling. Once per process. */
export async function installRuntime(): Promise<void> {
  if (runtimeInstalled) return;
  runtimeInstalled = true;
  const { DefaultLogger, Runtime, makeTelemetryFilterString } = await import('@temporalio/worker');
  Runtime.install({
    shutdownSignals: [],
    logger: new DefaultLogger('WARN', ({ level, timestampNanos, message, meta }) => {
      // Heavy steps' workers run no workflows by design, and steps log their own failures.
      if (message.startsWith('No workflows registered') || message === 'Activity failed' || message === 'Workflow failed') return;
      const time = new Date(Number(timestampNanos / 1_000_000n)).toISOString();
      console.error(mask(`${time} ${level} ${message}${meta === undefined ? '' : ` ${JSON.stringify(brief(meta))}`}`));
    }),
    telemetryOptions: { logging: { filter: makeTelemetryFilterString({ core: 'ERROR', other: 'ERROR' }), forward: {} } },
  });
}

function brief(meta: object): Record<string, unknown> {
  const { workflowId, activityType, attempt, taskQueue, trace_id, span_id, error } = meta as Record<string, unknown>;
  return { workflowId, activityType, attempt, taskQueue, trace_id, span_id, ...(error === undefined ? {} : { error: messageOf(error) }) };
}

function isTransport(error: unknown): boolean {
  const name = (error as Error | undefined)?.name ?? '';
  return name === 'TransportError' || name === 'ServiceError' || /transport|Connection|Unavailable|tonic/i.test(messageOf(error));
}
