import type { WorkflowExecutionInfo, WorkflowStartOptions } from '@temporalio/client';
import { TEMPORAL_DEFAULTS } from '../../temporal.config.ts';
import { PerennialError, messageOf } from '../core/errors.ts';
import type { Plan } from '../core/plan.ts';
import { executionIdOf, runNameOf } from '../core/run.ts';
import { WAITING, WENT_ON } from '../core/run.ts';
import type { PipelineInput, RunLinks, RunView, StepView } from '../core/run.ts';
import type { StepDefinition, StepProgress } from '../core/step.ts';
import { isAway, temporalError, workflowUrl } from './connect.ts';
import type { Temporal } from './connect.ts';
import { addressOf } from './run-address.ts';
import type { RunAddress } from './run-address.ts';
import { newRunId, pipelineInput, runDetails, runSummary } from './pipeline-input.ts';
import { temporalNow } from './temporal-clock.ts';
import type { StartOptions } from './pipeline-input.ts';
import { modelOf, startAttributes } from './search-attributes.ts';

export interface StartedRun {
  readonly runId: string;
  readonly workflowId: string;
  /** Temporal's id of this execution. */
  readonly executionId: string;
  /** null: where the Temporal UI is is not known. */
  readonly url: string | null;
}

export interface RunUrls extends RunLinks {
  /** null: where the Temporal UI is is not known. */
  readonly temporal: string | null;
}

/** What `--json` prints of a run. */
export interface RunReport extends RunView {
  readonly urls: RunUrls;
}

export interface RunRow {
  /** Its name: what commands take. */
  readonly run: string;
  readonly runId: string;
  readonly workflowId: string;
  /** Temporal's id of this execution. */
  readonly executionId: string;
  readonly pipeline: string;
  readonly status: string;
  readonly trigger: string | null;
  readonly verdict: string | null;
  readonly primaryMetric: number | null;
  /** null: there is none, or the run is of a version that did not keep the name. */
  readonly primaryMetricName: string | null;
  readonly model: string | null;
  readonly version: number | null;
  readonly startedAt: string;
  readonly endedAt: string | null;
  readonly url: string | null;
}

/** Starts a run of a plan. @throws TEMPORAL_UNAVAILABLE, LIMIT_EXCEEDED */
export async function startRun(
  temporal: Temporal,
  plan: Plan,
  steps: readonly Pick<StepDefinition, 'type' | 'version' | 'heavy'>[],
  options: StartOptions,
): Promise<StartedRun> {
  return startInput(temporal, pipelineInput(plan, steps, options));
}

/** How Temporal is told to take a run that is started by hand, but for its id. */
export function runOptions({ settings }: Pick<Temporal, 'settings'>, input: PipelineInput): Omit<WorkflowStartOptions, 'workflowId'> {
  const { plan, trigger } = input;
  const model = modelOf(plan);
  return {
    taskQueue: settings.taskQueue,
    args: [input],
    workflowExecutionTimeout: TEMPORAL_DEFAULTS.workflow.executionTimeoutMs,
    workflowTaskTimeout: TEMPORAL_DEFAULTS.workflow.taskTimeoutMs,
    staticSummary: runSummary(plan),
    staticDetails: runDetails(plan),
    typedSearchAttributes: startAttributes({ kind: 'run', pipeline: plan.pipeline, trigger, ...(model === undefined ? {} : { model }) }),
    memo: { revision: plan.revision },
  };
}

/** Starts a run of a workflow argument, e.g. that of an earlier run. */
export async function startInput(temporal: Temporal, input: PipelineInput): Promise<StartedRun> {
  const { plan } = input;
  // Names of runs tell their time: by the clock that all who start some have in common.
  const runId = newRunId(new Date(await temporalNow(temporal)));
  const workflowId = `${plan.pipeline}/${runId}`;
  try {
    const handle = await temporal.client.workflow.start('pipeline', {
      workflowId,
      // The name of a run is never given twice, not even after it has ended.
      workflowIdReusePolicy: 'REJECT_DUPLICATE',
      ...runOptions(temporal, input),
    });
    return {
      runId,
      workflowId,
      executionId: handle.firstExecutionRunId,
      url: workflowUrl(temporal.settings, workflowId, handle.firstExecutionRunId),
    };
  } catch (error) {
    throw temporalError(error, `Starting "${plan.pipeline}"`);
  }
}

