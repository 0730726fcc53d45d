import type { Approval } from '../core/approval.ts';
import type { ArtifactRef } from '../core/artifact.ts';
import type { JsonObject } from '../core/json.ts';
import type { RolloutEnd, RolloutRouting, RolloutSpec } from '../core/rollout.ts';
import type { StepVerdict } from '../core/step.ts';
import type { TraceReference } from '../core/trace.ts';
import type { ExportCheck } from '../training/bundle/create-export.ts';
import type { ServingSettings } from './serving-settings.ts';

/** A column that a request carries, in MLflow's words. `required: false`: a missing value is imputed. */
export interface SignatureColumn {
  readonly name: string;
  readonly type: 'double' | 'long' | 'boolean' | 'string' | 'datetime' | 'binary';
  readonly required: boolean;
}

/** What a model takes and gives. @see MLflow model signature: column-based inputs, tensor-based outputs. */
export interface ModelSignature {
  readonly inputs: readonly SignatureColumn[];
  readonly outputs: readonly {
    readonly name: string;
    readonly type: 'tensor';
    readonly 'tensor-spec': { readonly dtype: string; readonly shape: readonly number[] };
  }[];
  /** Consecutive rows that one prediction needs; 1 but for time series. */
  readonly windowSize: number;
}

/**
 * What came of sending raw test rows to the model, as a client would, before it got its number: the answers are those that the
 * evaluation judged, or nothing is registered.
 */
export type RegistrationCheck = CheckedRows | { readonly notChecked: string };

export interface CheckedRows {
  /** Answers that were compared. */
  readonly rows: number;
  /** Whose rows: those of the source's files, or (an image, a text) those of the dataset. */
  readonly from: 'source' | 'dataset';
  /** How they were sent. */
  readonly ways: readonly string[];
  /** Of a value of an answer, relative to values above 1. */
  readonly largestDifference: number;
  /** Up to which a difference passes. */
  readonly bound: number;
}

/** A champion that a version was compared with when it was judged. */
export interface JudgedChampion {
  /** Whose champion. */
  readonly model: string;
  /** null: none served but the model that was judged. */
  readonly version: number | null;
  /** Digest of the model artifact that was judged. */
  readonly judged: string;
}

/** `models/<name>/versions/<version>.json`: written once, never changed. */
export interface VersionManifest {
  readonly formatVersion: 1;
  /** Of the registered model. */
  readonly name: string;
  /** 1, 2, 3, … without gaps. */
  readonly version: number;
  /** Tells writers apart that race for the number. */
  readonly id: string;
  /** ISO 8601 UTC. */
  readonly createdAt: string;
  readonly createdBy: string;
  readonly description: string;
  readonly tags: Readonly<Record<string, string>>;
  readonly pipeline: string;
  readonly runId: string;
  readonly stepId: string;
  /** SHA-256 of the document that made it; empty where it was registered by hand. */
  readonly planRevision: string;
  readonly model: ArtifactRef;
  readonly evaluation: ArtifactRef | null;
  /** Digest of the dataset artifact that it was trained on. */
  readonly dataset: string | null;
  /** Of the test split, by metric. */
  readonly metrics: Readonly<Record<string, number>>;
  readonly verdict: StepVerdict | null;
  readonly signature: ModelSignature | null;
  /** The champion when this version was made: what it had to beat. */
  readonly parent: number | null;
  /** Absent in versions of 0.1.0. */
  readonly check?: RegistrationCheck;
  /**
   * The nominal time of the run that made it, ISO 8601 UTC: what it knows of. Absent where it was registered by hand, and in versions of
   * 0.1.0.
   */
  readonly nominalTime?: string;
  /** Where in a trace it was registered: the trace of its run. Absent where none was told. */
  readonly trace?: TraceReference;
}

/** `models/<name>/exports/<version>/<id>.json`: the version in a format of other programs, and how far that is from the model. */
export interface VersionExport {
  readonly formatVersion: 1;
  readonly name: string;
  readonly version: number;
  readonly format: string;
  readonly config: JsonObject;
  readonly artifact: ArtifactRef;
  /** Where its files are put inside a target, e.g. "digits/3"; "" for the target itself. */
  readonly folder: string;
  readonly check: ExportCheck;
  readonly notes: readonly string[];
}

/** `models/<name>/approvals/<version>/<id>.json`: what somebody said of a version, or of its model before it was one. */
export interface VersionApproval extends Approval {
  readonly formatVersion: 1;
  readonly name: string;
  readonly version: number;
  /** Of which run somebody was asked: `<pipeline>/<run>`. */
  readonly run: string;
}

export interface Pin {
  readonly version: number;
  readonly by: string;
  readonly at: string;
  readonly why: string;
}

/**
 * "rollout": one began; "rolloutStep": its share changed; "rolloutNote": it was paused or goes on; "rolloutEnd": it ended without a
 * promotion.
 */
