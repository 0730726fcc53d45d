import type { Json, JsonObject } from '../../core/json.ts';
import type { PlanStep } from '../../core/plan.ts';
import { isObject } from '../schema-walk.ts';
import { asMeasured, foldSteps, foldedOf } from './fold-steps.ts';
import type { FoldProblem } from './fold-steps.ts';

/** What "folds" of a train step says; undefined: it is not cross-validated. */
function wishOf(config: JsonObject): { readonly count: number; readonly metrics: readonly Json[] } | undefined {
  const { folds } = config;
  if (typeof folds === 'number') return { count: folds, metrics: [] };
  if (!isObject(folds)) return undefined;
  return { count: folds['count'] as number, metrics: Array.isArray(folds['metrics']) ? folds['metrics'] : [] };
}

/** Whether a step that trains is cross-validated. */
function isFolded({ type, config }: Pick<PlanStep, 'type' | 'config'>): boolean {
  return type === 'train' && wishOf(config) !== undefined;
}

/** The id of the step that measures a model on a split: none of the others. */
export function measureId(steps: readonly Pick<PlanStep, 'id'>[]): string {
  for (let number = 1; ; number++) {
    const id = number === 1 ? 'measure' : `measure-${number}`;
    if (!steps.some((step) => step.id === id)) return id;
  }
}

/** A step that measures the model of another one on a split of the examples that it learnt from. */
export function measureStep(id: string, target: PlanStep, config: JsonObject, summary: string): PlanStep {
  const output = Object.keys(target.outputs).find((name) => target.outputs[name] === 'model')!;
  return {
    id,
    type: 'measure',
    version: 1,
    config,
    inputs: { model: { step: target.id, output, kind: 'model' }, examples: target.inputs['examples']! },
    outputs: {},
    retry: target.retry,
    startToCloseMs: 3_600_000,
    heartbeatMs: 30_000,
    cache: target.cache,
    summary,
  };
}

/** Why a train step cannot be cross-validated. */
export function foldProblem(pipeline: string, steps: readonly PlanStep[], target: PlanStep): FoldProblem | undefined {
  const folded = foldedOf(pipeline, steps, target);
  return 'message' in folded ? folded : undefined;
}

/** The steps with their cross-validation beside their configuration, on which what is learnt from all rows does not depend. */
export function withFolds(pipeline: string, steps: readonly PlanStep[]): PlanStep[] {
  const bare = steps.map((step) => withoutFolds(step));
  return steps.map((step, at) => {
    const wish = isFolded(step) ? wishOf(step.config) : undefined;
    if (wish === undefined) return step;
    const target = bare[at]!;
    const measures = measureId(steps);
    const measure = asMeasured(measureStep(measures, target, { metrics: [...wish.metrics] }, 'measures what is held out'));
    const all = [...bare, measure];
    const folded = foldedOf(pipeline, all, target, new Set([measures]));
    // A document with such a problem is refused before.
    if ('message' in folded) return step;
    const copies = all.filter(({ id }) => folded.copied.has(id));
    return { ...target, folds: { folds: wish.count, steps: foldSteps(copies, folded, wish.count), measures } };
  });
}

/** Folds of a fold, or of a trial, there are none. */
export function withoutFolds(step: PlanStep): PlanStep {
  const { folds: _plan, ...kept } = step;
  if (!isFolded(step)) return kept;
  const { folds: _wish, ...config } = step.config;
  return { ...kept, config };
}
