import { defaultPayloadConverter } from '@temporalio/common';
import type { ActivityDeps } from '../../activities/deps.ts';
import type { Change } from '../core/change.ts';
import { messageOf } from '../core/errors.ts';
import type { Outcome, OutcomeKind } from '../core/outcome.ts';
import { executionIdOf } from '../core/run.ts';
import { stepsCutOff } from '../core/run-changes.ts';
import { tellChanges } from '../events/outbox.ts';
import { connectTemporal, isAway } from '../runs/connect.ts';
import type { Temporal } from '../runs/connect.ts';
import { executions } from '../runs/runs.ts';
import { endText, endedAs } from '../runs/settle-studies.ts';
import { withLineage } from '../steps/lineage.ts';
import { logOutcome } from '../steps/outcome-log.ts';
import { mask } from '../steps/secrets.ts';
import { writeOutcome } from '../registry/outcomes.ts';
import { StudyStore } from '../studies/study-store.ts';
import { pause } from './pack-logs.ts';

/** Between two looks, in milliseconds. The first one comes when the worker has made what it looks for. */
const EVERY_MS = 5_000;
/** Ends that one look goes through, the newest first: what came while no worker was there is told as well. */
const LOOKED_AT = 100;

/** Ends of so long ago, in milliseconds, nobody is told of any more: what was sent is known for longer than that. */
const TOLD_MS = 7 * 24 * 3_600_000;

const WORDS: Readonly<Record<string, string>> = { TERMINATED: 'terminated', TIMED_OUT: 'timedOut' };

/**
 * Tells the store and the log of runs, checks and studies that were terminated or ran out of time, as they tell of any other end
 * themselves: of these two ends Temporal asks no workflow code.
 */
export async function watchEnds(deps: Pick<ActivityDeps, 'store' | 'artifacts'>, signal: AbortSignal): Promise<void> {
  const { store } = deps;
  const seen = new Set<string>();
  let temporal: Temporal | undefined;
  let told = '';
  for (await pause(EVERY_MS, signal); !signal.aborted; await pause(EVERY_MS, signal)) {
    try {
      temporal ??= await connectTemporal();
      await look(temporal, deps, seen);
      await lookAtStudies(temporal, store, seen);
      told = '';
    } catch (error) {
      // Of a Temporal server that is away the worker itself tells.
      if (!isAway(error) && messageOf(error) !== told) console.error(mask(`worker: ends of runs cannot be looked at: ${messageOf(error)}`));
      told = messageOf(error);
    }
  }
  await temporal?.close();
}

async function look(temporal: Temporal, deps: Pick<ActivityDeps, 'store' | 'artifacts'>, seen: Set<string>): Promise<void> {
  const { store } = deps;
  let count = 0;
  for await (const info of executions(temporal, `RunKind IN ('run', 'monitor') AND ExecutionStatus IN ('Terminated', 'TimedOut')`)) {
    if ((count += 1) > LOOKED_AT) return;
    if (seen.has(info.runId)) continue;
    const attributes = info.searchAttributes as Readonly<Record<string, readonly unknown[] | undefined>>;
    const text = (name: string): string | null => (typeof attributes[name]?.[0] === 'string' ? attributes[name][0] : null);
    const trigger = text('Trigger') ?? '';
    const kind: OutcomeKind = text('RunKind') === 'run' ? 'run' : trigger === '' ? 'drift' : trigger;
    const outcome: Outcome = {
      formatVersion: 1,
      pipeline: text('Pipeline') ?? info.workflowId.split('/')[0]!,
      kind,
      outcome: WORDS[info.status.name] ?? info.status.name.toLowerCase(),
      summary: await reasonOf(temporal, info.workflowId, info.runId),
      workflow: info.workflowId,
      trigger,
      model: text('Model'),
      at: (info.closeTime ?? info.startTime).toISOString(),
    };
    const news = await writeOutcome(store, outcome);
    if (kind === 'run' && Date.now() - Date.parse(outcome.at) < TOLD_MS) await tellEnd(temporal, deps, changeOfEnd(outcome, info.runId));
    seen.add(info.runId);
    if (news) logOutcome(outcome);
  }
}

/** That the run ended, and with it the steps that were going. */
async function tellEnd(temporal: Temporal, { store, artifacts }: Pick<ActivityDeps, 'store' | 'artifacts'>, end: Change): Promise<void> {
  if (!(await tellChanges(store, [end], { again: true }))) return;
  const { run, executionId } = end.data as { readonly run: string; readonly executionId: string };
  const cut = stepsCutOff(await changesToldBy(temporal, run, executionId), end.at);
  await tellChanges(store, mask(await Promise.all(cut.map((change) => withLineage(artifacts, change)))), { again: true });
}

/** What an execution had told, as its history has it: nothing else knows which steps were going. */
async function changesToldBy({ client }: Temporal, workflowId: string, runId: string): Promise<Change[]> {
  const { events } = await client.workflow.getHandle(workflowId, runId).fetchHistory();
  return (events ?? []).flatMap(({ activityTaskScheduledEventAttributes: scheduled }): readonly Change[] => {
    const payload = scheduled?.input?.payloads?.[0];
    if (scheduled?.activityType?.name !== 'tellChanges' || payload === undefined) return [];
    return defaultPayloadConverter.fromPayload<readonly Change[]>(payload);
  });
}

function changeOfEnd(outcome: Outcome, executionId: string): Change {
  const { pipeline, workflow, outcome: status, summary, trigger, model, at } = outcome;
  const runId = executionIdOf(workflow, executionId);
  return {
    key: `run/${workflow}/${executionId}/ended`,
    type: status === 'timedOut' ? 'run.timedOut' : 'run.terminated',
    at,
    subject: `pipelines/${pipeline}/runs/${runId}`,
    order: 0,
    pipeline,
    model: null,
    data: {
      run: workflow,
      executionId,
      runId,
      pipeline,
      trigger,
      status,
      summary,
      model,
      ...(status === 'timedOut' ? { failure: { code: 'TIMEOUT', message: summary } } : {}),
    },
  };
}

/** A study whose workflow ended without closing it runs no more. */
async function lookAtStudies(temporal: Temporal, store: ActivityDeps['store'], seen: Set<string>): Promise<void> {
  const studies = new StudyStore(store);
  let count = 0;
  for await (const info of executions(temporal, `RunKind = 'study' AND ExecutionStatus IN ('Terminated', 'TimedOut', 'Failed')`)) {
    if ((count += 1) > LOOKED_AT) return;
    if (seen.has(info.runId)) continue;
    if ((await studies.study(info.workflowId))?.record.state === 'running')
      await endedAs(studies, info.workflowId, endText(info.status.name));
    seen.add(info.runId);
  }
}

/** What the last event says. */
async function reasonOf({ client, settings }: Temporal, workflowId: string, runId: string): Promise<string> {
  const { history } = await client.workflowService.getWorkflowExecutionHistory({
    namespace: settings.namespace,
    execution: { workflowId, runId },
    historyEventFilterType: 2,
  });
  const terminated = history?.events?.at(-1)?.workflowExecutionTerminatedEventAttributes;
  if (terminated === undefined || terminated === null) return 'It took longer than a run may.';
  const by = terminated.identity ?? '';
  const why = terminated.reason ?? '';
  return `Terminated by ${by === '' ? 'somebody' : by}${why === '' ? '' : `: ${why}`}`;
}
