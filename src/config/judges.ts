import type { PlanStep } from '../core/plan.ts';
import { comparesWithChampion } from '../evaluation/step/gate.ts';
import type { Gate } from '../evaluation/step/gate.ts';

const APPROVE = 'approve';

/**
 * Gates stop what comes after them, also where no artifact leads from them to there. A step that registers or deploys a model waits for
 * every step before it that judges the very model with gates, unless that is the evaluation of another registration: what only a
 * report is made of, or what decides about another name, says nothing here.
 */
export function withJudges(pipeline: string, steps: readonly PlanStep[]): PlanStep[] {
  return steps.map((step, position) => {
    const judges = [...judgesOf(pipeline, steps, step, position), ...approvalsFor(steps, step, position)];
    return judges.length === 0 ? step : { ...step, judges: [...new Set(judges)] };
  });
}

/** What is made of something that people are asked about waits for their answer; where they are asked about no model, all that follows. */
function approvalsFor(steps: readonly PlanStep[], step: PlanStep, position: number): string[] {
  return steps.slice(0, position).flatMap((asking) => {
    if (asking.type !== APPROVE) return [];
    const subject = asking.inputs['model']?.step;
    return subject === undefined || dependsOn(steps, step, subject) ? [asking.id] : [];
  });
}

/** However far. */
function dependsOn(steps: readonly PlanStep[], step: PlanStep, id: string, seen = new Set<string>()): boolean {
  return Object.values(step.inputs).some((input) => {
    if (input.step === id) return true;
    if (seen.has(input.step)) return false;
    seen.add(input.step);
    const source = steps.find((other) => other.id === input.step);
    return source !== undefined && dependsOn(steps, source, id, seen);
  });
}

function judgesOf(pipeline: string, steps: readonly PlanStep[], step: PlanStep, position: number): string[] {
  const registration = registrationOf(step, steps);
  const model = registration?.inputs['model'];
  if (registration === undefined || model === undefined) return [];
  const before = steps.slice(0, position);
  return before
    .filter((other) => {
      const { evaluation } = registration.inputs;
      const judged = other.inputs['model'];
      if (!givesEvaluation(other) || judged?.step !== model.step || judged.output !== model.output) return false;
      if (other.id === evaluation?.step || !hasGates(other)) return false;
      return !isOfAnother(other, registration, steps) || judgesFor(pipeline, other) === nameOf(pipeline, registration);
    })
    .map(({ id }) => id);
}

/** The step that gives the version: itself, or where its version comes from. */
function registrationOf(step: PlanStep, steps: readonly PlanStep[]): PlanStep | undefined {
  if (Object.values(step.outputs).includes('version')) return step;
  const source = step.inputs['version']?.step;
  return source === undefined ? undefined : steps.find(({ id }) => id === source);
}

function givesEvaluation({ outputs }: PlanStep): boolean {
  return Object.values(outputs).includes('evaluation');
}

/** A step of your own may reject without gates that can be seen. */
function hasGates({ type, config }: PlanStep): boolean {
  return type !== 'evaluate' || (Array.isArray(config['gates']) && config['gates'].length > 0);
}

/** The evaluation that another registration goes by. */
function isOfAnother({ id }: PlanStep, registration: PlanStep, steps: readonly PlanStep[]): boolean {
  return steps.some(
    (step) => step.id !== registration.id && Object.values(step.outputs).includes('version') && step.inputs['evaluation']?.step === id,
  );
}

/** Whose champion the gates of a step compare with; undefined: with nobody's. */
function judgesFor(pipeline: string, { config }: PlanStep): string | undefined {
  const gates = Array.isArray(config['gates']) ? (config['gates'] as readonly unknown[] as readonly Gate[]) : [];
  if (!gates.some(comparesWithChampion)) return undefined;
  return typeof config['champion'] === 'string' ? config['champion'] : pipeline;
}

function nameOf(pipeline: string, { config }: PlanStep): string {
  return typeof config['model'] === 'string' ? config['model'] : pipeline;
}
