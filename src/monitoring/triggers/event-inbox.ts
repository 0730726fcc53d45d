import { PerennialError } from '../../core/errors.ts';
import type { JsonObject } from '../../core/json.ts';
import type { ObjectStore } from '../../core/ports.ts';
import { putJson, putJsonOnce } from '../../storage/json-objects.ts';
import { OBJECT, TEXT, defineStored, getStored, isUnreadable, recordSchema } from '../../storage/stored.ts';
import type { StoredKind } from '../../storage/stored.ts';
import { readState } from './trigger-state.ts';

/** `events/<pipeline>/<pending or done>/<id>.json`: what somebody told a pipeline of. */
export interface PipelineEvent {
  readonly formatVersion: 1;
  readonly pipeline: string;
  /** Of the sender: the same event told twice is one. */
  readonly id: string;
  readonly type: string;
  /** Why, for people. */
  readonly why: string;
  readonly data: JsonObject;
  /** Who told it, as far as the server knows, and when, ISO 8601 UTC. */
  readonly by: string;
  readonly at: string;
  /** What came of it. */
  readonly what?: string;
}

/** {@link PipelineEvent} as it is stored. */
export const PIPELINE_EVENT: StoredKind<PipelineEvent> = defineStored({
  at: 'events/*/*/*.json',
  fix: 'Delete the object: the event is forgotten, and may be sent again.',
  name: 'event of a pipeline',
  formatVersion: 1,
  schema: recordSchema({ pipeline: TEXT, id: TEXT, type: TEXT, at: TEXT }, { why: TEXT, data: OBJECT, by: TEXT, what: TEXT }),
});

/** Events that wait at a time: more are refused until a look has taken them. */
export const PENDING_MAX = 1_000;
/** So long the same id is known again, in milliseconds. */
const KNOWN_MS = 30 * 86_400_000;

const pendingOf = (pipeline: string): string => `events/${pipeline}/pending/`;
const doneOf = (pipeline: string): string => `events/${pipeline}/done/`;
const nameOf = (id: string): string => `${encodeURIComponent(id)}.json`;

/**
 * Keeps an event until the next look of the trigger "event". The same id is one event, however often it comes.
 *
 * @returns what became of the first one, where it came before; "kept" for a new one; and when the trigger looked last
 * @throws NOT_FOUND where no pipeline of the name waits for events; LIMIT_EXCEEDED
 */
export async function receiveEvent(
  store: ObjectStore,
  event: Omit<PipelineEvent, 'formatVersion'>,
): Promise<{ readonly state: 'kept' | 'waits' | 'done'; readonly what?: string; readonly lookedAt: string }> {
  const { pipeline, id } = event;
  const listens = await readState(store, pipeline, 'event');
  if (listens === undefined)
    throw new PerennialError('NOT_FOUND', `No pipeline "${pipeline}" waits for events.`, {
      hint: 'Declare "on": {"event": {}} in its document and apply it; it listens from its first look on, which comes within "every".',
    });
  const lookedAt = listens.at;
  const done = await getStored(store, PIPELINE_EVENT, `${doneOf(pipeline)}${nameOf(id)}`);
  if (done !== undefined) return { state: 'done', lookedAt, ...(done.value.what === undefined ? {} : { what: done.value.what }) };
  let waiting = 0;
  for await (const { key } of store.list(pendingOf(pipeline))) {
    if (key.endsWith(`/${nameOf(id)}`)) return { state: 'waits', lookedAt };
    waiting += 1;
  }
  if (waiting >= PENDING_MAX)
    throw new PerennialError('LIMIT_EXCEEDED', `${waiting} events wait for "${pipeline}" already; at most ${PENDING_MAX} may.`, {
      hint: 'Wait for its next look, or see why there is none: perennial schedules list.',
    });
  const isNew = await putJsonOnce(store, `${pendingOf(pipeline)}${nameOf(id)}`, { formatVersion: 1, ...event });
  return { state: isNew ? 'kept' : 'waits', lookedAt };
}

/** Events that wait, the oldest first, and how many cannot be read. */
export async function waitingEvents(
  store: ObjectStore,
  pipeline: string,
): Promise<{ readonly events: PipelineEvent[]; readonly unread: number }> {
  const events: PipelineEvent[] = [];
  let unread = 0;
  for await (const { key } of store.list(pendingOf(pipeline)))
    try {
      const found = await getStored(store, PIPELINE_EVENT, key);
      if (found !== undefined) events.push(found.value);
    } catch (error) {
      if (!isUnreadable(error)) throw error;
      unread += 1;
    }
  return { events: events.sort((a, b) => (a.at < b.at ? -1 : 1)), unread };
}

/** Notes what came of events, and forgets those of long ago. */
export async function settleEvents(store: ObjectStore, pipeline: string, ids: readonly string[], what: string, now: string): Promise<void> {
  for (const id of ids) {
    const key = `${pendingOf(pipeline)}${nameOf(id)}`;
    const found = await getStored(store, PIPELINE_EVENT, key);
    if (found === undefined) continue;
    await putJson(store, `${doneOf(pipeline)}${nameOf(id)}`, { ...found.value, what });
    await store.delete(key);
  }
  for await (const { key, modifiedAt } of store.list(doneOf(pipeline)))
    if (Date.parse(now) - modifiedAt > KNOWN_MS) await store.delete(key);
}
