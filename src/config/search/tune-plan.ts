import type { JsonObject } from '../../core/json.ts';
import type { PlanInput, PlanStep } from '../../core/plan.ts';
import { conditionSteps } from '../../core/conditions.ts';
import type { StudyObjective, TunePlan } from '../../core/tune-plan.ts';
import { metricRegistry } from '../../evaluation/metrics/index.generated.ts';
import { nameOf, objectiveName, objectivesOf } from '../../tuning/describe.ts';
import type { ObjectiveConfig, TuneConfig } from '../../tuning/tune-config.ts';
import type { Space } from '../../tuning/space.ts';
import { list, nearest } from '../diagnostic.ts';
import { foldedOf } from '../folds/fold-steps.ts';
import { measureId } from '../folds/train-folds.ts';
import type { Finding } from '../diagnostic.ts';
import { durationMs } from '../../core/duration.ts';
import { join } from '../pointer.ts';
import type { SearchReference } from '../substitute.ts';

export interface TuneFacts {
  readonly pipeline: string;
  /** Of the tune step in the document. */
  readonly position: number;
  readonly references: readonly SearchReference[];
  readonly space: Space;
  readonly document: JsonObject;
}

/**
 * The steps of a plan with their search: which of them make a trial, what those take from others, and what waits for the winner.
 *
 * @param plans the steps at every corner: what they take may differ
 */
export function withTuning(
  plans: readonly (readonly PlanStep[])[],
  facts: TuneFacts,
): { readonly steps: readonly PlanStep[]; readonly tune: TunePlan } | { readonly findings: readonly Finding[] } {
  const steps = plans[0]!;
  const { position, references, space, document } = facts;
  const own = steps[position]!;
  const config = own.config as unknown as TuneConfig;
  const referring = new Set(references.map((one) => steps[one.position]!.id));
  const decided = decidedBy(referring, plans);
  const target = targetOf(steps, position, decided);
  const objectives = objectivesFrom(config, steps, position, target, decided);
  if ('findings' in objectives) return objectives;
  const trial = ancestors(
    objectives.map(({ step }) => (step === measureId(steps) ? target!.id : step)),
    plans,
    decided,
  );
  const folds = foldsOf(config, steps, position, target, trial, facts.pipeline);
  if ('findings' in folds) return folds;
  // What is learnt from rows is learnt again in every fold, also where the search does not decide on it.
  for (const id of folds.copied) trial.add(id);
  const findings = [
    ...oneSeed(config, facts, steps, trial),
    ...effects(steps, trial),
    ...unused(space, references, steps, trial, position),
  ];
  if (findings.length > 0) return { findings };
  const tune: TunePlan = {
    document,
    steps: steps.filter(({ id }) => trial.has(id)).map(({ id }) => id),
    space: space as unknown as JsonObject,
    objectives,
    ...(target === undefined ? {} : { judged: target.id }),
    ...(config.time === undefined ? {} : { timeMs: durationMs(config.time) }),
  };
  const inputs: Record<string, PlanInput> = {};
  for (const plan of plans)
    for (const step of plan)
      if (trial.has(step.id))
        for (const input of Object.values(step.inputs)) if (!trial.has(input.step)) inputs[`${input.step}.${input.output}`] = input;
  return {
    tune,
    steps: steps.map((step, index) =>
      index === position
        ? { ...step, inputs, tune }
        : decided.has(step.id) && (referring.has(step.id) || trial.has(step.id))
          ? { ...step, search: own.id }
          : step,
    ),
  };
}

