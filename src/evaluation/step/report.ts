import type { Json, JsonObject } from '../../core/json.ts';
import type { OutputSpec } from '../../core/tensor.ts';
import type { StepVerdict } from '../../core/step.ts';
import type { Gate, GateVerdict, OnNoChampion } from './gate.ts';
import type { MetricInterval } from '../measure/bootstrap.ts';
import type { Measure } from './measures.ts';
import type { ReportedPicture } from './reported-picture.ts';
import type { Insights } from '../findings/insights/insight-types.ts';
import type { MetricDefinition, MetricTask } from '../metrics/metric.ts';
import type { CalibrationBin } from '../metrics/shared/probabilities.ts';

export interface MetricResult {
  readonly key: string;
  /** Name of the metric's definition. */
  readonly metric: string;
  readonly config: JsonObject;
  readonly direction: MetricDefinition['direction'];
  readonly value: number;
  /** Where the value would be with other rows of the same kind, in 95 of 100 cases. Absent in evaluations of before; null: not known. */
  readonly interval?: Omit<MetricInterval, 'confidence'> | null;
  /** What the value is not about, e.g. classes without rows; a sentence without a full stop. */
  readonly note?: string;
  /** null: undefined for the baseline. */
  readonly baseline: number | null;
  /** Of the champion on the same rows; absent without a champion. */
  readonly champion?: {
    readonly value: number | null;
    readonly challenger: number | null;
    readonly difference: number | null;
    readonly low: number | null;
    readonly high: number | null;
  };
}

export interface ChampionComparison {
  readonly model: string;
  readonly version: number;
  readonly digest: string;
  /** Rows on which both were judged: neither was trained or validated on them. */
  readonly rows: number;
  /** How many test rows there are, and who had seen some. Absent in evaluations of 0.1.0. */
  readonly fair?: { readonly rows: number; readonly left: number; readonly seenByChampion: number; readonly seenByThis: number };
  readonly confidence: number;
  readonly resamples: number;
  readonly metrics: Readonly<Record<string, number | null>>;
}

export interface ClassRow {
  readonly class: string;
  readonly support: number;
  readonly predicted: number;
  readonly precision: number | null;
  readonly recall: number | null;
  readonly f1: number | null;
}

export interface SliceRow {
  readonly value: string;
  readonly rows: number;
  /** null: undefined on these rows. */
  readonly metrics: Readonly<Record<string, number | null>>;
}

export interface WorstRow {
  /** Position in the test split, from 0. */
  readonly index: number;
  /** Negative log probability of the true class, the absolute error in the units of the label, or the error of the reconstruction. */
  readonly loss: number;
  readonly label: string;
  readonly predicted: string;
  /** Probability of the prediction, for classes. */
  readonly probability: number | null;
  /** The row as it came from the source; long text shortened, images as {@link ReportedPicture}. */
  readonly columns: Readonly<Record<string, Json | ReportedPicture>>;
}

export interface Curve {
  readonly class: string;
  readonly area: number | null;
  readonly points: readonly (readonly [falsePositiveRate: number, truePositiveRate: number])[];
}

export interface ReportedOutput {
  readonly kind: OutputSpec['kind'];
  readonly name: string;
  readonly classes?: readonly string[];
}

/** How an autoencoder rebuilds the test rows. */
export interface ReconstructionFindings {
  readonly error: 'squared' | 'absolute';
  /** Above it a row counts as an anomaly. */
  readonly threshold: number;
  readonly calibration: { readonly quantile: number; readonly split: 'train' | 'validation'; readonly rows: number };
  /** false: the evaluation was given another threshold. */
  readonly calibrated: boolean;
  /** Rows by their error, the last bin without an upper end. `anomalies`: where it is known which rows are ones. */
  readonly histogram: { readonly edges: readonly number[]; readonly normal: readonly number[]; readonly anomalies?: readonly number[] };
  /** Of images: originals beside what they were rebuilt as, PNG in base64. */
  readonly images: readonly {
    readonly title: string;
    readonly rows: readonly { readonly index: number; readonly error: number; readonly original: string; readonly rebuilt: string }[];
  }[];
}

