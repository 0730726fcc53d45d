import { messageOf } from '../core/errors.ts';
import type { Outcome } from '../core/outcome.ts';
import type { ObjectStore } from '../core/ports.ts';
import { TEXT, defineStored, getStored, isUnreadable, orNull, recordSchema } from '../storage/stored.ts';
import type { StoredKind } from '../storage/stored.ts';

const PREFIX = 'outcomes/';

/** {@link Outcome} as it is stored. */
export const OUTCOME: StoredKind<Outcome> = defineStored({
  at: 'outcomes/**.json',
  remade: 'the next run or check writes what it came to',
  name: 'outcome of a run or check',
  formatVersion: 1,
  schema: recordSchema(
    { kind: TEXT, at: TEXT, outcome: TEXT },
    { pipeline: TEXT, summary: TEXT, workflow: TEXT, trigger: TEXT, model: orNull(TEXT) },
  ),
});

/** Keeps what came last. An older one never takes the place of a newer one. @returns whether it was news */
export async function writeOutcome(store: ObjectStore, outcome: Outcome): Promise<boolean> {
  const key = `${PREFIX}${outcome.pipeline}/${outcome.kind}.json`;
  const before = await read(store, key);
  if (before !== undefined && 'at' in before.found && before.found.at >= outcome.at) return false;
  await store.put(key, Buffer.from(JSON.stringify(outcome)), before?.etag === undefined ? { ifNoneMatch: '*' } : { ifMatch: before.etag });
  return true;
}

/** What came last of a kind; undefined where nothing did, or it cannot be read. */
export async function readOutcome(store: ObjectStore, pipeline: string, kind: Outcome['kind']): Promise<Outcome | undefined> {
  const found = (await read(store, `${PREFIX}${pipeline}/${kind}.json`))?.found;
  return found === undefined || 'problem' in found ? undefined : found;
}

/** All of them that can be read, and what is wrong with the others. */
export async function readOutcomes(
  store: ObjectStore,
): Promise<{ readonly outcomes: readonly Outcome[]; readonly problems: readonly string[] }> {
  const outcomes: Outcome[] = [];
  const problems: string[] = [];
  for await (const { key } of store.list(PREFIX)) {
    const found = (await read(store, key))?.found;
    if (found === undefined) continue;
    if ('problem' in found) problems.push(found.problem);
    else outcomes.push(found);
  }
  return { outcomes, problems };
}

async function read(
  store: ObjectStore,
  key: string,
): Promise<{ readonly found: Outcome | { readonly problem: string }; readonly etag: string | undefined } | undefined> {
  try {
    const found = await getStored(store, OUTCOME, key);
    return found === undefined ? undefined : { found: found.value, etag: found.etag };
  } catch (error) {
    if (!isUnreadable(error)) throw error;
    return { found: { problem: messageOf(error) }, etag: (await store.head(key))?.etag };
  }
}
