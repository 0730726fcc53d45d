import type { Change } from '../src/core/change.ts';
import { tellChanges } from '../src/events/outbox.ts';
import { readSinks } from '../src/events/sink-records.ts';
import { withLineage } from '../src/steps/lineage.ts';
import { mask } from '../src/steps/secrets.ts';
import { withFailures } from './failures.ts';
import type { ActivityDeps } from './deps.ts';

export interface ChangeActivities {
  /** @returns whether anybody listens */
  tellChanges(changes: readonly Change[]): Promise<boolean>;
}

/** Lays ready what workflows tell other programs. */
export function changeActivities({ store, artifacts }: ActivityDeps): ChangeActivities {
  return {
    tellChanges: (changes) =>
      withFailures(async () => {
        if ((await readSinks(store)).length === 0) return false;
        return tellChanges(store, mask(await Promise.all(changes.map((change) => withLineage(artifacts, change)))));
      }),
  };
}
