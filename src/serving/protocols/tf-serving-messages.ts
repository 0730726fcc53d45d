import { shownValue } from '../../core/json.ts';
import type { DType } from '../../core/tensor.ts';
import type { ColumnType } from '../../data/stored/column.ts';
import type { Question } from '../inference.ts';
import type { NamedValues } from '../named-tensors.ts';
import { bytesOfBase64 } from '../../data/reading/base64.ts';
import { shortestOfFloat32 } from '../../data/reading/float32.ts';
import { areColumns, flatten, namesOf, rowsFromColumns, tensorsFromInputs } from '../named-tensors.ts';
import { RequestError } from '../request-error.ts';
import type { Answer, Servable } from '../servable.ts';
import { isBase64Object, nameOf } from '../source-rows.ts';
import { outputsOf } from '../named-outputs.ts';
import { onlyKeys, withoutNaN } from './http.ts';

export const SIGNATURE = 'serving_default';
const COLUMN_DTYPE: Readonly<Record<ColumnType, string>> = {
  number: 'DT_DOUBLE',
  integer: 'DT_INT64',
  boolean: 'DT_BOOL',
  string: 'DT_STRING',
  timestamp: 'DT_STRING',
  image: 'DT_STRING',
};
const TENSOR_DTYPE: Readonly<Record<DType, string>> = { float32: 'DT_FLOAT', int32: 'DT_INT32', uint8: 'DT_UINT8' };

/** Values of a tensor; `float32`: they were kept in 32 bits on their way. */
export interface GivenTensor extends NamedValues {
  readonly float32?: boolean;
}

/** The body of a predict request → what to ask of this version. @throws RequestError 400 */
export function questionOf(body: Record<string, unknown>, servable: Servable): Question {
  onlyKeys(body, ['signature_name', 'instances', 'inputs']);
  checkSignature(body.signature_name);
  if ('instances' in body === 'inputs' in body)
    throw new RequestError(400, 'Give either "instances" (row form) or "inputs" (columnar form).');
  return 'instances' in body ? fromInstances(body.instances, servable) : fromInputs(body.inputs, servable);
}

/** The body of a classify or regress request. A value in an array of one is that value. @throws RequestError 400 */
export function examplesOf(body: Record<string, unknown>, servable: Servable): Question {
  onlyKeys(body, ['signature_name', 'context', 'examples']);
  checkSignature(body.signature_name);
  const { context, examples } = body;
  if (context !== undefined && !isNamed(context)) throw new RequestError(400, `"context" must be an object, given ${nameOf(context)}.`);
  if (!Array.isArray(examples) || examples.length === 0)
    throw new RequestError(400, `"examples" must be an array of at least one example, given ${nameOf(examples)}.`);
  return fromInstances(
    examples.map((example: unknown, index) => {
      if (!isNamed(example)) throw new RequestError(400, `examples[${index}] is ${nameOf(example)}; expected an object of features.`);
      return Object.fromEntries(
        Object.entries({ ...context, ...example }).map(([name, value]) => [
          name,
          Array.isArray(value) && value.length === 1 && !Array.isArray(value[0]) ? (value[0] as unknown) : value,
        ]),
      );
    }),
    servable,
  );
}

/** @throws RequestError 400 where a model has no such answers */
export function requireAnswersOf(verb: 'classify' | 'regress', { model, predictor }: Servable): void {
  const { output } = predictor.meta;
  const fits = verb === 'classify' ? output.kind === 'classes' : output.kind === 'number' && output.width === 1;
  if (!fits)
    throw new RequestError(
      400,
      `":${verb}" is for models that answer with ${verb === 'classify' ? 'a class' : 'one number'}, which ${JSON.stringify(model)} does not: use ":predict".`,
    );
}

/** Of each example every class with its score, or its number. */
export function resultsOf(verb: 'classify' | 'regress', { predictions }: Answer): { readonly results: readonly unknown[] } {
  return {
    results: predictions.map((prediction) =>
      verb === 'classify'
        ? Object.entries('probabilities' in prediction ? prediction.probabilities : {})
        : 'value' in prediction
          ? prediction.value
          : null,
    ),
  };
}

export function checkSignature(name: unknown): void {
  if (name !== undefined && name !== '' && name !== SIGNATURE)
    throw new RequestError(400, `There is no signature ${shownValue(name)}; the one signature is "${SIGNATURE}".`);
}

