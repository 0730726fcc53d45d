import { recording } from '../tensorflow/recorder.ts';
import type { Recorder, Scan, Scanned } from '../tensorflow/recorder.ts';
import type { Tensor, Tf } from '../tensorflow/tf.ts';
import { DataType } from './graph-def.ts';
import type { Attribute, DataTypeNumber, GraphFunction, Node } from './graph-def.ts';
import { GATHER, loopNodes } from './scan-nodes.ts';

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
export class Tracer implements Recorder {
  readonly nodes: Node[] = [];
  /** Bodies of loops among the nodes. */
  readonly functions: GraphFunction[];
  readonly portable: boolean;
  readonly #tf: Tf;
  readonly #outer: Tracer | undefined;
  /** Values of the outer trace that this one reads. */
  readonly #captures: { readonly name: string; readonly symbol: string; readonly dtype: DataTypeNumber }[] = [];
  /** The backend's own calls, while a trace runs. */
  #calls: Pick<NodeBackend, 'executeSingleOutput' | 'executeMultipleOutputs'> | undefined;
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
  constructor(tf: Tf, prefix: string, { portable = false, outer }: { readonly portable?: boolean; readonly outer?: Tracer } = {}) {
    this.#tf = tf;
    this.portable = portable;
    this.#outer = outer;
    this.functions = outer?.functions ?? [];
    this.#backend = tf.backend() as unknown as NodeBackend;
    this.#prefix = prefix;
  }

  /** Adds a node and gives its name. */
  add(op: string, inputs: readonly string[], attributes: Readonly<Record<string, Attribute>>, name?: string): string {
    const node = { name: name ?? `${this.#prefix}${op}_${this.#count++}`, op, inputs, attributes };
    if (this.nodes.push(node) > NODES_MAX)
      throw new TraceError(`its size, more than ${NODES_MAX} operations a step (long sequences are unrolled)`);
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
    if ('valueArray' in tensor) return this.#int64(tensor.valueArray as Int32Array);
    const known = this.#known(tensor);
    if (known !== undefined) return known;
    const symbol = this.constant(this.#backend.readSync(tensor.dataId), tensor.shape, dataTypeOf(tensor.dtype));
    this.#symbols.set(tensor.dataId, symbol);
    return symbol;
  }

  /** What the outer trace knows becomes an argument of the body that this one records. */
  #known(tensor: Tensor): string | undefined {
    const own = this.#symbols.get(tensor.dataId);
    if (own !== undefined || this.#outer === undefined) return own;
    const symbol = this.#outer.#known(tensor);
    if (symbol === undefined) return undefined;
    const name = `captured_${this.#captures.length}`;
    this.#captures.push({ name, symbol, dtype: dataTypeOf(tensor.dtype) });
    this.bind(tensor, name);
    return name;
  }

  /** @throws TraceError for a large one that is not uniform */
  constant(values: ArrayLike<number>, shape: readonly number[], dtype: DataTypeNumber): string {
    const size = product(shape);
    if (size > 16 && isUniform(values)) return this.#fill(values[0]!, shape, dtype);
    if (size > CONSTANT_VALUES_MAX) {
      throw new TraceError(`a constant of shape [${shape.join(', ')}] that differs from run to run or holds data`);
    }
    return this.#constantOf(shape, dtype, bytesOf(values, dtype));
  }

  #constantOf(shape: readonly number[], dtype: DataTypeNumber, bytes: Uint8Array): string {
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
    // What the outer trace has put in their place must not see the operations of a body.
    const calls = (this.#outer === undefined ? undefined : this.#outer.#calls) ?? {
      executeSingleOutput: single,
      executeMultipleOutputs: multiple,
    };
    this.#calls = calls;
    backend.executeSingleOutput = (name, attributes, inputs) => {
      const output = calls.executeSingleOutput.call(backend, name, attributes, inputs);
      this.#record(name, attributes, inputs, [output]);
      return output;
    };
    backend.executeMultipleOutputs = (name, attributes, inputs, count) => {
      const outputs = calls.executeMultipleOutputs.call(backend, name, attributes, inputs, count);
      this.#record(name, attributes, inputs, outputs);
      return outputs;
    };
    // What tfjs draws in JavaScript would become a constant; a seed of its own, and the draw is one.
    const random = Math.random;
    Math.random = () => {
      throw new TraceError('a random draw without a seed');
    };
    try {
      return recording(this, () => this.#tf.tidy(() => body() as never) as T);
    } finally {
      Math.random = random;
      backend.executeSingleOutput = single;
      backend.executeMultipleOutputs = multiple;
    }
  }

  scan({ steps, reverse, sequences, states, step }: Scan): Scanned {
    const tf = this.#tf;
    const inner = new Tracer(tf, `${this.#prefix}scan${this.#count++}_`, { portable: this.portable, outer: this });
    const place = (tensor: Tensor, name: string, shape = tensor.shape): Tensor => {
      const stand = tf.zeros(shape);
      inner.bind(stand, name);
      return stand;
    };
    const body = inner.trace(() => {
      const at = reverse
        ? inner.add('Sub', [inner.constant([steps - 1], [], DataType.int32), 'turn'], { T: { type: DataType.int32 } })
        : 'turn';
      const parts = sequences.map((sequence, index) => {
        const part = place(sequence, '', sequence.shape.slice(1));
        inner.bind(part, inner.add('GatherV2', [`sequence_${index}`, at, inner.constant([0], [], DataType.int32)], GATHER));
        return part;
      });
      const made = step(
        parts,
        states.map((state, index) => place(state, `state_${index}`)),
      );
      return {
        at,
        states: made.states.map((state) => inner.symbolOf(state)),
        outputs: made.outputs.map((output) => ({ symbol: inner.symbolOf(output), shape: output.shape })),
      };
    });
    const values = loopNodes(this, inner, {
      steps,
      at: body.at,
      next: body.states,
      outputs: body.outputs,
      captures: inner.#captures,
      states: states.map((state) => this.symbolOf(state)),
      sequences: sequences.map((sequence) => this.symbolOf(sequence)),
    });
    const standIn = (shape: readonly number[], symbol: string): Tensor => {
      const tensor = tf.zeros([...shape]);
      this.bind(tensor, symbol);
      return tensor;
    };
    return {
      states: states.map(({ shape }, index) => standIn(shape, values.states[index]!)),
      outputs: body.outputs.map(({ shape }, index) => standIn([steps, ...shape], values.outputs[index]!)),
    };
  }

  get prefix(): string {
    return this.#prefix;
  }

  /** tfjs's stand-in for a scalar int64: its two halves. */
  #int64(halves: Int32Array): string {
    return this.#constantOf([], DataType.int64, new Uint8Array(halves.buffer, halves.byteOffset, halves.byteLength));
  }

