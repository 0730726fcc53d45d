import { PerennialError, isPerennialError } from '../core/errors.ts';
import type { ArtifactRef } from '../core/artifact.ts';
import type { Plan, PlanStep } from '../core/plan.ts';
import type { ArtifactStore, ObjectStore } from '../core/ports.ts';
import type { StepDefinition } from '../core/step.ts';
import { decide, partsOf } from '../steps/cache-decision.ts';
import { StepCache } from '../steps/cache.ts';
import { codeDigestOf } from '../steps/code-digests.ts';
import { secretOf } from '../steps/secrets.ts';

export interface CacheForecast {
  readonly id: string;
  /** "unknown" where an earlier step has to run first, since its result decides. */
  readonly hit: boolean | 'unknown';
  readonly reason: string;
}

export interface ExplainOptions {
  readonly store: ObjectStore;
  readonly artifacts: ArtifactStore;
  readonly steps: readonly StepDefinition[];
  /** ISO 8601 UTC; decides the data windows of the sources. */
  readonly nominalTime: string;
}

/** What a run of the plan would take from the step cache, and why not, without running anything. */
export async function explainCache(plan: Plan, options: ExplainOptions): Promise<CacheForecast[]> {
  const cache = new StepCache(options.store, options.artifacts);
  const outputs: Record<string, Readonly<Record<string, ArtifactRef>>> = {};
  const forecasts: CacheForecast[] = [];
  for (const step of plan.steps) {
    const found = await forecast(plan, step, outputs, cache, options);
    forecasts.push({ id: step.id, hit: found.hit, reason: found.reason });
    if (found.outputs !== undefined) outputs[step.id] = found.outputs;
  }
  return forecasts;
}

interface Found {
  readonly hit: boolean | 'unknown';
  readonly reason: string;
  readonly outputs?: Readonly<Record<string, ArtifactRef>>;
}

async function forecast(
  plan: Plan,
  step: PlanStep,
  outputs: Readonly<Record<string, Readonly<Record<string, ArtifactRef>>>>,
  cache: StepCache,
  options: ExplainOptions,
): Promise<Found> {
  const definition = options.steps.find((candidate) => candidate.type === step.type && candidate.version === step.version);
  if (definition === undefined)
    throw new PerennialError('PIPELINE_OUTDATED', `There is no step type ${step.type}@${step.version} in this installation.`);
  if (step.tune !== undefined) return { hit: false, reason: 'runs its trials; each takes from the cache what it can' };
  if (step.search !== undefined) return { hit: 'unknown', reason: `depends on the winner of "${step.search}"` };
  if (!definition.cacheable) return { hit: false, reason: 'always runs: it acts outside of the run, and is idempotent' };
  if (!step.cache) return { hit: false, reason: 'its cache is switched off' };
  const inputs: Record<string, ArtifactRef> = {};
  for (const [name, input] of Object.entries(step.inputs)) {
    const ref = outputs[input.step]?.[input.output];
    if (ref === undefined) return { hit: 'unknown', reason: `depends on what "${input.step}" gives` };
    inputs[name] = ref;
  }
  const context = {
    pipeline: plan.pipeline,
    stepId: step.id,
    documentDir: plan.documentDir,
    nominalTime: options.nominalTime,
    secret: secretOf,
    store: options.store,
  };
  try {
    const parts = await partsOf(definition, step, inputs, context, codeDigestOf(step.type));
    const found = await decide(cache, definition, step, parts, plan.pipeline);
    return { hit: found.kind === 'hit', reason: found.reason, ...(found.kind === 'hit' ? { outputs: found.entry.result.outputs } : {}) };
  } catch (error) {
    // The worker may well have it: what it would find cannot be told from here.
    if (isPerennialError(error, 'SECRET_MISSING'))
      return { hit: 'unknown', reason: `depends on a secret of the worker: ${error.message.replace('of this worker', 'of this command')}` };
    throw error;
  }
}