function fromInstances(instances: unknown, servable: Servable): Question {
  if (!Array.isArray(instances) || instances.length === 0)
    throw new RequestError(400, `"instances" must be an array of at least one instance, given ${nameOf(instances)}.`);
  const first: unknown = instances[0];
  if (!isNamed(first)) return fromUnnamed(instances, servable, 'instances');
  const names = Object.keys(first);
  if (
    holdsColumnsAlone(servable, first) ||
    areColumns(
      servable.preprocessor,
      names.map((name) => (isRead(servable, name) ? shapeOfInstance(name, first[name]) : unread(name))),
      [...servable.sourceColumns, ...unknownColumns(servable, names)],
    )
  ) {
    return { rows: instances.map((instance) => (isNamed(instance) ? withTexts(instance, servable) : instance)) };
  }
  instances.forEach((instance, index) => {
    const same = isNamed(instance) && Object.keys(instance).length === names.length && names.every((name) => Object.hasOwn(instance, name));
    if (!same) throw new RequestError(400, `instances[${index}] must have the same inputs as the first: ${names.join(', ')}.`);
  });
  const tensors = names.map((name) =>
    named(
      name,
      instances.map((instance: Record<string, unknown>) => instance[name]),
      `input ${JSON.stringify(name)}`,
    ),
  );
  return { tensors: tensorsFromInputs(servable.preprocessor, tensors) };
}

/** Plain values of columns, none of which is the name of a tensor as well: most instances of most requests. */
function holdsColumnsAlone({ preprocessor }: Servable, instance: Record<string, unknown>): boolean {
  const { columns, tensors } = namesOf(preprocessor);
  for (const name in instance) {
    const value = instance[name];
    if (!columns.has(name) || tensors.has(name) || (typeof value === 'object' && value !== null)) return false;
  }
  return true;
}

/** Rows may carry columns that the model does not know, as in the plain form; the check for misspellings comes with the rows. */
function unknownColumns({ preprocessor }: Servable, names: readonly string[]): string[] {
  const { columns, tensors } = namesOf(preprocessor);
  return names.some((name) => columns.has(name)) ? names.filter((name) => !tensors.has(name) && !columns.has(name)) : [];
}

function fromInputs(inputs: unknown, servable: Servable): Question {
  if (!isNamed(inputs)) return fromUnnamed(inputs, servable, 'inputs');
  return questionOfTensors(
    Object.entries(inputs).map(([name, data]) => named(name, data, `input ${JSON.stringify(name)}`)),
    servable,
  );
}

/** Named tensors: columns of the source, or what the network takes. @throws RequestError 400 */
export function questionOfTensors(tensors: readonly GivenTensor[], servable: Servable): Question {
  if (tensors.length === 0) throw new RequestError(400, '"inputs" is empty.');
  const shapes = tensors.map((tensor) => ({
    ...tensor,
    text: tensor.values.some((value) => typeof value === 'string' || isBase64Object(value)),
  }));
  if (!areColumns(servable.preprocessor, shapes, servable.sourceColumns))
    return { tensors: tensorsFromInputs(servable.preprocessor, tensors) };
  return { rows: rowsFromColumns(tensors.map(asWritten)).map((row) => withTexts(row, servable)) };
}

/** Numbers of a column that were kept in 32 bits, as the decimals that they stand for. */
function asWritten(tensor: GivenTensor): GivenTensor {
  if (tensor.float32 !== true) return tensor;
  return { ...tensor, values: tensor.values.map((value) => (typeof value === 'number' ? shortestOfFloat32(value) : value)) };
}

/** Values without a name belong to a model's only input: its one column, or its one tensor. */
function fromUnnamed(data: unknown, servable: Servable, key: string): Question {
  const { columns: all, inputs, series } = servable.preprocessor;
  // The time of a row may be left out.
  const columns = all.length === 1 ? all : all.filter(({ name }) => name !== series?.sequence.by);
  if (!Array.isArray(data)) throw new RequestError(400, `"${key}" must be an array or an object of named inputs, given ${nameOf(data)}.`);
  const values = named('', data, `"${key}"`);
  const column = columns[0]!;
  if (columns.length === 1 && values.shape.length === 1)
    return { rows: values.values.map((value) => withTexts({ [column.name]: value }, servable)) };
  if (inputs.length === 1) return { tensors: tensorsFromInputs(servable.preprocessor, [{ ...values, name: inputs[0]!.name }]) };
  throw new RequestError(
    400,
    `This model has several inputs (${inputs.map((spec) => spec.name).join(', ')}): name them, or send rows with the columns ${columns.map((known) => known.name).join(', ')}.`,
  );
}

