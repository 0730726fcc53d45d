import { randomUUID } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { PerennialError, isPerennialError } from '../core/errors.ts';
import type { ObjectStore, PutOptions } from '../core/ports.ts';
import { sha256 } from './digest.ts';

/** A store does not change its nature from one minute to the next; a new deployment of it is noticed within a day. */
const PROBE_VALID_MS = 24 * 3_600_000;

/**
 * Tries on an object of its own whether the store honours conditions. Without them two registrations could get one number.
 *
 * @throws STORE_UNSUITABLE naming the condition that was ignored.
 */
export async function probeStore(store: ObjectStore): Promise<void> {
  const key = `probe/${randomUUID()}`;
  const body = (text: string): Uint8Array => Buffer.from(`${text} ${key}`);
  try {
    await mustRefuse(store, key, body('replace absent'), { ifMatch: '00000000000000000000000000000000' }, 'If-Match on an absent object');
    const { etag } = await store.put(key, body('create'), { ifNoneMatch: '*' });
    await mustRefuse(store, key, body('create again'), { ifNoneMatch: '*' }, 'If-None-Match: * on an existing object');
    await mustRefuse(store, key, body('replace other'), { ifMatch: `${etag.slice(1)}0` }, 'If-Match with another etag');
    await store.put(key, body('replace'), { ifMatch: etag });
    const stored = await store.get(key);
    if (Buffer.compare(stored.body, body('replace')) !== 0) throw unsuitable(store, 'does not give back what was written last');
    if (stored.etag === etag) throw unsuitable(store, 'gives the same etag to different contents');
  } finally {
    await store.delete(key);
  }
}

async function mustRefuse(store: ObjectStore, key: string, body: Uint8Array, options: PutOptions, what: string): Promise<void> {
  try {
    await store.put(key, body, options);
  } catch (error) {
    if (isPerennialError(error, 'PRECONDITION_FAILED')) return;
    throw error;
  }
  throw unsuitable(store, `ignores ${what}`);
}

function unsuitable(store: ObjectStore, what: string): PerennialError {
  return new PerennialError('STORE_UNSUITABLE', `The store ${store.location} ${what}; the registry would lose updates on it.`);
}

/** Whether a store of this identity was used from this home before, however long ago. */
export async function wasProbed(identity: string, folder: string): Promise<boolean> {
  return (await remembered(identity, folder)) !== undefined;
}

const noteOf = (identity: string, folder: string): string => join(folder, `${sha256(identity).slice(0, 32)}.json`);

async function remembered(identity: string, folder: string): Promise<string | undefined> {
  return readFile(noteOf(identity, folder), 'utf8').catch(() => undefined);
}

/** Probes at most once a day: a success is remembered in `folder`, under the identity of the store. */
export async function probeOnce(store: ObjectStore, identity: string, folder: string): Promise<'probed' | 'remembered'> {
  const path = noteOf(identity, folder);
  const note = await remembered(identity, folder);
  if (note !== undefined && isFresh(note)) return 'remembered';
  await probeStore(store);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(`${path}.${process.pid}`, JSON.stringify({ formatVersion: 1, location: store.location, probedAt: Date.now() }));
  await rename(`${path}.${process.pid}`, path);
  return 'probed';
}

function isFresh(text: string): boolean {
  try {
    const age = Date.now() - (JSON.parse(text) as { probedAt: number }).probedAt;
    return age >= 0 && age < PROBE_VALID_MS;
  } catch {
    // A torn note is no note: the store is probed again.
    return false;
  }
}
