/** What a run asks of the schedule that it is of. ISO 8601 UTC, as Temporal counts. */
export interface TicksTask {
  readonly schedule: string;
  /** Ticks after this time … */
  readonly from: string;
  /** … up to this one. */
  readonly to: string;
}

export interface TicksFound {
  readonly exists: boolean;
  readonly paused: boolean;
  /** The newest tick of the range; null: there was none. */
  readonly newest: string | null;
  /** The next tick; null: there is none any more. */
  readonly next: string | null;
  /** The newest tick that the schedule took; null: none. */
  readonly taken: string | null;
}
