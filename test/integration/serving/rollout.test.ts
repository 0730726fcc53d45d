import { beforeAll, describe, expect, it } from 'vitest';
import { listRollouts } from '../../../src/registry/rollouts.ts';
import { askRollout, drivenRollout } from '../../../src/runs/rollouts.ts';
import { Perennial } from '../../support/perennial.ts';
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
    const arms = told.filter(({ arm }) => arm !== null).map(({ version, arm }) => `${version} ${arm}`);
    expect(new Set(arms)).toEqual(new Set(['1 champion', '2 candidate']));
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
    const loaded = load(urls, 'r', { callers: 8, everyMs: 2 });
    const record = await set.ended('r');
    await loaded.stop();
    expect(record).toMatchObject({ state: 'returned', why: expect.stringContaining('away from those of the champion') });
    await until(async () => (await predict(urls[0]!, 'r')).arm === null && (await predict(urls[1]!, 'r')).arm === null);
    expect(await predict(urls[1]!, 'r')).toMatchObject({ version: 1, label: 'one' });
    expect((record.evidence as any)[0].findings[0]).toMatchObject({ check: 'predictions', breached: true });
    expect((await set.registry.history('r')).at(-1)).toMatchObject({ action: 'rolloutEnd', automatic: true });
  });
});

describe('a freeze', () => {
  it('that begins while a canary goes on keeps it from taking more and from being promoted, but not by hand', async () => {
    const local = (ms: number): string => new Date(ms).toISOString().slice(0, 19);
    const begun = Date.now();
    for (const name of ['f', 'g']) {
      for (const strength of [20, 21]) await registerConstant(set, name, 0, strength);
      await set.deploy(name, 1, 'allAtOnce');
      await until(async () => (await predict(urls[0]!, name)).version === 1);
    }
    // As slow as this machine is: both rollouts have begun by then, and are looked at before it is over.
    const pause = Math.max(8_000, 3 * (Date.now() - begun));
    const [from, to] = [Date.now() + pause, Date.now() + 2 * pause];
    const more = { freeze: [{ from: local(from), to: local(to), why: 'a holiday' }] };
    const canary = { canary: { steps: [step(50, '1s'), step(90, '1s')], minRequests: 5 } };
    for (const name of ['f', 'g']) expect(await set.deploy(name, 2, canary, more)).toMatchObject({ status: 'completed' });
    await until(() => Date.now() > from + 1_000);
    const loaded = ['f', 'g'].map((name) => load(urls, name, { callers: 1, everyMs: 50 }));
    const waiting = await until(async () => (await listRollouts(set.store, 'f')).find(({ why }) => why !== undefined && why !== ''));
    expect(waiting).toMatchObject({
      state: 'running',
      step: 0,
      why: expect.stringMatching(/^Nothing is promoted until .*: a holiday\.$/) as string,
    });
    expect(await askRollout(set.stage.temporal, 'g', 'promote', by)).toMatchObject({ state: 'promoted' });
    expect((await set.registry.history('g')).at(-1)).toMatchObject({ action: 'promote', who: 'ada' });
    const record = await set.ended('f');
    await Promise.all(loaded.map((one) => one.stop()));
    expect(record).toMatchObject({ state: 'promoted', why: 'Every step was passed.' });
    const later = (await set.registry.history('f')).slice(2);
    expect(later.map(({ action }) => action)).toEqual(['rolloutStep', 'promote']);
    for (const { at } of later) expect(Date.parse(at)).toBeGreaterThanOrEqual(Math.floor(to / 1_000) * 1_000);
  });
});

