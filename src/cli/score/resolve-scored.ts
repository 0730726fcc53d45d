import { createRegistry } from '../../registry/registry.ts';
import { fetchModel } from '../../scoring/scored-model.ts';
import type { ScoredModel } from '../../scoring/score-task.ts';
import { createArtifactStore } from '../../storage/artifact-store.ts';
import { openStore } from '../../storage/open-store.ts';

/** A model as commands name it: NAME (its champion) or NAME@ALIAS. @throws NOT_FOUND, VERSION_INVALID, BLOB_CORRUPT */
export async function resolveScored(given: string, version: number | undefined): Promise<ScoredModel> {
  const [name, alias = 'champion'] = given.split('@', 2) as [string, string | undefined];
  const store = await openStore();
  const artifacts = createArtifactStore(store);
  const manifest = await createRegistry(store, artifacts).version(name, version ?? alias);
  return fetchModel(await artifacts.open(manifest.model), name, manifest.version);
}
