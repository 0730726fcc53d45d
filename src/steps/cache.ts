import { isPerennialError } from '../core/errors.ts';
import { canonicalJson } from '../core/json.ts';
import type { Json, JsonObject } from '../core/json.ts';
import type { ArtifactStore, ObjectStore } from '../core/ports.ts';
import type { ArtifactRef } from '../core/artifact.ts';
import type { StepResult } from '../core/step.ts';
import { sha256 } from '../storage/digest.ts';
import { OBJECT, TEXT, defineStored, getReadable, mapOf, recordSchema } from '../storage/stored.ts';
import type { StoredKind } from '../storage/stored.ts';
import { damagedFiles } from '../storage/verify-blobs.ts';

/** All that decides a step's result. Two executions with equal parts are the same execution. */
export interface KeyParts {
  /** `<type>@<version>` */
  readonly step: string;
  /** Complete configuration; secrets by name. */
  readonly config: JsonObject;
  /** Input name → digest of the artifact. */
  readonly inputs: Readonly<Record<string, string>>;
  /** Digest of the step's code, helpers included. */
  readonly code: string;
  /** What the step says of the world outside, e.g. the digest of a source file. */
  readonly fingerprint: Json;
  /** Versions of what computes besides our own code: Node.js, packages, TensorFlow's library. */
  readonly libraries: Readonly<Record<string, string>>;
  /** Name → keyed digest of each secret that the configuration names. */
  readonly secrets: Readonly<Record<string, string>>;
}

/** Raised when entries of before must not be read any more. */
const FORMAT = 2;

/** `cache/<key>.json` */
export interface CacheEntry {
  readonly formatVersion: typeof FORMAT;
  readonly result: StepResult;
  /** ISO 8601 UTC. */
  readonly createdAt: string;
  readonly runId: string;
}

/** {@link CacheEntry} as it is stored. An older one is no entry: the step runs and writes a good one. */
export const CACHE_ENTRY: StoredKind<CacheEntry> = defineStored({
  at: 'cache/*.json',
  remade: 'the step runs once more',
  name: 'entry of the step cache',
  formatVersion: FORMAT,
  oldest: FORMAT,
  schema: recordSchema(
    { runId: TEXT, result: recordSchema({ outputs: mapOf(recordSchema({ digest: TEXT }, { kind: TEXT, summary: TEXT })) }) },
    { createdAt: TEXT },
  ),
});

export function cacheKey(parts: KeyParts): string {
  return sha256(canonicalJson(parts));
}

/** The last execution of a pipeline's step. */
export interface LastParts {
  readonly parts: KeyParts;
  /** Why its result was not cached, where it was not. */
  readonly notCached?: string;
}

/** {@link LastParts} as it is stored. */
export const LAST_PARTS: StoredKind<LastParts> = defineStored({
  at: 'cache/steps/*/*.json',
  remade: 'why a step runs anew is not said once',
  name: 'last execution of a step',
  formatVersion: FORMAT,
  oldest: FORMAT,
  schema: recordSchema(
    {
      parts: recordSchema(
        { step: TEXT, config: OBJECT, inputs: mapOf(TEXT), code: TEXT, libraries: mapOf(TEXT), secrets: mapOf(TEXT) },
        { fingerprint: {} },
      ),
    },
    { notCached: TEXT },
  ),
});

/** Why an execution is not the one before it, one line. */
export function missReason(parts: KeyParts, last: KeyParts | undefined, notCached?: string): string {
  if (last === undefined) return 'first run';
  if (parts.step !== last.step) return `step is now ${parts.step}, was ${last.step}`;
  const reasons = [];
  const config = changedPaths(last.config, parts.config);
  if (config.length > 0)
    reasons.push(`config changed: ${config.slice(0, 4).join(', ')}${config.length > 4 ? ` and ${config.length - 4} more` : ''}`);
  for (const name of changedKeys(last.inputs, parts.inputs)) reasons.push(`input ${name} changed`);
  if (canonicalJson(parts.fingerprint) !== canonicalJson(last.fingerprint))
    reasons.push(`source changed${fingerprintPaths(last.fingerprint, parts.fingerprint)}`);
  if (parts.code !== last.code) reasons.push('code changed');
  for (const name of changedKeys(last.libraries, parts.libraries))
    reasons.push(`${name} is now ${parts.libraries[name] ?? 'not used'}, was ${last.libraries[name] ?? 'not used'}`);
  for (const name of changedKeys(last.secrets, parts.secrets)) reasons.push(`the secret ${name} changed`);
  if (reasons.length > 0) return reasons.join('; ');
  return notCached === undefined ? 'its cache entry is gone' : `its last result was not cached: ${notCached}`;
}

