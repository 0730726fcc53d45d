import { mkdtempSync, mkdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { afterAll } from 'vitest';
import { asRequired } from '../../../scripts/as-required.mjs';
import type { ArtifactRef } from '../../../src/core/artifact.ts';
import type { Json, JsonObject } from '../../../src/core/json.ts';
import type { ArtifactStore, ObjectStore } from '../../../src/core/ports.ts';
import { Prng } from '../../../src/core/prng.ts';
import type { StepContext, StepProgress } from '../../../src/core/step.ts';
import type { OutputSpec, Tensor, TensorBatch, TensorSpec } from '../../../src/core/tensor.ts';
import { ShardWriter } from '../../../src/data/stored/examples.ts';
import type { Split } from '../../../src/data/stored/dataset.ts';
import { SPLITS } from '../../../src/data/stored/dataset.ts';
import { packageRoot } from '../../../src/platform/paths.ts';
import { createArtifactStore } from '../../../src/storage/artifact-store.ts';
import { MemoryStore } from '../../../src/storage/memory-store.ts';

const folders: string[] = [];

afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

/** Removed when the tests of the file are through. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'perennial-training-'));
  folders.push(folder);
  return folder;
}

/** Builds the trainer from the sources as they are; packages resolve from inside the repository. */
export async function buildTrainer(): Promise<string> {
  const cache = join(packageRoot(), 'node_modules', '.cache');
  mkdirSync(cache, { recursive: true });
  const outdir = mkdtempSync(join(cache, 'trainer-'));
  await build({
    entryPoints: { trainer: join(packageRoot(), 'src/training/trainer/main.ts') },
    outdir,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    packages: 'external',
    plugins: [asRequired],
    splitting: true,
    logLevel: 'error',
  });
  return join(outdir, 'trainer.js');
}

export interface Stores {
  readonly store: ObjectStore;
  readonly artifacts: ArtifactStore;
}

export function memoryStores(): Stores {
  const store = new MemoryStore();
  return { store, artifacts: createArtifactStore(store, join(temporaryFolder(), 'blobs')) };
}

export interface Table {
  readonly inputs: readonly TensorSpec[];
  readonly output: OutputSpec;
  readonly splits: Readonly<Record<Split, TensorBatch>>;
}

/** Writes an `examples` artifact as the preprocess step does, with an identity in place of fitted preprocessing. */
export async function writeExamples({ artifacts }: Stores, table: Table, preprocessor: Json = {}): Promise<ArtifactRef> {
  const dir = temporaryFolder();
  const label: TensorSpec = {
    name: '@label',
    shape: [table.output.kind === 'number' ? table.output.width : 1],
    dtype: table.output.kind === 'number' ? 'float32' : 'int32',
  };
  const files: Record<string, Uint8Array | { path: string }> = {
    'preprocessor.json': Buffer.from(JSON.stringify(preprocessor)),
    'profile.json': Buffer.from('{"formatVersion":1,"rows":0,"columns":[]}'),
  };
  const splits: Record<string, Json> = {};
  for (const split of SPLITS) {
    const writer = new ShardWriter(dir, split, table.output.kind === 'none' ? table.inputs : [...table.inputs, label]);
    await writer.write(table.splits[split]);
    await writer.close();
    Object.assign(files, writer.files);
    splits[split] = { rows: writer.rows, shards: writer.shards };
  }
  const meta = { inputs: table.inputs, output: table.output, splits, dataset: '0'.repeat(64) } as unknown as Json;
  return artifacts.write({ kind: 'examples', summary: 'test', files, meta });
}

export interface Recorded {
  readonly progress: StepProgress[];
  readonly log: string[];
}

export function stepContext(
  stores: Stores,
  workDir: string,
  signal: AbortSignal = new AbortController().signal,
): StepContext & { readonly recorded: Recorded } {
  const recorded: Recorded = { progress: [], log: [] };
  const log = (message: string): void => void recorded.log.push(message);
  return {
    runId: 'run',
    pipeline: 'test',
    stepId: 'train',
    attempt: 1,
    nominalTime: '2026-01-01T00:00:00Z',
    documentDir: workDir,
    workDir,
    ...stores,
    log: { info: log, warn: log, error: log },
    signal,
    planRevision: 'r',
    trigger: 'manual',
    recorded,
    progress: (update) => void recorded.progress.push(update),
    secret: () => '',
  };
}

/** Rows of numbers whose class is a smooth function of them. */
export function classTable(rows: number, width = 6, classes = 3): Table {
  const spec: TensorSpec = { name: 'features', shape: [width], dtype: 'float32' };
  return {
    inputs: [spec],
    output: { kind: 'classes', name: 'kind', classes: Array.from({ length: classes }, (_, index) => `class ${index}`) },
    splits: splitsOf(rows, (prng, count) => {
      const data = new Float32Array(count * width);
      const labels = new Int32Array(count);
      for (let row = 0; row < count; row++) {
        labels[row] = prng.below(classes);
        for (let column = 0; column < width; column++)
          data[row * width + column] = prng.normal() * 0.7 + (column % classes === labels[row] ? 1.5 : 0);
      }
      return { features: { spec, rows: count, data }, '@label': labelTensor(labels, count) };
    }),
  };
}

/** Small images with a bright square in the quadrant of their class. */
export function imageTable(rows: number, size = 8): Table {
  const spec: TensorSpec = { name: 'image', shape: [size, size, 1], dtype: 'uint8' };
  return {
    inputs: [spec],
    output: { kind: 'classes', name: 'quadrant', classes: ['a', 'b', 'c', 'd'] },
    splits: splitsOf(rows, (prng, count) => {
      const data = new Uint8Array(count * size * size);
      const labels = new Int32Array(count);
      const half = size / 2;
      for (let row = 0; row < count; row++) {
        const quadrant = (labels[row] = prng.below(4));
        for (let y = 0; y < size; y++) {
          for (let x = 0; x < size; x++) {
            const inside = Math.floor(y / half) * 2 + Math.floor(x / half) === quadrant;
            data[(row * size + y) * size + x] = prng.below(inside ? 256 : 180);
          }
        }
      }
      return { image: { spec, rows: count, data }, '@label': labelTensor(labels, count) };
    }),
  };
}

/** Sequences of token ids, padded with 0; class 1 where an id below 6 occurs. */
export function tokenTable(rows: number, length = 12): Table {
  const spec: TensorSpec = { name: 'text', shape: [length], dtype: 'int32', vocabularySize: 40 };
  return {
    inputs: [spec],
    output: { kind: 'classes', name: 'spam', classes: ['no', 'yes'] },
    splits: splitsOf(rows, (prng, count) => {
      const data = new Int32Array(count * length);
      const labels = new Int32Array(count);
      for (let row = 0; row < count; row++) {
        const words = 4 + prng.below(length - 4);
        for (let at = 0; at < words; at++) data[row * length + at] = 6 + prng.below(34);
        labels[row] = prng.below(2);
        if (labels[row] === 1) data[row * length + prng.below(words)] = 2 + prng.below(4);
      }
      return { text: { spec, rows: count, data }, '@label': labelTensor(labels, count) };
    }),
  };
}

/** Texts without a label, padded behind, of a language in which each token follows from the one before. */
export function textTable(rows: number, length = 12): Table {
  const spec: TensorSpec = { name: 'text', shape: [length], dtype: 'int32', vocabularySize: 10 };
  return {
    inputs: [spec],
    output: { kind: 'none', name: '' },
    splits: splitsOf(rows, (prng, count) => {
      const data = new Int32Array(count * length);
      for (let row = 0; row < count; row++) {
        const words = 2 + prng.below(length - 1);
        const first = prng.below(8);
        for (let at = 0; at < words; at++) data[row * length + at] = 2 + ((first + 3 * at) % 8);
      }
      return { text: { spec, rows: count, data } };
    }),
  };
}

/** Two numbers and their sum, scaled. */
export function numberTable(rows: number): Table {
  const spec: TensorSpec = { name: 'features', shape: [2], dtype: 'float32' };
  const output: OutputSpec = { kind: 'number', name: 'total', width: 1, scale: { mean: 10, std: 4 } };
  return {
    inputs: [spec],
    output,
    splits: splitsOf(rows, (prng, count) => {
      const data = Float32Array.from({ length: 2 * count }, () => prng.normal());
      const labels = Float32Array.from({ length: count }, (_, row) => 0.5 * data[2 * row]! - 0.3 * data[2 * row + 1]! + 0.2);
      return {
        features: { spec, rows: count, data },
        '@label': { spec: { name: '@label', shape: [1], dtype: 'float32' }, rows: count, data: labels },
      };
    }),
  };
}

function labelTensor(labels: Int32Array, rows: number): Tensor {
  return { spec: { name: '@label', shape: [1], dtype: 'int32' }, rows, data: labels };
}

function splitsOf(rows: number, make: (prng: Prng, count: number) => TensorBatch): Record<Split, TensorBatch> {
  const few = Math.max(1, Math.floor(rows / 4));
  return { train: make(new Prng('train'), rows), validation: make(new Prng('validation'), few), test: make(new Prng('test'), few) };
}

export function asJson(value: unknown): JsonObject {
  return value as JsonObject;
}
