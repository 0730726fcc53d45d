import type { ObjectStore } from '../core/ports.ts';
import { countsPrefix } from '../registry/keys.ts';
import { storeNow } from '../storage/store-clock.ts';
import { getStored, isUnreadable } from '../storage/stored.ts';
import { SERVER_COUNTS } from './counts.ts';
import type { ServerCounts, StepCounts } from './counts.ts';
import { sumSteps } from './counts.ts';

/** What one server tells of a rollout, and how long ago. */
export interface ServerEvidence extends ServerCounts {
  /** By the clock of the store. */
  readonly agoMs: number;
}

/** A server writes at least so often while the rollout goes on; one that missed three is cut off, or has ended. */
export const COUNTS_EVERY_MS = 5_000;
export const SILENT_MS = 16_000;

/** What every server counted so far, those that are silent by now included. One list and a read per server. */
export async function readEvidence(store: ObjectStore, model: string, id: string): Promise<ServerEvidence[]> {
  const found: ServerEvidence[] = [];
  const now = await storeNow(store);
  for await (const { key, modifiedAt } of store.list(countsPrefix(model, id))) {
    try {
      const record = await getStored(store, SERVER_COUNTS, key);
      if (record !== undefined) found.push({ ...record.value, agoMs: Math.max(0, now - modifiedAt) });
    } catch (error) {
      // It is written anew within seconds.
      if (!isUnreadable(error)) throw error;
    }
  }
  return found;
}

/** All servers together. */
export function countsOf(evidence: readonly ServerCounts[], step: number): StepCounts {
  return sumSteps(evidence.flatMap(({ steps }) => (steps[String(step)] === undefined ? [] : [steps[String(step)]!])));
}
