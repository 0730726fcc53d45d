import { open, realpath } from 'node:fs/promises';
import { dirname, join, normalize, sep } from 'node:path';
import type { Json, JsonObject } from '../../core/json.ts';
import type { Shape } from '../layers/shapes.ts';
import { fromKeras } from '../keras/from-keras.ts';
import { decodeQuantized } from '../keras/quantization.ts';
import type { Quantization } from '../keras/quantization.ts';
import { product } from '../layers/shapes.ts';
import { MODEL_BYTES_MAX, damaged } from './hdf5-contents.ts';
import { readJsonFile } from './json-text.ts';
import { assignByLayer } from './keras-hdf5.ts';
import type { StoredWeight } from './keras-hdf5.ts';
import type { ReadModel, ReadModelOptions } from './model-reading.ts';

const SHARDS_MAX = 10_000;

/** A TF.js layers model: `model.json`, and the shards of its weights in the same folder. @throws MODEL_INVALID */
export async function readLayersModel(path: string, options: ReadModelOptions): Promise<ReadModel> {
  const json = await readJsonFile(path);
  const { format, modelTopology: topology, weightsManifest: manifest } = objectOf(json, path, 'content');
  if (format === 'graph-model') throw damaged(path, 'it is a graph model, whose layers are gone; layers models are read');
  const wrapped = objectOf(topology, path, '"modelTopology"');
  const config = 'model_config' in wrapped ? objectOf(wrapped.model_config, path, '"model_config"') : wrapped;
  const stored = await readManifest(path, manifest);
  const read = fromKeras(config, { ...options, version: String(wrapped.keras_version ?? '2').startsWith('3') ? 3 : 2 });
  const weights = assignByLayer(read, byLayer(stored, new Set(read.sources.map((source) => source.path[0]!))), path);
  return {
    topology: read.topology,
    weights,
    notes: read.notes,
    origin: `TensorFlow.js layers model (${String(wrapped.keras_version ?? 'unknown version').slice(0, 40)})`,
  };
}

function objectOf(value: Json | undefined, path: string, what: string): JsonObject {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value;
  throw damaged(path, `its ${what} is no object`);
}

/** Weights carry the name of their layer in front. */
function byLayer(
  weights: readonly StoredWeight[],
  layers: ReadonlySet<string>,
): { readonly name: string; readonly weights: StoredWeight[] }[] {
  const groups = new Map<string, StoredWeight[]>();
  for (const weight of weights) {
    const parts = weight.name.split('/');
    // The names of models that were inside others come before that of the layer.
    const layer = parts.find((part) => layers.has(part)) ?? parts[0]!;
    groups.set(layer, [...(groups.get(layer) ?? []), weight]);
  }
  return [...groups].map(([name, list]) => ({ name, weights: list }));
}

async function readManifest(path: string, manifest: Json | undefined): Promise<StoredWeight[]> {
  if (!Array.isArray(manifest)) throw damaged(path, 'it has no "weightsManifest"');
  const weights: StoredWeight[] = [];
  const shards = new Set<Json>();
  let bytesLeft = MODEL_BYTES_MAX;
  for (const group of manifest) {
    const { paths, weights: entries } = objectOf(group, path, 'manifest');
    if (!Array.isArray(paths) || !Array.isArray(entries)) throw damaged(path, 'its manifest has a group without "paths" or "weights"');
    const chunks: Buffer[] = [];
    let groupLeft = Math.min(bytesLeft, bytesOf(path, entries));
    for (const shard of paths) {
      if (shards.has(shard)) throw damaged(path, `its manifest names the file ${JSON.stringify(shard)} twice`);
      if (shards.add(shard).size > SHARDS_MAX) throw damaged(path, `its manifest names more than ${SHARDS_MAX} files`);
      const chunk = await readShard(path, shard, groupLeft);
      groupLeft -= chunk.length;
      bytesLeft -= chunk.length;
      chunks.push(chunk);
    }
    weights.push(...decodeGroup(path, entries, Buffer.concat(chunks)));
  }
  return weights;
}

