import { mkdtemp, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import autocannon from 'autocannon';
import { afterEach, describe, expect, it } from 'vitest';
import { confirmServed, liveServers } from '../../../src/registry/confirm.ts';
import { routingKey } from '../../../src/registry/keys.ts';
import type { Routing } from '../../../src/registry/types.ts';
import { FileStore } from '../../../src/storage/file-store.ts';
import { getJson, putJson } from '../../../src/storage/json-objects.ts';
import { eventually } from '../../unit/serving/doubles.ts';
import type { Fixture } from './models.ts';
import { LABELS, fixtureOver, registerConstant } from './models.ts';
import type { ServerProcess } from './server-process.ts';
import { startServerProcess } from './server-process.ts';

const author = { who: 'test', why: 'test' };
const folders: string[] = [];
const servers: ServerProcess[] = [];

afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.stop()));
  await Promise.all(folders.splice(0).map((folder) => rm(folder, { recursive: true, force: true })));
});

async function setUp(): Promise<Fixture & { readonly folder: string; start(env?: Record<string, string>): Promise<ServerProcess> }> {
  const folder = await mkdtemp(join(tmpdir(), 'perennial-serving-'));
  folders.push(folder);
  return {
    ...fixtureOver(new FileStore(join(folder, 'store')), join(folder, 'cache')),
    folder,
    async start(env = {}) {
      const server = await startServerProcess({ PERENNIAL_HOME: folder, PERENNIAL_STORE: `file:${join(folder, 'store')}`, ...env });
      servers.push(server);
      return server;
    },
  };
}

async function predict(url: string): Promise<{ status: number; version: number; label: string }> {
  const response = await fetch(`${url}/models/m/predict`, { method: 'POST', body: '{"a":1,"b":2}' });
  const body = (await response.json()) as { version: number; predictions: { label: string }[] };
  return { status: response.status, version: body.version, label: body.predictions?.[0]?.label ?? '' };
}

interface Torn {
  readonly status: number;
  readonly header: string;
  readonly body: string;
}

