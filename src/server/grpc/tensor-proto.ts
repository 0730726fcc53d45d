import { isAscii } from 'node:buffer';
import { fromHalf } from '../../training/keras/quantization.ts';
import type { NamedOutput } from '../../serving/named-outputs.ts';
import { valuesOfBytes } from '../../serving/protocols/binary-tensors.ts';
import type { GivenTensor } from '../../serving/protocols/tf-serving-messages.ts';
import { RequestError } from '../../serving/request-error.ts';
import { DATA_TYPES } from './tf-serving-messages.ts';

/** `tensorflow.TensorProto` as it was decoded. Values stand in the list of their type, or all of them in `tensor_content`. */
export interface TensorProto {
  readonly dtype?: number;
  readonly tensor_shape?: { readonly dim?: readonly { readonly size?: string }[]; readonly unknown_rank?: boolean };
  readonly tensor_content?: Buffer;
  readonly float_val?: readonly number[];
  readonly double_val?: readonly number[];
  readonly int_val?: readonly number[];
  readonly string_val?: readonly Buffer[];
  readonly int64_val?: readonly string[];
  readonly bool_val?: readonly boolean[];
  readonly half_val?: readonly number[];
  readonly uint32_val?: readonly number[];
  readonly uint64_val?: readonly string[];
}

type ListName = 'float_val' | 'double_val' | 'int_val' | 'string_val' | 'int64_val' | 'bool_val' | 'half_val' | 'uint32_val' | 'uint64_val';

interface Kind {
  /** As the binary tensors of other protocols name it. */
  readonly datatype: string;
  readonly list: ListName;
  /** Of an item of the list; left out: it is the value. */
  readonly read?: (item: never) => unknown;
}

const KINDS: Readonly<Partial<Record<keyof typeof DATA_TYPES, Kind>>> = {
  DT_FLOAT: { datatype: 'FP32', list: 'float_val' },
  DT_DOUBLE: { datatype: 'FP64', list: 'double_val' },
  DT_HALF: { datatype: 'FP16', list: 'half_val', read: (bits: number) => fromHalf(bits) },
  DT_INT8: { datatype: 'INT8', list: 'int_val' },
  DT_INT16: { datatype: 'INT16', list: 'int_val' },
  DT_INT32: { datatype: 'INT32', list: 'int_val' },
  DT_UINT8: { datatype: 'UINT8', list: 'int_val' },
  DT_UINT16: { datatype: 'UINT16', list: 'int_val' },
  DT_INT64: { datatype: 'INT64', list: 'int64_val', read: wholeOf },
  DT_UINT32: { datatype: 'UINT32', list: 'uint32_val' },
  DT_UINT64: { datatype: 'UINT64', list: 'uint64_val', read: wholeOf },
  DT_BOOL: { datatype: 'BOOL', list: 'bool_val' },
  DT_STRING: { datatype: 'BYTES', list: 'string_val', read: bytesValue },
};

/** Exact beyond 2^53 only where it has to be. */
export function wholeOf(text: string): number | bigint {
  const value = Number(text);
  return Number.isSafeInteger(value) ? value : BigInt(text);
}

/** A text, or bytes as JSON of TensorFlow Serving has them; what they are of a column, whoever knows the column decides. */
export function bytesValue(bytes: Buffer): unknown {
  return isAscii(bytes) ? bytes.toString('latin1') : { b64: bytes.toString('base64') };
}

/** More would be of no request that can be answered; a shape costs nothing to write. */
const VALUES_MAX = 100_000_000;

/** @throws RequestError 400 for types that no column has, shapes without a size, and values that are not as many as the shape says */
export function givenTensor(name: string, proto: TensorProto): GivenTensor {
  const where = `input ${JSON.stringify(name)}`;
  const type = (Object.keys(DATA_TYPES) as (keyof typeof DATA_TYPES)[]).find((one) => DATA_TYPES[one] === (proto.dtype ?? 0));
  const kind = type === undefined ? undefined : KINDS[type];
  if (kind === undefined)
    throw new RequestError(400, `${where} has the type ${type ?? proto.dtype}; expected one of ${Object.keys(KINDS).join(', ')}.`);
  if (proto.tensor_shape?.unknown_rank === true) throw new RequestError(400, `${where} has no shape: give its size in every dimension.`);
  const shape = (proto.tensor_shape?.dim ?? []).map(({ size = '0' }) => Number(size));
  const count = shape.reduce((product, size) => product * size, 1);
  if (shape.some((size) => size < 0) || count > VALUES_MAX)
    throw new RequestError(400, `${where} has the shape [${shape.join(', ')}]; expected sizes from 0 on, of at most ${VALUES_MAX} values.`);
  return { name, where, shape, values: valuesOf(proto, kind, count, where), ...(kind.datatype === 'FP32' ? { float32: true } : {}) };
}

function valuesOf(proto: TensorProto, { datatype, list, read }: Kind, count: number, where: string): readonly unknown[] {
  const items = (proto[list] ?? []) as readonly unknown[];
  const content = proto.tensor_content;
  if (content !== undefined && content.length > 0) {
    if (items.length > 0) throw new RequestError(400, `${where} has "tensor_content" and "${list}": give one of them.`);
    if (datatype === 'BYTES') throw new RequestError(400, `${where} is of texts, whose values stand in "string_val".`);
    return valuesOfBytes(content, datatype, count, where);
  }
  if (items.length > count || (items.length === 0 && count > 0))
    throw new RequestError(400, `${where} has ${items.length} values in "${list}", and its shape is of ${count}.`);
  const values = read === undefined ? [...items] : items.map((item) => read(item as never));
  // Fewer stand for as many as the shape says: the last one is all of the rest.
  while (values.length < count) values.push(values.at(-1));
  return values;
}

const TYPES: Readonly<Record<NamedOutput['datatype'], keyof typeof DATA_TYPES>> = {
  BYTES: 'DT_STRING',
  FP64: 'DT_DOUBLE',
  BOOL: 'DT_BOOL',
};

/** An output of an answer, for {@link DATA_TYPES} and lists as {@link TensorProto} has them. @param rows its values, row by row */
export function protoOf({ datatype, shape }: NamedOutput, rows: readonly unknown[]): object {
  const values = rows.flat(Infinity);
  return {
    dtype: DATA_TYPES[TYPES[datatype]],
    tensor_shape: { dim: [rows.length, ...shape].map((size) => ({ size })) },
    ...(datatype === 'BYTES'
      ? { string_val: values.map((value) => Buffer.from(value === null ? '' : String(value))) }
      : datatype === 'BOOL'
        ? { bool_val: values.map((value) => value === true) }
        : { double_val: values.map((value) => (typeof value === 'number' ? value : Number.NaN)) }),
  };
}
