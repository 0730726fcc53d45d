import { defineSearchAttributeKey } from '@temporalio/common';
import { ParentClosePolicy, WorkflowIdReusePolicy, proxyActivities, setCurrentDetails, startChild, workflowInfo } from '@temporalio/workflow';
import { retrainingRunId } from '../src/core/monitor.ts';
import type { MonitorFinding, MonitorInput, MonitorTask, MonitorView } from '../src/core/monitor.ts';
import { ending, failureOf } from './failures.ts';
import { compose } from './markdown.ts';
import { tellSearch } from './search-attributes.ts';

const { checkModel } = proxyActivities<{ checkModel(task: MonitorTask): Promise<MonitorFinding> }>({
  startToCloseTimeout: '30 minutes',
  heartbeatTimeout: '1 minute',
  retry: { maximumAttempts: 3 },
  summary: 'Look at the model that is being served',
});

const SCHEDULED_START = defineSearchAttributeKey('TemporalScheduledStartTime', 'DATETIME');

/**
 * One check of a served model against what it was trained on. What is found due starts the pipeline's run, which lives on by itself;
 * the same finding never starts a second run.
 */
export async function monitor(input: MonitorInput): Promise<MonitorView> {
  const info = workflowInfo();
  const nominalTime = (info.typedSearchAttributes.get(SCHEDULED_START) ?? info.startTime).toISOString();
  const finding = await look(input, nominalTime);
  const base = { pipeline: input.pipeline, model: input.model, kind: input.check.kind, nominalTime, finding };
  const view: MonitorView = finding.due ? { ...base, ...(await act(input, finding, nominalTime)) } : { ...base, outcome: 'none', run: null };
  tellSearch({
    Verdict: finding.due ? (input.check.kind === 'drift' ? 'drift' : 'newData') : 'stable',
    ...(finding.driftScore === null ? {} : { DriftScore: finding.driftScore }),
    ...(finding.champion === null ? {} : { ModelVersion: String(finding.champion) }),
  });
  setCurrentDetails(compose([`**${finding.summary}**`, OUTCOMES[view.outcome], ...(view.run === null ? [] : [`Run \`${view.run}\``])], finding.details === '' ? [] : [finding.details]));
  return view;
}

const OUTCOMES: Readonly<Record<MonitorView['outcome'], string>> = {
  started: 'A retraining run was started.',
  running: 'The retraining run for this finding was started before.',
  alert: 'No run was started: the document asks for an alert only.',
  none: 'Nothing to do.',
};

async function look(input: MonitorInput, nominalTime: string): Promise<MonitorFinding> {
  try {
    return await checkModel({ model: input.model, nominalTime, check: input.check, run: input.run });
  } catch (error) {
    throw ending(failureOf(error));
  }
}

async function act(input: MonitorInput, finding: MonitorFinding, nominalTime: string): Promise<Pick<MonitorView, 'outcome' | 'run'>> {
  if (input.check.kind === 'drift' && input.check.drift.action === 'alert') return { outcome: 'alert', run: null };
  const run = `${input.pipeline}/${retrainingRunId(input, finding, nominalTime)}`;
  try {
    await startChild('pipeline', {
      workflowId: run,
      args: [{ ...input.run, nominalTime, why: finding.summary }],
      parentClosePolicy: ParentClosePolicy.ABANDON,
      workflowIdReusePolicy: WorkflowIdReusePolicy.ALLOW_DUPLICATE_FAILED_ONLY,
      staticSummary: `${input.pipeline}: retraining, ${finding.summary}`.slice(0, 200),
      typedSearchAttributes: [
        { key: defineSearchAttributeKey('RunKind', 'KEYWORD'), value: 'run' },
        { key: defineSearchAttributeKey('Pipeline', 'KEYWORD'), value: input.pipeline },
        { key: defineSearchAttributeKey('Model', 'KEYWORD'), value: input.model },
        { key: defineSearchAttributeKey('Trigger', 'KEYWORD'), value: input.run.trigger },
        ...(finding.driftScore === null ? [] : [{ key: defineSearchAttributeKey('DriftScore', 'DOUBLE'), value: finding.driftScore }]),
      ],
    });
    return { outcome: 'started', run };
  } catch (error) {
    if ((error as Error).name === 'WorkflowExecutionAlreadyStartedError') return { outcome: 'running', run };
    throw error;
  }
}
