import type { Outage } from '../../core/simulation.ts';

/** What the world does to the rows of a day. Columns of numbers are counted by how well they tell the label, the best one first. */
export interface WorldOfDay {
  /** Added to the columns, in standard deviations of the document's own rows. */
  readonly shifts?: readonly number[];
  /** How much more often than in the document's own rows the classes come, the most frequent class first; others as before. */
  readonly classes?: readonly number[];
  /** What comes before us sends a column that is empty, or in another unit. */
  readonly broken?: { readonly column: number; readonly how: 'missing' | 'unit' };
  /** For people; empty: as on any day. */
  readonly words: string;
}

/**
 * What happens on a day besides. An outage of the server leaves half a day unanswered; any other strikes the next run within
 * {@link OUTAGE_WAITS_DAYS}, or else a check. "badChallenger": somebody starts a run whose training hardly learns. "brokenPromotion": a run
 * reads labels that were exported wrongly, so that its gates see nothing.
 */
export interface ScenarioEvent {
  readonly day: number;
  readonly kind: Outage | 'badChallenger' | 'brokenPromotion';
}

/** An outage that no run has met by then strikes a check. */
export const OUTAGE_WAITS_DAYS = 10;

/** One file `NAME.scenario.ts`: how a stream changes in the course of its days. */
export interface ScenarioDefinition {
  readonly name: string;
  readonly summary: string;
  /** Columns of numbers that the table has to have. */
  readonly numbers: number;
  /** The same for the same numbers. @param day from 0 */
  day(day: number, days: number): WorldOfDay;
  events?(days: number): readonly ScenarioEvent[];
}

export function defineScenario(definition: ScenarioDefinition): ScenarioDefinition {
  return Object.freeze(definition);
}
