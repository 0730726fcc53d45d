import { PerennialError, isPerennialError, messageOf } from '../../core/errors.ts';
import type { Json, JsonObject } from '../../core/json.ts';
import type { TensorSpec } from '../../core/tensor.ts';
import type { LayerDefinition } from '../layers/layer.ts';
import type { Shape } from '../layers/shapes.ts';
import type { LayerNode, Topology } from '../model/model-config.ts';
import { layerOfClass } from '../model/layer-lookup.ts';
import { layerRegistry } from '../layers/index.generated.ts';
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
  readonly sources: readonly {
    readonly node: LayerNode;
    readonly path: readonly string[];
    readonly className: string;
    readonly weights: readonly { readonly fullName: string; readonly shape: Shape }[];
  }[];
  readonly notes: readonly string[];
}

/** Keras's layers that change images while training alone, and keep their size. */
const AUGMENTATION =
  /^Random(Brightness|ColorDegeneration|ColorJitter|Contrast|Elastic\w*|Erasing|Flip|GaussianBlur|Grayscale|Hue|Invert|Perspective|Posterization|Rotation|Saturation|Sharpness|Shear|Translation|Zoom)$/;
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
  if (graph.outputs.length !== 1)
    throw invalid(
      `The model has ${graph.outputs.length} outputs; models with one are read.`,
      'Save a model that ends at the output you need.',
    );
  const { names, inputs } = inputsOf(graph.inputs, graph.layers, options);
  const taken = new Set(inputs.map(({ name }) => name));
  const shapes = new Map<string, Shape>(inputs.map(({ name, shape }) => [name, shape]));
  const nodes: LayerNode[] = [];
  const sources: ReadTopology['sources'][number][] = [];
  for (const layer of graph.layers) {
    const reads = layer.inputs.map((tensor) => nameOf(tensor, names, layer));
    if (reads.length === 0) throw invalid(`The layer "${layer.path.join('/')}" (${layer.className}) reads nothing.`);
    if (AUGMENTATION.test(layer.className)) {
      notes.push(`Layer "${layer.path.join('/')}" (${layer.className}): left out, since it passes values through in predictions.`);
      names.set(layer.id, reads[0]!);
      continue;
    }
    const name = freeName(layer.path.join('_'), taken);
    const read = inWords(layer, () =>
      readLayer(
        layer,
        name,
        reads,
        reads.map((each) => shapes.get(each)!),
        options,
        notes,
      ),
    );
    names.set(layer.id, name);
    shapes.set(name, read.shape);
    nodes.push(read.source.node);
    sources.push(read.source);
  }
  const unread = inputs.find(({ name }) => !nodes.some((node) => node.inputs.includes(name)));
  if (unread !== undefined && nodes.length > 0)
    throw invalid(
      `No layer reads the input "${unread.name}": it has no say in the output, or is a mask that is given by hand, which is not read.`,
    );
  const [output] = graph.outputs;
  if (nodes.length === 0) throw invalid('The model has no layers besides its inputs.');
  const last = names.get(output!.layer);
  if (last === undefined) throw invalid(`The output of the model, "${output!.layer}", is none of its layers.`);
  return { topology: { formatVersion: 1, inputs, layers: nodes, output: last }, sources, notes };
}

function readLayer(
  layer: KerasLayer,
  name: string,
  reads: readonly string[],
  inputs: readonly Shape[],
  options: ReadOptions,
  notes: string[],
): { readonly shape: Shape; readonly source: ReadTopology['sources'][number] } {
  const { definition, mapping } = definitionOf(layer);
  const node: LayerNode = {
    name,
    type: definition.type,
    config: readConfig(layer, definition, mapping, { ...options, inputs }, notes),
    inputs: reads,
  };
  const shape = shapeOf(layer, definition, node, inputs);
  const specs = new Map(definition.weights(inputs, node.config).map((spec) => [spec.name, spec]));
  const order = mapping.weightOrder?.([...specs.keys()], node.config) ?? [...specs.keys()];
  return {
    shape,
    source: {
      node,
      path: layer.path,
      className: mapping.className,
      weights: order.map((weight) => ({ fullName: `${name}/${weight}`, shape: specs.get(weight)!.shape })),
    },
  };
}

