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
  const fingerprint = (model: ArtifactRef, champion?: string, pipeline = 'penguins'): Promise<unknown> =>
    evaluateStep.fingerprint!(
      { pipeline, stepId: 'evaluate', documentDir: '/', nominalTime: '2024-01-01T00:00:00Z', secret: () => '', store },
      champion === undefined ? {} : { champion },
      { model },
    );

  const none = (of: string): unknown => ({ pipeline: 'penguins', champion: { of, none: true } });
  expect(await fingerprint(first)).toEqual(none('penguins'));
  await registry.register({ model: 'penguins', modelRef: first, pipeline: 'penguins', runId: 'r', stepId: 'register', metrics: {} });
  expect(await fingerprint(second)).toEqual(none('penguins'));
  await registry.promote('penguins', 1, { who: 'test', why: 'test' });
  const first1 = { version: 1, model: first.digest };
  expect(await fingerprint(second)).toEqual({ pipeline: 'penguins', champion: { of: 'penguins', ...first1 } });
  // A cached re-run: what was judged before it became the champion need not be judged again.
  expect(await fingerprint(first)).toEqual(none('penguins'));
  expect(await fingerprint(second, 'another')).toEqual(none('another'));

  // A copied document has champions of its own, also where they are the very same models with the very same numbers.
  await registry.register({ model: 'copy', modelRef: first, pipeline: 'copy', runId: 'r', stepId: 'register', metrics: {} });
  await registry.promote('copy', 1, { who: 'test', why: 'test' });
  expect(await fingerprint(second, undefined, 'copy')).toEqual({ pipeline: 'copy', champion: { of: 'copy', ...first1 } });
});
