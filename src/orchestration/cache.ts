import { isPerennialError } from '../core/errors.ts';
import { canonicalJson } from '../core/json.ts';
import type { Json, JsonObject } from '../core/json.ts';
import type { ArtifactStore, ObjectStore } from '../core/ports.ts';
import type { ArtifactRef } from '../core/artifact.ts';
import type { StepResult } from '../core/step.ts';
import { missingBlobs } from '../storage/artifact-store.ts';
import { sha256 } from '../storage/digest.ts';

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
}

/** `cache/<key>.json` */
export interface CacheEntry {
  readonly formatVersion: 1;
  readonly result: StepResult;
  /** ISO 8601 UTC. */
  readonly createdAt: string;
  readonly runId: string;
}

export function keyParts(step: { type: string; version: number; config: JsonObject }, inputs: Readonly<Record<string, ArtifactRef>>, code: string, fingerprint: Json): KeyParts {
  const digests: Record<string, string> = {};
  for (const [name, ref] of Object.entries(inputs)) digests[name] = ref.digest;
  return { step: `${step.type}@${step.version}`, config: step.config, inputs: digests, code, fingerprint };
}

export function cacheKey(parts: KeyParts): string {
  return sha256(canonicalJson(parts));
}

/** Why an execution is not the one before it, one line. */
export function missReason(parts: KeyParts, last: KeyParts | undefined): string {
  if (last === undefined) return 'first run';
  if (parts.step !== last.step) return `step is now ${parts.step}, was ${last.step}`;
  const reasons = [];
  const config = changedPaths(last.config, parts.config);
  if (config.length > 0) reasons.push(`config changed: ${config.slice(0, 4).join(', ')}${config.length > 4 ? ` and ${config.length - 4} more` : ''}`);
  for (const name of changedKeys(last.inputs, parts.inputs)) reasons.push(`input ${name} changed`);
  if (canonicalJson(parts.fingerprint) !== canonicalJson(last.fingerprint)) reasons.push(`source changed${fingerprintPaths(last.fingerprint, parts.fingerprint)}`);
  if (parts.code !== last.code) reasons.push('code changed');
  return reasons.length === 0 ? 'its cache entry is gone' : reasons.join('; ');
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
    const entry = await this.#json<CacheEntry>(entryKey(key));
    if (entry === undefined || entry.formatVersion !== 1) return undefined;
    for (const [name, ref] of Object.entries(entry.result.outputs)) {
      const missing = await this.#missing(ref);
      if (missing !== undefined) return { gone: `the cached ${name} is incomplete: ${missing}` };
    }
    return entry;
  }

  async write(key: string, entry: CacheEntry): Promise<void> {
    await this.#put(entryKey(key), entry);
  }

  /** Parts of the last execution of a pipeline's step. */
  async last(pipeline: string, stepId: string): Promise<KeyParts | undefined> {
    return this.#json<KeyParts>(lastKey(pipeline, stepId));
  }

  async writeLast(pipeline: string, stepId: string, parts: KeyParts): Promise<void> {
    await this.#put(lastKey(pipeline, stepId), parts);
  }

  async #missing(ref: ArtifactRef): Promise<string | undefined> {
    try {
      const missing = await missingBlobs(this.#store, (await this.#artifacts.open(ref)).manifest);
      return missing.length === 0 ? undefined : `${missing.length} of its files are gone`;
    } catch (error) {
      if (isPerennialError(error, 'OBJECT_NOT_FOUND') || isPerennialError(error, 'BLOB_CORRUPT')) return error.message;
      throw error;
    }
  }

  async #json<T>(key: string): Promise<T | undefined> {
    try {
      const { body } = await this.#store.get(key);
      return JSON.parse(new TextDecoder().decode(body)) as T;
    } catch (error) {
      // A torn or foreign object is no entry: the step runs and writes a good one.
      if (isPerennialError(error, 'OBJECT_NOT_FOUND') || error instanceof SyntaxError) return undefined;
      throw error;
    }
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
