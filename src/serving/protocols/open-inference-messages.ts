import type { DType } from '../../core/tensor.ts';
import type { Column, ColumnType } from '../../data/stored/column.ts';
import type { Question } from '../inference.ts';
import type { NamedValues } from '../named-tensors.ts';
import { areColumns, flatten, rowsFromColumns, shapeText, tensorsFromInputs } from '../named-tensors.ts';
import { RequestError } from '../request-error.ts';
import type { ModelState } from '../router.ts';
import type { Servable } from '../servable.ts';
import { nameOf } from '../source-rows.ts';
import { outputsOf } from '../named-outputs.ts';
import { onlyKeys } from './http.ts';

/** Whole numbers with their bounds; the 64-bit ones as far as JSON numbers are exact. */
const INTEGERS: Readonly<Record<string, readonly [number, number]>> = {
  UINT8: [0, 255],
  UINT16: [0, 65_535],
  UINT32: [0, 2 ** 32 - 1],
  UINT64: [0, Number.MAX_SAFE_INTEGER],
  INT8: [-128, 127],
  INT16: [-32_768, 32_767],
  INT32: [-(2 ** 31), 2 ** 31 - 1],
  INT64: [Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER],
};
const FLOATS = ['FP16', 'FP32', 'FP64'];
const DATATYPES = ['BOOL', ...Object.keys(INTEGERS), ...FLOATS, 'BYTES'];

const COLUMN_DATATYPE: Readonly<Record<ColumnType, string>> = {
  number: 'FP64',
  integer: 'INT64',
  boolean: 'BOOL',
  string: 'BYTES',
  timestamp: 'BYTES',
  image: 'BYTES',
};
const TENSOR_DATATYPE: Readonly<Record<DType, string>> = { float32: 'FP32', int32: 'INT32', uint8: 'UINT8' };

interface InferInput extends NamedValues {
  readonly datatype: string;
}

/** The body of an infer request → what to ask of this version. @throws RequestError 400 */
export function questionOf(body: Record<string, unknown>, servable: Servable): Question {
  const { preprocessor, sourceColumns } = servable;
  const inputs = inputsOf(body);
  if (
    !areColumns(
      preprocessor,
      inputs.map((input) => ({ ...input, text: input.datatype === 'BYTES' })),
      sourceColumns,
    )
  )
    return { tensors: tensorsFromInputs(preprocessor, inputs) };
  for (const input of inputs)
    checkColumnType(
      preprocessor.columns.find((column) => column.name === input.name),
      input,
    );
  return { rows: rowsFromColumns(inputs) };
}

function checkColumnType(column: Column | undefined, { datatype, where }: InferInput): void {
  if (column === undefined) return;
  const numeric = datatype in INTEGERS || FLOATS.includes(datatype);
  const fits =
    column.type === 'number' || column.type === 'integer'
      ? numeric
      : column.type === 'boolean'
        ? datatype === 'BOOL'
        : datatype === 'BYTES';
  if (!fits)
    throw new RequestError(
      400,
      `${where} has the datatype ${datatype}; the column holds ${column.type} values: send ${COLUMN_DATATYPE[column.type]}.`,
    );
}

function inputsOf(body: Record<string, unknown>): InferInput[] {
  onlyKeys(body, ['id', 'parameters', 'inputs', 'outputs', 'model_name', 'model_version']);
  checkParameters(body.parameters, 'The request');
  if (!Array.isArray(body.inputs) || body.inputs.length === 0)
    throw new RequestError(400, `"inputs" must be an array of at least one tensor, given ${nameOf(body.inputs)}.`);
  const inputs = body.inputs.map(inputOf);
  const names = inputs.map((input) => input.name);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) throw new RequestError(400, `The input ${JSON.stringify(twice)} is given twice.`);
  return inputs;
}

