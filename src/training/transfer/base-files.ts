import { mkdir, writeFile } from 'node:fs/promises';
import { readFileSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { PerennialError } from '../../core/errors.ts';
import type { JsonObject } from '../../core/json.ts';
import type { OpenArtifact } from '../../core/ports.ts';
import type { TensorSpec } from '../../core/tensor.ts';
import { sha256, sha256File } from '../../storage/digest.ts';
import { TOPOLOGY } from '../model/model-config.ts';
import type { ModelConfig, Topology } from '../model/model-config.ts';
import type { Named } from '../model/named.ts';
import { Network } from '../model/network.ts';
import { architectureRegistry } from '../architectures/index.generated.ts';
import { MODEL } from '../model/model-meta.ts';
import { decodeWeights, encodeWeights } from '../bundle/weights-file.ts';
import type { WeightsManifest } from '../bundle/weights-file.ts';
import type { BaseNetwork, BaseOrigin } from './base.ts';
import { isTransfer } from './transfer-config.ts';
import { readStored, fileAs } from '../../storage/stored.ts';

/** Where a model to start from is found. */
export type BaseSource =
  { readonly origin: BaseOrigin; readonly artifact: OpenArtifact } | { readonly origin: BaseOrigin; readonly path: string };

/** What a trainer needs of a base: its network, and local files with the weights. */
export interface BaseFiles {
  readonly network: BaseNetwork;
  /** Layers of `weights`: those of the base before any is cut off or renamed. */
  readonly topology: Topology;
  readonly weights: WeightsFiles;
  /** Weights of the networks that it was trained with, by name. */
  readonly companions?: Readonly<Record<string, WeightsFiles>>;
}

interface WeightsFiles {
  readonly manifest: string;
  readonly bytes: string;
}

/** The network of a base without its weights. @throws MODEL_INVALID, SOURCE_NOT_FOUND */
export async function readBaseNetwork(source: BaseSource, inputs: readonly TensorSpec[]): Promise<BaseNetwork> {
  return 'artifact' in source
    ? networkOf(source.origin, source.artifact)
    : { origin: source.origin, topology: (await modelFile(source.path, inputs)).topology };
}

/**
 * A base with its weights in local files.
 *
 * @param inputs of the examples: shapes that a file leaves open are taken from them
 * @param dir for the weights of a file of another program
 * @throws MODEL_INVALID, SOURCE_NOT_FOUND, BLOB_CORRUPT
 */
export async function readBaseFiles(
  source: BaseSource,
  inputs: readonly TensorSpec[],
  dir: string,
): Promise<BaseFiles & { readonly notes: readonly string[] }> {
  if ('artifact' in source) {
    const { origin, artifact } = source;
    const network = await networkOf(origin, artifact);
    const local = async (prefix: string): Promise<WeightsFiles> => ({
      manifest: await artifact.path(`${prefix}weights.json`),
      bytes: await artifact.path(`${prefix}weights.bin`),
    });
    const companions: Record<string, WeightsFiles> = {};
    for (const name of Object.keys(network.companions ?? {})) companions[name] = await local(`${name}.`);
    return {
      network,
      topology: network.topology,
      weights: await local(''),
      ...(network.companions === undefined ? {} : { companions }),
      notes: [],
    };
  }
  const { topology, weights, notes } = await modelFile(source.path, inputs);
  const encoded = encodeWeights(new Network(topology).weights, weights);
  await mkdir(dir, { recursive: true });
  const files = { manifest: join(dir, 'weights.json'), bytes: join(dir, 'weights.bin') };
  await writeFile(files.manifest, JSON.stringify(encoded.manifest));
  await writeFile(files.bytes, encoded.bytes);
  return { network: { origin: source.origin, topology }, topology, weights: files, notes };
}

/** The weights of a base by full name; those of a companion under its name. @throws MODEL_INVALID where they do not fit its layers */
export function readBaseWeights({ network, topology, weights, companions = {} }: BaseFiles): ReadonlyMap<string, Float32Array> {
  const read = (layers: Topology, { manifest, bytes }: WeightsFiles): ReadonlyMap<string, Float32Array> =>
    decodeWeights(new Network(layers).weights, JSON.parse(readFileSync(manifest, 'utf8')) as WeightsManifest, readFileSync(bytes));
  const further = Object.entries(companions).flatMap(([name, files]) =>
    [...read(network.companions![name]!, files)].map(([weight, values]) => [`${name}/${weight}`, values] as const),
  );
  return new Map([...read(topology, weights), ...further]);
}

async function networkOf(origin: BaseOrigin, artifact: OpenArtifact): Promise<BaseNetwork> {
  const { kind, meta } = artifact.manifest;
  if (kind !== 'model')
    throw new PerennialError('MODEL_INVALID', `The artifact ${artifact.ref.digest.slice(0, 12)} is a ${kind}, not a model.`);
  const { output, training } = readStored(MODEL, meta, 'the base');
  const objective = objectiveOf(training);
  const preprocessor = await artifact.json<JsonObject>('preprocessor.json');
  const companions = await companionsOf(artifact);
  const model = isTransfer(training.model) ? training.continues : training.model;
  return {
    origin,
    output,
    preprocessor,
    topology: await fileAs(artifact, TOPOLOGY, 'topology.json'),
    ...(companions === undefined ? {} : { companions, model: model as unknown as ModelConfig }),
    ...(training.loss === undefined ? {} : { loss: training.loss as Named }),
    ...(objective === undefined ? {} : { objective }),
  };
}

const COMPANION = /^([^.]+)\.topology\.json$/;

async function companionsOf(artifact: OpenArtifact): Promise<Record<string, Topology> | undefined> {
  const found: Record<string, Topology> = {};
  for (const file of Object.keys(artifact.manifest.files)) {
    const name = COMPANION.exec(file)?.[1];
    if (name !== undefined) found[name] = await fileAs(artifact, TOPOLOGY, file);
  }
  return Object.keys(found).length === 0 ? undefined : found;
}

/** An objective that does not learn from labels. */
function objectiveOf({ model, objective }: JsonObject): Named | undefined {
  const architecture = isTransfer(model) ? undefined : (model as { architecture?: string } | undefined)?.architecture;
  const found =
    (objective as Named | undefined) ?? (architecture === undefined ? undefined : architectureRegistry.find(architecture)?.objective);
  return found === 'supervised' ? undefined : found;
}

async function modelFile(path: string, inputs: readonly TensorSpec[]): ReturnType<typeof import('../imports/read-model.ts').readModelFile> {
  const { readModelFile } = await import('../imports/read-model.ts');
  const shapes = Object.fromEntries(inputs.map(({ name, shape }) => [name, shape]));
  return readModelFile(path, { inputShapes: shapes, ...(inputs.length === 1 ? { inputShape: inputs[0]!.shape } : {}) });
}

/**
 * Digest of a model file; of a TF.js model with the shards that it names.
 *
 * @throws SOURCE_NOT_FOUND, MODEL_INVALID
 */
export async function digestModelFile(file: string, documentDir: string): Promise<{ readonly path: string; readonly digest: string }> {
  const given = resolve(documentDir, file);
  const path = statSync(given, { throwIfNoEntry: false })?.isDirectory() === true ? join(given, 'model.json') : given;
  if (statSync(path, { throwIfNoEntry: false })?.isFile() !== true) {
    throw new PerennialError('SOURCE_NOT_FOUND', `"from": there is no model file "${file}" (looked for ${path}).`, {
      hint: `Paths start at the folder of the document, ${documentDir}.`,
    });
  }
  const shards = path.endsWith('.json') ? await shardsOf(path) : [];
  const digests = [await sha256File(path)];
  for (const shard of shards) {
    const where = join(dirname(path), shard);
    if (statSync(where, { throwIfNoEntry: false })?.isFile() !== true)
      throw new PerennialError('SOURCE_NOT_FOUND', `"from": "${file}" names the weights "${shard}", and there is no such file beside it.`, {
        hint: 'Copy all files of the model, "model.json" and its ".bin" files, into one folder.',
      });
    digests.push(await sha256File(where));
  }
  return { path, digest: digests.length === 1 ? digests[0]! : sha256(digests.join()) };
}

async function shardsOf(path: string): Promise<string[]> {
  const { readJsonFile } = await import('../imports/json-text.ts');
  const parsed = (await readJsonFile(path)) as { weightsManifest?: readonly ({ readonly paths?: readonly unknown[] } | null)[] } | null;
  const manifest = Array.isArray(parsed?.weightsManifest)
    ? (parsed.weightsManifest as readonly ({ readonly paths?: readonly unknown[] } | null)[])
    : [];
  const names = manifest
    .flatMap((group) => (Array.isArray(group?.paths) ? group.paths : []))
    .filter((name): name is string => typeof name === 'string' && !name.includes('..') && !name.startsWith('/'));
  return [...new Set(names)];
}
