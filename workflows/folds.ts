import { CancelledFailure } from '@temporalio/common';
import { getExternalWorkflowHandle, setCurrentDetails, workflowInfo } from '@temporalio/workflow';
import { foldId } from '../src/core/folds.ts';
import type { JsonObject } from '../src/core/json.ts';
import type { FoldPlan } from '../src/core/plan.ts';
import type { TrialCommon } from '../src/core/study.ts';
import { ending } from './failures.ts';
import { compose } from './markdown.ts';
import { StepsRun } from './steps-run.ts';

/** The one argument of the workflow `folds`. */
export interface FoldsInput {
  readonly pipeline: string;
  /** The step that is cross-validated. */
  readonly step: string;
  readonly plan: FoldPlan;
  readonly common: Omit<TrialCommon, 'stops' | 'judged' | 'folds'>;
}

/** What was measured, fold by fold, by metric. */
export interface FoldsResult {
  readonly scores: Readonly<Record<string, readonly number[]>>;
  readonly rows: readonly number[];
  readonly cached: boolean;
}

/** The cross-validation of a step: a model for each fold, measured on the rows that it did not learn from. */
export async function folds(input: FoldsInput): Promise<FoldsResult> {
  const { pipeline, step, plan, common } = input;
  let told = 0;
  const run: StepsRun = new StepsRun({
    steps: plan.steps,
    common,
    task: { runId: `${common.runId}/${step}-folds`, pipeline },
    endsWithFailure: true,
    changed: () => {
      const over = measured(plan, run).length;
      setCurrentDetails(markdown(input, run));
      if (over > told && over < plan.folds) void tell(input, (told = over));
    },
  });
  await run.toEnd();
  if (run.cancelled) throw new CancelledFailure('The cross-validation was cancelled.');
  if (run.failure !== undefined) throw ending(run.failure);
  const values = measured(plan, run);
  const names = Object.entries(values[0] ?? {}).flatMap(([name, value]) => (typeof value === 'number' && name !== 'rows' ? [name] : []));
  return {
    scores: Object.fromEntries(names.map((name) => [name, values.map((own) => own[name] as number)])),
    rows: values.map(({ rows }) => rows as number),
    cached: plan.steps.every(({ id }) => run.outcomes[id]?.cached === true),
  };
}

/** What the folds that are over were measured at. */
function measured({ folds: count, measures }: FoldPlan, run: StepsRun): JsonObject[] {
  return Array.from({ length: count }, (_, at) => run.outcomes[foldId(measures, at + 1)]?.result.values).filter(
    (values) => values !== undefined,
  );
}

async function tell({ step, plan }: FoldsInput, over: number): Promise<void> {
  const { parent } = workflowInfo();
  if (parent === undefined) return;
  try {
    const progress = { message: `${over} of ${plan.folds} folds are measured`, fraction: over / plan.folds };
    await getExternalWorkflowHandle(parent.workflowId, parent.runId).signal('progress', { step, progress });
  } catch {
    // A run that is over has no use for it.
  }
}

function markdown({ step, plan }: FoldsInput, run: StepsRun): string {
  const { failure, progress, statuses } = run;
  return compose(
    [
      `**Cross-validation of ${step}**: ${measured(plan, run).length} of ${plan.folds} folds are measured`,
      ...(failure === undefined ? [] : [`\`${failure.code}\`: ${failure.message}`]),
      ...(progress === undefined ? [] : [progress.progress.message]),
    ],
    [['| Step | |', '|---|---|', ...statuses.map(({ id, status }) => `| ${id} | ${status} |`)].join('\n')],
  );
}
