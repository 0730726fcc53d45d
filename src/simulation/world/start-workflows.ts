import type { SearchAttributePair } from '@temporalio/common';
import { TEMPORAL_DEFAULTS } from '../../../temporal.config.ts';
import { steps } from '../../../activities/steps/index.generated.ts';
import type { Plan } from '../../core/plan.ts';
import type { MonitorView } from '../../core/monitor.ts';
import type { RunView } from '../../core/run.ts';
import type { Temporal } from '../../runs/connect.ts';
import { pipelineInput } from '../../runs/pipeline-input.ts';
import { updateOf } from '../../runs/reconcile.ts';
import type { DesiredSchedule } from '../../runs/schedule-plan.ts';
import { runOptions } from '../../runs/runs.ts';

export interface Started<T> {
  readonly workflowId: string;
  readonly result: Promise<T>;
}

/** Takes the action of a schedule at one of its ticks, as Temporal's scheduler does. */
export async function startTick(temporal: Temporal, desired: DesiredSchedule, tick: number): Promise<Started<RunView | MonitorView>> {
  const { action } = updateOf(temporal, desired);
  const at = new Date(tick);
  const workflowId = `${desired.workflowId}-${at.toISOString().replace(/\.\d+Z$/, 'Z')}`;
  const scheduled: SearchAttributePair[] = [
    { key: { name: 'TemporalScheduledStartTime', type: 'DATETIME' }, value: at },
    { key: { name: 'TemporalScheduledById', type: 'KEYWORD' }, value: desired.id },
  ];
  const handle = await temporal.client.workflow.start(action.workflowType as string, {
    workflowId,
    taskQueue: action.taskQueue,
    args: [...(action.args ?? [])],
    workflowExecutionTimeout: TEMPORAL_DEFAULTS.workflow.executionTimeoutMs,
    workflowTaskTimeout: TEMPORAL_DEFAULTS.workflow.taskTimeoutMs,
    memo: action.memo ?? {},
    typedSearchAttributes: [...((action.typedSearchAttributes as SearchAttributePair[] | undefined) ?? []), ...scheduled],
    ...(action.staticSummary === undefined ? {} : { staticSummary: action.staticSummary }),
    ...(action.staticDetails === undefined ? {} : { staticDetails: action.staticDetails }),
  });
  return { workflowId, result: handle.result() as Promise<RunView | MonitorView> };
}

/** Starts a run by hand, as `perennial run` does. @param name the last part of its id */
export async function startByHand(temporal: Temporal, plan: Plan, name: string): Promise<Started<RunView>> {
  const workflowId = `${plan.pipeline}/${name}`;
  const input = pipelineInput(plan, steps, { trigger: 'manual' });
  const handle = await temporal.client.workflow.start('pipeline', { workflowId, ...runOptions(temporal, input) });
  return { workflowId, result: handle.result() as Promise<RunView> };
}
