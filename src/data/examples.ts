import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import type { WriteStream } from 'node:fs';
import { createWriteStream } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { once } from 'node:events';
import { PerennialError } from '../core/errors.ts';
import type { JsonObject } from '../core/json.ts';
import type { OpenArtifact } from '../core/ports.ts';
import type { DType, Tensor, TensorBatch, TensorSpec } from '../core/tensor.ts';
import { DATA_LIMITS } from './limits.ts';
import { SPLITS } from './types.ts';
import type { ExamplesMeta, Split } from './types.ts';

export const LABEL = '@label';

const BYTES: Readonly<Record<DType, number>> = { float32: 4, int32: 4, uint8: 1 };

export function valuesPerRow(spec: TensorSpec): number {
  return spec.shape.reduce((product, size) => product * size, 1);
}

/** File of a shard. A tensor is named by its column, which may hold any character. */
export function shardFile(split: Split, tensor: string, shard: number): string {
  const safe = encodeURIComponent(tensor).replace(/[!'()*.~]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`).replaceAll('%40', '@').replaceAll('%', '=');
  return `${split}/${safe}-${String(shard).padStart(5, '0')}.bin`;
}

function labelSpec(meta: ExamplesMeta): TensorSpec | undefined {
  if (meta.output.kind === 'classes') return { name: LABEL, shape: [1], dtype: 'int32' };
  return meta.output.kind === 'number' ? { name: LABEL, shape: [meta.output.width], dtype: 'float32' } : undefined;
}

/** Streams tensors of one split into shards; all tensors are cut at the same rows. */
export class ShardWriter {
  readonly files: Record<string, { path: string }> = {};
  readonly shards: { rows: number }[] = [];
  rows = 0;
  readonly #dir: string;
  readonly #split: Split;
  readonly #rowsMax: number;
  #streams = new Map<string, WriteStream>();
  #inShard = 0;

  /** @param specs all tensors that will be written, the label among them */
  constructor(dir: string, split: Split, specs: readonly TensorSpec[], shardBytesMax: number = DATA_LIMITS.shardBytesMax) {
    this.#dir = dir;
    this.#split = split;
    const widest = Math.max(1, ...specs.map((spec) => valuesPerRow(spec) * BYTES[spec.dtype]));
    this.#rowsMax = Math.max(1, Math.floor(shardBytesMax / widest));
  }

  async write(tensors: TensorBatch): Promise<void> {
    const rows = Object.values(tensors)[0]?.rows ?? 0;
    for (let start = 0; start < rows;) {
      const count = Math.min(rows - start, this.#rowsMax - this.#inShard);
      if (this.#inShard === 0) await this.#open(Object.keys(tensors));
      for (const [name, tensor] of Object.entries(tensors)) await this.#append(name, tensor, start, count);
      this.#inShard += count;
      this.rows += count;
      start += count;
      if (this.#inShard === this.#rowsMax) await this.close();
    }
  }

  async #open(names: readonly string[]): Promise<void> {
    await mkdir(join(this.#dir, this.#split), { recursive: true });
    for (const name of names) {
      const file = shardFile(this.#split, name, this.shards.length);
      const path = join(this.#dir, file);
      this.files[file] = { path };
      const stream = createWriteStream(path);
      await once(stream, 'open');
      this.#streams.set(name, stream);
    }
  }

  async #append(name: string, { data, spec }: Tensor, start: number, count: number): Promise<void> {
    const width = valuesPerRow(spec);
    const part = data.subarray(start * width, (start + count) * width);
    const stream = this.#streams.get(name)!;
    // Copied: the stream may write after the caller has reused its memory.
    if (!stream.write(Buffer.from(new Uint8Array(part.buffer, part.byteOffset, part.byteLength)))) await once(stream, 'drain');
  }

  /** Ends the current shard. */
  async close(): Promise<void> {
    if (this.#inShard === 0) return;
    for (const stream of this.#streams.values()) {
      stream.end();
      await once(stream, 'close');
    }
    this.#streams = new Map();
    this.shards.push({ rows: this.#inShard });
    this.#inShard = 0;
  }
}

export interface ExamplesReader {
  readonly rows: number;
  /** Rows `start` … `start + count - 1`, label under `@label`. */
  read(start: number, count: number): TensorBatch;
  /** These rows, in this order. */
  gather(indices: Int32Array): TensorBatch;
  close(): void;
}

export interface Examples {
  readonly meta: ExamplesMeta;
  preprocessorJson(): Promise<JsonObject>;
  /** Synchronous reads; shards are kept in memory up to a limit, and read row by row beyond it. */
  reader(split: Split): ExamplesReader;
}

interface Shard {
  readonly path: string;
  readonly firstRow: number;
  readonly rows: number;
  bytes?: Uint8Array;
  file?: number;
}

class TensorFile {
  readonly spec: TensorSpec;
  readonly #rowBytes: number;
  readonly #shards: readonly Shard[];
  readonly #budget: { left: number };

  constructor(spec: TensorSpec, shards: readonly Shard[], budget: { left: number }) {
    this.spec = spec;
    this.#rowBytes = valuesPerRow(spec) * BYTES[spec.dtype];
    this.#shards = shards;
    this.#budget = budget;
  }

  /** Copies `count` rows from `row` on to `target` at byte `at`. */
  copy(row: number, count: number, target: Uint8Array, at: number): void {
    let low = 0;
    let high = this.#shards.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.#shards[middle]!.firstRow <= row) low = middle;
      else high = middle - 1;
    }
    for (let left = count; left > 0;) {
      const shard = this.#shards[low]!;
      const from = row + (count - left) - shard.firstRow;
      const part = Math.min(left, shard.rows - from);
      this.#fill(shard, from * this.#rowBytes, target.subarray(at + (count - left) * this.#rowBytes, at + (count - left + part) * this.#rowBytes));
      left -= part;
      low += 1;
    }
  }

  #fill(shard: Shard, position: number, target: Uint8Array): void {
    if (shard.bytes === undefined && shard.file === undefined) this.#openShard(shard);
    if (shard.bytes !== undefined) {
      target.set(shard.bytes.subarray(position, position + target.length));
      return;
    }
    readFully(shard.file!, target, position);
  }

  #openShard(shard: Shard): void {
    const size = shard.rows * this.#rowBytes;
    const file = openSync(shard.path, 'r');
    if (fstatSync(file).size !== size) {
      closeSync(file);
      throw new PerennialError('BLOB_CORRUPT', `${shard.path} has another size than the ${size} bytes that its ${shard.rows} rows need.`);
    }
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

  close(): void {
    for (const shard of this.#shards) {
      if (shard.file !== undefined) closeSync(shard.file);
      if (shard.bytes !== undefined) this.#budget.left += shard.bytes.length;
      delete shard.file;
      delete shard.bytes;
    }
  }
}

function readFully(file: number, target: Uint8Array, position: number): void {
  for (let done = 0; done < target.length;) {
    const count = readSync(file, target, done, target.length - done, position + done);
    if (count === 0) throw new PerennialError('BLOB_CORRUPT', 'A shard of examples ended early.');
    done += count;
  }
}

function tensorFrom(spec: TensorSpec, rows: number, bytes: Uint8Array): Tensor {
  const { buffer } = bytes;
  const data = spec.dtype === 'float32' ? new Float32Array(buffer) : spec.dtype === 'int32' ? new Int32Array(buffer) : new Uint8Array(buffer);
  return { spec, rows, data };
}

function createReader(files: readonly TensorFile[], rows: number): ExamplesReader {
  const build = (count: number, fill: (file: TensorFile, target: Uint8Array, rowBytes: number) => void): TensorBatch =>
    Object.fromEntries(files.map((file) => {
      const rowBytes = valuesPerRow(file.spec) * BYTES[file.spec.dtype];
      const bytes = new Uint8Array(count * rowBytes);
      fill(file, bytes, rowBytes);
      return [file.spec.name, tensorFrom(file.spec, count, bytes)];
    }));
  return {
    rows,
    read(start, count) {
      if (start < 0 || count < 0 || start + count > rows) throw new RangeError(`rows ${start} to ${start + count} of ${rows}`);
      return build(count, (file, target) => file.copy(start, count, target, 0));
    },
    gather(indices) {
      for (const index of indices) if (index < 0 || index >= rows) throw new RangeError(`row ${index} of ${rows}`);
      return build(indices.length, (file, target, rowBytes) => indices.forEach((row, at) => file.copy(row, 1, target, at * rowBytes)));
    },
    close: () => files.forEach((file) => file.close()),
  };
}

/**
 * The examples of an artifact, ready for synchronous reading.
 *
 * @param splits only these are fetched from the store
 * @throws BLOB_CORRUPT
 */
export async function openExamples(artifact: OpenArtifact, splits: readonly Split[] = SPLITS): Promise<Examples> {
  if (artifact.manifest.kind !== 'examples') throw new PerennialError('STEP_FAILED', `Examples were expected, not a ${artifact.manifest.kind} artifact.`);
  const meta = artifact.manifest.meta as unknown as ExamplesMeta;
  const label = labelSpec(meta);
  const specs = label === undefined ? [...meta.inputs] : [...meta.inputs, label];
  const paths = new Map<string, string>();
  for (const split of splits) {
    for (const spec of specs) {
      for (let shard = 0; shard < meta.splits[split].shards.length; shard += 1) {
        const file = shardFile(split, spec.name, shard);
        paths.set(file, await artifact.path(file));
      }
    }
  }
  return {
    meta,
    preprocessorJson: () => artifact.json<JsonObject>('preprocessor.json'),
    reader(split) {
      if (!splits.includes(split)) throw new PerennialError('INTERNAL', `The ${split} split was not opened.`);
      const budget = { left: DATA_LIMITS.shardCacheBytesMax as number };
      const files = specs.map((spec) => {
        let firstRow = 0;
        const shards = meta.splits[split].shards.map(({ rows }, index): Shard => {
          const shard = { path: paths.get(shardFile(split, spec.name, index))!, firstRow, rows };
          firstRow += rows;
          return shard;
        });
        return new TensorFile(spec, shards, budget);
      });
      return createReader(files, meta.splits[split].rows);
    },
  };
}
