import { PerennialError } from '../../core/errors.ts';
import type { Json, JsonObject } from '../../core/json.ts';
import type { TensorSpec } from '../../core/tensor.ts';
import { shapesOf } from '../model/describe.ts';
import type { LayerDefinition } from '../layers/layer.ts';
import type { Shape } from '../layers/shapes.ts';
import type { LayerNode, Topology } from '../model/model-config.ts';
import { layerRegistry } from '../layers/index.generated.ts';
import { layerConfigToKeras } from './config.ts';
import { kerasLayerOrder } from './layer-order.ts';
import type { KerasMapping, KerasWriting, KerasDialect } from './mapping.ts';
import { KERAS2_ACTIVATIONS, snakeCase } from './names.ts';

/** A network in Keras's words. */
export interface KerasModel {
  /** `model_config`: a Functional model in the form of Keras 2, which Keras 3 and TF.js read as well. */
  readonly config: JsonObject;
  /** Names that Keras takes, in place of those of the inputs. */
  readonly inputNames: ReadonlyMap<string, string>;
  /** Layers that have weights or not, in the order of Keras, with the weights in Keras's order. */
  readonly layers: readonly { readonly name: string; readonly weights: readonly KerasWeight[] }[];
  /** Calls that only Keras 3 can read back, by layer. */
  readonly keras3Only: readonly string[];
}

export interface KerasWeight {
  /** Inside the layer, e.g. "lstm_cell/kernel". */
  readonly path: string;
  readonly shape: Shape;
  /** "layer/weight" in our network. */
  readonly fullName: string;
  readonly trainable: boolean;
}

/** @throws MODEL_INVALID naming a layer, or a setting of one, that the reader of the dialect has not */
export function toKeras(topology: Topology, modelName: string, dialect: KerasDialect = 'keras'): KerasModel {
  const shapes = shapesOf(topology);
  const taken = new Set(topology.layers.map(({ name }) => name));
  const inputNames = new Map(topology.inputs.map(({ name }) => [name, freeName(name, taken)]));
  const names = (name: string): string => inputNames.get(name) ?? name;
  const keras3Only: string[] = [];
  const layers: JsonObject[] = topology.inputs.map((spec) => inputLayer(spec, names(spec.name)));
  const weighted = topology.inputs.map((spec) => ({ name: names(spec.name), weights: [] as KerasWeight[] }));
  for (const node of topology.layers) {
    const definition = layerRegistry.get(node.type, 'MODEL_INVALID');
    const mapping = mappingOf(node, definition, dialect);
    const inputs = node.inputs.map((name) => shapes.get(name)!);
    const writing: KerasWriting = { inputs, dialect, refuse: (problem) => refusal(node, dialect, `has ${problem}`) };
    const className = mapping.classFor?.(node.config, writing) ?? mapping.className;
    // Readers of this form keep one axis, and drop the others without a word.
    if (Array.isArray(node.config.axis) && node.config.axis.length > 1)
      throw writing.refuse(`several axes, ${JSON.stringify(node.config.axis)}, of which files of layers hold one`);
    const config = layerConfigToKeras(definition, mapping, node.config, writing);
    const { keras3Only: newer } = mapping;
    if (
      newer === true ||
      (typeof newer === 'function' && newer(node.config)) ||
      mapping.call?.inputs !== undefined ||
      usesNewActivation(config)
    )
      keras3Only.push(node.name);
    layers.push({
      class_name: className,
      config: { name: node.name, dtype: 'float32', ...config },
      name: node.name,
      inbound_nodes: [inboundNode(node, mapping, names, inputs)],
    });
    weighted.push({ name: node.name, weights: kerasWeights(node, definition, mapping, inputs) });
  }
  const config = {
    class_name: 'Functional',
    config: {
      name: modelName,
      trainable: true,
      layers,
      input_layers: topology.inputs.map(({ name }) => [names(name), 0, 0]),
      output_layers: [[topology.output, 0, 0]],
    },
  };
  return { config, inputNames, layers: inKerasOrder(weighted, kerasLayerOrder(topology).map(names)), keras3Only };
}

