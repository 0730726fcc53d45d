import { afterEach, describe, expect, it } from 'vitest';
import type { RequestLimits } from '../../../src/core/request-limits.ts';
import { checkDeploy } from '../../../src/registry/deploy-config.ts';
import { StoreGuard } from '../../../src/access/guard.ts';
import { createToken } from '../../../src/access/tokens.ts';
import type { MemoryStore } from '../../../src/storage/memory-store.ts';
import { FakeSource, eventually, recordingLog } from './doubles.ts';
import { ask, startTestApp } from './test-app.ts';
import type { TestApp } from './test-app.ts';

const ROW = { body_mass_g: 4000, island: 'Biscoe' };
let app: TestApp | undefined;
afterEach(() => app?.close());

async function deployed(limits: RequestLimits, source = new FakeSource()): Promise<string> {
  source.route('penguins', { champion: 3 }, { limits });
  source.route('others', { champion: 3 });
  app = await startTestApp(source);
  return app.url;
}

it.each([
  ['0s', false],
  ['0.1ms', false],
  ['1ms', true],
  ['1h', true],
  ['30d', false],
])('a wait of %s for the network is taken: %s', (timeout, isTaken) => {
  expect(checkDeploy({ limits: { timeout } } as never).map(({ pointer }) => pointer)).toEqual(isTaken ? [] : ['/limits/timeout']);
});

/** Of one request in ten thousand seconds: however long a machine takes, the next one comes too early. */
const WAIT = /^\d{4,5}$/;

describe('what a model is deployed for', () => {
  it('bounds the rows of a request, in every protocol, and those of no other model', async () => {
    const url = await deployed({ rowsPerRequest: 2 });
    const three = { rows: [ROW, ROW, ROW] };
    expect((await ask(url, '/models/penguins/predict', { rows: [ROW, ROW] })).status).toBe(200);
    const refused = await ask(url, '/models/penguins/predict', three);
    expect(refused.status).toBe(413);
    expect(refused.body.error).toBe('3 rows in one request; "penguins" is deployed for at most 2. Send several requests.');
    expect((await ask(url, '/v1/models/penguins:predict', { instances: [ROW, ROW, ROW] })).status).toBe(413);
    const inputs = [{ name: 'body_mass_g', shape: [3], datatype: 'FP64', data: [1, 2, 3] }];
    expect((await ask(url, '/v2/models/penguins/infer', { inputs })).status).toBe(413);
    expect((await ask(url, '/models/others/predict', three)).status).toBe(200);
  });

  it('bounds the bytes of a body, as it is unpacked', async () => {
    const url = await deployed({ bytesPerRequest: 100 });
    expect((await ask(url, '/models/penguins/predict', { rows: [ROW] })).status).toBe(200);
    const refused = await ask(url, '/models/penguins/predict', { rows: [{ ...ROW, note: 'x'.repeat(100) }] });
    expect(refused.status).toBe(413);
    expect(refused.body.error).toMatch(/^The body is of \d+ bytes; "penguins" is deployed for at most 100\./);
  });

  it('bounds the requests of a second, and says when to come again', async () => {
    const url = await deployed({ requestsPerSecond: 0.0001 });
    expect((await ask(url, '/models/penguins/predict', ROW)).status).toBe(200);
    const refused = await ask(url, '/models/penguins/predict', ROW);
    expect(refused.status).toBe(429);
    expect(refused.headers.get('retry-after')).toMatch(WAIT);
    expect((await ask(url, '/models/others/predict', ROW)).status).toBe(200);
  });

  it.each([
    ['rows', '/models/penguins/predict', JSON.stringify(ROW), 'application/json'],
    ['TensorFlow Serving', '/v1/models/penguins:predict', JSON.stringify({ instances: [ROW] }), 'application/json'],
    [
      'Open Inference',
      '/v2/models/penguins/infer',
      JSON.stringify({
        inputs: [
          { name: 'body_mass_g', shape: [1], datatype: 'FP64', data: [4000] },
          { name: 'island', shape: [1], datatype: 'BYTES', data: ['Biscoe'] },
        ],
      }),
      'application/json',
    ],
    ['MLflow', '/models/penguins/invocations', JSON.stringify({ dataframe_records: [ROW] }), 'application/json'],
    ['rows as CSV', '/models/penguins/predict', 'body_mass_g,island\n4000,Biscoe\n', 'text/csv'],
    ['MLflow CSV', '/models/penguins/invocations', 'body_mass_g,island\n4000,Biscoe\n', 'text/csv'],
  ])('are kept in the protocol of %s, packed or not, with Retry-After', async (_name, path, body, type) => {
    const { gzipSync } = await import('node:zlib');
    const post = (url: string, packed: boolean) =>
      fetch(url + path, {
        method: 'POST',
        body: packed ? gzipSync(body) : body,
        headers: { 'content-type': type, ...(packed ? { 'content-encoding': 'gzip' } : {}) },
      });
    const slow = await deployed({ requestsPerSecond: 0.0001 });
    const first = await post(slow, true);
    expect([first.status, await first.text()]).toEqual([200, expect.any(String)]);
    const refused = await post(slow, false);
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, expect.stringMatching(WAIT)]);
    expect(((await refused.json()) as { error?: unknown }).error ?? 'told otherwise').toEqual(
      expect.stringMatching(/requests a second|otherwise/),
    );
    await app!.close();
    const small = await deployed({ bytesPerRequest: 16 });
    for (const packed of [true, false]) expect((await post(small, packed)).status).toBe(413);
    await app!.close();
    const none = await deployed({ rowsPerRequest: 1 });
    expect((await post(none, false)).status).toBe(200);
  });

  it('bounds how long a request waits', async () => {
    const source = new FakeSource();
    let free = (): void => undefined;
    const held = new Promise<void>((resolve) => (free = resolve));
    let isWarm = false;
    let calls = 0;
    source.options = {
      async predict(batch) {
        calls += 1;
        if (isWarm) await held;
        return new Float32Array(Object.values(batch)[0]!.rows * 3).fill(1);
      },
    };
    const url = await deployed({ timeout: '30ms' }, source);
    isWarm = true;
    const before = calls;
    const first = ask(url, '/models/penguins/predict', ROW);
    await eventually(() => calls > before);
    const second = ask(url, '/models/penguins/predict', ROW);
    await new Promise((resolve) => setTimeout(resolve, 100));
    free();
    expect((await first).status).toBe(200);
    const late = await second;
    expect(late.status).toBe(503);
    expect(late.headers.get('retry-after')).toBe('1');
  });

  it('is about the champion', () => {
    expect(checkDeploy({ limits: { rowsPerRequest: 1 }, promote: 'challenger' })).toMatchObject([{ pointer: '/limits' }]);
    expect(checkDeploy({ limits: { rowsPerRequest: 1 } })).toEqual([]);
  });
});

