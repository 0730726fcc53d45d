import { afterEach, describe, expect, it } from 'vitest';
import { StoreGuard } from '../../../src/access/guard.ts';
import { ROLES, mayAct } from '../../../src/access/roles.ts';
import type { Role } from '../../../src/access/roles.ts';
import { createToken, listTokens, revokeToken } from '../../../src/access/tokens.ts';
import { OPERATIONS } from '../../../src/server/openapi/operations.ts';
import { FaultyStore } from '../../../src/storage/faulty-store.ts';
import { MemoryStore } from '../../../src/storage/memory-store.ts';
import { FakeSource, recordingLog } from './doubles.ts';
import { ask, startTestApp } from './test-app.ts';
import type { TestApp } from './test-app.ts';

const open: TestApp[] = [];
afterEach(async () => {
  for (const app of open.splice(0)) await app.close();
});

const ROW = { body_mass_g: 4000, island: 'Dream' };

async function start(token?: string): Promise<TestApp> {
  const source = new FakeSource();
  source.route('penguins', { champion: 3 });
  source.route('spam', { champion: 1 });
  const app = await startTestApp(source, { guard: (store) => new StoreGuard(store, { log: recordingLog(), token, everyMs: 20 }) });
  open.push(app);
  return app;
}

const bearing = (token: string): RequestInit => ({ headers: { authorization: `Bearer ${token}` } });
const predict = (app: TestApp, token: string, model = 'penguins'): Promise<{ status: number; body: any }> =>
  ask(app.url, `/models/${model}/predict`, ROW, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
  });

async function until(condition: () => Promise<boolean>): Promise<void> {
  for (const deadline = Date.now() + 120_000; !(await condition()); await new Promise((resolve) => setTimeout(resolve, 10)))
    if (Date.now() > deadline) throw new Error('not within 20 s');
}

describe('a server without tokens', () => {
  it('lets everybody in, until the store has one, and never again', async () => {
    const app = await start();
    expect((await ask(app.url, '/models')).status).toBe(200);
    const { token, record } = await createToken(app.store, { name: 'first', role: 'operate' }, 'ada');
    await until(async () => (await ask(app.url, '/models')).status === 401);
    expect((await ask(app.url, '/models', undefined, bearing(token))).status).toBe(200);
    await revokeToken(app.store, 'first', 'ada');
    await until(async () => (await ask(app.url, '/models', undefined, bearing(token))).status === 401);
    expect((await ask(app.url, '/models')).status).toBe(401);
    expect((await listTokens(app.store)).map(({ id, revokedBy }) => [id, revokedBy])).toEqual([[record.id, 'ada']]);
  });
});