function fingerprintPaths(before: Json, after: Json): string {
  if (!isObject(before) || !isObject(after)) return '';
  const paths = changedPaths(before, after).slice(0, 3);
  return paths.length === 0 ? '' : `: ${paths.join(', ')}`;
}

function changedKeys(before: Readonly<Record<string, unknown>>, after: Readonly<Record<string, unknown>>): string[] {
  const names = [...new Set([...Object.keys(after), ...Object.keys(before)])];
  return names.filter((name) => canonicalJson(before[name] ?? null) !== canonicalJson(after[name] ?? null));
}

/** Dotted paths of the deepest objects' members that differ. */
function changedPaths(before: JsonObject, after: JsonObject, prefix = ''): string[] {
  return changedKeys(before, after).flatMap((name) => {
    const [old, now] = [before[name], after[name]];
    return isObject(old) && isObject(now) ? changedPaths(old, now, `${prefix}${name}.`) : [`${prefix}${name}`];
  });
}

function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The step cache over an object store. */
export class StepCache {
  readonly #store: ObjectStore;
  readonly #artifacts: ArtifactStore;

  constructor(store: ObjectStore, artifacts: ArtifactStore) {
    this.#store = store;
    this.#artifacts = artifacts;
  }

  /** The entry of the key, or why there is none that can be used. */
  async look(key: string): Promise<CacheEntry | { readonly gone: string } | undefined> {
    const entry = await this.#read(CACHE_ENTRY, entryKey(key));
    if (entry === undefined) return undefined;
    for (const [name, ref] of Object.entries(entry.result.outputs)) {
      const damage = await this.#damage(ref);
      if (damage !== undefined) return { gone: `the cached ${name} is ${damage}` };
    }
    return entry;
  }

  async write(key: string, entry: Omit<CacheEntry, 'formatVersion'>): Promise<void> {
    await this.#put(entryKey(key), { formatVersion: FORMAT, ...entry } satisfies CacheEntry);
  }

  async last(pipeline: string, stepId: string): Promise<LastParts | undefined> {
    return this.#read(LAST_PARTS, lastKey(pipeline, stepId));
  }

  async writeLast(pipeline: string, stepId: string, last: LastParts): Promise<void> {
    await this.#put(lastKey(pipeline, stepId), { formatVersion: FORMAT, ...last });
  }

  async #damage(ref: ArtifactRef): Promise<string | undefined> {
    try {
      const { gone, corrupt } = await damagedFiles(this.#store, (await this.#artifacts.open(ref)).manifest);
      if (gone.length > 0) return `incomplete: ${gone.length === 1 ? `its file ${gone[0]!} is` : `${gone.length} of its files are`} gone`;
      return corrupt.length === 0
        ? undefined
        : `corrupt: the bytes of ${corrupt.slice(0, 3).join(', ')}${corrupt.length > 3 ? ` and ${corrupt.length - 3} more` : ''} are not those that were written`;
    } catch (error) {
      if (isPerennialError(error, 'OBJECT_NOT_FOUND')) return `incomplete: ${error.message}`;
      if (isPerennialError(error, 'BLOB_CORRUPT')) return `corrupt: ${error.message}`;
      throw error;
    }
  }

  /** A torn or foreign object is no entry, nor is one of another version: the step runs and writes a good one. */
  #read<T>(kind: StoredKind<T>, key: string): Promise<T | undefined> {
    return getReadable(this.#store, kind, key);
  }

  async #put(key: string, value: unknown): Promise<void> {
    await this.#store.put(key, new TextEncoder().encode(JSON.stringify(value)), { contentType: 'application/json' });
  }
}

function entryKey(key: string): string {
  return `cache/${key}.json`;
}

function lastKey(pipeline: string, stepId: string): string {
  return `cache/steps/${pipeline}/${stepId}.json`;
}
