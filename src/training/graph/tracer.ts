import type { Tensor, Tf } from '../tf.ts';
import { DataType } from './graph-def.ts';
import type { Attribute, DataTypeNumber, Node } from './graph-def.ts';

/** What tfjs hands to TensorFlow per operation. */
interface OpAttribute {
  readonly name: string;
  readonly type: number;
  readonly value: unknown;
}

type DataId = object;

/** The part of tfjs-node's backend that the tracer listens to. */
interface NodeBackend {
  readonly binding: Readonly<Record<string, number>>;
  readSync(dataId: DataId): Float32Array | Int32Array | Uint8Array;
  executeSingleOutput(name: string, attributes: readonly OpAttribute[], inputs: readonly Tensor[]): Tensor;
  executeMultipleOutputs(name: string, attributes: readonly OpAttribute[], inputs: readonly Tensor[], outputs: number): Tensor[];
}

/** A constant above this many values that is not uniform was computed outside the trace: it would freeze data or chance into the graph. */
const CONSTANT_VALUES_MAX = 4_096;

/** Loading takes longer than in proportion to the size: beyond this (a recurrent layer over about a thousand steps) it takes minutes. */
const NODES_MAX = 40_000;

const product = (shape: readonly number[]): number => shape.reduce((size, dimension) => size * dimension, 1);

/** Thrown where an operation cannot become part of a graph; the message names it. The caller falls back to eager execution. */
export class TraceError extends Error {}

/**
 * Records the operations that tfjs runs as nodes of a TensorFlow graph. The code under the trace runs once, eagerly, on real
 * tensors; what it computes from placeholders and variables becomes symbolic, everything else a constant.
 */
export class Tracer {
  readonly nodes: Node[] = [];
  readonly #tf: Tf;
  readonly #backend: NodeBackend;
  readonly #prefix: string;
  readonly #symbols = new Map<DataId, string>();
  readonly #constants = new Map<string, string>();
  /** Operation, inputs and attributes → node. */
  readonly #computed = new Map<string, string>();
  /** Reshaped value → what it was made from. */
  readonly #reshaped = new Map<string, { readonly symbol: string; readonly shape: string }>();
  #count = 0;

  /** @param prefix of the names of all nodes: traces that share a graph need different ones */
  constructor(tf: Tf, prefix: string) {
    this.#tf = tf;
    this.#backend = tf.backend() as unknown as NodeBackend;
    this.#prefix = prefix;
  }

  /** Adds a node and gives its name. */
  add(op: string, inputs: readonly string[], attributes: Readonly<Record<string, Attribute>>, name?: string): string {
    const node = { name: name ?? `${this.#prefix}${op}_${this.#count++}`, op, inputs, attributes };
    if (this.nodes.push(node) > NODES_MAX) throw new TraceError(`its size, more than ${NODES_MAX} operations a step (long sequences are unrolled)`);
    return node.name;
  }

  /** From here on `tensor` stands for the graph value `symbol` ("node" or "node:output"). */
  bind(tensor: Tensor, symbol: string): void {
    this.#symbols.set(tensor.dataId, symbol);
  }

  /** A value fed at each call, in the place of `tensor`. @param shape -1 for a free dimension; default: the tensor's */
  placeholder(tensor: Tensor, name: string, shape: readonly number[] = tensor.shape): void {
    const dtype = dataTypeOf(tensor.dtype);
    this.add('Placeholder', [], { dtype: { type: dtype }, shape: { shape } }, `${this.#prefix}${name}`);
    this.bind(tensor, `${this.#prefix}${name}`);
  }