/** @throws MODEL_INVALID for a path that leaves the folder, or a file that is missing */
async function readShard(path: string, shard: Json, bytesMax: number): Promise<Buffer> {
  if (
    typeof shard !== 'string' ||
    shard === '' ||
    shard.includes('\\') ||
    shard.includes('\0') ||
    /^(\/|[A-Za-z][A-Za-z0-9+.-]*:)/.test(shard) ||
    normalize(shard).startsWith('..')
  ) {
    throw damaged(path, `its manifest names the file ${JSON.stringify(shard)}, which is not inside its folder`);
  }
  const [folder, where] = await Promise.all([realpath(dirname(path)), realpath(join(dirname(path), shard))]).catch(
    (error: NodeJS.ErrnoException) => {
      throw damaged(path, `its weights "${shard}" cannot be read (${error.code ?? error.message})`);
    },
  );
  if (!where.startsWith(folder.endsWith(sep) ? folder : folder + sep))
    throw damaged(path, `its weights "${shard}" are a link out of its folder`);
  const file = await open(where, 'r').catch((error: NodeJS.ErrnoException) => {
    throw damaged(path, `its weights "${shard}" cannot be read (${error.code ?? error.message})`);
  });
  try {
    const facts = await file.stat();
    if (!facts.isFile() || facts.size > bytesMax)
      throw damaged(
        path,
        `its weights "${shard}" are ${facts.isFile() ? `${facts.size} bytes; the manifest describes ${bytesMax} that are left` : 'no file'}`,
      );
    return await file.readFile();
  } finally {
    await file.close();
  }
}

/** Of all weights of a group, as far as their sizes are numbers. */
function bytesOf(path: string, entries: readonly Json[]): number {
  return entries.reduce<number>((sum, entry) => {
    const { shape, dtype, quantization } = objectOf(entry, path, 'manifest');
    const packed = quantization === undefined || quantization === null ? dtype : objectOf(quantization, path, 'manifest').dtype;
    const bytes = Array.isArray(shape) ? product(shape as number[]) * (BYTES[String(packed)] ?? 8) : Infinity;
    return sum + (bytes >= 0 ? bytes : Infinity);
  }, 0);
}

const BYTES: Readonly<Record<string, number>> = { float32: 4, int32: 4, bool: 1, uint8: 1, uint16: 2, float16: 2 };

function decodeGroup(path: string, entries: readonly Json[], bytes: Buffer): StoredWeight[] {
  const weights: StoredWeight[] = [];
  let offset = 0;
  for (const entry of entries) {
    const { name, shape, dtype, quantization, group } = objectOf(entry, path, 'manifest');
    if (
      typeof name !== 'string' ||
      !Array.isArray(shape) ||
      !shape.every((size) => typeof size === 'number' && Number.isInteger(size) && size >= 0)
    )
      throw damaged(path, `its manifest describes a weight as ${JSON.stringify(entry).slice(0, 100)}`);
    const packed =
      quantization === undefined || quantization === null
        ? undefined
        : (objectOf(quantization, path, 'manifest') as unknown as Quantization);
    const width = BYTES[String(packed?.dtype ?? dtype)];
    if (width === undefined)
      throw damaged(path, `the weight "${name}" is of the type ${String(packed?.dtype ?? dtype)}, which is not read`);
    const length = product(shape as number[]) * width;
    if (!Number.isSafeInteger(length) || offset + length > bytes.length)
      throw damaged(path, `the weight "${name}" ends at byte ${offset + length}, its files have ${bytes.length}`);
    // A copy: typed arrays want their elements aligned.
    const slice = Uint8Array.from(bytes.subarray(offset, offset + length));
    offset += length;
    if (group === 'optimizer') continue;
    weights.push({
      name,
      shape: shape as Shape,
      values: packed === undefined ? plain(slice, String(dtype)) : checkedQuantized(path, name, slice, packed),
    });
  }
  if (offset !== bytes.length) throw damaged(path, `its weights take ${offset} bytes, its files have ${bytes.length}`);
  return weights;
}

function plain(bytes: Uint8Array, dtype: string): Float32Array {
  if (dtype === 'float32') return new Float32Array(bytes.buffer);
  return dtype === 'int32' ? Float32Array.from(new Int32Array(bytes.buffer)) : Float32Array.from(bytes);
}

function checkedQuantized(path: string, name: string, bytes: Uint8Array, quantization: Quantization): Float32Array {
  const numbers = quantization.dtype === 'float16' || (Number.isFinite(quantization.min) && Number.isFinite(quantization.scale));
  if (!numbers) throw damaged(path, `the weight "${name}" does not say its "min" and "scale"`);
  return decodeQuantized(bytes, quantization);
}
