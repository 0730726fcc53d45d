import { isPerennialError } from '../core/errors.ts';
import { sinkOfPeople } from '../core/notices.ts';
import type { Plan } from '../core/plan.ts';
import type { ObjectStore } from '../core/ports.ts';
import { compareSinks } from '../events/sink-records.ts';
import type { DeclaredSinks } from '../events/sink-records.ts';
import { openStore } from '../storage/open-store.ts';
import { modelOf } from './search-attributes.ts';

/** What the plan of a document says of where its changes are told. */
export function declaredSinks(plan: Plan): DeclaredSinks {
  const model = modelOf(plan);
  const people = sinkOfPeople(plan.on.notify);
  return {
    pipeline: plan.pipeline,
    models: model === undefined ? [] : [model],
    documentDir: plan.documentDir,
    sinks: [...(plan.on.publish ?? []), ...(people === undefined ? [] : [people])],
  };
}

/**
 * The sinks of a plan that is about to run are in force before it does. Those that it does not name stay: only `apply` takes any away.
 *
 * @throws STORE_…
 */
export async function declareForRun(plan: Plan, open: () => Promise<ObjectStore> = openStore): Promise<void> {
  const declared = declaredSinks(plan);
  if (declared.sinks.length === 0) return;
  try {
    const { carryOut } = await compareSinks(await open(), [declared], { removes: false });
    await carryOut();
  } catch (error) {
    // Who only starts runs need not reach the store; people are told of the run all the same.
    if (plan.on.publish !== undefined || !isPerennialError(error)) throw error;
  }
}
