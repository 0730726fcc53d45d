/** What came last of what starts by itself or by hand: the newest run of a pipeline, and the newest check of each of its monitors. */
export type OutcomeKind = 'run' | 'drift' | 'newData' | (string & {});

/** `outcomes/<pipeline>/<kind>.json`: what came last; `journal/<pipeline>/<time>-<id>.json`: what once came, see {@link isRemembered}. */
export interface Outcome {
  readonly formatVersion: 1;
  readonly pipeline: string;
  readonly kind: OutcomeKind;
  /** How the run ended, or what the check led to. */
  readonly outcome: string;
  /** One sentence. */
  readonly summary: string;
  /** Workflow id. */
  readonly workflow: string;
  readonly trigger: string;
  readonly model: string | null;
  /** That a run registered; absent where it registered none, and in what 0.1.0 wrote. */
  readonly version?: number;
  /** That a run took, from its start to its end. */
  readonly seconds?: number;
  /** ISO 8601, by the clock of Temporal. */
  readonly at: string;
}

/** Ends of runs, and outcomes and ends of checks, that somebody has to look at. */
const TO_LOOK_AT: ReadonlySet<string> = new Set([
  'failed',
  'rejected',
  'timed out',
  'timedOut',
  'terminated',
  'alert',
  'blocked',
  'incomplete',
  'rolledBack',
  'paused',
  'blind',
]);

/** Outcomes of checks that found nothing to do, or left it to what goes on anyway. */
const QUIET: ReadonlySet<string> = new Set(['none', 'running', 'coolingDown', 'nothingNew', 'told']);

/** Whether it is part of the story of a model: every end of a run, and every check that led to something or is to be looked at. */
export function isRemembered({ kind, outcome }: Pick<Outcome, 'kind' | 'outcome'>): boolean {
  return kind === 'run' || isToLookAt(kind, outcome) || !QUIET.has(outcome);
}

/** Whether somebody has to look at it. That nothing is new is as it should be, but for a model whose questions have drifted. */
export function isToLookAt(kind: OutcomeKind | 'backfill', outcome: string): boolean {
  return TO_LOOK_AT.has(outcome) || (kind === 'drift' && outcome === 'nothingNew');
}
