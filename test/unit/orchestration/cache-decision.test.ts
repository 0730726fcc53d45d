import { beforeEach, describe, expect, it } from 'vitest';
import type { ArtifactRef } from '../../../src/core/artifact.ts';
import type { FingerprintContext, StepDefinition } from '../../../src/core/step.ts';
import { unseen } from '../../../src/core/step.ts';
import type { ArtifactStore } from '../../../src/core/ports.ts';
import { changedWhile, decide, hitReason, partsOf } from '../../../src/steps/cache-decision.ts';
import type { CacheableStep } from '../../../src/steps/cache-decision.ts';
import { StepCache, cacheKey, missReason } from '../../../src/steps/cache.ts';
import type { KeyParts } from '../../../src/steps/cache.ts';
import { createArtifactStore } from '../../../src/storage/artifact-store.ts';
import { blobKey } from '../../../src/storage/blobs.ts';
import { sha256 } from '../../../src/storage/digest.ts';
import { MemoryStore } from '../../../src/storage/memory-store.ts';
import { tempDir } from '../../support/temp-dir.ts';

const STEP: CacheableStep = { id: 'load', type: 'ingest', version: 3, config: { source: 'a.csv', token: { $secret: 'TOKEN' } } };
const INPUT: ArtifactRef = { kind: 'data', digest: 'd1', summary: '' };
const context = { secret: (name: string) => `value of ${name}` } as FingerprintContext;
const definition = (more: Partial<StepDefinition> = {}): StepDefinition => more as StepDefinition;
const parts = async (of: StepDefinition, step = STEP): Promise<KeyParts> =>
  (await partsOf(of, step, { data: INPUT }, context, 'c1')) as KeyParts;

let store: MemoryStore;
let artifacts: ArtifactStore;
let cache: StepCache;

beforeEach(() => {
  store = new MemoryStore();
  artifacts = createArtifactStore(store, tempDir('copies'));
  cache = new StepCache(store, artifacts);
});

describe('what a key covers', () => {
  it('is the step, its configuration, inputs, code, libraries, secrets by digest, and what it sees of the world', async () => {
    const seen = await parts(
      definition({ fingerprint: (_context, config, inputs) => Promise.resolve([config['source']!, inputs.data!.digest]) }),
    );
    expect(seen).toMatchObject({ step: 'ingest@3', config: STEP.config, inputs: { data: 'd1' }, code: 'c1', fingerprint: ['a.csv', 'd1'] });
    expect(seen.libraries).toHaveProperty('node');
    expect(Object.keys(seen.secrets)).toEqual(['TOKEN']);
    expect(seen.secrets['TOKEN']).toMatch(/^[0-9a-f]{32}$/);
    const other = (await partsOf(definition(), STEP, {}, { ...context, secret: () => 'another' }, 'c1')) as KeyParts;
    expect(other.secrets['TOKEN']).not.toBe(seen.secrets['TOKEN']);
    expect(other.fingerprint).toBeNull();
  });

  it('is nothing where not all can be seen, and says why', async () => {
    expect(await partsOf(definition({ fingerprint: () => Promise.resolve(unseen('it reads a clock')) }), STEP, {}, context, 'c1')).toBe(
      'not cached: it reads a clock',
    );
  });

  it('reads every source anew', async () => {
    await expect(parts(definition({ fingerprint: () => Promise.reject(new Error('no source')) }))).rejects.toThrow('no source');
  });
});