/** Steps that each fold does again, where trials are cross-validated. */
function foldsOf(
  config: TuneConfig,
  steps: readonly PlanStep[],
  position: number,
  target: PlanStep | undefined,
  trial: ReadonlySet<string>,
  pipeline: string,
): { readonly copied: readonly string[] } | { readonly findings: readonly Finding[] } {
  if (config.folds === undefined) return { copied: [] };
  const refused = (message: string, fix: string) => ({
    findings: [{ pointer: `/steps/${position}/with/folds`, at: 'key' as const, message, fix }],
  });
  if (target === undefined)
    return refused(
      'No step behind the tune step trains a model that the search decides on.',
      'Leave "folds" out, or search over a train step.',
    );
  const folded = foldedOf(pipeline, steps, target, trial);
  return 'message' in folded ? refused(folded.message, folded.fix) : { copied: [...folded.copied] };
}

/** Why several seeds would change nothing, where a study is told to train with them. */
function oneSeed(
  config: TuneConfig,
  { position, references }: TuneFacts,
  steps: readonly PlanStep[],
  trial: ReadonlySet<string>,
): Finding[] {
  const asked = (['repeats', 'final'] as const).filter((name) => config[name] !== undefined);
  const training = steps.filter(({ id, type }) => trial.has(id) && type === 'train');
  const searched = references.find((one) => training.includes(steps[one.position]!) && one.pointer.endsWith('/with/seed'));
  if (asked.length === 0 || (training.length > 0 && searched === undefined)) return [];
  return asked.map((name) => ({
    pointer: `/steps/${position}/with/${name}`,
    at: 'key' as const,
    message:
      searched === undefined
        ? `"${name}" trains again with other seeds, and no train step belongs to a trial of this search.`
        : `"${name}" trains again with other seeds, and the search decides on the seed of "${steps[searched.position]!.id}".`,
    fix:
      searched === undefined
        ? `Leave "${name}" out, or search over a train step.`
        : `Leave "${name}" out, or take "seed" out of the search.`,
  }));
}

/** Steps that refer to the search, and all that are made from what those give. */
function decidedBy(referring: ReadonlySet<string>, plans: readonly (readonly PlanStep[])[]): Set<string> {
  const decided = new Set(referring);
  for (const plan of plans) for (const step of plan) if (sources(step).some((id) => decided.has(id))) decided.add(step.id);
  return decided;
}

const sources = ({ inputs, if: condition }: PlanStep): string[] => [
  ...Object.values(inputs).map(({ step }) => step),
  ...(condition === undefined ? [] : conditionSteps(condition)),
];

/** The step whose model is judged: the one that the first evaluation takes, else the last that the search decides on. */
function targetOf(steps: readonly PlanStep[], position: number, decided: ReadonlySet<string>): PlanStep | undefined {
  const models = steps.slice(position + 1).filter(({ id, outputs }) => decided.has(id) && Object.values(outputs).includes('model'));
  const judged = steps
    .slice(position + 1)
    .filter(({ outputs }) => Object.values(outputs).includes('evaluation'))
    .map(({ inputs }) => models.find(({ id }) => id === inputs['model']?.step))
    .find((model) => model !== undefined);
  return judged ?? models.at(-1);
}

function objectivesFrom(
  config: TuneConfig,
  steps: readonly PlanStep[],
  position: number,
  target: PlanStep | undefined,
  decided: ReadonlySet<string>,
): StudyObjective[] | { readonly findings: readonly Finding[] } {
  const findings: Finding[] = [];
  const several = Array.isArray(config.objective);
  const objectives = objectivesOf(config).flatMap((objective, index): StudyObjective[] => {
    const pointer = join(`/steps/${position}/with/objective`, ...(several ? [index] : []));
    const bounds = {
      ...(objective.atLeast === undefined ? {} : { atLeast: objective.atLeast }),
      ...(objective.atMost === undefined ? {} : { atMost: objective.atMost }),
    };
    if ('metric' in objective) {
      const problem = noModel(target, pointer, steps, position);
      if (problem !== undefined) findings.push(problem);
      return problem === undefined
        ? [
            {
              name: objectiveName(objective),
              direction: directionOf(objective),
              step: measureId(steps),
              value: objectiveName(objective),
              ...bounds,
            },
          ]
        : [];
    }
    const step = objective.step ?? target?.id ?? steps.filter(({ id }) => decided.has(id)).at(-1)?.id;
    const behind = steps.slice(position + 1).map(({ id }) => id);
    if (step === undefined || !behind.includes(step)) {
      const suggestion = step === undefined ? undefined : nearest(step, behind);
      findings.push({
        pointer: objective.step === undefined ? pointer : join(pointer, 'step'),
        ...(objective.step === undefined ? {} : { given: objective.step }),
        allowed: behind,
        message:
          step === undefined
            ? 'No step behind the tune step takes a value of the search.'
            : `There is no step "${step}" behind the tune step.`,
        ...(suggestion === undefined ? {} : { suggestion }),
        fix: behind.length === 0 ? 'Put the tune step before the steps that it searches over.' : `Behind it stand ${list(behind)}.`,
      });
      return [];
    }
    return [{ name: objectiveName(objective), direction: objective.direction, step, value: objective.value, ...bounds }];
  });
  return findings.length > 0 ? { findings } : objectives;
}