/** Readers of HDF5 take weights by the place of their layer among those that have some: the order is Keras's where ours is another. */
function inKerasOrder(layers: KerasModel['layers'][number][], order: readonly string[]): KerasModel['layers'] {
  const weighted = new Set(layers.flatMap(({ name, weights }) => (weights.length > 0 ? [name] : [])));
  const own = [...weighted].join('\n');
  return order.filter((name) => weighted.has(name)).join('\n') === own
    ? layers
    : layers.sort((a, b) => order.indexOf(a.name) - order.indexOf(b.name));
}

/** Letters, digits and "_", starting with a letter: what every reader of names takes. */
export function freeName(name: string, taken: Set<string>): string {
  let free = name.replace(/[^A-Za-z0-9_]/g, '_').replace(/^[^A-Za-z]/, (first) => `input_${first}`) || 'input';
  while (taken.has(free)) free += '_input';
  taken.add(free);
  return free;
}

const READERS: Readonly<Record<KerasDialect, string>> = { keras: 'Keras', tfjs: 'a TensorFlow.js layers model' };

function mappingOf(node: LayerNode, { keras }: LayerDefinition, dialect: KerasDialect): KerasMapping {
  if (keras === undefined) throw refusal(node, dialect, 'has no counterpart there');
  return keras;
}

function refusal(node: LayerNode, dialect: KerasDialect, problem: string): PerennialError {
  return new PerennialError(
    'MODEL_INVALID',
    `The layer "${node.name}" (${node.type}) cannot be exported to ${READERS[dialect]}: it ${problem}.`,
    {
      hint: 'Export a "savedModel" or a "tfjsGraph": they hold the computation itself.',
      details: { layer: node.name, type: node.type },
    },
  );
}

/** Keras 2 does not know it, or computes it otherwise. */
function usesNewActivation(config: JsonObject): boolean {
  return Object.entries(config).some(
    ([key, value]) => /activation$/.test(key) && typeof value === 'string' && !KERAS2_ACTIVATIONS.has(value),
  );
}

function inputLayer(spec: TensorSpec, name: string): JsonObject {
  return {
    class_name: 'InputLayer',
    config: {
      batch_input_shape: [null, ...spec.shape],
      dtype: spec.vocabularySize === undefined ? 'float32' : 'int32',
      sparse: false,
      ragged: false,
      name,
    },
    name,
    inbound_nodes: [],
  };
}

function inboundNode(node: LayerNode, mapping: KerasMapping, names: (name: string) => string, inputs: readonly Shape[]): Json {
  const settings = mapping.call?.settings?.(node.config) ?? {};
  const named = mapping.call?.inputs;
  if (named === undefined) {
    const reads = [...node.inputs];
    while (reads.length < (mapping.call?.inputsMin ?? 0)) reads.push(reads.at(-1)!);
    return reads.map((name) => [names(name), 0, 0, settings]);
  }
  // Inputs that are arguments of their own can be said in the form of Keras 3 alone.
  const tensor = (index: number): JsonObject => ({
    class_name: '__keras_tensor__',
    config: { shape: [null, ...inputs[index]!], dtype: 'float32', keras_history: [names(node.inputs[index]!), 0, 0] },
  });
  const given = named.map((name, index): [string, Json] => [name, tensor(Math.min(index + 1, node.inputs.length - 1))]);
  return { args: [tensor(0)], kwargs: { ...Object.fromEntries(given), ...settings } };
}

function kerasWeights(node: LayerNode, definition: LayerDefinition, mapping: KerasMapping, inputs: readonly Shape[]): KerasWeight[] {
  const specs = new Map(definition.weights(inputs, node.config).map((spec) => [spec.name, spec]));
  const order = mapping.weightOrder?.([...specs.keys()], node.config) ?? [...specs.keys()];
  return order.map((name) => {
    const { shape, trainable } = specs.get(name)!;
    return { path: mapping.weightPath?.(name, node.config) ?? snakeCase(name), shape, fullName: `${node.name}/${name}`, trainable };
  });
}
