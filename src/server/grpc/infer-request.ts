import type { InferRequest } from '../../serving/protocols/open-inference-messages.ts';
import { RequestError } from '../../serving/request-error.ts';

interface Parameters {
  readonly [name: string]: {
    readonly bool_param?: boolean;
    readonly int64_param?: string;
    readonly string_param?: string;
    readonly double_param?: number;
    readonly uint64_param?: string;
  };
}

interface Contents {
  readonly bool_contents: readonly boolean[];
  readonly int_contents: readonly number[];
  readonly int64_contents: readonly string[];
  readonly uint_contents: readonly number[];
  readonly uint64_contents: readonly string[];
  readonly fp32_contents: readonly number[];
  readonly fp64_contents: readonly number[];
  readonly bytes_contents: readonly Buffer[];
}

/** `ModelInferRequest` as {@link decode} gives it. */
export interface GrpcInferRequest {
  readonly model_name?: string;
  readonly model_version?: string;
  readonly id?: string;
  readonly parameters: Parameters;
  readonly inputs: readonly {
    readonly name?: string;
    readonly datatype?: string;
    readonly shape: readonly string[];
    readonly parameters: Parameters;
    readonly contents?: Contents;
  }[];
  readonly outputs: readonly { readonly name?: string; readonly parameters: Parameters }[];
  readonly raw_input_contents: readonly Buffer[];
}

const bytesOf = (array: ArrayBufferView): Buffer => Buffer.from(array.buffer, array.byteOffset, array.byteLength);

/** How the typed contents of a datatype become the bytes that the binary extension of HTTP has. */
const PACK: Readonly<Record<string, readonly [field: keyof Contents, pack: (values: readonly never[]) => Buffer]>> = {
  BOOL: ['bool_contents', (values: readonly boolean[]) => Buffer.from(values.map(Number))],
  INT8: ['int_contents', (values: readonly number[]) => bytesOf(Int8Array.from(values))],
  INT16: ['int_contents', (values: readonly number[]) => bytesOf(Int16Array.from(values))],
  INT32: ['int_contents', (values: readonly number[]) => bytesOf(Int32Array.from(values))],
  INT64: ['int64_contents', (values: readonly string[]) => bytesOf(BigInt64Array.from(values, BigInt))],
  UINT8: ['uint_contents', (values: readonly number[]) => Buffer.from(values)],
  UINT16: ['uint_contents', (values: readonly number[]) => bytesOf(Uint16Array.from(values))],
  UINT32: ['uint_contents', (values: readonly number[]) => bytesOf(Uint32Array.from(values))],
  UINT64: ['uint64_contents', (values: readonly string[]) => bytesOf(BigUint64Array.from(values, BigInt))],
  FP32: ['fp32_contents', (values: readonly number[]) => bytesOf(Float32Array.from(values))],
  FP64: ['fp64_contents', (values: readonly number[]) => bytesOf(Float64Array.from(values))],
  BYTES: ['bytes_contents', (values: readonly Buffer[]) => Buffer.concat(values.flatMap((text) => [lengthOf(text), text]))],
};

function lengthOf(text: Buffer): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32LE(text.length);
  return length;
}

/**
 * An infer request of gRPC as one of HTTP with tensors in binary. Answers are asked for in binary: gRPC has no other form.
 *
 * @throws RequestError 400
 */
export function inferRequestOf(request: GrpcInferRequest): InferRequest {
  const raw = request.raw_input_contents;
  if (raw.length > 0 && raw.length !== request.inputs.length)
    throw new RequestError(
      400,
      `${request.inputs.length} inputs, but ${raw.length} "raw_input_contents": give one for each input, or none.`,
    );
  const tail: Buffer[] = [];
  const inputs = request.inputs.map(({ name = '', datatype = '', shape, parameters, contents }, index) => {
    const where = `inputs[${index}] (${JSON.stringify(name)})`;
    const typed = contents === undefined ? 0 : Object.values(contents).reduce((sum, values: readonly unknown[]) => sum + values.length, 0);
    if (raw.length > 0 && typed > 0) throw new RequestError(400, `${where} has "contents" beside "raw_input_contents": give one of them.`);
    const bytes = raw.length > 0 ? raw[index]! : packed(datatype, contents, where);
    tail.push(bytes);
    return {
      name,
      datatype,
      shape: shape.map(Number),
      parameters: { ...plain(parameters), binary_data_size: bytes.length },
    };
  });
  const outputs = request.outputs.map(({ name = '', parameters }) => ({ name, parameters: { ...plain(parameters), binary_data: true } }));
  return {
    body: { parameters: { ...plain(request.parameters), binary_data_output: true }, inputs, ...(outputs.length === 0 ? {} : { outputs }) },
    tail: Buffer.concat(tail),
  };
}

function packed(datatype: string, contents: Contents | undefined, where: string): Buffer {
  if (contents === undefined) return Buffer.alloc(0);
  const known = PACK[datatype];
  if (known === undefined)
    throw new RequestError(400, `${where}: the datatype ${JSON.stringify(datatype)} has no typed contents: send "raw_input_contents".`);
  const [field, pack] = known;
  const other = Object.entries(contents).find(([name, values]) => name !== field && (values as readonly unknown[]).length > 0);
  if (other !== undefined) throw new RequestError(400, `${where}: values of ${datatype} belong into "${field}", not "${other[0]}".`);
  return pack(contents[field] as readonly never[]);
}

function plain(parameters: Parameters): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(parameters).map(([name, { bool_param, int64_param, string_param, double_param, uint64_param }]) => {
      const whole = int64_param ?? uint64_param;
      return [name, bool_param ?? string_param ?? double_param ?? (whole === undefined ? undefined : Number(whole))];
    }),
  );
}
