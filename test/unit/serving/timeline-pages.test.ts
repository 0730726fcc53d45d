import { afterEach, describe, expect, it } from 'vitest';
import { StoreGuard } from '../../../src/access/guard.ts';
import { createToken } from '../../../src/access/tokens.ts';
import { keepCheck } from '../../../src/monitoring/drift-checks/drift-check-record.ts';
import { createRegistry } from '../../../src/registry/registry.ts';
import { FakeSource, recordingLog } from './doubles.ts';
import { ask, startTestApp } from './test-app.ts';
import type { TestApp } from './test-app.ts';

const open: TestApp[] = [];
afterEach(async () => {
  for (const app of open.splice(0)) await app.close();
});

const check = (id: string, model: string): Parameters<typeof keepCheck>[1] => ({
  formatVersion: 1,
  id,
  model,
  version: 1,
  at: new Date(Date.now() - 60_000).toISOString(),
  stream: null,
  source: 'now.csv',
  window: null,
  verdict: { alarm: true, outcome: 'alarm', reason: 'a drifted.' },
  result: {
    drifted: true,
    driftScore: 1,
    rows: 300,
    rowsReference: 300,
    enoughRows: true,
    driftedColumns: ['a'],
    columns: [],
    newColumns: [],
    summary: 'a drifted.',
    options: { tests: [{ test: 'psi', threshold: 0.2 }], agree: 'all', columns: {}, missing: 0.1, columnsMin: 1, rowsMin: 100 },
  } as never,
});

async function start(): Promise<TestApp> {
  const source = new FakeSource();
  source.route('m', { champion: 1 });
  const app = await startTestApp(source, { guard: (store) => new StoreGuard(store, { log: recordingLog(), token: 'owner', everyMs: 20 }) });
  open.push(app);
  const registry = createRegistry(app.store, app.artifacts);
  const modelRef = await app.artifacts.write({ kind: 'model', summary: 'm', files: { a: Buffer.from('a') }, meta: {} });
  await registry.register({ model: 'm', modelRef, pipeline: 'p', runId: 'r', stepId: 'register' });
  await keepCheck(app.store, check('abcdef0123', 'm'));
  return app;
}

const as = (token: string): RequestInit => ({ headers: { authorization: `Bearer ${token}` } });

describe('pages of what happened', () => {
  it('show the time line of a model, the digest of all, and a check for drift', async () => {
    const app = await start();
    const line = await ask(app.url, '/models/m/timeline', undefined, as('owner'));
    expect(line.status).toBe(200);
    expect(line.headers.get('content-security-policy')).toContain("default-src 'none'");
    expect(line.body).toContain('drift was found in now.csv');
    const digest = await ask(app.url, '/digest?days=1', undefined, as('owner'));
    expect(digest.body).toContain('version 1 was registered');
    const drift = await ask(app.url, '/models/m/drift/abcdef/report', undefined, as('owner'));
    expect(drift.body).toContain('Drift of m');
  });

  it.each([
    ['/models/m/timeline?days=0', 400],
    ['/models/m/timeline?days=x', 400],
    ['/models/m/timeline?days=1&days=2', 400],
    ['/digest?days=99999', 400],
    ['/models/n/timeline', 404],
    ['/models/m/drift/ffff/report', 404],
    ['/models/n/drift/abcdef/report', 404],
  ])('%s gives %i, and says why', async (path, status) => {
    const app = await start();
    const answer = await ask(app.url, path, undefined, as('owner'));
    expect(answer.status).toBe(status);
    expect(answer.body.error).toMatch(/\S/);
  });

  it('are for those who may operate, and those of one model for its tokens', async () => {
    const app = await start();
    const { token: mine } = await createToken(app.store, { name: 'mine', role: 'operate', models: ['m'] }, 'ada');
    const { token: others } = await createToken(app.store, { name: 'others', role: 'operate', models: ['n'] }, 'ada');
    const { token: asks } = await createToken(app.store, { name: 'asks', role: 'predict' }, 'ada');
    await new Promise((resolve) => setTimeout(resolve, 200));
    const statuses = async (token: string): Promise<number[]> =>
      Promise.all(
        ['/models/m/timeline', '/models/m/drift/abcdef/report', '/digest'].map(
          async (path) => (await ask(app.url, path, undefined, as(token))).status,
        ),
      );
    expect(await statuses(mine)).toEqual([200, 200, 403]);
    expect(await statuses(others)).toEqual([403, 403, 403]);
    expect(await statuses(asks)).toEqual([403, 403, 403]);
  });

  it('tell the holder of a token for one model nothing of others, also where there is no such model', async () => {
    const app = await start();
    await keepCheck(app.store, check('abcdef9999', 'secret'));
    await keepCheck(app.store, check('bbbbbb9999', 'secret'));
    const { token: mine } = await createToken(app.store, { name: 'mine', role: 'operate', models: ['m', 'gone'] }, 'ada');
    await new Promise((resolve) => setTimeout(resolve, 200));
    // Another model has a check whose id begins so as well.
    expect((await ask(app.url, '/models/m/drift/abcdef/report', undefined, as(mine))).status).toBe(200);
    const known = await ask(app.url, '/models/m/drift/bbbbbb/report', undefined, as(mine));
    const unknown = await ask(app.url, '/models/m/drift/cccccc/report', undefined, as(mine));
    expect(known.status).toBe(404);
    expect(known.body.error).toBe((unknown.body.error as string).replace('cccccc', 'bbbbbb'));
    for (const page of ['timeline', 'versions/1/report', 'versions/1/card']) {
      const answer = await ask(app.url, `/models/gone/${page}`, undefined, as(mine));
      expect(answer.status).toBe(404);
      expect(answer.body.error).toBe('There is no model "gone".');
    }
  });
});
