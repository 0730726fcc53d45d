import type { JsonObject } from './json.ts';

/** What other programs are told of, by the name that follows "perennial." in the type of an event. */
export const CHANGES = {
  'run.started': 'a run began, or its turn came',
  'run.completed': 'a run ended well',
  'run.failed': 'a run failed',
  'run.rejected': 'a gate or a person rejected a run',
  'run.cancelled': 'a run was cancelled',
  'run.nothingNew': 'a run found nothing new to learn',
  'run.skipped': 'a run gave way to another one of its pipeline',
  'run.terminated': 'somebody terminated a run',
  'run.timedOut': 'a run took longer than it may',
  'step.started': 'a step of a run began',
  'step.completed': 'a step of a run ended well, or its result was in the cache',
  'step.rejected': 'a step of a run judged, and said no',
  'step.failed': 'a step of a run failed for good',
  'step.cancelled': 'a step of a run was cancelled',
  'approval.asked': 'a step asks people',
  'approval.answered': 'somebody answered, or nobody did in time',
  'version.registered': 'a model got a new version',
  'version.deleted': 'a version was deleted',
  'version.restored': 'a deleted version was brought back',
  'model.promoted': 'an alias moved to a version: by a run, a rollout or by hand',
  'model.rolledBack': 'the champion went back to an earlier version, and is pinned to it',
  'model.unpinned': 'automation may promote again',
  'model.aliasMoved': 'an alias was removed',
  'rollout.began': 'a version takes over bit by bit',
  'rollout.moved': 'it got another share of the traffic',
  'rollout.noted': 'it was paused, or goes on',
  'rollout.ended': 'it ended: its version was promoted, or all traffic goes to the champion again',
  'drift.detected': 'a check found drift',
  'performance.degraded': 'a champion does worse than it may',
  'trigger.fired': 'a trigger found something',
  'check.failed': 'a check failed, or cannot see anything',
  'model.blocked': 'a check starts no more runs since those before changed nothing',
  'pipeline.paused': 'a trigger paused the schedules of its pipeline',
  'schedule.paused': 'somebody paused a schedule',
  'schedule.resumed': 'somebody let a schedule go on',
  'token.created': 'somebody may ask the servers',
  'token.revoked': 'somebody may not any more',
  'sink.tried': 'somebody tries a sink, and nothing happened',
} as const;
export type ChangeType = keyof typeof CHANGES;

/** The word before the dot: who asks for it hears of all of its kind. */
export const groupOf = (type: string): string => type.slice(0, type.indexOf('.'));

/** Something that happened, as other programs are told. */
export interface Change {
  /** Which change it is within its store: the same however often it is told, since the ids of events are made from it. */
  readonly key: string;
  readonly type: ChangeType;
  /** When it happened, ISO 8601 UTC: the same however often it is told. */
  readonly at: string;
  /** Whose changes are told in their order, e.g. "pipelines/penguins/runs/20261130-…" or "models/penguins". */
  readonly subject: string;
  /** Its place among changes of one subject in the same millisecond. */
  readonly order: number;
  readonly pipeline: string | null;
  readonly model: string | null;
  readonly data: JsonObject;
  /** By which lineage is looked up; part of no event. */
  readonly hints?: JsonObject;
  /** Of steps: what was read and written, in the words of no format. */
  readonly lineage?: Lineage;
}

export interface Lineage {
  readonly inputs: readonly LineageDataset[];
  readonly outputs: readonly LineageDataset[];
}

/** Something that is read or written. */
export interface LineageDataset {
  /** Where its name means something, e.g. "file" or "s3://bucket"; null: in the store of Perennial. */
  readonly namespace: string | null;
  /** Stable over runs. */
  readonly name: string;
  /** What of it: the digest of an artifact, the number of a version. */
  readonly version?: string;
  readonly kind?: string;
  readonly fields?: readonly { readonly name: string; readonly type: string; readonly description?: string }[];
  readonly assertions?: readonly LineageAssertion[];
  readonly rows?: number;
  readonly bytes?: number;
  readonly files?: number;
  /** By column: what its profile says of missing and distinct values, and of numbers. */
  readonly columns?: Readonly<Record<string, JsonObject>>;
}

export interface LineageAssertion {
  readonly assertion: string;
  readonly success: boolean;
  readonly column?: string;
  readonly expected?: string;
  readonly actual?: string;
}

/** Whether somebody who asks for these hears of a change. @param wanted groups or types; left out: all */
export function isWanted(type: ChangeType, wanted: readonly string[] | undefined): boolean {
  return wanted === undefined || wanted.includes(type) || wanted.includes(groupOf(type));
}

/** Where changes are told, as a plan declares it. Secrets stand as `{ "$secret": "NAME" }`. */
export interface PlannedSink {
  /** Within its pipeline. */
  readonly name: string;
  readonly kind: string;
  readonly config: JsonObject;
  readonly envelope: string;
  readonly envelopeConfig: JsonObject;
  /** Groups or types of changes; left out: all that the envelope can tell. */
  readonly events?: readonly string[];
  /** pipeline: its own runs, checks, schedules and models. store: all of the store. */
  readonly of: 'pipeline' | 'store';
}
