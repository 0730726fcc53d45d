import type { TensorBatch, TensorSpec } from '../../core/tensor.ts';
import { NO_LOGITS } from '../model/network.ts';
import type { Network } from '../model/network.ts';
import { product } from '../layers/shapes.ts';
import type { Tf } from '../tensorflow/tf.ts';
import { DataType } from './graph-def.ts';
import type { Node } from './graph-def.ts';
import { encodeProgram, names } from './program.ts';
import type { GraphVariable, TracedPrediction } from './program.ts';
import { Rehearsal, cleanly } from './rehearsal.ts';
import { GraphSession } from './session.ts';
import type { Feed } from './session.ts';
import { inputNames, inputType } from './trace-rule.ts';

/** Rows of the graphs: the first answers single requests, the second everything else, in parts. */
const SIZES = [1, 64] as const;
/** So many rows at the end cost less one by one than as a whole batch. */
const SINGLES_MAX = 3;

interface Graph extends TracedPrediction {
  readonly rows: number;
  readonly feeds: readonly (Feed & { readonly spec: TensorSpec })[];
  readonly fetches: readonly [string];
}

/** A network as TensorFlow graphs for fixed numbers of rows, with its weights inside the session. */
export class GraphPredictor {
  readonly #session: GraphSession;
  readonly #one: Graph;
  readonly #many: Graph;

  /** @throws TraceError naming the operation that cannot become part of a graph */
  constructor(tf: Tf, network: Network, weights: ReadonlyMap<string, Float32Array>, rowsAtOnce: number = SIZES[1]) {
    const variables = network.weights.map(({ shape }, index): GraphVariable => ({
      name: `weight_${index}`,
      shape,
      dtype: DataType.float32,
    }));
    const graphs = [SIZES[0], rowsAtOnce].map((rows, index) => traceForward(tf, network, variables, rows, `graph${index}_`));
    [this.#one, this.#many] = graphs as [Graph, Graph];
    const constants = asConstants(graphs, network, variables, weights);
    if (constants !== undefined) {
      this.#session = new GraphSession(tf, encodeProgram({ variables: [], steps: [], predictions: constants, lowerLoops: false }));
      return;
    }
    this.#session = new GraphSession(tf, encodeProgram({ variables, steps: [], predictions: graphs, lowerLoops: false }));
    this.#session.run(
      variables.map((variable, index) => ({
        name: names.feedOf(variable),
        shape: variable.shape,
        values: weights.get(network.weights[index]!.fullName)!,
      })),
      [names.assignAll],
    );
  }

  /** Row-major values, `width` per row. The tensors of the batch have the sizes that the network reads. */
  predict(batch: TensorBatch, rows: number, width: number): Float32Array {
    const result = new Float32Array(rows * width);
    for (let start = 0; start < rows;) {
      const graph = rows - start <= SINGLES_MAX ? this.#one : this.#many;
      const count = Math.min(graph.rows, rows - start);
      for (const { spec, values } of graph.feeds) fill(values as Float32Array, batch, spec, start, count);
      const [output] = this.#session.run(graph.feeds, graph.fetches) as [Float32Array];
      result.set(output.subarray(0, count * width), start * width);
      start += count;
    }
    return result;
  }

  dispose(): void {
    this.#session.dispose();
  }
}

/** Rows beyond `count` keep what was there: they are computed and not read. */
function fill(target: Float32Array | Int32Array, batch: TensorBatch, spec: TensorSpec, start: number, count: number): void {
  const width = product(spec.shape);
  const { data } = batch[spec.name]!;
  target.set(data.length === count * width ? data : data.subarray(start * width, (start + count) * width));
}

/** Weights of so many bytes become constants: each graph that a session runs has its own copy. */
const CONSTANT_BYTES_MAX = 16 * 1024 ** 2;

/**
 * Weights in the place of reads of variables, so that TensorFlow computes once what follows from weights alone. undefined where there
 * are too many, or loops read them.
 */
function asConstants(
  graphs: readonly Graph[],
  network: Network,
  variables: readonly GraphVariable[],
  weights: ReadonlyMap<string, Float32Array>,
): readonly TracedPrediction[] | undefined {
  const bytes = network.weights.reduce((sum, { shape }) => sum + 4 * product(shape), 0);
  if (bytes > CONSTANT_BYTES_MAX || graphs.some(({ functions }) => functions.length > 0)) return undefined;
  const constants = variables.map(({ name, shape }, index): Node => {
    const values = weights.get(network.weights[index]!.fullName)!;
    const tensor = { dtype: DataType.float32, shape, bytes: new Uint8Array(values.buffer, values.byteOffset, values.byteLength) };
    return { name, op: 'Const', inputs: [], attributes: { dtype: { type: DataType.float32 }, value: { tensor } } };
  });
  return graphs.map(({ nodes, functions, outputs }, at) => {
    const read = new Map(nodes.filter(({ op }) => op === 'ReadVariableOp').map(({ name, inputs }) => [name, inputs[0]!]));
    const renamed = (input: string): string => read.get(input) ?? input;
    return {
      functions,
      outputs: outputs.map(({ name, value }) => ({ name, value: renamed(value) })),
      nodes: [
        ...(at === 0 ? constants : []),
        ...nodes.filter(({ name }) => !read.has(name)).map((node) => ({ ...node, inputs: node.inputs.map(renamed) })),
      ],
    };
  });
}

function traceForward(tf: Tf, network: Network, variables: readonly GraphVariable[], rows: number, prefix: string): Graph {
  return cleanly(tf, () => {
    const rehearsal = new Rehearsal(tf, prefix);
    const weights = new Map(
      network.weights.map(({ fullName, shape }, index) => [fullName, rehearsal.variable(variables[index]!.name, shape, 1)]),
    );
    const specs = network.topology.inputs;
    const inputs = Object.fromEntries(
      specs.map((spec, index) => [spec.name, rehearsal.input(inputNames.tensor(index), [rows, ...spec.shape], inputType(spec))]),
    );
    const value = rehearsal.tracer.trace(() =>
      rehearsal.tracer.symbolOf(network.forward(tf, inputs, weights, { training: false, seed: 0, iteration: 0, logits: NO_LOGITS }).output),
    );
    const name = `${prefix}output`;
    return {
      rows,
      nodes: rehearsal.tracer.nodes,
      functions: rehearsal.tracer.functions,
      outputs: [{ name, value }],
      fetches: [name],
      feeds: specs.map((spec, index) => {
        const { shape, dtype } = rehearsal.inputs[index]!;
        return {
          spec,
          name: prefix + inputNames.tensor(index),
          shape,
          values: dtype === DataType.int32 ? new Int32Array(product(shape)) : new Float32Array(product(shape)),
        };
      }),
    };
  });
}
