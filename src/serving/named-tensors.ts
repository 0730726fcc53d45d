import { setOwn, shownValue } from '../core/json.ts';
import type { Tensor, TensorBatch, TensorSpec } from '../core/tensor.ts';
import type { Preprocessor } from '../data/stored/dataset.ts';
import { arrayFor, sizeOf } from './batcher.ts';
import { SERVING_LIMITS } from './limits.ts';
import { RequestError } from './request-error.ts';

/** A named list of values as both tensor protocols send it, flat and row-major. */
export interface NamedValues {
  readonly name: string;
  /** With the rows' dimension first. */
  readonly shape: readonly number[];
  readonly values: readonly unknown[];
  /** For messages: `inputs[0] ("features")`. */
  readonly where: string;
}

/** Flattens nested arrays. @throws RequestError 400 for ragged ones. */
export function flatten(data: unknown, where: string): { readonly shape: number[]; readonly values: unknown[] } {
  const shape: number[] = [];
  for (let level = data; Array.isArray(level); level = level[0]) shape.push(level.length);
  if (shape.length === 1 && !(data as unknown[]).some(Array.isArray)) return { shape, values: data as unknown[] };
  if (shape.length > 8) throw new RequestError(400, `${where} is nested ${shape.length} deep; at most 8 dimensions are allowed.`);
  const values: unknown[] = [];
  collect(data, 0);
  return { shape, values };

  function collect(value: unknown, depth: number): void {
    if (depth === shape.length) {
      if (Array.isArray(value)) throw new RequestError(400, `${where} is ragged: arrays of one level must be equally long.`);
      values.push(value);
      return;
    }
    if (!Array.isArray(value) || value.length !== shape[depth])
      throw new RequestError(400, `${where} is ragged: arrays of one level must be equally long.`);
    for (const item of value) collect(item, depth + 1);
  }
}

/** Columns of equal length → rows, consecutive in the order given. @throws RequestError 400 */
export function rowsFromColumns(columns: readonly NamedValues[]): Record<string, unknown>[] {
  const first = columns[0];
  if (first === undefined) return [];
  for (const column of columns) {
    const { shape } = column;
    if (shape.length !== 1 && !(shape.length === 2 && shape[1] === 1)) {
      throw new RequestError(
        400,
        `${column.where} is a column of the source data: its shape must be [rows] or [rows, 1], given ${shapeText(shape)}.`,
      );
    }
    if (shape[0] !== first.shape[0])
      throw new RequestError(
        400,
        `${column.where} has ${shape[0]} rows, ${first.where} has ${first.shape[0]}: all inputs need the same number.`,
      );
  }
  return Array.from({ length: first.shape[0]! }, (_, row) => {
    const values: Record<string, unknown> = {};
    for (const column of columns) setOwn(values, column.name, column.values[row]);
    return values;
  });
}

/** The tensors that the network takes, past the preprocessing. @throws RequestError 400 */
export function tensorsFromInputs(preprocessor: Preprocessor, inputs: readonly NamedValues[]): TensorBatch {
  const missing = preprocessor.inputs.filter((spec) => !inputs.some((input) => input.name === spec.name));
  if (missing.length > 0)
    throw new RequestError(400, `The input ${missing.map((spec) => JSON.stringify(spec.name)).join(', ')} is missing.`);
  const rows = inputs[0]!.shape[0] ?? 0;
  const batch: Record<string, Tensor> = {};
  for (const spec of preprocessor.inputs)
    batch[spec.name] = tensorOf(
      spec,
      inputs.find((input) => input.name === spec.name)!,
      rows,
    );
  return batch;
}

function tensorOf(spec: TensorSpec, { shape, values, where }: NamedValues, rows: number): Tensor {
  const expected = [-1, ...spec.shape];
  if (shape.length !== expected.length || spec.shape.some((size, axis) => size !== shape[axis + 1])) {
    throw new RequestError(400, `${where} has the shape ${shapeText(shape)}; expected ${shapeText(expected)} (-1: any number of rows).`);
  }
  if (shape[0] !== rows)
    throw new RequestError(400, `${where} has ${shape[0]} rows, another input has ${rows}: all inputs need the same number.`);
  if (rows > SERVING_LIMITS.rowsMax)
    throw new RequestError(413, `${rows} rows in one request; at most ${SERVING_LIMITS.rowsMax} are allowed. Send several requests.`);
  const data = arrayFor(spec, rows * sizeOf(spec));
  values.forEach((value, index) => {
    data[index] = checkedValue(spec, value, index, where);
  });
  return { spec, rows, data };
}

