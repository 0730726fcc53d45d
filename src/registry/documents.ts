import { PerennialError, messageOf } from '../core/errors.ts';
import type { ObjectStore } from '../core/ports.ts';
import { REPAIR_HINT } from '../storage/json-objects.ts';
import type { Routing, Transition, VersionManifest } from './types.ts';

/**
 * What the registry reads back is checked before anything is done with it: a document that was cut off, or that something else wrote,
 * is an error of this one model or version, told with its key.
 */

type Fields = Readonly<Record<string, unknown>>;

function fieldsOf(store: ObjectStore, key: string, value: unknown, what: string, holds: (fields: Fields) => boolean): void {
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
  if (isObject && holds(value as Fields)) return;
  const text = JSON.stringify(value) ?? 'nothing';
  throw new PerennialError(
    'BLOB_CORRUPT',
    `${store.location}: "${key}" is no ${what}: ${text.length > 120 ? `${text.slice(0, 120)}…` : text}`,
    { hint: REPAIR_HINT },
  );
}

const isNumbers = (value: unknown): boolean => Array.isArray(value) && value.every((one) => Number.isSafeInteger(one));
const isAliases = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && Object.values(value).every((one) => Number.isSafeInteger(one));

/** @throws BLOB_CORRUPT */
export function checkRouting(store: ObjectStore, key: string, value: Routing, name: string): Routing {
  fieldsOf(
    store,
    key,
    value,
    `routing of "${name}"`,
    (routing) =>
      routing.formatVersion === 1 &&
      routing.name === name &&
      Number.isSafeInteger(routing.revision) &&
      isAliases(routing.aliases) &&
      isNumbers(routing.previous) &&
      isNumbers(routing.deleted) &&
      typeof routing.transition === 'object' &&
      routing.transition !== null,
  );
  return value;
}

/** @throws BLOB_CORRUPT */
export function checkManifest(store: ObjectStore, key: string, value: VersionManifest, name: string, version: number): VersionManifest {
  fieldsOf(
    store,
    key,
    value,
    `manifest of "${name}" version ${version}`,
    (manifest) =>
      manifest.formatVersion === 1 &&
      manifest.name === name &&
      manifest.version === version &&
      typeof (manifest.model as { digest?: unknown } | null | undefined)?.digest === 'string' &&
      typeof manifest.metrics === 'object' &&
      manifest.metrics !== null,
  );
  return value;
}

/** @throws BLOB_CORRUPT */
export function checkTransition(store: ObjectStore, key: string, value: Transition, name: string): Transition {
  fieldsOf(
    store,
    key,
    value,
    `change of the routing of "${name}"`,
    (transition) =>
      transition.formatVersion === 1 &&
      transition.name === name &&
      Number.isSafeInteger(transition.revision) &&
      isAliases(transition.aliases),
  );
  return value;
}

/** Of one model or version, as lists show it beside those that are whole. */
export interface Problem {
  readonly version?: number;
  readonly message: string;
}

export function problemOf(error: unknown, version?: number): Problem {
  return { ...(version === undefined ? {} : { version }), message: messageOf(error) };
}
