import type { ArtifactKind, ArtifactManifest, ArtifactRef } from './artifact.ts';
import type { Json } from './json.ts';

export interface ObjectHead {
  readonly key: string;
  readonly size: number;
  /** Opaque; equal exactly when the content's write is the same write. Quotes are stripped. */
  readonly etag: string;
  /** When the bytes were last written, by the clock of the store, in milliseconds since 1970. */
  readonly modifiedAt: number;
}

export interface PutOptions {
  /** Create only: fails with PRECONDITION_FAILED where the key exists. */
  readonly ifNoneMatch?: '*';
  /** Replace only this version: fails with PRECONDITION_FAILED where the key is absent or has another etag. */
  readonly ifMatch?: string;
  readonly contentType?: string;
  /** Of a local file: nobody writes to it or asks for it any more, so that the store may take it over instead of copying it. */
  readonly given?: boolean;
}

/** A local file whose bytes are to be stored. */
export interface LocalFile {
  readonly path: string;
  /** SHA-256 in hexadecimal, where whoever wrote the file took it on the way: it is not read once more then. */
  readonly digest?: string;
  /** @see PutOptions.given */
  readonly given?: boolean;
}

/**
 * A flat store of objects under keys with forward slashes. A put is atomic: readers see the old bytes or the new bytes. Of
 * concurrent conditional puts exactly one wins. Keys are checked: no empty, "." or ".." segments, no back slashes, no control
 * characters, at most 900 bytes.
 *
 * @throws OBJECT_NOT_FOUND, PRECONDITION_FAILED, STORE_UNAVAILABLE, STORE_FULL
 */
export interface ObjectStore {
  /** For messages: "file:/…" or "s3://bucket/prefix". */
  readonly location: string;
  get(key: string): Promise<{ readonly body: Uint8Array; readonly etag: string }>;
  getStream(key: string): Promise<AsyncIterable<Uint8Array>>;
  /** undefined where the key is absent. */
  head(key: string): Promise<ObjectHead | undefined>;
  put(key: string, body: Uint8Array, options?: PutOptions): Promise<{ readonly etag: string }>;
  /** Streams a local file; memory stays bounded. */
  putFile(key: string, path: string, options?: PutOptions): Promise<{ readonly etag: string }>;
  /** All keys that start with `prefix`, in order, read page by page. */
  list(prefix: string): AsyncIterable<ObjectHead>;
  /** No error where the key is absent. */
  delete(key: string): Promise<void>;
}

export interface OpenArtifact {
  readonly ref: ArtifactRef;
  readonly manifest: ArtifactManifest;
  /** A local, read-only, verified copy of a file of the artifact. Copies are cached by digest. @throws BLOB_CORRUPT */
  path(file: string): Promise<string>;
  bytes(file: string): Promise<Uint8Array>;
  json<T = Json>(file: string): Promise<T>;
}

export interface ArtifactStore {
  /** Blobs first, the manifest last. A file is bytes or a local path. Writing the same content twice is harmless. */
  write(artifact: {
    readonly kind: ArtifactKind;
    readonly summary: string;
    readonly files: Readonly<Record<string, Uint8Array | LocalFile>>;
    readonly meta: Json;
  }): Promise<ArtifactRef>;
  open(ref: Pick<ArtifactRef, 'digest'>): Promise<OpenArtifact>;
}
