import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest';
import { openStore } from '../../../src/storage/open-store.ts';
import { S3Store } from '../../../src/storage/s3-store.ts';
import { openMinio, minioServer, minioStoreUri } from '../../contract/store/minio-store.ts';
import { startMinio } from '../../support/minio.ts';

let home: string;
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'perennial-minio-'));
});
afterAll(() => rm(home, { recursive: true, force: true }));
afterEach(() => vi.unstubAllEnvs());

async function environment(changes: Record<string, string> = {}): Promise<void> {
  for (const [name, value] of Object.entries({ ...(await minioStoreUri('opened')), PERENNIAL_HOME: home, ...changes }))
    vi.stubEnv(name, value);
}

it('opens with the usual variables', async () => {
  await environment();
  const store = await openStore();
  await store.put('k', Buffer.from('v'), { ifNoneMatch: '*' });
  await expect(store.put('k', Buffer.from('w'), { ifNoneMatch: '*' })).rejects.toMatchObject({ code: 'PRECONDITION_FAILED' });
});

it('names a missing bucket and says how to make it', async () => {
  await environment({ PERENNIAL_STORE: 's3://no-such-bucket/x' });
  await expect(openStore()).rejects.toMatchObject({
    code: 'STORE_UNSUITABLE',
    message: expect.stringContaining('"no-such-bucket" does not exist'),
    hint: expect.stringContaining('mc mb'),
  });
});

it.each([
  [{ AWS_SECRET_ACCESS_KEY: 'wrong-secret' }, 'AWS_SECRET_ACCESS_KEY'],
  [{ AWS_ACCESS_KEY_ID: 'nobody' }, 'AWS_ACCESS_KEY_ID'],
])('names wrong credentials %j', async (wrong, named) => {
  await environment({ ...(wrong as Record<string, string>), PERENNIAL_STORE: `s3://perennial-tests/${named}` });
  await expect(openStore()).rejects.toMatchObject({ code: 'STORE_UNSUITABLE', retryable: false, hint: expect.stringContaining(named) });
});

it('keeps prefixes apart', async () => {
  const [one, other] = [(await openMinio()).store, (await openMinio()).store];
  await one.put('k', Buffer.from('1'));
  expect(await other.head('k')).toBeUndefined();
  for await (const head of other.list('')) expect(head).toBeUndefined();
});

it('says that a server is gone', async () => {
  const running = await minioServer();
  const folder = await mkdtemp(join(home, 'data-'));
  const server = await startMinio({ folder });
  const bucket = new S3Store({
    bucket: 'bbb',
    prefix: '',
    endpoint: server.endpoint,
    region: 'us-east-1',
    accessKey: running.accessKey,
    secretKey: running.secretKey,
  });
  try {
    // A busy machine's server says that it is ready a moment before it knows its buckets.
    await vi.waitFor(() => expect(bucket.get('k')).rejects.toMatchObject({ code: 'STORE_UNSUITABLE' }), {
      timeout: 300_000,
      interval: 200,
    });
  } finally {
    await server.stop();
  }
  await expect(bucket.get('k')).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE', retryable: true });
  await expect(bucket.put('k', Buffer.from('x'))).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
  await expect(bucket.list('').next()).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
});
