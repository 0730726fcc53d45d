import { defineSearchAttributeKey } from '@temporalio/common';
import {
  ParentClosePolicy,
  WorkflowIdReusePolicy,
  patched,
  proxyActivities,
  setCurrentDetails,
  startChild,
  workflowInfo,
} from '@temporalio/workflow';
import { eventsOfCheck } from '../src/core/notification.ts';
import type { WholeText } from '../src/core/notification.ts';
import { actionOf, kindOfCheck, retrainingRunId, verdictOfCheck } from '../src/core/monitor.ts';
import type {
  Admission,
  AdmissionTask,
  Deed,
  DeedTask,
  MonitorFinding,
  MonitorInput,
  MonitorTask,
  MonitorView,
} from '../src/core/monitor.ts';
import { ending, failureOf } from './failures.ts';
import { compose } from './markdown.ts';
import { tell } from './outcomes.ts';
import { PATCHES } from './patches.ts';
import { tellSearch } from './search-attributes.ts';

const { checkModel } = proxyActivities<{ checkModel(task: MonitorTask): Promise<MonitorFinding> }>({
  startToCloseTimeout: '30 minutes',
  heartbeatTimeout: '1 minute',
  retry: { maximumAttempts: 3 },
  summary: 'Look at the model that is being served',
});

const { admitRetraining } = proxyActivities<{ admitRetraining(task: AdmissionTask): Promise<Admission> }>({
  startToCloseTimeout: '30 minutes',
  heartbeatTimeout: '1 minute',
  retry: { maximumAttempts: 5 },
  summary: 'Decide whether a run may start',
});

const { actOnFinding } = proxyActivities<{ actOnFinding(task: DeedTask): Promise<Deed> }>({
  startToCloseTimeout: '30 minutes',
  heartbeatTimeout: '1 minute',
  retry: { maximumAttempts: 5 },
  summary: 'Do what the document says',
});

const SCHEDULED_START = defineSearchAttributeKey('TemporalScheduledStartTime', 'DATETIME');

/**
 * One check of a served model against what it was trained on. What is found due starts the pipeline's run, which lives on by itself,
 * within the bounds that the document sets.
 */
export async function monitor(input: MonitorInput): Promise<MonitorView> {
  const info = workflowInfo();
  const nominalTime = (info.typedSearchAttributes.get(SCHEDULED_START) ?? info.startTime).toISOString();
  const finding = await look(input, nominalTime);
  const base = { pipeline: input.pipeline, model: input.model, kind: kindOfCheck(input.check), nominalTime, finding };
  const view: MonitorView = finding.due
    ? { ...base, ...(await act(input, finding, nominalTime)) }
    : { ...base, outcome: finding.blind === true ? 'blind' : 'none', run: null };
  tellSearch({
    Verdict: verdictOfCheck(input.check, finding, view.outcome),
    ...(finding.driftScore === null ? {} : { DriftScore: finding.driftScore }),
    ...(finding.champion === null ? {} : { ModelVersion: String(finding.champion) }),
  });
  if (patched(PATCHES.outcomes))
    await tellView(
      input,
      view.outcome,
      [finding.summary, view.why ?? ''].join(' ').trim(),
      view.outcome === 'told' ? { markdown: finding.details, ...(finding.page === undefined ? {} : { html: finding.page }) } : undefined,
    );
  setCurrentDetails(
    compose(
      [
        `**${finding.summary}**`,
        [OUTCOMES[view.outcome], view.why ?? ''].join(' ').trim(),
        ...(view.run === null ? [] : [`Run \`${view.run}\``]),
      ],
      finding.details === '' ? [] : [finding.details],
    ),
  );
  return view;
}

const OUTCOMES: Readonly<Record<MonitorView['outcome'], string>> = {
  started: 'A retraining run was started.',
  running: 'No run was started: the one before is still going.',
  coolingDown: 'No run was started: the one before ended a short while ago.',
  blocked: 'No run was started: those before changed nothing.',
  nothingNew: 'No run was started: there is nothing new to learn from.',
  alert: 'No run was started: people are told.',
  none: 'Nothing to do.',
  rolledBack: 'The champion went back to the version before, and that is pinned.',
  paused: 'What starts the pipeline by itself was paused.',
  blind: 'Nothing can be seen.',
  told: 'Whoever asked for it is told.',
};

