import { afterEach, describe, expect, it } from 'vitest';
import type { RolloutRouting } from '../../../src/core/rollout.ts';
import { Router } from '../../../src/serving/router.ts';
import { createServingMetrics } from '../../../src/serving/serving-metrics.ts';
import { ShadowCopies } from '../../../src/serving/shadow-copies.ts';
import { keyOfRows, splitOf } from '../../../src/serving/traffic-split.ts';
import { FakeSource, eventually, silent } from './doubles.ts';

const routers: Router[] = [];
afterEach(async () => {
  await Promise.all(routers.splice(0).map((router) => router.stop()));
});

const rollout = (change: Partial<RolloutRouting> = {}): RolloutRouting => ({
  id: 'r',
  kind: 'canary',
  champion: 1,
  candidate: 2,
  share: 0.3,
  step: 0,
  ...change,
});

async function routerOf(source: FakeSource): Promise<Router> {
  const router = new Router(source, { log: silent, metrics: createServingMetrics() }, { pollMs: 5, discoverMs: 20, loadRetryMs: 10 });
  routers.push(router);
  await router.start();
  return router;
}

describe('the split', () => {
  it('gives chance its share, and a key always the same version, also while the share grows', () => {
    const arms = Array.from({ length: 4_000 }, () => splitOf(rollout(), undefined)!.arm);
    expect(arms.filter((arm) => arm === 'candidate').length / 4_000).toBeCloseTo(0.3, 1);
    const by = { header: 'x-user' };
    const users = Array.from({ length: 2_000 }, (_, user) => `u${user}`);
    const inside = (share: number): Set<string> =>
      new Set(users.filter((user) => splitOf(rollout({ by, share }), user)!.arm === 'candidate'));
    const [few, more] = [inside(0.3), inside(0.6)];
    expect(inside(0.3)).toEqual(few);
    expect(few.size / 2_000).toBeCloseTo(0.3, 1);
    expect([...few].filter((user) => !more.has(user))).toEqual([]);
    // Another rollout shuffles anew: it is not always the same who are tried on.
    const other = users.filter((user) => splitOf(rollout({ by, id: 'other' }), user)!.arm === 'candidate');
    expect(other.filter((user) => few.has(user)).length / other.length).toBeCloseTo(0.3, 1);
  });

  it('is outside of requests without the key, or with several', () => {
    expect(splitOf(rollout({ by: { column: 'user' } }), undefined)).toBeUndefined();
    expect(keyOfRows([{ user: 1 }, { user: 1 }], 'user')).toBe('1');
    expect(keyOfRows([{ user: 1 }, { user: 2 }], 'user')).toBeUndefined();
    expect(keyOfRows([{ user: null }], 'user')).toBeUndefined();
    expect(keyOfRows([], 'user')).toBeUndefined();
  });
});

describe('a router that follows a rollout', () => {
  it('has the candidate in memory as long as it goes on, and takes it over where it becomes champion', async () => {
    const source = new FakeSource();
    source.route('m', { champion: 1 });
    const router = await routerOf(source);
    expect(router.rolloutOf({ model: 'm' })).toBeUndefined();
    source.route('m', { champion: 1 }, { rollout: rollout() });
    await eventually(() => router.states()[0]!.rollout?.loaded === true);
    expect(router.rolloutOf({ model: 'm' })?.rollout).toEqual(rollout());
    expect(router.rolloutOf({ model: 'm', version: 1 })).toBeUndefined();
    expect(router.rolloutOf({ model: 'm', alias: 'challenger' })).toBeUndefined();
    source.route('m', { champion: 2 });
    await eventually(() => router.states()[0]!.version === 2);
    expect(source.loaded.map(({ version }) => version)).toEqual([1, 2]);
    expect(router.rolloutOf({ model: 'm' })).toBeUndefined();
  });

  it('lets go of the candidate when it is over, after its last request', async () => {
    const source = new FakeSource();
    source.route('m', { champion: 1 }, { rollout: rollout() });
    const router = await routerOf(source);
    await eventually(() => router.states()[0]!.rollout?.loaded === true);
    const lease = router.leaseCandidate('m', rollout())!;
    source.route('m', { champion: 1 }, { rollout: rollout({ id: 's', candidate: 3 }) });
    await eventually(() => router.states()[0]!.rollout?.candidate === 3 && router.states()[0]!.rollout?.loaded === true);
    expect(router.leaseCandidate('m', rollout())).toBeUndefined();
    expect(source.servable(2).disposed()).toBe(false);
    lease.release();
    expect(source.servable(2).disposed()).toBe(true);
  });

  it('answers with the champion while the candidate cannot be loaded, and says why', async () => {
    const source = new FakeSource();
    source.broken.add(2);
    source.route('m', { champion: 1 }, { rollout: rollout() });
    const router = await routerOf(source);
    await eventually(() => router.states()[0]!.rollout?.error !== undefined);
    expect(router.states()[0]!.rollout!.error).toContain('version 2 cannot be loaded');
    expect(router.leaseCandidate('m', rollout())).toBeUndefined();
    expect(router.rollouts()[0]).toMatchObject({ model: 'm', loaded: false, error: expect.stringContaining('digest') });
    (await router.lease({ model: 'm' })).release();
  });

  it('says since when it is cut off', async () => {
    const source = new FakeSource();
    source.route('m', { champion: 1 });
    const router = await routerOf(source);
    expect(router.cutOffSince).toBeUndefined();
    source.down = true;
    await eventually(() => router.cutOffSince !== undefined);
    expect(router.states()[0]).toMatchObject({ version: 1, since: expect.stringMatching(/^\d{4}-/) });
    source.down = false;
    await eventually(() => router.cutOffSince === undefined);
  });
});

describe('copies for a shadow', () => {
  it('are made one at a time, and not at all where too many wait', async () => {
    const copies = new ShadowCopies();
    let [running, most, done] = [0, 0, 0];
    const work = async (): Promise<void> => {
      running += 1;
      most = Math.max(most, running);
      await new Promise((resolve) => setTimeout(resolve, 1));
      running -= 1;
      done += 1;
    };
    const taken = Array.from({ length: 100 }, () => copies.add(work)).filter(Boolean).length;
    expect(taken).toBeLessThan(20);
    await eventually(() => done === taken);
    expect(most).toBe(1);
  });
});