export type TransitionAction =
  'alias' | 'promote' | 'rollback' | 'unpin' | 'delete' | 'restore' | 'rollout' | 'rolloutStep' | 'rolloutNote' | 'rolloutEnd';

/** `models/<name>/transitions/<time>-<revision>-<id>.json`: one change of the routing, and the state it led to. */
export interface Transition extends ServingSettings {
  readonly formatVersion: 1;
  readonly id: string;
  readonly name: string;
  /** Revision of the routing that this change made. */
  readonly revision: number;
  /** ISO 8601 UTC, by the clock of the store. The order of the history is that of the revisions. */
  readonly at: string;
  readonly who: string;
  readonly why: string;
  readonly action: TransitionAction;
  /** Which alias moved; null for `unpin`, `delete` and `restore`. */
  readonly alias: string | null;
  readonly from: number | null;
  readonly to: number | null;
  /** true: a pipeline or a monitor did it; false: a person. */
  readonly automatic: boolean;
  readonly aliases: Readonly<Record<string, number>>;
  readonly pin: Pin | null;
  /** That goes on after this change. */
  readonly rollout?: RolloutRouting;
  /** That this change put an end to. */
  readonly ended?: RolloutRouting;
}

/** `models/<name>/routing.json`, changed only by compare-and-swap. */
export interface Routing extends ServingSettings {
  readonly formatVersion: 1;
  readonly name: string;
  readonly revision: number;
  readonly aliases: Readonly<Record<string, number>>;
  /** Of formats to come; always null. How traffic is split says `rollout`. */
  readonly traffic: Readonly<Record<string, number>> | null;
  readonly shadow: number | null;
  readonly pin: Pin | null;
  /** Champions before the current one that nobody rolled back from, newest first: where a rollback goes. */
  readonly previous: readonly number[];
  /** Versions that were deleted. Their numbers are never given again. */
  readonly deleted: readonly number[];
  /** Absent: all traffic goes to the champion. Ends with every change of the champion. */
  readonly rollout?: RolloutRouting;
  /** The change that led here. It is written to `transitions/` right after, and by the next writer or reader should that fail. */
  readonly transition: Transition;
}

/** What a change of the routing tells. */
export interface RoutingChange {
  /** false: it was so already, and nothing was written. */
  readonly changed: boolean;
  readonly from: number | null;
  readonly to: number | null;
  readonly pin: Pin | null;
  readonly routing: Routing;
  /** The rollout that the change put an end to. */
  readonly ended?: RolloutRouting;
}

export interface Author {
  /** A person or a run, e.g. "ada@laptop" or "run 0m2x…". */
  readonly who: string;
  readonly why: string;
  /** A change with the id of one that was made is that change: for callers that repeat after a lost answer. */
  readonly requestId?: string;
}

/** `registry/models/<name>.json`. */
export interface ModelSummary {
  readonly name: string;
  readonly createdAt: string;
}

/** `models/<name>/by-digest/<digest>.json`: which number the version of a model artifact has, or is about to get. */
export interface Claim {
  readonly formatVersion: 1;
  readonly version: number;
  /** Makes every write of it unique. */
  readonly id: string;
}

/** `bases/…`: what a reference meant when a run first asked. Holds no digest: it must keep nothing from being collected. */
export interface RememberedVersion {
  readonly formatVersion: 1;
  /** null: there was no such version. */
  readonly version: number | null;
}

/** `servers/<id>.json`: where those who promote find the servers that must answer with the new version. */
export interface Announcement {
  /** Absent in what servers of 0.1.0 wrote. */
  readonly formatVersion?: 1;
  readonly id: string;
  readonly url: string;
  readonly pid?: number;
  /** ISO 8601, UTC. */
  readonly startedAt?: string;
  /** For people. The server writes it again and again: one that was killed is known by the age of the object. */
  readonly seenAt?: string;
}

/**
 * `models/<name>/rollouts/<id>.json`: what was declared (how the model is served from its promotion on, too), and what came of it. Written
 * by whoever drives the rollout.
 */
export interface RolloutRecord extends ServingSettings {
  readonly formatVersion: 1;
  readonly name: string;
  readonly id: string;
  readonly champion: number;
  readonly candidate: number;
  readonly spec: RolloutSpec;
  readonly pipeline: string;
  readonly runId: string;
  /** Over whom it may be promoted. */
  readonly judged: readonly JudgedChampion[];
  /** ISO 8601 UTC. */
  readonly startedAt: string;
  readonly state: 'running' | 'paused' | RolloutEnd;
  readonly step: number;
  readonly stepStartedAt: string;
  readonly endedAt?: string;
  readonly by?: string;
  readonly why?: string;
  /** What was counted and concluded, step by step; of what has ended. */
  readonly evidence?: readonly JsonObject[];
}
