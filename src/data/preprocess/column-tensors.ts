import { PerennialError } from '../../core/errors.ts';
import type { Tensor, TensorSpec } from '../../core/tensor.ts';
import { packedLayout } from '../stored/packed-features.ts';
import type { PackedLayout, PackedPart, Packing } from '../stored/packed-features.ts';
import type { ColumnData } from '../transforms/column-data.ts';
import { applyAtOnce, applyWholeChain } from './chain.ts';
import { FEATURES, FLOAT32_MAX } from './fitted-column.ts';
import type { FittedColumn, PreprocessorParts } from './fitted-column.ts';

/** What to say of a value that is not finite. */
function notFinite(value: number, row: number, column: string): PerennialError {
  return Number.isNaN(value)
    ? new PerennialError('DATA_INVALID', `row ${row}, column "${column}": the value is missing after its transforms.`, {
        hint: `Put "impute" first: "${column}": [{"impute": "median"}, …] (or "mostFrequent" for categories), or leave such rows out.`,
      })
    : new PerennialError('DATA_INVALID', `row ${row}, column "${column}": the value is ${value} after its transforms.`, {
        hint: `Put {"clip": [low, high]} first into the transforms of "${column}", or quarantine such rows.`,
      });
}

/** @throws DATA_INVALID for the first value that is not finite */
function checkFinite(values: Float32Array, width: number, column: string, firstRow: number): void {
  for (let at = 0; at < values.length; at += 1) {
    const value = values[at]!;
    // Infinities and NaN give NaN.
    if (value - value !== 0) throw notFinite(value, firstRow + Math.floor(at / width), column);
  }
}

/**
 * The tensor of a column that is an input of its own.
 *
 * @param saturate values beyond float32 become its largest ones.
 * @throws DATA_INVALID for what is not finite.
 */
function columnTensor(column: FittedColumn, data: ColumnData, firstRow: number, saturate: boolean): Tensor {
  const { spec } = column;
  const width = spec.shape.reduce((product, size) => product * size, 1);
  let values: Float32Array | Int32Array | Uint8Array;
  if (data.kind === 'pixels') values = data.values;
  else if (data.kind === 'tokens') values = data.values;
  else if (data.kind === 'image') {
    values = new Uint8Array(data.values.length * width);
    data.values.forEach((image, row) => {
      if (image === null)
        throw new PerennialError('DATA_INVALID', `row ${firstRow + row}, column "${column.name}": the image is missing.`, {
          hint: 'Leave out rows without an image.',
        });
      const [height, wide] = spec.shape;
      if (image.height !== height || image.width !== wide)
        throw new PerennialError(
          'DATA_INVALID',
          `row ${firstRow + row}, column "${column.name}": the image is ${image.height} × ${image.width}; ${height} × ${wide} is expected.`,
          { hint: `Put {"resize": [${height}, ${wide}]} into the column's transforms.` },
        );
      (values as Uint8Array).set(image.data, row * width);
    });
  } else throw new PerennialError('CONFIG_INVALID', `Column "${column.name}" is still ${data.kind} after its transforms.`);
  if (values instanceof Float32Array && saturate) values = values.map((value) => Math.max(-FLOAT32_MAX, Math.min(FLOAT32_MAX, value)));
  if (values instanceof Float32Array) checkFinite(values, width, column.name, firstRow);
  return { spec: tensorSpec(spec), rows: width === 0 ? 0 : values.length / width, data: values };
}

function tensorSpec({ name, shape, dtype, vocabularySize, range }: TensorSpec): TensorSpec {
  return { name, shape, dtype, ...(vocabularySize === undefined ? {} : { vocabularySize }), ...(range === undefined ? {} : { range }) };
}

/**
 * Writes a column of `features` to its place in every row.
 *
 * @param saturate values beyond float32 become its largest ones.
 * @throws DATA_INVALID for what is not finite, or no number
 */
