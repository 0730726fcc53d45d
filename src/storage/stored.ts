import { Ajv } from 'ajv';
import type { ErrorObject, ValidateFunction } from 'ajv';
import type { ArtifactRef } from '../core/artifact.ts';
import { PerennialError, isPerennialError } from '../core/errors.ts';
import type { ErrorCode } from '../core/errors.ts';
import type { JsonObject, JsonSchema } from '../core/json.ts';
import type { ArtifactStore, ObjectStore, OpenArtifact } from '../core/ports.ts';
import { pauseAfterLostRace } from './concurrency.ts';
import { REPAIR_HINT, getJson, putJson } from './json-objects.ts';

/** What one kind of stored record is: the format that is written, what every reader may rely on, and how older formats become it. */
export interface StoredKind<T> {
  /** As a message calls it, e.g. "facts of a dataset". */
  readonly name: string;
  /** Of what is written now. */
  readonly formatVersion: number;
  /** Of the format that is written now. Keys that it does not name are let through: a newer patch of the same format may add some. */
  readonly schema: JsonSchema;
  /** Records that do not say their format have this one: those inside of manifests, which say it for them. Default: they must say it. */
  readonly unmarked?: number;
  /** Records of older formats are none any more: for what is made again by itself. Default: all formats are read. */
  readonly oldest?: number;
  /** What a broken record is told as. Default: BLOB_CORRUPT. */
  readonly broken?: { readonly code?: ErrorCode; readonly hint: string };
  /**
   * Keys of its records in a store, e.g. "triggers/*.json": a star stands for what has no "/", two for anything. The doctor of the store
   * looks there. Absent: it lies inside of artifacts or of other records.
   */
  readonly at?: string;
  /** An object holds many, one a line. */
  readonly lines?: true;
  /** Of objects that are no JSON: reads one as far as it takes to know that it is whole. Throws the code of `broken` where it is not. */
  readonly read?: (store: ObjectStore, key: string) => Promise<void>;
  /** What to do about a broken one. Default: to restore it from a copy of the store. */
  readonly fix?: string;
  /** A broken one can go, since then: "the step runs once more". */
  readonly remade?: string;
  /** By the format that it reads: gives the next one. */
  readonly upgrades: Readonly<Record<number, (record: JsonObject) => JsonObject>>;
  /** Only for its type. */
  readonly example?: T;
}

/** @throws INTERNAL for a format between the first and the present one that nothing upgrades */
export function defineStored<T extends object>(
  parts: Omit<StoredKind<T>, 'upgrades'> & Partial<Pick<StoredKind<T>, 'upgrades'>>,
): StoredKind<T> {
  const { upgrades = {} } = parts;
  for (let version = parts.oldest ?? parts.unmarked ?? 1; version < parts.formatVersion; version += 1)
    if (upgrades[version] === undefined)
      throw new PerennialError('INTERNAL', `Nothing upgrades ${parts.name} from format ${version} to ${version + 1}.`);
  return { ...parts, upgrades };
}

/**
 * The schema of a record with these members.
 *
 * @param required every reader may rely on these
 * @param optional where they are there, they are so
 */
export function recordSchema(
  required: Readonly<Record<string, JsonSchema>>,
  optional: Readonly<Record<string, JsonSchema>> = {},
): JsonSchema {
  return { type: 'object', required: Object.keys(required), properties: { ...required, ...optional } };
}

export const TEXT: JsonSchema = { type: 'string' };
export const NUMBER: JsonSchema = { type: 'number' };
export const COUNT: JsonSchema = { type: 'integer', minimum: 0 };
export const OBJECT: JsonSchema = { type: 'object' };
/** What a tensor is: name, shape and type. */
export const TENSOR: JsonSchema = recordSchema({ name: TEXT, shape: { type: 'array', items: { type: 'integer' } }, dtype: TEXT });
export const orNull = (schema: JsonSchema): JsonSchema => ({ anyOf: [schema, { type: 'null' }] });
export const listOf = (items: JsonSchema): JsonSchema => ({ type: 'array', items });
export const mapOf = (values: JsonSchema): JsonSchema => ({ type: 'object', additionalProperties: values });

