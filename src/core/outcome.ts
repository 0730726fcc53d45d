/** What came last of what starts by itself or by hand: the newest run of a pipeline, and the newest check of each of its monitors. */
export type OutcomeKind = 'run' | 'drift' | 'newData' | (string & {});

/** `outcomes/<pipeline>/<kind>.json`. */
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

/** Whether somebody has to look at it. That nothing is new is as it should be, but for a model whose questions have drifted. */
export function isToLookAt(kind: OutcomeKind | 'backfill', outcome: string): boolean {
  return TO_LOOK_AT.has(outcome) || (kind === 'drift' && outcome === 'nothingNew');
}
