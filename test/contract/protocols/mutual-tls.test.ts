import { readFileSync } from 'node:fs';
import { get } from 'node:https';
import { join } from 'node:path';
import { Client, credentials } from '@grpc/grpc-js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { packageRoot } from '../../../src/platform/paths.ts';
import { readTls } from '../../../src/server/tls.ts';
import { FileStore } from '../../../src/storage/file-store.ts';
import { fixtureOver, registerConstant } from '../../integration/serving/models.ts';
import { startServerProcess } from '../../integration/serving/server-process.ts';
import type { ServerProcess } from '../../integration/serving/server-process.ts';
import { Perennial } from '../../support/perennial.ts';
import { tempDir } from '../../support/temp-dir.ts';

const made = (name: string): string => join(packageRoot(), 'test/support/tls', name);
const folder = tempDir('mutual-tls');
const home = tempDir('mutual-tls-home');
const store = `file:${join(folder, 'store')}`;
/** As its clients know the server. */
const NODE_EXTRA_CA_CERTS = made('one.crt');
const SHOWN = { PERENNIAL_TLS_CLIENT_CERT: made('two.crt'), PERENNIAL_TLS_CLIENT_KEY: made('two.key') };
let server: ServerProcess;

beforeAll(async () => {
  const fixture = fixtureOver(new FileStore(join(folder, 'store')), join(folder, 'cache'));
  for (const label of [0, 1]) await registerConstant(fixture, 'm', label);
  await fixture.registry.promote('m', 1, { who: 'test', why: 'test' });
  server = await startServerProcess({
    PERENNIAL_HOME: home,
    PERENNIAL_STORE: store,
    PERENNIAL_TLS_CERT: made('one.crt'),
    PERENNIAL_TLS_KEY: made('one.key'),
    PERENNIAL_TLS_CLIENT_CA: made('two.crt'),
    PERENNIAL_GRPC_PORT: '0',
  });
});
afterAll(() => server?.stop());

function visit(client: string | undefined): Promise<number> {
  const shown = client === undefined ? {} : { cert: readFileSync(made(`${client}.crt`)), key: readFileSync(made(`${client}.key`)) };
  return new Promise((resolve, reject) => {
    get(`${server.url}/v2/models/m`, { ca: readFileSync(made('one.crt')), agent: false, ...shown }, (response) => {
      response.resume().on('end', () => resolve(response.statusCode!));
    }).on('error', reject);
  });
}

function visitGrpc(client: string | undefined): Promise<Buffer> {
  const address = /"grpc":"([^"]+)"/.exec(server.log())?.[1];
  const shown = client === undefined ? [] : ([readFileSync(made(`${client}.key`)), readFileSync(made(`${client}.crt`))] as const);
  return new Promise((resolve, reject) => {
    const own = new Client(address!, credentials.createSsl(readFileSync(made('one.crt')), ...shown));
    const same = (bytes: Buffer): Buffer => bytes;
    own.makeUnaryRequest<Buffer, Buffer>(
      '/inference.GRPCInferenceService/ServerLive',
      same,
      same,
      Buffer.alloc(0),
      { deadline: Date.now() + 120_000 },
      (error, answer) => {
        own.close();
        if (error === null) resolve(answer!);
        else reject(error);
      },
    );
  });
}

describe('a server that asks its clients for a certificate', () => {
  it('answers those whose certificate its authority signed, and nobody else', async () => {
    expect(await visit('two')).toBe(200);
    await expect(visit(undefined)).rejects.toThrow(/certificate required|ECONNRESET|hang up/);
    await expect(visit('one')).rejects.toThrow(/unknown ca|ECONNRESET|certificate|hang up/);
  });

  it('does so over gRPC', async () => {
    expect((await visitGrpc('two')).toString('hex')).toBe('0801');
    await expect(visitGrpc(undefined)).rejects.toThrow(/UNAVAILABLE/);
    await expect(visitGrpc('one')).rejects.toThrow(/UNAVAILABLE/);
  });

  it('is asked by commands that show theirs', async () => {
    const client = new Perennial({ PERENNIAL_STORE: store, NODE_EXTRA_CA_CERTS }, home);
    const predict = ['predict', 'm', '--row', '{"a":1,"b":2}', '--server', server.url];
    const refused = await client.run(predict);
    expect(refused.code).not.toBe(0);
    expect(refused.stderr).toContain('set PERENNIAL_TLS_CLIENT_CERT and PERENNIAL_TLS_CLIENT_KEY');
    const answered = await client.run([...predict, '--json'], { env: SHOWN });
    expect(answered.code).toBe(0);
    expect(answered.stdout).toContain('"one"');
    const half = await client.run(predict, { env: { PERENNIAL_TLS_CLIENT_CERT: made('two.crt') } });
    expect(half.stderr).toContain('PERENNIAL_TLS_CLIENT_CERT is set, and PERENNIAL_TLS_CLIENT_KEY is not.');
    const other = await client.run(predict, {
      env: { PERENNIAL_TLS_CLIENT_CERT: made('two.crt'), PERENNIAL_TLS_CLIENT_KEY: made('one.key') },
    });
    expect(other.stderr).toContain('are no certificate with its key');
  });

  it('confirms a promotion to whoever shows a certificate', async () => {
    const client = new Perennial({ PERENNIAL_STORE: store, NODE_EXTRA_CA_CERTS, ...SHOWN }, home);
    const promoted = await client.run(['models', 'promote', 'm', '2', '--reason', 'test', '--json']);
    expect(promoted.json()).toMatchObject({ confirmation: { confirmed: true } });
  });
});

it('refuses an authority that is none', () => {
  const pair = { certificate: made('one.crt'), key: made('one.key') };
  expect(() => readTls({ ...pair, clientAuthority: '/nowhere' })).toThrow('PERENNIAL_TLS_CLIENT_CA names /nowhere, which cannot be read');
  expect(() => readTls({ ...pair, clientAuthority: made('one.key') })).toThrow(
    'which is no authority for clients: it holds no certificate',
  );
});
