import { PerennialError, messageOf } from '../core/errors.ts';
import { executionIdOf, runIdOf, runNameOf } from '../core/run.ts';
import type { RunView } from '../core/run.ts';
import type { RunStatus } from '../core/run-state.ts';
import { isAway, reach, temporalError, workflowUrl } from './connect.ts';
import type { Temporal } from './connect.ts';
import { addressOf } from './run-address.ts';
import type { RunAddress } from './run-address.ts';
import { describeRun, reportOf } from './runs.ts';
import type { RunReport } from './runs.ts';

/** Milliseconds until the first look at a running run, and between looks. A quick run is over before the first. */
const POLL_MS = 300;
/** Without any news after this time, the user is told whether a worker is there at all. */
const SILENCE_MS = 4_000;
/** A Temporal server that went away is waited for so long: time to start it again. */
const AWAY_MS_MAX = 120_000;

export interface WaitOptions {
  /** Called with the run as it stands, a few times a second while it runs. */
  readonly onView?: (view: RunReport) => void;
  /** Called once where no worker takes the run's tasks, or Temporal is away for a while. */
  readonly onTrouble?: (message: string) => void;
}

/** Waits until a run is over, whatever comes of it. @throws NOT_FOUND, TEMPORAL_UNAVAILABLE */
export async function waitRun(temporal: Temporal, run: string | RunAddress, options: WaitOptions = {}): Promise<RunReport> {
  const address = addressOf(run);
  let over = false;
  const watching = options.onView === undefined ? Promise.resolve() : watch(temporal, address, options, () => over);
  try {
    return reportOf(temporal, await resultOf(temporal, address, options));
  } catch (error) {
    return await reportOfFailure(temporal, address, error);
  } finally {
    over = true;
    await watching;
  }
}

/** The result of the workflow, through times without a server: the run itself lives in Temporal's database. */
async function resultOf(temporal: Temporal, { workflowId, executionId }: RunAddress, { onTrouble }: WaitOptions): Promise<RunView> {
  const handle = temporal.client.workflow.getHandle(workflowId, executionId);
  for (let told = false; ;) {
    try {
      return (await handle.result()) as RunView;
    } catch (error) {
      if (!isAway(error)) throw error;
      if (!told)
        onTrouble?.(`Temporal at ${temporal.settings.address} does not answer any more. Waiting for it; the run goes on when it is back.`);
      told = true;
      await untilBack(temporal, executionId === undefined ? workflowId : runNameOf(workflowId, executionId));
    }
  }
}

async function untilBack(temporal: Temporal, name: string): Promise<void> {
  for (const deadline = Date.now() + AWAY_MS_MAX; ;) {
    await new Promise((resolve) => setTimeout(resolve, 500));
    try {
      return await reach(temporal.settings);
    } catch (error) {
      if (Date.now() > deadline)
        throw new PerennialError(
          'TEMPORAL_UNAVAILABLE',
          `Temporal at ${temporal.settings.address} has been away for ${AWAY_MS_MAX / 1000} s. The run is kept in its database.`,
          {
            hint: `Start Temporal again (\`perennial up --detach\`), then follow the run: perennial runs show ${name} --follow`,
            cause: error,
          },
        );
    }
  }
}

async function watch(temporal: Temporal, address: RunAddress, options: WaitOptions, over: () => boolean): Promise<void> {
  const begun = Date.now();
  let troubled = false;
  const trouble = (message: string): void => {
    if (!troubled) options.onTrouble?.(message);
    troubled = true;
  };
  const nap = async (ms: number): Promise<void> => {
    for (const end = Date.now() + ms; Date.now() < end && !over();) await new Promise((resolve) => setTimeout(resolve, 20));
  };
  await nap(POLL_MS);
  while (!over()) {
    try {
      const silence = setTimeout(
        () => void noWorker(temporal).then((message) => (message === undefined || over() ? undefined : trouble(message))),
        SILENCE_MS - Math.min(Date.now() - begun, SILENCE_MS - 500),
      );
      try {
        const view = await describeRun(temporal, address);
        if (!over()) options.onView?.(view);
      } finally {
        clearTimeout(silence);
      }
    } catch (error) {
      // A server that is away is told by whoever waits for the result.
      if (!over() && !isAway(error) && (await isReachable(temporal)) && !over())
        trouble(`The run goes on, but it cannot be looked at: ${messageOf(error)}`);
      await nap(1_000);
    }
    await nap(POLL_MS);
  }
}

async function isReachable({ settings }: Temporal): Promise<boolean> {
  return reach(settings).then(
    () => true,
    () => false,
  );
}

/** Says so where nobody polls the queue of runs. */
async function noWorker(temporal: Temporal): Promise<string | undefined> {
  try {
    const { taskQueue, namespace } = temporal.settings;
    const { pollers } = await temporal.client.workflowService.describeTaskQueue({
      namespace,
      taskQueue: { name: taskQueue },
      taskQueueType: 1,
    });
    if ((pollers ?? []).length > 0) return undefined;
    return `No worker polls the task queue "${taskQueue}", so the run waits. Start one with \`perennial up --detach\` or \`perennial worker\`.`;
  } catch (error) {
    return isAway(error) ? undefined : messageOf(temporalError(error, 'Looking for workers'));
  }
}

async function reportOfFailure(temporal: Temporal, address: RunAddress, error: unknown): Promise<RunReport> {
  const { name, cause } = error as { name?: string; cause?: { name?: string; message?: string; type?: string; details?: unknown[] } };
  if (name !== 'WorkflowFailedError' || cause === undefined) throw temporalError(error, `Run "${address.workflowId}"`);
  const view = cause.details?.[0] as RunView | undefined;
  if (cause.name === 'ApplicationFailure' && view?.runId !== undefined) return reportOf(temporal, view);
  const status: RunStatus = cause.name === 'CancelledFailure' || cause.name === 'TerminatedFailure' ? 'cancelled' : 'failed';
  const failure = status === 'cancelled' ? null : { code: cause.type ?? 'INTERNAL', message: cause.message ?? 'The workflow failed.' };
  const headline = failure?.message ?? (cause.name === 'CancelledFailure' ? cause.message : undefined);
  try {
    return { ...(await describeRun(temporal, address)), status };
  } catch {
    // A closed run is only described by a worker; without one its end is all there is to say.
    return bareReport(temporal, address, status, failure, headline);
  }
}

function bareReport(
  temporal: Temporal,
  { workflowId, executionId = '' }: RunAddress,
  status: RunStatus,
  failure: RunReport['failure'],
  headline = `The run was ${status}.`,
): RunReport {
  return {
    headline,
    runId: executionId === '' ? runIdOf(workflowId) : executionIdOf(workflowId, executionId),
    workflowId,
    executionId,
    pipeline: workflowId.split('/')[0]!,
    status,
    failure,
    verdict: null,
    trigger: '',
    nominalTime: '',
    model: null,
    version: null,
    live: null,
    standing: null,
    previous: null,
    metrics: {},
    links: {},
    steps: [],
    startedAt: '',
    endedAt: null,
    urls: { temporal: workflowUrl(temporal.settings, workflowId, ...(executionId === '' ? [] : [executionId])) },
  };
}
