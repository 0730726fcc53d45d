import type { JsonObject } from './json.ts';

/** How a version takes over from the champion, a share of the traffic at a time. Shares are 0 to 1, times milliseconds. */

const ROLLOUT_KINDS = ['canary', 'shadow', 'abTest'] as const;
type RolloutKind = (typeof ROLLOUT_KINDS)[number];

/** The two that are compared: what served before, and what is to serve. */
const ARMS = ['champion', 'candidate'] as const;
export type Arm = (typeof ARMS)[number];

/** What a request is told apart by, so that the same caller meets the same version: a column of its rows, or a header. */
export interface RolloutKey {
  readonly column?: string;
  readonly header?: string;
}

interface RolloutStep {
  /** Of the requests that the candidate answers (of a shadow: that are copied to it). */
  readonly share: number;
  readonly forMs: number;
}

/** A bound of a number by itself, and of its distance from the champion's in the same time. */
export interface RolloutBound {
  readonly atMost?: number;
  readonly aboveChampionBy?: number;
}

/** What ends a rollout before its time. Each is judged so that it may be looked at all the time. */
export interface RolloutChecks {
  /** Of the requests, those that failed in the server. */
  readonly errorRate?: RolloutBound;
  /** Of the requests, those that the version refused: rows that it cannot read. */
  readonly refusalRate?: RolloutBound;
  readonly latency?: { readonly percentile: number; readonly atMostMs?: number; readonly timesChampion?: number };
  /** Distance of the distribution of the answers from that of the champion's, 0 to 1. */
  readonly predictions?: { readonly atMost: number };
  /** Means over answers whose truth came to be known by feedback. */
  readonly metric?: LiveMetricCheck;
  /** Chance that a candidate that keeps all bounds is ended by one of them. */
  readonly falseAlarms: number;
}

export const LIVE_METRICS = ['accuracy', 'meanAbsoluteError', 'meanSquaredError', 'flaggedRate'] as const;
export type LiveMetric = (typeof LIVE_METRICS)[number];

/** Whether more of a live metric is better. */
export const MORE_IS_BETTER: Readonly<Record<LiveMetric, boolean>> = {
  accuracy: true,
  meanAbsoluteError: false,
  meanSquaredError: false,
  flaggedRate: false,
};

export interface LiveMetricCheck {
  readonly name: LiveMetric;
  /** Lowest (highest, where less is better) mean that is good enough. */
  readonly bound?: number;
  readonly worseThanChampionBy?: number;
}

/** What a shadow has to show besides. */
interface ShadowRules {
  /** Of the rows, those with the same class; lowest share. */
  readonly agreement?: number;
  /** Mean of |candidate − champion| of numbers and scores; highest. */
  readonly meanDifference?: number;
}

interface AbTestRules {
  readonly metric: LiveMetric;
  /** Of the interval, e.g. 0.95. */
  readonly confidence: number;
  /** Callers (or requests) per arm before anything is concluded. */
  readonly minUnits: number;
  /** The arms count as equal where the interval lies within ± this; left out: they never do. */
  readonly equalWithin?: number;
}

export interface RolloutSpec {
  readonly kind: RolloutKind;
  readonly steps: readonly RolloutStep[];
  readonly by?: RolloutKey;
  /** Of the candidate, in every step. */
  readonly minRequests: number;
  readonly tooFewRequests: 'wait' | 'extend' | 'proceed';
  readonly checks: RolloutChecks;
  readonly shadow?: ShadowRules;
  readonly abTest?: AbTestRules;
  /** What happens to a candidate that came through. */
  readonly then: 'promote' | 'report';
  /** `freeze` of the deploy step: in these times no share grows, and nothing is promoted but by hand. */
  readonly freeze?: readonly JsonObject[];
}

/** What servers follow: part of the routing of a model. */
export interface RolloutRouting {
  readonly id: string;
  readonly kind: RolloutKind;
  /** Whom the candidate is measured against. */
  readonly champion: number;
  readonly candidate: number;
  readonly share: number;
  /** From 0. */
  readonly step: number;
  readonly by?: RolloutKey;
}

const ROLLOUT_ENDS = ['promoted', 'finished', 'returned', 'aborted', 'superseded', 'rejected'] as const;
/**
 * "promoted" · "finished": it came through, or was decided, and nothing was to be promoted · "returned": a check ended it · "aborted" by
 * somebody · "superseded" by another change of the routing · "rejected": it was judged against a champion that is none any more.
 */
export type RolloutEnd = (typeof ROLLOUT_ENDS)[number];

/** The one argument of the workflow `rollout`. */
export interface RolloutInput {
  readonly model: string;
  readonly id: string;
  readonly champion: number;
  readonly candidate: number;
  readonly pipeline: string;
  readonly spec: RolloutSpec;
}

/** Who asks a rollout for something, and why. */
export interface RolloutRequest {
  readonly who: string;
  readonly why: string;
}

/** A rollout as its workflow shows it. */
export interface RolloutView {
  /** One sentence. First, so that the UI shows it first. */
  readonly headline: string;
  readonly model: string;
  readonly id: string;
  readonly kind: RolloutKind;
  readonly champion: number;
  readonly candidate: number;
  readonly state: 'running' | 'paused' | RolloutEnd;
  /** From 0. */
  readonly step: number;
  readonly share: number;
  readonly why: string;
}

/** A freeze of the deploy step that holds. */
export interface RolloutFreeze {
  /** ISO 8601. */
  readonly until: string;
  readonly why: string;
}

/** How the history of a model begins to tell that a rollout was ended by hand. */
export const ABORTED = 'Aborted the rollout: ';

/** How a text of {@link freezeText} begins. */
export const FROZEN = 'Nothing is promoted until ';

export function freezeText({ until, why }: RolloutFreeze): string {
  return `${FROZEN}${until}${why === '' ? '' : `: ${why}`}.`;
}

/** The Workflow id of the rollout of a model: there is one at a time. */
export function rolloutWorkflowId(model: string): string {
  return `rollout/${model}`;
}

/** "5 %" */
export function shareText(share: number): string {
  return `${Number((share * 100).toFixed(3))} %`;
}

/** What a rollout does, in a few words: "canary 5 % → 50 %". */
export function rolloutText({ kind, steps }: Pick<RolloutSpec, 'kind' | 'steps'>): string {
  return `${kind === 'abTest' ? 'A/B test' : kind} ${steps.map(({ share }) => shareText(share)).join(' → ')}`;
}