function writeFeature(
  data: ColumnData,
  target: Float32Array,
  width: number,
  offset: number,
  column: string,
  firstRow: number,
  saturate: boolean,
): void {
  if (data.kind !== 'number' && data.kind !== 'vector')
    throw new PerennialError('CONFIG_INVALID', `Column "${column}" is still ${data.kind} after its transforms.`);
  if (data.kind === 'vector' && data.places !== undefined) {
    const { places } = data;
    for (let row = 0, to = offset; row < places.length; row += 1, to += width) if (places[row]! >= 0) target[to + places[row]!] = 1;
    return;
  }
  if (data.kind === 'number' && !saturate) return writeNumbers(data.values, target, width, offset, column, firstRow);
  const { values } = data;
  const own = data.kind === 'vector' ? data.width : 1;
  for (let from = 0, start = offset; from < values.length; start += width) {
    for (let to = start, end = start + own; to < end; to += 1, from += 1) {
      target[to] = values[from]!;
      if (saturate && Math.abs(target[to]!) === Number.POSITIVE_INFINITY) target[to] = Math.sign(target[to]!) * FLOAT32_MAX;
      // Infinities and NaN give NaN; a double may be beyond what the target holds.
      if (target[to]! - target[to]! !== 0) throw notFinite(target[to]!, firstRow + Math.floor(from / own), column);
    }
  }
}

/** The most frequent case by itself, so that the loop is about arrays of one kind. */
function writeNumbers(values: Float64Array, target: Float32Array, width: number, offset: number, column: string, firstRow: number): void {
  for (let row = 0, to = offset; row < values.length; row += 1, to += width) {
    target[to] = values[row]!;
    const written = target[to]!;
    if (written - written !== 0) throw notFinite(written, firstRow + row, column);
  }
}

/** Features on their way into the form in which they are stored. */
class PackedRows {
  readonly #layout: PackedLayout;
  readonly #rows: number;
  readonly #bytes: Uint8Array;

  constructor(packing: Packing, rows: number, memory: BatchMemory | undefined) {
    this.#layout = packedLayout(packing);
    this.#rows = rows;
    const size = rows * this.#layout.rowBytes;
    // Every byte is written but those that fill rows up, which are 0 from the beginning on.
    const kept = memory?.packed;
    if (kept !== undefined && kept.length >= size) this.#bytes = kept.subarray(0, size);
    else {
      this.#bytes = new Uint8Array(size);
      if (memory !== undefined) memory.packed = this.#bytes;
    }
  }

