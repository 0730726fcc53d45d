import { canonicalJson } from '../core/json.ts';
import type { JsonObject } from '../core/json.ts';
import type { ObjectStore } from '../core/ports.ts';
import { meaningOf } from '../config/document-changes.ts';
import { streamKey } from '../monitoring/drift-checks/stream.ts';
import { mapLimited } from '../storage/concurrency.ts';
import { sha256 } from '../storage/digest.ts';
import { getJson, putJson } from '../storage/json-objects.ts';
import { COUNT, OBJECT, TEXT, defineStored, getStored, isUnreadable, listOf, mapOf, recordSchema } from '../storage/stored.ts';
import type { StoredKind } from '../storage/stored.ts';
import { triggersKey } from './trigger-record.ts';

/**
 * `applied/<pipeline>.json`: what of a pipeline was applied last. What is declared now and what is there now are both compared with it: so
 * the one who changed something is known, and a document that has another name now, or is gone.
 */
export interface AppliedRecord {
  readonly formatVersion: 1;
  readonly pipeline: string;
  /** Absolute path of the document. */
  readonly file: string;
  /** The document, parameters substituted. Secrets stand as references. */
  readonly document: JsonObject;
  /** Digest of the document but for its name. */
  readonly likeness: string;
  readonly models: readonly string[];
  /** Ids of its schedules. */
  readonly schedules: readonly string[];
  /** Revision of the routing of each of its models: changes by hand after it were not there yet. */
  readonly routing: Readonly<Record<string, number>>;
  /** ISO 8601 UTC. */
  readonly at: string;
  readonly who: string;
}

/** {@link AppliedRecord} as it is stored. */
export const APPLIED: StoredKind<AppliedRecord> = defineStored({
  at: 'applied/*.json',
  remade: 'the next `perennial apply` writes it anew; what was changed by hand before is not known then',
  name: 'record of what was applied',
  formatVersion: 1,
  schema: recordSchema({
    pipeline: TEXT,
    file: TEXT,
    document: OBJECT,
    likeness: TEXT,
    models: listOf(TEXT),
    schedules: listOf(TEXT),
    routing: mapOf(COUNT),
    at: TEXT,
    who: TEXT,
  }),
  broken: { hint: 'Delete the object: the next `perennial apply` writes it anew.' },
});

const PREFIX = 'applied/';
const AT_ONCE = 16;
const keyOf = (pipeline: string): string => `${PREFIX}${pipeline}.json`;

/** What two documents share that differ in nothing but their name. */
export function likenessOf(document: JsonObject): string {
  return sha256(canonicalJson(meaningOf(document)));
}

/** By pipeline. Those that cannot be read are none: the next apply writes them anew. */
export async function readApplied(store: ObjectStore): Promise<Map<string, AppliedRecord>> {
  const keys: string[] = [];
  for await (const { key } of store.list(PREFIX)) keys.push(key);
  const found = await mapLimited(keys, AT_ONCE, async (key) => {
    try {
      return (await getStored(store, APPLIED, key))?.value;
    } catch (error) {
      if (!isUnreadable(error)) throw error;
      return undefined;
    }
  });
  return new Map(found.flatMap((record) => (record === undefined ? [] : [[record.pipeline, record] as const])));
}

/** Writes what is not so already, in one piece each. */
export async function writeApplied(
  store: ObjectStore,
  records: readonly AppliedRecord[],
  before: ReadonlyMap<string, AppliedRecord>,
): Promise<void> {
  await mapLimited(records, AT_ONCE, async (record) => {
    const known = before.get(record.pipeline);
    if (known === undefined || canonicalJson({ ...known, at: '', who: '' }) !== canonicalJson({ ...record, at: '', who: '' }))
      await putJson(store, keyOf(record.pipeline), record);
  });
}

/**
 * What monitors keep under the name of their pipeline (the last run that a trigger started, what triggers have seen, events that wait,
 * windows of drift) goes over to another name, where there is none: neither a cool-down nor an event is forgotten. Done twice it is done
 * once.
 */
export async function moveKept(store: ObjectStore, from: string, to: string, models: readonly string[]): Promise<void> {
  for (const [old, key] of await keptUnder(store, from, models, to)) {
    const kept = await keptAt(store, old);
    // One that is broken is left for the doctor of the store: those who read it begin anew.
    if (kept === undefined) continue;
    if ((await store.head(key)) === undefined) await putJson(store, key, 'pipeline' in kept ? { ...kept, pipeline: to } : kept);
    await store.delete(old);
  }
}

async function keptAt(store: ObjectStore, key: string): Promise<JsonObject | undefined> {
  try {
    return (await getJson(store, key))?.value as JsonObject | undefined;
  } catch (error) {
    if (!isUnreadable(error)) throw error;
    return undefined;
  }
}

/** Forgets what triggers have seen that a pipeline does not have any more: nobody waits for its events then. */
export async function forgetTriggers(store: ObjectStore, pipeline: string, kinds: readonly string[]): Promise<void> {
  for (const kind of kinds) await store.delete(`triggers/${pipeline}/${kind}.json`);
}

/** Forgets a pipeline: what its monitors kept, and that it was applied. */
export async function forgetApplied(store: ObjectStore, pipeline: string, models: readonly string[]): Promise<void> {
  for (const [key] of await keptUnder(store, pipeline, models, pipeline)) await store.delete(key);
  await store.delete(keyOf(pipeline));
}

/** Keys of what is kept under a name, each with what it would be under another one. */
async function keptUnder(store: ObjectStore, from: string, models: readonly string[], to: string): Promise<[string, string][]> {
  const pairs: [string, string][] = [[triggersKey(from), triggersKey(to)]];
  for (const folder of ['triggers', 'events'])
    for await (const { key } of store.list(`${folder}/${from}/`))
      pairs.push([key, `${folder}/${to}/${key.slice(`${folder}/${from}/`.length)}`]);
  for (const model of models) pairs.push([streamKey(model, from), streamKey(model, to)]);
  const there = await Promise.all(pairs.map(([key]) => store.head(key)));
  return pairs.filter((_, index) => there[index] !== undefined);
}
