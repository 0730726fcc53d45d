import { closeSync, fstatSync, openSync, read as readAsync, readSync } from 'node:fs';
import { promisify } from 'node:util';
import { PerennialError } from '../../core/errors.ts';
import type { DType, Tensor, TensorSpec } from '../../core/tensor.ts';
import type { PixelLevels } from '../stored/dataset.ts';
import { packedLayout, unpackFeatures } from '../stored/packed-features.ts';
import type { PackedLayout, Packing } from '../stored/packed-features.ts';

export const BYTES: Readonly<Record<DType, number>> = { float32: 4, int32: 4, uint8: 1 };

export function valuesPerRow(spec: TensorSpec): number {
  return spec.shape.reduce((product, size) => product * size, 1);
}

/** In what other form than its values a tensor is stored. */
export interface StoredForm {
  /** Pixels of 8 bits, with what they stand for. */
  readonly levels?: PixelLevels;
  /** Features of which one-hot columns are stored as codes. */
  readonly packing?: Packing;
}

/** Bytes of a row in a shard. */
export function storedRowBytes(spec: TensorSpec, { levels, packing }: StoredForm): number {
  if (packing !== undefined) return packedLayout(packing).rowBytes;
  return valuesPerRow(spec) * (levels === undefined ? BYTES[spec.dtype] : 1);
}

export interface Shard {
  readonly path: string;
  readonly firstRow: number;
  readonly rows: number;
  bytes?: Uint8Array;
  file?: number;
}

export interface RowRange {
  readonly start: number;
  readonly count: number;
}

const readFile = promisify(readAsync);

/** The shards of one tensor. What is copied out of it are rows as they are stored; {@link TensorFile.tensor} makes values of them. */
export class TensorFile {
  readonly spec: TensorSpec;
  readonly rowBytes: number;
  readonly #shards: readonly Shard[];
  readonly #budget: { left: number };
  readonly #levels: Float32Array | undefined;
  readonly #packed: PackedLayout | undefined;

  /** @param budget bytes that this and other files may keep in memory together */
  constructor(spec: TensorSpec, shards: readonly Shard[], budget: { left: number }, form: StoredForm) {
    this.spec = spec;
    const { levels, packing } = form;
    this.rowBytes = storedRowBytes(spec, form);
    this.#packed = packing === undefined ? undefined : packedLayout(packing);
    this.#shards = shards;
    this.#budget = budget;
    this.#levels = levels === undefined ? undefined : Float32Array.from(levels);
  }

  /** Copies `count` rows from `row` on to `target` at byte `at`, out of memory as far as the budget reaches. */
  copy(row: number, count: number, target: Uint8Array, at: number): void {
    for (const { shard, from, rows, to } of this.#parts(row, count))
      this.#fill(shard, from * this.rowBytes, target.subarray(at + to * this.rowBytes, at + (to + rows) * this.rowBytes));
  }

  /** As {@link copy}, but read by the threads of the runtime while this one goes on. Nothing is kept. */
  async load(row: number, count: number, target: Uint8Array, at: number): Promise<void> {
    await Promise.all(
      [...this.#parts(row, count)].map(async ({ shard, from, rows, to }) => {
        if (shard.bytes === undefined && shard.file === undefined) shard.file = this.#open(shard);
        const part = target.subarray(at + to * this.rowBytes, at + (to + rows) * this.rowBytes);
        const position = from * this.rowBytes;
        if (shard.bytes !== undefined) part.set(shard.bytes.subarray(position, position + part.length));
        else
          for (let done = 0; done < part.length;)
            done += some((await readFile(shard.file!, part, done, part.length - done, position + done)).bytesRead);
      }),
    );
  }

  /** Rows as they are stored → values. */
  tensor(rows: number, bytes: Uint8Array): Tensor {
    const { spec } = this;
    if (this.#levels !== undefined) return { spec, rows, data: decoded(bytes, this.#levels) };
    if (this.#packed !== undefined) return { spec, rows, data: unpackFeatures(this.#packed, rows, bytes) };
    const { buffer } = bytes;
    const data =
      spec.dtype === 'float32' ? new Float32Array(buffer) : spec.dtype === 'int32' ? new Int32Array(buffer) : new Uint8Array(buffer);
    return { spec, rows, data };
  }

  *#parts(row: number, count: number): Generator<{ shard: Shard; from: number; rows: number; to: number }> {
    let low = 0;
    let high = this.#shards.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.#shards[middle]!.firstRow <= row) low = middle;
      else high = middle - 1;
    }
    for (let to = 0; to < count; low += 1) {
      const shard = this.#shards[low]!;
      const from = row + to - shard.firstRow;
      const rows = Math.min(count - to, shard.rows - from);
      yield { shard, from, rows, to };
      to += rows;
    }
  }

  #fill(shard: Shard, position: number, target: Uint8Array): void {
    if (shard.bytes === undefined && shard.file === undefined) this.#keep(shard);
    if (shard.bytes === undefined) readFully(shard.file!, target, position);
    else target.set(shard.bytes.subarray(position, position + target.length));
  }

  #keep(shard: Shard): void {
    const size = shard.rows * this.rowBytes;
    const file = this.#open(shard);
    if (size > this.#budget.left) {
      shard.file = file;
      return;
    }
    this.#budget.left -= size;
    shard.bytes = new Uint8Array(size);
    try {
      readFully(file, shard.bytes, 0);
    } finally {
      closeSync(file);
    }
  }

  #open(shard: Shard): number {
    const size = shard.rows * this.rowBytes;
    const file = openSync(shard.path, 'r');
    if (fstatSync(file).size === size) return file;
    closeSync(file);
    throw new PerennialError('BLOB_CORRUPT', `${shard.path} has another size than the ${size} bytes that its ${shard.rows} rows need.`);
  }

  close(): void {
    for (const shard of this.#shards) {
      if (shard.file !== undefined) closeSync(shard.file);
      if (shard.bytes !== undefined) this.#budget.left += shard.bytes.length;
      delete shard.file;
      delete shard.bytes;
    }
  }
}

/** Values of pixels by channel and level. */
function decoded(bytes: Uint8Array, levels: Float32Array): Float32Array {
  const channels = levels.length / 256;
  const values = new Float32Array(bytes.length);
  if (channels === 1) for (let at = 0; at < bytes.length; at += 1) values[at] = levels[bytes[at]!]!;
  else
    for (let at = 0; at < bytes.length; at += channels)
      for (let channel = 0; channel < channels; channel += 1) values[at + channel] = levels[256 * channel + bytes[at + channel]!]!;
  return values;
}

function readFully(file: number, target: Uint8Array, position: number): void {
  for (let done = 0; done < target.length;) done += some(readSync(file, target, done, target.length - done, position + done));
}

function some(count: number): number {
  if (count === 0) throw new PerennialError('BLOB_CORRUPT', 'A shard of examples ended early.');
  return count;
}