describe('the command line', () => {
  it('shows a rollout, and ends it; the history tells who', async () => {
    for (const strength of [20, 21]) await registerConstant(set, 'cli', 0, strength);
    await set.deploy('cli', 1, 'allAtOnce');
    await until(async () => (await predict(urls[0]!, 'cli')).version === 1);
    const perennial = new Perennial(set.env);
    expect((await perennial.here(['models', 'rollout', 'show', 'cli'])).stderr).toContain('was ever rolled out');
    await set.deploy('cli', 2, { canary: { steps: [step(50, '10m')] } });
    for (let turn = 0; turn < 20; turn += 1) await predict(urls[turn % 2]!, 'cli');
    const shown = await until(async () => {
      const answer = (await perennial.here(['models', 'rollout', 'show', 'cli', '--json'])).json();
      const { champion, candidate } = answer.steps[0];
      return champion.requests + candidate.requests === 20 ? answer : undefined;
    });
    expect(shown).toMatchObject({ state: 'running', share: 0.5, driven: true });
    expect(shown.servers.map(({ url, loaded }: any) => [url, loaded])).toEqual(expect.arrayContaining(urls.map((url) => [url, true])));
    const aborted = await perennial.run(['models', 'rollout', 'abort', 'cli', '--reason', 'complaints']);
    expect([aborted.code, aborted.stdout]).toEqual([0, expect.stringContaining('was aborted; version 1 stays champion')]);
    expect((await perennial.here(['models', 'rollout', 'resume', 'cli'])).stderr).toContain('No rollout of "cli" goes on');
    // Temporal is not needed to end what it drives.
    await set.deploy('cli', 2, { canary: { steps: [step(50, '10m')] } });
    const alone = new Perennial({ ...set.env, TEMPORAL_ADDRESS: '127.0.0.1:1' });
    const ended = await alone.run(['models', 'rollout', 'abort', 'cli']);
    expect([ended.code, ended.stdout]).toEqual([0, expect.stringContaining('Temporal does not answer')]);
    expect(await set.ended('cli')).toMatchObject({ state: 'aborted' });
  });
});

describe('a version with another signature', () => {
  it('is refused, and tried where that is declared', async () => {
    const signature = { inputs: [{ name: 'a', type: 'double', required: true }], outputs: [], windowSize: 1 } as const;
    await registerConstant(set, 'sig', 0, 20, signature);
    await registerConstant(set, 'sig', 0, 21, { ...signature, inputs: [...signature.inputs, { name: 'b', type: 'long', required: true }] });
    await set.deploy('sig', 1, 'allAtOnce');
    const refused = await set.deploy('sig', 2, { canary: { steps: [step(50, '10m')] } });
    expect(refused).toMatchObject({ status: 'rejected' });
    expect(refused.steps.at(-1)!.verdict!.reasons[0]).toContain('it reads the column "b" besides');
    expect(await set.deploy('sig', 2, { canary: { steps: [step(50, '10m')], signature: 'any' } })).toMatchObject({ status: 'completed' });
    expect(await set.going('sig')).toBe(true);
    await askRollout(set.stage.temporal, 'sig', 'abort', by);
    const unfit = await set.deploy('sig', 2, { shadow: { percent: 5, for: '1h', meanDifferenceAtMost: 1, signature: 'any' } });
    expect(unfit.steps.at(-1)!.verdict!.reasons[0]).toContain('compares numbers, and the model answers classes');
  });
});

describe('a shadow', () => {
  it('is asked beside the champion, answers nobody, and is only reported', async () => {
    for (const strength of [20, 21]) await registerConstant(set, 's', 0, strength);
    await set.deploy('s', 1, 'allAtOnce');
    await until(async () => (await predict(urls[0]!, 's')).version === 1);
    await set.deploy('s', 2, { shadow: { percent: 50, for: '1s', minRequests: 20, agreementAtLeast: 0.9 } });
    const loaded = load(urls, 's');
    const record = await set.ended('s');
    const told = await loaded.stop();
    expect(record).toMatchObject({ state: 'finished' });
    expect(new Set(told.map(({ status, version }) => `${status} ${version}`))).toEqual(new Set(['200 1']));
    const { shadow, candidate } = (record.evidence as any)[0].steps[0];
    expect(candidate.requests).toBeGreaterThanOrEqual(20);
    expect(shadow).toMatchObject({ rows: candidate.requests, same: candidate.requests });
    expect((await set.registry.routing('s'))!.routing.aliases).toEqual({ champion: 1 });
  });

  it('ends at once where it disagrees', async () => {
    for (const label of [0, 1]) await registerConstant(set, 'd', label);
    await set.deploy('d', 1, 'allAtOnce');
    await until(async () => (await predict(urls[0]!, 'd')).version === 1);
    await set.deploy('d', 2, { shadow: { percent: 80, for: '10m', agreementAtLeast: 0.9, then: 'promote' } });
    const loaded = load(urls, 'd');
    expect(await set.ended('d')).toMatchObject({ state: 'returned', why: expect.stringContaining('classes are the same') });
    await loaded.stop();
  });
});

