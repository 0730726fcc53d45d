import { PerennialError, isPerennialError } from '../../core/errors.ts';
import type { Json, JsonObject } from '../../core/json.ts';
import type { TensorSpec } from '../../core/tensor.ts';
import type { LayerDefinition, Shape } from '../layer.ts';
import type { LayerNode, Topology } from '../model-config.ts';
import { layerRegistry } from '../registries.ts';
import { kerasConfig } from './config.ts';
import { freeName } from './to-keras.ts';
import { flattenModel } from './keras-graph.ts';
import type { KerasLayer, KerasTensor } from './keras-graph.ts';
import type { KerasMapping, KerasReading } from './mapping.ts';

export interface ReadOptions {
  /** 2 for Keras 2 and TF.js. */
  readonly version: 2 | 3;
  /** Shapes of one example, by input, where the file leaves dimensions open. */
  readonly inputShapes?: Readonly<Record<string, Shape>>;
  /** The same for a model with one input, whatever its name. */
  readonly inputShape?: Shape;
}

/** A network as it was read, with where the weights of its layers are to be found. */
export interface ReadTopology {
  readonly topology: Topology;
  /** Per layer of the topology: its path of names in the file (the outer ones of nested models first), and its weights in Keras's order. */
  readonly sources: readonly { readonly node: LayerNode; readonly path: readonly string[]; readonly className: string; readonly weights: readonly { readonly fullName: string; readonly shape: Shape }[] }[];
  readonly notes: readonly string[];
}

const LAYERS_MAX = 10_000;

/**
 * The network that a Keras configuration describes: Sequential or Functional, models inside models flattened.
 *
 * @throws MODEL_INVALID naming the layer that has no counterpart, or the setting that it cannot have
 */
export function fromKeras(config: JsonObject, options: ReadOptions): ReadTopology {
  const notes: string[] = [];
  const graph = flattenModel(config);
  if (graph.layers.length > LAYERS_MAX) throw invalid(`The model has ${graph.layers.length} layers; up to ${LAYERS_MAX} are read.`);
  if (graph.outputs.length !== 1) throw invalid(`The model has ${graph.outputs.length} outputs; models with one are read.`, 'Save a model that ends at the output you need.');
  const { names, inputs } = inputsOf(graph.inputs, graph.layers, options);
  const taken = new Set(inputs.map(({ name }) => name));
  const shapes = new Map<string, Shape>(inputs.map(({ name, shape }) => [name, shape]));
  const nodes: LayerNode[] = [];
  const sources: ReadTopology['sources'][number][] = [];
  for (const layer of graph.layers) {
    const reads = layer.inputs.map((tensor) => nameOf(tensor, names, layer));
    const readShapes = reads.map((name) => shapes.get(name)!);
    const { definition, mapping } = definitionOf(layer);
    const name = freeName(layer.path.join('_'), taken);
    const node: LayerNode = { name, type: definition.type, config: readConfig(layer, definition, mapping, { ...options, inputs: readShapes }, notes), inputs: reads };
    names.set(layer.id, name);
    shapes.set(name, shapeOf(layer, definition, node, readShapes));
    nodes.push(node);
    const specs = new Map(definition.weights(readShapes, node.config).map((spec) => [spec.name, spec]));
    const order = mapping.weightOrder?.([...specs.keys()], node.config) ?? [...specs.keys()];
    sources.push({ node, path: layer.path, className: mapping.className, weights: order.map((weight) => ({ fullName: `${name}/${weight}`, shape: specs.get(weight)!.shape })) });
  }
  const [output] = graph.outputs;
  if (nodes.length === 0) throw invalid('The model has no layers besides its inputs.');
  const last = names.get(output!.layer);
  if (last === undefined) throw invalid(`The output of the model, "${output!.layer}", is none of its layers.`);
  return { topology: { formatVersion: 1, inputs, layers: nodes, output: last }, sources, notes };
}

export function invalid(message: string, hint?: string): PerennialError {
  return new PerennialError('MODEL_INVALID', message, hint === undefined ? {} : { hint });
}

