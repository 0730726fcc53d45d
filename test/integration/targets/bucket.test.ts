import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest';
import { S3Store } from '../../../src/storage/s3-store.ts';
import { followTargets } from '../../../src/targets/follow.ts';
import { prepareTargets } from '../../../src/targets/prepare.ts';
import type { TargetSetting } from '../../../src/core/targets.ts';
import { createArtifactStore } from '../../../src/storage/artifact-store.ts';
import { MemoryStore } from '../../../src/storage/memory-store.ts';
import { loadTf } from '../../../src/training/tensorflow/tf.ts';
import { GraphSession } from '../../../src/training/graph/session.ts';
import { startMinio } from '../../support/minio.ts';
import type { MinioServer } from '../../support/minio.ts';
import { tempDir } from '../../support/temp-dir.ts';
import { fixtureOver, registerConstant } from '../serving/models.ts';

let minio: MinioServer;
beforeAll(async () => {
  minio = await startMinio();
  const { Client } = await import('minio');
  const { host, port, accessKey, secretKey } = minio;
  await new Client({ endPoint: host, port, useSSL: false, accessKey, secretKey }).makeBucket('live');
});
afterAll(() => minio?.stop());
afterEach(() => vi.unstubAllEnvs());

function workshop() {
  for (const [name, value] of Object.entries(minio.env)) vi.stubEnv(name, value);
  const store = new MemoryStore();
  const artifacts = createArtifactStore(store, tempDir('blobs'));
  return { fixture: fixtureOver(store, tempDir('blobs')), tools: { store, artifacts, progress: () => undefined } };
}

const settingOf = (path: string, policy = 'latest'): TargetSetting => ({ name: 'tensorflow-serving', config: { path, keep: 3, policy } });
const author = { who: 'ada', why: 'test' };

it('lets a poller of the bucket see whole versions alone, over 20 promotions and a rollback', async () => {
  const { fixture, tools } = workshop();
  const { endpoint, accessKey, secretKey } = minio;
  const bucket = new S3Store({ bucket: 'live', prefix: 'team', endpoint, region: 'us-east-1', accessKey, secretKey });
  const tf = loadTf();
  let over = false;
  const halves: string[] = [];
  const loaded = new Set<string>();
  const poller = (async () => {
    while (!over) {
      const seen = new Map<string, string[]>();
      for await (const { key } of bucket.list('numbers/')) {
        const [, number, ...rest] = key.split('/');
        if (/^\d+$/.test(number!)) seen.set(number!, [...(seen.get(number!) ?? []), rest.join('/')]);
      }
      for (const [number, files] of seen) {
        if (!files.includes('saved_model.pb')) halves.push(`${number}: ${files.join(', ')}`);
        else if (!loaded.has(number)) {
          const found = await bucket.get(`numbers/${number}/saved_model.pb`).catch(() => undefined);
          if (found === undefined) continue;
          new GraphSession(tf, Buffer.from(found.body)).dispose();
          loaded.add(number);
        }
      }
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  })();
  poller.catch(() => {}); // seen by whoever awaits it
  const targets = [settingOf('s3://live/team')];
  for (let version = 1; version <= 20; version += 1) {
    await registerConstant(fixture, 'numbers', version % 3, 20 + version);
    await fixture.registry.promote('numbers', version, { ...author, targets });
    expect(await followTargets(tools, 'numbers')).toMatchObject({ targets: [{ inStep: true, version }] });
  }
  await fixture.registry.rollback('numbers', { ...author, to: 18 });
  await followTargets(tools, 'numbers');
  over = true;
  await poller;
  expect(halves).toEqual([]);
  expect(loaded.size).toBeGreaterThan(3);
  const left = new Set<string>();
  for await (const { key } of bucket.list('numbers/')) left.add(key.split('/')[1]!);
  expect([...left].filter((name) => /^\d+$/.test(name)).sort()).toEqual(['18']);
});

it('names a bucket that is not there before anything is promoted, and a key that may not', async () => {
  const { fixture, tools } = workshop();
  await registerConstant(fixture, 'lost', 0);
  const version = await fixture.registry.version('lost', 1);
  await expect(prepareTargets(tools, version, [settingOf('s3://no-such-bucket/x')])).rejects.toMatchObject({
    code: 'STORE_UNSUITABLE',
    message: expect.stringContaining('"no-such-bucket" does not exist'),
    hint: expect.stringContaining('does not create buckets'),
  });
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', '');
  await expect(prepareTargets(tools, version, [settingOf('s3://live/x')])).rejects.toMatchObject({
    code: 'SECRET_MISSING',
    message: expect.stringMatching(/"path" of the target is an S3 store, but AWS_SECRET_ACCESS_KEY is not set/),
  });
});

it('writes the list of versions with addresses in the bucket, and takes it back', async () => {
  const { fixture, tools } = workshop();
  await registerConstant(fixture, 'listed', 0);
  await fixture.registry.promote('listed', 1, { ...author, targets: [settingOf('s3://live/lists', 'specific')] });
  await followTargets(tools, 'listed');
  const { endpoint, accessKey, secretKey } = minio;
  const bucket = new S3Store({ bucket: 'live', prefix: 'lists', endpoint, region: 'us-east-1', accessKey, secretKey });
  const list = async (): Promise<string> => Buffer.from((await bucket.get('models.config')).body).toString();
  expect(await list()).toContain('base_path: "s3://live/lists/listed"');
  await fixture.registry.promote('listed', 1, { ...author, targets: [settingOf('s3://live/lists')] });
  await followTargets(tools, 'listed');
  expect(await list()).not.toContain('listed');
});
