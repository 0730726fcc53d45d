import type { JsonObject } from '../../../core/json.ts';
import type { TensorBatch } from '../../../core/tensor.ts';
import type { PortableGraph } from '../../graph/portable-graph.ts';
import { inputNodes } from '../../graph/portable-graph.ts';
import type { Feed } from '../../graph/session.ts';
import { inputType } from '../../graph/trace-rule.ts';
import { DataType } from '../../graph/graph-def.ts';
import type { Network } from '../../model/network.ts';
import type { ModelMeta } from '../../model/model-meta.ts';

/** Batches as the graph reads them: token ids as integers, everything else as float32. */
export function graphFeeds(network: Network, batch: TensorBatch, rows: number): Feed[] {
  const names = inputNodes(network.topology);
  return network.topology.inputs.map((spec) => {
    const { data } = batch[spec.name]!;
    const values = inputType(spec) === 'int32' ? Int32Array.from(data) : Float32Array.from(data);
    return { name: names.get(spec.name)!, shape: [rows, ...spec.shape], values };
  });
}

/** What the graph's signature says, and what its values mean. */
export function graphSignature({ signature, inputNames }: PortableGraph, meta: ModelMeta): JsonObject {
  const tensors = new Map([...inputNames].map(([tensor, name]) => [name, tensor]));
  const free = (shape: readonly number[]): (number | null)[] => shape.map((size) => (size === -1 ? null : size));
  const dtype = (type: number): string => (type === DataType.int32 ? 'int32' : 'float32');
  return {
    name: 'serving_default',
    inputs: Object.entries(signature.inputs).map(([name, info]) => ({
      name,
      tensor: tensors.get(name)!,
      node: info.tensor,
      dtype: dtype(info.dtype),
      shape: free(info.shape),
    })),
    outputs: Object.entries(signature.outputs).map(([name, info]) => ({
      name,
      node: info.tensor,
      dtype: dtype(info.dtype),
      shape: free(info.shape),
    })),
    means: meta.output as unknown as JsonObject,
  };
}
