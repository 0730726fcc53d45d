import type { ArtifactRef } from '../core/artifact.ts';
import type { Json, JsonObject } from '../core/json.ts';
import type { FingerprintContext, StepContext } from '../core/step.ts';
import type { BaseOrigin } from '../training/transfer/base.ts';
import type { BaseSource } from '../training/transfer/base-files.ts';
import type { BaseReference } from '../training/transfer/transfer-config.ts';

/** What a step starts from, as its cache key sees it. A version that is missing is reported when the step runs. */
export async function fingerprintBase(ctx: FingerprintContext, from: BaseReference): Promise<Json> {
  if ('input' in from) return null;
  if ('file' in from) {
    const { digestModelFile } = await import('../training/transfer/base-files.ts');
    return { base: (await digestModelFile(from.file, ctx.documentDir)).digest };
  }
  const { findBaseVersion } = await import('../registry/base-version.ts');
  const run = ctx.runId === undefined ? undefined : { pipeline: ctx.pipeline, runId: ctx.runId };
  const found = await findBaseVersion(ctx.store, from.model, from.version ?? 'champion', run);
  return { base: found === undefined ? null : { version: found.version, model: found.model.digest } };
}

/**
 * The model that a step starts from.
 *
 * @param onMissing "fail": a registered version that does not exist is an error
 * @returns undefined where there is no such version
 * @throws NOT_FOUND, VERSION_INVALID with what exists; SOURCE_NOT_FOUND
 */
export async function openBase(
  ctx: StepContext,
  from: BaseReference,
  inputs: Readonly<Record<string, ArtifactRef>>,
  onMissing: 'fail' | 'go on',
): Promise<BaseSource | undefined> {
  if ('input' in from) {
    const ref = inputs['base']!;
    return { origin: { digest: ref.digest }, artifact: await ctx.artifacts.open(ref) };
  }
  if ('file' in from) {
    const { digestModelFile } = await import('../training/transfer/base-files.ts');
    const { path, digest } = await digestModelFile(from.file, ctx.documentDir);
    return { origin: { file: from.file, digest }, path };
  }
  const { findBaseVersion } = await import('../registry/base-version.ts');
  const { findVersion } = await import('../registry/registry.ts');
  const reference = from.version ?? 'champion';
  const found = await findBaseVersion(ctx.store, from.model, reference, { pipeline: ctx.pipeline, runId: ctx.runId });
  if (found === undefined && onMissing === 'go on') return undefined;
  // Says what exists.
  const { version, model } = found ?? (await findVersion(ctx.store, from.model, reference));
  return { origin: { model: from.model, version, digest: model.digest }, artifact: await ctx.artifacts.open(model) };
}

/** For the values of a step. */
export function originValues(origin: BaseOrigin | undefined): JsonObject {
  return origin === undefined ? {} : { base: { ...origin } };
}
