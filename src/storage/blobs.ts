import { createHash, randomBytes } from 'node:crypto';
import type { BigIntStats } from 'node:fs';
import { mkdir, open, readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { PerennialError, isPerennialError } from '../core/errors.ts';
import { isDiskFull } from '../core/file-trouble.ts';
import type { ArtifactFile } from '../core/artifact.ts';
import type { LocalFile, ObjectHead, ObjectStore } from '../core/ports.ts';
import { sha256, sha256File } from './digest.ts';
import { storeNow } from './store-clock.ts';

/** Bytes, or a local file that is streamed. */
export type BlobSource = Uint8Array | LocalFile;

/** Files up to this size are read once into memory, so that what is hashed is what is stored. */
const IN_MEMORY_BYTES_MAX = 8 * 1024 * 1024;
/** An object older than this is written again rather than reused: garbage collection takes nothing that was written within a day. */
export const REUSE_MS_MAX = 12 * 3_600_000;
const STREAM_ATTEMPTS = 3;

export function blobKey(digest: string): string {
  return `blobs/sha256/${digest.slice(0, 2)}/${digest}`;
}

/** Left by a reader that met wrong bytes, so that the next writer of the same content replaces them instead of trusting them. */
export function corruptMarkKey(digest: string): string {
  return `blobs/corrupt/${digest}`;
}

/**
 * Stores content under its SHA-256. Where it is already there nothing is sent; where a reader found it corrupt it is replaced.
 *
 * @throws SOURCE_CHANGED where a large file was written to while it was stored.
 */
export async function putBlob(store: ObjectStore, source: BlobSource): Promise<ArtifactFile> {
  if (source instanceof Uint8Array) return putBytes(store, source);
  const before = await stat(source.path, { bigint: true }).catch((error: unknown) => {
    throw new PerennialError('SOURCE_NOT_FOUND', `The file ${source.path}, to be stored, cannot be read.`, { cause: error });
  });
  if (before.size <= IN_MEMORY_BYTES_MAX) return putBytes(store, await readFile(source.path));
  const digest = source.digest ?? (await sha256File(source.path));
  const size = Number(before.size);
  if ((await stateOf(store, digest, size)) === 'usable') return { digest, size };
  await store.putFile(blobKey(digest), source.path, source.given === true ? { given: true } : {});
  if (source.given !== true) await checkUnchanged(store, digest, source.path, before);
  await clearMark(store, digest);
  return { digest, size };
}

async function checkUnchanged(store: ObjectStore, digest: string, path: string, before: BigIntStats): Promise<void> {
  const after = await stat(path, { bigint: true });
  if (after.mtimeNs !== before.mtimeNs || after.size !== before.size || after.ino !== before.ino) {
    await store.delete(blobKey(digest));
    throw new PerennialError('SOURCE_CHANGED', `The file ${path} changed while it was stored.`);
  }
}

async function putBytes(store: ObjectStore, bytes: Uint8Array): Promise<ArtifactFile> {
  const digest = sha256(bytes);
  const state = await stateOf(store, digest, bytes.length);
  if (state === 'absent') await create(store, digest, bytes);
  if (state === 'unusable') {
    await store.put(blobKey(digest), bytes);
    await clearMark(store, digest);
  }
  return { digest, size: bytes.length };
}

/** Creating takes no lock, which replacing does. */
async function create(store: ObjectStore, digest: string, bytes: Uint8Array): Promise<void> {
  try {
    await store.put(blobKey(digest), bytes, { ifNoneMatch: '*' });
  } catch (error) {
    // Somebody stored the same content meanwhile.
    if (!isPerennialError(error, 'PRECONDITION_FAILED')) throw error;
  }
}

async function stateOf(store: ObjectStore, digest: string, size: number): Promise<'absent' | 'usable' | 'unusable'> {
  const head = await store.head(blobKey(digest));
  if (head === undefined) return 'absent';
  const usable = head.size === size && (await isReusable(store, head)) && (await store.head(corruptMarkKey(digest))) === undefined;
  return usable ? 'usable' : 'unusable';
}

/** By the clock of the store on both sides, as garbage collection counts. */
export async function isReusable(store: ObjectStore, head: ObjectHead): Promise<boolean> {
  return (await storeNow(store)) - head.modifiedAt < REUSE_MS_MAX;
}

async function clearMark(store: ObjectStore, digest: string): Promise<void> {
  if ((await store.head(corruptMarkKey(digest))) !== undefined) await store.delete(corruptMarkKey(digest));
}

/** The bytes, verified. @throws BLOB_CORRUPT, OBJECT_NOT_FOUND */
export async function getBlob(store: ObjectStore, digest: string): Promise<Uint8Array> {
  const { body } = await store.get(blobKey(digest));
  if (sha256(body) === digest) return body;
  // Once more, since bytes can also be damaged on their way.
  const again = await store.get(blobKey(digest));
  if (sha256(again.body) === digest) return again.body;
  throw await corrupt(store, digest, sha256(again.body));
}

/**
 * A verified copy in a local file that appears in one step and is read-only. Memory stays bounded.
 *
 * @throws BLOB_CORRUPT, OBJECT_NOT_FOUND, STORE_FULL (the local disk)
 */
export async function copyBlob(store: ObjectStore, digest: string, target: string): Promise<void> {
  await mkdir(dirname(target), { recursive: true });
  const aside = `${target}.${process.pid}-${randomBytes(6).toString('hex')}`;
  try {
    let found = '';
    for (let attempt = 1; found !== digest; attempt += 1) {
      try {
        found = await download(store, digest, aside);
      } catch (error) {
        if (attempt === STREAM_ATTEMPTS || !isPerennialError(error, 'STORE_UNAVAILABLE')) throw error;
        continue;
      }
      if (found !== digest && attempt > 1) throw await corrupt(store, digest, found);
    }
    await rename(aside, target);
  } catch (error) {
    throw localError(error, target);
  } finally {
    await rm(aside, { force: true });
  }
}

async function download(store: ObjectStore, digest: string, path: string): Promise<string> {
  const hash = createHash('sha256');
  const stream = await store.getStream(blobKey(digest));
  await rm(path, { force: true });
  const handle = await open(path, 'wx', 0o444);
  try {
    for await (const chunk of stream) {
      hash.update(chunk);
      await handle.writeFile(chunk);
    }
  } finally {
    await handle.close();
  }
  return hash.digest('hex');
}

/** The mark only lets a later run repair the blob: whoever sets it tells what is wrong, also where it cannot be written. */
export async function markCorrupt(store: ObjectStore, digest: string, found = ''): Promise<void> {
  await store.put(corruptMarkKey(digest), Buffer.from(found)).catch(() => undefined);
}

async function corrupt(store: ObjectStore, digest: string, found: string): Promise<PerennialError> {
  await markCorrupt(store, digest, found);
  return new PerennialError(
    'BLOB_CORRUPT',
    `${store.location}: "${blobKey(digest)}" holds other bytes than its name says (SHA-256 ${found}).`,
  );
}

function localError(error: unknown, target: string): unknown {
  if (isPerennialError(error)) return error;
  if (isDiskFull(error)) {
    return new PerennialError('STORE_FULL', `No space left for ${target}.`, {
      cause: error,
      hint: 'Free space on the disk of PERENNIAL_HOME.',
    });
  }
  return new PerennialError('STORE_UNAVAILABLE', `${target} could not be written: ${(error as Error).message}`, {
    cause: error,
    hint: 'Check the folder PERENNIAL_HOME.',
  });
}
