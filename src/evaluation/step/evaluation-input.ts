import type { OpenArtifact } from '../../core/ports.ts';
import type { BaselineChoice } from '../measure/baseline.ts';
import type { MetricSpec } from '../metrics/resolve-metrics.ts';
import type { Gate, OnNoChampion } from './gate.ts';
import type { Measure } from './measures.ts';
import type { Costs } from '../findings/insights/insight-types.ts';
import type { FeatureSource } from '../generators/features.ts';
import type { ServingVersion } from '../rows/test-rows.ts';
import type { TrainedOn } from '../../training/model/trained-on.ts';

/** When a comparison with the champion counts. */
export interface ComparisonChoice {
  /** Test rows that have to be left, of those that neither side was trained or validated on. */
  readonly minimumRows: number;
  /** What gates against the champion say where fewer are. */
  readonly onTooFewRows: 'fail' | 'pass';
}

export const COMPARISON_DEFAULTS: ComparisonChoice = { minimumRows: 20, onTooFewRows: 'fail' };

/** What an evaluate step asks for. */
export interface EvaluateOptions {
  readonly pipeline: string;
  /** Empty: the usual ones of the task. */
  readonly metrics: readonly MetricSpec[];
  readonly gates: readonly Gate[];
  readonly onNoChampion: OnNoChampion;
  /** How long ago every former champion of the longest period served; `former` of the inputs may be fewer. */
  readonly formerAgesMs?: readonly number[];
  readonly comparison: ComparisonChoice;
  /** What was measured of the model in use, for gates that name it. */
  readonly measures?: readonly Measure[];
  readonly positive?: string;
  readonly threshold?: number;
  readonly slices: readonly string[];
  /** What mistakes of a two-class model cost. */
  readonly costs?: Costs;
  /** false: only what gates and metrics ask for. */
  readonly insights?: boolean;
  /** Default: persistence for sequences of numbers, else the mean or the most frequent class. */
  readonly baseline?: BaselineChoice;
  readonly seed: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (message: string, fraction?: number) => void;
  /** Is given what the model answered for single rows of the test split, in its order, and the truth, in the units of the source. */
  readonly onNumbers?: (answers: Float64Array, truth: Float64Array) => void;
}

export interface FormerChampion extends ServingVersion {
  /** How long before the nominal time of the run it served last, in milliseconds. */
  readonly agoMs: number;
}

/** What it looks at. */
export interface EvaluateInputs {
  readonly model: OpenArtifact;
  readonly examples: OpenArtifact;
  readonly dataset: OpenArtifact;
  /** What the model learnt from. */
  readonly trainedOn: TrainedOn;
  /** The version that serves now, resolved once; or why there is none. */
  readonly champion: ServingVersion | { readonly none: string };
  /** Champions before it, of the periods that gates name. */
  readonly former: readonly FormerChampion[];
  /** Of a generator: the classifier whose features are compared. */
  readonly features?: FeatureSource;
}