describe('a token', () => {
  it('opens what its role allows, of every route', async () => {
    const app = await start('root');
    const tokens = new Map<Role, string>();
    for (const role of ROLES) tokens.set(role, (await createToken(app.store, { name: role, role }, 'ada')).token);
    await until(async () => (await ask(app.url, '/tokens', undefined, bearing(tokens.get('admin')!))).status === 200);
    for (const [key, operation] of Object.entries(OPERATIONS)) {
      const [method, path] = key.split(' ') as [string, string];
      const url = `${app.url}${path.replace(':model', 'penguins').replaceAll(/:(?:version|number|label|digest|id)\b/g, '9')}`;
      const statuses = await Promise.all(
        ROLES.map(async (role) => (await fetch(url, { method, headers: { authorization: `Bearer ${tokens.get(role)!}` } })).status),
      );
      const allowed = ROLES.map((role) => operation.open === true || mayAct(role, operation.role ?? 'predict'));
      expect([key, statuses.map((status) => ![401, 403].includes(status))]).toEqual([key, allowed]);
    }
  });

  it('for some models opens those, and says which', async () => {
    const app = await start('root');
    const { token } = await createToken(app.store, { name: 'checkout', role: 'predict', models: ['penguins'] }, 'ada');
    await until(async () => (await predict(app, token)).status === 200);
    for (const address of ['penguins@champion', 'penguins'])
      expect((await ask(app.url, `/v2/models/${address}`, undefined, bearing(token))).status).toBe(200);
    expect(
      (
        await ask(
          app.url,
          '/v1/models/penguins:predict',
          { instances: [ROW] },
          { method: 'POST', body: JSON.stringify({ instances: [ROW] }), ...bearing(token) },
        )
      ).status,
    ).toBe(200);
    expect(await predict(app, token, 'spam')).toMatchObject({
      status: 403,
      body: { error: 'The token of "checkout" is for "penguins", not for "spam".' },
    });
    expect((await ask(app.url, '/models', undefined, bearing(token))).body.error).toContain('ask at the address of a model');
    const { body } = await ask(app.url, '/openapi.json', undefined, bearing(token));
    const paths = Object.keys(body.paths).join();
    expect([paths.includes('penguins'), paths.includes('spam')]).toEqual([true, false]);
  });

  it('has limits: requests a second, and rows of one request, by every protocol', async () => {
    const app = await start('root');
    const { token: few } = await createToken(app.store, { name: 'partner', role: 'predict', rowsPerRequest: 2 }, 'ada');
    const { token: slow } = await createToken(app.store, { name: 'slow', role: 'predict', requestsPerSecond: 3 }, 'ada');
    await until(async () => (await predict(app, few)).status === 200);
    const post = (path: string, body: unknown, token: string): Promise<Response> =>
      fetch(`${app.url}${path}`, {
        method: 'POST',
        body: JSON.stringify(body),
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      });
    for (const [path, body] of [
      ['/models/penguins/predict', (rows: unknown[]) => ({ rows })],
      ['/models/penguins/predict', (rows: unknown[]) => ({ rows, partial: true })],
      ['/v1/models/penguins:predict', (instances: unknown[]) => ({ instances })],
      [
        '/v2/models/penguins/infer',
        ({ length }: unknown[]) => ({ inputs: [{ name: 'body_mass_g', shape: [length], datatype: 'FP64', data: Array(length).fill(1) }] }),
      ],
    ] as const) {
      expect([path, (await post(path, body([ROW, ROW]), few)).status]).toEqual([path, 200]);
      const refused = await post(path, body([ROW, ROW, ROW]), few);
      expect([path, refused.status, await refused.text()]).toEqual([path, 413, expect.stringContaining('for at most 2')]);
    }
    const answers = await Promise.all(Array.from({ length: 8 }, () => post('/models/penguins/predict', ROW, slow)));
    const statuses = answers.map(({ status }) => status);
    expect(statuses.filter((status) => status === 200).length).toBeGreaterThanOrEqual(3);
    const late = answers.find(({ status }) => status === 429)!;
    expect(late.headers.get('retry-after')).toBe('1');
    expect(await late.json()).toEqual({ error: 'The token of "slow" is for 3 requests a second.' });
    // Others are not held up, and it goes on by itself.
    expect((await predict(app, few)).status).toBe(200);
    await until(async () => (await predict(app, slow)).status === 200);
  });

  it('ends at its time', async () => {
    const app = await start('root');
    const { token } = await createToken(app.store, { name: 'short', role: 'predict', lifetimeMs: 1_500 }, 'ada');
    await until(async () => (await predict(app, token)).status === 200);
    await until(async () => (await predict(app, token)).status === 401);
  });

  it('is nobody where it was changed, cut or made up', async () => {
    const app = await start('root');
    const { token, record } = await createToken(app.store, { name: 'one', role: 'admin' }, 'ada');
    await until(async () => (await predict(app, token)).status === 200);
    const other = token.endsWith('A') ? 'B' : 'A';
    for (const wrong of [`${token.slice(0, -1)}${other}`, token.slice(0, -1), record.digest, record.id, 'root2', ''])
      expect([wrong, (await predict(app, wrong)).status]).toEqual([wrong, 401]);
    expect((await predict(app, 'root')).status).toBe(200);
    expect(JSON.stringify(await listTokens(app.store))).not.toContain(token.slice(-43));
  });

  it('is told once and has one name', async () => {
    const store = new MemoryStore();
    await createToken(store, { name: 'one', role: 'admin' }, 'ada');
    await expect(createToken(store, { name: 'one', role: 'predict' }, 'ada')).rejects.toMatchObject({ code: 'USAGE' });
    await expect(createToken(store, { name: ' ', role: 'predict' }, 'ada')).rejects.toMatchObject({ code: 'USAGE' });
    await expect(createToken(store, { name: 'two', role: 'predict', models: [] }, 'ada')).rejects.toMatchObject({ code: 'USAGE' });
    for (const limit of [{ requestsPerSecond: 0 }, { requestsPerSecond: Number.NaN }, { rowsPerRequest: 1.5 }, { rowsPerRequest: 0 }])
      await expect(createToken(store, { name: 'two', role: 'predict', ...limit }, 'ada')).rejects.toMatchObject({ code: 'USAGE' });
    await expect(revokeToken(store, 'nobody', 'ada')).rejects.toMatchObject({ code: 'NOT_FOUND' });
    const first = await revokeToken(store, 'one', 'ada');
    expect(await revokeToken(store, first.id, 'eve')).toEqual(first);
    await createToken(store, { name: 'one', role: 'predict' }, 'ada');
    expect((await listTokens(store)).map(({ role }) => role)).toEqual(['admin', 'predict']);
  });
});

