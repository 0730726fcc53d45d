import type { ArtifactRef } from '../core/artifact.ts';
import type { JsonObject } from '../core/json.ts';
import type { FingerprintContext, StepDefinition } from '../core/step.ts';
import { isUnseen } from '../core/step.ts';
import type { CacheEntry, KeyParts, StepCache } from './cache.ts';
import { cacheKey, missReason } from './cache.ts';
import { librariesOf } from './code-digests.ts';
import { secretDigest } from './secret-digest.ts';
import { secretNames } from './secrets.ts';

/** A step as plan and run know it. */
export interface CacheableStep {
  readonly id: string;
  readonly type: string;
  readonly version: number;
  readonly config: JsonObject;
}

/** What the cache says of one execution: a plan and a run ask the same question and get the same answer. */
export type CacheDecision =
  | { readonly kind: 'hit'; readonly entry: CacheEntry; readonly reason: string }
  /** It runs, and its result belongs under the key. */
  | { readonly kind: 'miss'; readonly key: string; readonly parts: KeyParts; readonly reason: string }
  /** It runs, and its result belongs to this run alone. */
  | { readonly kind: 'not cached'; readonly reason: string };

/**
 * All that decides the result of an execution, or why not all of it can be known.
 *
 * @throws SECRET_MISSING, and what the fingerprint of the step throws
 */
export async function partsOf(
  definition: StepDefinition,
  step: CacheableStep,
  inputs: Readonly<Record<string, ArtifactRef>>,
  context: FingerprintContext,
  code: string,
): Promise<KeyParts | string> {
  const fingerprint = (await definition.fingerprint?.(context, step.config, inputs)) ?? null;
  if (isUnseen(fingerprint)) return `not cached: ${fingerprint.why}`;
  return {
    step: `${step.type}@${step.version}`,
    config: step.config,
    inputs: Object.fromEntries(Object.entries(inputs).map(([name, ref]) => [name, ref.digest])),
    code,
    fingerprint,
    libraries: librariesOf(step.type),
    secrets: Object.fromEntries(secretNames(step.config).map((name) => [name, secretDigest(name, context.secret(name))])),
  };
}

/** Looks the parts up. @param unread why the cache is not read this time */
export async function decide(
  cache: StepCache,
  definition: StepDefinition,
  step: CacheableStep,
  parts: KeyParts | string,
  pipeline: string,
  unread?: string,
): Promise<CacheDecision> {
  if (typeof parts === 'string') return { kind: 'not cached', reason: parts };
  const key = cacheKey(parts);
  if (unread !== undefined) return { kind: 'miss', key, parts, reason: unread };
  const entry = await cache.look(key);
  if (entry === undefined) {
    const last = await cache.last(pipeline, step.id);
    return { kind: 'miss', key, parts, reason: missReason(parts, last?.parts, last?.notCached) };
  }
  if ('gone' in entry) return { kind: 'miss', key, parts, reason: entry.gone };
  return { kind: 'hit', entry, reason: hitReason(entry.runId, parts, definition.covers?.(parts.fingerprint)) };
}

/** What the key of a hit covered, and no more. */
export function hitReason(runId: string, parts: Pick<KeyParts, 'secrets'>, covers: readonly string[] = []): string {
  const names = Object.keys(parts.secrets);
  const more = [...covers, ...(names.length === 0 ? [] : [`secret${names.length === 1 ? '' : 's'} ${names.join(', ')}`])];
  return `same step, configuration, inputs and code as in run ${runId}${more.length === 0 ? '' : `; same ${more.join(', ')}`}`;
}

/** Whether what the step reads is as it was before it ran. @returns what changed, undefined: nothing */
export function changedWhile(before: KeyParts, after: KeyParts | string): string | undefined {
  if (typeof after === 'string') return after.replace(/^not cached: /, '');
  return cacheKey(before) === cacheKey(after) ? undefined : `while it ran, ${missReason(after, before)}`;
}
