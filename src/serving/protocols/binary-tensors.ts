import { fromHalf } from '../../training/keras/quantization.ts';
import { RequestError } from '../request-error.ts';

/** Header that says how many bytes at the beginning of a body are JSON; tensors in binary follow. */
export const JSON_LENGTH_HEADER = 'inference-header-content-length';

/** A body of the Open Inference Protocol whose tensors follow the JSON. */
export class BinaryBody {
  readonly json: unknown;
  readonly tail: Buffer;

  constructor(json: unknown, tail: Buffer) {
    this.json = json;
    this.tail = tail;
  }
}

/** Bytes of one value; texts have their length before each. */
const SIZES: Readonly<Record<string, number>> = {
  BOOL: 1,
  UINT8: 1,
  INT8: 1,
  UINT16: 2,
  INT16: 2,
  FP16: 2,
  UINT32: 4,
  INT32: 4,
  FP32: 4,
  UINT64: 8,
  INT64: 8,
  FP64: 8,
};

/** As JSON has it: exact beyond 2^53 only where it has to be. */
const whole = (value: bigint): number | bigint => (Number.isSafeInteger(Number(value)) ? Number(value) : value);

const READ: Readonly<Record<string, (view: DataView, at: number) => unknown>> = {
  BOOL: (view, at) => view.getUint8(at) !== 0,
  UINT8: (view, at) => view.getUint8(at),
  INT8: (view, at) => view.getInt8(at),
  UINT16: (view, at) => view.getUint16(at, true),
  INT16: (view, at) => view.getInt16(at, true),
  FP16: (view, at) => fromHalf(view.getUint16(at, true)),
  UINT32: (view, at) => view.getUint32(at, true),
  INT32: (view, at) => view.getInt32(at, true),
  FP32: (view, at) => view.getFloat32(at, true),
  UINT64: (view, at) => whole(view.getBigUint64(at, true)),
  INT64: (view, at) => whole(view.getBigInt64(at, true)),
  FP64: (view, at) => view.getFloat64(at, true),
};

/**
 * A tensor as the binary extension has it: little-endian and row-major; each text as a length of four bytes and its bytes.
 *
 * @returns one item a value; BYTES as buffers
 * @throws RequestError 400 where the bytes are not as many as the shape says
 * @see https://github.com/triton-inference-server/server/blob/main/docs/protocol/extension_binary_data.md
 */
export function valuesOfBytes(bytes: Buffer, datatype: string, count: number, where: string): unknown[] {
  if (datatype === 'BYTES') return textsOf(bytes, count, where);
  const size = SIZES[datatype]!;
  if (bytes.length !== count * size)
    throw new RequestError(
      400,
      `${where}: ${count} values of ${datatype} are ${count * size} bytes, but "binary_data_size" is ${bytes.length}.`,
    );
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const read = READ[datatype]!;
  return Array.from({ length: count }, (_, index) => read(view, index * size));
}

function textsOf(bytes: Buffer, count: number, where: string): Buffer[] {
  const texts: Buffer[] = [];
  let at = 0;
  while (at + 4 <= bytes.length && texts.length < count) {
    const end = at + 4 + bytes.readUInt32LE(at);
    if (end > bytes.length)
      throw new RequestError(400, `${where}: text ${texts.length} ends ${end - bytes.length} bytes behind the bytes of its tensor.`);
    texts.push(bytes.subarray(at + 4, end));
    at = end;
  }
  if (texts.length !== count || at !== bytes.length)
    throw new RequestError(400, `${where}: the bytes hold ${texts.length} texts and ${bytes.length - at} bytes more, the shape ${count}.`);
  return texts;
}

/** Values of an answer in binary. @param datatype BOOL, FP64 or BYTES */
export function bytesOfValues(values: readonly unknown[], datatype: 'BOOL' | 'FP64' | 'BYTES'): Buffer {
  if (datatype === 'BOOL') return Buffer.from(values.map((value) => (value === true ? 1 : 0)));
  if (datatype === 'FP64') {
    const bytes = Buffer.alloc(values.length * 8);
    values.forEach((value, index) => bytes.writeDoubleLE(value as number, index * 8));
    return bytes;
  }
  return Buffer.concat(
    values.flatMap((value) => {
      const text = Buffer.from(String(value), 'utf8');
      const length = Buffer.alloc(4);
      length.writeUInt32LE(text.length);
      return [length, text];
    }),
  );
}
