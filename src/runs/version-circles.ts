import { isObject } from '../config/schema-walk.ts';
import { PerennialError } from '../core/errors.ts';
import type { JsonObject } from '../core/json.ts';

/** A pipeline as far as it decides on who starts whom. */
export interface Follower {
  readonly pipeline: string;
  readonly file: string;
  readonly document: JsonObject;
  /** That it makes versions of. */
  readonly models: readonly string[];
}

/**
 * Pipelines of which each retrains after a version of the one before, and the first after the last: one new version would start them for
 * ever.
 *
 * @param declared those that are to live @param others those that live already
 * @throws DOCUMENT_INVALID naming the circle, where one of `declared` is in it
 */
export function refuseCircles(declared: readonly Follower[], others: readonly Follower[]): void {
  const all = new Map([...others, ...declared].map((one) => [one.pipeline, one]));
  const makers = new Map([...all.values()].flatMap((one) => one.models.map((model) => [model, one] as const)));
  for (const first of declared) {
    const way: { readonly follower: Follower; readonly model: string }[] = [];
    // Of each pipeline at most one other is followed.
    for (let one: Follower | undefined = first; one !== undefined && !way.some(({ follower }) => follower === one);) {
      const model = followed(one.document);
      if (model === undefined) break;
      way.push({ follower: one, model });
      one = makers.get(model);
      if (one !== first) continue;
      const told = way.map(({ follower, model: of }) => `"${follower.pipeline}" (${follower.file}) retrains after a version of "${of}"`);
      throw new PerennialError('DOCUMENT_INVALID', `Each new version would start the next for ever: ${told.join(', and ')}.`, {
        hint: 'Let one of them do "notify", or follow nothing: remove its "on.version".',
      });
    }
  }
}

/** The model after whose versions a document retrains. */
function followed({ on }: JsonObject): string | undefined {
  const version = isObject(on) ? on['version'] : undefined;
  if (!isObject(version) || typeof version['model'] !== 'string') return undefined;
  const action = version['do'] ?? 'retrain';
  return action === 'retrain' || (isObject(action) && 'retrain' in action) ? version['model'] : undefined;
}
