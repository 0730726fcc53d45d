import type { JsonObject } from '../../core/json.ts';
import type { Shape } from '../layers/shapes.ts';
import { fromKeras } from '../keras/from-keras.ts';
import type { ReadTopology } from '../keras/from-keras.ts';
import { toKeras } from '../keras/to-keras.ts';
import type { Topology } from '../model/model-config.ts';
import { product, showShape } from '../layers/shapes.ts';
import { damaged, readHdf5 } from './hdf5-contents.ts';
import type { Hdf5Contents } from './hdf5-reader.ts';
import { parseJson } from './json-text.ts';
import type { ReadModel, ReadModelOptions } from './model-reading.ts';

export interface StoredWeight {
  readonly name: string;
  readonly shape: Shape;
  readonly values: Float32Array;
}

interface StoredLayer {
  readonly name: string;
  readonly weights: readonly StoredWeight[];
}

/** A whole model in Keras's HDF5 layout: configuration, and weights by layer. @throws MODEL_INVALID */
export async function readKerasHdf5(path: string, options: ReadModelOptions): Promise<ReadModel> {
  const contents = await readHdf5(path);
  const text = contents.attributes.get('')?.get('model_config');
  if (typeof text !== 'string') {
    const weightsAlone = contents.attributes.get('')?.has('layer_names') === true || contents.datasets.size > 0;
    throw damaged(path, weightsAlone ? 'it holds weights alone, without the layers' : 'it holds no Keras model');
  }
  const version = textOf(contents, '', 'keras_version');
  const read = fromKeras(parseJson(text, path, 'model_config') as JsonObject, { ...options, version: version.startsWith('3') ? 3 : 2 });
  const layers = storedLayers(contents, 'model_weights', path);
  return {
    topology: read.topology,
    weights: assignByLayer(read, layers, path),
    notes: read.notes,
    origin: `Keras ${version || 'of an unknown version'}, HDF5`,
  };
}

/** Weights alone, in Keras's order, for a topology. @throws MODEL_INVALID */
export async function readKerasWeights(path: string, topology: Topology): Promise<Map<string, Float32Array>> {
  const contents = await readHdf5(path);
  const root = contents.attributes.get('')?.has('model_config') === true ? 'model_weights' : '';
  const stored = storedLayers(contents, root, path).filter(({ weights }) => weights.length > 0);
  const wanted = toKeras(topology, 'model').layers.filter(({ weights }) => weights.length > 0);
  if (stored.length !== wanted.length)
    throw damaged(path, `it holds weights of ${stored.length} layers, the model has ${wanted.length} with weights`);
  return new Map(
    wanted.flatMap((layer, index) =>
      matchWeights(layer.weights, stored[index]!.weights, `${layer.name}" (in the file "${stored[index]!.name}")`, path),
    ),
  );
}

/** "layer_names", or "layer_names0", "layer_names1", … where they are many. */
function namesAt(contents: Hdf5Contents, group: string, key: string): string[] | undefined {
  const attributes = contents.attributes.get(group);
  const whole = attributes?.get(key);
  if (whole !== undefined) return typeof whole === 'string' ? [whole] : [...whole];
  const parts: string[] = [];
  for (let index = 0; ; index++) {
    const part = attributes?.get(`${key}${index}`);
    if (part === undefined) return index === 0 ? undefined : parts;
    parts.push(...(typeof part === 'string' ? [part] : part));
  }
}

function textOf(contents: Hdf5Contents, group: string, key: string): string {
  const value = contents.attributes.get(group)?.get(key);
  return typeof value === 'string' ? value : '';
}

function storedLayers(contents: Hdf5Contents, root: string, path: string): StoredLayer[] {
  const names = namesAt(contents, root, 'layer_names');
  if (names === undefined) throw damaged(path, `"${root || '/'}" does not say which layers it holds ("layer_names")`);
  return names.map((name) => {
    const group = root === '' ? name : `${root}/${name}`;
    if (!contents.attributes.has(group)) throw damaged(path, `the weights of the layer "${name}" are missing`);
    return {
      name,
      // An empty list has no text in it: it is as good as none.
      weights: (namesAt(contents, group, 'weight_names') ?? []).map((weight) => {
        const dataset = contents.datasets.get(`${group}/${weight}`);
        if (dataset === undefined) throw damaged(path, `the weight "${weight}" of the layer "${name}" is missing`);
        return { name: weight, ...dataset };
      }),
    };
  });
}

/** Weights by the outermost name of their layer; inside models, by the names along their path. */
export function assignByLayer(read: ReadTopology, stored: readonly StoredLayer[], path: string): Map<string, Float32Array> {
  const byName = new Map(stored.map((layer) => [layer.name, layer.weights]));
  return new Map(
    read.sources.flatMap(({ path: names, weights }) => {
      if (weights.length === 0) return [];
      const all = byName.get(names[0]!);
      if (all === undefined) throw damaged(path, `it has no weights of the layer "${names.join('/')}"`);
      const own = names.length === 1 ? all : all.filter(({ name }) => name.split('/').includes(names.at(-1)!));
      return matchWeights(weights, own, names.join('/'), path);
    }),
  );
}

/** Stored weights under the names of ours, in order. @throws MODEL_INVALID where number or shapes differ */
export function matchWeights(
  wanted: readonly { readonly fullName: string; readonly shape: Shape }[],
  stored: readonly StoredWeight[],
  layer: string,
  path: string,
): [string, Float32Array][] {
  if (wanted.length !== stored.length)
    throw damaged(path, `the layer "${layer}" needs ${wanted.length} weights, the file has ${stored.length}`);
  return wanted.map(({ fullName, shape }, index) => {
    const { name, shape: given, values } = stored[index]!;
    if (showShape(shape) !== showShape(given) || values.length !== product(shape))
      throw damaged(
        path,
        `the weight "${name}" of the layer "${layer}" has the shape ${showShape(given)}, the layer needs ${showShape(shape)}`,
      );
    return [fullName, values];
  });
}
