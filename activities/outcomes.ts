import { isToLookAt } from '../src/core/outcome.ts';
import type { Outcome } from '../src/core/outcome.ts';
import { mask } from '../src/steps/secrets.ts';
import { writeOutcome } from '../src/registry/outcomes.ts';
import { logFields } from '../src/telemetry/telemetry.ts';
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
        const { formatVersion: _format, ...fields } = outcome;
        if (isToLookAt(outcome.kind, outcome.outcome))
          console.error(
            mask(
              JSON.stringify({
                time: outcome.at,
                level: 'WARN',
                message: `${outcome.pipeline}: ${outcome.kind === 'run' ? 'run' : 'check'} ${outcome.outcome}`,
                ...fields,
                ...logFields(),
              }),
            ),
          );
        await writeOutcome(store, outcome);
      }),
  };
}
