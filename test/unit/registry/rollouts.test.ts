import { beforeEach, describe, expect, it } from 'vitest';
import type { ArtifactStore } from '../../../src/core/ports.ts';
import { createRegistry } from '../../../src/registry/registry.ts';
import type { Registry } from '../../../src/registry/registry.ts';
import {
  beginRollout,
  changeRollout,
  currentRollout,
  endRollout,
  finishRollout,
  readRollout,
  stepRollout,
  writeRollout,
} from '../../../src/registry/rollouts.ts';
import { readRouting, rebuildRouting } from '../../../src/registry/routing.ts';
import type { RolloutRecord } from '../../../src/registry/types.ts';
import type { RunReport } from '../../../src/runs/runs.ts';
import { withStandingNow } from '../../../src/runs/standing-now.ts';
import { createArtifactStore } from '../../../src/storage/artifact-store.ts';
import { MemoryStore } from '../../../src/storage/memory-store.ts';
import { tempDir } from '../../support/temp-dir.ts';

const SPEC = { kind: 'canary', steps: [{ share: 0.1, forMs: 1_000 }], minRequests: 1, then: 'promote' } as unknown as RolloutRecord['spec'];
const by = { who: 'ada', why: 'test' };
let store: MemoryStore;
let artifacts: ArtifactStore;
let registry: Registry;

beforeEach(async () => {
  store = new MemoryStore();
  artifacts = createArtifactStore(store, tempDir('blobs'));
  registry = createRegistry(store, artifacts);
  for (const text of ['one', 'two', 'three', 'four']) {
    const files = { 'profile.json': Buffer.from('{}'), 'preprocessor.json': Buffer.from('{}') };
    const modelRef = await artifacts.write({ kind: 'model', summary: text, files, meta: { text } });
    await registry.register({ model: 'm', modelRef, pipeline: 'p', runId: text, stepId: 'register', nominalTime: '2026-01-01T00:00:00Z' });
  }
  await registry.promote('m', 1, by);
  await registry.promote('m', 2, by);
});

const begin = (id: string, candidate: number, judged: { model: string; version: number | null; judged: string }[] = []) =>
  beginRollout(store, 'm', { id, kind: 'canary', candidate, share: 0.1 }, { ...by, judged });

const routing = async () => (await readRouting(store, 'm'))!.routing;