/** Where a model errs. */
export interface OutputFindings {
  readonly reconstruction?: ReconstructionFindings;
  readonly classification?: {
    /** Rows by true class, then by predicted class. */
    readonly confusion: readonly (readonly number[])[];
    readonly classes: readonly ClassRow[];
    /** null: the model gives no probabilities. */
    readonly calibration: readonly CalibrationBin[] | null;
    readonly roc: readonly Curve[];
  };
  readonly regression?: {
    /** At most 500 rows, evenly spaced. */
    readonly points: readonly {
      readonly index: number;
      readonly label: number;
      readonly prediction: number;
      readonly baseline: number | null;
    }[];
    /** Label minus prediction. */
    readonly residuals: { readonly edges: readonly number[]; readonly counts: readonly number[] };
    /** true: the rows are in order of time. */
    readonly ordered: boolean;
  };
  readonly slices: readonly { readonly column: string; readonly values: readonly SliceRow[]; readonly left: number }[];
  readonly worst: readonly WorstRow[];
  /** Absent in evaluations of before, and of models that are judged as a whole. */
  readonly insights?: Insights;
}

/** What a generator makes, as PNGs in base64; or, of what is no image, its numbers. */
export interface GeneratedFindings {
  /** Where the features of the Fréchet distance come from. */
  readonly features: string;
  readonly images?: {
    readonly columns: number;
    /** Of a conditional generator: the class of each row of the grid. */
    readonly classes?: readonly string[];
    readonly samples: string;
    readonly examples: string;
    /** While it was trained. */
    readonly progress: readonly { readonly epoch: number; readonly image: string }[];
  };
  /** At most 64 numbers of each sample. */
  readonly numbers?: readonly {
    readonly name: string;
    readonly real: { readonly mean: number; readonly std: number };
    readonly generated: { readonly mean: number; readonly std: number };
  }[];
}

/** How a language model goes on with the beginning of a test text. */
export interface Continuation {
  readonly prompt: string;
  /** As the text itself goes on. */
  readonly actual: string;
  /** The most probable token each time. */
  readonly greedy: string;
  /** Tokens drawn by their shares, at a temperature. */
  readonly drawn: string;
}

/** The contents of `evaluation.json`. It holds no time and no run: the same model on the same rows gives the same bytes. */
export interface EvaluationReport extends OutputFindings {
  readonly formatVersion: 1;
  readonly pipeline: string;
  readonly model: {
    readonly digest: string;
    readonly summary: string;
    readonly parameters: number;
    readonly loss: string;
    readonly optimizer: string;
    readonly epochsRun: number;
    readonly bestEpoch: number;
  };
  readonly dataset: { readonly digest: string; readonly summary: string };
  readonly split: 'test';
  readonly rows: number;
  readonly task: MetricTask | 'several';
  readonly output: ReportedOutput;
  readonly positive?: string;
  readonly threshold?: number;
  readonly metrics: readonly MetricResult[];
  /** Column that says how much each row counts in the metrics. */
  readonly weightedBy?: string;
  /** Of "weightedBy", a column of times: for each such time that a row is older, e.g. "30d", it counts half as much. */
  readonly halfLife?: string;
  /** What was measured of the model in use, where a gate asked for it: not the same each time. */
  readonly measures?: readonly Measure[];
  /** Usual metrics of the task that nobody asked for by name and that are not defined on these rows, with the reason. */
  readonly leftOut?: readonly { readonly key: string; readonly why: string }[];
  readonly baseline: {
    readonly kind: 'majorityClass' | 'mean' | 'persistence' | 'seasonalNaive' | 'untrained' | 'unigram' | 'several' | 'none';
    readonly description: string;
  };
  readonly champion?: ChampionComparison;
  /** Why there is no comparison. */
  readonly noChampion?: string;
  /** true: there is a champion, but no fair comparison with it. */
  readonly notFair?: true;
  readonly onNoChampion: OnNoChampion;
  readonly gates: readonly (Omit<GateVerdict, 'gate'> & { readonly gate: Gate })[];
  readonly verdict: StepVerdict;
  /** Of a generator. */
  readonly generated?: GeneratedFindings;
  /** Of a language model. */
  readonly continuations?: { readonly temperature: number; readonly texts: readonly Continuation[] };
  /** Of a model with several outputs: what was found of each. */
  readonly outputs?: readonly (OutputFindings & { readonly output: ReportedOutput; readonly metrics: readonly string[] })[];
  /** Numbers per epoch, as the trainer wrote them. */
  readonly history: readonly Readonly<Record<string, number>>[];
}
