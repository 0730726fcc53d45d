import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { get } from 'node:https';
import { join } from 'node:path';
import type { TLSSocket } from 'node:tls';
import { Client, credentials } from '@grpc/grpc-js';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ownerGuard } from '../../../src/access/guard.ts';
import { packageRoot } from '../../../src/platform/paths.ts';
import { startGrpc } from '../../../src/server/grpc/start-grpc.ts';
import type { RunningGrpc } from '../../../src/server/grpc/start-grpc.ts';
import { followTls, readTls } from '../../../src/server/tls.ts';
import { tempDir } from '../../support/temp-dir.ts';
import { FakeSource, recordingLog } from '../../unit/serving/doubles.ts';
import { startTestApp } from '../../unit/serving/test-app.ts';
import type { TestApp } from '../../unit/serving/test-app.ts';

const made = (name: string): string => join(packageRoot(), 'test/support/tls', name);
const folder = tempDir('tls');
const files = { certificate: join(folder, 'server.crt'), key: join(folder, 'server.key') };
const use = (name: string): void => {
  copyFileSync(made(`${name}.key`), files.key);
  copyFileSync(made(`${name}.crt`), files.certificate);
};
const log = recordingLog();
let app: TestApp;
let grpc: RunningGrpc;
let unfollow: () => void;

beforeAll(async () => {
  use('one');
  const source = new FakeSource();
  source.route('penguins', { champion: 3 });
  app = await startTestApp(source, { tls: readTls(files) });
  unfollow = followTls(app.app.server as unknown as Parameters<typeof followTls>[0], files, log, 20);
  grpc = await startGrpc({
    service: app.service,
    metrics: app.metrics,
    log,
    packageVersion: '9.9.9',
    host: '127.0.0.1',
    port: 0,
    guard: ownerGuard(undefined),
    tls: files,
  });
});
afterAll(async () => {
  unfollow();
  await grpc.stop();
  await app.close();
});

/** A new connection. @returns status, and who the server says it is */
function visit(trusted: string): Promise<{ readonly status: number; readonly name: string }> {
  return new Promise((resolve, reject) => {
    get(`${app.url}/v2/models/penguins`, { ca: readFileSync(made(`${trusted}.crt`)), agent: false }, (response) => {
      const name = String((response.socket as TLSSocket).getPeerCertificate().subject.CN);
      response.resume().on('end', () => resolve({ status: response.statusCode!, name }));
    }).on('error', reject);
  });
}

it('speaks HTTPS, and nothing to those who do not trust it', async () => {
  expect(app.url).toMatch(/^https:/);
  expect(await visit('one')).toEqual({ status: 200, name: 'one.test' });
  await expect(visit('two')).rejects.toThrow(/self.signed/);
});

it('speaks gRPC over TLS', async () => {
  const ask = (trusted: string): Promise<Buffer> =>
    new Promise((resolve, reject) => {
      const client = new Client(grpc.address, credentials.createSsl(readFileSync(made(`${trusted}.crt`))));
      const same = (bytes: Buffer): Buffer => bytes;
      client.makeUnaryRequest<Buffer, Buffer>(
        '/inference.GRPCInferenceService/ServerLive',
        same,
        same,
        Buffer.alloc(0),
        { deadline: Date.now() + 120_000 },
        (error, answer) => {
          client.close();
          if (error === null) resolve(answer!);
          else reject(error);
        },
      );
    });
  expect((await ask('one')).toString('hex')).toBe('0801');
  await expect(ask('two')).rejects.toThrow(/UNAVAILABLE/);
});

it('takes over a renewed certificate, and stays with the one it has where the new one is none', async () => {
  use('two');
  for (const deadline = Date.now() + 120_000; ; await new Promise((resolve) => setTimeout(resolve, 20))) {
    const name = await visit('two').then(
      (found) => found.name,
      () => undefined,
    );
    if (name === 'two.test') break;
    if (Date.now() > deadline) throw new Error('not within 20 s');
  }
  writeFileSync(files.certificate, 'not a certificate');
  for (const deadline = Date.now() + 120_000; !log.lines.some((line) => line.includes('cannot be used; the one before stays'));) {
    if (Date.now() > deadline) throw new Error('not within 20 s');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  expect(await visit('two')).toEqual({ status: 200, name: 'two.test' });
});

it('refuses files that are not there or do not belong together', () => {
  expect(() => readTls({ certificate: made('one.crt'), key: made('two.key') })).toThrow(/are no certificate with its key/);
  expect(() => readTls({ certificate: '/nowhere', key: made('two.key') })).toThrow(
    'PERENNIAL_TLS_CERT names /nowhere, which cannot be read',
  );
});