describe('a rollout in the routing', () => {
  it('begins beside the champion, over which it was judged, forward only, and never against a pin', async () => {
    expect(await begin('a', 3, [{ model: 'm', version: 2, judged: 'x' }])).toMatchObject({ changed: true, from: 2, to: 3 });
    expect(await routing()).toMatchObject({
      aliases: { champion: 2 },
      rollout: { id: 'a', champion: 2, candidate: 3, share: 0.1, step: 0 },
    });
    expect(await begin('a', 3)).toMatchObject({ changed: false });
    await expect(begin('b', 4, [{ model: 'm', version: 1, judged: 'x' }])).rejects.toMatchObject({ code: 'CHAMPION_CHANGED' });
    await expect(begin('b', 1)).rejects.toMatchObject({ code: 'VERSION_OUTDATED' });
    await registry.rollback('m', { ...by, to: 2 });
    await expect(begin('b', 4)).rejects.toMatchObject({ code: 'ROUTING_PINNED' });
    expect(await currentRollout(store, 'm')).toBeUndefined();
  });

  it('goes on beside what is older than its candidate: no automation goes back behind it', async () => {
    await begin('a', 4);
    for (const move of [() => begin('b', 3), () => registry.promote('m', 3, { ...by, automatic: true, judged: [] })])
      await expect(move()).rejects.toMatchObject({
        code: 'VERSION_OUTDATED',
        message: '"m" version 3, which was made before version 4 (ada), does not replace it.',
        details: { version: 4, who: 'ada' },
      });
    expect(await routing()).toMatchObject({ aliases: { champion: 2 }, rollout: { id: 'a' } });
    // By hand it does.
    await registry.promote('m', 3, by);
    expect((await routing()).rollout).toBeUndefined();
  });

  it('ends as it was to where its candidate is promoted: there is nothing more to say', async () => {
    await begin('a', 3);
    expect(await registry.promote('m', 3, by)).toMatchObject({ changed: true, ended: { id: 'a' } });
    expect((await routing()).transition.why).toBe('test');
  });

  it.each([
    ['a promotion by hand', () => registry.promote('m', 4, by), 4],
    ['a promotion of the champion itself', () => registry.promote('m', 2, by), 2],
    ['a rollback, which goes to the champion', () => registry.rollback('m', by), 2],
    ['a rollback to a version', () => registry.rollback('m', { ...by, to: 1 }), 1],
    ['a promotion by a run', () => registry.promote('m', 4, { ...by, automatic: true, judged: [] }), 4],
  ])('ends with %s, which says so', async (_name, change, champion) => {
    await begin('a', 3);
    expect(await change()).toMatchObject({ changed: true, ended: { id: 'a', candidate: 3 } });
    const now = await routing();
    expect(now.aliases['champion']).toBe(champion);
    expect(now.rollout).toBeUndefined();
    expect(now.transition.why).toContain('test. Ends the canary of version 3 (rollout a).');
    // Whoever was slower changes nothing any more.
    expect(await stepRollout(store, 'm', 'a', { step: 1, share: 0.5 }, by)).toMatchObject({ changed: false });
    expect(await finishRollout(store, 'm', { id: 'a', candidate: 3 }, { ...by, automatic: true, judged: [] })).toMatchObject({
      changed: false,
    });
    expect((await routing()).aliases['champion']).toBe(champion);
  });

  it.each([
    ['another alias', () => registry.setAlias('m', 'challenger', 4, by)],
    [
      'a run that makes the champion again',
      () => registry.promote('m', 2, { ...by, automatic: true, judged: [], fallback: 'nothing' as const }),
    ],
    ['the deletion of another version', () => registry.deleteVersion('m', 4, by)],
  ])('goes on beside %s', async (_name, change) => {
    await begin('a', 3);
    await change();
    expect((await routing()).rollout).toMatchObject({ id: 'a' });
  });

  it('keeps its candidate from being deleted', async () => {
    await begin('a', 3);
    await expect(registry.deleteVersion('m', 3, by)).rejects.toThrow('a rollout sends traffic to it');
  });

  it('ends by another one, and is promoted once, with its champion as the way back', async () => {
    await begin('a', 3);
    expect(await begin('b', 4)).toMatchObject({ changed: true, ended: { id: 'a' } });
    expect(await endRollout(store, 'm', 'a', { ...by, automatic: true })).toMatchObject({ changed: false });
    expect(await stepRollout(store, 'm', 'b', { step: 1, share: 0.5 }, by)).toMatchObject({ changed: true });
    expect(await finishRollout(store, 'm', { id: 'b', candidate: 4 }, { ...by, automatic: true, judged: [] })).toMatchObject({
      from: 2,
      to: 4,
    });
    expect(await routing()).toMatchObject({ aliases: { champion: 4 }, previous: [2, 1] });
    expect((await registry.history('m')).map(({ action }) => action)).toEqual([
      'promote',
      'promote',
      'rollout',
      'rollout',
      'rolloutStep',
      'promote',
    ]);
  });

  it('is not promoted where the champion of another model, which it was judged against, is another one by now', async () => {
    const modelRef = await artifacts.write({ kind: 'model', summary: 'o', files: { 'profile.json': Buffer.from('{}') }, meta: {} });
    await registry.register({ model: 'other', modelRef, pipeline: 'p', runId: 'r', stepId: 'register' });
    await begin('a', 3, [{ model: 'other', version: null, judged: 'x' }]);
    await registry.promote('other', 1, by);
    const judged = [{ model: 'other', version: null, judged: 'x' }];
    await expect(finishRollout(store, 'm', { id: 'a', candidate: 3 }, { ...by, automatic: true, judged })).rejects.toMatchObject({
      code: 'CHAMPION_CHANGED',
    });
    // A person decides for themselves.
    expect(await finishRollout(store, 'm', { id: 'a', candidate: 3 }, { ...by, automatic: false, judged })).toMatchObject({
      changed: true,
    });
  });

  it('is part of what the history alone tells', async () => {
    await begin('a', 3);
    expect(await rebuildRouting(store, 'm')).toEqual(await routing());
    await endRollout(store, 'm', 'a', { ...by, automatic: false });
    expect(await rebuildRouting(store, 'm')).toEqual(await routing());
  });
});

