import { messageOf } from '../core/errors.ts';
import { runIdOf } from '../core/run.ts';
import type { RunView } from '../core/run.ts';
import type { RunStatus } from '../core/run-state.ts';
import { temporalError, workflowUrl } from './connect.ts';
import type { Temporal } from './connect.ts';
import { describeRun } from './runs.ts';
import type { RunReport } from './runs.ts';

/** Milliseconds until the first look at a running run, and between looks. A quick run is over before the first. */
const POLL_MS = 300;
/** Without any news after this time, the user is told whether a worker is there at all. */
const SILENCE_MS = 4_000;

export interface WaitOptions {
  /** Called with the run as it stands, a few times a second while it runs. */
  readonly onView?: (view: RunReport) => void;
  /** Called once where no worker takes the run's tasks, or Temporal is away for a while. */
  readonly onTrouble?: (message: string) => void;
}

/** Waits until a run is over, whatever comes of it. @throws NOT_FOUND, TEMPORAL_UNAVAILABLE */
export async function waitRun(temporal: Temporal, workflowId: string, options: WaitOptions = {}): Promise<RunReport> {
  const handle = temporal.client.workflow.getHandle(workflowId);
  let over = false;
  const watching = options.onView === undefined ? Promise.resolve() : watch(temporal, workflowId, options, () => over);
  try {
    const view = await handle.result();
    return { ...(view as RunView), urls: { temporal: workflowUrl(temporal.settings, workflowId) } };
  } catch (error) {
    return await reportOfFailure(temporal, workflowId, error);
  } finally {
    over = true;
    await watching;
  }
}

async function watch(temporal: Temporal, workflowId: string, options: WaitOptions, over: () => boolean): Promise<void> {
  const begun = Date.now();
  let troubled = false;
  const trouble = (message: string): void => {
    if (!troubled) options.onTrouble?.(message);
    troubled = true;
  };
  const nap = async (ms: number): Promise<void> => {
    for (const end = Date.now() + ms; Date.now() < end && !over(); ) await new Promise((resolve) => setTimeout(resolve, 20));
  };
  await nap(POLL_MS);
  while (!over()) {
    try {
      const silence = setTimeout(() => void noWorker(temporal).then((message) => (message === undefined || over() ? undefined : trouble(message))), SILENCE_MS - Math.min(Date.now() - begun, SILENCE_MS - 500));
      try {
        const view = await describeRun(temporal, workflowId);
        if (!over()) options.onView?.(view);
      } finally {
        clearTimeout(silence);
      }
    } catch (error) {
      if (!over()) trouble(`The run goes on, but it cannot be looked at: ${messageOf(error)}`);
      await nap(1_000);
    }
    await nap(POLL_MS);
  }
}

/** Says so where nobody polls the queue of runs. */
async function noWorker(temporal: Temporal): Promise<string | undefined> {
  try {
    const { taskQueue, namespace } = temporal.settings;
    const { pollers } = await temporal.client.workflowService.describeTaskQueue({ namespace, taskQueue: { name: taskQueue }, taskQueueType: 1 });
    if ((pollers ?? []).length > 0) return undefined;
    return `No worker polls the task queue "${taskQueue}", so the run waits. Start one with \`perennial up --detach\` or \`perennial worker\`.`;
  } catch (error) {
    return messageOf(temporalError(error, 'Looking for workers'));
  }
}

async function reportOfFailure(temporal: Temporal, workflowId: string, error: unknown): Promise<RunReport> {
  const { name, cause } = error as { name?: string; cause?: { name?: string; message?: string; type?: string; details?: unknown[] } };
  if (name !== 'WorkflowFailedError' || cause === undefined) throw temporalError(error, `Run "${workflowId}"`);
  const view = cause.details?.[0] as RunView | undefined;
  if (cause.name === 'ApplicationFailure' && view?.runId !== undefined) return { ...view, urls: { temporal: workflowUrl(temporal.settings, workflowId) } };
  const status: RunStatus = cause.name === 'CancelledFailure' || cause.name === 'TerminatedFailure' ? 'cancelled' : 'failed';
  const failure = status === 'cancelled' ? null : { code: cause.type ?? 'INTERNAL', message: cause.message ?? 'The workflow failed.' };
  try {
    return { ...(await describeRun(temporal, workflowId)), status };
  } catch {
    // A closed run is only described by a worker; without one its end is all there is to say.
    return bareReport(temporal, workflowId, status, failure);
  }
}

function bareReport(temporal: Temporal, workflowId: string, status: RunStatus, failure: RunReport['failure']): RunReport {
  return {
    runId: runIdOf(workflowId), workflowId, pipeline: workflowId.split('/')[0]!, status, verdict: null, trigger: '', nominalTime: '', steps: [], metrics: {}, model: null, version: null,
    failure, startedAt: '', endedAt: null, urls: { temporal: workflowUrl(temporal.settings, workflowId) },
  };
}
