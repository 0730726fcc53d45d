import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { Agent, get } from 'node:https';
import { join } from 'node:path';
import { Client, credentials } from '@grpc/grpc-js';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { FileStore } from '../../../src/storage/file-store.ts';
import { fixtureOver, registerConstant } from '../../integration/serving/models.ts';
import { startServerProcess } from '../../integration/serving/server-process.ts';
import type { ServerProcess } from '../../integration/serving/server-process.ts';
import { tempDir } from '../../support/temp-dir.ts';
import { eventually } from '../../unit/serving/doubles.ts';

const folder = tempDir('client-certificates');
const path = (name: string): string => join(folder, name);
const openssl = (...args: readonly string[]): void => void execFileSync('openssl', args, { cwd: folder, stdio: 'pipe' });

/** An authority with its own certificate. */
function authority(name: string): void {
  openssl('req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '30', '-subj', `/CN=${name}`, '-keyout', `${name}.key`, '-out', `${name}.crt`); // prettier-ignore
}

/** A certificate that an authority signed. @param from, to days from now */
function signed(name: string, by: string, from = -1, to = 10, extra = ''): void {
  const day = (days: number): string => new Date(Date.now() + days * 86_400_000).toISOString().replaceAll(/[-:T]|\.\d+/g, '').slice(0, 14) + 'Z'; // prettier-ignore
  openssl('req', '-new', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-subj', `/CN=${name}`, '-keyout', `${name}.key`, '-out', `${name}.csr`); // prettier-ignore
  mkdirSync(path(`${name}.ca`), { recursive: true });
  writeFileSync(path(`${name}.ca/index.txt`), '');
  writeFileSync(path(`${name}.ca/serial`), `${Math.floor(Math.random() * 1e9).toString(16).padStart(10, '0')}\n`); // prettier-ignore
  writeFileSync(
    path(`${name}.cnf`),
    `[ca]\ndefault_ca=d\n[d]\ndatabase=${name}.ca/index.txt\nnew_certs_dir=${name}.ca\nserial=${name}.ca/serial\ndefault_md=sha256\npolicy=p\nx509_extensions=e\n[p]\ncommonName=supplied\n[e]\nbasicConstraints=CA:FALSE\n${extra}\n`,
  );
  openssl('ca', '-batch', '-config', `${name}.cnf`, '-cert', `${by}.crt`, '-keyfile', `${by}.key`, '-startdate', day(from), '-enddate', day(to), '-in', `${name}.csr`, '-out', `${name}.crt`, '-notext'); // prettier-ignore
}

/** A file is replaced as a whole, as those do it who renew certificates. */
function replace(target: string, source: string): void {
  copyFileSync(path(source), path(`${target}.new`));
  renameSync(path(`${target}.new`), path(target));
}

let server: ServerProcess;

beforeAll(async () => {
  for (const name of ['root', 'clients', 'foreign', 'later']) authority(name);
  const here = 'subjectAltName=IP:127.0.0.1';
  signed('server', 'root', -1, 10, here);
  signed('renewed', 'root', -1, 10, here);
  signed('good', 'clients');
  signed('expired', 'clients', -10, -1);
  signed('early', 'clients', 1, 10);
  signed('stranger', 'foreign');
  signed('next', 'later');
  for (const end of ['crt', 'key']) copyFileSync(path(`server.${end}`), path(`used.${end}`));
  copyFileSync(path('clients.crt'), path('used-clients.crt'));
  const fixture = fixtureOver(new FileStore(path('store')), path('cache'));
  await fixture.registry.promote('m', await registerConstant(fixture, 'm', 0), { who: 'test', why: 'test' });
  server = await startServerProcess({
    PERENNIAL_HOME: path('home'),
    PERENNIAL_STORE: `file:${path('store')}`,
    PERENNIAL_TLS_CERT: path('used.crt'),
    PERENNIAL_TLS_KEY: path('used.key'),
    PERENNIAL_TLS_CLIENT_CA: path('used-clients.crt'),
    PERENNIAL_GRPC_PORT: '0',
  });
});
afterAll(() => server?.stop());

interface Visit {
  readonly status: number;
  /** Of the certificate of the server. */
  readonly serial: string;
}

function visit(client: string | undefined, agent: Agent | false = false): Promise<Visit> {
  const shown = client === undefined ? {} : { cert: readFileSync(path(`${client}.crt`)), key: readFileSync(path(`${client}.key`)) };
  return new Promise((resolve, reject) => {
    get(`${server.url}/v2/models/m`, { ca: readFileSync(path('root.crt')), agent, ...shown }, (response) => {
      const { serialNumber } = (response.socket as import('node:tls').TLSSocket).getPeerCertificate();
      response.resume().on('end', () => resolve({ status: response.statusCode!, serial: serialNumber }));
    }).on('error', reject);
  });
}

function visitGrpc(client: string): Promise<void> {
  const address = /"grpc":"([^"]+)"/.exec(server.log())![1]!;
  const own = new Client(address, credentials.createSsl(...(['root.crt', `${client}.key`, `${client}.crt`].map((name) => readFileSync(path(name))) as [Buffer, Buffer, Buffer]))); // prettier-ignore
  const same = (bytes: Buffer): Buffer => bytes;
  return new Promise((resolve, reject) => {
    own.makeUnaryRequest(
      '/inference.GRPCInferenceService/ServerLive',
      same,
      same,
      Buffer.alloc(0),
      { deadline: Date.now() + 20_000 },
      (error) => {
        // prettier-ignore
        own.close();
        if (error === null) resolve();
        else reject(error);
      },
    );
  });
}

