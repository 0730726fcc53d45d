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

/** Whether a network is computed without the library: see {@link plainNetwork}. */
export function isPlain(topology: Topology): boolean {
  const shapes = shapesOf(topology);
  if (workOf(topology) > WORK_MAX) return false;
  const zeros = topology.layers.flatMap((node) =>
    weightsOf(node, shapes).map(({ name, shape }) => [`${node.name}/${name}`, new Float32Array(product(shape))] as const),
  );
  return plainNetwork(topology, new Map(zeros)) !== undefined;
}

/** Row-major values of the output of each example. */
export type PlainNetwork = (batch: TensorBatch, rows: number) => Float32Array;

interface Step {
  readonly call: PlainCall;
  readonly inputs: readonly Float64Array[];
  readonly output: Float64Array;
}

/** The steps over the memory of so many examples. */
interface Lane {
  readonly steps: readonly Step[];
  readonly given: readonly { readonly name: string; readonly into: Float64Array }[];
  readonly output: Float64Array;
}

/** Examples that go through the layers together: their values stay in the nearest cache. */
const BLOCK = 32;

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
  const calls: PlainCall[] = [];
  for (const node of topology.layers) {
    const own = Object.fromEntries(weightsOf(node, shapes).map(({ name }) => [name, weights.get(`${node.name}/${name}`)!]));
    const inputs = node.inputs.map((name) => shapes.get(name)!);
    const call = layerRegistry.get(node.type, 'MODEL_INVALID').plain?.(inputs, own, node.config);
    if (call === undefined) return undefined;
    calls.push(call);
  }
  const laneOf = (rows: number): Lane => {
    const values = new Map([...shapes].map(([name, shape]) => [name, new Float64Array(rows * product(shape))]));
    return {
      steps: topology.layers.map(({ name, inputs }, at) => ({
        call: calls[at]!,
        inputs: inputs.map((input) => values.get(input)!),
        output: values.get(name)!,
      })),
      given: topology.inputs.map(({ name }) => ({ name, into: values.get(name)! })),
      output: values.get(topology.output)!,
    };
  };
  const single = laneOf(1);
  let block: Lane | undefined;
  const width = single.output.length;
  return (batch, rows) => {
    const answers = new Float32Array(rows * width);
    for (let row = 0; row < rows;) {
      const isBlock = row + BLOCK <= rows;
      const lane = isBlock ? (block ??= laneOf(BLOCK)) : single;
      compute(lane, batch, row, answers, row * width);
      row += isBlock ? BLOCK : 1;
    }
    return answers;
  };
}

function compute({ steps, given, output }: Lane, batch: TensorBatch, row: number, answers: Float32Array, to: number): void {
  for (const { name, into } of given) {
    const { data, rows: all } = batch[name]!;
    const start = row * (data.length / all);
    for (let at = 0; at < into.length; at += 1) into[at] = data[start + at]!;
  }
  for (const { call, inputs, output: own } of steps) call(inputs, own);
  for (let at = 0; at < output.length; at += 1) answers[to + at] = output[at]!;
}