  /** The graph value of a tensor that the trace has seen; others become constants. @throws TraceError */
  symbolOf(tensor: Tensor): string {
    const known = this.#symbols.get(tensor.dataId);
    if (known !== undefined) return known;
    const symbol = this.constant(this.#backend.readSync(tensor.dataId), tensor.shape, dataTypeOf(tensor.dtype));
    this.#symbols.set(tensor.dataId, symbol);
    return symbol;
  }

  /** @throws TraceError for a large one that is not uniform */
  constant(values: ArrayLike<number>, shape: readonly number[], dtype: DataTypeNumber): string {
    const size = product(shape);
    if (size > 16 && isUniform(values)) return this.#fill(values[0]!, shape, dtype);
    if (size > CONSTANT_VALUES_MAX) {
      throw new TraceError(`a constant of shape [${shape.join(', ')}] that differs from run to run or holds data`);
    }
    const bytes = bytesOf(values, dtype);
    const key = `${dtype}|${shape.join(',')}|${Buffer.from(bytes).toString('base64')}`;
    let name = this.#constants.get(key);
    if (name === undefined) {
      name = this.add('Const', [], { dtype: { type: dtype }, value: { tensor: { dtype, shape, bytes } } });
      this.#constants.set(key, name);
    }
    return name;
  }

  /** Runs `body` while everything that tfjs executes is recorded. */
  trace<T>(body: () => T): T {
    const backend = this.#backend;
    const single = backend.executeSingleOutput;
    const multiple = backend.executeMultipleOutputs;
    backend.executeSingleOutput = (name, attributes, inputs) => {
      const output = single.call(backend, name, attributes, inputs);
      this.#record(name, attributes, inputs, [output]);
      return output;
    };
    backend.executeMultipleOutputs = (name, attributes, inputs, count) => {
      const outputs = multiple.call(backend, name, attributes, inputs, count);
      this.#record(name, attributes, inputs, outputs);
      return outputs;
    };
    // What tfjs draws in JavaScript would become a constant; a seed of its own, and the draw is one.
    const random = Math.random;
    Math.random = () => { throw new TraceError('a random draw without a seed'); };
    try {
      return this.#tf.tidy(() => body() as never) as T;
    } finally {
      Math.random = random;
      backend.executeSingleOutput = single;
      backend.executeMultipleOutputs = multiple;
    }
  }

  #fill(value: number, shape: readonly number[], dtype: DataTypeNumber): string {
    const key = `fill|${dtype}|${shape.join(',')}|${value}`;
    let name = this.#constants.get(key);
    if (name === undefined) {
      const dimensions = this.constant(shape, [shape.length], DataType.int32);
      name = this.add('Fill', [dimensions, this.constant([value], [], dtype)], { T: { type: dtype }, index_type: { type: DataType.int32 } });
      this.#constants.set(key, name);
    }
    return name;
  }

  #record(op: string, attributes: readonly OpAttribute[], inputs: readonly Tensor[], outputs: readonly Tensor[]): void {
    if (/^(Random|TruncatedNormal|Multinomial)/.test(op)) throw new TraceError(`the operation ${op}, which draws without a seed of its own`);
    // An operation on constants alone is a constant too: what it gives is read when something symbolic needs it. Large ones are made in the graph.
    if (inputs.every((input) => !this.#symbols.has(input.dataId)) && !op.startsWith('Stateless') && !madeFromLittle(inputs, outputs)) return;
    if (changesNothing(op, attributes, inputs, outputs, (tensor) => this.#backend.readSync(tensor.dataId))) {
      this.bind(outputs[0]!, this.symbolOf(inputs[0]!));
      return;
    }
    if (op === 'Reshape') return this.#reshape(attributes, inputs, outputs[0]!);
    this.#bindAll(outputs, this.#once(op, inputs.map((input) => this.symbolOf(input)), { ...inferredAttributes(op, inputs), ...this.#attributes(op, attributes) }));
  }

  #bindAll(outputs: readonly Tensor[], name: string): void {
    outputs.forEach((output, index) => this.bind(output, index === 0 ? name : `${name}:${index}`));
  }

  /** The same operation on the same values gives the same: gradients often start with what the forward pass has computed. */
  #once(op: string, inputs: readonly string[], attributes: Readonly<Record<string, Attribute>>): string {
    const key = `${op}|${inputs.join()}|${JSON.stringify(attributes)}`;
    let name = this.#computed.get(key);
    if (name === undefined) {
      name = this.add(op, inputs, attributes);
      this.#computed.set(key, name);
    }
    return name;
  }

