import { hostname, userInfo } from 'node:os';
import type { ArtifactStore, ObjectStore } from '../../core/ports.ts';
import type { Registry } from '../../registry/registry.ts';

export interface OpenRegistry {
  readonly store: ObjectStore;
  readonly artifacts: ArtifactStore;
  readonly registry: Registry;
}

export async function openRegistry(): Promise<OpenRegistry> {
  const [{ openStore }, { createArtifactStore }, { createRegistry }] = await Promise.all([
    import('../../storage/open-store.ts'),
    import('../../storage/artifact-store.ts'),
    import('../../registry/registry.ts'),
  ]);
  const store = await openStore();
  const artifacts = createArtifactStore(store);
  return { store, artifacts, registry: createRegistry(store, artifacts) };
}

/** Who types: kept in the transition. */
export function currentUser(): string {
  return `${userInfo().username}@${hostname()}`;
}
