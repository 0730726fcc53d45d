import protobuf from 'protobufjs/minimal.js';

/** TensorFlow's numbers of data types (tensorflow/core/framework/types.proto). */
export const DataType = { float32: 1, float64: 2, int32: 3, uint8: 4, string: 7, int64: 9, bool: 10, resource: 20, variant: 21 } as const;
export type DataTypeNumber = (typeof DataType)[keyof typeof DataType];

/** Value of a node's attribute (tensorflow/core/framework/attr_value.proto). */
export type Attribute =
  | { readonly s: string }
  | { readonly i: number }
  | { readonly f: number }
  | { readonly b: boolean }
  | { readonly type: number }
  | { readonly shape: readonly number[] }
  | { readonly tensor: ConstantTensor }
  | { readonly func: string }
  | { readonly list: AttributeList };

export interface AttributeList {
  readonly i?: readonly number[];
  readonly f?: readonly number[];
  readonly b?: readonly boolean[];
  readonly s?: readonly string[];
  readonly type?: readonly number[];
  readonly shape?: readonly (readonly number[])[];
}

export interface ConstantTensor {
  readonly dtype: number;
  readonly shape: readonly number[];
  /** Little-endian, row-major; of texts, none. */
  readonly bytes: Uint8Array;
  readonly texts?: readonly string[];
}

/** An operation. Inputs are "node", "node:1" for a later output, "^node" for order alone. */
export interface Node {
  readonly name: string;
  readonly op: string;
  readonly inputs: readonly string[];
  readonly attributes: Readonly<Record<string, Attribute>>;
}

/** A body of `While`. Inside, inputs are argument names or "node:output argument:index". */
export interface GraphFunction {
  readonly name: string;
  readonly inputs: readonly (readonly [name: string, type: number])[];
  readonly outputs: readonly (readonly [name: string, type: number])[];
  readonly nodes: readonly Node[];
  readonly returns: Readonly<Record<string, string>>;
}

export interface SignatureTensor {
  readonly tensor: string;
  readonly dtype: number;
  /** With the batch dimension, -1 where it is free. */
  readonly shape: readonly number[];
}

export interface Signature {
  readonly inputs: Readonly<Record<string, SignatureTensor>>;
  readonly outputs: Readonly<Record<string, SignatureTensor>>;
}

type Writer = protobuf.Writer;
const VARINT = 0;
const LENGTH = 2;
const FIXED32 = 5;

const tag = (field: number, wire: number): number => (field << 3) | wire;
const text = (writer: Writer, field: number, value: string): Writer => writer.uint32(tag(field, LENGTH)).string(value);
const number = (writer: Writer, field: number, value: number): Writer => writer.uint32(tag(field, VARINT)).int64(value);
const message = (writer: Writer, field: number, write: (inner: Writer) => void): Writer => {
  writer.uint32(tag(field, LENGTH)).fork();
  write(writer);
  return writer.ldelim();
};

function writeShape(writer: Writer, shape: readonly number[]): void {
  for (const size of shape) message(writer, 2, (dimension) => number(dimension, 1, size));
}

function writeList(writer: Writer, list: AttributeList): void {
  for (const value of list.s ?? []) text(writer, 2, value);
  for (const value of list.i ?? []) number(writer, 3, value);
  for (const value of list.f ?? []) writer.uint32(tag(4, FIXED32)).float(value);
  for (const value of list.b ?? []) number(writer, 5, value ? 1 : 0);
  for (const value of list.type ?? []) number(writer, 6, value);
  for (const value of list.shape ?? []) message(writer, 7, (inner) => writeShape(inner, value));
}

