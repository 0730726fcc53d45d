import { existsSync } from 'node:fs';
import { mkdtemp, readFile, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { ObjectStore, PutOptions } from '../../../src/core/ports.ts';
import { MemoryStore } from '../../../src/storage/memory-store.ts';
import { openStore, parseStoreUri } from '../../../src/storage/open-store.ts';
import { probeOnce, probeStore } from '../../../src/storage/probe.ts';

const AWS = { AWS_ACCESS_KEY_ID: 'id', AWS_SECRET_ACCESS_KEY: 'secret' };
let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'perennial-open-'));
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true, force: true });
});

describe('the location of a store', () => {
  it('is a folder, or a bucket with a prefix', () => {
    expect(parseStoreUri('file:/a/b', {})).toEqual({ kind: 'file', folder: '/a/b' });
    expect(parseStoreUri('file:///a/b%20c', {})).toEqual({ kind: 'file', folder: '/a/b c' });
    expect(parseStoreUri('s3://bucket', AWS)).toEqual({
      kind: 's3',
      bucket: 'bucket',
      prefix: '',
      region: 'us-east-1',
      accessKey: 'id',
      secretKey: 'secret',
    });
    expect(
      parseStoreUri('s3://my.bucket/team/a/', { ...AWS, S3_ENDPOINT: 'http://h:9000', AWS_REGION: 'eu-central-1', AWS_SESSION_TOKEN: 't' }),
    ).toEqual({
      kind: 's3',
      bucket: 'my.bucket',
      prefix: 'team/a',
      region: 'eu-central-1',
      accessKey: 'id',
      secretKey: 'secret',
      sessionToken: 't',
      endpoint: 'http://h:9000',
    });
  });

  it.each(['', 'file:', '/a/b', 's3://', 's3://UPPER/x', 'gs://b', 'http://h'])('refuses %j and says what is expected', (uri) => {
    expect(() => parseStoreUri(uri, AWS)).toThrow(
      expect.objectContaining({ code: 'USAGE', message: expect.stringContaining('s3://BUCKET/PREFIX') }),
    );
  });

  it('names what is missing or wrong', () => {
    expect(() => parseStoreUri('s3://bucket', {})).toThrow(
      expect.objectContaining({ code: 'SECRET_MISSING', message: expect.stringContaining('AWS_ACCESS_KEY_ID') }),
    );
    expect(() => parseStoreUri('s3://bucket', { ...AWS, S3_ENDPOINT: 'localhost:9000' })).toThrow(
      expect.objectContaining({ code: 'USAGE', message: expect.stringContaining('S3_ENDPOINT') }),
    );
    expect(() => parseStoreUri('s3://bucket/a/../b', AWS)).toThrow(expect.objectContaining({ code: 'NAME_INVALID' }));
  });
});

/** A store that takes some conditions for nothing, as some imitations of S3 do. */
function ignoring(option: keyof PutOptions, only?: 'absent'): ObjectStore {
  const inner = new MemoryStore();
  const put = async (key: string, body: Uint8Array, options: PutOptions = {}) => {
    const ignored = only === undefined || (await inner.head(key)) === undefined;
    return inner.put(key, body, ignored ? { ...options, [option]: undefined } : options);
  };
  return new Proxy(inner, { get: (target, name) => (name === 'put' ? put : bind(target, name)) });
}

function bind(target: MemoryStore, name: string | symbol): unknown {
  const value: unknown = Reflect.get(target, name);
  return typeof value === 'function' ? value.bind(target) : value;
}

describe('the probe', () => {
  it.each([
    ['If-None-Match', ignoring('ifNoneMatch')],
    ['If-Match', ignoring('ifMatch')],
    ['If-Match on an absent object', ignoring('ifMatch', 'absent')],
  ])('refuses a store that ignores %s', async (what, store) => {
    await expect(probeStore(store)).rejects.toMatchObject({
      code: 'STORE_UNSUITABLE',
      message: expect.stringContaining(`ignores ${what}`),
    });
  });

  it('remembers a success, and not for another store', async () => {
    const store = new MemoryStore();
    expect(await probeOnce(store, 'a', folder)).toBe('probed');
    expect(await probeOnce(ignoring('ifMatch'), 'a', folder)).toBe('remembered');
    await expect(probeOnce(ignoring('ifMatch'), 'b', folder)).rejects.toMatchObject({ code: 'STORE_UNSUITABLE' });
    for (const name of await readdir(folder)) await writeFile(join(folder, name), (await readFile(join(folder, name), 'utf8')).slice(0, 9));
    expect(await probeOnce(store, 'a', folder)).toBe('probed');
  });
});

it('opens a file store that is ready to use', async () => {
  vi.stubEnv('PERENNIAL_HOME', join(folder, 'home'));
  const store = await openStore(`file:${join(folder, 'store')}`);
  await store.put('k', Buffer.from('v'));
  expect(Buffer.from((await (await openStore(`file:${join(folder, 'store')}`)).get('k')).body).toString()).toBe('v');
});

it('begins no second store where the folder goes away before the first call', async () => {
  vi.stubEnv('PERENNIAL_HOME', join(folder, 'home'));
  const place = join(folder, 'store');
  await (await openStore(`file:${place}`)).put('k', Buffer.from('v'));
  const remembered = await openStore(`file:${place}`);
  await rename(place, `${place}.away`);
  await expect(remembered.put('k2', Buffer.from('v'))).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
  expect(existsSync(place)).toBe(false);
});

it('says that a store cannot be reached', async () => {
  vi.stubEnv('PERENNIAL_HOME', join(folder, 'home'));
  for (const [name, value] of Object.entries({ ...AWS, S3_ENDPOINT: 'http://127.0.0.1:9' })) vi.stubEnv(name, value);
  await expect(openStore('s3://bucket')).rejects.toMatchObject({
    code: 'STORE_UNAVAILABLE',
    message: expect.stringContaining('ECONNREFUSED'),
  });
});

it('does not open a folder that cannot be one', async () => {
  vi.stubEnv('PERENNIAL_HOME', join(folder, 'home'));
  await writeFile(join(folder, 'file'), '');
  await expect(openStore(`file:${join(folder, 'file')}`)).rejects.toMatchObject({
    code: expect.stringMatching(/NAME_INVALID|STORE_UNAVAILABLE/),
  });
});
