import { messageOf } from '../core/errors.ts';
import type { JsonSchema } from '../core/json.ts';
import { COUNT, NUMBER, OBJECT, TEXT, defineStored, listOf, mapOf, orNull, recordSchema } from '../storage/stored.ts';
import type { StoredKind } from '../storage/stored.ts';
import type {
  Announcement,
  Claim,
  ModelSummary,
  RememberedVersion,
  RolloutRecord,
  Routing,
  Transition,
  VersionExport,
  VersionManifest,
} from './types.ts';

/**
 * What the registry keeps, as it is stored. Each record is checked where it is read: one that was cut off, or that something else
 * wrote, is an error of this one model or version, told with its key. What every version since 0.1.0 has written is required.
 */

const VERSION: JsonSchema = { type: 'integer', minimum: 1 };
const DIGEST: JsonSchema = { type: 'string', minLength: 1 };
const ARTIFACT = recordSchema({ digest: DIGEST }, { kind: TEXT, summary: TEXT });
const ALIASES = mapOf({ type: 'integer' });
const PIN = orNull(recordSchema({ version: VERSION, by: TEXT, at: TEXT, why: TEXT }));
const SETTINGS: Readonly<Record<string, JsonSchema>> = {
  fallback: { enum: ['previous', 'nothing'] },
  predictionLog: recordSchema({}, { share: NUMBER, leaveOut: listOf(TEXT), hash: listOf(TEXT), keep: TEXT }),
  limits: recordSchema({}, { requestsPerSecond: NUMBER, rowsPerRequest: COUNT, bytesPerRequest: COUNT, timeout: TEXT }),
  targets: listOf(recordSchema({ name: TEXT, config: OBJECT })),
};
const SHARE: JsonSchema = { type: 'number', minimum: 0, maximum: 1 };
const ROLLOUT_ROUTING = recordSchema(
  { id: TEXT, kind: TEXT, champion: VERSION, candidate: VERSION, share: SHARE, step: COUNT },
  { by: recordSchema({}, { column: TEXT, header: TEXT }) },
);

/** {@link VersionManifest} as it is stored. */
export const MANIFEST: StoredKind<VersionManifest> = defineStored({
  at: 'models/*/versions/*.json',
  name: 'manifest of a version',
  formatVersion: 1,
  schema: recordSchema(
    {
      name: TEXT,
      version: VERSION,
      id: TEXT,
      createdAt: TEXT,
      createdBy: TEXT,
      description: TEXT,
      tags: mapOf(TEXT),
      pipeline: TEXT,
      runId: TEXT,
      stepId: TEXT,
      planRevision: TEXT,
      model: ARTIFACT,
      evaluation: orNull(ARTIFACT),
      dataset: orNull(TEXT),
      metrics: mapOf(NUMBER),
      verdict: orNull(OBJECT),
      signature: orNull(OBJECT),
      parent: orNull(VERSION),
    },
    { check: OBJECT, nominalTime: TEXT, trace: OBJECT },
  ),
});

/** {@link Transition} as it is stored. */
export const TRANSITION: StoredKind<Transition> = defineStored({
  at: 'models/*/transitions/*.json',
  name: 'change of the routing of a model',
  formatVersion: 1,
  schema: recordSchema(
    {
      id: TEXT,
      name: TEXT,
      revision: COUNT,
      at: TEXT,
      who: TEXT,
      why: TEXT,
      action: TEXT,
      alias: orNull(TEXT),
      from: orNull(VERSION),
      to: orNull(VERSION),
      automatic: { type: 'boolean' },
      aliases: ALIASES,
      pin: PIN,
    },
    { ...SETTINGS, rollout: ROLLOUT_ROUTING, ended: ROLLOUT_ROUTING },
  ),
});

/** {@link Routing} as it is stored. */
export const ROUTING: StoredKind<Routing> = defineStored({
  at: 'models/*/routing.json',
  name: 'routing of a model',
  formatVersion: 1,
  schema: recordSchema(
    {
      name: TEXT,
      revision: COUNT,
      aliases: ALIASES,
      traffic: orNull(mapOf(NUMBER)),
      shadow: orNull(VERSION),
      pin: PIN,
      previous: listOf(VERSION),
      deleted: listOf(VERSION),
      transition: OBJECT,
    },
    { ...SETTINGS, rollout: ROLLOUT_ROUTING, ended: ROLLOUT_ROUTING },
  ),
});

