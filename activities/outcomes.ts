import { isToLookAt } from '../src/core/outcome.ts';
import type { Outcome } from '../src/core/outcome.ts';
import { logOutcome } from '../src/steps/outcome-log.ts';
import { writeOutcome } from '../src/registry/outcomes.ts';
import { withFailures } from './failures.ts';
import type { ActivityDeps } from './deps.ts';

export interface OutcomeActivities {
  tellOutcome(outcome: Outcome): Promise<void>;
}

/** What runs and checks come to: into the log of the worker, and into the store, where servers count it. */
export function outcomeActivities({ store }: ActivityDeps): OutcomeActivities {
  return {
    tellOutcome: (outcome) =>
      withFailures(async () => {
        if (isToLookAt(outcome.kind, outcome.outcome)) logOutcome(outcome);
        await writeOutcome(store, outcome);
      }),
  };
}
