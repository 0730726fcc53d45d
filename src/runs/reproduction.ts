import type { ArtifactRef } from '../core/artifact.ts';
import { isPerennialError } from '../core/errors.ts';
import type { ArtifactStore } from '../core/ports.ts';
import type { RunView, StepView } from '../core/run.ts';
import { DATASET } from '../data/stored/dataset.ts';
import { openAs } from '../storage/stored.ts';
import { compareWeights } from '../training/bundle/compare-weights.ts';
import type { WeightDifference } from '../training/bundle/compare-weights.ts';

/** What a run that was made again has in common with the first. */
export interface Reproduction {
  readonly of: string;
  readonly run: string;
  /** Every metric and every weight is the same, to the bit, and both runs came to the same steps. */
  readonly same: boolean;
  readonly metrics: readonly {
    readonly name: string;
    readonly before: number | null;
    readonly after: number | null;
    readonly same: boolean;
  }[];
  readonly models: readonly ModelReproduction[];
  /** Why something differs: of each step that made something else of the same. Empty where nothing does. */
  readonly why: readonly string[];
}

export interface ModelReproduction {
  readonly step: string;
  readonly same: boolean;
  /** Empty where the artifact is the very same; then nothing is read. */
  readonly weights: readonly WeightDifference[];
  /** Why the weights could not be compared. */
  readonly notCompared?: string;
}

/** Kinds that hold nothing but what a run computed. An evaluation also tells of the champion, a version of its number. */
const COMPUTED: readonly string[] = ['data', 'dataset', 'examples', 'model'];

/** Metric by metric, weight by weight. The steps of both runs are those of one plan. */
export async function compareRuns(artifacts: ArtifactStore, first: RunView, second: RunView): Promise<Reproduction> {
  const names = [...new Set([...Object.keys(first.metrics), ...Object.keys(second.metrics)])];
  const metrics = names.map((name) => {
    const [before, after] = [first.metrics[name] ?? null, second.metrics[name] ?? null];
    return { name, before, after, same: Object.is(before, after) };
  });
  const pairs = first.steps.flatMap((step) => {
    const other = second.steps.find(({ id }) => id === step.id);
    return other === undefined ? [] : [{ step, other }];
  });
  const models: ModelReproduction[] = [];
  const why: string[] = [];
  for (const { step, other } of pairs) {
    const judged = step.verdict !== undefined && other.verdict !== undefined && step.verdict.passed !== other.verdict.passed;
    if (judged)
      why.push(
        `"${step.id}" ${step.verdict.passed ? 'accepted the model then and rejects' : 'rejected the model then and accepts'} it now: ${other.verdict.reasons.join('; ')}`,
      );
    // What depends on it did not run either, because of it.
    if (why.length === 0 && (step.outputs === undefined) !== (other.outputs === undefined))
      why.push(
        `"${step.id}" was ${step.status} in the first run and ${other.status} in this one${reasonOf(step.outputs === undefined ? step : other)}`,
      );
    const changed = computed(step).flatMap(([name, ref]) => {
      const now = other.outputs?.[name];
      return now === undefined || now.digest === ref.digest ? [] : [{ before: ref, after: now }];
    });
    for (const [name, ref] of computed(step))
      if (ref.kind === 'model' && other.outputs?.[name] !== undefined)
        models.push(await compareModels(artifacts, step.id, ref, other.outputs[name]));
    // A difference is told where it begins: later steps differ because of it.
    if (changed.length > 0 && why.length === 0) why.push(await reasonFor(artifacts, step.id, changed[0]!));
  }
  const same =
    metrics.every((one) => one.same) &&
    models.every((one) => one.same) &&
    pairs.every(({ step, other }) => step.outputs === undefined || other.outputs !== undefined);
  return { of: `${first.pipeline}/${first.runId}`, run: `${second.pipeline}/${second.runId}`, same, metrics, models, why };
}

function computed({ outputs = {} }: StepView): [string, ArtifactRef][] {
  return Object.entries(outputs).filter(([, ref]) => COMPUTED.includes(ref.kind));
}

function reasonOf({ failure, verdict, reason }: StepView): string {
  const text = failure?.message ?? (verdict?.passed === false ? verdict.reasons.join('; ') : reason);
  return text === '' ? '' : `: ${text}`;
}

async function compareModels(artifacts: ArtifactStore, step: string, before: ArtifactRef, after: ArtifactRef): Promise<ModelReproduction> {
  if (before.digest === after.digest) return { step, same: true, weights: [] };
  try {
    const weights = await compareWeights(await artifacts.open(before), await artifacts.open(after));
    return { step, same: weights.every(({ differing }) => differing === 0), weights };
  } catch (error) {
    if (!isPerennialError(error, 'OBJECT_NOT_FOUND') && !isPerennialError(error, 'BLOB_CORRUPT')) throw error;
    return { step, same: false, weights: [], notCompared: error.message };
  }
}

/** The steps before it made the same: what it makes differs by what it reads besides, or by itself. */
async function reasonFor(
  artifacts: ArtifactStore,
  step: string,
  { before, after }: { readonly before: ArtifactRef; readonly after: ArtifactRef },
): Promise<string> {
  const what = `"${step}" made another ${before.kind} of the same inputs`;
  if (before.kind !== 'dataset')
    return `${what} (${before.summary}; now ${after.summary}): its code or libraries are others than then, or what it does is left to chance`;
  const sourceOf = async (ref: ArtifactRef): Promise<string | undefined> => {
    try {
      const { digest } = (await openAs(artifacts, DATASET, ref)).meta.source;
      return typeof digest === 'string' ? digest : undefined;
    } catch (error) {
      if (isPerennialError(error, 'OBJECT_NOT_FOUND')) return undefined;
      throw error;
    }
  };
  const [then, now] = [await sourceOf(before), await sourceOf(after)];
  if (then === undefined || now === undefined)
    return `${what} (${before.summary}; now ${after.summary}); the store does not hold both any more`;
  return then === now
    ? `${what} (${before.summary}; now ${after.summary}): its source is the same, so the code that reads it is another`
    : `the source of "${step}" is another than then: ${before.summary}; now ${after.summary}`;
}
