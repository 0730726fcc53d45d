import { PerennialError } from '../../core/errors.ts';
import { seedNumbers } from '../../core/folds.ts';
import type { JsonObject } from '../../core/json.ts';
import type { Plan, PlanStep } from '../../core/plan.ts';
import { TUNE } from '../../core/tune-plan.ts';
import type { StudyObjective } from '../../core/tune-plan.ts';
import { join } from 'node:path';
import { objectivesOf, pointText } from '../../tuning/describe.ts';
import type { TuneConfig } from '../../tuning/tune-config.ts';
import { planSteps } from '../build-plan.ts';
import type { Catalogue } from '../catalogue.ts';
import { compileAt } from '../compile-at.ts';
import type { DocumentFacts } from '../checks/check.ts';
import { isObject } from '../schema-walk.ts';
import { asMeasured, foldSteps, foldedOf } from '../folds/fold-steps.ts';
import { repeatSteps } from '../folds/repeat-steps.ts';
import { measureId, measureStep, withoutFolds } from '../folds/train-folds.ts';

/** What of a plan its trials are compiled from. */
export type TunedPlan = Pick<Plan, 'documentDir' | 'parameters'> & { readonly step: PlanStep };

/** Looks at files of this machine; the document was checked where it was read. */
const NOT_HERE = ['local-files'];

/**
 * The steps of a document that a search decides on, with the values of a point in them.
 *
 * @throws CONFIG_INVALID with every mistake that the values make
 */
export function compilePoint(plan: TunedPlan, point: JsonObject, catalogue: Catalogue): readonly PlanStep[] {
  const { document } = plan.step.tune!;
  const written = Array.isArray(document['steps']) ? document['steps'] : [];
  const position = written.findIndex((step) => isObject(step) && step['uses'] === TUNE);
  const declared = isObject(document['parameters']) ? Object.keys(document['parameters']) : [];
  const { facts, wiring, findings } = compileAt(
    { file: join(plan.documentDir, 'document.json'), document, parameters: plan.parameters, declared, catalogue, without: NOT_HERE },
    { position, names: Object.keys(plan.step.tune!.space), point },
  );
  if (facts !== undefined && findings.length === 0) return planSteps(facts as DocumentFacts, wiring.inputs);
  throw new PerennialError(
    'CONFIG_INVALID',
    `With ${pointText(point)} the document is not valid: ${findings.map(({ pointer, message }) => `${pointer}: ${message}`).join(' ')}`,
    { hint: 'Keep "search" of the tune step within what may stand there.' },
  );
}

/**
 * The steps of a trial: those of the document, and one that measures objectives; with "folds" once for every fold, and with "repeats" for
 * every seed.
 *
 * @param steps all of the document
 * @param round the final one has seeds of its own
 */
export function trialSteps(
  pipeline: string,
  plan: TunedPlan,
  steps: readonly PlanStep[],
  round: 'search' | 'final' = 'search',
): PlanStep[] {
  const config = plan.step.config as unknown as TuneConfig;
  const { repeats = 1, final } = config;
  return repeatSteps(
    foldedSteps(pipeline, plan, steps),
    round === 'search' ? seedNumbers(repeats) : seedNumbers(final?.repeats ?? 0, repeats),
  );
}

function foldedSteps(pipeline: string, plan: TunedPlan, steps: readonly PlanStep[]): PlanStep[] {
  const { tune } = plan.step;
  const config = plan.step.config as unknown as TuneConfig;
  const bare = steps.map((step) => withoutSearch(withoutFolds(step)));
  const own = bare.filter(({ id }) => tune!.steps.includes(id));
  const target = own.find(({ id }) => id === tune!.judged);
  const measure = target === undefined ? undefined : measureOf(config, target, tune!.objectives, measureId(steps));
  const once = measure === undefined ? own : [...own, measure];
  if (config.folds === undefined || target === undefined) return once;
  const all = measure === undefined ? bare : [...bare, asMeasured(measure)];
  const wanted = new Set(once.map(({ id }) => id));
  const folded = foldedOf(pipeline, all, target, wanted);
  if ('message' in folded) throw new PerennialError('CONFIG_INVALID', folded.message, { hint: folded.fix });
  return foldSteps(
    all.filter(({ id }) => wanted.has(id)),
    folded,
    config.folds,
  );
}

function measureOf(config: TuneConfig, target: PlanStep, objectives: readonly StudyObjective[], id: string): PlanStep | undefined {
  const metrics = objectivesOf(config).filter((objective) => 'metric' in objective);
  if (metrics.length === 0) return undefined;
  const [{ positive, threshold } = {}] = metrics;
  const names = objectives.filter(({ step }) => step === id).map(({ name }) => name);
  return measureStep(
    id,
    target,
    {
      metrics: metrics.map(({ metric }) => metric) as JsonObject[],
      ...(positive === undefined ? {} : { positive }),
      ...(threshold === undefined ? {} : { threshold }),
    },
    `measures ${names.join(', ')} on ${config.folds === undefined ? 'the validation split' : 'what is held out'}`,
  );
}

function withoutSearch({ search: _search, ...step }: PlanStep): PlanStep {
  return step;
}