function named(name: string, data: unknown, where: string): NamedValues {
  if (!Array.isArray(data)) throw new RequestError(400, `${where} must be an array, given ${nameOf(data)}.`);
  return { name, where, ...flatten(data, where) };
}

function isRead({ preprocessor }: Servable, name: string): boolean {
  const { columns, tensors } = namesOf(preprocessor);
  return columns.has(name) || tensors.has(name);
}

/** Whatever stands in it. */
function unread(name: string): { name: string; where: string; shape: number[]; text: boolean } {
  return { name, where: `input ${JSON.stringify(name)}`, shape: [1], text: false };
}

function shapeOfInstance(name: string, value: unknown): { name: string; where: string; shape: number[]; text: boolean } {
  const where = `input ${JSON.stringify(name)}`;
  const shape = Array.isArray(value) ? flatten([value], where).shape : [1];
  return { name, where, shape, text: typeof value === 'string' || isBase64Object(value) };
}

function isNamed(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !isBase64Object(value);
}

/** `{ "b64": … }` in a text column stands for the bytes of its UTF-8 text; images keep it for later. NaN is a missing value. */
function withTexts(given: Record<string, unknown>, { preprocessor }: Servable): Record<string, unknown> {
  const row = withoutNaN(given);
  const texts = preprocessor.columns.filter((column) => column.type === 'string' && isBase64Object(row[column.name]));
  if (texts.length === 0) return row;
  const decoded = texts.map((column) => {
    const bytes = bytesOfBase64((row[column.name] as { b64: string }).b64);
    if (bytes === undefined) throw new RequestError(400, `The column ${JSON.stringify(column.name)}: the value of "b64" is no base64.`);
    try {
      return [column.name, new TextDecoder('utf-8', { fatal: true }).decode(bytes)] as const;
    } catch {
      throw new RequestError(400, `The column ${JSON.stringify(column.name)} is a text: its bytes must be UTF-8.`);
    }
  });
  return Object.fromEntries([...Object.entries(row), ...decoded]);
}

export interface TensorInfo {
  readonly dtype: string;
  readonly tensor_shape: { readonly dim: readonly { readonly size: string; readonly name: string }[]; readonly unknown_rank: boolean };
  readonly name: string;
}

function tensorInfo(name: string, dtype: string, shape: readonly number[]): TensorInfo {
  return { dtype, tensor_shape: { dim: shape.map((size) => ({ size: String(size), name: '' })), unknown_rank: false }, name };
}

interface SignatureMetadata {
  readonly model_spec: { readonly name: string; readonly signature_name: string; readonly version: string };
  readonly metadata: {
    readonly signature_def: {
      readonly signature_def: Readonly<
        Record<string, { readonly inputs: NamedInfo; readonly outputs: NamedInfo; readonly method_name: string }>
      >;
    };
    readonly tensor_inputs: NamedInfo;
  };
}

type NamedInfo = Readonly<Record<string, TensorInfo>>;

/**
 * The default signature takes the columns of the source data; `tensor_inputs` is what the network itself takes, which `predict` accepts by
 * name as well.
 */
export function signatureMetadata(servable: Servable): SignatureMetadata {
  const { preprocessor } = servable;
  const outputs = Object.fromEntries(
    outputsOf(servable).map(({ name, datatype, shape }) => [
      name,
      tensorInfo(name, datatype === 'BYTES' ? 'DT_STRING' : datatype === 'BOOL' ? 'DT_BOOL' : 'DT_DOUBLE', [-1, ...shape]),
    ]),
  );
  const columns = Object.fromEntries(
    preprocessor.columns.map((column) => [column.name, tensorInfo(column.name, COLUMN_DTYPE[column.type], [-1])]),
  );
  const tensors = Object.fromEntries(
    preprocessor.inputs.map((spec) => [spec.name, tensorInfo(spec.name, TENSOR_DTYPE[spec.dtype], [-1, ...spec.shape])]),
  );
  return {
    model_spec: { name: servable.model, signature_name: '', version: String(servable.version) },
    metadata: {
      signature_def: { signature_def: { [SIGNATURE]: { inputs: columns, outputs, method_name: 'tensorflow/serving/predict' } } },
      tensor_inputs: tensors,
    },
  };
}
