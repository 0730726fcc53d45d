import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Tf } from '../tensorflow/tf.ts';
import { DataType } from './graph-def.ts';

export type Values = Float32Array | Int32Array | Uint8Array;

/** 8-bit numbers; Uint8Array alone stands for truth values. */
export interface Pixels {
  readonly pixels: Uint8Array;
}

export interface Feed {
  /** Name of the graph value: "node" stands for its first output. */
  readonly name: string;
  readonly shape: readonly number[];
  readonly values: Values | Pixels | readonly Uint8Array[];
}

/** The calls of the native addon that sessions need (@tensorflow/tfjs-node/binding/tfjs_backend.h). */
interface Binding {
  createTensor(shape: readonly number[], dtype: number, values: Values | readonly Uint8Array[]): number;
  deleteTensor(id: number): void;
  tensorDataSync(id: number): Values;
  loadSavedModel(folder: string, tags: string): number;
  deleteSavedModel(id: number): void;
  runSavedModel(id: number, inputs: readonly number[], inputNames: string, outputNames: string): readonly { readonly id: number }[];
}

const FOLDER = 'perennial-graph-';
/** Loading takes a moment: a folder of this age was left by a process that was killed meanwhile. */
const LEFT_AFTER_MS = 600_000;
let swept = false;

/** Removes what killed processes of this user left in a folder. */
export function sweepLeftovers(dir: string): void {
  for (const name of readdirSync(dir)) {
    if (!name.startsWith(FOLDER)) continue;
    const path = join(dir, name);
    const found = statSync(path, { throwIfNoEntry: false });
    if (found !== undefined && found.uid === process.getuid?.() && Date.now() - found.mtimeMs > LEFT_AFTER_MS)
      rmSync(path, { recursive: true, force: true });
  }
}

/** A loaded graph. Its resource variables keep their values between runs. */
export class GraphSession {
  readonly #binding: Binding;
  readonly #id: number;
  #open = true;

  /** @param savedModel bytes of a `saved_model.pb` */
  constructor(tf: Tf, savedModel: Uint8Array) {
    this.#binding = (tf.backend() as unknown as { binding: Binding }).binding;
    if (!swept) sweepLeftovers(tmpdir());
    swept = true;
    const folder = mkdtempSync(join(tmpdir(), FOLDER));
    try {
      writeFileSync(join(folder, 'saved_model.pb'), savedModel);
      this.#id = this.#binding.loadSavedModel(folder, 'serve');
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }

  /** Feeds, runs what the fetched values need, and gives their values in the order of `fetches`. */
  run(feeds: readonly Feed[], fetches: readonly string[]): Values[] {
    const binding = this.#binding;
    const ids: number[] = [];
    try {
      for (const { shape, values } of feeds)
        ids.push(binding.createTensor(shape, typeOf(values), 'pixels' in values ? values.pixels : values));
      const outputs = binding.runSavedModel(this.#id, ids, feeds.map(({ name }) => output(name)).join(','), fetches.map(output).join(','));
      return outputs.map(({ id }) => {
        try {
          return binding.tensorDataSync(id);
        } finally {
          binding.deleteTensor(id);
        }
      });
    } finally {
      for (const id of ids) binding.deleteTensor(id);
    }
  }

  dispose(): void {
    if (this.#open) this.#binding.deleteSavedModel(this.#id);
    this.#open = false;
  }
}

const output = (name: string): string => (name.includes(':') ? name : `${name}:0`);

function typeOf(values: Feed['values']): number {
  if ('pixels' in values) return DataType.uint8;
  if (Array.isArray(values)) return DataType.string;
  if (values instanceof Float32Array) return DataType.float32;
  return values instanceof Int32Array ? DataType.int32 : DataType.bool;
}