function writeAttribute(writer: Writer, value: Attribute): void {
  if ('s' in value) text(writer, 2, value.s);
  else if ('i' in value) number(writer, 3, value.i);
  else if ('f' in value) writer.uint32(tag(4, FIXED32)).float(value.f);
  else if ('b' in value) number(writer, 5, value.b ? 1 : 0);
  else if ('type' in value) number(writer, 6, value.type);
  else if ('shape' in value) message(writer, 7, (inner) => writeShape(inner, value.shape));
  else if ('func' in value) message(writer, 10, (inner) => text(inner, 1, value.func));
  else if ('list' in value) message(writer, 1, (inner) => writeList(inner, value.list));
  else
    message(writer, 8, (inner) => {
      number(inner, 1, value.tensor.dtype);
      message(inner, 2, (shape) => writeShape(shape, value.tensor.shape));
      if (value.tensor.texts === undefined) inner.uint32(tag(4, LENGTH)).bytes(value.tensor.bytes);
      else for (const each of value.tensor.texts) text(inner, 8, each);
    });
}

function writeEntry(writer: Writer, field: number, key: string, write: (inner: Writer) => void): void {
  message(writer, field, (entry) => {
    text(entry, 1, key);
    message(entry, 2, write);
  });
}

function writeNode(writer: Writer, node: Node): void {
  text(writer, 1, node.name);
  text(writer, 2, node.op);
  for (const input of node.inputs) text(writer, 3, input);
  for (const [key, value] of Object.entries(node.attributes)) writeEntry(writer, 5, key, (inner) => writeAttribute(inner, value));
}

function writeFunction(writer: Writer, graphFunction: GraphFunction): void {
  message(writer, 1, (signature) => {
    text(signature, 1, graphFunction.name);
    for (const [field, args] of [
      [2, graphFunction.inputs],
      [3, graphFunction.outputs],
    ] as const) {
      for (const [name, type] of args) message(signature, field, (argument) => number(text(argument, 1, name), 3, type));
    }
    number(signature, 17, 1);
  });
  for (const node of graphFunction.nodes) message(writer, 3, (inner) => writeNode(inner, node));
  for (const [name, source] of Object.entries(graphFunction.returns)) {
    message(writer, 4, (entry) => text(text(entry, 1, name), 2, source));
  }
}

function writeSignature(writer: Writer, signature: Signature): void {
  for (const [field, tensors] of [
    [1, signature.inputs],
    [2, signature.outputs],
  ] as const) {
    for (const [name, info] of Object.entries(tensors)) {
      writeEntry(writer, field, name, (inner) => {
        number(text(inner, 1, info.tensor), 2, info.dtype);
        message(inner, 3, (shape) => writeShape(shape, info.shape));
      });
    }
  }
  text(writer, 3, 'tensorflow/serving/predict');
}

/** Version of the graph format that TensorFlow 2.21 writes (tensorflow/core/public/version.h). */
const PRODUCER = 1395;

function writeGraph(writer: Writer, nodes: readonly Node[], functions: readonly GraphFunction[]): void {
  for (const node of nodes) message(writer, 1, (inner) => writeNode(inner, node));
  if (functions.length > 0) {
    message(writer, 2, (library) => {
      for (const graphFunction of functions) message(library, 1, (inner) => writeFunction(inner, graphFunction));
    });
  }
  message(writer, 4, (versions) => number(versions, 1, PRODUCER));
}

/** The bytes of a graph alone. @see tensorflow/core/framework/graph.proto */
export function encodeGraph(nodes: readonly Node[]): Uint8Array {
  const writer = protobuf.Writer.create();
  writeGraph(writer, nodes, []);
  return writer.finish();
}

/**
 * A SavedModel with one graph under the tag "serve": the bytes of its `saved_model.pb`.
 *
 * @see tensorflow/core/protobuf/saved_model.proto, meta_graph.proto; tensorflow/core/framework/graph.proto, function.proto
 */
export function encodeSavedModel(
  nodes: readonly Node[],
  functions: readonly GraphFunction[],
  signatures: Readonly<Record<string, Signature>> = {},
): Uint8Array {
  const writer = protobuf.Writer.create();
  number(writer, 1, 1);
  message(writer, 2, (metaGraph) => {
    message(metaGraph, 1, (info) => text(text(info, 4, 'serve'), 5, '2.21.0'));
    message(metaGraph, 2, (graph) => writeGraph(graph, nodes, functions));
    for (const [name, signature] of Object.entries(signatures)) writeEntry(metaGraph, 5, name, (inner) => writeSignature(inner, signature));
  });
  return writer.finish();
}
