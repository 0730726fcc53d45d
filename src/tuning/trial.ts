import type { Point } from './space.ts';

/** Which way an objective is better. */
export type Direction = 'minimize' | 'maximize';

/** "stopped": ended early since others were better at the same epoch; "failed": gave no number. */
export type TrialState = 'running' | 'completed' | 'stopped' | 'failed';

/** A value of the first objective on the way, as learning curves give it. */
export interface Reading {
  /** 1 for the first. */
  readonly epoch: number;
  readonly value: number;
}

/** What a sampler or a stopper sees of a trial. */
export interface TrialRecord {
  /** 0 for the first of the study. */
  readonly number: number;
  readonly point: Point;
  readonly state: TrialState;
  /** One for each objective of the study; present where the trial completed. */
  readonly values?: readonly number[];
  /** Ascending epochs. */
  readonly readings: readonly Reading[];
}
