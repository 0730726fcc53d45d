/**
 * One of many processes that register versions and move aliases at once. Started by the tests as `node racer.js <number> <models>`;
 * waits for a message, works, and answers with what it was told.
 */
import { join } from 'node:path';
import { isPerennialError } from '../../../src/core/errors.ts';
import { perennialHome } from '../../../src/platform/paths.ts';
import { createRegistry } from '../../../src/registry/registry.ts';
import { createArtifactStore } from '../../../src/storage/artifact-store.ts';
import { openStore } from '../../../src/storage/open-store.ts';

const [number = '0', models = '1'] = process.argv.slice(2);
// In the home that the test gave it: who is killed leaves nothing elsewhere.
const cache = join(perennialHome(), `racer-${number}`);

async function work(): Promise<{ versions: number[]; shared: number }> {
  const store = await openStore();
  const artifacts = createArtifactStore(store, cache);
  const registry = createRegistry(store, artifacts);
  const register = async (content: string): Promise<number> => {
    const modelRef = await artifacts.write({
      kind: 'model',
      summary: content,
      files: { 'weights.bin': Buffer.from(content) },
      meta: { content },
    });
    return (await registry.register({ model: 'race', modelRef, pipeline: 'race', runId: `racer-${number}`, stepId: 'register' })).version;
  };
  const versions: number[] = [];
  for (let index = 0; index < Number(models); index += 1) {
    const version = await register(`racer ${number} model ${index}`);
    versions.push(version);
    const author = { who: `racer ${number}`, why: `model ${index}` };
    // Whoever is later than another goes on without the alias: it never goes back.
    await registry.setAlias('race', 'challenger', version, { ...author, automatic: true }).catch((error: unknown) => {
      if (!isPerennialError(error, 'VERSION_OUTDATED')) throw error;
    });
    await registry.setAlias('race', `racer-${number}`, version, author);
  }
  return { versions, shared: await register('the same model for all') };
}

process.once('message', () => {
  work()
    .then(
      (result) => process.send!(result),
      (error: unknown) => process.send!({ error: error instanceof Error ? `${error.message}\n${error.stack}` : String(error) }),
    )
    .finally(() => process.disconnect());
});
process.send!('ready');
