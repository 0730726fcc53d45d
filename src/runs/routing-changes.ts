import { isPerennialError } from '../core/errors.ts';
import type { Plan } from '../core/plan.ts';
import type { ObjectStore } from '../core/ports.ts';
import { shareText } from '../core/rollout.ts';
import { readRollout } from '../registry/rollouts.ts';
import { readHistory, readRouting } from '../registry/routing.ts';
import type { Routing, Transition } from '../registry/types.ts';
import { isUnreadable } from '../storage/stored.ts';
import type { HandChange } from './reconcile.ts';

/** What people did to the routing of a model, beside what its document declares. */
export interface RoutingState {
  /** undefined: nothing was ever routed. */
  readonly routing: Routing | undefined;
  readonly byHand: readonly HandChange[];
}

/** Changes of a person that a document would have made otherwise, in words. */
const DONE: Readonly<Partial<Record<Transition['action'], string>>> = {
  promote: 'promoted',
  rollback: 'rolled back',
  rolloutEnd: 'its rollout was aborted',
};

/**
 * What stands in the way of what a document declares (a pin, a rollout that somebody paused), and what people did to the routing after
 * it was applied. Nothing of it is ever undone here: each is told with the command that does.
 *
 * @param since the revision of the routing when the document was applied; undefined: it never was, or that is not known
 * @throws STORE_…
 */
export async function routingState(store: ObjectStore, model: string, file: string, since: number | undefined): Promise<RoutingState> {
  try {
    return await stateOf(store, model, file, since);
  } catch (error) {
    if (!isUnreadable(error)) throw error;
    const what = `model ${model}: its routing cannot be read: ${error.message}`;
    return { routing: undefined, byHand: [{ what, at: null, by: null, fix: 'perennial doctor --store' }] };
  }
}

async function stateOf(store: ObjectStore, model: string, file: string, since: number | undefined): Promise<RoutingState> {
  const routing = (await readRouting(store, model))?.routing;
  if (routing === undefined) return { routing, byHand: [] };
  const byHand: HandChange[] = [];
  const { pin, rollout } = routing;
  const path = `model ${model}`;
  if (pin !== null)
    byHand.push({
      what: `${path}: pinned to version ${pin.version}${quoted(pin.why)}`,
      at: pin.at,
      by: pin.by,
      fix: `perennial models unpin ${model}`,
    });
  if (rollout !== undefined) {
    const record = await readRollout(store, model, rollout.id).catch((error: unknown) => {
      if (isPerennialError(error, 'NOT_FOUND')) return undefined;
      throw error;
    });
    if (record?.state === 'paused')
      byHand.push({
        what: `${path}: the rollout of version ${rollout.candidate} is paused at ${shareText(rollout.share)}${quoted(record.why)}`,
        at: null,
        by: record.by ?? null,
        fix: `perennial models rollout resume ${model}`,
      });
  }
  if (since === undefined || routing.revision <= since) return { routing, byHand };
  const later = (await readHistory(store, model)).filter(({ revision }) => revision > since);
  // What automation did after it is what the document declares again.
  const after = later.slice(later.findLastIndex((one) => one.automatic && one.alias === 'champion') + 1).filter((one) => !one.automatic);
  for (const { action, from, to, at, who, why, alias } of after) {
    const done = DONE[action];
    if (done === undefined || (alias !== null && alias !== 'champion')) continue;
    // A rollback that pinned the version is told by its pin.
    if (action === 'rollback' && pin?.version === to && pin.by === who) continue;
    const versions = action === 'rolloutEnd' ? '' : ` from version ${from ?? '(none)'} to ${to ?? '(none)'}`;
    byHand.push({ what: `${path}: ${done}${versions}${quoted(why)}`, at, by: who, fix: `perennial run ${file}`, noted: true });
  }
  return { routing, byHand };
}

/** Whether the document lets a run promote: only then the routing is what it declares. */
export function promotes(plan: Plan): boolean {
  return plan.steps.some(({ type, config }) => type === 'deploy' && config.promote !== null);
}

const quoted = (why: string | undefined): string => (why === undefined || why === '' ? '' : ` ("${why}")`);
