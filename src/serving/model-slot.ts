import type { RolloutRouting } from '../core/rollout.ts';
import { hasPassed } from '../platform/passed.ts';
import { CHAMPION } from '../registry/decisions.ts';
import type { RoutingState } from './version-source.ts';
import type { VersionHandle } from './version-handle.ts';

/** What a model answers with, for people and for those who wait for a promotion. */
export interface ModelState {
  readonly model: string;
  /** undefined: nothing is served. */
  readonly version?: number;
  /** What the routing asks for; differs from `version` while it loads, or when it cannot be loaded. */
  readonly wanted?: number;
  readonly aliases: Readonly<Record<string, number>>;
  /** Versions in memory, in rising order; others are loaded when they are asked for. */
  readonly loaded: readonly number[];
  /** Versions that are verified and served, and whose networks lie on the shelf until they are asked for, in rising order. */
  readonly shelf: readonly number[];
  readonly routingRevision: number;
  /** What is wrong, in one sentence; absent while the champion answers, or is being loaded. */
  readonly error?: string;
  /** true: something is wrong, and another version than the champion answers, or none. */
  readonly degraded: boolean;
  readonly requestsInFlight: number;
  /** When `version` began to answer, ISO 8601 UTC. */
  readonly since?: string;
  /** Absent: all requests go to `version`. */
  readonly rollout?: RolloutState;
}

/** How a server follows a rollout. */
export interface RolloutState extends RolloutRouting {
  /** The candidate is in memory; until then the champion answers its share too. */
  readonly loaded: boolean;
  readonly error?: string;
}

/** A version that could not be loaded. */
export interface LoadFailure {
  readonly version: number;
  readonly message: string;
  readonly attempts: number;
  readonly failedAt: number;
  readonly waitMs: number;
}

/** What a server knows of a model, and holds of it. */
export interface Slot {
  readonly model: string;
  routing?: RoutingState;
  current?: VersionHandle;
  /** When it became current. */
  since?: string;
  /** Loaded, and about to become current. */
  next?: VersionHandle;
  failure?: LoadFailure;
  /** Of a rollout. */
  candidate?: VersionHandle;
  candidateFailure?: LoadFailure;
  candidateLoading?: true;
  /** The routing cannot be read; `etag` of the one that was tried. */
  unread?: { readonly etag: string; readonly message: string };
  syncing?: Promise<void>;
  versions?: readonly number[];
}

/** Something is wrong, and another version than the champion answers, or none. */
export function isDegraded(slot: Slot): boolean {
  return slot.failure !== undefined || slot.unread !== undefined;
}

export const mayRetry = ({ failedAt, waitMs }: LoadFailure): boolean => hasPassed(failedAt, waitMs);

/** What is wrong, in one sentence. */
export function errorOf({ failure, unread, current }: Slot): string | undefined {
  const told = [
    ...(unread === undefined ? [] : [`its routing cannot be read: ${unread.message}`]),
    ...(failure === undefined ? [] : [`version ${failure.version} cannot be loaded: ${failure.message}`]),
  ];
  if (told.length === 0) return undefined;
  return `${told.join('; ')}; ${current === undefined ? 'nothing answers' : `version ${current.servable.version} answers`}`;
}

/** How the rollout of a model is followed; undefined: there is none. */
export function rolloutStateOf({ routing, candidate, candidateFailure }: Slot): RolloutState | undefined {
  const rollout = routing?.rollout;
  if (rollout === undefined) return undefined;
  const error =
    candidateFailure?.version === rollout.candidate
      ? `version ${rollout.candidate} cannot be loaded: ${candidateFailure.message}`
      : undefined;
  return {
    ...rollout,
    loaded: candidate?.servable.version === rollout.candidate,
    ...(error === undefined ? {} : { error }),
  };
}

/** @param problem why the version that answers cannot be brought back into memory */
export function stateOf(slot: Slot, loaded: readonly number[], shelf: readonly number[], problem: string | undefined): ModelState {
  const rollout = rolloutStateOf(slot);
  const error =
    errorOf(slot) ??
    (problem === undefined ? undefined : `version ${slot.current!.servable.version} cannot be brought back into memory: ${problem}`);
  const wanted = slot.routing?.aliases[CHAMPION];
  return {
    model: slot.model,
    ...(slot.current === undefined ? {} : { version: slot.current.servable.version, since: slot.since! }),
    ...(wanted === undefined ? {} : { wanted }),
    aliases: slot.routing?.aliases ?? {},
    loaded,
    shelf,
    routingRevision: slot.routing?.revision ?? 0,
    ...(error === undefined ? {} : { error }),
    degraded: isDegraded(slot) || problem !== undefined,
    requestsInFlight: slot.current?.users ?? 0,
    ...(rollout === undefined ? {} : { rollout }),
  };
}
