/** What of the world fails for a while, and comes back. */
export type Outage = 'worker' | 'store' | 'server' | 'temporal';

/** One day of a simulation, as it turned out. */
export interface SimulatedDay {
  /** From 0. */
  readonly day: number;
  /** ISO 8601, the date in UTC. */
  readonly date: string;
  /** Rows that were asked about, and those that were answered. */
  readonly rows: number;
  readonly answered: number;
  /** Share of right answers; null: nothing was answered. */
  readonly served: number | null;
  /** Share of right answers of the oracle on the same rows. */
  readonly oracle: number;
  /** The champion at the end of the day; null: there is none. */
  readonly version: number | null;
  /** Largest drift score of the day's checks; null: there was none. */
  readonly drift: number | null;
  readonly alarm: boolean;
  /** What the stream did to the day's rows, in words; empty: nothing. */
  readonly world: string;
}

/** A run of the pipeline. */
export interface SimulatedRun {
  readonly day: number;
  /** ISO 8601 UTC. */
  readonly at: string;
  readonly run: string;
  readonly trigger: string;
  readonly status: string;
  readonly version: number | null;
  readonly live: boolean;
  /** Seconds that its steps took, by this machine's clock; and of those, training. */
  readonly seconds: number;
  readonly trainingSeconds: number;
  /** Rows that it learnt from; 0: it did not come so far. */
  readonly rows: number;
  /** One sentence. */
  readonly headline: string;
}

export type IncidentKind = Outage | 'stopped' | 'refused' | 'brokenPromotion' | 'rolledBack' | 'unpinned' | 'upstream' | 'failed' | 'check';

/** Something that a person would want to know of afterwards. */
export interface SimulatedIncident {
  readonly day: number;
  /** ISO 8601 UTC. */
  readonly at: string;
  readonly kind: IncidentKind;
  /** One sentence. */
  readonly what: string;
}

/** A change of the champion. */
export interface SimulatedChange {
  readonly day: number;
  readonly at: string;
  readonly action: string;
  readonly from: number | null;
  readonly to: number | null;
  readonly who: string;
  readonly why: string;
}

/** What a simulation was asked to keep, and whether it did. */
export interface SimulatedBound {
  readonly name: string;
  /** "fewer than 30 retrainings" */
  readonly asked: string;
  readonly value: number;
  readonly kept: boolean;
}

/** A document's life against a stream. */
export interface Simulation {
  readonly formatVersion: 1;
  readonly pipeline: string;
  readonly model: string;
  readonly file: string;
  /** Name of the scenario, or the table. */
  readonly stream: string;
  readonly seed: number;
  readonly rowsPerDay: number;
  readonly labelDelayDays: number;
  readonly days: readonly SimulatedDay[];
  readonly runs: readonly SimulatedRun[];
  readonly changes: readonly SimulatedChange[];
  readonly incidents: readonly SimulatedIncident[];
  readonly checks: number;
  /** Mean shares of right answers over all days. */
  readonly served: number;
  readonly oracle: number;
  /** How much of the oracle's accuracy was lost, in points of a hundred. */
  readonly loss: number;
  /** Runs after the first that trained. */
  readonly retrainings: number;
  readonly seconds: number;
  readonly bounds: readonly SimulatedBound[];
  /** What was played otherwise than it would be, in words. */
  readonly notes: readonly string[];
}
