import { defineSearchAttributeKey } from '@temporalio/common';
import { ChildWorkflowCancellationType, ParentClosePolicy, executeChild, proxyActivities } from '@temporalio/workflow';
import type { OpenedStudy, StudyActivities } from '../activities/studies.ts';
import type { JsonObject } from '../src/core/json.ts';
import { seedNumbers } from '../src/core/folds.ts';
import type { Plan, PlanStep } from '../src/core/plan.ts';
import type { StepOutcome, StepTask } from '../src/core/run.ts';
import { SEARCH_ATTRIBUTES } from '../src/core/search-attributes.ts';
import type { StudySettings, TrialCommon } from '../src/core/study.ts';
import type { study } from './study.ts';

const { openStudy } = proxyActivities<Pick<StudyActivities, 'openStudy'>>({
  startToCloseTimeout: '1 minute',
  retry: { maximumAttempts: 20, maximumInterval: '30 seconds' },
  summary: 'Begin the study, or find what an earlier one of the same kind did',
});

/** The study of a tune step, from its beginning to its winner. @returns the steps with the winner's values, and what came of it */
export async function runStudy(
  plan: Plan,
  step: PlanStep,
  task: StepTask,
  given: TrialCommon['given'],
  readCache: boolean | undefined,
): Promise<{ readonly steps: readonly PlanStep[]; readonly outcome: StepOutcome }> {
  const { pipeline, documentDir, parameters } = plan;
  const started = Date.now();
  const id = `${pipeline}/${task.runId}/${step.id}`;
  const common: TrialCommon = {
    runId: task.runId,
    documentDir,
    planRevision: plan.revision,
    nominalTime: task.nominalTime,
    trigger: task.trigger,
    ...(readCache === undefined ? {} : { readCache }),
    given,
    stops: step.config['stop'] !== undefined,
    ...(typeof step.config['folds'] === 'number' && step.tune!.judged !== undefined ? { folds: step.config['folds'] } : {}),
    ...(typeof step.config['repeats'] === 'number' && step.config['repeats'] > 1 ? { seeds: seedNumbers(step.config['repeats']) } : {}),
    ...(step.tune!.judged === undefined ? {} : { judged: step.tune!.judged }),
  };
  const opened = (await openStudy({
    study: id,
    pipeline,
    plan: { documentDir, parameters },
    step,
    common: { runId: task.runId, given },
  })) as OpenedStudy | undefined;
  const result = await executeChild<typeof study>('study', {
    workflowId: id,
    args: [
      {
        study: id,
        pipeline,
        step: step.id,
        settings: settingsOf(step),
        objectives: step.tune!.objectives,
        common,
        ...(opened?.anew === undefined ? {} : { anew: opened.anew }),
      },
    ],
    parentClosePolicy: ParentClosePolicy.REQUEST_CANCEL,
    cancellationType: ChildWorkflowCancellationType.WAIT_CANCELLATION_COMPLETED,
    staticSummary: step.summary,
    typedSearchAttributes: [
      { key: defineSearchAttributeKey('RunKind', SEARCH_ATTRIBUTES.RunKind), value: 'study' },
      { key: defineSearchAttributeKey('Pipeline', SEARCH_ATTRIBUTES.Pipeline), value: pipeline },
    ],
  });
  const { trials, cached } = result.values as { readonly trials: number; readonly cached: number };
  return {
    steps: result.steps,
    outcome: {
      result: { outputs: {}, values: result.values, details: result.details },
      cached: result.cached ?? trials === cached,
      reason: cached === 0 ? (opened?.anew ?? 'first run') : `${cached} of ${trials} trials from the cache`,
      durationMs: Date.now() - started,
    },
  };
}

function settingsOf({ config, startToCloseMs, tune }: PlanStep): StudySettings {
  const timeMs = Math.min(tune!.timeMs ?? Infinity, startToCloseMs);
  const { trials, parallel, repeats = 1, final } = config as { trials: number; parallel: number; repeats?: number; final?: JsonObject };
  const { top, repeats: more } = (final ?? {}) as { top: number; repeats: number };
  return { trials, parallel, timeMs, ...(final === undefined ? {} : { final: { top, seeds: seedNumbers(more, repeats) } }) };
}
