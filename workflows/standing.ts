import type { JsonObject } from '../src/core/json.ts';
import type { RunView } from '../src/core/run.ts';

type Standing = Pick<RunView, 'live' | 'standing' | 'previous'>;

/** What a run says of its version, from the values of the steps that registered and deployed it: the same words wherever it is named. */
export function standingOf(registered: JsonObject | undefined, deployment: JsonObject | undefined): Standing {
  if (typeof registered?.version !== 'number') return { live: null, standing: null, previous: null };
  const previous = typeof deployment?.previous === 'number' ? deployment.previous : null;
  if (deployment?.live === true) return { live: true, standing: 'is live already', previous };
  const alias = typeof deployment?.alias === 'string' ? deployment.alias : undefined;
  if (deployment?.promoted === true && alias !== undefined)
    return { live: false, standing: `is registered as ${alias}, not live`, previous };
  if (deployment?.promoted === true)
    return {
      live: true,
      standing: `is live${previous === null || previous === registered.version ? '' : ` in place of version ${previous}`}`,
      previous,
    };
  if (deployment === undefined) return { live: null, standing: 'is registered', previous };
  const why = typeof deployment?.why === 'string' ? deployment.why : undefined;
  return { live: false, standing: `is registered, not live${why === undefined ? '' : ` (${why})`}`, previous };
}
