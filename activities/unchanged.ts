import { isPerennialError } from '../src/core/errors.ts';
import { withFailures } from './failures.ts';
import type { ActivityDeps } from './deps.ts';

export interface UnchangedActivities {
  /** The version that serves as the champion of a model, where it is the very model of a digest; else null. */
  championWith(model: string, digest: string): Promise<number | null>;
}

/** What runs that start by themselves ask before they judge what they have trained. */
export function unchangedActivities({ store }: ActivityDeps): UnchangedActivities {
  return {
    championWith: (model, digest) =>
      withFailures(async () => {
        const { findServing } = await import('../src/registry/champion.ts');
        try {
          const serving = await findServing(store, model);
          return serving?.model.digest === digest ? serving.version : null;
        } catch (error) {
          // Of a champion that cannot be read nothing is claimed.
          if (isPerennialError(error, 'BLOB_CORRUPT')) return null;
          throw error;
        }
      }),
  };
}
