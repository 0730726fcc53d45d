import type { ArtifactRef } from '../core/artifact.ts';
import type { ObjectStore } from '../core/ports.ts';
import { CHAMPION, aliasOf } from './decisions.ts';
import { checkModelName } from './names.ts';
import { readRouting } from './routing.ts';
import { readVersion } from './versions.ts';

/** The version that serves now, in two reads; undefined where none does. @throws NAME_INVALID */
export async function findServing(store: ObjectStore, model: string): Promise<{ readonly version: number; readonly model: ArtifactRef } | undefined> {
  checkModelName(model);
  const routing = (await readRouting(store, model))?.routing;
  const champion = routing === undefined ? null : aliasOf(routing, CHAMPION);
  const manifest = champion === null ? undefined : await readVersion(store, model, champion);
  return manifest === undefined ? undefined : { version: manifest.version, model: manifest.model };
}
