import { isCancellation, log, proxyActivities, workflowInfo } from '@temporalio/workflow';
import type { Plan, PlanStep } from '../src/core/plan.ts';
import type { StepOutcome } from '../src/core/run.ts';
import { KEYS } from './search-attributes.ts';

const { championWith } = proxyActivities<{ championWith(model: string, digest: string): Promise<number | null> }>({
  startToCloseTimeout: '1 minute',
  retry: { maximumAttempts: 3 },
  summary: 'Is this the champion?',
});

const BY_PEOPLE: readonly string[] = ['manual', 'backfill', 'reproduce'];

/** The champion that a run made again. */
export interface MadeAgain {
  readonly model: string;
  readonly version: number;
}

/** Whether a run of the plan stops where it has made the champion again. */
export function stopsUnchanged({ on }: Plan, trigger: string): boolean {
  return !BY_PEOPLE.includes(trigger) && (on.unchanged ?? 'stop') === 'stop';
}

/**
 * The champion, where the model that a step gave is the champion's to the byte: data, parameters and code give what serves already, so
 * there is nothing new to learn from.
 */
export async function madeAgain(step: PlanStep, outcome: StepOutcome): Promise<MadeAgain | undefined> {
  const model = workflowInfo().typedSearchAttributes.get(KEYS.Model);
  const [made] = Object.entries(step.outputs).flatMap(([name, kind]) => (kind === 'model' ? [outcome.result.outputs[name]] : []));
  if (model === undefined || made === undefined) return undefined;
  try {
    const version = await championWith(model, made.digest);
    return version === null ? undefined : { model, version };
  } catch (error) {
    if (isCancellation(error)) throw error;
    log.warn(`Whether "${step.id}" made the champion of ${model} again is not known, so the run goes on: ${String(error)}`);
    return undefined;
  }
}
