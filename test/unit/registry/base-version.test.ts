import { beforeEach, expect, it } from 'vitest';
import { findBaseVersion } from '../../../src/registry/base-version.ts';
import { createRegistry } from '../../../src/registry/registry.ts';
import type { Registry } from '../../../src/registry/registry.ts';
import { createArtifactStore } from '../../../src/storage/artifact-store.ts';
import { MemoryStore } from '../../../src/storage/memory-store.ts';
import { tempDir } from '../../support/temp-dir.ts';

let store: MemoryStore;
let registry: Registry;
const author = { who: 'test', why: 'test' };

async function register(text: string): Promise<void> {
  const artifacts = createArtifactStore(store, tempDir('base-version'));
  const modelRef = await artifacts.write({ kind: 'model', summary: text, files: { 'weights.bin': Buffer.from(text) }, meta: {} });
  await registry.register({ model: 'digits', modelRef, pipeline: 'p', runId: 'r', stepId: 's' });
}

beforeEach(async () => {
  store = new MemoryStore();
  registry = createRegistry(store, createArtifactStore(store, tempDir('base-version')));
  await register('one');
  await register('two');
  await registry.promote('digits', 1, author);
});

it('looks an alias up once per run; the next run sees where it has gone', async () => {
  const run = { pipeline: 'p', runId: 'first' };
  expect((await findBaseVersion(store, 'digits', 'champion', run))?.version).toBe(1);
  await registry.promote('digits', 2, author);
  expect((await findBaseVersion(store, 'digits', 'champion', run))?.version).toBe(1);
  expect((await findBaseVersion(store, 'digits', 'champion', { ...run, runId: 'second' }))?.version).toBe(2);
  expect((await findBaseVersion(store, 'digits', 'champion'))?.version).toBe(2);
  expect((await findBaseVersion(store, 'digits', 'latest', run))?.version).toBe(2);
  expect((await findBaseVersion(store, 'digits', 2, run))?.version).toBe(2);
});

it('remembers as well that there was none, so that all steps of a run agree', async () => {
  const run = { pipeline: 'p', runId: 'first' };
  expect(await findBaseVersion(store, 'digits', 'candidate', run)).toBeUndefined();
  expect(await findBaseVersion(store, 'letters', 'champion', run)).toBeUndefined();
  await registry.setAlias('digits', 'candidate', 2, author);
  expect(await findBaseVersion(store, 'digits', 'candidate', run)).toBeUndefined();
  expect((await findBaseVersion(store, 'digits', 'candidate', { ...run, runId: 'second' }))?.version).toBe(2);
  expect(await findBaseVersion(store, 'digits', 7)).toBeUndefined();
});

it('gives everyone who asks at once the same answer', async () => {
  const run = { pipeline: 'p', runId: 'race' };
  const answers = await Promise.all(
    Array.from({ length: 8 }, async (_, index) => {
      if (index === 4) await registry.promote('digits', 2, author);
      return (await findBaseVersion(store, 'digits', 'champion', run))?.version;
    }),
  );
  expect(new Set(answers).size).toBe(1);
});

it('keeps nothing from being collected: it names no digest', async () => {
  await findBaseVersion(store, 'digits', 'champion', { pipeline: 'p', runId: 'first' });
  const keys: string[] = [];
  for await (const { key } of store.list('bases/')) keys.push(key);
  expect(keys).toEqual(['bases/p/first/digits@champion.json']);
  expect(Buffer.from((await store.get(keys[0]!)).body).toString()).not.toMatch(/[0-9a-f]{64}/);
});
