import { hostname, userInfo } from 'node:os';
import type { ArtifactStore, ObjectStore } from '../../core/ports.ts';
import type { Registry } from '../../registry/registry.ts';

export interface OpenRegistry {
  readonly store: ObjectStore;
  readonly artifacts: ArtifactStore;
  readonly registry: Registry;
}

/** @param change the command is to change the registry: it has to be that of the stack, where one is known */
export async function openRegistry(change?: 'change'): Promise<OpenRegistry> {
  const [store, { createArtifactStore }, { createRegistry }] = await Promise.all([
    change === undefined
      ? import('../../storage/open-store.ts').then(({ openStore }) => openStore())
      : import('../../runs/own-stack.ts').then(({ openOwnStore }) => openOwnStore()),
    import('../../storage/artifact-store.ts'),
    import('../../registry/registry.ts'),
  ]);
  const artifacts = createArtifactStore(store);
  return { store, artifacts, registry: createRegistry(store, artifacts) };
}

/** Who types: kept in the transition. */
export function currentUser(): string {
  return `${userInfo().username}@${hostname()}`;
}
