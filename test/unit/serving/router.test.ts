import { afterEach, describe, expect, it, vi } from 'vitest';
import { Router } from '../../../src/serving/router.ts';
import type { RouterOptions } from '../../../src/serving/router.ts';
import { createServingMetrics } from '../../../src/serving/serving-metrics.ts';
import { FakeSource, eventually, recordingLog } from './doubles.ts';

const routers: Router[] = [];

async function routerOf(source: FakeSource, options: RouterOptions = {}, start = true): Promise<Router & { lines: string[] }> {
  const log = recordingLog();
  const router = new Router(source, { log, metrics: createServingMetrics() }, { pollMs: 5, discoverMs: 20, loadRetryMs: 10, ...options });
  routers.push(router);
  if (start) await router.start();
  return Object.assign(router, { lines: log.lines });
}

async function versionOf(router: Router, target = 'm'): Promise<number> {
  const lease = await router.lease({ model: target });
  lease.release();
  return lease.servable.version;
}

afterEach(async () => {
  await Promise.all(routers.splice(0).map((router) => router.stop()));
});

describe('the router', () => {
  it('serves the champion and follows it, freeing the one before after its last request', async () => {
    const source = new FakeSource();
    source.route('m', { champion: 1 });
    const router = await routerOf(source);
    const old = await router.lease({ model: 'm' });
    source.route('m', { champion: 2 });
    await eventually(async () => (await versionOf(router)) === 2);
    expect(old.servable.version).toBe(1);
    expect(source.servable(1).disposed()).toBe(false);
    await old.predict(await old.servable.preprocessor.apply([{ body_mass_g: 1 }]));
    old.release();
    old.release();
    expect(source.servable(1).disposed()).toBe(true);
    expect(source.servable(2).calls).toEqual([1]);
  });

  it('warms a version up before it answers, and refuses one that does not fit', async () => {
    const source = new FakeSource();
    source.route('m', { champion: 1 });
    const router = await routerOf(source);
    expect(source.servable(1).calls).toEqual([1]);
    source.options = { predict: async () => new Float32Array(17) };
    source.route('m', { champion: 2 });
    await eventually(() => router.states()[0]!.error !== undefined);
    expect(router.states()[0]!.error).toContain('gives 17 values for one example, its manifest says 3');
    expect(source.servable(2).disposed()).toBe(true);
    expect(await versionOf(router)).toBe(1);
  });

  it('keeps the old version when the new one is broken, says so, and takes the repaired one', async () => {
    const source = new FakeSource();
    source.route('m', { champion: 1 });
    const router = await routerOf(source);
    source.broken.add(2);
    source.route('m', { champion: 2 });
    await eventually(() => router.states()[0]!.error !== undefined);
    expect(router.states()[0]).toMatchObject({ version: 1, wanted: 2, error: expect.stringContaining('does not match its digest') });
    expect(await versionOf(router)).toBe(1);
    expect(router.lines.join('\n')).toContain('the one before stays served');
    source.broken.clear();
    await eventually(async () => (await versionOf(router)) === 2);
    expect(router.states()[0]!.error).toBeUndefined();
  });

  it('answers with the newest former champion that can be loaded where the champion cannot, loudly, until it can', async () => {
    const source = new FakeSource();
    source.broken.add(3).add(2);
    source.route('m', { champion: 3 }, { previous: [2, 1] });
    const router = await routerOf(source);
    expect(await versionOf(router)).toBe(1);
    expect(router.states()[0]).toMatchObject({
      version: 1,
      wanted: 3,
      degraded: true,
      error: expect.stringMatching(/version 3 cannot be loaded: .*digest.*; version 1 answers/),
    });
    expect(router.lines.filter((line) => line.startsWith('error')).join('\n')).toContain('a former one answers in its place');
    source.broken.clear();
    await eventually(async () => (await versionOf(router)) === 3);
    expect(router.states()[0]).toMatchObject({ version: 3, degraded: false });
  });

  it('answers with nothing where the routing wants no former champion in place of one that cannot be loaded', async () => {
    const source = new FakeSource();
    source.route('m', { champion: 1 });
    const router = await routerOf(source);
    source.broken.add(2);
    source.route('m', { champion: 2 }, { previous: [1], fallback: 'nothing' });
    await eventually(() => router.states()[0]!.degraded);
    await eventually(() => router.states()[0]!.version === undefined);
    await expect(router.lease({ model: 'm' })).rejects.toMatchObject({
      status: 503,
      message: expect.stringContaining('version 2 cannot be loaded'),
    });
    source.broken.clear();
    await eventually(() => router.states()[0]!.version === 2);
  });

  it('a routing that cannot be read hurts its model alone, which goes on as its history tells', async () => {
    const source = new FakeSource();
    source.route('a', { champion: 1 });
    source.route('m', { champion: 2 });
    source.torn.add('m');
    const router = await routerOf(source);
    expect(router.ready).toBe(true);
    expect(router.storeReachable).toBe(true);
    expect(await versionOf(router, 'a')).toBe(1);
    expect(await versionOf(router, 'm')).toBe(2);
    expect(router.states().map(({ model, degraded }) => [model, degraded])).toEqual([
      ['a', false],
      ['m', true],
    ]);
    expect(router.states()[1]!.error).toContain('its routing cannot be read');
    source.route('a', { champion: 3 });
    await eventually(async () => (await versionOf(router, 'a')) === 3);
    source.torn.clear();
    source.route('m', { champion: 4 });
    await eventually(async () => (await versionOf(router, 'm')) === 4);
    expect(router.states()[1]).toMatchObject({ degraded: false });
  });

  it('keeps serving while the store is away, asks less often, and catches up', async () => {
    const source = new FakeSource();
    source.route('m', { champion: 1 });
    const router = await routerOf(source, { pollMs: 2 });
    source.down = true;
    await eventually(() => !router.storeReachable);
    const before = source.asked;
    await new Promise((resolve) => setTimeout(resolve, 120));
    expect(source.asked - before).toBeLessThan(12);
    expect(await versionOf(router)).toBe(1);
    source.route('m', { champion: 2 });
    source.down = false;
    await eventually(async () => (await versionOf(router)) === 2);
    expect(router.lines.filter((line) => line.includes('the store does not answer')).length).toBe(1);
    expect(router.lines.some((line) => line.includes('answers again'))).toBe(true);
  });

  it('does not unload when the routing disappears from sight', async () => {
    const source = new FakeSource();
    source.route('m', { champion: 1 });
    const router = await routerOf(source);
    source.lost = true;
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(await versionOf(router)).toBe(1);
  });

  it('withdraws a model whose champion was taken away', async () => {
    const source = new FakeSource();
    source.route('m', { champion: 1 });
    const router = await routerOf(source);
    source.route('m', { challenger: 1 });
    await eventually(() => source.servable(1).disposed());
    await expect(router.lease({ model: 'm' })).rejects.toMatchObject({ status: 404 });
  });

  it('never shows a version that was rolled back while it loaded', async () => {
    const source = new FakeSource();
    source.route('m', { champion: 1 });
    const router = await routerOf(source);
    source.loadMs = 60;
    source.route('m', { champion: 2 });
    await new Promise((resolve) => setTimeout(resolve, 30));
    source.route('m', { champion: 1 });
    const seen = new Set<number>();
    const end = Date.now() + 120;
    while (Date.now() < end) {
      seen.add(await versionOf(router));
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    expect([...seen]).toEqual([1]);
  });

  it('is not ready before the store has answered once', async () => {
    const source = new FakeSource();
    source.route('m', { champion: 1 });
    source.down = true;
    const router = await routerOf(source);
    expect(router.ready).toBe(false);
    await expect(router.lease({ model: 'm' })).rejects.toMatchObject({ status: 404 });
    source.down = false;
    await eventually(() => router.ready);
    expect(await versionOf(router)).toBe(1);
  });

  it('finds a model that was registered a moment ago, at the first request', async () => {
    const source = new FakeSource();
    const router = await routerOf(source, { discoverMs: 60_000 });
    await expect(router.lease({ model: 'new' })).rejects.toMatchObject({ status: 404 });
    source.route('new', { champion: 3 });
    expect(await versionOf(router, 'new')).toBe(3);
  });

  it.each(['../x', '__proto__', 'A', '', 'a b', 'a/b', 'ü', 'x'.repeat(64)])('never asks the store for a model named %j', async (name) => {
    const source = new FakeSource();
    const router = await routerOf(source, { pollMs: 60_000 });
    const before = source.asked;
    await expect(router.lease({ model: name })).rejects.toMatchObject({ status: 404 });
    expect(source.asked).toBe(before);
  });

  it('loads other versions on demand, once, and keeps the most recent few', async () => {
    const source = new FakeSource();
    source.route('m', { champion: 1, challenger: 4 });
    const router = await routerOf(source, { extraVersionsMax: 2 });
    const leases = await Promise.all([2, 2, 2].map((version) => router.lease({ model: 'm', version })));
    expect(leases.map((lease) => lease.servable.version)).toEqual([2, 2, 2]);
    expect(source.loaded.filter((servable) => servable.version === 2).length).toBe(1);
    for (const lease of leases) lease.release();
    (await router.lease({ model: 'm', version: 3 })).release();
    (await router.lease({ model: 'm', alias: 'challenger' })).release();
    expect(source.servable(2).disposed()).toBe(true);
    expect(source.servable(3).disposed()).toBe(false);
    expect((await router.lease({ model: 'm', version: 1 })).servable.preprocessor).toBe(source.servable(1).preprocessor);
    await expect(router.lease({ model: 'm', version: 77 })).rejects.toMatchObject({ code: 'VERSION_INVALID' });
    await expect(router.lease({ model: 'm', alias: 'toString' })).rejects.toMatchObject({ status: 404 });
  });

  it('promotes a version that was loaded on demand without loading it again', async () => {
    const source = new FakeSource();
    source.route('m', { champion: 1 });
    const router = await routerOf(source, { extraVersionsMax: 1 });
    (await router.lease({ model: 'm', version: 2 })).release();
    source.route('m', { champion: 2 });
    await eventually(async () => (await versionOf(router)) === 2);
    (await router.lease({ model: 'm', version: 5 })).release();
    (await router.lease({ model: 'm', version: 6 })).release();
    expect(source.loaded.filter((servable) => servable.version === 2).length).toBe(1);
    expect(source.servable(2).disposed()).toBe(false);
  });

  it('goes on finding models and trying again where the clock is set back', async () => {
    const source = new FakeSource();
    source.route('m', { champion: 1 });
    const router = await routerOf(source);
    source.broken.add(2);
    source.route('m', { champion: 2 });
    await eventually(() => router.states()[0]!.error !== undefined);
    const real = Date.now;
    const set = vi.spyOn(Date, 'now').mockImplementation(() => real() - 86_400_000);
    try {
      source.broken.clear();
      source.route('later', { champion: 7 });
      await eventually(async () => (await versionOf(router)) === 2);
      await eventually(() => router.states().some(({ model }) => model === 'later'));
    } finally {
      set.mockRestore();
    }
  });

  it('frees everything when it stops', async () => {
    const source = new FakeSource();
    source.route('m', { champion: 1 });
    const router = await routerOf(source);
    (await router.lease({ model: 'm', version: 2 })).release();
    await router.stop();
    expect(source.loaded.every((servable) => servable.disposed())).toBe(true);
  });
});
