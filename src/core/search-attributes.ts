/**
 * What runs can be searched by in Temporal. Dev servers on SQLite hold ten Keyword attributes and three of each other type, so
 * this list is a budget. Values are clear text.
 */
export const SEARCH_ATTRIBUTES = {
  Pipeline: 'KEYWORD',
  Model: 'KEYWORD',
  ModelVersion: 'KEYWORD',
  /** "run", "monitor", "model"; "backfill"; "rollout"; "turn": there while a run has the turn of its pipeline. */
  RunKind: 'KEYWORD',
  /**
   * "passed", "rejected", "ungated" where no gate was set, "failed", "cancelled", "skipped", "completed" where nothing judged; of monitors
   * "drift", "stable", "tooFewRows", "noChampion", …
   */
  Verdict: 'KEYWORD',
  Trigger: 'KEYWORD',
  PrimaryMetric: 'DOUBLE',
  DriftScore: 'DOUBLE',
  Epoch: 'INT',
} as const;

export type SearchAttributeName = keyof typeof SEARCH_ATTRIBUTES;
