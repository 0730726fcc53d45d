import { beforeAll, describe, expect, it } from 'vitest';
import { askRollout, drivenRollout } from '../../../src/runs/rollouts.ts';
import { until } from '../../support/until.ts';
import { registerConstant } from './models.ts';
import { load, predict, setRolloutStage } from './rollout-stage.ts';
import type { RolloutStage } from './rollout-stage.ts';

const by = { who: 'ada', why: 'test' };
let set: RolloutStage;
let urls: readonly string[];

beforeAll(async () => {
  set = await setRolloutStage();
  await set.stage.startWorker();
  urls = await Promise.all([set.server(), set.server()].map(async (one) => (await one).url));
});

const step = (percent: number, time: string): object => ({ percent, for: time });

describe('a canary', () => {
  it('takes its shares one after the other on every server, and is promoted after the last', async () => {
    for (const strength of [20, 21]) await registerConstant(set, 'm', 0, strength);
    const first = await set.deploy('m', 1, { canary: { steps: [step(10, '1s')] } });
    expect(first).toMatchObject({ status: 'completed', live: true });
    await until(async () => (await predict(urls[0]!)).version === 1 && (await predict(urls[1]!)).version === 1);
    const run = await set.deploy('m', 2, { canary: { steps: [step(20, '1500ms'), step(60, '1500ms')], minRequests: 20 } });
    expect(run).toMatchObject({ status: 'completed', live: false, standing: 'is registered, not live (rolled out: canary 20 % → 60 %)' });
    const loaded = load(urls);
    const record = await set.ended('m');
    const told = await loaded.stop();
    expect(record).toMatchObject({ state: 'promoted', champion: 1, candidate: 2 });
    expect(told.filter(({ status }) => status !== 200)).toEqual([]);
    expect(new Set(told.map(({ version, arm }) => `${version} ${arm}`))).toEqual(new Set(['1 champion', '2 candidate', '2 null']));
    await until(async () => (await predict(urls[0]!)).arm === null && (await predict(urls[1]!)).arm === null);
    expect(await predict(urls[0]!)).toMatchObject({ version: 2 });
    expect((await set.registry.history('m')).map(({ action, from, to }) => `${action} ${from}-${to}`)).toEqual([
      'promote null-1',
      'rollout 1-2',
      'rolloutStep 1-2',
      'promote 1-2',
    ]);
    const steps = (record.evidence as any)[0].steps;
    expect(steps[0].candidate.requests).toBeGreaterThanOrEqual(20);
    expect(steps[0].candidate.requests / (steps[0].candidate.requests + steps[0].champion.requests)).toBeCloseTo(0.2, 0);
    expect(steps[1].candidate.requests).toBeGreaterThanOrEqual(20);
  });

  it('is aborted by hand, paused and resumed, each in the history of the model', async () => {
    for (const strength of [20, 21]) await registerConstant(set, 'a', 0, strength);
    await set.deploy('a', 1, 'allAtOnce');
    await set.deploy('a', 2, { canary: { steps: [step(50, '10m')] } });
    expect(await askRollout(set.stage.temporal, 'a', 'pause', by)).toMatchObject({ state: 'paused', share: 0.5 });
    await expect(askRollout(set.stage.temporal, 'a', 'pause', by)).rejects.toThrow('paused already');
    expect(await askRollout(set.stage.temporal, 'a', 'resume', by)).toMatchObject({ state: 'running' });
    expect(await askRollout(set.stage.temporal, 'a', 'abort', by)).toMatchObject({ state: 'aborted' });
    expect(await set.going('a')).toBe(false);
    expect(await set.ended('a')).toMatchObject({ state: 'aborted', by: 'ada' });
    expect((await set.registry.history('a')).slice(2).map(({ action, who, why }) => `${action} ${who} ${why}`)).toEqual([
      'rolloutNote ada Paused the rollout: test',
      'rolloutNote ada Resumed the rollout: test',
      'rolloutEnd ada Aborted the rollout: test',
    ]);
    await until(async () => (await drivenRollout(set.stage.temporal.client, 'a')) === undefined);
  });

  it('is returned within two seconds where its answers are others than those of the champion, with what was counted', async () => {
    for (const label of [0, 1]) await registerConstant(set, 'r', label);
    await set.deploy('r', 1, 'allAtOnce');
    await until(async () => (await predict(urls[0]!, 'r')).version === 1);
    await set.deploy('r', 2, { canary: { steps: [step(50, '10m')], analysis: { predictions: { distanceAtMost: 0.3 } } } });
    const loaded = load(urls, 'r', { callers: 8 });
    const record = await set.ended('r');
    await loaded.stop();
    expect(record).toMatchObject({ state: 'returned', why: expect.stringContaining('away from those of the champion') });
    await until(async () => (await predict(urls[0]!, 'r')).arm === null && (await predict(urls[1]!, 'r')).arm === null);
    expect(await predict(urls[1]!, 'r')).toMatchObject({ version: 1, label: 'one' });
    expect((record.evidence as any)[0].findings[0]).toMatchObject({ check: 'predictions', breached: true });
    expect((await set.registry.history('r')).at(-1)).toMatchObject({ action: 'rolloutEnd', automatic: true });
  });
});
