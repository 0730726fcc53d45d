import { PerennialError } from '../../core/errors.ts';
import type { Json, JsonObject, JsonSchema } from '../../core/json.ts';
import type { ColumnData, DataKind, ImageData, NumberData, PixelData, TextData, VectorData } from './column-data.ts';

/** Learns from the train split, batch by batch; what `finish` gives is plain JSON and travels inside the model. */
export interface Fitter<S extends Json> {
  add(data: ColumnData): void;
  /** @throws DATA_INVALID where the values cannot be learnt from. */
  finish(): S;
  /** What a reader of the run should know of what was learnt; after `finish`. */
  notes?(): readonly string[];
}

/** Facts that messages and defaults need. */
export interface TransformScope {
  readonly column: string;
  /** Kind of the data that comes in. */
  readonly kind: DataKind;
  readonly seed: number;
  /** Number of the batch's first row, for messages. */
  readonly firstRow: number;
}

/**
 * One step of a column's chain. One file `transforms/<name>.transform.ts`. `apply` is the same code in training and serving, works
 * on any batch, also an empty one (its result then shows kind and width), and never changes its input.
 */
export interface TransformDefinition<C = any, S extends Json = any> {
  readonly name: string;
  readonly summary: string;
  /** Schema of the value in `{ "<name>": value }`, with description, default and examples. */
  readonly configSchema: JsonSchema;
  /** true: there is no default, so the bare name is refused. */
  readonly needsConfig?: boolean;
  /** Values as a document writes them. */
  readonly examples: readonly Json[];
  readonly takes: readonly DataKind[];
  gives(kind: DataKind, config: C): DataKind;
  /** The value as written (null for the bare name) → complete configuration. */
  resolve(value: Json): C;
  /** Whether `fit` must see data for this kind and configuration. */
  fit?(config: C, scope: TransformScope): Fitter<S>;
  apply(data: ColumnData, config: C, state: S, scope: TransformScope): ColumnData | Promise<ColumnData>;
  /**
   * What becomes of one number, where numbers stay numbers and each follows from itself alone: several such transforms run over a column
   * at once. undefined: not for this kind or configuration.
   */
  each?(config: C, state: S, scope: Pick<TransformScope, 'column' | 'kind'>): ((value: number) => number) | undefined;
  /** Names of numbers that `apply` puts beside the values (`beside` of its data), where it does. */
  beside?(config: C): readonly string[];
  /** From what it gave back to what it took, the nearest there is: for values that a model made up. Left out where that is lost. */
  invert?(data: NumberData | TextData | VectorData, config: C, state: S, beside?: VectorData): NumberData | TextData;
  /** What differs between this process and the one that learnt the state, where answers may differ by it. */
  differs?(config: C, state: S): string | undefined;
  /** Images as numbers: what becomes of a pixel follows from its value and channel alone. */
  readonly pixelwise?: boolean;
  /** Reference whose numbers it must match. */
  readonly reference?: string;
}

export function defineTransform<C, S extends Json>(definition: TransformDefinition<C, S>): TransformDefinition<C, S> {
  return Object.freeze(definition);
}

/** A transform whose `apply` is its `each` over the values. */
export function defineNumberTransform<C, S extends Json>(
  definition: Omit<TransformDefinition<C, S>, 'apply' | 'each'> & {
    each(config: C, state: S, scope: Pick<TransformScope, 'column' | 'kind'>): (value: number) => number;
  },
): TransformDefinition<C, S> {
  return defineTransform<C, S>({
    ...definition,
    apply: (data, config, state, scope) => mapNumbers(data, definition.each(config, state, scope)),
  });
}

/** Defaults under the members of an object that was given; null stands for the bare name. */
export function withDefaults<C extends object>(defaults: C, value: Json): C {
  return value === null ? defaults : { ...defaults, ...(value as JsonObject) };
}

/** A new numeric column of `fn` over the values; missing values stay missing. */
export function mapNumbers(data: ColumnData, fn: (value: number) => number): NumberData {
  const { values } = data as NumberData;
  const mapped = new Float64Array(values.length);
  for (let row = 0; row < values.length; row += 1) mapped[row] = fn(values[row]!);
  return { kind: 'number', values: mapped };
}

export function mapPixels(data: PixelData, fn: (value: number, channel: number) => number): PixelData {
  const channels = data.shape[2];
  const values = new Float32Array(data.values.length);
  for (let at = 0; at < values.length; at += 1) values[at] = fn(data.values[at]!, at % channels);
  return { ...data, values };
}

