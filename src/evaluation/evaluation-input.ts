import type { OpenArtifact } from '../core/ports.ts';
import type { BaselineChoice } from './baseline.ts';
import type { MetricSpec } from './catalogue.ts';
import type { Gate, OnNoChampion } from './gates.ts';
import type { FeatureSource } from './generators/features.ts';
import type { ServingVersion } from './test-rows.ts';

/** What an evaluate step asks for. */
export interface EvaluateOptions {
  readonly pipeline: string;
  /** Empty: the usual ones of the task. */
  readonly metrics: readonly MetricSpec[];
  readonly gates: readonly Gate[];
  readonly onNoChampion: OnNoChampion;
  readonly positive?: string;
  readonly threshold?: number;
  readonly slices: readonly string[];
  /** Default: persistence for sequences of numbers, else the mean or the most frequent class. */
  readonly baseline?: BaselineChoice;
  readonly seed: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (message: string, fraction?: number) => void;
}

/** What it looks at. */
export interface EvaluateInputs {
  readonly model: OpenArtifact;
  readonly examples: OpenArtifact;
  readonly dataset: OpenArtifact;
  /** The version that serves now, resolved once; or why there is none. */
  readonly champion: ServingVersion | { readonly none: string };
  /** Of a generator: the classifier whose features are compared. */
  readonly features?: FeatureSource;
}
