import type { JsonObject } from './json.ts';

/** Type of the step that is a study: workflows run it themselves. */
export const TUNE = 'tune';

/** What one objective of a study is. */
export interface StudyObjective {
  /** As people and records call it. */
  readonly name: string;
  readonly direction: 'minimize' | 'maximize';
  /** Step of the trial that gives it, and the name among its values. */
  readonly step: string;
  readonly value: string;
  /** A trial on the wrong side of a bound does not win while another one is on the right side. */
  readonly atLeast?: number;
  readonly atMost?: number;
}

/** What a plan says of its tune step besides the configuration. */
export interface TunePlan {
  /** The document as it was read, with references: compiled again with the values of each trial. */
  readonly document: JsonObject;
  /** Steps of a trial, in the order of the document. */
  readonly steps: readonly string[];
  /** Dimensions of the search, as `Space` of the tuning domain. */
  readonly space: JsonObject;
  readonly objectives: readonly StudyObjective[];
  /** The step whose model metrics are measured of. */
  readonly judged?: string;
  readonly timeMs?: number;
}

/** What a step of a trial says of itself to the store while it runs. */
export interface TrialTask {
  readonly study: string;
  readonly number: number;
  /** A stopper looks at its epochs. */
  readonly stops?: boolean;
}
