// Named here: what loads the library needs this.
type Tensor = import('@tensorflow/tfjs-node').Tensor;

/** The two calls of tfjs-node's backend that run a TensorFlow operation by name. */
export interface RawBackend {
  readonly binding: Readonly<Record<string, number>>;
  executeSingleOutput(
    name: string,
    attributes: readonly { name: string; type: number; value: unknown }[],
    inputs: readonly Tensor[],
  ): Tensor;
  executeMultipleOutputs(
    name: string,
    attributes: readonly { name: string; type: number; value: unknown }[],
    inputs: readonly Tensor[],
    outputs: number,
  ): Tensor[];
}
