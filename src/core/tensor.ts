export type DType = 'float32' | 'int32' | 'uint8';

/** A named tensor without its batch dimension: what one example looks like. */
export interface TensorSpec {
  readonly name: string;
  readonly shape: readonly number[];
  readonly dtype: DType;
  /** For token ids: number of ids, 0 being padding and 1 being unknown. Embedding layers take `inputDim` from it. */
  readonly vocabularySize?: number;
  /** Of pixels that were rescaled: what 0 and 255 became. */
  readonly range?: readonly [number, number];
}

/** Row-major values of `rows` examples: `data.length === rows * product(spec.shape)`. */
export interface Tensor {
  readonly spec: TensorSpec;
  readonly rows: number;
  readonly data: Float32Array | Int32Array | Uint8Array;
}

export type TensorBatch = Readonly<Record<string, Tensor>>;

/**
 * What a model predicts. Class labels are stored as int32 indices [1] into `classes` (sorted by code unit); numbers as float32
 * [n], standardized by `scale` where the label was scaled, and scaled back in every answer and metric; `none` for examples
 * without a label; `anomaly` for models that learn from the inputs alone (autoencoders); `samples`: of a generator; `text`: of a language
 * model; `several`: one after the other, in the values of a model as in its labels.
 */
export type OutputSpec =
  | LabelOutput
  | { readonly kind: 'several'; readonly name: string; readonly outputs: readonly LabelOutput[] }
  | AnomalyOutput
  | SamplesOutput
  | TextOutput
  | { readonly kind: 'none'; readonly name: string };

/**
 * A generator's: new examples made of noise. It learns from the inputs, and reads the tensor `latent` [latentSize] of standard normal
 * numbers.
 */
export interface SamplesOutput {
  readonly kind: 'samples';
  /** The input of the examples whose like is made. */
  readonly name: string;
  /** Of one sample. */
  readonly shape: readonly number[];
  /** What the smallest and the largest value of a pixel are. Undefined: the samples are no images. */
  readonly range?: readonly [number, number];
  readonly latentSize: number;
  /** Of a conditional generator: it also reads the tensor `label`, an index into `classes`. */
  readonly label?: { readonly name: string; readonly classes: readonly string[] };
}

/** A language model's: the share of each token id in what comes next. It serves continuations of a text. */
export interface TextOutput {
  readonly kind: 'text';
  /** The input of token ids, and the column of the text. */
  readonly name: string;
  /** Most tokens that are looked back at. */
  readonly length: number;
  readonly vocabularySize: number;
  /** Where the model is loaded with its preprocessing, which knows them; not kept with the model again. */
  readonly tokens?: TokenTexts;
}

/** What token ids stand for. */
export interface TokenTexts {
  readonly level: 'word' | 'character';
  /** From the id 2 on. */
  readonly texts: readonly string[];
}

/** The error with which a model rebuilds its inputs, as a score: anomalies are the rows whose score is above the threshold. */
export interface AnomalyOutput {
  readonly kind: 'anomaly';
  readonly name: string;
  /** "squared" or "absolute": the mean over all values of a row, as the network reads them. */
  readonly error: 'squared' | 'absolute';
  readonly threshold: number;
  /** The threshold is this quantile of the scores of so many rows of a split. */
  readonly calibration: { readonly quantile: number; readonly split: 'train' | 'validation'; readonly rows: number };
}

/** One label: classes or numbers. */
export type LabelOutput =
  | { readonly kind: 'classes'; readonly name: string; readonly classes: readonly string[] }
  | {
      readonly kind: 'number';
      readonly name: string;
      readonly width: number;
      readonly scale?: { readonly mean: number; readonly std: number };
    };

export type Row = Readonly<Record<string, unknown>>;

/** One answer, in the terms of the source data. */
export type Prediction =
  | { readonly label: string; readonly probabilities: Readonly<Record<string, number>> }
  | { readonly value: number | readonly number[] }
  | { readonly score: number; readonly anomaly: boolean }
  /** Of a generator: a PNG as base64, or numbers as the model was given them. */
  | { readonly image: string }
  | { readonly sample: readonly number[] }
  /** How a language model goes on: so many tokens, up to the end of the text or the most that were asked for. */
  | { readonly text: string; readonly tokens: number; readonly finish: 'end' | 'length' }
  /** Of a model with several outputs, by the name of the label. */
  | { readonly outputs: Readonly<Record<string, Prediction>> };
