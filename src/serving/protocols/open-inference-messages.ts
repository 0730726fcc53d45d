import { shownValue } from '../../core/json.ts';
import type { DType } from '../../core/tensor.ts';
import { shortestOfFloat32 } from '../../data/reading/float32.ts';
import type { Column, ColumnType } from '../../data/stored/column.ts';
import { isAscii } from 'node:buffer';
import type { Question } from '../inference.ts';
import type { InputShape, NamedValues } from '../named-tensors.ts';
import { areColumns, columnOf, flatten, rowsFromColumns, shapeText, tensorsFromInputs } from '../named-tensors.ts';
import { RequestError } from '../request-error.ts';
import type { ModelState } from '../model-slot.ts';
import type { Servable } from '../servable.ts';
import { nameOf } from '../source-rows.ts';
import { outputsOf } from '../named-outputs.ts';
import type { NamedOutput } from '../named-outputs.ts';
import { valuesOfBytes } from './binary-tensors.ts';
import { firstTwice, onlyKeys } from './http.ts';

/** Whole numbers with their bounds. */
const INTEGERS: Readonly<Record<string, readonly [number | bigint, number | bigint]>> = {
  UINT8: [0, 255],
  UINT16: [0, 65_535],
  UINT32: [0, 2 ** 32 - 1],
  UINT64: [0, 2n ** 64n - 1n],
  INT8: [-128, 127],
  INT16: [-32_768, 32_767],
  INT32: [-(2 ** 31), 2 ** 31 - 1],
  INT64: [-(2n ** 63n), 2n ** 63n - 1n],
};
const FLOATS = ['FP16', 'FP32', 'FP64'];
const DATATYPES: ReadonlySet<string> = new Set(['BOOL', ...Object.keys(INTEGERS), ...FLOATS, 'BYTES']);

/** What a column is in the words of the protocol. */
export const COLUMN_DATATYPE: Readonly<Record<ColumnType, string>> = {
  number: 'FP64',
  integer: 'INT64',
  boolean: 'BOOL',
  string: 'BYTES',
  timestamp: 'BYTES',
  image: 'BYTES',
};
const TENSOR_DATATYPE: Readonly<Record<DType, string>> = { float32: 'FP32', int32: 'INT32', uint8: 'UINT8' };

/** One input of a request. */
class InferInput implements NamedValues, InputShape {
  readonly #index: number;
  readonly name: string;
  readonly shape: readonly number[];
  readonly datatype: string;
  readonly values: readonly unknown[];

  constructor(index: number, { name, shape, datatype, values }: Pick<InferInput, 'name' | 'shape' | 'datatype' | 'values'>) {
    this.#index = index;
    this.name = name;
    this.shape = shape;
    this.datatype = datatype;
    this.values = values;
  }

