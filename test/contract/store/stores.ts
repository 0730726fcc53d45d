import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ObjectStore } from '../../../src/core/ports.ts';
import { FileStore } from '../../../src/storage/file-store.ts';
import { MemoryStore } from '../../../src/storage/memory-store.ts';
import { minioStoreUri, openMinio } from './minio-store.ts';

export interface StoreUnderTest {
  readonly store: ObjectStore;
  /** For other processes; absent where the store lives in this one. */
  readonly environment?: Readonly<Record<string, string>>;
  close(): Promise<void>;
}

export interface StoreKind {
  readonly name: string;
  /** An empty store of its own. */
  open(): Promise<StoreUnderTest>;
}

async function openFile(): Promise<StoreUnderTest> {
  const folder = await mkdtemp(join(tmpdir(), 'perennial-store-'));
  return {
    store: new FileStore(folder),
    environment: { PERENNIAL_STORE: `file:${folder}` },
    close: () => rm(folder, { recursive: true, force: true }),
  };
}

async function openMinioStore(): Promise<StoreUnderTest> {
  const { store, prefix } = await openMinio();
  return { store, environment: await minioStoreUri(prefix), close: async () => undefined };
}

/**
 * Every store that the product offers. MinIO is a real server, shared by the tests of a file, with a prefix for each store; mutation
 * tests, which run everything anew for each change, go without it.
 */
export const STORE_KINDS: readonly StoreKind[] = [
  { name: 'memory', open: async () => ({ store: new MemoryStore(), close: async () => undefined }) },
  { name: 'file', open: openFile },
  ...(process.env['PERENNIAL_TEST_SERVERS'] === 'off' ? [] : [{ name: 'minio', open: openMinioStore }]),
];
