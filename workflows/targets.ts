import {
  condition,
  continueAsNew,
  defineQuery,
  defineSignal,
  proxyActivities,
  setCurrentDetails,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import { targetText } from '../src/core/targets.ts';
import type { TargetsView } from '../src/core/targets.ts';

export interface TargetsInput {
  readonly model: string;
  /** Looks without success so far; carried over when the workflow continues as new. */
  readonly failures?: number;
}

interface TargetActivities {
  followTargets(model: string): Promise<TargetsView>;
}

/** An export of a large model is made and checked; a worker that is killed is noticed by the heartbeat. */
const { followTargets } = proxyActivities<TargetActivities>({
  startToCloseTimeout: '2 hours',
  heartbeatTimeout: '20 seconds',
  retry: { initialInterval: '500 milliseconds', backoffCoefficient: 2, maximumInterval: '30 seconds' },
});

const followSignal = defineSignal('follow');
const statusQuery = defineQuery<TargetsView | null>('status');

const FIRST_WAIT_MS = 1_000;
const WAIT_MS_MAX = 60_000;

/**
 * Brings the deployment targets of a model in step with its routing, and is over when they are. What fails is tried again until it
 * works, or until the routing asks for something else. One of a model at a time: two would write over each other.
 */
export async function targets({ model, failures: before = 0 }: TargetsInput): Promise<TargetsView> {
  let asks = 0;
  let view: TargetsView | null = null;
  let failures = before;
  setHandler(followSignal, () => {
    asks += 1;
    failures = 0;
  });
  setHandler(statusQuery, () => view, { description: 'How far each target is' });
  for (;;) {
    const answered = asks;
    view = await followTargets(model);
    setCurrentDetails(details(view));
    // Asked again meanwhile: by then the routing may have said something else.
    if (asks !== answered) continue;
    if (view.targets.every(({ inStep, refused }) => inStep || refused === true)) return view;
    failures += 1;
    await condition(() => asks !== answered, Math.min(WAIT_MS_MAX, FIRST_WAIT_MS * 2 ** Math.min(failures - 1, 10)));
    if (workflowInfo().continueAsNewSuggested) await continueAsNew<typeof targets>({ model, failures });
  }
}

function details({ model, champion, targets: all }: TargetsView): string {
  if (all.length === 0) return `**${model}** has no targets besides the servers.`;
  const rows = all.map((target) => `- ${target.inStep ? '✔' : '✘'} ${targetText(target)}`);
  return [`Champion of **${model}**: version ${champion ?? 'none'}`, rows.join('\n')].join('\n\n');
}
