export type DType = 'float32' | 'int32' | 'uint8';

/** A named tensor without its batch dimension: what one example looks like. */
export interface TensorSpec {
  readonly name: string;
  readonly shape: readonly number[];
  readonly dtype: DType;
  /** For token ids: number of ids, 0 being padding and 1 being unknown. Embedding layers take `inputDim` from it. */
  readonly vocabularySize?: number;
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
 * [n], standardized by `scale` where the label was scaled, and scaled back in every answer and metric; `none` for models
 * that learn from the inputs alone (autoencoders).
 */
export type OutputSpec =
  | { readonly kind: 'classes'; readonly name: string; readonly classes: readonly string[] }
  | { readonly kind: 'number'; readonly name: string; readonly width: number; readonly scale?: { readonly mean: number; readonly std: number } }
  | { readonly kind: 'none'; readonly name: string };

export type Row = Readonly<Record<string, unknown>>;

/** One answer, in the terms of the source data. */
export type Prediction =
  | { readonly label: string; readonly probabilities: Readonly<Record<string, number>> }
  | { readonly value: number | readonly number[] };
