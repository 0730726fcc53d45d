import { randomUUID } from 'node:crypto';
import { PerennialError, isPerennialError } from '../core/errors.ts';
import type { ObjectStore } from '../core/ports.ts';
import { putJson } from './json-objects.ts';
import { TEXT, defineStored, getStored, recordSchema } from './stored.ts';
import type { StoredKind } from './stored.ts';

/** Which store it is, wherever and under whatever path somebody sees it. */
export interface StoreIdentity {
  readonly id: string;
  /** For people. */
  readonly location: string;
}

const KEY = 'store.json';

interface StoreDocument {
  readonly formatVersion: 1;
  readonly id: string;
}

export const IDENTITY: StoredKind<StoreDocument> = defineStored({
  at: 'store.json',
  fix: 'Restore it from a copy of the store; else the next worker or server gives the store another identity: restart those that run.',
  name: 'identity of a store',
  formatVersion: 1,
  schema: recordSchema({ id: TEXT }),
});

/** The identity of a store; undefined where no worker or server has used it yet, or the object is damaged. */
export async function identityOf(store: ObjectStore): Promise<StoreIdentity | undefined> {
  // Asked for politely: a store that is new is no failure, which traces would show.
  if ((await store.head(KEY)) === undefined) return undefined;
  try {
    const found = await getStored(store, IDENTITY, KEY);
    return found === undefined ? undefined : { id: found.value.id, location: store.location };
  } catch (error) {
    if (isPerennialError(error, 'BLOB_CORRUPT')) return undefined;
    throw error;
  }
}

/** The identity of a store that is about to be worked on; it gets one where it has none. */
export async function ensureIdentity(store: ObjectStore): Promise<StoreIdentity> {
  for (let attempt = 1; ; attempt += 1) {
    const known = await identityOf(store);
    if (known !== undefined) return known;
    const head = await store.head(KEY);
    const document: StoreDocument = { formatVersion: 1, id: randomUUID() };
    try {
      await putJson(store, KEY, document, head === undefined ? { ifNoneMatch: '*' } : { ifMatch: head.etag });
      return { id: document.id, location: store.location };
    } catch (error) {
      // Somebody else gave it one at the same moment.
      if (!isPerennialError(error, 'PRECONDITION_FAILED') || attempt === 3) throw error;
    }
  }
}

/** Two stores where one was expected. @param who "The workers of queue …" */
export function storeDiffers(who: string, theirs: string, ours: string): PerennialError {
  return new PerennialError('STORE_DIFFERS', `${who} in the store ${theirs}, and this command in ${ours}.`);
}