/** {@link RolloutRecord} as it is stored. */
export const ROLLOUT: StoredKind<RolloutRecord> = defineStored({
  at: 'models/*/rollouts/*.json',
  fix: 'Restore it from a copy of the store; what is not over is ended by promoting or rolling back a version.',
  name: 'rollout of a version',
  formatVersion: 1,
  schema: recordSchema(
    {
      name: TEXT,
      id: TEXT,
      champion: VERSION,
      candidate: VERSION,
      spec: OBJECT,
      pipeline: TEXT,
      runId: TEXT,
      judged: listOf(OBJECT),
      startedAt: TEXT,
      state: TEXT,
      step: COUNT,
      stepStartedAt: TEXT,
    },
    { ...SETTINGS, endedAt: TEXT, by: TEXT, why: TEXT, evidence: listOf(OBJECT) },
  ),
});

/** {@link VersionExport} as it is stored. */
export const EXPORT: StoredKind<VersionExport> = defineStored({
  at: 'models/*/exports/*/*.json',
  fix: 'Export the version again, or remove the object: what it names is then not listed.',
  name: 'export of a version',
  formatVersion: 1,
  schema: recordSchema({
    name: TEXT,
    version: VERSION,
    format: TEXT,
    config: OBJECT,
    artifact: ARTIFACT,
    folder: TEXT,
    check: OBJECT,
    notes: listOf(TEXT),
  }),
});

/** {@link Claim} as it is stored. */
export const CLAIM: StoredKind<Claim> = defineStored({
  at: 'models/*/by-digest/*.json',
  name: 'claim of a number for a model artifact',
  formatVersion: 1,
  schema: recordSchema({ version: VERSION, id: TEXT }),
});

/** {@link ModelSummary} as it is stored. */
export const INDEX_ENTRY: StoredKind<ModelSummary> = defineStored({
  at: 'registry/models/*.json',
  name: 'entry of the index of models',
  formatVersion: 1,
  unmarked: 1,
  schema: recordSchema({}, { name: TEXT, createdAt: TEXT }),
});

/** {@link RememberedVersion} as it is stored. */
export const REMEMBERED: StoredKind<RememberedVersion> = defineStored({
  at: 'bases/**.json',
  fix: 'Run the pipeline anew: a retry of this run cannot know what it started from.',
  name: 'version that a run starts from',
  formatVersion: 1,
  schema: recordSchema({ version: orNull(VERSION) }),
});

/** {@link Announcement} as it is stored. Servers of 0.1.0 did not say their format. */
export const ANNOUNCEMENT: StoredKind<Announcement> = defineStored({
  at: 'servers/*.json',
  remade: 'a server that lives announces itself again',
  name: 'announcement of a server',
  formatVersion: 1,
  unmarked: 1,
  schema: recordSchema({ id: TEXT, url: TEXT }, { pid: COUNT, startedAt: TEXT, seenAt: TEXT }),
});

/** That the record at a key of one model is about that model. @returns what is wrong */
export const ofModel =
  (name: string) =>
  (record: { readonly name: string }): string | undefined =>
    record.name === name ? undefined : `it is about "${record.name}", and lies where that of "${name}" belongs`;

/** As {@link ofModel}, of one version. */
export const ofVersion =
  (name: string, version: number) =>
  (record: { readonly name: string; readonly version: number }): string | undefined =>
    ofModel(name)(record) ??
    (record.version === version ? undefined : `it is about version ${record.version}, and lies where that of version ${version} belongs`);

/** Of one model or version, as lists show it beside those that are whole. */
export interface Problem {
  readonly version?: number;
  readonly message: string;
}

export function problemOf(error: unknown, version?: number): Problem {
  return { ...(version === undefined ? {} : { version }), message: messageOf(error) };
}