/**
 * One for all of them. The schemas are ours, so that they are not held against the schema of schemas here, which would take most of the
 * time of a process that reads a few records (test/contract/store holds them against it).
 */
let compiler: Ajv | undefined;
const validators = new Map<JsonSchema, ValidateFunction>();

function validatorOf(schema: JsonSchema): ValidateFunction {
  const known = validators.get(schema);
  if (known !== undefined) return known;
  compiler ??= new Ajv({ strict: false, ownProperties: true, meta: false, validateSchema: false });
  const made = compiler.compile(schema);
  validators.set(schema, made);
  return made;
}

/**
 * A record that was read, in the format of now.
 *
 * @param where for messages: the store with the key, or the artifact
 * @throws BLOB_CORRUPT (or what the kind says) for what is no such record; PIPELINE_OUTDATED for a format of a newer version of Perennial
 */
export function readStored<T>(kind: StoredKind<T>, value: unknown, where: string | (() => string)): T {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw noRecord(kind, value, where, `it is ${shown(value)}`);
  let record = value as JsonObject;
  const said = record['formatVersion'] ?? kind.unmarked;
  if (typeof said !== 'number' || !Number.isSafeInteger(said) || said < 1)
    throw noRecord(
      kind,
      value,
      where,
      said === undefined ? 'it does not say its "formatVersion"' : `its "formatVersion" is ${shown(said)}`,
    );
  if (said > kind.formatVersion)
    throw new PerennialError(
      'PIPELINE_OUTDATED',
      `${textOf(where)}: ${kind.name} of format ${said}; this version of Perennial reads up to format ${kind.formatVersion}.`,
      { hint: 'It was written by a newer version: use that one.' },
    );
  if (kind.oldest !== undefined && said < kind.oldest)
    throw noRecord(kind, value, where, `format ${said} is not read any more, from ${kind.oldest} on it is`);
  for (let version = said; version < kind.formatVersion; version += 1) record = kind.upgrades[version]!(record);
  const validate = validatorOf(kind.schema);
  if (!validate(record)) throw noRecord(kind, value, where, problemText(validate.errors?.[0]));
  return record as unknown as T;
}

/**
 * A record of the store with its etag; undefined where the key is absent.
 *
 * @param holds what else must be so of the record at this key, e.g. that it names the model of its folder; says what is not
 * @throws BLOB_CORRUPT naming the key, PIPELINE_OUTDATED
 */
export async function getStored<T>(
  store: ObjectStore,
  kind: StoredKind<T>,
  key: string,
  holds: (record: T) => string | undefined = () => undefined,
): Promise<{ readonly value: T; readonly etag: string } | undefined> {
  const found = await getJson(store, key);
  if (found === undefined) return undefined;
  const where = (): string => `${store.location}: "${key}"`;
  const value = readStored(kind, found.value, where);
  const problem = holds(value);
  if (problem !== undefined) throw noRecord(kind, found.value, where, problem);
  return { value, etag: found.etag };
}

/**
 * Changes a record that others change at the same moment: nothing that they wrote is lost.
 *
 * @param change asked again of what is there by then, where somebody was faster; undefined: it stays as it is
 * @param attemptsMax how often it is tried
 * @returns the record as it is then; undefined where the key is absent
 * @throws PRECONDITION_FAILED where others were faster every time; as {@link getStored}
 */