describe('an A/B test', () => {
  it('shows a caller the same version everywhere, and promotes the one that feedback finds better', async () => {
    for (const label of [0, 1]) await registerConstant(set, 'b', label);
    await set.deploy('b', 1, 'allAtOnce');
    await until(async () => (await predict(urls[0]!, 'b')).version === 1);
    await set.deploy('b', 2, { abTest: { by: { header: 'X-User' }, metric: 'accuracy', for: '10m', minUnits: 40, then: 'promote' } });
    const arms = new Map<string, string | null>();
    // Before all others, so that it is in what is read first of either log.
    for (const url of urls) expect(await predict(url, 'b')).toMatchObject({ version: 1, arm: null });
    for (let user = 0; user < 120; user += 1) {
      const id = `ask-${user}`;
      const told = await Promise.all(urls.map((url) => predict(url, 'b', { 'x-user': `u${user}`, 'x-request-id': id })));
      expect(new Set(told.map(({ arm }) => arm)).size).toBe(1);
      arms.set(id, told[0]!.arm);
    }
    expect(new Set(arms.values())).toEqual(new Set(['champion', 'candidate']));
    const feedback = [...arms.keys()].map((id) => ({ id, label: 'two' }));
    expect((await fetch(`${urls[0]}/models/b/feedback`, { method: 'POST', body: JSON.stringify(feedback) })).status).toBe(200);
    const record = await set.ended('b');
    expect(record).toMatchObject({ state: 'promoted', why: expect.stringContaining('the candidate is better') });
    const [effect] = (record.evidence as any)[0].findings;
    expect(effect).toMatchObject({ winner: 'candidate', difference: 1, champion: { mean: 0 }, candidate: { mean: 1 } });
    // It is decided as soon as it is clear, while the servers still write their logs.
    expect(Math.min(effect.champion.units, effect.candidate.units)).toBeGreaterThanOrEqual(40);
    expect((record.evidence as any)[0].steps[0].outside).toBeGreaterThanOrEqual(1);
  });
});

describe('one rollout after the other', () => {
  it('ends the one before, loudly, and no request meets its version any more', async () => {
    for (const strength of [20, 21, 22]) await registerConstant(set, 'c', 0, strength);
    await set.deploy('c', 1, 'allAtOnce');
    await until(async () => (await predict(urls[0]!, 'c')).version === 1);
    await set.deploy('c', 2, { canary: { steps: [step(50, '10m')] } });
    const first = (await set.registry.routing('c'))!.routing.rollout!;
    // The same again goes on with it.
    await set.deploy('c', 2, { canary: { steps: [step(50, '10m')] } });
    expect((await set.registry.routing('c'))!.routing.rollout).toEqual(first);
    await set.deploy('c', 3, { canary: { steps: [step(50, '10m')] } });
    const told = await Promise.all(Array.from({ length: 40 }, (_, turn) => predict(urls[turn % 2]!, 'c')));
    expect(new Set(told.map(({ version }) => version))).toEqual(new Set([1, 3]));
    await until(async () => (await listRollouts(set.store, 'c')).find(({ candidate }) => candidate === 2)?.state === 'superseded');
    expect((await set.registry.history('c')).at(-1)!.why).toContain('Ends the canary of version 2');
    // Back from the newest step is the champion, and it is pinned.
    expect(await set.registry.rollback('c', by)).toMatchObject({ from: 1, to: 1, pin: { version: 1 }, ended: { candidate: 3 } });
    expect(await set.ended('c')).toMatchObject({ candidate: 3, state: 'superseded', by: 'ada' });
    const pinned = await set.deploy('c', 3, { canary: { steps: [step(50, '10m')] } });
    expect(pinned).toMatchObject({ status: 'rejected' });
    await set.registry.unpin('c', by);
    // Runs of the past share no traffic either.
    await set.deploy('c', 3, { canary: { steps: [step(50, '10m')] } }, { trigger: 'backfill' });
    expect(await set.going('c')).toBe(false);
  });
});
