import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { ArtifactFile, ArtifactManifest, ArtifactRef } from '../core/artifact.ts';
import { PerennialError } from '../core/errors.ts';
import { canonicalJson } from '../core/json.ts';
import type { Json } from '../core/json.ts';
import type { ArtifactStore, ObjectStore, OpenArtifact } from '../core/ports.ts';
import { perennialHome } from '../platform/paths.ts';
import { blobKey, copyBlob, getBlob, isReusable, putBlob } from './blobs.ts';
import { mapLimited } from './concurrency.ts';
import { jsonOf } from './json-objects.ts';
import { isDigest, sha256, sha256File } from './digest.ts';
import { checkKey } from './keys.ts';
import { COUNT, TEXT, defineStored, mapOf, readStored, recordSchema } from './stored.ts';
import type { StoredKind } from './stored.ts';

/** Writes to the disk that are under way together share a flush of the file system's journal. */
const CONCURRENT_BLOBS = 8;

/** {@link ArtifactManifest} as it is stored. */
export const ARTIFACT: StoredKind<ArtifactManifest> = defineStored({
  at: 'artifacts/*.json',
  fix: 'Restore it from a copy of the store, or run the pipeline that made it again: what is broken is written anew.',
  name: 'manifest of an artifact',
  formatVersion: 1,
  schema: recordSchema({ kind: TEXT, summary: TEXT, files: mapOf(recordSchema({ digest: TEXT, size: COUNT })), meta: {} }),
});

export function artifactKey(digest: string): string {
  return `artifacts/${digest}.json`;
}

/**
 * Artifacts over an object store. Local copies live in `cacheDir` by digest and are shared by all processes of this machine.
 *
 * @param cacheDir default: `cache/blobs` in PERENNIAL_HOME.
 */
export function createArtifactStore(store: ObjectStore, cacheDir: string = join(perennialHome(), 'cache', 'blobs')): ArtifactStore {
  const copies = new LocalCopies(store, cacheDir);
  return {
    write: (artifact) => writeArtifact(store, artifact),
    open: (ref) => openArtifact(store, copies, ref.digest),
  };
}

async function writeArtifact(store: ObjectStore, artifact: Parameters<ArtifactStore['write']>[0]): Promise<ArtifactRef> {
  const names = Object.keys(artifact.files).sort();
  for (const name of names) checkKey(name, 'name of a file in an artifact');
  const blobs = await mapLimited(names, CONCURRENT_BLOBS, (name) => putBlob(store, artifact.files[name]!));
  const files: Record<string, ArtifactFile> = Object.fromEntries(names.map((name, index) => [name, blobs[index]!]));
  const manifest: ArtifactManifest = { formatVersion: 1, kind: artifact.kind, summary: artifact.summary, files, meta: artifact.meta };
  const body = canonicalJson(manifest);
  const digest = sha256(body);
  if (!(await holdsManifest(store, digest))) await store.put(artifactKey(digest), Buffer.from(body), { contentType: 'application/json' });
  return { kind: artifact.kind, digest, summary: artifact.summary };
}

/** Whether the store has this manifest, whole and young enough to be relied on. */
async function holdsManifest(store: ObjectStore, digest: string): Promise<boolean> {
  const head = await store.head(artifactKey(digest));
  if (head === undefined || !(await isReusable(store, head))) return false;
  // A damaged one of the same size would be met again by everyone who reads it.
  return sha256((await store.get(artifactKey(digest))).body) === digest;
}

/** The manifest, verified against its digest. @throws OBJECT_NOT_FOUND, BLOB_CORRUPT */
export async function readManifest(store: ObjectStore, digest: string): Promise<ArtifactManifest> {
  if (!isDigest(digest)) throw new PerennialError('OBJECT_NOT_FOUND', `${JSON.stringify(digest)} is not the digest of an artifact.`);
  const { body } = await store.get(artifactKey(digest));
  if (sha256(body) !== digest) {
    throw new PerennialError(
      'BLOB_CORRUPT',
      `${store.location}: "${artifactKey(digest)}" holds other bytes than its name says (SHA-256 ${sha256(body)}).`,
    );
  }
  return readStored(ARTIFACT, jsonOf(store, artifactKey(digest), body), () => `${store.location}: "${artifactKey(digest)}"`);
}

/** Blobs that the manifest names and the store lacks or holds with another size; empty for a whole artifact. */
export async function missingBlobs(store: ObjectStore, manifest: ArtifactManifest): Promise<string[]> {
  const missing = await mapLimited(Object.entries(manifest.files), CONCURRENT_BLOBS, async ([name, file]) => {
    const head = await store.head(blobKey(file.digest));
    return head?.size === file.size ? [] : [name];
  });
  return missing.flat();
}

async function openArtifact(store: ObjectStore, copies: LocalCopies, digest: string): Promise<OpenArtifact> {
  const manifest = await readManifest(store, digest);
  const fileOf = (name: string): ArtifactFile => {
    const file = Object.hasOwn(manifest.files, name) ? manifest.files[name] : undefined;
    if (file !== undefined) return file;
    throw new PerennialError(
      'OBJECT_NOT_FOUND',
      `The ${manifest.kind} ${digest.slice(0, 12)} has no file "${name}". It has: ${Object.keys(manifest.files).join(', ') || 'none'}.`,
    );
  };
  const bytes = async (name: string): Promise<Uint8Array> => getBlob(store, fileOf(name).digest);
  return {
    ref: { kind: manifest.kind, digest, summary: manifest.summary },
    manifest,
    path: async (name) => copies.path(fileOf(name)),
    bytes,
    json: async <T = Json>(name: string): Promise<T> => JSON.parse(Buffer.from(await bytes(name)).toString('utf8')) as T,
  };
}

/** Local copies by digest. A copy is verified when this process meets it first, and again whenever the file system says it changed. */
class LocalCopies {
  readonly #store: ObjectStore;
  readonly #folder: string;
  readonly #verified = new Map<string, string>();
  readonly #underWay = new Map<string, Promise<string>>();

  constructor(store: ObjectStore, folder: string) {
    this.#store = store;
    this.#folder = folder;
  }

  path(file: ArtifactFile): Promise<string> {
    const running = this.#underWay.get(file.digest);
    if (running !== undefined) return running;
    const started = this.#provide(file).finally(() => this.#underWay.delete(file.digest));
    this.#underWay.set(file.digest, started);
    return started;
  }

  async #provide(file: ArtifactFile): Promise<string> {
    const path = join(this.#folder, file.digest.slice(0, 2), file.digest);
    if (await this.#isIntact(path, file)) return path;
    await copyBlob(this.#store, file.digest, path);
    this.#verified.set(file.digest, (await identityOf(path)) ?? '');
    return path;
  }

  async #isIntact(path: string, file: ArtifactFile): Promise<boolean> {
    const identity = await identityOf(path);
    if (identity === undefined) return false;
    if (this.#verified.get(file.digest) === identity) return true;
    const found = await sha256File(path).catch((error: unknown) => {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw error;
    });
    if (found !== file.digest) return false;
    this.#verified.set(file.digest, identity);
    return true;
  }
}

/** Changes whenever the bytes could have changed: the kernel sets ctime on every write, and nobody else can. */
async function identityOf(path: string): Promise<string | undefined> {
  try {
    const facts = await stat(path, { bigint: true });
    return `${facts.ino}:${facts.ctimeNs}:${facts.size}`;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    return undefined;
  }
}
