import { join } from 'node:path';
import { networkInterfaces } from 'node:os';
import { Client, credentials } from '@grpc/grpc-js';
import { describe, expect, it } from 'vitest';
import { FileStore } from '../../../src/storage/file-store.ts';
import { clockAhead } from '../../support/clock.ts';
import { Perennial } from '../../support/perennial.ts';
import { tempDir } from '../../support/temp-dir.ts';
import { eventually } from '../../unit/serving/doubles.ts';
import { fixtureOver, registerConstant } from './models.ts';
import { startServerProcess } from './server-process.ts';

const hasIpv6 = Object.values(networkInterfaces()).some((list) => list?.some(({ address }) => address === '::1') === true);

async function stage(versions: number) {
  const folder = tempDir('addresses');
  const store = `file:${join(folder, 'store')}`;
  const fixture = fixtureOver(new FileStore(join(folder, 'store')), join(folder, 'cache'));
  for (let label = 0; label < versions; label += 1) await registerConstant(fixture, 'm', label % 3, 20 + label);
  await fixture.registry.promote('m', 1, { who: 'test', why: 'test' });
  return { store, fixture, cli: new Perennial({ PERENNIAL_STORE: store }) };
}

const isLive = (address: string): Promise<boolean> => {
  const client = new Client(address, credentials.createInsecure());
  const same = (bytes: Buffer): Buffer => bytes;
  return new Promise((resolve, reject) => {
    client.makeUnaryRequest(
      '/inference.GRPCInferenceService/ServerLive',
      same,
      same,
      Buffer.alloc(0),
      { deadline: Date.now() + 20_000 },
      (error, answer) => {
        // prettier-ignore
        client.close();
        if (error === null) resolve(answer!.toString('hex') === '0801');
        else reject(error);
      },
    );
  });
};

describe.skipIf(!hasIpv6)('a server on the loopback address of IPv6 (needs ::1)', () => {
  it.each(['::1', '[::1]'])(
    'is printed, found and asked as %s',
    async (host) => {
      const { cli } = await stage(2);
      const serving = cli.start(['serve', '--port', '0', '--grpc-port', '0', '--host', host]);
      try {
        const [, url, grpc] = await serving.waitFor(/Serving on (\S+), gRPC on (\S+)/);
        expect(url).toMatch(/^http:\/\/\[::1\]:\d+$/);
        expect(grpc).toMatch(/^\[::1\]:\d+$/);
        expect(await isLive(grpc!)).toBe(true);
        for (const path of ['/v2/health/ready', '/models', '/docs', '/metrics', '/ping'])
          expect([path, (await fetch(url + path)).status]).toEqual([path, 200]);
        const asked = await cli.run(['predict', 'm', '--row', '{"a":1,"b":2}', '--json', '--server', url!]);
        expect([asked.code, asked.stdout]).toEqual([0, expect.stringContaining('"one"')]);
        // By what it announces in the store.
        const promoted = await cli.here(['models', 'promote', 'm', '2', '--reason', 'test', '--json']);
        expect(promoted.json()).toMatchObject({ confirmation: { confirmed: true } });
        await fetch(`${url}/models/m/predict`, { method: 'POST', body: '{"a":1,"b":2}', headers: { 'x-request-id': 'traced-1' } });
        await eventually(async () => (await cli.here(['trace', 'traced-1', '--json'])).code === 0);
        for (const args of [['models', 'list'], ['status']]) {
          const { code, stdout, stderr } = await cli.here(args);
          expect([args, code === 0 || code === 4, `${stdout}${stderr}`.includes('INTERNAL')]).toEqual([args, true, false]);
        }
      } finally {
        await serving.stop();
      }
    },
    90_000,
  );

  it('asks for a token where others reach it', async () => {
    const { cli } = await stage(1);
    for (const [host, said] of [
      ['::', 'PERENNIAL_API_TOKEN is not set'],
      ['2001:db8::1', 'PERENNIAL_API_TOKEN is not set'],
    ] as const) {
      const { code, stderr } = await cli.run(['serve', '--port', '0', '--host', host]);
      expect([host, code, stderr]).toEqual([host, 2, expect.stringContaining(said)]);
    }
  });
});

describe('two servers on one store, one with a clock that is off by ten minutes', () => {
  it.each([600_000, -600_000])(
    'agree on every change, and are confirmed and traced alike (%d ms)',
    async (off) => {
      const { store, cli } = await stage(4);
      const right = await startServerProcess({ PERENNIAL_HOME: tempDir('right'), PERENNIAL_STORE: store });
      const wrong = await startServerProcess({ PERENNIAL_HOME: tempDir('wrong'), PERENNIAL_STORE: store, ...clockAhead(off) });
      try {
        const version = async (url: string) => (await fetch(`${url}/models/m/predict`, { method: 'POST', body: '{"a":1,"b":2}' })).headers.get('x-perennial-version'); // prettier-ignore
        // By machines whose clocks are either.
        for (const [at, wanted] of ['2', '3', '4', '3'].entries()) {
          const env = at % 2 === 0 ? {} : clockAhead(off);
          const said = await cli.run(['models', 'promote', 'm', wanted, '--reason', 'test', '--json'], { env });
          expect([wanted, said.json().confirmation]).toEqual([wanted, expect.objectContaining({ confirmed: true })]);
          expect(await Promise.all([right, wrong].map(({ url }) => version(url)))).toEqual([wanted, wanted]);
        }
        const back = await cli.run(['models', 'rollback', 'm', '--reason', 'test', '--json'], { env: clockAhead(off) });
        expect(back.json()).toMatchObject({ confirmation: { confirmed: true } });
        expect(await Promise.all([right, wrong].map(({ url }) => version(url)))).toEqual(['4', '4']);
        // What either answered is found, whoever looks.
        for (const [at, { url }] of [right, wrong].entries()) {
          await fetch(`${url}/models/m/predict`, { method: 'POST', body: '{"a":1,"b":2}', headers: { 'x-request-id': `by-${at}` } });
          for (const env of [{}, clockAhead(off)])
            await eventually(async () => (await cli.run(['trace', `by-${at}`, '--json'], { env })).code === 0);
        }
      } finally {
        await Promise.all([right.stop(), wrong.stop()]);
      }
    },
    120_000,
  );
});