const REFUSED = /certificate|unknown ca|ECONNRESET|EPIPE|hang up|alert/i;

describe('clients that have to show a certificate', () => {
  it.each(['expired', 'early', 'stranger', 'next', undefined])('are refused with one that is %s, over HTTP and gRPC', async (client) => {
    expect((await visit('good')).status).toBe(200);
    await expect(visit(client)).rejects.toThrow(REFUSED);
    if (client !== undefined) await expect(visitGrpc(client)).rejects.toThrow(/UNAVAILABLE/);
    await visitGrpc('good');
  });

  it('a certificate is renewed amid requests: none fails, open connections go on, and new ones see it', async () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const before = (await visit('good', agent)).serial;
    let ended = false;
    const seen = new Set<string>();
    let answers = 0;
    const load = Array.from({ length: 4 }, async () => {
      while (!ended) {
        const { status, serial } = await visit('good');
        expect(status).toBe(200);
        seen.add(serial);
        answers += 1;
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
    });
    for (const one of load) one.catch(() => {}); // seen by whoever awaits them
    onTestFinished(() => {
      ended = true;
    });
    // Amid the change the two files belong to different certificates: the one before stays until both are there.
    replace('used.crt', 'renewed.crt');
    await eventually(() => server.log().includes('the renewed certificate cannot be used'));
    replace('used.key', 'renewed.key');
    await eventually(() => server.log().includes('certificate renewed'));
    await eventually(() => seen.size === 2);
    expect((await visit('good', agent)).serial).toBe(before);
    ended = true;
    await Promise.all(load);
    expect(answers).toBeGreaterThan(4);
    expect((await visit('good')).serial).not.toBe(before);
    agent.destroy();
  });

  it('another authority takes over: who was let in by the one before is refused from then on, over gRPC, too', async () => {
    // One that remembers its session, and could go on with it without a certificate.
    const remembering = new Agent();
    for (let visits = 0; visits < 2; visits += 1) expect((await visit('good', remembering)).status).toBe(200);
    replace('used-clients.crt', 'later.crt');
    await eventually(async () => (await visit('next').catch(() => undefined))?.status === 200);
    await expect(visit('good')).rejects.toThrow(REFUSED);
    await expect(visit('good', remembering)).rejects.toThrow(REFUSED);
    await eventually(() => visitGrpc('next').then(() => true, () => false)); // prettier-ignore
    await expect(visitGrpc('good')).rejects.toThrow(/UNAVAILABLE/);
    // Both, while clients move from the one to the other.
    writeFileSync(path('both.crt'), Buffer.concat(['clients.crt', 'later.crt'].map((name) => readFileSync(path(name)))));
    replace('used-clients.crt', 'both.crt');
    await eventually(async () => (await visit('good').catch(() => undefined))?.status === 200);
    expect((await visit('next')).status).toBe(200);
    await expect(visit('stranger')).rejects.toThrow(REFUSED);
  });
});