function nameOf(tensor: KerasTensor, names: ReadonlyMap<string, string>, layer: KerasLayer): string {
  if (tensor.index !== 0) throw invalid(`The layer "${layer.path.join('/')}" reads output ${tensor.index} of "${tensor.layer}"; only layers with one output are read.`);
  const name = names.get(tensor.layer);
  if (name === undefined) throw invalid(`The layer "${layer.path.join('/')}" reads "${tensor.layer}", which is no earlier layer.`);
  return name;
}

/** Inputs with their shapes; those that an embedding reads are token ids. */
function inputsOf(all: readonly KerasLayer[], layers: readonly KerasLayer[], options: ReadOptions): { readonly names: Map<string, string>; readonly inputs: TensorSpec[] } {
  const taken = new Set<string>();
  const names = new Map<string, string>();
  const inputs = all.map((input): TensorSpec => {
    const original = input.path.join('/');
    const name = freeName(input.path.join('_'), taken);
    names.set(input.id, name);
    const given = (input.config.batch_shape ?? input.config.batch_input_shape) as Json;
    if (!Array.isArray(given)) throw invalid(`The input "${original}" of the model does not say its shape.`);
    const asked = options.inputShapes?.[original] ?? options.inputShapes?.[name] ?? (all.length === 1 ? options.inputShape : undefined);
    const shape = given.slice(1).map((size, axis) => size ?? (asked?.length === given.length - 1 ? asked[axis] : null));
    if (!shape.every((size) => typeof size === 'number' && Number.isInteger(size) && size > 0)) {
      throw invalid(`The input "${original}" has the shape ${JSON.stringify(given.slice(1))}, which leaves dimensions open.`, `Say its shape: "inputShapes": { "${original}": [32, …] }.`);
    }
    const vocabularySize = layers.find((layer) => layer.className === 'Embedding' && layer.inputs[0]?.layer === input.id)?.config.input_dim;
    return { name, shape: shape as number[], dtype: vocabularySize === undefined ? 'float32' : 'int32', ...(typeof vocabularySize === 'number' ? { vocabularySize } : {}) };
  });
  return { names, inputs };
}

function definitionOf(layer: KerasLayer): { readonly definition: LayerDefinition; readonly mapping: KerasMapping } {
  const shown = `The layer "${layer.path.join('/')}" (${layer.className})`;
  if (/Lambda$/.test(layer.className)) throw invalid(`${shown} holds code of its own, which is not run.`, 'Replace it by layers, and save the model again.');
  const definition = layerRegistry.all().find(({ keras }) => keras?.className === layer.className || keras?.aliases?.includes(layer.className) === true);
  if (definition !== undefined) return { definition, mapping: definition.keras! };
  const known = layerRegistry.all().flatMap(({ keras }) => (keras === undefined ? [] : [keras.className, ...(keras.aliases ?? [])]));
  throw invalid(`${shown} has no counterpart here. Read are ${[...new Set(known)].sort().join(', ')}.`, 'Replace it, or save the part of the model before it.');
}

function shapeOf(layer: KerasLayer, definition: LayerDefinition, node: LayerNode, inputs: readonly Shape[]): Shape {
  if (inputs.length > definition.inputsMax) throw invalid(`The layer "${layer.path.join('/')}" (${layer.className}) reads ${inputs.length} inputs; it can read ${definition.inputsMax} here.`);
  try {
    return definition.outputShape(inputs, node.config);
  } catch (error) {
    if (!isPerennialError(error, 'SHAPE_MISMATCH')) throw error;
    throw new PerennialError('SHAPE_MISMATCH', `The layer "${layer.path.join('/')}" (${layer.className}): ${error.message}.`, { hint: error.hint, cause: error });
  }
}

function readConfig(layer: KerasLayer, definition: LayerDefinition, mapping: KerasMapping, context: Omit<KerasReading, 'refuse' | 'className'>, notes: string[]): Record<string, unknown> {
  const refuse = (problem: string): Error => invalid(`The layer "${layer.path.join('/')}" (${layer.className}) has ${problem}.`, 'Change the layer, and save the model again.');
  return kerasConfig(layer.config, layer.kwargs, definition, mapping, { ...context, className: layer.className, refuse }, (note) => notes.push(`Layer "${layer.path.join('/')}": ${note}`));
}
