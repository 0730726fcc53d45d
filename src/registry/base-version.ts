import type { ArtifactRef } from '../core/artifact.ts';
import { isPerennialError } from '../core/errors.ts';
import type { ObjectStore } from '../core/ports.ts';
import { putJson } from '../storage/json-objects.ts';
import { getStored } from '../storage/stored.ts';
import { REMEMBERED } from './documents.ts';
import { findVersion } from './registry.ts';
import type { VersionReference } from './registry.ts';
import { baseKey } from './keys.ts';
import type { RememberedVersion } from './types.ts';

export interface BaseVersion {
  readonly version: number;
  readonly model: ArtifactRef;
}

/**
 * The version that a run starts from. An alias is looked up once per run, by whoever asks first: later steps and later attempts get
 * the same version, wherever the alias has gone.
 *
 * @param run left out where no run asks, as for a plan: then the reference is looked up now
 * @returns undefined where the model, the version or the alias does not exist
 * @throws NAME_INVALID, STORE_UNAVAILABLE
 */
export async function findBaseVersion(
  store: ObjectStore,
  model: string,
  reference: VersionReference,
  run?: { readonly pipeline: string; readonly runId: string },
): Promise<BaseVersion | undefined> {
  const look = async (wanted: VersionReference): Promise<BaseVersion | undefined> => {
    try {
      const { version, model: ref } = await findVersion(store, model, wanted);
      return { version, model: ref };
    } catch (error) {
      if (isPerennialError(error, 'NOT_FOUND') || isPerennialError(error, 'VERSION_INVALID')) return undefined;
      throw error;
    }
  };
  if (run === undefined || typeof reference === 'number') return look(reference);
  const key = baseKey(run.pipeline, run.runId, model, reference);
  const remembered =
    (await getStored(store, REMEMBERED, key))?.value ?? (await remember(store, key, (await look(reference))?.version ?? null));
  return remembered.version === null ? undefined : look(remembered.version);
}

/** @returns what was remembered first: by this call, or by another one at the same time */
async function remember(store: ObjectStore, key: string, version: number | null): Promise<RememberedVersion> {
  const value: RememberedVersion = { formatVersion: 1, version };
  try {
    await putJson(store, key, value, { ifNoneMatch: '*' });
    return value;
  } catch (error) {
    if (!isPerennialError(error, 'PRECONDITION_FAILED')) throw error;
    return (await getStored(store, REMEMBERED, key))?.value ?? value;
  }
}
