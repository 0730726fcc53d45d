import { canonicalJson } from './json.ts';
import type { Json } from './json.ts';
import type { Condition } from './plan.ts';
import type { RunState } from './run-state.ts';

/** `unknown` where a value that decides is not there; `why` says it in one sentence either way. */
export interface ConditionOutcome {
  readonly holds: boolean | 'unknown';
  readonly why: string;
}

/** Ids of the steps whose values the condition reads, each once, in order of appearance. */
export function conditionSteps(condition: Condition): string[] {
  const found = new Set<string>();
  const visit = (part: Condition): void => {
    if ('step' in part) found.add(part.step);
    else if ('all' in part) part.all.forEach(visit);
    else if ('any' in part) part.any.forEach(visit);
    else if ('not' in part) visit(part.not);
  };
  visit(condition);
  return [...found];
}

/**
 * Evaluates a condition in Kleene's three-valued logic, so that a missing value never counts as true, not even under `not`.
 * Call it once all of {@link conditionSteps} are final.
 */
export function evaluateCondition(condition: Condition, state: RunState): ConditionOutcome {
  if ('always' in condition) return { holds: condition.always, why: `"if" says ${condition.always ? 'always' : 'never'}` };
  if ('not' in condition) {
    const inner = evaluateCondition(condition.not, state);
    return { holds: inner.holds === 'unknown' ? 'unknown' : !inner.holds, why: inner.why };
  }
  if ('all' in condition)
    return combine(
      condition.all.map((part) => evaluateCondition(part, state)),
      false,
    );
  if ('any' in condition)
    return combine(
      condition.any.map((part) => evaluateCondition(part, state)),
      true,
    );
  return compare(condition, state);
}

/** `decisive` is the value of one part that settles the whole: false for `all`, true for `any`. */
function combine(parts: readonly ConditionOutcome[], decisive: boolean): ConditionOutcome {
  const settling = parts.find((part) => part.holds === decisive);
  if (settling !== undefined) return settling;
  const unknown = parts.find((part) => part.holds === 'unknown');
  if (unknown !== undefined) return unknown;
  return { holds: !decisive, why: parts.map((part) => part.why).join(' and ') };
}

type Comparison = Extract<Condition, { step: string }>;

function compare(condition: Comparison, state: RunState): ConditionOutcome {
  const step = state.steps[condition.step];
  const values = step?.values;
  if (values === undefined || !Object.hasOwn(values, condition.value)) return { holds: 'unknown', why: missing(condition, state) };
  const given = values[condition.value] as Json;
  const label = `${condition.step}.${condition.value}`;
  const shown = canonicalJson(given);
  if ('equals' in condition) {
    const holds = shown === canonicalJson(condition.equals);
    return { holds, why: `${label} is ${shown}${holds ? '' : `, not ${canonicalJson(condition.equals)}`}` };
  }
  if (typeof given !== 'number') return { holds: 'unknown', why: `${label} is ${shown}, which is not a number to compare` };
  if ('atLeast' in condition) {
    const holds = given >= condition.atLeast;
    return { holds, why: `${label} ${shown} is ${holds ? 'at least' : 'below'} ${condition.atLeast}` };
  }
  const holds = given <= condition.atMost;
  return { holds, why: `${label} ${shown} is ${holds ? 'at most' : 'above'} ${condition.atMost}` };
}

function missing(condition: Comparison, state: RunState): string {
  const step = state.steps[condition.step];
  if (step === undefined) return `there is no step "${condition.step}"`;
  if (step.status !== 'completed' && step.status !== 'cached' && step.status !== 'rejected')
    return `"${condition.step}" ${step.status === 'skipped' || step.status === 'cancelled' ? `was ${step.status}` : step.status} and so gave no "${condition.value}"`;
  const names = Object.keys(step.values ?? {});
  return `"${condition.step}" gave no value "${condition.value}"${names.length === 0 ? '' : `; it gave ${names.join(', ')}`}`;
}
