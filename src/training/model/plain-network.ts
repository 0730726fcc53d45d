import type { TensorBatch } from '../../core/tensor.ts';
import { shapesOf, weightsOf, workOf } from './describe.ts';
import { layerRegistry } from '../layers/index.generated.ts';
import type { PlainCall } from '../layers/layer.ts';
import { product } from '../layers/shapes.ts';
import type { Topology } from './model-config.ts';

/**
 * Multiplications of one example up to which the library is left out: a call of it costs as much as many times more of them do here, and
 * loading it half a second and much of the memory of a process.
 */
const WORK_MAX = 8_192;

/** Row-major values of the output of each example. */
export type PlainNetwork = (batch: TensorBatch, rows: number) => Float32Array;

interface Step {
  readonly call: PlainCall;
  readonly inputs: readonly Float64Array[];
  readonly output: Float64Array;
}

/**
 * A small network that the runtime computes by itself, in double precision: each example for itself, so that its answer does not depend on
 * those beside it. undefined where it is large, or has a layer that takes the library.
 *
 * @param weights by full name
 */
export function plainNetwork(topology: Topology, weights: ReadonlyMap<string, Float32Array>): PlainNetwork | undefined {
  // Integers may be masked, which no plain layer knows of.
  if (topology.inputs.some(({ vocabularySize }) => vocabularySize !== undefined) || workOf(topology) > WORK_MAX) return undefined;
  const shapes = shapesOf(topology);
  const values = new Map([...shapes].map(([name, shape]) => [name, new Float64Array(product(shape))]));
  const steps: Step[] = [];
  for (const node of topology.layers) {
    const own = Object.fromEntries(weightsOf(node, shapes).map(({ name }) => [name, weights.get(`${node.name}/${name}`)!]));
    const inputs = node.inputs.map((name) => shapes.get(name)!);
    const call = layerRegistry.get(node.type, 'MODEL_INVALID').plain?.(inputs, own, node.config);
    if (call === undefined) return undefined;
    steps.push({ call, inputs: node.inputs.map((name) => values.get(name)!), output: values.get(node.name)! });
  }
  const given = topology.inputs.map(({ name }) => ({ name, into: values.get(name)! }));
  const output = values.get(topology.output)!;
  return (batch, rows) => {
    const answers = new Float32Array(rows * output.length);
    const sources = given.map(({ name, into }) => ({ from: batch[name]!.data, into }));
    for (let row = 0, to = 0; row < rows; row += 1, to += output.length) {
      for (const { from, into } of sources)
        for (let at = 0, start = row * into.length; at < into.length; at += 1) into[at] = from[start + at]!;
      for (const step of steps) step.call(step.inputs, step.output);
      for (let at = 0; at < output.length; at += 1) answers[to + at] = output[at]!;
    }
    return answers;
  };
}