/** Newest first. */
export async function listRuns(temporal: Temporal, filter: { pipeline?: string; limit?: number; since?: number } = {}): Promise<RunRow[]> {
  const rows: RunRow[] = [];
  const only = filter.pipeline === undefined ? '' : ` AND Pipeline = '${filter.pipeline.replaceAll("'", '')}'`;
  const since = filter.since === undefined ? '' : ` AND StartTime >= '${new Date(filter.since).toISOString()}'`;
  for await (const info of executions(temporal, `RunKind = 'run'${only}${since}`)) {
    rows.push(rowOf(temporal, info));
    if (rows.length >= (filter.limit ?? 20)) break;
  }
  return rows;
}

/** The run as it stands: the workflow's own view with the heartbeats of its running steps. Needs a worker. @throws NOT_FOUND */
export async function describeRun(temporal: Temporal, run: string | RunAddress): Promise<RunReport> {
  const { workflowId, executionId } = addressOf(run);
  const handle = temporal.client.workflow.getHandle(workflowId, executionId);
  try {
    const [view, description] = await temporal.connection.withDeadline(Date.now() + 15_000, () =>
      Promise.all([handle.query<RunView>('status'), handle.describe()]),
    );
    const beats: Record<string, StepProgress> = {};
    for (const activity of description.raw.pendingActivities ?? []) {
      const progress = decode<StepProgress>(activity.heartbeatDetails?.payloads?.[0]?.data);
      if (progress !== undefined && typeof activity.activityId === 'string') beats[activity.activityId.split(' #')[0]!] = progress;
    }
    const failures = retrying(description.raw.pendingActivities ?? []);
    const steps = view.steps.map((step): StepView => ({
      ...step,
      ...(step.status === 'running' && beats[step.id] !== undefined ? { progress: beats[step.id]! } : {}),
      ...(step.status === 'running' && failures[step.id] !== undefined ? { reason: failures[step.id]! } : {}),
    }));
    return { ...reportOf(temporal, view), steps };
  } catch (error) {
    throw temporalError(error, `Run "${workflowId}"`);
  }
}

/** What came of a run that has ended, by its result; of one that ended otherwise, or goes on, by asking it. undefined: nobody answers. */
export async function outcomeOf(
  temporal: Temporal,
  row: Pick<RunRow, 'workflowId' | 'executionId' | 'endedAt'>,
): Promise<RunView | undefined> {
  const handle = temporal.client.workflow.getHandle(row.workflowId, row.executionId);
  const asked = (): Promise<RunView> => temporal.connection.withDeadline(Date.now() + 15_000, () => handle.query<RunView>('status'));
  try {
    return row.endedAt === null ? await asked() : await (handle.result() as Promise<RunView>).catch(asked);
  } catch (error) {
    if (isAway(error)) throw temporalError(error, `Run "${row.workflowId}"`);
    return undefined;
  }
}

/** The run with its addresses. */
export function reportOf(temporal: Temporal, view: RunView): RunReport {
  // Runs of before 0.2.0 kept no word about the standing of their version.
  return {
    ...view,
    live: view.live ?? null,
    standing: view.standing ?? null,
    urls: { temporal: workflowUrl(temporal.settings, view.workflowId, view.executionId), ...view.links },
  };
}

interface PendingActivity {
  readonly activityId?: string | null;
  readonly attempt?: number | null;
  readonly lastFailure?: { readonly message?: string | null } | null;
}

/** What went wrong at the attempts before, of steps that are being tried again. */
function retrying(activities: readonly PendingActivity[]): Record<string, string> {
  const reasons: Record<string, string> = {};
  for (const { activityId, attempt, lastFailure } of activities)
    if (typeof activityId === 'string' && typeof lastFailure?.message === 'string')
      reasons[activityId.split(' #')[0]!] = `attempt ${attempt ?? '?'}, after: ${lastFailure.message}`;
  return reasons;
}

/** Asks a run to stop: its steps are cancelled and clean up. Returns at once. @throws NOT_FOUND, USAGE for a run that has ended */
export async function cancelRun(temporal: Temporal, run: string | RunAddress): Promise<void> {
  const { workflowId, executionId } = addressOf(run);
  try {
    const handle = temporal.client.workflow.getHandle(workflowId, executionId);
    const { status } = await handle.describe();
    if (status.name !== 'RUNNING')
      throw new PerennialError('USAGE', `Run "${workflowId}" has ended already.`, { hint: `See how: perennial runs show ${workflowId}` });
    await handle.cancel();
  } catch (error) {
    throw temporalError(error, `Run "${workflowId}"`);
  }
}