describe('what a run says of the version that it rolled out', () => {
  const run = (version: number): RunReport =>
    ({
      model: 'm',
      version,
      runId: 'r',
      status: 'completed',
      live: false,
      standing: 'is registered, not live (rolled out: canary 10 %)',
    }) as RunReport;
  const record = (id: string, candidate: number, change: Partial<RolloutRecord> = {}): Promise<void> =>
    writeRollout(store, {
      formatVersion: 1,
      name: 'm',
      id,
      champion: 2,
      candidate,
      spec: SPEC,
      pipeline: 'p',
      runId: 'r',
      judged: [],
      startedAt: '2026-01-01T00:00:00.000Z',
      state: 'running',
      step: 0,
      stepStartedAt: '2026-01-01T00:00:00.000Z',
      ...change,
    });
  const said = async (version: number) => (await withStandingNow(run(version), store)).standing;

  it('is what came of it', async () => {
    await begin('a', 3);
    await record('a', 3);
    expect(await said(3)).toBe('takes over: 10 % of the traffic now, by the canary that goes on');
    await begin('b', 4);
    await record('b', 4);
    // Its workflow may not have told yet.
    expect(await said(3)).toBe('is registered, not live (its canary ended: another change of the routing came before its end)');
    await record('a', 3, { state: 'superseded', by: 'ada', why: 'test.' });
    expect(await said(3)).toBe('is registered, not live (its canary ended, superseded by ada: test)');
    await endRollout(store, 'm', 'b', { ...by, automatic: true });
    await record('b', 4, { state: 'returned', by: 'rollout b', why: '3 of 10 requests fail.' });
    expect(await said(4)).toBe('is registered, not live (its canary ended, returned by rollout b: 3 of 10 requests fail)');
    await registry.promote('m', 4, by);
    expect(await said(4)).toBe('is live by now');
  });

  it('is written once, by whoever of those that end, drive and watch it is the first; what was concluded is kept', async () => {
    await record('a', 3);
    const findings = (...found: object[]) => ({ evidence: [{ steps: [], findings: found }] as never });
    const ended = { state: 'promoted', by: 'rollout a', why: 'Every step was passed.', endedAt: '2026-01-02T00:00:00.000Z' } as const;
    await Promise.all([
      changeRollout(store, 'm', 'a', { ...ended, ...findings({ check: 'errors' }) }),
      changeRollout(store, 'm', 'a', { ...ended, why: 'seen later', ...findings() }),
      changeRollout(store, 'm', 'a', { step: 1 }),
    ]);
    const { why, state, evidence } = await readRollout(store, 'm', 'a');
    expect([why, state]).toEqual(['Every step was passed.', 'promoted']);
    expect(evidence).toMatchObject([{ findings: [{ check: 'errors' }] }]);
    await changeRollout(store, 'm', 'a', { state: 'running', why: 'late', step: 0 });
    expect(await readRollout(store, 'm', 'a')).toMatchObject({ state: 'promoted', why: 'Every step was passed.' });
    await expect(changeRollout(store, 'm', 'none', {})).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });
});
