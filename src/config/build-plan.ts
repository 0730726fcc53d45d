import { createHash } from 'node:crypto';
import { canonicalJson } from '../core/json.ts';
import type { Json, JsonObject } from '../core/json.ts';
import { PLAN_FORMAT } from '../core/plan.ts';
import type { Condition, Plan, PlanInput, PlanStep } from '../core/plan.ts';
import type { RetryPlan } from '../core/step.ts';
import type { CheckedStep, DocumentFacts } from './checks/check.ts';
import type { Finding } from './diagnostic.ts';
import { durationMs } from '../core/duration.ts';
import { foldProblem, withFolds } from './folds/train-folds.ts';
import { withJudges } from './judges.ts';
import { isObject } from './schema-walk.ts';
import { planTriggers } from './triggers.ts';

/**
 * The plan of a document without mistakes.
 *
 * @param meant the document whose digest names the plan: parameters substituted, references to a search standing
 */
export function buildPlan(
  facts: DocumentFacts,
  parameters: JsonObject,
  inputs: readonly Readonly<Record<string, PlanInput>>[],
  meant: Json,
): Plan {
  const { document } = facts;
  const { $schema: _schema, ...meaning } = isObject(meant) ? meant : {};
  return {
    planFormat: PLAN_FORMAT,
    pipeline: facts.name,
    description: typeof document['description'] === 'string' ? document['description'] : '',
    documentDir: facts.documentDir,
    revision: createHash('sha256').update(canonicalJson(meaning)).digest('hex'),
    parameters,
    steps: planSteps(facts, inputs),
    on: planTriggers(facts.on ?? {}),
  };
}

/** The steps of a document without mistakes. */
export function planSteps(facts: DocumentFacts, inputs: readonly Readonly<Record<string, PlanInput>>[]): PlanStep[] {
  const steps = facts.steps.map((step, index) => planStep(step, inputs[index]!));
  return withFolds(facts.name, withJudges(facts.name, steps));
}

/** Train steps that cannot be cross-validated as they say. */
export function foldFindings(facts: DocumentFacts, inputs: readonly Readonly<Record<string, PlanInput>>[]): Finding[] {
  if (!facts.steps.some(({ definition, config }) => definition?.type === 'train' && config?.['folds'] !== undefined)) return [];
  const steps = facts.steps.map((step, index) => planStep(step, inputs[index]!));
  return steps.flatMap((step, index) => {
    const problem = step.type !== 'train' || step.config['folds'] === undefined ? undefined : foldProblem(facts.name, steps, step);
    return problem === undefined ? [] : [{ pointer: `/steps/${index}/with/folds`, at: 'key', ...problem }];
  });
}

function planStep(step: CheckedStep, inputs: Readonly<Record<string, PlanInput>>): PlanStep {
  const { type, version, retry, timeouts, cacheable, heavy } = step.definition!;
  const complete = step.complete!;
  const timeout = complete['timeout'];
  const queue = complete['queue'];
  const condition = complete['if'];
  return {
    id: step.id,
    type,
    version,
    config: step.config!,
    inputs,
    outputs: Object.fromEntries(Object.entries(step.ports!.outputs).map(([name, port]) => [name, port.kind])),
    retry: planRetry(retry, isObject(complete['retry']) ? complete['retry'] : {}),
    startToCloseMs: typeof timeout === 'string' ? durationMs(timeout) : timeouts.startToCloseMs,
    heartbeatMs: timeouts.heartbeatMs,
    cache: cacheable && complete['cache'] !== false,
    summary: stepSummary(step),
    ...(heavy === true ? { heavy } : {}),
    ...(typeof queue === 'string' ? { queue } : {}),
    ...(isObject(condition) ? { if: condition as unknown as Condition } : {}),
  };
}

/** Characters of a step's line in the Temporal UI, which cuts longer ones. */
const SUMMARY_MAX = 150;

/** What this step does, and which one it is where its type does not tell. */
function stepSummary(step: CheckedStep): string {
  const { type, summary, describe } = step.definition!;
  const line = `${step.id === type ? '' : `${step.id}: `}${describe?.(step.config!) ?? summary}`.replaceAll('\n', ' ');
  return line.length > SUMMARY_MAX ? `${line.slice(0, SUMMARY_MAX - 1)}…` : line;
}

/** What the document says, over what the step type says. */
function planRetry(standard: RetryPlan, given: JsonObject): RetryPlan {
  const { maximumAttempts, initialInterval, backoffCoefficient, maximumInterval } = given;
  const initialIntervalMs = typeof initialInterval === 'string' ? durationMs(initialInterval) : standard.initialIntervalMs;
  return {
    maximumAttempts: typeof maximumAttempts === 'number' ? maximumAttempts : standard.maximumAttempts,
    initialIntervalMs,
    backoffCoefficient: typeof backoffCoefficient === 'number' ? backoffCoefficient : standard.backoffCoefficient,
    maximumIntervalMs:
      typeof maximumInterval === 'string' ? durationMs(maximumInterval) : Math.max(initialIntervalMs, standard.maximumIntervalMs),
  };
}
