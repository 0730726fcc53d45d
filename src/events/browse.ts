import { PerennialError, messageOf } from '../core/errors.ts';
import type { ObjectStore } from '../core/ports.ts';
import { getReadable, isUnreadable } from '../storage/stored.ts';
import { EVENT_STATES, SINK_STATE, folderOf, moveEntry, partsOf, readEntry, stateKey } from './entries.ts';
import type { EventEntry, EventState, SinkState } from './entries.ts';
import { readSinks, sinkId } from './sink-records.ts';
import type { SinkRecord } from './sink-records.ts';

/** An event of the outbox, and where it is. */
export interface FoundEvent {
  readonly sink: string;
  readonly state: EventState;
  readonly id: string;
  /** Undefined of one that cannot be read. */
  readonly entry: EventEntry | undefined;
  readonly problem?: string;
  /** When it came there, ISO 8601 by the clock of the store. */
  readonly since: string;
}

/** A sink and how it fares. */
export interface SinkOverview {
  readonly sink: string;
  readonly record: SinkRecord | undefined;
  readonly counts: Readonly<Record<EventState, number>>;
  /** When the oldest event that waits happened. */
  readonly oldest: string | null;
  readonly state: SinkState | undefined;
}

interface Place {
  readonly sink: string;
  readonly state: EventState;
  readonly name: string;
  readonly modifiedAt: number;
}

/** Names of what lies in a folder, of one sink or of all, in the order of the events within each sink. */
async function* places(store: ObjectStore, state: EventState, sink?: string): AsyncIterable<Place> {
  const prefix = sink === undefined ? `outbox/${state}/` : folderOf(state, sink);
  for await (const { key, modifiedAt } of store.list(prefix)) {
    const [, , pipeline, name, file] = key.split('/');
    if (file !== undefined) yield { sink: `${pipeline!}/${name!}`, state, name: file, modifiedAt };
  }
}

/** Every sink that there is, or that something waits for. */
export async function overviewOf(store: ObjectStore): Promise<SinkOverview[]> {
  const records = new Map((await readSinks(store)).map((record) => [sinkId(record), record]));
  const counts = new Map<string, { pending: number; sent: number; refused: number; oldest: string | null }>();
  const of = (sink: string): { pending: number; sent: number; refused: number; oldest: string | null } => {
    const known = counts.get(sink) ?? { pending: 0, sent: 0, refused: 0, oldest: null };
    counts.set(sink, known);
    return known;
  };
  for (const sink of records.keys()) of(sink);
  for (const state of EVENT_STATES)
    for await (const { sink, name } of places(store, state)) {
      const count = of(sink);
      if (state === 'pending') count.oldest ??= timeOf(name);
      count[state] += 1;
    }
  return Promise.all(
    [...counts]
      .sort(([a], [b]) => a.localeCompare(b))
      .map(async ([sink, { oldest, ...rest }]) => ({
        sink,
        record: records.get(sink),
        counts: rest,
        oldest,
        state: await getReadable(store, SINK_STATE, stateKey(sink)),
      })),
  );
}

/** "20261130T005926.095Z-…" → "2026-11-30T00:59:26.095Z". */
function timeOf(name: string): string | null {
  const [, year, month, day, hour, minute, rest] = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)([\d.]+Z)-/.exec(name) ?? [];
  return year === undefined ? null : `${year}-${month!}-${day!}T${hour!}:${minute!}:${rest!}`;
}

/** The newest events in some states, the newest last. */
export async function listEvents(
  store: ObjectStore,
  { states, sink, limit }: { readonly states: readonly EventState[]; readonly sink?: string; readonly limit: number },
): Promise<FoundEvent[]> {
  const found: Place[] = [];
  for (const state of states) for await (const place of places(store, state, sink)) found.push(place);
  found.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
  return Promise.all(found.slice(-limit).map((place) => read(store, place)));
}

/** An event in all of its sinks, by its id or the beginning of it. @throws NOT_FOUND, USAGE where several have that beginning */
export async function findEvent(store: ObjectStore, id: string, sink?: string): Promise<FoundEvent[]> {
  const found: Place[] = [];
  for (const state of EVENT_STATES)
    for await (const place of places(store, state, sink)) if (partsOf(place.name).id.startsWith(id)) found.push(place);
  const ids = new Set(found.map(({ name }) => partsOf(name).id));
  if (ids.size === 0)
    throw new PerennialError('NOT_FOUND', `There is no event ${JSON.stringify(id.slice(0, 80))}.`, {
      hint: '`perennial events list` shows those there are. Sent ones go with `perennial models gc`.',
    });
  if (ids.size > 1)
    throw new PerennialError('USAGE', `${ids.size} events begin with ${JSON.stringify(id)}: ${[...ids].slice(0, 5).join(', ')} …`);
  return Promise.all(found.map((place) => read(store, place)));
}

async function read(store: ObjectStore, { sink, state, name, modifiedAt }: Place): Promise<FoundEvent> {
  const base = { sink, state, id: partsOf(name).id, since: new Date(modifiedAt).toISOString() };
  try {
    return { ...base, entry: await readEntry(store, state, sink, name) };
  } catch (error) {
    if (!isUnreadable(error)) throw error;
    return { ...base, entry: undefined, problem: messageOf(error) };
  }
}

/** Which events are sent once more. */
export interface ResendChoice {
  /** Ids, or beginnings of some; empty: all that were refused. */
  readonly ids: readonly string[];
  readonly sink?: string;
}

/**
 * Lets events wait for their sinks once more, with their ids and bytes: what was refused, or was sent and got lost behind the sink.
 *
 * @returns how many
 * @throws NOT_FOUND for an id that no refused or sent event has
 */
export async function resend(store: ObjectStore, { ids, sink }: ResendChoice): Promise<number> {
  const wanted = new Set<string>();
  for (const id of ids) wanted.add((await findEvent(store, id, sink))[0]!.id);
  let count = 0;
  for (const state of ids.length === 0 ? (['refused'] as const) : (['refused', 'sent'] as const)) {
    const chosen: Place[] = [];
    for await (const place of places(store, state, sink)) if (ids.length === 0 || wanted.has(partsOf(place.name).id)) chosen.push(place);
    for (const { sink: of, name } of chosen) {
      const entry = await readEntry(store, state, of, name).catch((error: unknown) => {
        if (isUnreadable(error)) return undefined;
        throw error;
      });
      if (entry === undefined) continue;
      const { why: _why, ...fresh } = entry;
      // A worker that finds it among the sent ones, too, would take it for a leftover.
      if (state === 'sent') await store.delete(`${folderOf('sent', of)}${name}`);
      await moveEntry(store, of, name, fresh, [state, 'pending']);
      count += 1;
    }
  }
  return count;
}
