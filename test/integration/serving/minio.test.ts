import { join } from 'node:path';
import { Client } from 'minio';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { confirmServed } from '../../../src/registry/confirm.ts';
import { openStore } from '../../../src/storage/open-store.ts';
import type { MinioServer } from '../../support/minio.ts';
import { startMinio } from '../../support/minio.ts';
import { tempDir } from '../../support/temp-dir.ts';
import { eventually } from '../../unit/serving/doubles.ts';
import type { Fixture } from './models.ts';
import { LABELS, fixtureOver, registerConstant } from './models.ts';
import type { ServerProcess } from './server-process.ts';
import { startServerProcess } from './server-process.ts';

const author = { who: 'test', why: 'test' };
const home = tempDir('serving-minio');
let minio: MinioServer;
let fixture: Fixture;
let server: ServerProcess;

beforeAll(async () => {
  minio = await startMinio();
  await new Client({
    endPoint: minio.host,
    port: minio.port,
    useSSL: false,
    accessKey: minio.accessKey,
    secretKey: minio.secretKey,
  }).makeBucket('models');
  Object.assign(process.env, minio.env, { PERENNIAL_HOME: home });
  fixture = fixtureOver(await openStore('s3://models/team'), join(home, 'registry-cache'));
  await registerConstant(fixture, 'm', 0);
  await registerConstant(fixture, 'm', 1);
  await fixture.registry.promote('m', 1, author);
  server = await startServerProcess({ ...minio.env, PERENNIAL_HOME: home, PERENNIAL_STORE: 's3://models/team' });
});
afterAll(async () => {
  minio?.resume();
  await server?.stop();
  await minio?.stop();
});

async function predict(): Promise<number> {
  const response = await fetch(`${server.url}/models/m/predict`, { method: 'POST', body: '{"a":1,"b":2}' });
  const body = (await response.json()) as { version: number; predictions: { label: string }[] };
  expect([response.status, body.predictions[0]!.label]).toEqual([200, LABELS[body.version - 1]]);
  return body.version;
}

describe('the model server over MinIO', () => {
  it('has a promotion and a rollback live within a second', async () => {
    await fixture.registry.promote('m', 2, author);
    const promoted = await confirmServed(fixture.store, 'm', 2, { timeoutMs: 120_000 });
    expect([promoted.confirmed, promoted.servers[0]!.milliseconds < 1_000]).toEqual([true, true]);
    expect(await predict()).toBe(2);
    await fixture.registry.rollback('m', author);
    const back = await confirmServed(fixture.store, 'm', 1, { timeoutMs: 120_000 });
    expect(back.confirmed).toBe(true);
  });

  it('serves on while the store is there and does not answer', async () => {
    minio.pause();
    // The store answers nothing until it is resumed: what waited for it would never come.
    for (let turn = 0; turn < 50; turn += 1) {
      expect(await predict()).toBe(1);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    expect((await fetch(`${server.url}/v2/models/m`)).status).toBe(200);
    minio.resume();
    await fixture.registry.promote('m', 2, { ...author, unpin: true });
    await eventually(async () => (await predict()) === 2);
  });

  it('ends while the store does not answer', async () => {
    await predict();
    minio.pause();
    expect(await server.stop()).toBe(0);
    expect(server.log()).toContain('could not be logged before the end');
  });
});