describe('tokens by HTTP', () => {
  it('are made, listed and revoked by an admin, told in the log', async () => {
    const app = await start('root');
    const post = (body: unknown, token = 'root') =>
      ask(app.url, '/tokens', body, { method: 'POST', body: JSON.stringify(body), ...bearing(token) });
    const made = await post({ name: 'grafana', role: 'operate', lifetime: '90d' });
    expect(made).toMatchObject({ status: 201, body: { name: 'grafana', role: 'operate', models: null, createdBy: 'PERENNIAL_API_TOKEN' } });
    // Followed at once.
    expect((await ask(app.url, '/metrics', undefined, bearing(made.body.token))).status).toBe(200);
    expect((await post({ name: 'other', role: 'admin' }, made.body.token)).status).toBe(403);
    for (const wrong of [
      {},
      { name: 'x' },
      { name: 'x', role: 'root' },
      { name: 'x', role: 'admin', models: 'm' },
      { name: 'x', role: 'admin', lifetime: 'long' },
      { name: 'x', role: 'admin', more: 1 },
    ])
      expect([wrong, (await post(wrong)).status]).toEqual([wrong, 400]);
    expect((await ask(app.url, '/tokens', undefined, bearing('root'))).body.tokens).toMatchObject([{ name: 'grafana', revokedAt: null }]);
    const removed = await ask(app.url, '/tokens/grafana', undefined, { method: 'DELETE', ...bearing('root') });
    expect(removed).toMatchObject({ status: 200, body: { name: 'grafana', revokedBy: 'PERENNIAL_API_TOKEN' } });
    expect((await ask(app.url, '/metrics', undefined, bearing(made.body.token))).status).toBe(401);
    expect((await ask(app.url, '/tokens/nobody', undefined, { method: 'DELETE', ...bearing('root') })).status).toBe(404);
    const audit = app.lines.filter((line) => line.startsWith('info audit'));
    expect(audit[0]).toContain('"who":"PERENNIAL_API_TOKEN","method":"POST","url":"/tokens","status":201');
    expect(audit.some((line) => line.includes('"who":"grafana","method":"POST","url":"/tokens","status":403'))).toBe(true);
    expect(audit.join()).not.toContain(made.body.token);
  });
});

describe('the guard', () => {
  it('lets nobody in before the store was read, and holds to what it knew when it is away', async () => {
    const store = new MemoryStore();
    const { token } = await createToken(store, { name: 'one', role: 'predict' }, 'ada');
    const away = new FaultyStore(store, { call: 1, persistent: true });
    const guard = new StoreGuard(away, { log: recordingLog(), everyMs: 5 });
    await guard.start();
    expect([guard.isOpen, guard.holderOf(undefined), guard.holderOf(`Bearer ${token}`)]).toEqual([false, undefined, undefined]);
    away.plan = {};
    await until(async () => guard.holderOf(`Bearer ${token}`)?.name === 'one');
    away.plan = { call: 1, persistent: true };
    await guard.look();
    expect(guard.holderOf(`bearer  ${token} `)?.name).toBe('one');
    await guard.stop();
  });

  it('counts a record that cannot be read, and lets nobody in by it', async () => {
    const store = new MemoryStore();
    const lines = recordingLog();
    await store.put('tokens/abc.json', Buffer.from('{'));
    const guard = new StoreGuard(store, { log: lines });
    await guard.start();
    expect([guard.isOpen, guard.holderOf(undefined)]).toEqual([false, undefined]);
    expect(lines.lines.join()).toContain('a token cannot be read and lets nobody in');
    await guard.stop();
  });
});
