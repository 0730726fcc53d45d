import { PerennialError } from '../../core/errors.ts';
import type { Json, JsonObject } from '../../core/json.ts';
import type { OutputSpec, Row, Tensor, TensorBatch, TensorSpec } from '../../core/tensor.ts';
import { COUNT, NUMBER, OBJECT, TEXT, defineStored, listOf, readStored, recordSchema } from '../../storage/stored.ts';
import type { StoredKind } from '../../storage/stored.ts';
import { applyAtOnce, applyWholeChain, functionsOfNumbers, parseChain } from './chain.ts';
import type { FittedLink } from './chain.ts';
import type { ColumnData } from '../transforms/column-data.ts';
import { asModelReads, readsNumbersAsTheyAre } from '../reading/cells.ts';
import { checkRowColumns, columnOfRows, columnReader } from '../table/row-values.ts';
import { SeriesRuns, WindowCutter, keysOf, pickRows, seriesName, timeOrder } from './series.ts';
import { SeriesFollower } from './series-follower.ts';
import type { FittedSequence } from '../stored/sequence.ts';
import { packedLayout } from '../stored/packed-features.ts';
import type { PackedLayout, PackedPart, Packing } from '../stored/packed-features.ts';
import type { Preprocessor, SeriesWindows, SourceReading } from '../stored/dataset.ts';
import type { Column } from '../stored/column.ts';

/** A column with its fitted transforms. */
export interface FittedColumn extends Column {
  readonly required: boolean;
  readonly links: readonly FittedLink[];
  /** Images that no transform resizes: the size that all must have. */
  readonly size?: readonly [number, number];
  /** Part of `features`, or an input of its own; with the shape it gives per row. */
  readonly spec: TensorSpec & { readonly parts?: readonly string[] };
}

export interface PreprocessorParts {
  readonly columns: readonly FittedColumn[];
  readonly output: OutputSpec;
  readonly sequence?: FittedSequence;
  readonly seed: number;
  readonly reading?: SourceReading;
}

/** The largest number of a float32. */
export const FLOAT32_MAX = (2 - 2 ** -23) * 2 ** 127;

/** Input that numbers and one-hot columns are joined to, in the order of the document. */
export const FEATURES = 'features';

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

/**
 * When rows are; undefined where none of them says it: they then follow each other as they stand.
 *
 * @throws DATA_INVALID where some do not
 */
async function timesOfRows(rows: readonly Row[], by: Column): Promise<Float64Array | undefined> {
  const missing = rows.map((row) => !Object.hasOwn(row, by.name) || row[by.name] === null || row[by.name] === undefined);
  if (missing.every(Boolean)) return undefined;
  const data = await columnOfRows(rows, by);
  if (data.kind !== 'timestamp' && data.kind !== 'number') return undefined;
  const at = data.values.findIndex((value) => Number.isNaN(value));
  if (at !== -1)
    throw new PerennialError('DATA_INVALID', `row ${at}, column "${by.name}": it is missing, and other rows have it.`, {
      hint: `Give "${by.name}" in every row, or in none: rows then follow each other as they stand.`,
    });
  return data.values;
}

/** A fitted column as it is kept, or told to another thread. */
export interface ColumnJson {
  readonly name: string;
  readonly type: Column['type'];
  readonly required: boolean;
  readonly size?: readonly [number, number];
  readonly spec: FittedColumn['spec'];
  readonly transforms: readonly { readonly name: string; readonly value: Json; readonly state: Json }[];
}

export interface PreprocessorJson {
  readonly formatVersion: 1;
  readonly seed: number;
  readonly columns: readonly ColumnJson[];
  readonly output: OutputSpec;
  readonly sequence?: FittedSequence & { readonly byType: Column['type'] };
  readonly reading?: SourceReading;
}

/** {@link PreprocessorJson} as it is stored. */
export const PREPROCESSOR: StoredKind<PreprocessorJson> = defineStored({
  name: 'preprocessing of a model',
  formatVersion: 1,
  schema: recordSchema(
    {
      seed: NUMBER,
      columns: listOf(
        recordSchema(
          {
            name: TEXT,
            type: TEXT,
            required: { type: 'boolean' },
            spec: OBJECT,
            transforms: listOf(recordSchema({ name: TEXT, value: {}, state: {} })),
          },
          { size: listOf(NUMBER) },
        ),
      ),
      output: recordSchema({ kind: TEXT }),
    },
    { sequence: recordSchema({ size: COUNT, byType: TEXT }), reading: recordSchema({ source: OBJECT, columns: listOf(OBJECT) }) },
  ),
  broken: { code: 'MODEL_INVALID', hint: 'Take another version of the model, or run its pipeline again.' },
});

