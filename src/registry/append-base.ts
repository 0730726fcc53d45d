import { PerennialError, isPerennialError } from '../core/errors.ts';
import type { JsonObject } from '../core/json.ts';
import type { ArtifactStore, ObjectStore, OpenArtifact } from '../core/ports.ts';
import { groupsOf, wholeGroups } from '../data/ingest/appended-rows.ts';
import type { KnownRows } from '../data/ingest/appended-rows.ts';
import type { IngestConfig } from '../data/ingest/ingest-config.ts';
import { trainedOn } from '../training/model/trained-on.ts';
import { findBaseVersion } from './base-version.ts';
import { underAnotherName } from './data-reference.ts';
import { createRegistry } from './registry.ts';
import type { Registry } from './registry.ts';
import type { VersionManifest } from './types.ts';

export interface AppendingRun {
  readonly pipeline: string;
  /** Left out where no run asks, as for a plan. */
  readonly runId?: string;
  readonly nominalTime: string;
}

/**
 * The version whose rows an ingest of the mode "append" leaves out: the one that the document names, else the champion as this run knows
 * it, else the newest one. A champion of a later nominal time tells nothing of what was known at that of this run: then it is the newest
 * version of before.
 *
 * @returns undefined where there is none yet, so that all rows are new
 * @throws VERSION_INVALID, NOT_FOUND for a version or a model that the document names and that does not exist
 */
export async function findAppendBase(
  store: ObjectStore,
  artifacts: ArtifactStore,
  run: AppendingRun,
  { append, reference }: IngestConfig,
): Promise<VersionManifest | undefined> {
  const registry = createRegistry(store, artifacts);
  const model = reference?.model ?? (await modelOf(registry, run.pipeline));
  if (model === undefined) return undefined;
  const before = ({ nominalTime, dataset }: VersionManifest): boolean =>
    typeof dataset === 'string' && (nominalTime === undefined || Date.parse(nominalTime) < Date.parse(run.nominalTime));
  const { since } = append ?? {};
  if (since !== undefined && since !== 'latest' && since !== 'champion') return registry.version(model, since);
  if (since !== 'latest') {
    const champion = await findBaseVersion(
      store,
      model,
      'champion',
      run.runId === undefined ? undefined : { pipeline: run.pipeline, runId: run.runId },
    );
    const manifest = champion === undefined ? undefined : await registry.version(model, champion.version);
    if (manifest !== undefined && before(manifest)) return manifest;
  }
  const versions = await versionsOf(registry, model);
  return versions.filter(before).at(-1);
}

async function modelOf(registry: Registry, pipeline: string): Promise<string | undefined> {
  if ((await versionsOf(registry, pipeline)).some((version) => version.pipeline === pipeline)) return pipeline;
  return (await underAnotherName(registry, pipeline))?.name;
}

async function versionsOf(registry: Registry, model: string): Promise<readonly VersionManifest[]> {
  try {
    return await registry.versions(model);
  } catch (error) {
    if (isPerennialError(error, 'NOT_FOUND')) return [];
    throw error;
  }
}

/** All rows that a version, those that it was made from and those that its data were appended to have seen. @throws DATA_INVALID */
export async function knownRowsOf(artifacts: ArtifactStore, version: VersionManifest): Promise<KnownRows> {
  const text = `${version.name} version ${version.version}`;
  const learnt = await trainedOn(artifacts, await artifacts.open(version.model));
  const unknown = (why: string): PerennialError =>
    new PerennialError('DATA_INVALID', `Which rows ${text} has seen cannot be told: ${why}.`, {
      hint: 'Learn from all rows once ("mode": "all"), then append to that version.',
    });
  if ('unknown' in learnt) throw unknown(learnt.unknown);
  const own = await artifacts.open({ digest: version.dataset! });
  const open = new Map<string, OpenArtifact>([own, ...learnt.datasets].map((dataset) => [dataset.ref.digest, dataset]));
  const groups = wholeGroups([...open.values()].flatMap(groupsOf));
  try {
    for (const digest of new Set(groups.flat())) if (!open.has(digest)) open.set(digest, await artifacts.open({ digest }));
  } catch (error) {
    if (!isPerennialError(error, 'OBJECT_NOT_FOUND')) throw error;
    throw unknown('data that its own were appended to are no longer in the store');
  }
  return { text, model: version.name, version: version.version, groups: groups.map((group) => group.map((digest) => open.get(digest)!)) };
}

/** What a cache key has to know of it. */
export function fingerprintAppend(version: VersionManifest | undefined): JsonObject {
  return { appendedTo: version === undefined ? null : { model: version.name, version: version.version, digest: version.model.digest } };
}