function inputOf(given: unknown, index: number): InferInput {
  if (typeof given !== 'object' || given === null || Array.isArray(given))
    throw new RequestError(400, `inputs[${index}] is ${nameOf(given)}; expected an object with name, shape, datatype and data.`);
  const input = given as Record<string, unknown>;
  onlyKeys(input, ['name', 'shape', 'datatype', 'parameters', 'data'], `inputs[${index}]`);
  if (typeof input.name !== 'string') throw new RequestError(400, `inputs[${index}].name is ${nameOf(input.name)}; expected a text.`);
  const where = `inputs[${index}] (${JSON.stringify(input.name)})`;
  checkParameters(input.parameters, where);
  const { shape, datatype } = input;
  if (typeof datatype !== 'string' || !DATATYPES.includes(datatype))
    throw new RequestError(
      400,
      `${where}: ${JSON.stringify(datatype) ?? 'no datatype'} is not a datatype; expected one of ${DATATYPES.join(', ')}.`,
    );
  if (!Array.isArray(shape) || shape.length === 0 || !shape.every((size) => Number.isSafeInteger(size) && size >= 0)) {
    throw new RequestError(400, `${where}: "shape" must be an array of whole numbers, given ${JSON.stringify(shape) ?? 'nothing'}.`);
  }
  if (!Array.isArray(input.data)) throw new RequestError(400, `${where}: "data" must be an array, given ${nameOf(input.data)}.`);
  const { shape: nested, values } = flatten(input.data, `${where}: "data"`);
  const count = (shape as number[]).reduce((product, size) => product * size, 1);
  if (values.length !== count)
    throw new RequestError(
      400,
      `${where}: the shape ${shapeText(shape as number[])} holds ${count} values, "data" holds ${values.length}.`,
    );
  if (nested.length > 1 && nested.join() !== shape.join())
    throw new RequestError(400, `${where}: "data" is nested as ${shapeText(nested)}, "shape" says ${shapeText(shape as number[])}.`);
  values.forEach((value, position) => checkDatatype(value, datatype, `${where}, value ${position}`));
  return { name: input.name, shape: shape as number[], datatype, values, where };
}

/** null stands for a missing value of a column; a tensor refuses it later. */
function checkDatatype(value: unknown, datatype: string, where: string): void {
  if (value === null) return;
  const bounds = INTEGERS[datatype];
  const fits =
    datatype === 'BYTES'
      ? typeof value === 'string'
      : datatype === 'BOOL'
        ? typeof value === 'boolean'
        : bounds === undefined
          ? typeof value === 'number'
          : typeof value === 'number' && Number.isInteger(value) && value >= bounds[0] && value <= bounds[1];
  if (!fits) throw new RequestError(400, `${where}: ${(JSON.stringify(value) ?? '').slice(0, 60)} is no ${datatype}.`);
}

/** Names of the outputs to send: those asked for, in that order, or all. @throws RequestError 400 */
export function requestedOutputs(body: Record<string, unknown>, servable: Servable): string[] {
  const known = outputsOf(servable).map((output) => output.name);
  if (body.outputs === undefined) return known;
  if (!Array.isArray(body.outputs)) throw new RequestError(400, `"outputs" must be an array, given ${nameOf(body.outputs)}.`);
  if (body.outputs.length === 0) return known;
  const names = body.outputs.map((output: unknown, index) => {
    const name = typeof output === 'object' && output !== null ? (output as { name?: unknown }).name : undefined;
    if (typeof name !== 'string' || !known.includes(name))
      throw new RequestError(
        400,
        `outputs[${index}]: there is no output ${JSON.stringify(name) ?? 'without a name'}. There is: ${known.join(', ')}.`,
      );
    checkParameters((output as { parameters?: unknown }).parameters, `outputs[${index}]`);
    return name;
  });
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) throw new RequestError(400, `The output ${JSON.stringify(twice)} is asked for twice.`);
  return names;
}

/**
 * Binary answers, which clients ask for by default, are a matter of form: they get JSON, as the protocol has it. Binary inputs cannot
 * be read, since their data are not in the JSON.
 *
 * @throws RequestError 400
 */
function checkParameters(parameters: unknown, where: string): void {
  if (parameters === undefined) return;
  if (typeof parameters !== 'object' || parameters === null || Array.isArray(parameters))
    throw new RequestError(400, `${where}: "parameters" must be an object.`);
  if ((parameters as Record<string, unknown>)['binary_data_size'] !== undefined)
    throw new RequestError(
      400,
      `${where}: the parameter binary_data_size announces a binary tensor, which is not supported: send the data as JSON.`,
    );
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
