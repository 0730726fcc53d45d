import type { Servable } from './servable.ts';

/** What the registry says about a model at one moment. */
export interface RoutingState {
  readonly aliases: Readonly<Record<string, number>>;
  /** Raised by one with every change. */
  readonly revision: number;
  readonly etag: string;
}

/** Where the router learns what to serve, and gets it from. Every call may throw STORE_UNAVAILABLE. */
export interface VersionSource {
  /** Names of all models that are to be seen. */
  models(): Promise<readonly string[]>;
  /** Cheap: asked several times a second. undefined where the model has no routing, or the store lost sight of it. */
  routingEtag(model: string): Promise<string | undefined>;
  routing(model: string): Promise<RoutingState | undefined>;
  /** Ascending. @throws NOT_FOUND for an unknown model. */
  versions(model: string): Promise<readonly number[]>;
  /** Reads and verifies everything of a version. @throws VERSION_INVALID where there is none, BLOB_CORRUPT */
  load(model: string, version: number): Promise<Servable>;
}