export async function changeStored<T>(
  store: ObjectStore,
  kind: StoredKind<T>,
  key: string,
  change: (record: T) => T | undefined,
  { attemptsMax, holds }: { readonly attemptsMax: number; readonly holds?: (record: T) => string | undefined },
): Promise<T | undefined> {
  for (let attempt = 1; ; attempt += 1) {
    const found = await getStored(store, kind, key, holds);
    const next = found === undefined ? undefined : change(found.value);
    if (found === undefined || next === undefined) return found?.value;
    try {
      await putJson(store, key, next, { ifMatch: found.etag });
      return next;
    } catch (error) {
      if (!isPerennialError(error, 'PRECONDITION_FAILED') || attempt === attemptsMax) throw error;
      await pauseAfterLostRace(attempt);
    }
  }
}

/** A record of the store where it is there and can be read: for who goes on without it. */
export async function getReadable<T>(store: ObjectStore, kind: StoredKind<T>, key: string): Promise<T | undefined> {
  try {
    return (await getStored(store, kind, key))?.value;
  } catch (error) {
    if (isUnreadable(error)) return undefined;
    throw error;
  }
}

/** Whether a record could not be read because of what it holds: it is broken, or of a newer version. The store itself answered. */
export function isUnreadable(error: unknown): error is PerennialError {
  return isPerennialError(error, 'BLOB_CORRUPT') || isPerennialError(error, 'PIPELINE_OUTDATED');
}

/** Whether a record of the kind may lie at a key. */
export function liesAt({ at }: Pick<StoredKind<unknown>, 'at'>, key: string): boolean {
  if (at === undefined) return false;
  const pattern = at
    .split('**')
    .map((part) =>
      part
        .split('*')
        .map((text) => text.replace(/[.+?^${}()|[\]\\]/g, '\\$&'))
        .join('[^/]+'),
    )
    .join('.+');
  return new RegExp(`^${pattern}$`).test(key);
}

/** An artifact with its facts, checked. @throws BLOB_CORRUPT, OBJECT_NOT_FOUND, PIPELINE_OUTDATED */
export async function openAs<T>(
  artifacts: ArtifactStore,
  kind: StoredKind<T>,
  ref: Pick<ArtifactRef, 'digest'>,
): Promise<{ readonly artifact: OpenArtifact; readonly meta: T }> {
  const artifact = await artifacts.open(ref);
  return { artifact, meta: metaAs(artifact, kind) };
}

/** The facts of an open artifact, checked. @throws BLOB_CORRUPT, PIPELINE_OUTDATED */
export function metaAs<T>(artifact: Pick<OpenArtifact, 'ref' | 'manifest'>, kind: StoredKind<T>): T {
  return readStored(kind, artifact.manifest.meta, () => `the artifact ${artifact.ref.digest.slice(0, 12)} (${artifact.manifest.kind})`);
}

/** A JSON file of an open artifact, checked. @throws BLOB_CORRUPT, OBJECT_NOT_FOUND, PIPELINE_OUTDATED */
export async function fileAs<T>(artifact: OpenArtifact, kind: StoredKind<T>, file: string): Promise<T> {
  return readStored(
    kind,
    await artifact.json(file),
    `the artifact ${artifact.ref.digest.slice(0, 12)} (${artifact.manifest.kind}), ${file}`,
  );
}

function problemText(error: ErrorObject | undefined): string {
  return `${error?.instancePath === '' || error === undefined ? 'it' : `"${error.instancePath.slice(1).replaceAll('/', '.')}"`} ${error?.message ?? 'does not fit'}`;
}

const textOf = (where: string | (() => string)): string => (typeof where === 'string' ? where : where());

function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? 'nothing';
  return text.length > 120 ? `${text.slice(0, 120)}…` : text;
}

function noRecord(kind: StoredKind<unknown>, value: unknown, where: string | (() => string), problem: string): PerennialError {
  return new PerennialError(
    kind.broken?.code ?? 'BLOB_CORRUPT',
    `${textOf(where)}: no ${kind.name}: ${problem}. It holds ${shown(value)}`,
    { hint: kind.broken?.hint ?? REPAIR_HINT },
  );
}