describe('limits while a rollout goes on', () => {
  it.each([
    ['the champion', { kind: 'canary', share: 0 }, '3'],
    ['the candidate', { kind: 'canary', share: 1 }, '2'],
    ['the champion beside a shadow', { kind: 'shadow', share: 1 }, '3'],
  ] as const)('hold for %s, of the model and of tokens, in every protocol', async (_who, { kind, share }, version) => {
    const source = new FakeSource();
    const rollout = { id: 'r', kind, champion: 3, candidate: 2, share, step: 0 };
    source.route('penguins', { champion: 3 }, { limits: { rowsPerRequest: 3, bytesPerRequest: 400 }, rollout });
    source.route('slow', { champion: 3 }, { limits: { requestsPerSecond: 0.0001 }, rollout });
    const guard = (store: MemoryStore): StoreGuard => new StoreGuard(store, { log: recordingLog(), token: undefined, everyMs: 20 });
    app = await startTestApp(source, { rollouts: true, guard });
    await eventually(() => app!.router.rollouts().length === 2 && app!.router.rollouts().every(({ loaded }) => loaded));
    const { url, store } = app;
    const make = async (request: Parameters<typeof createToken>[1]) => (await createToken(store, request, 'ada')).token;
    const free = await make({ name: 'free', role: 'predict' });
    const small = await make({ name: 'small', role: 'predict', rowsPerRequest: 1 });
    const other = await make({ name: 'other', role: 'predict', models: ['slow'] });
    const send = (token: string, path: string, body: unknown, type = 'application/json') =>
      ask(url, path, undefined, {
        method: 'POST',
        body: typeof body === 'string' ? body : JSON.stringify(body),
        headers: { authorization: `Bearer ${token}`, 'content-type': type },
      });
    await eventually(async () => (await send('none', '/models/penguins/predict', ROW)).status === 401);
    await eventually(async () => (await send(other, '/models/penguins/predict', ROW)).status === 403);
    const ways: readonly [path: string, rows: (count: number) => unknown, type?: string][] = [
      ['/models/penguins/predict', (count) => Array.from({ length: count }, () => ROW)],
      ['/models/penguins/predict', (count) => `body_mass_g,island\n${'1,x\n'.repeat(count)}`, 'text/csv'],
      ['/models/penguins/invocations', (count) => ({ dataframe_records: Array.from({ length: count }, () => ROW) })],
      ['/v1/models/penguins:predict', (count) => ({ instances: Array.from({ length: count }, () => ROW) })],
      ['/v2/models/penguins/infer', (count) => ({ inputs: [{ name: 'body_mass_g', shape: [count], datatype: 'FP64', data: Array(count).fill(1) }] })], // prettier-ignore
    ];
    for (const [path, rows, type] of ways) {
      const good = await send(free, path, rows(1), type);
      expect([path, good.status, good.headers.get('x-perennial-version')]).toEqual([path, 200, version]);
      expect([path, (await send(free, path, rows(4), type)).status]).toEqual([path, 413]);
      expect([path, (await send(small, path, rows(2), type)).status]).toEqual([path, 413]);
      expect([path, (await send(free, path, rows(200), type)).status]).toEqual([path, 413]);
      expect([path, (await send(other, path, rows(1), type)).status]).toEqual([path, 403]);
    }
    expect((await send(free, '/models/slow/predict', ROW)).status).toBe(200);
    const late = await send(free, '/models/slow/predict', ROW);
    expect([late.status, late.headers.get('retry-after')]).toEqual([429, expect.stringMatching(WAIT)]);
  });
});