  /** @param offset of its values in a row @throws as {@link writeFeature} */
  write(data: ColumnData, offset: number, column: string, firstRow: number): void {
    const { rowBytes, parts } = this.#layout;
    const part = parts.findLast((each) => each.offset <= offset)!;
    const { buffer, byteOffset } = this.#bytes;
    if (part.kind === 'values') {
      const target = new Float32Array(buffer, byteOffset, (this.#rows * rowBytes) / 4);
      writeFeature(data, target, rowBytes / 4, part.at + offset - part.offset, column, firstRow, false);
      return;
    }
    if (data.kind !== 'vector' || data.places === undefined)
      throw new PerennialError('INTERNAL', `Column "${column}" is stored as codes and gives none.`);
    const { places } = data;
    const codes = part.kind === 'code' ? this.#bytes : new Uint16Array(buffer, byteOffset, (this.#rows * rowBytes) / 2);
    const step = rowBytes / (part.kind === 'code' ? 1 : 2);
    for (let row = 0, to = part.at; row < places.length; row += 1, to += step) codes[to] = places[row]! < 0 ? part.width : places[row]!;
  }

  tensor(): Tensor {
    return { spec: { name: FEATURES, shape: [this.#layout.rowBytes], dtype: 'uint8' }, rows: this.#rows, data: this.#bytes };
  }
}

/**
 * The form in which the features of columns are stored: undefined where codes of one-hot columns do not save at least half of it.
 */
export function packingOf(columns: readonly FittedColumn[]): Packing | undefined {
  const parts: PackedPart[] = [];
  for (const { spec, links } of columns.filter((column) => column.spec.name === FEATURES)) {
    const width = spec.shape[0]!;
    const last = links.at(-1);
    const categories = (last?.state as { readonly categories?: readonly string[] } | null | undefined)?.categories;
    const previous = parts.at(-1);
    // With a mark of missing values behind it, it is no one-hot column alone.
    if (last?.definition.name === 'oneHot' && categories?.length === width && width <= ONE_HOT_MAX) parts.push({ oneHot: width });
    else if (previous !== undefined && 'values' in previous) parts[parts.length - 1] = { values: previous.values + width };
    else parts.push({ values: width });
  }
  const { rowBytes, width } = packedLayout(parts);
  return parts.some((part) => 'oneHot' in part) && 2 * rowBytes <= 4 * width ? parts : undefined;
}

/** Two bytes hold the place of one, and none. */
const ONE_HOT_MAX = 65_535;

/** Inputs per row, before windows. */
export function rowInputs(columns: readonly FittedColumn[]): TensorSpec[] {
  const width = columns
    .filter((column) => column.spec.name === FEATURES && column.spec.shape.length === 1)
    .reduce((sum, column) => sum + column.spec.shape[0]!, 0);
  const specs: TensorSpec[] = [];
  for (const column of columns) {
    if (column.spec.name !== FEATURES) specs.push(tensorSpec(column.spec));
    else if (!specs.some((spec) => spec.name === FEATURES)) specs.push({ name: FEATURES, shape: [width], dtype: 'float32' });
  }
  return specs;
}

/** Memory that batches take again and again: what the one before has given is gone. */
export interface BatchMemory {
  features?: Float32Array;
  numbers?: Float64Array;
  packed?: Uint8Array;
}

/**
 * Columns of a batch → one tensor per input, a row each. The one path from values to tensors, in training and in serving. At once where
 * no transform takes its time.
 */
export function tensorsOf(
  parts: Pick<PreprocessorParts, 'columns' | 'seed'> & {
    readonly saturate?: boolean;
    readonly inputs?: readonly TensorSpec[];
    readonly memory?: BatchMemory;
    /** `features` in the form in which it is stored. */
    readonly packing?: Packing;
  },
  batch: ReadonlyMap<string, ColumnData>,
  rows: number,
  firstRow: number,
): Record<string, Tensor> | Promise<Record<string, Tensor>> {
  const { saturate = false, inputs = rowInputs(parts.columns), memory, packing } = parts;
  const packed = packing === undefined ? undefined : new PackedRows(packing, rows, memory);
  const width = packed === undefined ? (inputs.find(({ name }) => name === FEATURES)?.shape[0] ?? 0) : 0;
  const features = memory === undefined ? new Float32Array(rows * width) : zeros(memory, rows * width);
  if (memory !== undefined && (memory.numbers?.length ?? 0) < rows) memory.numbers = new Float64Array(rows);
  const tensors = new Map<string, Tensor>();
  let offset = 0;
  return from(0);

  function from(first: number): Record<string, Tensor> | Promise<Record<string, Tensor>> {
    for (let at = first; at < parts.columns.length; at += 1) {
      const column = parts.columns[at]!;
      const data = batch.get(column.name)!;
      const sized = data.kind === 'image' && column.size !== undefined ? { ...data, size: column.size } : data;
      const result =
        applyAtOnce(sized, column.links, column.name, memory?.numbers) ??
        applyWholeChain(sized, column.links, { column: column.name, seed: parts.seed, firstRow });
      if (result instanceof Promise)
        return result.then((later) => {
          take(column, later);
          return from(at + 1);
        });
      take(column, result);
    }
    return Object.fromEntries(
      inputs.map((spec) => [
        spec.name,
        spec.name === FEATURES ? (packed?.tensor() ?? { spec, rows, data: features }) : { ...tensors.get(spec.name)!, spec },
      ]),
    );
  }

  function take(column: FittedColumn, result: ColumnData): void {
    if (column.spec.name !== FEATURES) {
      tensors.set(column.spec.name, columnTensor(column, result, firstRow, saturate));
      return;
    }
    if (packed === undefined) writeFeature(result, features, width, offset, column.name, firstRow, saturate);
    else packed.write(result, offset, column.name, firstRow);
    offset += column.spec.shape[0]!;
  }
}

function zeros(memory: BatchMemory, length: number): Float32Array {
  const kept = memory.features;
  if (kept === undefined || kept.length < length) return (memory.features = new Float32Array(length));
  return kept.subarray(0, length).fill(0);
}

/** Overlapping windows of `size` rows: `rows - size + 1` of them. */
export function windowTensor(tensor: Tensor, size: number): Tensor {
  const width = tensor.spec.shape.reduce((product, item) => product * item, 1);
  const rows = tensor.rows - size + 1;
  const data = new (tensor.data.constructor as Float32ArrayConstructor)(rows * size * width);
  for (let row = 0; row < rows; row += 1) data.set(tensor.data.subarray(row * width, (row + size) * width), row * size * width);
  return { spec: { ...tensor.spec, shape: [size, ...tensor.spec.shape] }, rows, data };
}
