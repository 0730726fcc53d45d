import type { ArtifactManifest } from '../core/artifact.ts';
import { isPerennialError } from '../core/errors.ts';
import type { ArtifactStore, ObjectStore, OpenArtifact } from '../core/ports.ts';
import { INDEX_PREFIX, routingKey } from '../registry/keys.ts';
import { createRegistry } from '../registry/registry.ts';
import { readRouting, rebuildRouting } from '../registry/routing.ts';
import { servingSettings } from '../registry/serving-settings.ts';
import type { Routing } from '../registry/types.ts';
import { readVersion, versionNumbers } from '../registry/versions.ts';
import type { OutlinedBundle } from '../training/bundle/load-model.ts';
import { localArtifact, localFiles } from '../training/trainer/local-artifact.ts';
import { SERVING_LIMITS } from './limits.ts';
import type { NetworkSource, Servable } from './servable.ts';
import type { RoutingState, VersionSource } from './version-source.ts';

/** Versions from the registry in the object store: every blob is verified on its way into memory. */
export function createVersionSource(store: ObjectStore, artifacts: ArtifactStore): VersionSource {
  const registry = createRegistry(store, artifacts);
  return {
    models: () => modelNames(store),
    routingEtag: async (model) => (await store.head(routingKey(model)))?.etag,
    async routing(model): Promise<RoutingState | undefined> {
      const found = await registry.routing(model);
      return found === undefined ? undefined : stateOf(found.routing, found.etag);
    },
    async rebuiltRouting(model) {
      const routing = await rebuildRouting(store, model);
      return routing === undefined ? undefined : stateOf(routing, '');
    },
    async versions(model) {
      const deleted = await deletedOf(store, model);
      return (await versionNumbers(store, model)).filter((version) => !deleted.includes(version));
    },
    async weightBytes(model, version) {
      const manifest = await readVersion(store, model, version);
      return manifest === undefined ? 0 : weightsOf((await artifacts.open(manifest.model)).manifest);
    },
    async load(model, version): Promise<Servable> {
      // By its number alone: a routing that cannot be read takes no version out of service.
      const kept = (await deletedOf(store, model)).includes(version) ? undefined : await readVersion(store, model, version);
      // Says what there is.
      const manifest = kept ?? (await registry.version(model, version));
      const { outlineBundle } = await import('../training/bundle/load-model.ts');
      const { preferOwnThread, tfIsLoaded } = await import('../training/tensorflow/tf.ts');
      preferOwnThread();
      const artifact = await artifacts.open(manifest.model);
      const bundle = await outlineBundle(artifact);
      return {
        model,
        version,
        preprocessor: bundle.preprocessor,
        predictor: bundle.predictor,
        network: networkOf(artifact, bundle, () => bundle.takesLibrary && !tfIsLoaded()),
        sourceColumns: bundle.profile.columns.map((column) => column.name),
        ...(manifest.trace === undefined ? {} : { trace: manifest.trace }),
      };
    },
  };
}

/** Once verified, the network is read from copies on this machine: a store that is away keeps none from coming back. */
function networkOf(artifact: OpenArtifact, { meta, work }: OutlinedBundle, loadsLibrary: () => boolean): NetworkSource {
  return {
    loadsLibrary,
    isLikelySlow: work > SERVING_LIMITS.loopWorkMax,
    weightBytes: weightsOf(artifact.manifest),
    async again() {
      const { openBundle } = await import('../training/bundle/load-model.ts');
      return (await openBundle(localArtifact(await localFiles(artifact)))).predictor;
    },
    async apart(watch) {
      const { ProcessPredictor } = await import('./apart/process-predictor.ts');
      return ProcessPredictor.start(meta, () => localFiles(artifact), watch);
    },
  };
}

function weightsOf({ files }: ArtifactManifest): number {
  return files['weights.bin']?.size ?? 0;
}

/** As the routing says; where it cannot be read, as its history does. */
async function deletedOf(store: ObjectStore, model: string): Promise<readonly number[]> {
  try {
    return (await readRouting(store, model))?.routing.deleted ?? [];
  } catch (error) {
    if (!isPerennialError(error, 'BLOB_CORRUPT')) throw error;
    return (await rebuildRouting(store, model))?.deleted ?? [];
  }
}

function stateOf(routing: Routing, etag: string): RoutingState {
  const { aliases, revision, previous, rollout } = routing;
  return {
    aliases,
    revision,
    etag,
    previous,
    ...servingSettings(routing),
    ...(rollout === undefined ? {} : { rollout }),
  };
}

/** From the keys alone: this is asked every second. */
async function modelNames(store: ObjectStore): Promise<string[]> {
  const names: string[] = [];
  for await (const { key } of store.list(INDEX_PREFIX)) names.push(key.slice(INDEX_PREFIX.length).replace(/\.json$/, ''));
  return names;
}
