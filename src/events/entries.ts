import { messageOf } from '../core/errors.ts';
import type { ObjectStore } from '../core/ports.ts';
import { sha256 } from '../storage/digest.ts';
import { putJson } from '../storage/json-objects.ts';
import { COUNT, OBJECT, TEXT, defineStored, getStored, recordSchema } from '../storage/stored.ts';
import type { StoredKind } from '../storage/stored.ts';
import type { EventMessage } from './sinks/sink.ts';

/** An event on its way to one sink, ready as it goes out. It lies in one of three folders: where it waits, was sent, or was refused. */
export interface EventEntry extends EventMessage {
  readonly formatVersion: 1;
  /** Of the change. */
  readonly type: string;
  readonly subject: string;
  readonly at: string;
  /** Why it was refused; only of such. */
  readonly why?: string;
}

/** Where an event is. */
export const EVENT_STATES = ['pending', 'sent', 'refused'] as const;
export type EventState = (typeof EVENT_STATES)[number];

const ENTRY_SCHEMA = recordSchema(
  { id: TEXT, contentType: TEXT, body: TEXT, type: TEXT, subject: TEXT, at: TEXT },
  { why: TEXT, headers: OBJECT },
);

/** {@link EventEntry} as it is stored. */
export const EVENT_ENTRY: StoredKind<EventEntry> = defineStored({
  at: 'outbox/*/*/*/*.json',
  fix: 'It cannot be sent any more; delete the object.',
  name: 'event on its way to a sink',
  formatVersion: 1,
  schema: ENTRY_SCHEMA,
});

/** `outbox/state/<pipeline>/<name>.json`: how the delivery to a sink goes. */
export interface SinkState {
  readonly formatVersion: 1;
  /** null: all is well. */
  readonly failingSince: string | null;
  readonly failure: string | null;
  /** Attempts since then. */
  readonly attempts: number;
}

export const SINK_STATE: StoredKind<SinkState> = defineStored({
  at: 'outbox/state/*/*.json',
  remade: 'the next attempt writes how it went',
  name: 'state of a sink',
  formatVersion: 1,
  schema: recordSchema({ attempts: COUNT }, {}),
});

export const folderOf = (state: EventState, sink: string): string => `outbox/${state}/${sink}/`;
export const stateKey = (sink: string): string => `outbox/state/${sink}.json`;

/**
 * The name of an event's object: the order of names is that in which events go out. All of it follows from the change, so that a change
 * told twice is laid ready once, also by the next version of Perennial: its form stays as it is.
 */
export function entryName({
  at,
  order,
  subject,
  id,
}: {
  readonly at: string;
  readonly order: number;
  readonly subject: string;
  readonly id: string;
}): string {
  return `${at.replaceAll(/[-:]/g, '')}-${String(order).padStart(7, '0')}-${sha256(subject).slice(0, 8)}-${id}.json`;
}

/** What a name says. */
export function partsOf(name: string): { readonly subject: string; readonly id: string } {
  const [, subject = '', id = name] = /-([0-9a-f]{8})-([0-9a-f-]{36})\.json$/.exec(name) ?? [];
  return { subject, id };
}

/** The object from one folder to another: written there before it is taken away here. */
export async function moveEntry(
  store: ObjectStore,
  sink: string,
  name: string,
  entry: EventEntry,
  [from, to]: readonly [EventState, EventState],
): Promise<void> {
  await putJson(store, `${folderOf(to, sink)}${name}`, entry);
  await store.delete(`${folderOf(from, sink)}${name}`);
}

export async function readEntry(store: ObjectStore, state: EventState, sink: string, name: string): Promise<EventEntry | undefined> {
  return (await getStored(store, EVENT_ENTRY, `${folderOf(state, sink)}${name}`))?.value;
}

/** What went wrong, in words that are kept. @param hide takes secrets out, before anything is cut in two */
export const whyOf = (error: unknown, hide: (text: string) => string): string => hide(messageOf(error)).slice(0, 500);
