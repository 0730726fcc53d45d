import type { Tensor } from '../tensorflow/tf.ts';

/** The same as tensors, [rows, …]. */
export interface LabelledTensors {
  readonly inputs: Readonly<Record<string, Tensor>>;
  readonly labels: Readonly<Record<string, Tensor>>;
  /** [rows] */
  readonly rowWeights?: Tensor;
  /** Where rows are mixed with others, whose labels these are. */
  readonly mixed?: MixedLabels;
}
/** What a mixed row has of another one. */
export interface MixedLabels {
  readonly labels: Readonly<Record<string, Tensor>>;
  readonly rowWeights?: Tensor;
  /** Share of its own label, [rows]. */
  readonly share: Tensor;
}