/** The argument that a run was started with. @throws NOT_FOUND */
export async function inputOf(temporal: Temporal, run: string | RunAddress): Promise<PipelineInput> {
  const { workflowId, executionId } = addressOf(run);
  try {
    const first = await temporal.client.workflowService.getWorkflowExecutionHistory({
      namespace: temporal.settings.namespace,
      execution: { workflowId, ...(executionId === undefined ? {} : { runId: executionId }) },
      maximumPageSize: 1,
    });
    const payload = first.history?.events?.[0]?.workflowExecutionStartedEventAttributes?.input?.payloads?.[0]?.data;
    const input = decode<PipelineInput>(payload);
    if (input?.plan === undefined) throw new PerennialError('NOT_FOUND', `"${workflowId}" is no run of a pipeline.`);
    return input;
  } catch (error) {
    throw temporalError(error, `Run "${workflowId}"`);
  }
}

/** The nominal time of a run: what it was given, else its schedule's tick, else its start. */
export async function nominalTimeOf(temporal: Temporal, run: string | RunAddress, input: PipelineInput): Promise<string> {
  if (input.nominalTime !== undefined) return input.nominalTime;
  const { workflowId, executionId } = addressOf(run);
  try {
    const { searchAttributes, startTime } = await temporal.client.workflow.getHandle(workflowId, executionId).describe();
    const tick = (searchAttributes as Readonly<Record<string, readonly unknown[] | undefined>>)['TemporalScheduledStartTime']?.[0];
    return (tick instanceof Date ? tick : startTime).toISOString();
  } catch (error) {
    throw temporalError(error, `Run "${workflowId}"`);
  }
}

/** Starts a failed or rejected step of a run that still goes on once more. */
export async function retryStep(temporal: Temporal, run: string | RunAddress, stepId: string): Promise<string> {
  const { workflowId, executionId } = addressOf(run);
  try {
    return await temporal.client.workflow
      .getHandle(workflowId, executionId)
      .executeUpdate<string, [string]>('retryStep', { args: [stepId] });
  } catch (error) {
    const cause = (error as { cause?: unknown }).cause;
    if (cause !== undefined && (error as Error).name === 'WorkflowUpdateFailedError')
      throw new PerennialError('USAGE', messageOf(cause), { hint: '' });
    throw temporalError(error, `Run "${workflowId}"`);
  }
}

export async function* executions(temporal: Temporal, query: string): AsyncIterable<WorkflowExecutionInfo> {
  try {
    yield* temporal.client.workflow.list({ query, pageSize: 100 });
  } catch (error) {
    throw temporalError(error, 'Listing');
  }
}

function rowOf(temporal: Temporal, info: WorkflowExecutionInfo): RunRow {
  const attributes = info.searchAttributes as Readonly<Record<string, readonly unknown[] | undefined>>;
  const first = <T>(name: string): T | null => (attributes[name]?.[0] as T | undefined) ?? null;
  const version = first<string>('ModelVersion');
  const verdict = first<string>('Verdict');
  return {
    run: runNameOf(info.workflowId, info.runId),
    runId: executionIdOf(info.workflowId, info.runId),
    workflowId: info.workflowId,
    executionId: info.runId,
    pipeline: first<string>('Pipeline') ?? info.workflowId.split('/')[0]!,
    status: statusOf(info.status.name, verdict),
    trigger: first<string>('Trigger'),
    verdict: verdict === WAITING || verdict === WENT_ON ? null : verdict,
    primaryMetric: first<number>('PrimaryMetric'),
    primaryMetricName: typeof info.memo?.['primaryMetric'] === 'string' ? info.memo['primaryMetric'] : null,
    model: first<string>('Model'),
    version: version === null ? null : Number(version),
    startedAt: info.startTime.toISOString(),
    endedAt: info.closeTime?.toISOString() ?? null,
    url: workflowUrl(temporal.settings, info.workflowId, info.runId),
  };
}

function statusOf(name: string, verdict: string | null): string {
  if (name === 'COMPLETED') return verdict === 'rejected' || verdict === 'skipped' || verdict === 'nothingNew' ? verdict : 'completed';
  if (name === 'CANCELLED') return 'cancelled';
  if (name === 'RUNNING' && verdict === WAITING) return 'waits for approval';
  return name.toLowerCase().replaceAll('_', ' ');
}

/** JSON payloads; other encodings are of no use here. */
function decode<T>(data: Uint8Array | null | undefined): T | undefined {
  if (data === null || data === undefined || data.length === 0) return undefined;
  return JSON.parse(new TextDecoder().decode(data)) as T;
}
