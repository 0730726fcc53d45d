import type { JsonObject, JsonSchema } from '../../core/json.ts';
import type { Point, Space } from '../space.ts';
import type { Direction, TrialRecord } from '../trial.ts';

/** What a suggestion is made from; nothing else decides it, so that a study that was interrupted goes on as if it had not been. */
export interface SamplerQuestion<C = JsonObject> {
  readonly space: Space;
  /** One for each objective. */
  readonly directions: readonly Direction[];
  /**
   * Of the study, in the order of their numbers; those that still run count too. Before them, with numbers below 0, those of an earlier
   * study that were taken over.
   */
  readonly trials: readonly TrialRecord[];
  /** Number of the trial that is asked for. */
  readonly number: number;
  readonly seed: number;
  readonly config: C;
}

/** How the next point of a search is chosen. */
export interface SamplerDefinition<C = JsonObject> {
  readonly name: string;
  readonly aliases?: readonly string[];
  readonly summary: string;
  readonly configSchema: JsonSchema;
  readonly reference: string;
  /** What it suggests depends on what trials gave. */
  readonly learns: boolean;
  /** How many points there are, where the sampler ends by itself; absent: it can always suggest another. */
  points?(space: Space, config: C): number;
  /** Why the space cannot be searched by it; undefined: it can. */
  refuses?(space: Space, config: C): string | undefined;
  /** Takes at most 50 ms for the 1,000th trial. Pure. */
  suggest(question: SamplerQuestion<C>): Point;
}

export function defineSampler<C = JsonObject>(definition: SamplerDefinition<C>): SamplerDefinition {
  return Object.freeze(definition) as unknown as SamplerDefinition;
}