  /** Of several reshapes in a row the last one counts, and none where they lead back. */
  #reshape(attributes: readonly OpAttribute[], inputs: readonly Tensor[], output: Tensor): void {
    const symbol = this.symbolOf(inputs[0]!);
    const origin = this.#reshaped.get(symbol) ?? { symbol, shape: inputs[0]!.shape.join() };
    if (origin.shape === output.shape.join()) return this.bind(output, origin.symbol);
    const name = this.#once('Reshape', [origin.symbol, this.symbolOf(inputs[1]!)], this.#attributes('Reshape', attributes));
    this.#reshaped.set(name, origin);
    this.bind(output, name);
  }

  #attributes(op: string, attributes: readonly OpAttribute[]): Record<string, Attribute> {
    const { binding } = this.#backend;
    const result: Record<string, Attribute> = {};
    for (const { name, type, value } of attributes) {
      if (value === undefined || value === null) continue;
      const many = Array.isArray(value);
      if (type === binding.TF_ATTR_STRING) result[name] = { s: value as string };
      else if (type === binding.TF_ATTR_INT) result[name] = many ? { list: { i: value as number[] } } : { i: value as number };
      else if (type === binding.TF_ATTR_FLOAT) result[name] = many ? { list: { f: value as number[] } } : { f: value as number };
      else if (type === binding.TF_ATTR_BOOL) result[name] = many ? { list: { b: value as boolean[] } } : { b: value as boolean };
      else if (type === binding.TF_ATTR_TYPE) result[name] = many ? { list: { type: value as number[] } } : { type: value as number };
      else if (type === binding.TF_ATTR_SHAPE) result[name] = { shape: value as number[] };
      else throw new TraceError(`the operation ${op}, whose attribute ${name} has a kind that graphs cannot hold`);
    }
    return result;
  }
}

/** Attributes that tfjs leaves to eager execution to infer. */
function inferredAttributes(op: string, inputs: readonly Tensor[]): Record<string, Attribute> {
  if (op === 'ExpandDims') return { T: { type: dataTypeOf(inputs[0]!.dtype) }, Tdim: { type: DataType.int32 } };
  return op === 'Where' ? { T: { type: dataTypeOf(inputs[0]!.dtype) } } : {};
}

/** A cast to the same type, a reshape to the same shape, a transposition to the same order: tfjs runs many. */
function changesNothing(op: string, attributes: readonly OpAttribute[], inputs: readonly Tensor[], outputs: readonly Tensor[], read: (tensor: Tensor) => ArrayLike<number>): boolean {
  if (op === 'Reshape') return inputs[0]!.shape.join() === outputs[0]!.shape.join();
  if (op === 'Transpose') return Array.from(read(inputs[1]!)).every((axis, index) => axis === index);
  const typeOf = (name: string): unknown => attributes.find((attribute) => attribute.name === name)?.value;
  return op === 'Cast' && typeOf('SrcT') === typeOf('DstT');
}

/** A large constant that follows from small ones, as a range does from its ends. */
function madeFromLittle(inputs: readonly Tensor[], outputs: readonly Tensor[]): boolean {
  return outputs.some(({ size }) => size > CONSTANT_VALUES_MAX) && inputs.every(({ size }) => size <= CONSTANT_VALUES_MAX);
}

export function dataTypeOf(dtype: string): DataTypeNumber {
  if (dtype === 'float32') return DataType.float32;
  if (dtype === 'int32') return DataType.int32;
  if (dtype === 'bool') return DataType.bool;
  throw new TraceError(`a tensor of type ${dtype}`);
}

function isUniform(values: ArrayLike<number>): boolean {
  for (let index = 1; index < values.length; index++) if (!Object.is(values[index], values[0])) return false;
  return true;
}

function bytesOf(values: ArrayLike<number>, dtype: DataTypeNumber): Uint8Array {
  const typed = dtype === DataType.float32 ? Float32Array.from(values) : dtype === DataType.int32 ? Int32Array.from(values) : Uint8Array.from(values);
  return new Uint8Array(typed.buffer, typed.byteOffset, typed.byteLength);
}
