import type { Json, JsonObject } from '../core/json.ts';
import { list, nearest } from './diagnostic.ts';
import type { Finding } from './diagnostic.ts';
import { isObject } from './schema-walk.ts';

export const CURRENT_VERSION = 'perennial/v1';

/** One step of the way from an old format to the current one. Pure: gives a new document of version `to`. */
export interface Migration {
  readonly from: string;
  readonly to: string;
  /** What changed, one line, for the note that is shown. */
  readonly summary: string;
  upgrade(document: JsonObject): JsonObject;
}

/** Oldest first. `perennial/v1` is the first format, so that there is nothing to upgrade from. */
export const MIGRATIONS: readonly Migration[] = [];

export interface MigrationResult {
  readonly document: Json;
  /** The upgrades that were applied, in order. */
  readonly applied: readonly Migration[];
  readonly findings: readonly Finding[];
}

/** The document in the current format. A version that is not known is a finding; a missing one is the schema's to report. */
export function migrate(document: Json, migrations: readonly Migration[] = MIGRATIONS, current: string = CURRENT_VERSION): MigrationResult {
  const applied: Migration[] = [];
  let at = document;
  for (;;) {
    const version = isObject(at) ? at['apiVersion'] : undefined;
    if (typeof version !== 'string' || version === current) return { document: at, applied, findings: [] };
    const migration = migrations.find(({ from }) => from === version);
    if (migration === undefined || applied.includes(migration))
      return { document: at, applied, findings: [unknownVersion(version, migrations, current)] };
    applied.push(migration);
    at = { ...migration.upgrade(at as JsonObject), apiVersion: migration.to };
  }
}

function unknownVersion(version: string, migrations: readonly Migration[], current: string): Finding {
  const allowed = [...migrations.map(({ from }) => from), current];
  const suggestion = nearest(version, allowed);
  const [, given] = /^perennial\/v(\d+)$/.exec(version) ?? [];
  const newer = given !== undefined && Number(given) > Number(/\d+$/.exec(current)?.[0] ?? NaN);
  return {
    pointer: '/apiVersion',
    given: version,
    allowed,
    message: newer
      ? `The document is of format "${version}", which is newer than this Perennial knows.`
      : `There is no document format "${version}".`,
    ...(suggestion === undefined || newer ? {} : { suggestion }),
    fix: newer ? 'Install a newer Perennial.' : `This Perennial reads ${list(allowed)}.`,
  };
}
