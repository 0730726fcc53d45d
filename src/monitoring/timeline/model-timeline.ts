import type { Outcome } from '../../core/outcome.ts';
import type { ArtifactStore, ObjectStore } from '../../core/ports.ts';
import { CHAMPION } from '../../registry/decisions.ts';
import { journalsOf } from '../../registry/outcomes.ts';
import type { Journals } from '../../registry/outcomes.ts';
import { createRegistry } from '../../registry/registry.ts';
import type { Pin, Transition, VersionManifest } from '../../registry/types.ts';
import { recordedTransitions } from '../../registry/routing.ts';
import { isUnreadable } from '../../storage/stored.ts';
import { readApprovals } from '../../registry/version-approvals.ts';
import { mapLimited } from '../../storage/concurrency.ts';
import { checksBetween } from '../drift-checks/drift-check-record.ts';
import type { DriftCheck } from '../drift-checks/drift-check-record.ts';
import { realizedPerformance } from '../feedback/realized.ts';
import type { Realized } from '../feedback/realized.ts';
import { entriesOf } from './timeline-entries.ts';
import type { TimelineEntry } from './timeline-entries.ts';

/** A stretch of time with one champion. */
export interface Reign {
  readonly version: number;
  /** ISO 8601 UTC, cut to the time that is looked at. */
  readonly from: string;
  readonly to: string;
}

/** A check for drift, as a time line shows it. */
export interface TimelineCheck extends Pick<DriftCheck, 'id' | 'at' | 'version'> {
  readonly outcome: DriftCheck['verdict']['outcome'];
  readonly rows: number;
  /** Largest PSI of the compared columns. */
  readonly driftScore: number;
  readonly driftedColumns: readonly string[];
}

/** What became of a model in a stretch of time. */
export interface ModelTimeline {
  readonly model: string;
  /** ISO 8601 UTC; `to` is not included. */
  readonly from: string;
  readonly to: string;
  /** At the end; null: none. */
  readonly champion: number | null;
  readonly pin: Pin | null;
  /** Oldest first. */
  readonly entries: readonly TimelineEntry[];
  /** Those that were registered in this time, and those that served in it. */
  readonly versions: readonly VersionManifest[];
  /** Numbers of those of them that are deleted. */
  readonly deleted: readonly number[];
  readonly reigns: readonly Reign[];
  /** Ends of its runs, and of checks that led to something, oldest first. */
  readonly ends: readonly Outcome[];
  /** Oldest first. */
  readonly checks: readonly TimelineCheck[];
  /** How it did in production, by period and version; empty where no truth is known. */
  readonly performance: readonly Realized[];
  /** Length of a period of `performance`, milliseconds. */
  readonly periodMs: number;
  /** What is left out, and why. */
  readonly notes: readonly string[];
}

export interface TimelineOptions {
  readonly from: Date;
  /** Not included. */
  readonly to: Date;
  /** false: metrics of answers whose truth came to be known are left out. They read the whole prediction log of the time. */
  readonly performance: boolean;
}

/** Newest checks that are read. */
const CHECKS_MAX = 2_000;
const READS_AT_ONCE = 8;
const DAY_MS = 24 * 3_600_000;
/** Up to so many days the periods are days, then weeks. */
const DAILY_MAX = 45;

/**
 * All that the store knows of a model in a stretch of time: versions, changes of what serves, answers of people, runs, checks, and how its
 * answers did. Runs of before journals were kept are not part of it.
 *
 * @param journals of the same time, where others ask for them too
 * @throws NOT_FOUND where there is no such model
 */
