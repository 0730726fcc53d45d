import type { ObjectStore } from '../../core/ports.ts';
import { putJson } from '../../storage/json-objects.ts';
import { TEXT, defineStored, getStored, recordSchema } from '../../storage/stored.ts';
import type { StoredKind } from '../../storage/stored.ts';

/** `triggers/<pipeline>/<trigger>.json`: what a trigger has seen, where that does not follow from anything else. */
export interface TriggerState {
  readonly formatVersion: 1;
  readonly pipeline: string;
  readonly trigger: string;
  /** What was seen last: of "version" the version, of "event" nothing but that it listens. */
  readonly seen: string;
  /** What was done about it, ISO 8601 UTC. */
  readonly what: string;
  readonly at: string;
}

/** {@link TriggerState} as it is stored. */
export const TRIGGER_STATE: StoredKind<TriggerState> = defineStored({
  at: 'triggers/*/*.json',
  remade: 'the next look begins anew',
  name: 'what a trigger has seen',
  formatVersion: 1,
  schema: recordSchema({ pipeline: TEXT, trigger: TEXT, seen: TEXT, at: TEXT }, { what: TEXT }),
  broken: { hint: 'Delete the object: the trigger begins anew.' },
});

const keyOf = (pipeline: string, trigger: string): string => `triggers/${pipeline}/${trigger}.json`;

/** @throws BLOB_CORRUPT, PIPELINE_OUTDATED */
export async function readState(store: ObjectStore, pipeline: string, trigger: string): Promise<TriggerState | undefined> {
  return (await getStored(store, TRIGGER_STATE, keyOf(pipeline, trigger)))?.value;
}

/** What came last holds: looks of one trigger come one after the other. */
export async function writeState(store: ObjectStore, state: Omit<TriggerState, 'formatVersion'>): Promise<void> {
  await putJson(store, keyOf(state.pipeline, state.trigger), { formatVersion: 1, ...state });
}
