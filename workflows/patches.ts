/**
 * Every change of workflow behaviour that running executions could meet, once they exist in the field: an id, what changed, and
 * when the old branch may go. Use as `if (patched(PATCHES.x)) { new } else { old }`.
 */
export const PATCHES = {
  /**
   * The name of the metric that stands for a run is kept in its memo. The old branch may go when no run of before 1 December 2026 is left.
   */
  primaryMetricName: 'primary-metric-name',
  /** A run takes the turn of its pipeline before its first step. The old branch may go when no run of before 1 December 2026 is left. */
  turns: 'turns',
  /** A monitor asks whether a run may start. The old branch may go when no monitor of before 1 December 2026 is left. */
  admission: 'admission',
  /** Runs and monitors tell the store what came of them. The old branch may go when none of before 1 December 2026 is left. */
  outcomes: 'outcomes',
  /**
   * The id of a run names one execution, also where its workflow id comes twice. The old branch may go when no run of before 1 January
   * 2027 is left.
   */
  runIdNamesExecution: 'run-id-names-execution',
  /**
   * A scheduled run makes up for a tick that it would have been in the way of while nobody was there. The old branch may go when no run of
   * before 1 January 2027 is left.
   */
  makesUp: 'makes-up',
  /**
   * A run that started by itself and made the champion again ends there. The old branch may go when no run of before 1 January 2027 is
   * left.
   */
  nothingNew: 'nothing-new',
  /**
   * A run that is stopped for another one is told for which. The old branch may go when no run of before 1 January 2027 is left.
   */
  replacedBy: 'replaced-by',
  /**
   * A run that came to its end makes up for ticks also where it is cancelled then. The old branch may go when no run of before 1 January
   * 2027 is left.
   */
  endsOnce: 'ends-once',
  /** Runs and checks tell other programs what they do. The old branch may go when none of before 1 February 2027 is left. */
  changes: 'changes',
} as const satisfies Record<string, string>;