/**
 * A number for the category of each row, worked out once for each different one, at its first row. Numbers and timestamps are
 * categories by their shortest text.
 *
 * @param of null: the category is missing
 */
export function numbersOfCategories(data: ColumnData, of: (category: string | null, row: number) => number): Float64Array {
  if (data.kind === 'text' && data.coded !== undefined) {
    const { codes, texts } = data.coded;
    const numbers = new Float64Array(texts.length + 1);
    const known = new Uint8Array(texts.length + 1);
    const result = new Float64Array(codes.length);
    for (let row = 0; row < codes.length; row += 1) {
      const place = codes[row]! + 1;
      if (known[place] === 0) {
        known[place] = 1;
        numbers[place] = of(place === 0 ? null : texts[place - 1]!, row);
      }
      result[row] = numbers[place]!;
    }
    return result;
  }
  const { values } = data as TextData | NumberData;
  const known = new Map<string | number | null, number>();
  const result = new Float64Array(values.length);
  if (values instanceof Float64Array && smallCategories(values, of, result)) return result;
  for (let row = 0; row < values.length; row += 1) {
    const value = values[row]!;
    let number = known.get(value);
    if (number === undefined) {
      number = of(value === null || Number.isNaN(value) ? null : String(value), row);
      known.set(value, number);
    }
    result[row] = number;
  }
  return result;
}

/** Numbers of classes mostly are few whole ones: they are looked up by themselves. */
const SMALL_CATEGORIES = 256;

/** @returns false where one of them is another number; some of `result` may be written then, and `of` was not asked */
function smallCategories(values: Float64Array, of: (category: string, row: number) => number, result: Float64Array): boolean {
  const first = new Int32Array(SMALL_CATEGORIES).fill(-1);
  const order: number[] = [];
  for (let row = 0; row < values.length; row += 1) {
    const value = values[row]!;
    const place = value | 0;
    if (place !== value || place < 0 || place >= SMALL_CATEGORIES) return false;
    if (first[place] === -1) {
      first[place] = row;
      order.push(place);
    }
    result[row] = place;
  }
  const numbers = new Float64Array(SMALL_CATEGORIES);
  for (const place of order) numbers[place] = of(String(place), first[place]!);
  for (let row = 0; row < result.length; row += 1) result[row] = numbers[result[row]!]!;
  return true;
}

/** Adds how often each category occurs to `counts`; missing ones are left out. @returns the first row without one, or -1 */
export function countCategories(data: ColumnData, counts: Map<string, number>): number {
  if (data.kind === 'text' && data.coded !== undefined) return countCodes(data.coded, counts);
  const names: (string | null)[] = [];
  const rows: number[] = [];
  let missing = -1;
  for (const place of numbersOfCategories(data, (name, row) => {
    if (name === null) missing = row;
    rows.push(0);
    return names.push(name) - 1;
  }))
    rows[place]! += 1;
  names.forEach((name, place) => name !== null && counts.set(name, (counts.get(name) ?? 0) + rows[place]!));
  return missing;
}

function countCodes({ codes, texts }: NonNullable<TextData['coded']>, counts: Map<string, number>): number {
  // Behind the texts: what is missing.
  const rows = new Int32Array(texts.length + 1);
  const order: number[] = [];
  for (let row = 0; row < codes.length; row += 1) {
    const place = codes[row]! < 0 ? texts.length : codes[row]!;
    if (rows[place] === 0) order.push(place);
    rows[place] = rows[place]! + 1;
  }
  for (const place of order) if (place < texts.length) counts.set(texts[place]!, (counts.get(texts[place]!) ?? 0) + rows[place]!);
  return rows[texts.length]! > 0 ? codes.findIndex((code) => code < 0) : -1;
}

