import { createHash } from 'node:crypto';
import { PerennialError, isPerennialError, messageOf } from '../core/errors.ts';
import type { ObjectStore } from '../core/ports.ts';
import { readManifest } from '../storage/artifact-store.ts';
import { blobKey, corruptMarkKey, markCorrupt } from '../storage/blobs.ts';
import { mapLimited } from '../storage/concurrency.ts';
import { readVersion } from './versions.ts';

const CONCURRENT_BLOBS = 4;

/** What is wrong with the files of an artifact, one sentence each; empty for a whole one. Every byte is read where `bytes` says so. */
export async function problemsOfArtifact(store: ObjectStore, digest: string, { bytes }: { readonly bytes: boolean }): Promise<string[]> {
  let files;
  try {
    ({ files } = await readManifest(store, digest));
  } catch (error) {
    if (!isPerennialError(error) || error.code === 'STORE_UNAVAILABLE') throw error;
    return [messageOf(error)];
  }
  const found = await mapLimited(Object.entries(files), CONCURRENT_BLOBS, async ([name, file]) => {
    const head = await store.head(blobKey(file.digest));
    if (head === undefined) return [`its file "${name}" is not in the store ("${blobKey(file.digest)}")`];
    if (head.size !== file.size) return [`its file "${name}" has ${head.size} bytes in place of ${file.size} ("${blobKey(file.digest)}")`];
    // Whoever read other bytes left a mark; only where bytes are read is it known whether they were made anew since.
    const marked = !bytes && (await store.head(corruptMarkKey(file.digest))) !== undefined;
    if (!marked && (!bytes || (await digestOf(store, file.digest)) === file.digest)) return [];
    if (!marked) await markCorrupt(store, file.digest);
    return [`its file "${name}" holds other bytes than were written ("${blobKey(file.digest)}")`];
  });
  return found.flat();
}

async function digestOf(store: ObjectStore, digest: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of await store.getStream(blobKey(digest))) hash.update(chunk);
  return hash.digest('hex');
}

/**
 * Reads every byte of a version's model before an alias moves to it, so that a move cannot take the model out of service.
 *
 * @throws VERSION_INVALID naming the files
 */
export async function checkWhole(store: ObjectStore, model: string, version: number): Promise<void> {
  const manifest = await readVersion(store, model, version);
  const problems =
    manifest === undefined ? [`it has no manifest`] : await problemsOfArtifact(store, manifest.model.digest, { bytes: true });
  if (problems.length === 0) return;
  throw new PerennialError(
    'VERSION_INVALID',
    `Version ${version} of "${model}" cannot be served: ${problems.join('; ')}. Nothing was changed.`,
    {
      hint: `Choose another version (\`perennial models show ${model}\`), restore the object from a copy of the store, or run the pipeline again: it writes what is broken anew. \`perennial doctor --store\` finds what else is.`,
    },
  );
}