  #fill(value: number, shape: readonly number[], dtype: DataTypeNumber): string {
    const key = `fill|${dtype}|${shape.join(',')}|${value}`;
    let name = this.#constants.get(key);
    if (name === undefined) {
      const dimensions = this.constant(shape, [shape.length], DataType.int32);
      name = this.add('Fill', [dimensions, this.constant([value], [], dtype)], {
        T: { type: dtype },
        index_type: { type: DataType.int32 },
      });
      this.#constants.set(key, name);
    }
    return name;
  }

  #record(op: string, attributes: readonly OpAttribute[], inputs: readonly Tensor[], outputs: readonly Tensor[]): void {
    if (/^(Random|TruncatedNormal|Multinomial)/.test(op))
      throw new TraceError(`the operation ${op}, which draws without a seed of its own`);
    // An operation on constants alone is a constant too: what it gives is read when something symbolic needs it. Large ones are made in
    // the graph.
    if (inputs.every((input) => this.#known(input) === undefined) && !op.startsWith('Stateless') && !madeFromLittle(inputs, outputs))
      return;
    if (changesNothing(op, attributes, inputs, outputs, (tensor) => this.#backend.readSync(tensor.dataId))) {
      this.bind(outputs[0]!, this.symbolOf(inputs[0]!));
      return;
    }
    if (op === 'Reshape') return this.#reshape(attributes, inputs, outputs[0]!);
    // tfjs knows no other product. The library does one of two matrices faster by the operation that is for no more.
    if (op === 'BatchMatMulV2' && !this.portable && inputs.every(({ rank }) => rank === 2)) {
      const flags = this.#attributes(op, attributes);
      const symbols = inputs.map((input) => this.symbolOf(input));
      const plain = { T: flags.T!, transpose_a: flags.adj_x!, transpose_b: flags.adj_y! };
      return this.#bindAll(outputs, this.#once('MatMul', symbols, plain));
    }
    this.#bindAll(
      outputs,
      this.#once(
        op,
        inputs.map((input) => this.symbolOf(input)),
        { ...inferredAttributes(op, inputs), ...this.#attributes(op, attributes) },
      ),
    );
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
function changesNothing(
  op: string,
  attributes: readonly OpAttribute[],
  inputs: readonly Tensor[],
  outputs: readonly Tensor[],
  read: (tensor: Tensor) => ArrayLike<number>,
): boolean {
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
  const typed =
    dtype === DataType.float32 ? Float32Array.from(values) : dtype === DataType.int32 ? Int32Array.from(values) : Uint8Array.from(values);
  return new Uint8Array(typed.buffer, typed.byteOffset, typed.byteLength);
}