/** A configuration from outside can be anything: what trips over it is a fault of the file. */
function inWords<T>(layer: KerasLayer, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (isPerennialError(error)) throw error;
    throw new PerennialError(
      'MODEL_INVALID',
      `The layer "${layer.path.join('/')}" (${layer.className}) cannot be read: its configuration does not make sense (${messageOf(error)}).`,
      { cause: error },
    );
  }
}

export function invalid(message: string, hint?: string): PerennialError {
  return new PerennialError('MODEL_INVALID', message, hint === undefined ? {} : { hint });
}

function nameOf(tensor: KerasTensor, names: ReadonlyMap<string, string>, layer: KerasLayer): string {
  if (tensor.index !== 0)
    throw invalid(
      `The layer "${layer.path.join('/')}" reads output ${tensor.index} of "${tensor.layer}"; only layers with one output are read.`,
    );
  const name = names.get(tensor.layer);
  if (name === undefined) throw invalid(`The layer "${layer.path.join('/')}" reads "${tensor.layer}", which is no earlier layer.`);
  return name;
}

/** Inputs with their shapes; those that an embedding reads are token ids. */
function inputsOf(
  all: readonly KerasLayer[],
  layers: readonly KerasLayer[],
  options: ReadOptions,
): { readonly names: Map<string, string>; readonly inputs: TensorSpec[] } {
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
      throw invalid(
        `The input "${original}" has the shape ${JSON.stringify(given.slice(1))}, which leaves dimensions open.`,
        `Say its shape: "inputShapes": { "${original}": [32, …] }.`,
      );
    }
    const vocabularySize = layers.find((layer) => layer.className === 'Embedding' && layer.inputs[0]?.layer === input.id)?.config.input_dim;
    return {
      name,
      shape: shape as number[],
      dtype: vocabularySize === undefined ? 'float32' : 'int32',
      ...(typeof vocabularySize === 'number' ? { vocabularySize } : {}),
    };
  });
  return { names, inputs };
}

function definitionOf(layer: KerasLayer): { readonly definition: LayerDefinition; readonly mapping: KerasMapping } {
  const shown = `The layer "${layer.path.join('/')}" (${layer.className})`;
  const definition = layerOfClass(layerRegistry, layer.className, layer.config);
  if (definition !== undefined) return { definition, mapping: definition.keras! };
  const known = layerRegistry.all().flatMap(({ keras }) => (keras === undefined ? [] : [keras.className, ...(keras.aliases ?? [])]));
  throw invalid(
    `${shown} has no counterpart here. Read are ${[...new Set(known)].sort().join(', ')}.`,
    'Replace it, or save the part of the model before it.',
  );
}

function shapeOf(layer: KerasLayer, definition: LayerDefinition, node: LayerNode, inputs: readonly Shape[]): Shape {
  if (inputs.length > definition.inputsMax)
    throw invalid(
      `The layer "${layer.path.join('/')}" (${layer.className}) reads ${inputs.length} inputs; it can read ${definition.inputsMax} here.`,
    );
  try {
    return definition.outputShape(inputs, node.config);
  } catch (error) {
    if (!isPerennialError(error, 'SHAPE_MISMATCH')) throw error;
    throw new PerennialError('SHAPE_MISMATCH', `The layer "${layer.path.join('/')}" (${layer.className}): ${error.message}.`, {
      hint: error.hint,
      cause: error,
    });
  }
}

function readConfig(
  layer: KerasLayer,
  definition: LayerDefinition,
  mapping: KerasMapping,
  context: Omit<KerasReading, 'refuse' | 'className'>,
  notes: string[],
): Record<string, unknown> {
  const refuse = (problem: string): Error =>
    invalid(`The layer "${layer.path.join('/')}" (${layer.className}) has ${problem}.`, 'Change the layer, and save the model again.');
  return kerasConfig(layer.config, layer.kwargs, definition, mapping, { ...context, className: layer.className, refuse }, (note) =>
    notes.push(`Layer "${layer.path.join('/')}": ${note}`),
  );
}