/** Images of one size as numbers. @throws DATA_INVALID where an image is missing or sizes differ. */
export function toPixels(data: ColumnData, { column, firstRow }: Pick<TransformScope, 'column' | 'firstRow'>): PixelData {
  if (data.kind === 'pixels') return data;
  const { values, channels, size } = data as ImageData;
  const first = size ?? (values[0] ? ([values[0].height, values[0].width] as const) : undefined);
  if (first === undefined) {
    if (values.length === 0) return { kind: 'pixels', shape: [0, 0, channels], values: new Float32Array(0) };
    throw new PerennialError('DATA_INVALID', `row ${firstRow}, column "${column}": the image is missing.`);
  }
  const [height, width] = first;
  const pixels = new Float32Array(values.length * height * width * channels);
  values.forEach((image, row) => {
    if (image === null)
      throw new PerennialError('DATA_INVALID', `row ${firstRow + row}, column "${column}": the image is missing.`, {
        hint: 'Leave out rows without an image (validate: {"column": …, "notNull": true}).',
      });
    if (image.height !== height || image.width !== width) {
      throw new PerennialError(
        'DATA_INVALID',
        `row ${firstRow + row}, column "${column}": the image is ${image.height} × ${image.width}, others are ${height} × ${width}.`,
        { hint: `Put {"resize": [${height}, ${width}]} first into the column's transforms.` },
      );
    }
    pixels.set(image.data, row * height * width * channels);
  });
  return { kind: 'pixels', shape: [height, width, channels], values: pixels };
}

/** Mean and variance in one pass, merged without loss of precision. @see Chan, Golub, LeVeque (1979), equation 2.1 */
export class Moments {
  count = 0;
  mean = 0;
  #squares = 0;
  min = Number.POSITIVE_INFINITY;
  max = Number.NEGATIVE_INFINITY;

  add(value: number): void {
    this.count += 1;
    const delta = value - this.mean;
    this.mean += delta / this.count;
    this.#squares += delta * (value - this.mean);
    if (value < this.min) this.min = value;
    if (value > this.max) this.max = value;
  }

  /** The same as {@link add} of each, in variables of this function: fields of an object cost more than the sums. */
  addAll(values: Float64Array): void {
    let { count, mean, min, max } = this;
    let squares = this.#squares;
    for (let at = 0; at < values.length; at += 1) {
      const value = values[at]!;
      count += 1;
      const delta = value - mean;
      mean += delta / count;
      squares += delta * (value - mean);
      if (value < min) min = value;
      if (value > max) max = value;
    }
    Object.assign(this, { count, mean, min, max });
    this.#squares = squares;
  }

  /** Of the population. */
  get std(): number {
    return this.count === 0 ? Number.NaN : Math.sqrt(this.#squares / this.count);
  }

  /** Of the population; 1 of a constant column, which then becomes 0. */
  get scale(): number {
    return isConstant(this.count, this.mean, this.std) ? 1 : this.std;
  }
}

/** Whether values differ by no more than rounding, as 0.3 and 0.1 + 0.2 do. @see scikit-learn, `_is_constant_feature` of StandardScaler */
export function isConstant(count: number, mean: number, std: number): boolean {
  const variance = std * std;
  // Squares that a double does not hold say nothing: the same without them.
  if (!Number.isFinite(variance)) return std <= count * Math.abs(mean) * Number.EPSILON && Number.isFinite(std);
  return variance <= count * Number.EPSILON * variance + (count * mean * Number.EPSILON) ** 2;
}

/**
 * The distance of two values that stand for a range; 1 where it is no more than rounding. scikit-learn's `_handle_zeros_in_scale`, in
 * relation to the values.
 */
export function rangeOf(low: number, high: number): number {
  return high - low > 10 * Number.EPSILON * Math.max(Math.abs(low), Math.abs(high)) ? high - low : 1;
}

/** The values of a batch without the missing ones, in memory of the batch where none is missing. @throws DATA_INVALID for infinite ones */
export function finiteOf(data: ColumnData, column: string): Float64Array {
  const { values } = data as NumberData;
  let count = 0;
  for (let row = 0; row < values.length; row += 1) {
    const value = values[row]!;
    // Not a number.
    if (value !== value) continue;
    count += 1;
    if (value - value !== 0)
      throw new PerennialError(
        'DATA_INVALID',
        `Column "${column}" holds ${value} in the train split; statistics over it are meaningless.`,
        {
          hint: `Put {"clip": [low, high]} before it, or quarantine such rows (validate: {"column": "${column}", "between": [low, high]}).`,
        },
      );
  }
  if (count === values.length) return values;
  const finite = new Float64Array(count);
  for (let row = 0, at = 0; row < values.length; row += 1) {
    const value = values[row]!;
    if (value === value) finite[at++] = value;
  }
  return finite;
}

/** @throws DATA_INVALID where a column has nothing to learn from. */
export function requireValues(count: number, column: string, what: string): void {
  if (count === 0)
    throw new PerennialError('DATA_INVALID', `Column "${column}" has no value in the train split, so ${what} cannot be learnt.`, {
      hint: `Leave "${column}" out of the features, or "exclude" it in the ingest step.`,
    });
}
