import type { ArtifactRef } from '../core/artifact.ts';
import { isPerennialError } from '../core/errors.ts';
import type { ObjectStore } from '../core/ports.ts';
import { CHAMPION, aliasOf } from './decisions.ts';
import { checkModelName } from './names.ts';
import { readHistory, readRouting } from './routing.ts';
import { readVersion } from './versions.ts';

/** The version that serves now, in two reads; undefined where none does. @throws NAME_INVALID */
export async function findServing(
  store: ObjectStore,
  model: string,
): Promise<{ readonly version: number; readonly model: ArtifactRef } | undefined> {
  checkModelName(model);
  const routing = (await readRouting(store, model))?.routing;
  const champion = routing === undefined ? null : aliasOf(routing, CHAMPION);
  const manifest = champion === null ? undefined : await readVersion(store, model, champion);
  return manifest === undefined ? undefined : { version: manifest.version, model: manifest.model };
}

/** Another version that was champion. */
export interface FormerVersion {
  readonly version: number;
  readonly model: ArtifactRef;
  /** How long before a moment it served last, in milliseconds. */
  readonly agoMs: number;
  /** Of its own evaluation, on the test rows of its time. */
  readonly metrics: Readonly<Record<string, number>>;
}

/**
 * Versions that were champion at some time of a period, but are not now, newest first; without those that were deleted or cannot be read.
 * The times are those of the history, by the clock of the store.
 */
export async function championsWithin(store: ObjectStore, model: string, moment: Date, periodMs: number): Promise<FormerVersion[]> {
  checkModelName(model);
  const routing = (await readRouting(store, model))?.routing;
  if (routing === undefined || periodMs === 0) return [];
  const moves = (await readHistory(store, model)).filter(({ alias }) => alias === CHAMPION);
  const found = new Map<number, FormerVersion>();
  for (const { from, at } of moves.reverse()) {
    const agoMs = moment.getTime() - Date.parse(at);
    if (agoMs > periodMs) break;
    if (from === null || from === aliasOf(routing, CHAMPION) || found.has(from) || routing.deleted.includes(from)) continue;
    const manifest = await readVersion(store, model, from).catch((error: unknown) => {
      if (isPerennialError(error, 'BLOB_CORRUPT')) return undefined;
      throw error;
    });
    if (manifest !== undefined)
      found.set(from, { version: from, model: manifest.model, metrics: manifest.metrics ?? {}, agoMs: Math.max(0, agoMs) });
  }
  return [...found.values()];
}
