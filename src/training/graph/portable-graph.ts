import { PerennialError, messageOf } from '../../core/errors.ts';
import { freeName } from '../keras/to-keras.ts';
import { NO_LOGITS } from '../model/network.ts';
import type { Topology } from '../model/model-config.ts';
import type { Network } from '../model/network.ts';
import { product } from '../layers/shapes.ts';
import type { Tensor, Tf } from '../tensorflow/tf.ts';
import { BatchError, freeBatch } from './free-batch.ts';
import { DataType } from './graph-def.ts';
import type { Node, Signature } from './graph-def.ts';
import { Rehearsal, cleanly } from './rehearsal.ts';
import { inputType } from './trace-rule.ts';
import { TraceError, dataTypeOf } from './tracer.ts';

/** A network as a graph of its own: weights as constants, any number of rows. */
export interface PortableGraph {
  readonly nodes: readonly Node[];
  readonly signature: Signature;
  /** Names of the inputs in the signature, by the network's. */
  readonly inputNames: ReadonlyMap<string, string>;
}

/** Numbers of rows that are traced: a size of the network could happen to be one of a pair. */
const PAIRS = [
  [17, 19],
  [23, 29],
  [31, 37],
  [41, 43],
] as const;

/** Protocol buffers end at 2 GiB. */
const GRAPH_BYTES_MAX = 1.9 * 1024 ** 3;

/**
 * @param finish what is done to the network's output: values by the names of the signature
 * @throws MODEL_INVALID where the network cannot be traced for any number of rows
 */
export function tracePortable(
  tf: Tf,
  network: Network,
  weights: ReadonlyMap<string, Float32Array>,
  finish: (output: Tensor) => Readonly<Record<string, Tensor>>,
): PortableGraph {
  const bytes = network.weights.reduce((sum, { shape }) => sum + 4 * product(shape), 0);
  if (bytes > GRAPH_BYTES_MAX)
    throw new PerennialError('MODEL_INVALID', `The weights take ${bytes} bytes; a graph holds up to ${GRAPH_BYTES_MAX}.`);
  const inputNames = inputNodes(network.topology);
  const problems: string[] = [];
  for (const pair of PAIRS) {
    try {
      const [first, second] = pair.map((rows) => trace(tf, network, inputNames, finish, rows)) as [Traced, Traced];
      const nodes = freeBatch(
        { rows: pair[0], nodes: first.nodes },
        { rows: pair[1], nodes: second.nodes },
        inputNames.get(network.topology.inputs[0]!.name)!,
      );
      return { nodes: withWeights(nodes, network, weights), signature: first.signature, inputNames };
    } catch (error) {
      if (error instanceof TraceError)
        throw new PerennialError('MODEL_INVALID', `The model cannot be written as a graph, because of ${error.message}.`, { cause: error });
      if (!(error instanceof BatchError)) throw error;
      problems.push(messageOf(error));
    }
  }
  throw new PerennialError('MODEL_INVALID', `The model cannot be written as a graph for any number of rows: ${problems.at(-1)}.`);
}

/** Names of the placeholders: those of the inputs, with the characters that graphs take. */
export function inputNodes({ inputs }: Topology): Map<string, string> {
  const taken = new Set<string>();
  return new Map(inputs.map(({ name }) => [name, freeName(name, taken)]));
}

interface Traced {
  readonly nodes: readonly Node[];
  readonly signature: Signature;
}

function trace(
  tf: Tf,
  network: Network,
  inputNames: ReadonlyMap<string, string>,
  finish: (output: Tensor) => Readonly<Record<string, Tensor>>,
  rows: number,
): Traced {
  return cleanly(tf, () => {
    const rehearsal = new Rehearsal(tf, '', true);
    const variables = new Map(network.weights.map(({ fullName, shape }) => [fullName, rehearsal.variable(fullName, shape, 1)]));
    const inputs: Record<string, Tensor> = {};
    const signature: Signature = {
      inputs: Object.fromEntries(
        network.topology.inputs.map((spec) => {
          const name = inputNames.get(spec.name)!;
          inputs[spec.name] = rehearsal.input(name, [rows, ...spec.shape], inputType(spec));
          return [name, { tensor: `${name}:0`, dtype: dataTypeOf(inputType(spec)), shape: [-1, ...spec.shape] }];
        }),
      ),
      outputs: {},
    };
    const outputs = rehearsal.tracer.trace(() => {
      const { output } = network.forward(tf, inputs, variables, { training: false, seed: 0, iteration: 0, logits: NO_LOGITS });
      return Object.entries(finish(output)).map(([name, tensor]) => ({
        name,
        shape: tensor.shape,
        value: rehearsal.tracer.symbolOf(tensor),
      }));
    });
    const named = outputs.map(({ name, value }): Node => ({
      name: outputNode(name, inputNames),
      op: 'Identity',
      inputs: [value],
      attributes: { T: { type: DataType.float32 } },
    }));
    const told = Object.fromEntries(
      outputs.map(({ name, shape }) => [
        name,
        { tensor: `${outputNode(name, inputNames)}:0`, dtype: DataType.float32, shape: [-1, ...shape.slice(1)] },
      ]),
    );
    return { nodes: [...rehearsal.tracer.nodes, ...named], signature: { ...signature, outputs: told } };
  });
}

/** An input may have the name of an output. */
function outputNode(name: string, inputNames: ReadonlyMap<string, string>): string {
  return [...inputNames.values()].includes(name) ? `${name}_output` : name;
}

/** Constants under the names of the weights, in the place of reads of variables. */
function withWeights(nodes: readonly Node[], network: Network, weights: ReadonlyMap<string, Float32Array>): Node[] {
  const shapes = new Map(network.weights.map(({ fullName, shape }) => [fullName, shape]));
  const names = new Map(nodes.filter(({ op }) => op === 'ReadVariableOp').map((node) => [node.name, `weights/${node.inputs[0]!}`]));
  const renamed = (input: string): string => names.get(input) ?? input;
  return nodes.map((node) => {
    if (node.op !== 'ReadVariableOp') return { ...node, inputs: node.inputs.map(renamed) };
    const values = weights.get(node.inputs[0]!)!;
    const tensor = {
      dtype: DataType.float32,
      shape: shapes.get(node.inputs[0]!)!,
      bytes: new Uint8Array(values.buffer, values.byteOffset, values.byteLength),
    };
    return { name: names.get(node.name)!, op: 'Const', inputs: [], attributes: { dtype: { type: DataType.float32 }, value: { tensor } } };
  });
}
