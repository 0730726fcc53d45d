import { createHash } from 'node:crypto';
import type { ArtifactManifest } from '../core/artifact.ts';
import type { ObjectStore } from '../core/ports.ts';
import { blobKey, corruptMarkKey } from './blobs.ts';
import { mapLimited } from './concurrency.ts';

/** Bytes of one artifact whose content is read again; of what is beyond, presence, size and the marks of readers have to do. */
export const VERIFIED_BYTES_MAX = 256 * 1024 * 1024;

const CONCURRENT_BLOBS = 4;

export interface Damage {
  /** Files whose blob is not there, or has another size. */
  readonly gone: readonly string[];
  /** Files whose blob holds other bytes. It is marked, so that the next writer of the content replaces it. */
  readonly corrupt: readonly string[];
}

/** Files of an artifact that the store does not hold as they were written. The smallest are read first. */
export async function damagedFiles(store: ObjectStore, manifest: ArtifactManifest): Promise<Damage> {
  const files = Object.entries(manifest.files).sort(([, a], [, b]) => a.size - b.size);
  let bytes = 0;
  const read = new Set(files.filter(([, file]) => (bytes += file.size) <= VERIFIED_BYTES_MAX).map(([name]) => name));
  const states = await mapLimited(files, CONCURRENT_BLOBS, async ([name, file]) => {
    const head = await store.head(blobKey(file.digest));
    if (head?.size !== file.size) return { name, state: 'gone' };
    if ((await store.head(corruptMarkKey(file.digest))) !== undefined) return { name, state: 'corrupt' };
    if (!read.has(name) || (await isIntact(store, file.digest))) return { name, state: 'whole' };
    await store.put(corruptMarkKey(file.digest), Buffer.from('found by a reader of the cache'));
    return { name, state: 'corrupt' };
  });
  const inState = (state: string): string[] =>
    states
      .filter((file) => file.state === state)
      .map(({ name }) => name)
      .sort();
  return { gone: inState('gone'), corrupt: inState('corrupt') };
}

/** Twice, since bytes can also be damaged on their way. */
async function isIntact(store: ObjectStore, digest: string): Promise<boolean> {
  return (await digestOf(store, digest)) === digest || (await digestOf(store, digest)) === digest;
}

async function digestOf(store: ObjectStore, digest: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of await store.getStream(blobKey(digest))) hash.update(chunk);
  return hash.digest('hex');
}
