import { canonicalJson } from '../core/json.ts';
import type { JsonObject } from '../core/json.ts';
import type { ArtifactRef } from '../core/artifact.ts';
import type { ObjectStore } from '../core/ports.ts';
import type { TargetSetting, TargetState } from '../core/targets.ts';
import { preparedKey, targetKey, targetsPrefix } from '../registry/keys.ts';
import { ofModel, ofVersion } from '../registry/documents.ts';
import { sha256 } from '../storage/digest.ts';
import { putJson } from '../storage/json-objects.ts';
import { COUNT, OBJECT, TEXT, defineStored, getReadable, getStored, listOf, orNull, recordSchema } from '../storage/stored.ts';
import type { StoredKind } from '../storage/stored.ts';

/** `models/<name>/prepared/<version>/<id>.json`: what a target gets of a version. */
export interface PreparedVersion {
  readonly formatVersion: 1;
  readonly name: string;
  readonly version: number;
  readonly target: string;
  readonly config: JsonObject;
  readonly artifact: ArtifactRef;
  readonly evidence: readonly string[];
  readonly measured: JsonObject;
  readonly refusals: readonly string[];
  readonly notes: readonly string[];
}

/** {@link PreparedVersion} as it is stored. */
export const PREPARED: StoredKind<PreparedVersion> = defineStored({
  at: 'models/*/prepared/*/*.json',
  name: 'what a deployment target gets of a version',
  remade: 'the next deployment prepares it again',
  formatVersion: 1,
  schema: recordSchema({
    name: TEXT,
    version: COUNT,
    target: TEXT,
    config: OBJECT,
    artifact: recordSchema({ digest: TEXT }),
    evidence: listOf(TEXT),
    measured: OBJECT,
    refusals: listOf(TEXT),
    notes: listOf(TEXT),
  }),
});

/** `models/<name>/targets/<id>.json`: how far a target is. */
export interface StoredTargetState extends TargetState {
  readonly formatVersion: 1;
  readonly name: string;
  /** Of the routing that was followed. */
  readonly revision: number;
  /** ISO 8601 UTC. */
  readonly at: string;
}

/** {@link StoredTargetState} as it is stored. */
export const TARGET_STATE: StoredKind<StoredTargetState> = defineStored({
  at: 'models/*/targets/*.json',
  name: 'state of a deployment target',
  remade: 'it is written again when the target is looked at next',
  formatVersion: 1,
  schema: recordSchema(
    { name: TEXT, target: TEXT, place: TEXT, version: orNull(COUNT), inStep: { type: 'boolean' }, revision: COUNT, at: TEXT },
    { why: TEXT, refused: { type: 'boolean' } },
  ),
});

/** Of a target with its settings. */
const idOf = ({ name, config }: TargetSetting): string => `${name}-${sha256(canonicalJson(config)).slice(0, 12)}`;

/** What is made of a version does not depend on where it is put, nor on how many stay there. */
function preparedIdOf({ name, config }: TargetSetting): string {
  const { path: _path, keep: _keep, ...own } = config;
  return idOf({ name, config: own });
}

export async function findPrepared(
  store: ObjectStore,
  name: string,
  version: number,
  setting: TargetSetting,
): Promise<PreparedVersion | undefined> {
  return getReadable(store, PREPARED, preparedKey(name, version, preparedIdOf(setting)));
}

export async function savePrepared(store: ObjectStore, setting: TargetSetting, prepared: PreparedVersion): Promise<void> {
  await putJson(store, preparedKey(prepared.name, prepared.version, preparedIdOf(setting)), prepared);
}

/** All that were prepared of a version. */
export async function preparedOf(store: ObjectStore, name: string, version: number): Promise<PreparedVersion[]> {
  const found: PreparedVersion[] = [];
  for await (const { key } of store.list(preparedKey(name, version, '').replace(/\.json$/, ''))) {
    const record = await getStored(store, PREPARED, key, ofVersion(name, version));
    if (record !== undefined) found.push(record.value);
  }
  return found;
}

export async function readState(store: ObjectStore, name: string, setting: TargetSetting): Promise<StoredTargetState | undefined> {
  return getReadable(store, TARGET_STATE, targetKey(name, idOf(setting)));
}

export async function writeState(store: ObjectStore, setting: TargetSetting, state: StoredTargetState): Promise<void> {
  await putJson(store, targetKey(state.name, idOf(setting)), state);
}

/** States of targets that the model has no more are left: they say what lies there still. */
export async function statesOf(store: ObjectStore, name: string): Promise<StoredTargetState[]> {
  const found: StoredTargetState[] = [];
  for await (const { key } of store.list(targetsPrefix(name))) {
    const record = await getStored(store, TARGET_STATE, key, ofModel(name));
    if (record !== undefined) found.push(record.value);
  }
  return found;
}