describe('a decision', () => {
  const written = async (key: string): Promise<ArtifactRef> => {
    const ref = await artifacts.write({ kind: 'data', summary: 'one', files: { 'a.txt': Buffer.from('hello') }, meta: {} });
    await cache.write(key, { runId: 'r1', createdAt: '2026-01-01T00:00:00Z', result: { outputs: { data: ref } } });
    return ref;
  };
  const ask = (of: KeyParts | string, unread?: string, more: Partial<StepDefinition> = {}) =>
    decide(cache, definition(more), STEP, of, 'p', unread);

  it('is a hit where the very same was computed, in words of what was compared', async () => {
    const mine = await parts(definition());
    await written(cacheKey(mine));
    expect(await ask(mine)).toMatchObject({
      kind: 'hit',
      entry: { runId: 'r1', formatVersion: 2 },
      reason: 'same step, configuration, inputs and code as in run r1; same secret TOKEN',
    });
    expect(await ask(mine, undefined, { covers: () => ['source file'] })).toMatchObject({
      reason: 'same step, configuration, inputs and code as in run r1; same source file, secret TOKEN',
    });
  });

  it('is a miss where it is not to be read, whatever is there', async () => {
    const mine = await parts(definition());
    await written(cacheKey(mine));
    expect(await ask(mine, '--no-cache')).toEqual({ kind: 'miss', key: cacheKey(mine), parts: mine, reason: '--no-cache' });
  });

  it('is a miss with what is new since the last time of this step in this pipeline', async () => {
    const mine = await parts(definition());
    expect(await ask(mine)).toEqual({ kind: 'miss', key: cacheKey(mine), parts: mine, reason: 'first run' });
    await cache.writeLast('p', 'load', { parts: { ...mine, code: 'c0' } });
    expect(await ask(mine)).toMatchObject({ reason: 'code changed' });
    await cache.writeLast('p', 'load', { parts: mine, notCached: 'it holds a secret' });
    expect(await ask(mine)).toMatchObject({ reason: 'its last result was not cached: it holds a secret' });
    await cache.writeLast('q', 'load', { parts: mine });
    expect(await decide(cache, definition(), STEP, mine, 'q')).toMatchObject({ reason: 'its cache entry is gone' });
  });

  it('is none where the parts are not known', async () => {
    expect(await ask('not cached: why')).toEqual({ kind: 'not cached', reason: 'not cached: why' });
  });

  it('is a miss where bytes are gone, or not those that were written', async () => {
    const mine = await parts(definition());
    await written(cacheKey(mine));
    await store.put(blobKey(sha256('hello')), Buffer.from('HELLO'));
    expect(await ask(mine)).toMatchObject({
      kind: 'miss',
      reason: 'the cached data is corrupt: the bytes of a.txt are not those that were written',
    });
    await store.delete(blobKey(sha256('hello')));
    expect(await ask(mine)).toMatchObject({ kind: 'miss', reason: 'the cached data is incomplete: its file a.txt is gone' });
  });

  it('is a miss where the artifact, or its manifest, cannot be read', async () => {
    const mine = await parts(definition());
    const ref = await written(cacheKey(mine));
    let manifest: string | undefined;
    for await (const { key } of store.list('artifacts/')) manifest = key;
    await store.put(manifest!, Buffer.from('{'));
    expect(await ask(mine)).toMatchObject({ kind: 'miss', reason: expect.stringMatching(/^the cached data is corrupt: /) });
    await store.delete(manifest!);
    expect(await ask(mine)).toMatchObject({ kind: 'miss', reason: expect.stringMatching(/^the cached data is incomplete: .*/) });
    expect(ref.kind).toBe('data');
  });

  it('names few of many files', async () => {
    const mine = await parts(definition());
    const names = ['a', 'b', 'c', 'd', 'e'];
    const ref = await artifacts.write({
      kind: 'data',
      summary: '',
      files: Object.fromEntries(names.map((name) => [name, Buffer.from(name)])),
      meta: {},
    });
    await cache.write(cacheKey(mine), { runId: 'r1', createdAt: '', result: { outputs: { data: ref } } });
    for (const name of names.slice(0, 4)) await store.put(blobKey(sha256(name)), Buffer.from('x'));
    expect(await ask(mine)).toMatchObject({
      reason: 'the cached data is corrupt: the bytes of a, b, c and 1 more are not those that were written',
    });
    for (const name of names.slice(0, 2)) await store.delete(blobKey(sha256(name)));
    expect(await ask(mine)).toMatchObject({ reason: 'the cached data is incomplete: 2 of its files are gone' });
  });

  it('takes a torn or older entry for none', async () => {
    const mine = await parts(definition());
    await store.put(`cache/${cacheKey(mine)}.json`, Buffer.from('{"formatVersion"'));
    expect(await ask(mine)).toMatchObject({ kind: 'miss', reason: 'first run' });
    await store.put(`cache/${cacheKey(mine)}.json`, Buffer.from('{"formatVersion":1,"runId":"r","result":{"outputs":{}}}'));
    expect(await ask(mine)).toMatchObject({ kind: 'miss', reason: 'first run' });
  });
});

it('a hit names one secret, or several', () => {
  expect(hitReason('r', { secrets: {} })).toBe('same step, configuration, inputs and code as in run r');
  expect(hitReason('r', { secrets: { A: '1', B: '2' } }, ['locale'])).toBe(
    'same step, configuration, inputs and code as in run r; same locale, secrets A, B',
  );
});

it('tells what changed while a step ran', async () => {
  const before = await parts(definition());
  expect(changedWhile(before, { ...before })).toBeUndefined();
  expect(changedWhile(before, { ...before, code: 'c2' })).toBe('while it ran, code changed');
  expect(changedWhile(before, 'not cached: a file came')).toBe('a file came');
});

it('names the paths that changed, few of many', () => {
  const base: KeyParts = { step: 's@1', config: {}, inputs: {}, code: 'c', fingerprint: null, libraries: {}, secrets: {} };
  const reason = (last: Partial<KeyParts>, now: Partial<KeyParts>): string => missReason({ ...base, ...now }, { ...base, ...last });
  expect(reason({ config: { a: 1, b: 1, c: 1, d: 1 } }, { config: { a: 2, b: 2, c: 2, d: 2 } })).toBe('config changed: a, b, c, d');
  expect(reason({ config: { a: 1, b: 1, c: 1, d: 1, e: 1 } }, { config: {} })).toBe('config changed: a, b, c, d and 1 more');
  expect(reason({ config: { a: [1], b: null } }, { config: { a: { x: 1 }, b: { y: 1 } } })).toBe('config changed: a, b');
  expect(reason({ fingerprint: { a: 1, b: 1, c: 1, d: 1 } }, { fingerprint: { a: 2, b: 2, c: 2, d: 2 } })).toBe('source changed: a, b, c');
  expect(reason({ fingerprint: 'x' }, { fingerprint: { a: 1 } })).toBe('source changed');
  expect(reason({ fingerprint: { a: 1 } }, { fingerprint: [1] })).toBe('source changed');
  expect(reason({ libraries: { node: '20' } }, { libraries: { tf: '2' } })).toBe('tf is now 2, was not used; node is now not used, was 20');
  expect(reason({ inputs: { a: '1' } }, { inputs: { b: '1' } })).toBe('input b changed; input a changed');
});
