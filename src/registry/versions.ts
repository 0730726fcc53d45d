import { randomUUID } from 'node:crypto';
import type { ArtifactRef } from '../core/artifact.ts';
import { PerennialError, isPerennialError } from '../core/errors.ts';
import type { ArtifactStore, ObjectStore } from '../core/ports.ts';
import type { StepVerdict } from '../core/step.ts';
import type { TraceReference } from '../core/trace.ts';
import { missingBlobs } from '../storage/artifact-store.ts';
import { mapLimited, pauseAfterLostRace } from '../storage/concurrency.ts';
import { putJson } from '../storage/json-objects.ts';
import { getStored, isUnreadable } from '../storage/stored.ts';
import { tellChanges } from '../events/outbox.ts';
import { changeOfVersion } from './changes.ts';
import { CLAIM, MANIFEST, ofVersion, problemOf } from './documents.ts';
import type { Problem } from './documents.ts';
import { claimKey, indexKey, versionKey, versionsPrefix } from './keys.ts';
import { checkModelName } from './names.ts';
import type { Claim, ModelSignature, RegistrationCheck, VersionManifest } from './types.ts';

export interface Registration {
  /** Name to register under. */
  readonly model: string;
  readonly modelRef: Pick<ArtifactRef, 'digest'>;
  readonly evaluationRef?: Pick<ArtifactRef, 'digest'>;
  readonly pipeline: string;
  readonly runId: string;
  readonly stepId: string;
  readonly planRevision?: string;
  readonly createdBy?: string;
  readonly description?: string;
  readonly tags?: Readonly<Record<string, string>>;
  readonly metrics?: Readonly<Record<string, number>>;
  readonly verdict?: StepVerdict;
  readonly signature?: ModelSignature;
  readonly dataset?: string;
  readonly parent?: number;
  readonly check?: RegistrationCheck;
  readonly nominalTime?: string;
  readonly trace?: TraceReference;
}

const CONCURRENT_READS = 16;

/**
 * Gives a model artifact its version: the next free number, or the one it has already. Safe for any number of registrars at once
 * and against a crash between any two calls.
 *
 * All registrars of one artifact agree through its claim object on the one number to try. A version manifest is created at that
 * number or not at all; the claim moves on only when that number is taken by another artifact for good. So one artifact never
 * gets two numbers, and since n + 1 is only tried where n exists, numbers have no gaps.
 *
 * @throws NAME_INVALID; OBJECT_NOT_FOUND where the artifact or one of its blobs is missing.
 */
export async function registerVersion(
  store: ObjectStore,
  artifacts: ArtifactStore,
  registration: Registration,
): Promise<{ version: number; created: boolean; manifest: VersionManifest }> {
  checkModelName(registration.model);
  const { model: name, modelRef } = registration;
  const model = await wholeArtifact(store, artifacts, modelRef.digest, 'model');
  const evaluation =
    registration.evaluationRef === undefined
      ? null
      : await wholeArtifact(store, artifacts, registration.evaluationRef.digest, 'evaluation');
  await ensureIndex(store, name);
  for (let attempt = 0; ; attempt += 1) {
    const claim = await readOrMakeClaim(store, name, modelRef.digest);
    if (claim === undefined) continue;
    const manifest = manifestOf(registration, claim.value.version, model, evaluation);
    if (await createObject(store, versionKey(name, manifest.version), manifest)) {
      await tellChanges(store, [changeOfVersion(manifest)]);
      return { version: manifest.version, created: true, manifest };
    }
    const existing = await readVersion(store, name, manifest.version);
    if (existing?.model.digest === modelRef.digest) {
      // This very registration may have died before it could tell.
      if (existing.runId === registration.runId && existing.stepId === registration.stepId)
        await tellChanges(store, [changeOfVersion(existing)]);
      return { version: existing.version, created: existing.id === manifest.id, manifest: existing };
    }
    // Straight to the end of the row: a claim left by a crash may be far behind.
    await moveClaim(store, name, modelRef.digest, claim, (await latestNumber(store, name)) + 1);
    await pauseAfterLostRace(attempt);
  }
}

async function wholeArtifact(
  store: ObjectStore,
  artifacts: ArtifactStore,
  digest: string,
  kind: 'model' | 'evaluation',
): Promise<ArtifactRef> {
  const { manifest } = await artifacts.open({ digest });
  if (manifest.kind !== kind)
    throw new PerennialError('CONFIG_INVALID', `The artifact ${digest} is of kind ${manifest.kind}; expected a ${kind}.`);
  const missing = await missingBlobs(store, manifest);
  if (missing.length > 0) {
    throw new PerennialError('OBJECT_NOT_FOUND', `The ${kind} ${digest} cannot be registered: the store lacks its ${missing.join(', ')}.`, {
      hint: 'Run the pipeline again without the cache.',
    });
  }
  return { kind, digest, summary: manifest.summary };
}

