import { isWanted } from '../core/change.ts';
import type { Change } from '../core/change.ts';
import { CHANGE_ITSELF } from '../core/notices.ts';
import type { ObjectStore } from '../core/ports.ts';
import { putJsonOnce } from '../storage/json-objects.ts';
import { ensureIdentity } from '../storage/store-identity.ts';
import { entryName, folderOf } from './entries.ts';
import type { EventEntry } from './entries.ts';
import { uuidOf } from './event-id.ts';
import { envelopeRegistry } from './envelopes/index.generated.ts';
import type { EventMessage } from './sinks/sink.ts';
import { readSinks, sinkId } from './sink-records.ts';
import type { SinkRecord } from './sink-records.ts';

/**
 * Lays changes ready for every sink that asks for them, before anybody is told that they were made. Told again, a change is laid ready
 * once. The sinks are those of now: one that is declared later hears of what comes later.
 *
 * @param options again: looked up in the records of the store, and not of now: a sink hears only of what came after its declaration
 * @returns whether anybody asks for what runs of their pipelines do
 * @throws STORE_UNAVAILABLE: then the change has to be told again
 */
export async function tellChanges(
  store: ObjectStore,
  changes: readonly Change[],
  { again = false }: { readonly again?: boolean } = {},
): Promise<boolean> {
  const sinks = await readSinks(store);
  if (sinks.length === 0) return false;
  const { id: storeId } = await ensureIdentity(store);
  const pipelines = new Set(changes.map(({ pipeline }) => pipeline));
  for (const change of changes)
    await Promise.all(
      sinks
        .filter((sink) => asksFor(sink, change) && (!again || sink.since <= change.at))
        .map(async (sink) => {
          const message = write(sink, change, storeId);
          if (message !== undefined) await layReady(store, sinkId(sink), change, message);
        }),
    );
  return sinks.some(({ of, pipeline, events }) => (of === 'store' || pipelines.has(pipeline)) && (events?.some(isOfRuns) ?? true));
}

const isOfRuns = (name: string): boolean => /^(run|step|approval)(\.|$)/.test(name);

function write(sink: SinkRecord, change: Change, storeId: string): EventMessage | undefined {
  if (sink.envelope !== CHANGE_ITSELF) return envelopeRegistry.find(sink.envelope)?.write(change, sink.envelopeConfig, { storeId });
  return { id: uuidOf(storeId, change.key), contentType: 'application/json', body: JSON.stringify(change) };
}

/** Whether a sink hears of a change. */
export function asksFor(sink: Pick<SinkRecord, 'of' | 'pipeline' | 'models' | 'events'>, change: Change): boolean {
  const whose = sink.of === 'store' || change.pipeline === sink.pipeline || (change.model !== null && sink.models.includes(change.model));
  return whose && isWanted(change.type, sink.events);
}

async function layReady(store: ObjectStore, sink: string, { type, subject, at, order }: Change, message: EventMessage): Promise<void> {
  const name = entryName({ at, order, subject, id: message.id });
  const past = await Promise.all((['sent', 'refused'] as const).map((state) => store.head(`${folderOf(state, sink)}${name}`)));
  if (past.some((head) => head !== undefined)) return;
  const entry: EventEntry = { formatVersion: 1, ...message, type, subject, at };
  await putJsonOnce(store, `${folderOf('pending', sink)}${name}`, entry);
}