/** @param byType type of the column that orders a series */
export function createPreprocessor(parts: PreprocessorParts, byType: Column['type'] = 'timestamp'): Preprocessor {
  const { columns, output, sequence, reading } = parts;
  const asRead = (column: Column): Column => asModelReads(column, reading);
  const readers = columns.map((column) => columnReader(asRead(column)));
  const perRow = rowInputs(columns);
  const inputs = sequence === undefined ? perRow : perRow.map((spec) => ({ ...spec, shape: [sequence.size, ...spec.shape] }));
  const plain = plainFeatures(columns.map((column) => ({ column, reading: asRead(column) })));
  const tensorsOfRows = (rows: readonly Row[], saturate: boolean): Record<string, Tensor> | Promise<Record<string, Tensor>> => {
    const batch = new Map<string, ColumnData>();
    const from = (first: number): Record<string, Tensor> | Promise<Record<string, Tensor>> => {
      for (let at = first; at < readers.length; at += 1) {
        const data = readers[at]!(rows);
        if (data instanceof Promise)
          return data.then((later) => {
            batch.set(columns[at]!.name, later);
            return from(at + 1);
          });
        batch.set(columns[at]!.name, data);
      }
      return tensorsOf({ columns, seed: parts.seed, inputs: perRow, saturate }, batch, rows.length, 0);
    };
    return from(0);
  };
  const series =
    sequence === undefined
      ? undefined
      : seriesOf(sequence, byType, asRead, async (rows, saturate) => {
          checkRowColumns(rows, columns);
          return tensorsOfRows(rows, saturate);
        });
  const applyNow = (rows: readonly Row[], { saturate = false } = {}): TensorBatch | Promise<TensorBatch> => {
    if (series !== undefined) return series.windows(rows, { saturate }).then(({ tensors }) => tensors);
    const data = plain?.(rows);
    if (data !== undefined) return { [FEATURES]: { spec: perRow[0]!, rows: rows.length, data } };
    checkRowColumns(rows, columns);
    return tensorsOfRows(rows, saturate);
  };
  return {
    inputs,
    output,
    columns: [
      ...columns.map(({ name, type, required }) => ({ name, type, required })),
      ...placeColumns(sequence, byType).filter(({ name }) => !columns.some((column) => column.name === name)),
    ],
    windowSize: sequence?.size ?? 1,
    ...(reading === undefined ? {} : { reading }),
    ...(series === undefined ? {} : { series }),
    apply: async (rows, options) => applyNow(rows, options),
    applyNow,
    applyColumns: async (batch, rows, { saturate = false } = {}) =>
      tensorsOf({ columns, seed: parts.seed, inputs: perRow, saturate }, batch, rows, 0),
    toJson: () => toJson(parts, byType),
  };
}

/**
 * Rows that hold numbers straight into `features`, as most small requests are.
 *
 * @returns undefined where columns are or become anything else than numbers. What is returned gives undefined where a row holds something
 * else, or a result is not finite: the general way says what there is to it.
 */
function plainFeatures(
  given: readonly { readonly column: FittedColumn; readonly reading: Column }[],
): ((rows: readonly Row[]) => Float32Array | undefined) | undefined {
  const ways: { readonly name: string; readonly functions: readonly ((value: number) => number)[] }[] = [];
  for (const { column, reading } of given) {
    const functions = functionsOfNumbers(column.links, column.name);
    const { shape, name } = column.spec;
    if (functions === undefined || name !== FEATURES || shape.length !== 1 || shape[0] !== 1 || !readsNumbersAsTheyAre(reading))
      return undefined;
    ways.push({ name: column.name, functions });
  }
  const width = ways.length;
  if (width === 0) return undefined;
  return (rows) => {
    const target = new Float32Array(rows.length * width);
    for (let row = 0, to = 0; row < rows.length; row += 1) {
      const values = rows[row]!;
      if (typeof values !== 'object' || values === null || Array.isArray(values)) return undefined;
      for (let at = 0; at < width; at += 1, to += 1) {
        const { name, functions } = ways[at]!;
        // What an object inherits is never a number.
        const found = values[name];
        if (typeof found !== 'number') return undefined;
        let value = found;
        for (let step = 0; step < functions.length; step += 1) value = functions[step]!(value);
        target[to] = value;
        const written = target[to]!;
        if (written - written !== 0) return undefined;
      }
    }
    return target;
  };
}

/** What a model of a series reads of a row beside its features: when it is, and which series it belongs to. */
function placeColumns(sequence: FittedSequence | undefined, byType: Column['type']): Preprocessor['columns'] {
  if (sequence?.gap === undefined) return [];
  return [
    ...(sequence.key ?? []).map(({ name, type }) => ({ name, type, required: true })),
    { name: sequence.by, type: byType, required: false },
  ];
}

