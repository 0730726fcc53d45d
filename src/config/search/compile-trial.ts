import { PerennialError } from '../../core/errors.ts';
import type { JsonObject } from '../../core/json.ts';
import type { Plan, PlanStep } from '../../core/plan.ts';
import { TUNE } from '../../core/tune-plan.ts';
import { join } from 'node:path';
import { objectivesOf, pointText } from '../../tuning/describe.ts';
import type { TuneConfig } from '../../tuning/tune-config.ts';
import { planSteps } from '../build-plan.ts';
import type { Catalogue } from '../catalogue.ts';
import { compileAt } from '../compile-at.ts';
import type { DocumentFacts } from '../checks/check.ts';
import { isObject } from '../schema-walk.ts';
import { measureId } from './tune-plan.ts';

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

/** The steps of a trial: those of the document, and one that measures objectives. */
export function trialSteps(plan: TunedPlan, steps: readonly PlanStep[]): PlanStep[] {
  const { tune, config } = plan.step;
  const own = steps.filter(({ id }) => tune!.steps.includes(id)).map((step) => withoutSearch(step));
  const metrics = objectivesOf(config as unknown as TuneConfig).filter((objective) => 'metric' in objective);
  if (metrics.length === 0) return own;
  const target = own.find(({ id }) => id === tune!.judged)!;
  const output = Object.keys(target.outputs).find((name) => target.outputs[name] === 'model')!;
  const [{ positive, threshold } = {}] = metrics;
  const id = measureId(steps);
  return [
    ...own,
    {
      id,
      type: 'measure',
      version: 1,
      config: {
        metrics: metrics.map(({ metric }) => metric) as JsonObject[],
        ...(positive === undefined ? {} : { positive }),
        ...(threshold === undefined ? {} : { threshold }),
      },
      inputs: { model: { step: target.id, output, kind: 'model' }, examples: target.inputs['examples']! },
      outputs: {},
      retry: target.retry,
      startToCloseMs: 3_600_000,
      heartbeatMs: 30_000,
      cache: target.cache,
      summary: `measures ${tune!.objectives
        .filter(({ step }) => step === id)
        .map(({ name }) => name)
        .join(', ')} on the validation split`,
    },
  ];
}

function withoutSearch({ search: _search, ...step }: PlanStep): PlanStep {
  return step;
}
