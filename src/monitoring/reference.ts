import type { JsonObject } from '../core/json.ts';
import type { ArtifactStore, ObjectStore } from '../core/ports.ts';
import type { DatasetProfile } from '../data/types.ts';
import { createRegistry } from '../registry/registry.ts';
import type { VersionReference } from '../registry/registry.ts';

/** What current rows are compared with. */
export interface DriftReference {
  readonly model: string;
  readonly version: number;
  readonly profile: DatasetProfile;
  /** Columns that the model reads. */
  readonly columns: readonly string[];
}

/**
 * The profile of the data that a version was trained on.
 *
 * @param reference default: the champion, or the latest version where there is none
 * @throws NOT_FOUND, VERSION_INVALID
 */
export async function driftReference(store: ObjectStore, artifacts: ArtifactStore, model: string, reference?: VersionReference): Promise<DriftReference> {
  const registry = createRegistry(store, artifacts);
  const champion = (await registry.routing(model))?.routing.aliases['champion'];
  const manifest = await registry.version(model, reference ?? champion ?? 'latest');
  const artifact = await artifacts.open(manifest.model);
  const profile = await artifact.json<DatasetProfile>('profile.json');
  const preprocessor = await artifact.json<JsonObject>('preprocessor.json');
  const known = new Set(profile.columns.map((column) => column.name));
  const columns = (preprocessor['columns'] as unknown as readonly { readonly name: string }[]).map((column) => column.name);
  return { model, version: manifest.version, profile, columns: columns.filter((name) => known.has(name)) };
}