async function look(input: MonitorInput, nominalTime: string): Promise<MonitorFinding> {
  try {
    return await checkModel({ model: input.model, nominalTime, check: input.check, run: input.run });
  } catch (error) {
    return fails(input, error);
  }
}

async function act(
  input: MonitorInput,
  finding: MonitorFinding,
  nominalTime: string,
): Promise<Pick<MonitorView, 'outcome' | 'run' | 'why'>> {
  // Of schedules that were made before `do`: nothing is asked, as then.
  if (input.check.kind === 'drift' && input.check.drift.action === 'alert') return { outcome: 'alert', run: null };
  if (actionOf(input.check).kind !== 'retrain') return { run: null, ...(await done(input, taskOf(input, finding, nominalTime))) };
  if (!patched(PATCHES.admission))
    return start(input, finding, nominalTime, `${input.pipeline}/${retrainingRunId(input, finding, nominalTime)}`);
  const { outcome, run, why } = await admitted(input, taskOf(input, finding, nominalTime));
  return outcome === 'started' ? start(input, finding, nominalTime, run!) : { outcome, run, why };
}

function taskOf({ model, check, run }: MonitorInput, finding: MonitorFinding, nominalTime: string): AdmissionTask {
  const { workflowId, runId } = workflowInfo();
  return { model, nominalTime, check, run, finding, by: `${workflowId}/${runId}`, now: new Date().toISOString() };
}

async function done(input: MonitorInput, task: AdmissionTask): Promise<Deed> {
  try {
    return await actOnFinding({ ...task, who: `trigger ${input.pipeline}/${kindOfCheck(input.check)}` });
  } catch (error) {
    return fails(input, error);
  }
}

async function admitted(input: MonitorInput, task: AdmissionTask): Promise<Admission> {
  try {
    return await admitRetraining(task);
  } catch (error) {
    return fails(input, error);
  }
}

async function fails(input: MonitorInput, error: unknown): Promise<never> {
  const failure = failureOf(error);
  if (patched(PATCHES.outcomes)) await tellView(input, 'failed', failure.message);
  throw ending(failure);
}

function tellView({ pipeline, check, model, run }: MonitorInput, outcome: string, summary: string, whole?: WholeText): Promise<void> {
  return tell(
    { pipeline, kind: kindOfCheck(check), outcome, summary, workflow: workflowInfo().workflowId, trigger: run.trigger, model },
    {
      targets: run.plan.on.notify,
      events: eventsOfCheck(kindOfCheck(check), outcome),
      version: null,
      ...(whole === undefined ? {} : { whole }),
    },
  );
}

/** What the check found, and how the run differs from the document. */
function evidenceOf(
  { check }: MonitorInput,
  { champion, rows, driftScore, newRows, evidence }: MonitorFinding,
): Pick<MonitorInput['run'], 'evidence'> {
  const action = actionOf(check);
  const differs = action.kind === 'retrain' && action.variant !== undefined ? { run: action.variant.text } : {};
  if (check.kind === 'drift') return { evidence: { trigger: 'drift', champion, rows, driftScore, ...differs } };
  if (check.kind === 'newData') return { evidence: { trigger: 'newData', champion, rows, newRows, ...differs } };
  return { evidence: { ...evidence, champion, ...differs } };
}

async function start(
  input: MonitorInput,
  finding: MonitorFinding,
  nominalTime: string,
  run: string,
): Promise<Pick<MonitorView, 'outcome' | 'run'>> {
  try {
    await startChild('pipeline', {
      workflowId: run,
      args: [
        {
          ...input.run,
          nominalTime,
          why: finding.summary,
          ...evidenceOf(input, finding),
        },
      ],
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
