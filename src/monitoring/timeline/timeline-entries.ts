import { approvalText } from '../../core/approval.ts';
import { isToLookAt } from '../../core/outcome.ts';
import type { Outcome } from '../../core/outcome.ts';
import { shareText } from '../../core/rollout.ts';
import { CHAMPION } from '../../registry/decisions.ts';
import { rolloutWords } from '../../registry/rollouts.ts';
import type { Transition, VersionApproval, VersionManifest } from '../../registry/types.ts';
import type { DriftCheck } from '../drift-checks/drift-check-record.ts';

/** Something that happened to a model. */
export interface TimelineEntry {
  /** ISO 8601 UTC. */
  readonly at: string;
  readonly kind: 'version' | 'routing' | 'approval' | 'run' | 'check' | 'drift';
  /** One sentence without its full stop, e.g. "version 3 became champion in place of version 2". */
  readonly what: string;
  /** A person, a run, a trigger. */
  readonly who: string;
  /** Empty where none was given. */
  readonly why: string;
  /** bad: somebody has to look at it; good: what serves became better, or safe again. */
  readonly tone: 'good' | 'bad' | 'quiet';
}

/** What there is to tell, of one stretch of time. */
export interface TimelineFacts {
  readonly versions: readonly VersionManifest[];
  readonly transitions: readonly Transition[];
  readonly approvals: readonly VersionApproval[];
  readonly ends: readonly Outcome[];
  readonly checks: readonly DriftCheck[];
}

/** All of it in the order of time. */
export function entriesOf({ versions, transitions, approvals, ends, checks }: TimelineFacts): TimelineEntry[] {
  return [
    ...versions.map(registered),
    ...transitions.map(moved),
    ...approvals.map(answered),
    ...ends.map(endEntry),
    ...checks.filter(({ verdict }) => verdict.outcome !== 'stable' && verdict.outcome !== 'tooFewRows').map(drifted),
  ].sort((a, b) => Date.parse(a.at) - Date.parse(b.at));
}

function registered({ createdAt: at, version, createdBy: who, description: why }: VersionManifest): TimelineEntry {
  return { at, kind: 'version', what: `version ${version} was registered`, who, why, tone: 'quiet' };
}

function moved(transition: Transition): TimelineEntry {
  const { at, who, why, action } = transition;
  const tone = action === 'promote' && transition.alias === CHAMPION ? 'good' : action === 'rollback' ? 'bad' : 'quiet';
  return { at, kind: 'routing', what: movedText(transition), who, why, tone };
}

function movedText(transition: Transition): string {
  const { action, alias, from, to, pin, rollout, ended } = transition;
  const over = ended === undefined || action === 'rolloutEnd' ? '' : `; ${rolloutWords(ended)} ended`;
  switch (action) {
    case 'promote':
    case 'alias':
      if (to === null) return `the alias "${alias}" was removed from version ${from}`;
      if (alias !== CHAMPION) return `the alias "${alias}" moved to version ${to}`;
      return `version ${to} became champion${from === null || from === to ? '' : ` in place of version ${from}`}${over}`;
    case 'rollback':
      return `back from version ${from} to version ${to}${pin === null ? '' : ', pinned'}${over}`;
    case 'unpin':
      return 'automation may promote again';
    case 'delete':
      return `version ${from ?? to ?? '?'} was deleted`;
    case 'restore':
      return `version ${to ?? from ?? '?'} was brought back`;
    case 'rollout':
      return `${rollout === undefined ? 'a rollout' : rolloutWords(rollout)} began`;
    case 'rolloutStep':
      return rollout === undefined ? 'a rollout moved' : `version ${rollout.candidate} got ${shareText(rollout.share)}`;
    case 'rolloutNote':
      return rollout === undefined ? 'a rollout was paused, or goes on' : `${rolloutWords(rollout)}: paused, or goes on`;
    case 'rolloutEnd':
      return `${ended === undefined ? 'a rollout' : rolloutWords(ended)} ended, and all traffic goes to version ${to ?? from} again`;
    default:
      // Written by a newer version.
      return `what serves was changed (${String(action)})`;
  }
}

function answered(approval: VersionApproval): TimelineEntry {
  const { at, version, question, who = 'nobody', why, decision } = approval;
  return {
    at,
    kind: 'approval',
    what: `version ${version} was ${decision}: ${question}`,
    who,
    why: who === 'nobody' ? approvalText(approval) : why,
    tone: decision === 'approved' ? 'good' : 'bad',
  };
}

const RUNS: Readonly<Record<string, string>> = {
  completed: 'completed',
  failed: 'failed',
  rejected: 'was rejected',
  cancelled: 'was cancelled',
  nothingNew: 'found nothing new to learn',
  terminated: 'was terminated',
  timedOut: 'took longer than it may',
};

const CHECKS: Readonly<Record<string, string>> = {
  started: 'started a run',
  blocked: 'starts no more runs',
  nothingNew: 'found drift, and nothing new to learn from',
  alert: 'alerted',
  rolledBack: 'rolled the champion back',
  paused: 'paused what starts the pipeline',
  blind: 'cannot see anything',
  failed: 'failed',
};

/** What came of a run or a check. */
export function endEntry({ at, kind, outcome, summary: why, workflow, trigger }: Outcome): TimelineEntry {
  const isBad = isToLookAt(kind, outcome);
  return kind === 'run'
    ? {
        at,
        kind: 'run',
        what: `run ${workflow} ${RUNS[outcome] ?? outcome}`,
        who: trigger === 'manual' ? 'by hand' : trigger,
        why,
        tone: isBad ? 'bad' : 'quiet',
      }
    : { at, kind: 'check', what: `the check "${kind}" ${CHECKS[outcome] ?? outcome}`, who: workflow, why, tone: isBad ? 'bad' : 'quiet' };
}

const DRIFT: Readonly<Record<string, string>> = {
  alarm: 'drift was found',
  waiting: 'a window drifted, and too few of those before it',
  coolingDown: 'drift goes on',
};

function drifted({ at, id, source, verdict }: DriftCheck): TimelineEntry {
  return {
    at,
    kind: 'drift',
    what: `${DRIFT[verdict.outcome] ?? verdict.outcome} in ${source}`,
    who: `check ${id.slice(0, 8)}`,
    why: verdict.reason,
    tone: verdict.outcome === 'alarm' ? 'bad' : 'quiet',
  };
}
