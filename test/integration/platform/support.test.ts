import { expect, test } from 'vitest';
import { askTemporal } from '../../../src/platform/temporal-server.ts';
import { isRunning } from '../../../src/platform/process-info.ts';
import { startMinio } from '../../support/minio.ts';
import { startTemporal } from '../../support/temporal.ts';
import { start } from '../../support/processes.ts';

test('a real MinIO honours conditional writes, and ends when told', async () => {
  const minio = await startMinio();
  const { Client } = await import('minio');
  const client = new Client({
    endPoint: minio.host,
    port: minio.port,
    useSSL: false,
    accessKey: minio.accessKey,
    secretKey: minio.secretKey,
  });
  await client.makeBucket('bucket');
  const attempts = await Promise.allSettled(
    Array.from({ length: 16 }, (_, index) => client.putObject('bucket', 'key', `${index}`, undefined, { 'If-None-Match': '*' })),
  );
  expect(attempts.filter((attempt) => attempt.status === 'fulfilled')).toHaveLength(1);
  await minio.stop();
  await expect(fetch(minio.endpoint)).rejects.toThrow();
});

test('a real Temporal server answers with every search attribute', async () => {
  const temporal = await startTemporal();
  expect(await askTemporal(temporal.address)).toMatchObject({ missingAttributes: [] });
  expect((await fetch(temporal.uiUrl)).status).toBe(200);
  await temporal.stop();
  expect(await askTemporal(temporal.address, 'default', 300)).toBeUndefined();
});

test('a started process is identified and ended by its own id', async () => {
  const one = start(process.execPath, ['-e', 'console.log("up"); setInterval(() => {}, 1000)']);
  await one.waitFor(/up/);
  expect(isRunning(one.identity)).toBe(true);
  expect(isRunning({ ...one.identity, startTicks: one.identity.startTicks + 1 })).toBe(false);
  await one.stop();
  expect(isRunning(one.identity)).toBe(false);
});