function checkedValue(spec: TensorSpec, value: unknown, index: number, where: string): number {
  if (typeof value === 'number' && !Number.isFinite(value))
    throw new RequestError(
      400,
      `${where}, value ${index}: ${value} is not a finite number, which the network takes. A missing value is for a column of the source data.`,
    );
  if (typeof value !== 'number') throw new RequestError(400, `${where}, value ${index}: ${shownValue(value)} is not a number.`);
  if (spec.dtype === 'float32') {
    if (!Number.isFinite(Math.fround(value)))
      throw new RequestError(400, `${where}, value ${index}: ${value} is beyond what float32 holds, ±3.4e38.`);
    return value;
  }
  const [low, high] =
    spec.vocabularySize !== undefined ? [0, spec.vocabularySize - 1] : spec.dtype === 'uint8' ? [0, 255] : [-(2 ** 31), 2 ** 31 - 1];
  if (!Number.isInteger(value) || value < low || value > high)
    throw new RequestError(400, `${where}, value ${index}: ${value} is not a whole number from ${low} to ${high}.`);
  return value;
}

/** A named input before it is known what it means. */
export interface InputShape {
  readonly name: string;
  readonly shape: readonly number[];
  readonly where: string;
  /** Holds texts or bytes rather than numbers. */
  readonly text: boolean;
}

/**
 * Whether inputs are columns of the source data (true) or tensors past the preprocessing (false). Where all names are both, the
 * shape decides: a column has one value per row.
 *
 * @param ignored further columns of the source, which the model does not read.
 * @throws RequestError 400 listing what the model takes, for a name that is neither, or a mixture.
 */
export function areColumns(preprocessor: Preprocessor, inputs: readonly InputShape[], ignored: readonly string[]): boolean {
  const { columns, inputs: specs } = preprocessor;
  const names = namesOf(preprocessor);
  let others: ReadonlySet<string> | undefined;
  const isColumn = (name: string): boolean => names.columns.has(name) || (others ??= new Set(ignored)).has(name);
  const isTensor = (name: string): boolean => names.tensors.has(name);
  let columnsOnly = 0;
  let tensorsOnly = 0;
  let stranger: InputShape | undefined;
  for (const input of inputs) {
    const [column, tensor] = [isColumn(input.name), isTensor(input.name)];
    if (column && !tensor) columnsOnly += 1;
    else if (tensor && !column) tensorsOnly += 1;
    else if (!column) stranger ??= input;
  }
  if (stranger !== undefined) {
    const tensors = specs.map((spec) => `${spec.name} ${shapeText([-1, ...spec.shape])}`);
    throw new RequestError(
      400,
      `${stranger.where} is no input of this model. It takes columns (${columns.map((column) => column.name).join(', ')}) or tensors (${tensors.join(', ')}).`,
    );
  }
  if (columnsOnly === 0 && tensorsOnly === 0)
    return inputs.every(({ shape, text }) => text || shape.length === 1 || (shape.length === 2 && shape[1] === 1));
  if (tensorsOnly === 0) return true;
  if (columnsOnly === 0) return false;
  throw new RequestError(400, 'The request mixes columns of the source data with tensors past the preprocessing: send one kind.');
}

interface KnownNames {
  readonly columns: ReadonlyMap<string, Preprocessor['columns'][number]>;
  readonly tensors: ReadonlySet<string>;
}

const namesByPreprocessor = new WeakMap<Preprocessor, KnownNames>();

/** A column that a model reads; undefined: it reads none of this name. */
export function columnOf(preprocessor: Preprocessor, name: string): Preprocessor['columns'][number] | undefined {
  return namesOf(preprocessor).columns.get(name);
}

/** Of the columns that a model reads, and of the tensors that its network takes. */
export function namesOf(preprocessor: Preprocessor): KnownNames {
  let names = namesByPreprocessor.get(preprocessor);
  if (names === undefined) {
    const { columns, inputs } = preprocessor;
    names = { columns: new Map(columns.map((column) => [column.name, column])), tensors: new Set(inputs.map(({ name }) => name)) };
    namesByPreprocessor.set(preprocessor, names);
  }
  return names;
}

export function shapeText(shape: readonly number[]): string {
  return `[${shape.join(', ')}]`;
}