export async function modelTimeline(
  store: ObjectStore,
  artifacts: ArtifactStore,
  model: string,
  { from, to, performance }: TimelineOptions,
  journals: Journals = journalsOf(store, { from, to }),
): Promise<ModelTimeline> {
  const registry = createRegistry(store, artifacts);
  const [{ versions: kept, deleted, problems }, history, gaps, checks] = await Promise.all([
    registry.survey(model),
    // Where what serves cannot be read, what led to it still can.
    orIfUnreadable(registry.history(model), () => recordedTransitions(store, model)),
    orIfUnreadable(registry.historyGaps(model), () => Promise.resolve([])),
    checksBetween(store, model, { from, to }, CHECKS_MAX),
  ]);
  const all = [...kept, ...deleted].sort((a, b) => a.version - b.version);
  const isIn = (at: string): boolean => Date.parse(at) >= from.getTime() && Date.parse(at) < to.getTime();
  const transitions = history.filter(({ at }) => isIn(at));
  const registered = all.filter(({ createdAt }) => isIn(createdAt));
  const reigns = reignsOf(history, { from, to });
  const served = new Set(reigns.map(({ version }) => version));
  const [approvals, ends, realized] = await Promise.all([
    readApprovals(store, model),
    endsOf(journals, model, all),
    performance ? performanceOf(store, artifacts, model, { from, to }) : { periods: [], notes: [], periodMs: periodOf(from, to) },
  ]);
  const versions = all.filter((version) => registered.includes(version) || served.has(version.version));
  const last = history.findLast(({ at }) => Date.parse(at) < to.getTime());
  return {
    model,
    from: from.toISOString(),
    to: to.toISOString(),
    champion: last?.aliases[CHAMPION] ?? null,
    pin: last?.pin ?? null,
    entries: entriesOf({
      versions: registered,
      transitions,
      approvals: approvals.approvals.filter(({ at }) => isIn(at)),
      ends: ends.entries,
      checks: checks.checks,
    }),
    versions,
    deleted: deleted.filter((version) => versions.includes(version)).map(({ version }) => version),
    reigns,
    ends: ends.entries,
    checks: checks.checks.toReversed().map(shownCheck),
    performance: realized.periods,
    periodMs: realized.periodMs,
    notes: [
      ...problems.map(({ version, message }) => (version === undefined ? message : `Version ${version}: ${message}`)),
      ...gaps.map(({ revision, problem }) => `Change ${revision} of what serves is missing: ${problem}`),
      ...approvals.problems,
      ...ends.problems,
      ...checks.problems,
      ...(checks.more > 0 ? [`The ${checks.more} oldest checks for drift of this time are left out.`] : []),
      ...realized.notes,
    ],
  };
}

async function orIfUnreadable<T>(found: Promise<T>, otherwise: () => Promise<T>): Promise<T> {
  try {
    return await found;
  } catch (error) {
    if (!isUnreadable(error)) throw error;
    return otherwise();
  }
}

function shownCheck({ id, at, version, verdict, result }: DriftCheck): TimelineCheck {
  const { rows, driftScore, driftedColumns } = result;
  return { id, at, version, outcome: verdict.outcome, rows, driftScore, driftedColumns };
}

/** Of the pipelines that made its versions, and of those whose last run or check was about it. */
async function endsOf(
  journals: Journals,
  model: string,
  versions: readonly VersionManifest[],
): Promise<{ readonly entries: readonly Outcome[]; readonly problems: readonly string[] }> {
  const { outcomes } = await journals.outcomes();
  const names = [...versions, ...outcomes.filter((outcome) => outcome.model === model)].map(({ pipeline }) => pipeline);
  const pipelines = [...new Set(names)].filter((name) => name !== '');
  const found = await mapLimited(pipelines, READS_AT_ONCE, (pipeline) => journals.of(pipeline));
  return {
    entries: found
      .flatMap(({ entries }) => entries)
      .filter((entry) => entry.model === model || (entry.model === null && entry.kind === 'run'))
      .sort((a, b) => Date.parse(a.at) - Date.parse(b.at)),
    problems: found.flatMap((journal) => journal.problems),
  };
}

/** Who was champion when, within a stretch of time. */
export function reignsOf(
  history: readonly Pick<Transition, 'at' | 'aliases'>[],
  { from, to }: { readonly from: Date; readonly to: Date },
): Reign[] {
  const reigns: Reign[] = [];
  let current: { readonly version: number; readonly since: number } | undefined;
  const end = (until: number): void => {
    if (current === undefined) return;
    const [start, stop] = [Math.max(current.since, from.getTime()), Math.min(until, to.getTime())];
    if (start < stop) reigns.push({ version: current.version, from: new Date(start).toISOString(), to: new Date(stop).toISOString() });
  };
  for (const { at, aliases } of history) {
    const version = aliases[CHAMPION];
    if (version === current?.version) continue;
    end(Date.parse(at));
    current = version === undefined ? undefined : { version, since: Date.parse(at) };
  }
  end(to.getTime());
  return reigns;
}

function periodOf(from: Date, to: Date): number {
  return to.getTime() - from.getTime() <= DAILY_MAX * DAY_MS ? DAY_MS : 7 * DAY_MS;
}

/** Only periods of which some truth is known. */
async function performanceOf(
  store: ObjectStore,
  artifacts: ArtifactStore,
  model: string,
  { from, to }: { readonly from: Date; readonly to: Date },
): Promise<Pick<ModelTimeline, 'periodMs'> & { readonly periods: readonly Realized[]; readonly notes: readonly string[] }> {
  const periodMs = periodOf(from, to);
  // Periods begin at midnight, as people count days.
  const start = new Date(Math.floor(from.getTime() / DAY_MS) * DAY_MS);
  const { periods, notes } = await realizedPerformance(store, artifacts, model, { from: start, to, byMs: periodMs });
  return { periodMs, periods: periods.filter(({ labelled, flagged, confirmed }) => labelled + flagged + confirmed > 0), notes };
}
