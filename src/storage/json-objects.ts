import { PerennialError, isPerennialError } from '../core/errors.ts';
import type { ObjectStore, PutOptions } from '../core/ports.ts';

/** What to do about a document of the store that was cut off or written over: no run makes it again. */
export const REPAIR_HINT =
  '`perennial doctor --store` names what is broken in the store and what can be done; `--repair` mends what can be mended without loss.';

/** A JSON object of the store with its etag; undefined where the key is absent. @throws BLOB_CORRUPT where it is not JSON. */
export async function getJson(store: ObjectStore, key: string): Promise<{ value: unknown; etag: string } | undefined> {
  let stored;
  try {
    stored = await store.get(key);
  } catch (error) {
    if (isPerennialError(error, 'OBJECT_NOT_FOUND')) return undefined;
    throw error;
  }
  return { value: jsonOf(store, key, stored.body), etag: stored.etag };
}

/** @throws BLOB_CORRUPT naming the key */
export function jsonOf(store: ObjectStore, key: string, body: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(body).toString('utf8')) as unknown;
  } catch (error) {
    throw new PerennialError('BLOB_CORRUPT', `${store.location}: "${key}" is not JSON (${body.length} bytes).`, {
      hint: REPAIR_HINT,
      cause: error,
    });
  }
}

/** {@link putJson} where the key is absent. @returns false: it is there already, and stays as it is */
export async function putJsonOnce(store: ObjectStore, key: string, value: unknown): Promise<boolean> {
  try {
    await putJson(store, key, value, { ifNoneMatch: '*' });
    return true;
  } catch (error) {
    if (!isPerennialError(error, 'PRECONDITION_FAILED')) throw error;
    return false;
  }
}

/** Indented, since people look at these objects. */
export function putJson(store: ObjectStore, key: string, value: unknown, options: PutOptions = {}): Promise<{ readonly etag: string }> {
  return store.put(key, Buffer.from(`${JSON.stringify(value, null, 2)}\n`), { contentType: 'application/json', ...options });
}