  get where(): string {
    return whereOf(this.#index, this.name);
  }

  get text(): boolean {
    return this.datatype === 'BYTES';
  }

  with(values: readonly unknown[]): InferInput {
    return values === this.values ? this : new InferInput(this.#index, { ...this, values });
  }
}

const whereOf = (index: number, name: string): string => `inputs[${index}] (${JSON.stringify(name)})`;

/** An infer request: its JSON, and the tensors that follow it in binary, in the order of the inputs that announce them. */
export interface InferRequest {
  readonly body: Record<string, unknown>;
  readonly tail: Buffer;
}

/** An infer request → what to ask of this version. @throws RequestError 400 */
export function questionOf(request: InferRequest, servable: Servable): Question {
  const { preprocessor, sourceColumns } = servable;
  const inputs = inputsOf(request);
  if (!areColumns(preprocessor, inputs, sourceColumns)) return { tensors: tensorsFromInputs(preprocessor, inputs) };
  return {
    rows: rowsFromColumns(
      inputs.map((input) => {
        const column = columnOf(preprocessor, input.name);
        checkColumnType(column, input);
        return input.with(columnValues(column, input));
      }),
    ),
  };
}

/** Values as the source has them: NaN as missing, numbers that were kept in 32 bits as the decimals that they stand for, bytes as text. */
function columnValues(column: Column | undefined, input: InferInput): readonly unknown[] {
  const { datatype, values } = input;
  if (FLOATS.includes(datatype)) {
    const kept = datatype === 'FP32';
    if (!kept && (values.length === 1 ? !Number.isNaN(values[0]) : !values.some(Number.isNaN))) return values;
    return values.map((value) => {
      if (Number.isNaN(value)) return null;
      return kept && typeof value === 'number' && Math.fround(value) === value ? shortestOfFloat32(value) : value;
    });
  }
  if (datatype !== 'BYTES') return values;
  return values.map((value, index) => (Buffer.isBuffer(value) ? textOf(value, column, `${input.where}, value ${index}`) : value));
}

/** Bytes of an image travel on as base64, the form in which JSON has them; a client may have written that itself. */
function textOf(bytes: Buffer, column: Column | undefined, where: string): string {
  if (column?.type === 'image' && !isAscii(bytes)) return bytes.toString('base64');
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new RequestError(400, `${where}: the column is a text: its bytes must be UTF-8.`);
  }
}

function checkColumnType(column: Column | undefined, input: InferInput): void {
  if (column === undefined) return;
  const { datatype } = input;
  const numeric = FLOATS.includes(datatype) || datatype in INTEGERS;
  const fits =
    column.type === 'number' || column.type === 'integer'
      ? numeric
      : column.type === 'boolean'
        ? datatype === 'BOOL'
        : datatype === 'BYTES';
  if (!fits)
    throw new RequestError(
      400,
      `${input.where} has the datatype ${datatype}; the column holds ${column.type} values: send ${COLUMN_DATATYPE[column.type]}.`,
    );
}

function inputsOf({ body, tail }: InferRequest): InferInput[] {
  onlyKeys(body, ['id', 'parameters', 'inputs', 'outputs', 'model_name', 'model_version']);
  parametersOf(body.parameters, 'The request');
  if (!Array.isArray(body.inputs) || body.inputs.length === 0)
    throw new RequestError(400, `"inputs" must be an array of at least one tensor, given ${nameOf(body.inputs)}.`);
  let at = 0;
  const take = (bytes: number): Buffer => {
    const taken = tail.subarray(at, at + bytes);
    at += bytes;
    return taken;
  };
  const inputs = body.inputs.map((input, index) => inputOf(input, index, take));
  if (at !== tail.length)
    throw new RequestError(400, `The inputs announce ${at} bytes of binary tensors by "binary_data_size"; ${tail.length} follow the JSON.`);
  const twice = firstTwice(inputs.map((input) => input.name));
  if (twice !== undefined) throw new RequestError(400, `The input ${JSON.stringify(twice)} is given twice.`);
  return inputs;
}

function inputOf(given: unknown, index: number, take: (bytes: number) => Buffer): InferInput {
  if (typeof given !== 'object' || given === null || Array.isArray(given))
    throw new RequestError(400, `inputs[${index}] is ${nameOf(given)}; expected an object with name, shape, datatype and data.`);
  const input = given as Record<string, unknown>;
  onlyKeys(input, ['name', 'shape', 'datatype', 'parameters', 'data'], `inputs[${index}]`);
  if (typeof input.name !== 'string') throw new RequestError(400, `inputs[${index}].name is ${nameOf(input.name)}; expected a text.`);
  const { name, shape, datatype } = input;
  if (typeof datatype !== 'string' || !DATATYPES.has(datatype))
    throw new RequestError(
      400,
      `${whereOf(index, name)}: ${shownValue(datatype)} is not a datatype; expected one of ${[...DATATYPES].join(', ')}.`,
    );
  if (!Array.isArray(shape) || shape.length === 0 || !shape.every((size) => Number.isSafeInteger(size) && size >= 0)) {
    throw new RequestError(
      400,
      `${whereOf(index, name)}: "shape" must be an array of whole numbers, given ${Array.isArray(shape) ? JSON.stringify(shape).slice(0, 80) : shownValue(shape)}.`,
    );
  }
  const { data } = input;
  // One value, plainly given: most inputs of most requests.
  if (shape.length === 1 && shape[0] === 1 && input.parameters === undefined && Array.isArray(data) && data.length === 1) {
    const [value] = data as unknown[];
    if (!Array.isArray(value)) {
      requireDatatype(value, datatype, index, name, 0);
      return new InferInput(index, { name, shape: shape as number[], datatype, values: data });
    }
  }
  const where = whereOf(index, name);
  const count = (shape as number[]).reduce((product, size) => product * size, 1);
  const size = binarySize(input.parameters, where);
  if (size !== undefined) {
    if (data !== undefined) throw new RequestError(400, `${where} has "data" and "binary_data_size": give one of them.`);
    const bytes = take(size);
    if (bytes.length < size)
      throw new RequestError(400, `${where}: "binary_data_size" is ${size}, but only ${bytes.length} bytes are left behind the JSON.`);
    if (count > bytes.length)
      throw new RequestError(400, `${where}: the shape ${shapeText(shape as number[])} holds ${count} values, in ${size} bytes.`);
    return new InferInput(index, { name, shape: shape as number[], datatype, values: valuesOfBytes(bytes, datatype, count, where) });
  }
  if (!Array.isArray(data)) throw new RequestError(400, `${where}: "data" must be an array, given ${nameOf(data)}.`);
  const { shape: nested, values } = flatten(data, `${where}: "data"`);
  if (values.length !== count)
    throw new RequestError(
      400,
      `${where}: the shape ${shapeText(shape as number[])} holds ${count} values, "data" holds ${values.length}.`,
    );
  if (nested.length > 1 && nested.join() !== shape.join())
    throw new RequestError(400, `${where}: "data" is nested as ${shapeText(nested)}, "shape" says ${shapeText(shape as number[])}.`);
  values.forEach((value, position) => requireDatatype(value, datatype, index, name, position));
  return new InferInput(index, { name, shape: shape as number[], datatype, values });
}

/** null stands for a missing value of a column; a tensor refuses it later. */
function requireDatatype(value: unknown, datatype: string, index: number, name: string, position: number): void {
  if (value === null) return;
  const bounds = INTEGERS[datatype];
  const fits =
    datatype === 'BYTES'
      ? typeof value === 'string'
      : datatype === 'BOOL'
        ? typeof value === 'boolean'
        : bounds === undefined
          ? typeof value === 'number'
          : (typeof value === 'number' ? Number.isInteger(value) : typeof value === 'bigint') &&
            (value as number | bigint) >= bounds[0] &&
            (value as number | bigint) <= bounds[1];
  if (!fits) throw new RequestError(400, `${whereOf(index, name)}, value ${position}: ${shownValue(value)} is no ${datatype}.`);
}

/** An output as it is asked for. */
export interface RequestedOutput {
  readonly output: NamedOutput;
  readonly binary: boolean;
  /** The so many largest values with their places and names, in place of the values. */
  readonly classification?: number;
}

/** The outputs to send: those asked for, in that order, or all. @throws RequestError 400 */
export function requestedOutputs({ body }: InferRequest, servable: Servable): RequestedOutput[] {
  const known = outputsOf(servable);
  const binaryAll = flag(parametersOf(body.parameters, 'The request'), 'binary_data_output', 'The request') ?? false;
  if (body.outputs !== undefined && !Array.isArray(body.outputs))
    throw new RequestError(400, `"outputs" must be an array, given ${nameOf(body.outputs)}.`);
  const asked = (body.outputs ?? []) as readonly unknown[];
  if (asked.length === 0) return known.map((output) => ({ output, binary: binaryAll }));
  const outputs = asked.map((wanted, index) => requestedOutput(wanted, `outputs[${index}]`, known, binaryAll));
  const twice = firstTwice(outputs.map(({ output }) => output.name));
  if (twice !== undefined) throw new RequestError(400, `The output ${JSON.stringify(twice)} is asked for twice.`);
  return outputs;
}

function requestedOutput(wanted: unknown, where: string, known: readonly NamedOutput[], binaryAll: boolean): RequestedOutput {
  const { name, parameters: given, ...rest } = (typeof wanted === 'object' && wanted !== null ? wanted : {}) as Record<string, unknown>;
  onlyKeys({ name, ...rest }, ['name', 'parameters'], where);
  const output = known.find((one) => one.name === name);
  if (output === undefined)
    throw new RequestError(400, `${where}: there is no output ${shownValue(name)}. There is: ${known.map((one) => one.name).join(', ')}.`);
  const parameters = parametersOf(given, where);
  const binary = flag(parameters, 'binary_data', where) ?? binaryAll;
  const { classification } = parameters;
  if (classification === undefined || classification === 0) return { output, binary };
  if (typeof classification !== 'number' || !Number.isSafeInteger(classification) || classification < 0)
    throw new RequestError(400, `${where}: "classification" is ${shownValue(classification)}; expected how many classes to name.`);
  if (output.datatype !== 'FP64')
    throw new RequestError(400, `${where}: the output "${output.name}" holds no numbers, of which the largest could be named.`);
  return { output, binary, classification };
}

function flag(parameters: Readonly<Record<string, unknown>>, name: string, where: string): boolean | undefined {
  const value = parameters[name];
  if (value === undefined || typeof value === 'boolean') return value;
  throw new RequestError(400, `${where}: the parameter "${name}" is ${shownValue(value)}; expected true or false.`);
}

/** Bytes of an input that follow the JSON. @throws RequestError 400 */
function binarySize(given: unknown, where: string): number | undefined {
  const size = parametersOf(given, where)['binary_data_size'];
  if (size === undefined) return undefined;
  if (typeof size !== 'number' || !Number.isSafeInteger(size) || size < 0)
    throw new RequestError(400, `${where}: the parameter "binary_data_size" is ${shownValue(size)}; expected a number of bytes.`);
  return size;
}

function parametersOf(given: unknown, where: string): Readonly<Record<string, unknown>> {
  if (given === undefined) return {};
  if (typeof given !== 'object' || given === null || Array.isArray(given))
    throw new RequestError(400, `${where}: "parameters" must be an object.`);
  // Whoever sends it reads the answer from there.
  const shared = Object.keys(given).find((name) => name.startsWith('shared_memory'));
  if (shared !== undefined)
    throw new RequestError(
      400,
      `${where}: ${JSON.stringify(shared)} is not taken: tensors travel in requests and answers, not in shared memory.`,
    );
  return given as Readonly<Record<string, unknown>>;
}

/** What a model takes and gives: the columns of its source data as inputs, and in `parameters` the tensors it takes as well. */
export function modelMetadata(servable: Servable, versions: readonly number[], state: ModelState): unknown {
  const { preprocessor, predictor } = servable;
  const { output } = predictor.meta;
  return {
    name: servable.model,
    versions: versions.map(String),
    platform: 'perennial_bundle',
    inputs: preprocessor.columns.map((column) => ({
      name: column.name,
      datatype: COLUMN_DATATYPE[column.type],
      shape: [-1],
      parameters: { type: column.type, required: column.required },
    })),
    outputs: outputsOf(servable).map(({ name, datatype, shape }) => ({ name, datatype, shape: [-1, ...shape] })),
    parameters: {
      version: String(servable.version),
      ...(state.version === undefined ? {} : { champion: String(state.version) }),
      routing_revision: state.routingRevision,
      window_size: preprocessor.windowSize,
      ...(preprocessor.series?.sequence.key === undefined ? {} : { series_key: preprocessor.series.sequence.key.map(({ name }) => name) }),
      ...(preprocessor.series === undefined ? {} : { series_by: preprocessor.series.by }),
      ...(preprocessor.reading === undefined ? {} : { reading: preprocessor.reading }),
      trainable_parameters: predictor.meta.trainableParameters,
      ...(output.kind === 'classes' ? { classes: output.classes } : {}),
      ...(output.kind === 'anomaly' ? { threshold: output.threshold, quantile: output.calibration.quantile } : {}),
      tensor_inputs: preprocessor.inputs.map((spec) => ({
        name: spec.name,
        datatype: TENSOR_DATATYPE[spec.dtype],
        shape: [-1, ...spec.shape],
      })),
    },
  };
}