async function ensureIndex(store: ObjectStore, name: string): Promise<void> {
  if ((await store.head(indexKey(name))) !== undefined) return;
  await createObject(store, indexKey(name), { formatVersion: 1, name, createdAt: new Date().toISOString() });
}

/** undefined: somebody else made the claim in between; read again. */
async function readOrMakeClaim(store: ObjectStore, name: string, digest: string): Promise<{ value: Claim; etag: string } | undefined> {
  const found = await getStored(store, CLAIM, claimKey(name, digest));
  if (found !== undefined) return found;
  const value: Claim = { formatVersion: 1, version: (await latestNumber(store, name)) + 1, id: randomUUID() };
  try {
    const { etag } = await putJson(store, claimKey(name, digest), value, { ifNoneMatch: '*' });
    return { value, etag };
  } catch (error) {
    if (isPerennialError(error, 'PRECONDITION_FAILED')) return undefined;
    throw error;
  }
}

async function moveClaim(store: ObjectStore, name: string, digest: string, claim: { etag: string }, version: number): Promise<void> {
  const value: Claim = { formatVersion: 1, version, id: randomUUID() };
  await putJson(store, claimKey(name, digest), value, { ifMatch: claim.etag }).catch(lostRace);
}

function lostRace(error: unknown): void {
  if (!isPerennialError(error, 'PRECONDITION_FAILED')) throw error;
}

/** false where the key is taken. */
async function createObject(store: ObjectStore, key: string, value: unknown): Promise<boolean> {
  try {
    await putJson(store, key, value, { ifNoneMatch: '*' });
    return true;
  } catch (error) {
    if (isPerennialError(error, 'PRECONDITION_FAILED')) return false;
    throw error;
  }
}

function manifestOf(registration: Registration, version: number, model: ArtifactRef, evaluation: ArtifactRef | null): VersionManifest {
  return {
    formatVersion: 1,
    name: registration.model,
    version,
    id: randomUUID(),
    createdAt: new Date().toISOString(),
    createdBy: registration.createdBy ?? '',
    description: registration.description ?? '',
    tags: registration.tags ?? {},
    pipeline: registration.pipeline,
    runId: registration.runId,
    stepId: registration.stepId,
    planRevision: registration.planRevision ?? '',
    model,
    evaluation,
    dataset: registration.dataset ?? null,
    metrics: registration.metrics ?? {},
    verdict: registration.verdict ?? null,
    signature: registration.signature ?? null,
    parent: registration.parent ?? null,
    ...(registration.check === undefined ? {} : { check: registration.check }),
    ...(registration.nominalTime === undefined ? {} : { nominalTime: registration.nominalTime }),
    ...(registration.trace === undefined ? {} : { trace: registration.trace }),
  };
}

/** The manifest as it was written, deleted or not; undefined where there is none. @throws BLOB_CORRUPT, PIPELINE_OUTDATED */
export async function readVersion(store: ObjectStore, name: string, version: number): Promise<VersionManifest | undefined> {
  return (await getStored(store, MANIFEST, versionKey(name, version), ofVersion(name, version)))?.value;
}

/** Numbers in rising order, deleted ones included. */
export async function versionNumbers(store: ObjectStore, name: string): Promise<number[]> {
  const prefix = versionsPrefix(name);
  const numbers: number[] = [];
  for await (const { key } of store.list(prefix)) {
    const match = /^(\d+)\.json$/.exec(key.slice(prefix.length));
    if (match !== null) numbers.push(Number(match[1]));
  }
  return numbers.sort((a, b) => a - b);
}

async function latestNumber(store: ObjectStore, name: string): Promise<number> {
  return (await versionNumbers(store, name)).at(-1) ?? 0;
}

/** Those that can be read, and what is wrong with the others. */
export async function readVersions(
  store: ObjectStore,
  name: string,
): Promise<{ readonly versions: VersionManifest[]; readonly problems: Problem[] }> {
  const problems: Problem[] = [];
  const manifests = await mapLimited(await versionNumbers(store, name), CONCURRENT_READS, async (version) => {
    try {
      return await readVersion(store, name, version);
    } catch (error) {
      if (!isUnreadable(error)) throw error;
      problems.push(problemOf(error, version));
      return undefined;
    }
  });
  return { versions: manifests.filter((manifest) => manifest !== undefined), problems };
}
