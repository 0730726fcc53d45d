import { isPerennialError } from '../src/core/errors.ts';
import type { Json, JsonObject } from '../src/core/json.ts';
import type { ArtifactStore, ObjectStore } from '../src/core/ports.ts';
import { sha256 } from '../src/storage/digest.ts';
import { canonicalJson } from '../src/core/json.ts';
import type { IngestConfig } from '../src/data/ingest/ingest-config.ts';
import type { ReferenceSchema } from '../src/data/ingest/reference.ts';
import { labelList } from '../src/data/ingest/label-columns.ts';
import type { DatasetProfile } from '../src/data/stored/dataset.ts';
import type { Registry } from '../src/registry/registry.ts';
import type { VersionManifest } from '../src/registry/types.ts';
import { datasetMeta } from '../src/data/stored/dataset-rows.ts';

interface FoundReference {
  readonly schema: ReferenceSchema;
  /** Digest of the source that it was read from. */
  readonly source: string;
}

/**
 * How the data of the last version looked: of the champion of the model that has the name of the pipeline, else of its newest version.
 * A version that another pipeline, another source or another label made says nothing about these data.
 *
 * @throws VERSION_INVALID for a version that the document names and that does not exist
 */
export async function findReference(
  store: ObjectStore,
  artifacts: ArtifactStore,
  pipeline: string,
  config: IngestConfig,
): Promise<FoundReference | undefined> {
  const wanted = config.reference?.version;
  if (wanted === 'none') return undefined;
  const { createRegistry } = await import('../src/registry/registry.ts');
  const registry = createRegistry(store, artifacts);
  const routing = await registry.routing(pipeline);
  const numbers =
    wanted === undefined && routing?.routing.aliases['champion'] === undefined
      ? (await versionsOf(registry, pipeline)).at(-1)?.version
      : undefined;
  const version = wanted ?? routing?.routing.aliases['champion'] ?? numbers;
  if (version === undefined) return undefined;
  const manifest = await registry.version(pipeline, version);
  if (manifest.pipeline !== pipeline || manifest.dataset === null || manifest.dataset === undefined) return undefined;
  const dataset = await artifacts.open({ digest: manifest.dataset });
  const meta = datasetMeta(dataset);
  const label = labelList(config.label)[0];
  if (
    meta.reading === undefined ||
    meta.source.path !== config.source.path ||
    meta.source.format !== config.source.format ||
    (label !== undefined && label !== meta.label)
  )
    return undefined;
  return {
    source: String(meta.source.digest),
    schema: {
      text: `${pipeline} version ${manifest.version}`,
      reading: meta.reading,
      profile: await dataset.json<DatasetProfile & Json>('profile.json'),
    },
  };
}

async function versionsOf(registry: Registry, model: string): Promise<readonly VersionManifest[]> {
  try {
    return await registry.versions(model);
  } catch (error) {
    if (isPerennialError(error, 'NOT_FOUND')) return [];
    throw error;
  }
}

/** What a cache key has to know of it: nothing where the source is the very same, since that has nothing to be compared with. */
export function fingerprintReference(found: FoundReference | undefined, source: string): JsonObject {
  if (found === undefined || found.source === source) return {};
  return { reference: sha256(canonicalJson({ reading: found.schema.reading, profile: found.schema.profile })) };
}
