import type { PredictionLogSettings } from '../core/prediction-log.ts';
import type { RequestLimits } from '../core/request-limits.ts';
import type { RolloutRouting } from '../core/rollout.ts';
import type { Servable } from './servable.ts';

/** What the registry says about a model at one moment. */
export interface RoutingState {
  readonly aliases: Readonly<Record<string, number>>;
  /** Raised by one with every change. */
  readonly revision: number;
  readonly etag: string;
  /** Former champions, the newest first: what may answer while the champion cannot be loaded. */
  readonly previous?: readonly number[];
  /** "nothing": no former champion stands in. Default: "previous". */
  readonly fallback?: 'previous' | 'nothing';
  /** Absent: all of every prediction is logged. */
  readonly predictionLog?: PredictionLogSettings;
  /** Absent: only those of the server. */
  readonly limits?: RequestLimits;
  /** Absent: all traffic goes to the champion. */
  readonly rollout?: RolloutRouting;
}

/**
 * Where the router learns what to serve, and gets it from. Every call may throw STORE_UNAVAILABLE; any other error is one of this model
 * alone.
 */
export interface VersionSource {
  /** Names of all models that are to be seen. */
  models(): Promise<readonly string[]>;
  /** Cheap: asked several times a second. undefined where the model has no routing, or the store lost sight of it. */
  routingEtag(model: string): Promise<string | undefined>;
  routing(model: string): Promise<RoutingState | undefined>;
  /** From the history, where the routing cannot be read: as the last change that was recorded left it. */
  rebuiltRouting(model: string): Promise<RoutingState | undefined>;
  /** Ascending. @throws NOT_FOUND for an unknown model. */
  versions(model: string): Promise<readonly number[]>;
  /**
   * Reads and verifies everything of a version; its network, where that takes time, at the first prediction.
   *
   * @throws VERSION_INVALID where there is none, BLOB_CORRUPT
   */
  load(model: string, version: number): Promise<Servable>;
  /** Of the weights of a version, before it is loaded. Absent: that is not known. */
  weightBytes?(model: string, version: number): Promise<number>;
}
