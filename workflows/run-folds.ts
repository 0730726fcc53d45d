import { defineSearchAttributeKey } from '@temporalio/common';
import { ChildWorkflowCancellationType, ParentClosePolicy, executeChild } from '@temporalio/workflow';
import { meanAndDeviation } from '../src/core/folds.ts';
import type { PlanStep } from '../src/core/plan.ts';
import type { StepOutcome } from '../src/core/run.ts';
import { SEARCH_ATTRIBUTES } from '../src/core/search-attributes.ts';
import type { FoldsInput, FoldsResult, folds } from './folds.ts';

/** The cross-validation of a step, as a workflow of its own. */
export function runFolds(pipeline: string, step: PlanStep, common: FoldsInput['common']): Promise<FoldsResult> {
  return executeChild<typeof folds>('folds', {
    workflowId: `${pipeline}/${common.runId}/${step.id}/folds`,
    args: [{ pipeline, step: step.id, plan: step.folds!, common }],
    parentClosePolicy: ParentClosePolicy.REQUEST_CANCEL,
    cancellationType: ChildWorkflowCancellationType.WAIT_CANCELLATION_COMPLETED,
    staticSummary: `${step.folds!.folds} folds of ${step.id}`,
    typedSearchAttributes: [
      { key: defineSearchAttributeKey('RunKind', SEARCH_ATTRIBUTES.RunKind), value: 'folds' },
      { key: defineSearchAttributeKey('Pipeline', SEARCH_ATTRIBUTES.Pipeline), value: pipeline },
    ],
  });
}

/** What came of the training on all rows, with what its folds were measured at. */
export function withScores(outcome: StepOutcome, { scores, rows, cached }: FoldsResult): StepOutcome {
  const { result } = outcome;
  const values: Record<string, number> = { folds: rows.length };
  for (const [name, own] of Object.entries(scores)) {
    const { mean, deviation } = meanAndDeviation(own);
    values[`${name}Mean`] = mean;
    values[`${name}Deviation`] = deviation;
  }
  return {
    ...outcome,
    cached: outcome.cached && cached,
    result: {
      ...result,
      values: { ...result.values, ...values },
      details: [foldsTable({ scores, rows }), ...(result.details === undefined ? [] : [result.details])].join('\n\n'),
    },
  };
}

/** Scores fold by fold as Markdown. */
function foldsTable({ scores, rows }: Pick<FoldsResult, 'scores' | 'rows'>): string {
  const short = (value: number): string => String(Number(value.toPrecision(4)));
  return [
    `**${rows.length} folds**, each measured on rows that its model did not learn from; the model below learnt from all of them.`,
    '',
    `| Metric | Mean | Deviation | ${rows.map((_, at) => `Fold ${at + 1}`).join(' | ')} |`,
    `|---|---|---|${rows.map(() => '---|').join('')}`,
    ...Object.entries(scores).map(([name, own]) => {
      const { mean, deviation } = meanAndDeviation(own);
      return `| ${name} | ${short(mean)} | ${short(deviation)} | ${own.map(short).join(' | ')} |`;
    }),
    `| rows | | | ${rows.join(' | ')} |`,
  ].join('\n');
}