describe('the model server under load', () => {
  it('swaps versions again and again without one failed or torn answer, each confirmed by the server', async () => {
    const { registry, store, ...fixture } = await setUp();
    const all = { registry, store, ...fixture };
    for (const label of [0, 1, 2]) expect(await registerConstant(all, 'm', label)).toBe(label + 1);
    await registry.promote('m', 1, author);
    const { url } = await fixture.start();

    const torn: Torn[] = [];
    const seen: Record<string, number> = {};
    const load = autocannon({
      url,
      connections: 16,
      // Until it is stopped.
      duration: 600,
      requests: ['/models/m/predict', '/v1/models/m:predict', '/v2/models/m/infer'].map((path) => ({
        method: 'POST' as const,
        path,
        body: path.startsWith('/v2')
          ? '{"inputs":[{"name":"a","shape":[1],"datatype":"FP64","data":[1]},{"name":"b","shape":[1],"datatype":"FP64","data":[2]}],"outputs":[{"name":"label"}]}'
          : path.startsWith('/v1')
            ? '{"instances":[{"a":1,"b":2}]}'
            : '{"rows":[{"a":1,"b":2}]}',
        onResponse(status: number, body: string, _context: object, headers?: Record<string, string>) {
          const header = String(headers?.['x-perennial-version'] ?? headers?.['X-Perennial-Version']);
          seen[header] = (seen[header] ?? 0) + 1;
          const labels = LABELS.filter((label) => body.includes(`"label":"${label}"`) || body.includes(`"data":["${label}"]`));
          const versionInBody = /"(?:version|model_version)":"?(\d+)/.exec(body)?.[1] ?? header;
          if (status !== 200 || versionInBody !== header || labels.length !== 1 || labels[0] !== LABELS[Number(header) - 1])
            torn.push({ status, header, body });
        },
      })),
    });

    let confirmed = 0;
    // However slow the machine is: each of the versions twice, and a rollback among them.
    for (let turn = 0; confirmed < 7; turn += 1) {
      const version = 1 + ((turn + 1) % 3);
      if (turn % 4 === 3) {
        const { to } = await registry.rollback('m', author);
        expect((await confirmServed(store, 'm', to!)).confirmed).toBe(true);
        confirmed += 1;
        await registry.unpin('m', author);
      } else {
        await registry.promote('m', version, author);
        expect((await confirmServed(store, 'm', version)).confirmed).toBe(true);
        confirmed += 1;
      }
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    // What it gives can be awaited and stopped; its types know one of both.
    (load as unknown as { stop(): void }).stop();
    const result = await load;
    expect(torn.slice(0, 3)).toEqual([]);
    expect({ errors: result.errors, timeouts: result.timeouts, non2xx: result.non2xx }).toEqual({ errors: 0, timeouts: 0, non2xx: 0 });
    expect(Object.keys(seen).sort()).toEqual(['1', '2', '3']);
    expect(result.requests.total).toBeGreaterThan(100);
  });
});

describe('the model server in trouble', () => {
  it('serves on while the store is away, and follows again when it is back', async () => {
    const { registry, folder, ...fixture } = await setUp();
    const all = { registry, ...fixture };
    await registerConstant(all, 'm', 0);
    await registerConstant(all, 'm', 1);
    await registry.promote('m', 1, author);
    const { url } = await fixture.start();
    await rename(join(folder, 'store'), join(folder, 'elsewhere'));
    const end = Date.now() + 1_500;
    while (Date.now() < end) {
      expect(await predict(url)).toEqual({ status: 200, version: 1, label: 'one' });
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    expect((await fetch(`${url}/v2/models/m`)).status).toBe(200);
    await rm(join(folder, 'store'), { recursive: true, force: true });
    await rename(join(folder, 'elsewhere'), join(folder, 'store'));
    await registry.promote('m', 2, author);
    await eventually(async () => (await predict(url)).version === 2);
  });

  it('keeps the good version when the new one is corrupt, and shows it', async () => {
    const { registry, store, artifacts, ...fixture } = await setUp();
    const all = { registry, store, artifacts, ...fixture };
    await registerConstant(all, 'm', 0);
    await registerConstant(all, 'm', 1);
    await registry.promote('m', 1, author);
    const { url } = await fixture.start();
    const { manifest } = await artifacts.open((await registry.version('m', 2)).model);
    const weights = manifest.files['weights.bin']!;
    const key = `blobs/sha256/${weights.digest}`;
    const found: string[] = [];
    for await (const object of store.list('blobs/')) if (object.key.endsWith(weights.digest)) found.push(object.key);
    expect(found.length, key).toBe(1);
    const { body } = await store.get(found[0]!);
    const spoilt = Uint8Array.from(body);
    spoilt[0] = spoilt[0]! ^ 1;
    await store.put(found[0]!, spoilt);
    // A promotion would refuse; damage that comes later is met by the server.
    await expect(registry.promote('m', 2, author)).rejects.toMatchObject({ code: 'VERSION_INVALID' });
    const value = (await getJson(store, routingKey('m')))!.value as Routing;
    await putJson(store, routingKey('m'), { ...value, revision: value.revision + 1, aliases: { ...value.aliases, champion: 2 } });
    const models = async (): Promise<{ version: number; wanted: number; error?: string }> =>
      ((await (await fetch(`${url}/models`)).json()) as { models: [{ version: number; wanted: number; error?: string }] }).models[0];
    await eventually(async () => (await models()).error !== undefined);
    expect(await models()).toMatchObject({ version: 1, wanted: 2, error: expect.stringContaining('version 2 cannot be loaded') });
    expect(await predict(url)).toEqual({ status: 200, version: 1, label: 'one' });
    expect(await (await fetch(`${url}/v2/health/ready`)).json()).toMatchObject({ ready: true, degraded: 1 });
    await store.put(found[0]!, body);
    await eventually(async () => (await predict(url)).version === 2);
  });

  it('finishes what has begun when it is told to stop, writes the log and takes its announcement back', async () => {
    const { registry, store, ...fixture } = await setUp();
    const all = { registry, store, ...fixture };
    await registerConstant(all, 'm', 0);
    await registry.promote('m', 1, author);
    const server = await fixture.start();
    expect((await liveServers(store)).map(({ url }) => url)).toEqual([server.url]);
    const large = JSON.stringify({ rows: Array.from({ length: 4_000 }, (_, index) => ({ a: index, b: 1 })) });
    const inFlight = Array.from({ length: 4 }, () =>
      fetch(`${server.url}/models/m/predict`, { method: 'POST', body: large }).then(async (response) => ({
        status: response.status,
        body: (await response.json()) as { predictions: unknown[] },
      })),
    );
    await new Promise((resolve) => setTimeout(resolve, 60));
    expect(await server.stop()).toBe(0);
    for (const { status, body } of await Promise.all(inFlight)) expect([status, body.predictions.length]).toEqual([200, 4_000]);
    expect(await liveServers(store)).toEqual([]);
    let lines = 0;
    for await (const { key } of store.list('predictions/m/'))
      lines += Buffer.from((await store.get(key)).body)
        .toString()
        .trimEnd()
        .split('\n').length;
    expect(lines).toBe(16_000);
    expect(server.log()).not.toContain('could not be logged');
  });

  it('says which port is taken', async () => {
    const { folder, start } = await setUp();
    const { url } = await start();
    const port = new URL(url).port;
    await expect(startServerProcess({ PERENNIAL_HOME: folder }, ['--port', port])).rejects.toThrow(
      `ended with 2: error PORT_TAKEN: Port ${port} of 127.0.0.1 is taken.`,
    );
    await expect(startServerProcess({ PERENNIAL_HOME: folder }, ['--port', 'http'])).rejects.toThrow(
      'error USAGE: --port "http" is not a port.',
    );
  });
});
