import { createHash } from 'node:crypto';
import type { Hash } from 'node:crypto';
import { mkdir, open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { PerennialError } from '../../core/errors.ts';
import type { JsonObject } from '../../core/json.ts';
import type { LocalFile, OpenArtifact } from '../../core/ports.ts';
import type { LabelOutput, OutputSpec, Tensor, TensorBatch, TensorSpec } from '../../core/tensor.ts';
import { DATA_LIMITS } from '../table/limits.ts';
import { WEIGHT_SPEC } from '../preprocess/row-weight.ts';
import { BYTES, TensorFile, storedRowBytes, valuesPerRow } from '../preprocess/tensor-file.ts';
import type { RowRange, Shard, StoredForm } from '../preprocess/tensor-file.ts';
import { EXAMPLES, SPLITS } from './dataset.ts';
import type { ExamplesMeta, Split } from './dataset.ts';
import { metaAs } from '../../storage/stored.ts';

export const LABEL = '@label';
/**
 * Of test examples where the document says which rows are anomalies: 1 for those, 0 for others. Training and validation examples have no
 * such tensor.
 */
export const ANOMALY = `${LABEL}:anomaly`;

/** File of a shard. A tensor is named by its column, which may hold any character. */
export function shardFile(split: Split, tensor: string, shard: number): string {
  const safe = encodeURIComponent(tensor)
    .replace(/[!'()*.~]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`)
    .replaceAll('%40', '@')
    .replaceAll('%', '=');
  return `${split}/${safe}-${String(shard).padStart(5, '0')}.bin`;
}

/** Tensor that holds a label: `@label`, or `@label:<column>` where there are several. */
export function labelName(output: OutputSpec, label: string): string {
  return output.kind === 'several' ? `${LABEL}:${label}` : LABEL;
}

export const isLabel = (tensor: string): boolean => tensor === LABEL || tensor.startsWith(`${LABEL}:`);

/** The labels that an output consists of: none, one or several. */
export function labelsOf(output: OutputSpec): readonly LabelOutput[] {
  if (output.kind === 'several') return output.outputs;
  return output.kind === 'classes' || output.kind === 'number' ? [output] : [];
}

/** The tensors that hold them. */
export function labelSpecs(output: OutputSpec): TensorSpec[] {
  return labelsOf(output).map((label) => ({
    name: labelName(output, label.name),
    ...(label.kind === 'classes' ? { shape: [1], dtype: 'int32' as const } : { shape: [label.width], dtype: 'float32' as const }),
  }));
}

/** All tensors that the examples of a split consist of. */
function tensorsIn({ inputs, output, anomaly, weight }: ExamplesMeta, split: Split): TensorSpec[] {
  return [
    ...inputs,
    ...labelSpecs(output),
    ...(weight === undefined || split !== 'train' ? [] : [WEIGHT_SPEC]),
    ...(anomaly === undefined || split !== 'test' ? [] : [ANOMALY_SPEC]),
  ];
}

function formOf({ levels, packed }: ExamplesMeta, tensor: string): StoredForm {
  const [own, packing] = [levels?.[tensor], packed?.[tensor]];
  return { ...(own === undefined ? {} : { levels: own }), ...(packing === undefined ? {} : { packing }) };
}

export const ANOMALY_SPEC: TensorSpec = { name: ANOMALY, shape: [1], dtype: 'int32' };

/** Rows after which shards are cut. */
export function rowsPerShard(specs: readonly TensorSpec[], shardBytesMax: number = DATA_LIMITS.shardBytesMax): number {
  const widest = Math.max(1, ...specs.map((spec) => valuesPerRow(spec) * BYTES[spec.dtype]));
  return Math.max(1, Math.floor(shardBytesMax / widest));
}

/** Writes tensors of one split into shards as they come; all tensors are cut at the same rows. */
export class ShardWriter {
  readonly files: Record<string, LocalFile> = {};
  readonly shards: { rows: number }[] = [];
  rows = 0;
  readonly #dir: string;
  readonly #split: Split;
  readonly #rowsMax: number;
  readonly #first: number;
  #open = new Map<string, { readonly file: string; readonly handle: FileHandle; readonly hash: Hash }>();
  #inShard = 0;

  /**
   * @param specs all tensors that will be written, the label among them
   *
   * @param first number of the first shard, where others write those before
   */
  constructor(dir: string, split: Split, specs: readonly TensorSpec[], shardBytesMax: number = DATA_LIMITS.shardBytesMax, first = 0) {
    this.#dir = dir;
    this.#split = split;
    this.#first = first;
    this.#rowsMax = rowsPerShard(specs, shardBytesMax);
  }

  async write(tensors: TensorBatch): Promise<void> {
    const rows = Object.values(tensors)[0]?.rows ?? 0;
    for (let start = 0; start < rows;) {
      const count = Math.min(rows - start, this.#rowsMax - this.#inShard);
      if (this.#inShard === 0) await this.#begin(Object.keys(tensors));
      await Promise.all(Object.entries(tensors).map(([name, tensor]) => this.#append(name, tensor, start, count)));
      this.#inShard += count;
      this.rows += count;
      start += count;
      if (this.#inShard === this.#rowsMax) await this.close();
    }
  }

  async #begin(names: readonly string[]): Promise<void> {
    await mkdir(join(this.#dir, this.#split), { recursive: true });
    for (const name of names) {
      const file = shardFile(this.#split, name, this.#first + this.shards.length);
      this.#open.set(name, { file, handle: await open(join(this.#dir, file), 'w'), hash: createHash('sha256') });
    }
  }

  async #append(name: string, { data, spec }: Tensor, start: number, count: number): Promise<void> {
    const width = valuesPerRow(spec);
    const part = data.subarray(start * width, (start + count) * width);
    const bytes = new Uint8Array(part.buffer, part.byteOffset, part.byteLength);
    const { handle, hash } = this.#open.get(name)!;
    hash.update(bytes);
    await handle.writeFile(bytes);
  }

  /** Ends the current shard. */
  async close(): Promise<void> {
    if (this.#inShard === 0) return;
    for (const { file, handle, hash } of this.#open.values()) {
      await handle.close();
      this.files[file] = { path: join(this.#dir, file), digest: hash.digest('hex'), given: true };
    }
    this.#open = new Map();
    this.shards.push({ rows: this.#inShard });
    this.#inShard = 0;
  }
}

/** Rows that were read ahead, as they are stored: one piece of memory per tensor. */
export interface LoadedRows {
  readonly rows: number;
  readonly memory: readonly Uint8Array[];
}

export interface ExamplesReader {
  readonly rows: number;
  /** Bytes of one row on disk and in memory, all tensors together. */
  readonly rowBytes: number;
  /** Whether all rows may stay in memory. */
  readonly fits: boolean;
  /** Rows `start` … `start + count - 1`, label under `@label`. @param tensors only these */
  read(start: number, count: number, tensors?: readonly string[]): TensorBatch;
  /** These rows, in this order. */
  gather(indices: Int32Array): TensorBatch;
  /** Reads ranges of rows, one behind the other, while this thread goes on. @param reused whose memory is taken again */
  load(ranges: readonly RowRange[], reused?: LoadedRows): Promise<LoadedRows>;
  /** Rows out of loaded ones, by their places there. */
  gatherLoaded(parts: readonly { readonly loaded: LoadedRows; readonly places: Int32Array }[]): TensorBatch;
  close(): void;
}

export interface Examples {
  readonly meta: ExamplesMeta;
  preprocessorJson(): Promise<JsonObject>;
  /** Synchronous reads: out of memory where the split fits into it, else from the files. */
  reader(split: Split): ExamplesReader;
}

function createReader(files: readonly TensorFile[], rows: number, fits: boolean): ExamplesReader {
  const build = (chosen: readonly TensorFile[], count: number, fill: (file: TensorFile, target: Uint8Array) => void): TensorBatch =>
    Object.fromEntries(
      chosen.map((file) => {
        const bytes = new Uint8Array(count * file.rowBytes);
        fill(file, bytes);
        return [file.spec.name, file.tensor(count, bytes)];
      }),
    );
  const rowBytes = files.reduce((sum, file) => sum + file.rowBytes, 0);
  return {
    rows,
    rowBytes,
    fits,
    read(start, count, tensors) {
      if (start < 0 || count < 0 || start + count > rows) throw new RangeError(`rows ${start} to ${start + count} of ${rows}`);
      return build(tensors === undefined ? files : files.filter(({ spec }) => tensors.includes(spec.name)), count, (file, target) =>
        file.copy(start, count, target, 0),
      );
    },
    gather(indices) {
      for (const index of indices) if (index < 0 || index >= rows) throw new RangeError(`row ${index} of ${rows}`);
      return build(files, indices.length, (file, target) => indices.forEach((row, at) => file.copy(row, 1, target, at * file.rowBytes)));
    },
    async load(ranges, reused) {
      const total = ranges.reduce((sum, { count }) => sum + count, 0);
      const memory = files.map((file, index) => {
        const own = reused?.memory[index];
        return own !== undefined && own.length >= total * file.rowBytes ? own : new Uint8Array(total * file.rowBytes);
      });
      const reads: Promise<void>[] = [];
      let place = 0;
      for (const { start, count } of ranges) {
        for (const [index, file] of files.entries()) reads.push(file.load(start, count, memory[index]!, place * file.rowBytes));
        place += count;
      }
      // A failed read must not leave others writing into memory that is taken again.
      const outcomes = await Promise.allSettled(reads);
      for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
      return { rows: total, memory };
    },
    gatherLoaded(parts) {
      const count = parts.reduce((sum, { places }) => sum + places.length, 0);
      return build(files, count, (file, target) => {
        const index = files.indexOf(file);
        const size = file.rowBytes;
        let at = 0;
        for (const { loaded, places } of parts) {
          const source = loaded.memory[index]!;
          for (const place of places) {
            target.set(source.subarray(place * size, (place + 1) * size), at);
            at += size;
          }
        }
      });
    },
    close: () => files.forEach((file) => file.close()),
  };
}

/**
 * The examples of an artifact, ready for synchronous reading.
 *
 * @param splits only these are fetched from the store
 * @param memoryBytes into which the rows of a split fit, or not
 * @throws BLOB_CORRUPT
 */
export async function openExamples(
  artifact: OpenArtifact,
  splits: readonly Split[] = SPLITS,
  memoryBytes: number = DATA_LIMITS.shardCacheBytesMax,
): Promise<Examples> {
  if (artifact.manifest.kind !== 'examples')
    throw new PerennialError('STEP_FAILED', `Examples were expected, not a ${artifact.manifest.kind} artifact.`);
  const meta = metaAs(artifact, EXAMPLES);
  const paths = new Map<string, string>();
  for (const split of splits) {
    for (const spec of tensorsIn(meta, split)) {
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
      const { rows } = meta.splits[split];
      const specs = tensorsIn(meta, split);
      const fits = rows * specs.reduce((sum, spec) => sum + storedRowBytes(spec, formOf(meta, spec.name)), 0) <= memoryBytes;
      // A part of the rows in memory would help nobody who reads them all in turn.
      const budget = { left: fits ? memoryBytes : 0 };
      const files = specs.map((spec) => {
        let firstRow = 0;
        const shards = meta.splits[split].shards.map(({ rows }, index): Shard => {
          const shard = { path: paths.get(shardFile(split, spec.name, index))!, firstRow, rows };
          firstRow += rows;
          return shard;
        });
        return new TensorFile(spec, shards, budget, formOf(meta, spec.name));
      });
      return createReader(files, rows, fits);
    },
  };
}