/** The windows of rows, cut as those of training. */
function seriesOf(
  sequence: FittedSequence,
  byType: Column['type'],
  asRead: (column: Column) => Column,
  tensorsOfRows: (rows: readonly Row[], saturate: boolean) => Promise<Record<string, Tensor>>,
): NonNullable<Preprocessor['series']> {
  const { size, by, key } = sequence;
  const keys = async (rows: readonly Row[]): Promise<readonly string[] | undefined> => {
    const columns = new Map<string, ColumnData>();
    for (const column of key ?? []) columns.set(column.name, await columnOfRows(rows, asRead(column)));
    return keysOf(key, columns, rows.length);
  };
  return {
    sequence,
    by: { name: by, type: byType },
    keys,
    follow: () => new SeriesFollower(sequence, byType),
    async windows(rows, { mayBeNone = false, saturate = false } = {}): Promise<SeriesWindows> {
      if (rows.length < size)
        throw new PerennialError('DATA_INVALID', `${rows.length} rows were given; one example needs ${size} consecutive rows.`, {
          hint: `Give at least ${size} rows${key === undefined ? '' : ' of one series'} in the order of "${by}".`,
        });
      const tensors = await tensorsOfRows(rows, saturate);
      const own = await keys(rows);
      const times = await timesOfRows(rows, asRead({ name: by, type: byType }));
      // Training sorts its rows: whoever gives the same table gets the same windows.
      const order = times === undefined ? undefined : timeOrder(own, times);
      const placeOf = (row: number): number => order?.[row] ?? row;
      const runs = new SeriesRuns(sequence, byType);
      const sortedKeys = order === undefined ? own : own && Array.from(order, (row) => own[row]!);
      const sortedTimes = order === undefined ? times : Float64Array.from(order, (row) => times![row]!);
      const counts = runs.add(sortedKeys, sortedTimes, rows.length, placeOf);
      const sorted = order === undefined ? tensors : inOrder(tensors, order);
      const { windows, rows: ends } = new WindowCutter(size, 0).cut(sorted, sortedKeys, counts);
      if (ends.length === 0 && !mayBeNone)
        throw new PerennialError(
          'DATA_INVALID',
          `None of the ${rows.length} rows ends a window of ${size} rows: ${longest(sequence, sortedKeys, counts)}.`,
          { hint: `Give at least ${size} rows of one series that follow each other in "${by}" without a gap.` },
        );
      return {
        tensors: windows,
        ends: order === undefined ? ends : ends.map(placeOf),
        ...(own === undefined ? {} : { keys: own }),
        gaps: runs.gaps,
        sorted: order !== undefined,
      };
    },
  };
}

function inOrder(tensors: Record<string, Tensor>, order: Int32Array): Record<string, Tensor> {
  return Object.fromEntries(Object.entries(tensors).map(([name, tensor]) => [name, pickRows(tensor, order)]));
}

function longest({ key }: FittedSequence, keys: readonly string[] | undefined, counts: Int32Array): string {
  const best = counts.reduce((top, count, row) => (count > counts[top]! ? row : top), 0);
  return `the most that follow each other${keys === undefined ? '' : ` in one series (${seriesName(key, keys[best]!)})`} without a gap are ${counts[best]}`;
}

function toJson({ columns, output, sequence, seed, reading }: PreprocessorParts, byType: Column['type']): JsonObject {
  const json: PreprocessorJson = {
    formatVersion: 1,
    seed,
    columns: columnsToJson(columns),
    output,
    ...(sequence === undefined ? {} : { sequence: { ...sequence, byType } }),
    ...(reading === undefined ? {} : { reading }),
  };
  return json as unknown as JsonObject;
}

export function columnsToJson(columns: readonly FittedColumn[]): ColumnJson[] {
  return columns.map(({ name, type, required, size, spec, links }) => ({
    name,
    type,
    required,
    ...(size === undefined ? {} : { size: [size[0], size[1]] as const }),
    spec,
    transforms: links.map((link) => ({ name: link.definition.name, value: link.value, state: link.state })),
  }));
}

export function columnsOfJson(columns: readonly ColumnJson[]): FittedColumn[] {
  return columns.map(({ transforms, ...column }): FittedColumn => ({
    ...column,
    links: parseChain(
      transforms.map(({ name, value }) => (value === null ? name : { [name]: value })),
      column.name,
    ).map((link, index) => ({ ...link, state: transforms[index]!.state })),
  }));
}

/** The fitted preprocessing of a model, from `preprocessor.json`. Reads no data; sharp is loaded only when an image comes. */
export function loadPreprocessor(json: JsonObject): Preprocessor {
  const { parts, byType } = preprocessorParts(json);
  for (const { name, links } of parts.columns) {
    for (const { definition, config, state } of links) {
      const difference = definition.differs?.(config, state);
      if (difference === undefined) continue;
      const text = `Column "${name}", ${definition.name}: ${difference}. Train the model with the Node.js version that serves it (this is ${process.version}).`;
      if (!told.has(text)) process.emitWarning(text);
      told.add(text);
    }
  }
  return createPreprocessor(parts, byType);
}

/** A server loads a version many times: each difference is said once. */
const told = new Set<string>();

/** What {@link loadPreprocessor} is made from. @throws MODEL_INVALID */
export function preprocessorParts(json: JsonObject): { readonly parts: PreprocessorParts; readonly byType?: Column['type'] } {
  const { columns, output, sequence, seed, reading } = readStored(PREPROCESSOR, json, 'preprocessor.json');
  const parts = { columns: columnsOfJson(columns), output, seed, ...(reading === undefined ? {} : { reading }) };
  if (sequence === undefined) return { parts };
  const { byType, ...rest } = sequence;
  return { parts: { ...parts, sequence: rest }, byType };
}
