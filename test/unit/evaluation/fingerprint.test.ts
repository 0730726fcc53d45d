import { expect, it } from 'vitest';
import evaluateStep from '../../../activities/steps/evaluate.step.ts';
import type { ArtifactRef } from '../../../src/core/artifact.ts';
import { createRegistry } from '../../../src/registry/registry.ts';
import { createArtifactStore } from '../../../src/storage/artifact-store.ts';
import { MemoryStore } from '../../../src/storage/memory-store.ts';
import { tempDir } from '../../support/temp-dir.ts';

it('depends on the champion, unless the champion is the model that is judged', async () => {
  const store = new MemoryStore();
  const artifacts = createArtifactStore(store, tempDir('fingerprint'));
  const registry = createRegistry(store, artifacts);
  const modelOf = (name: string): Promise<ArtifactRef> => artifacts.write({ kind: 'model', summary: name, files: {}, meta: { name } });
  const [first, second] = [await modelOf('first'), await modelOf('second')];
  const fingerprint = (model: ArtifactRef, champion?: string): Promise<unknown> =>
    evaluateStep.fingerprint!(
      { pipeline: 'penguins', stepId: 'evaluate', documentDir: '/', nominalTime: '2024-01-01T00:00:00Z', secret: () => '', store },
      champion === undefined ? {} : { champion },
      { model },
    );

  expect(await fingerprint(first)).toEqual({ champion: null });
  await registry.register({ model: 'penguins', modelRef: first, pipeline: 'penguins', runId: 'r', stepId: 'register', metrics: {} });
  expect(await fingerprint(second)).toEqual({ champion: null });
  await registry.promote('penguins', 1, { who: 'test', why: 'test' });
  expect(await fingerprint(second)).toEqual({ champion: { version: 1, model: first.digest } });
  // A cached re-run: what was judged before it became the champion need not be judged again.
  expect(await fingerprint(first)).toEqual({ champion: null });
  expect(await fingerprint(second, 'another')).toEqual({ champion: null });
});
