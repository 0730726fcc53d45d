import type { Plan } from '../core/plan.ts';
import type { ObjectStore } from '../core/ports.ts';
import { compareSinks } from '../events/sink-records.ts';
import type { DeclaredSinks } from '../events/sink-records.ts';
import { openStore } from '../storage/open-store.ts';
import { modelOf } from './search-attributes.ts';

/** What the plan of a document says of where its changes are told. */
export function declaredSinks(plan: Plan): DeclaredSinks {
  const model = modelOf(plan);
  return {
    pipeline: plan.pipeline,
    models: model === undefined ? [] : [model],
    documentDir: plan.documentDir,
    sinks: plan.on.publish ?? [],
  };
}

/**
 * The sinks of a plan that is about to run are in force before it does. Those that it does not name stay: only `apply` takes any away.
 *
 * @throws STORE_…
 */
export async function declareForRun(plan: Plan, open: () => Promise<ObjectStore> = openStore): Promise<void> {
  if (plan.on.publish === undefined) return;
  const { carryOut } = await compareSinks(await open(), [declaredSinks(plan)], { removes: false });
  await carryOut();
}