function noModel(target: PlanStep | undefined, pointer: string, steps: readonly PlanStep[], position: number): Finding | undefined {
  if (target?.inputs['examples'] !== undefined) return undefined;
  if (target !== undefined)
    return {
      pointer,
      message: `The model of "${target.id}" is made from no examples, so that no metric can be measured on their validation split.`,
      fix: `Use a value of a step: { "value": …, "step": "${target.id}", "direction": "minimize" }.`,
    };
  const model = steps.slice(position + 1).find(({ outputs }) => Object.values(outputs).includes('model'));
  return {
    pointer,
    message:
      model === undefined
        ? 'No step behind the tune step gives a model that could be measured.'
        : `Nothing that "${model.id}" is made from takes a value of the search, so that every trial would be the same.`,
    fix: model === undefined ? 'Put the tune step before the train step.' : `Write "\${search.NAME}" in place of a value of "${model.id}".`,
  };
}

function directionOf(objective: Extract<ObjectiveConfig, { metric: unknown }>): StudyObjective['direction'] {
  return objective.direction ?? metricRegistry.get(nameOf(objective.metric)).direction;
}

/** The steps themselves and those that they are made from, as far as the search decides on them. */
function ancestors(ids: readonly string[], plans: readonly (readonly PlanStep[])[], decided: ReadonlySet<string>): Set<string> {
  const found = new Set(ids);
  for (const plan of plans)
    for (const step of [...plan].reverse()) if (found.has(step.id)) for (const id of sources(step)) if (decided.has(id)) found.add(id);
  return found;
}

/** Trials are tries: nothing of them may be seen from outside. */
function effects(steps: readonly PlanStep[], trial: ReadonlySet<string>): Finding[] {
  return steps.flatMap((step, index) =>
    trial.has(step.id) && ['register', 'deploy'].includes(step.type)
      ? [
          {
            pointer: `/steps/${index}`,
            message: `The objective is made from "${step.id}", so that every trial would ${step.type} a model.`,
            fix: 'Name another step in "objective".',
          },
        ]
      : [],
  );
}

function unused(
  space: Space,
  references: readonly SearchReference[],
  steps: readonly PlanStep[],
  trial: ReadonlySet<string>,
  position: number,
): Finding[] {
  return Object.keys(space).flatMap((name): Finding[] => {
    const users = [...new Set(references.filter((one) => one.name === name).map((one) => steps[one.position]!.id))];
    const asCondition = Object.values(space).some(({ when }) => when?.dimension === name);
    if (users.some((id) => trial.has(id)) || (users.length === 0 && asCondition)) return [];
    return [
      {
        pointer: `/steps/${position}/with/search/${name}`,
        at: 'key',
        message:
          users.length === 0
            ? `"${name}" is searched and never used.`
            : `"${name}" is used by ${list(users)} alone, which no trial runs, so that no value of it is better than another.`,
        fix: `Write "\${search.${name}}" where its value belongs, or remove it.`,
      },
    ];
  });
}
