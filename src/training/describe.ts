import { PerennialError, isPerennialError } from '../core/errors.ts';
import type { Shape, WeightSpec } from './layer.ts';
import { nameAndConfig } from './named.ts';
import type { Named } from './named.ts';
import { layerRegistry } from './registries.ts';
import { product } from './shapes.ts';
import type { LayerNode, Topology } from './model-config.ts';

export interface LayerDescription {
  readonly name: string;
  readonly type: string;
  readonly inputs: readonly string[];
  /** Of one example. */
  readonly outputShape: Shape;
  readonly parameters: number;
  readonly trainableParameters: number;
  /** Frozen for good, or at first. */
  readonly frozen?: 'weights' | 'statistics';
}

export interface TopologyDescription {
  readonly layers: readonly LayerDescription[];
  readonly outputShape: Shape;
  readonly parameters: number;
  readonly trainableParameters: number;
}

/** Shapes and sizes of a topology. @throws SHAPE_MISMATCH */
export function describeTopology(topology: Topology): TopologyDescription {
  const shapes = shapesOf(topology);
  const layers = topology.layers.map((node): LayerDescription => {
    const weights = weightsOf(node, shapes);
    const size = (specs: readonly WeightSpec[]): number => specs.reduce((sum, spec) => sum + product(spec.shape), 0);
    return {
      name: node.name,
      type: node.type,
      inputs: node.inputs,
      outputShape: shapes.get(node.name)!,
      parameters: size(weights),
      trainableParameters: size(weights.filter((spec) => spec.trainable)),
      ...(node.frozen === undefined ? {} : { frozen: node.frozen }),
    };
  });
  const total = (key: 'parameters' | 'trainableParameters'): number => layers.reduce((sum, layer) => sum + layer[key], 0);
  return { layers, outputShape: layers.at(-1)!.outputShape, parameters: total('parameters'), trainableParameters: total('trainableParameters') };
}

/** Output shape of every input and layer. @throws SHAPE_MISMATCH naming the layer */
export function shapesOf(topology: Topology): Map<string, Shape> {
  const shapes = new Map<string, Shape>(topology.inputs.map((input) => [input.name, input.shape]));
  for (const [index, node] of topology.layers.entries()) {
    try {
      shapes.set(node.name, layerRegistry.get(node.type, 'MODEL_INVALID').outputShape(node.inputs.map((name) => shapes.get(name)!), node.config));
    } catch (error) {
      if (!isPerennialError(error, 'SHAPE_MISMATCH')) throw error;
      throw new PerennialError('SHAPE_MISMATCH', `Layer ${index + 1} "${node.name}" (${node.type}): ${error.message}.`, {
        hint: error.hint, details: { layer: node.name, index, inputs: node.inputs.map((name) => [...shapes.get(name)!]) }, cause: error,
      });
    }
  }
  return shapes;
}

export function weightsOf(node: LayerNode, shapes: ReadonlyMap<string, Shape>): readonly WeightSpec[] {
  const specs = layerRegistry.get(node.type, 'MODEL_INVALID').weights(node.inputs.map((name) => shapes.get(name)!), node.config);
  return node.frozen === 'weights' ? specs.map(({ name, shape, initializer }) => ({ name, shape, initializer, trainable: false })) : specs;
}

/** These end with their activation, so that a loss may read what comes before it. */
const ENDING_WITH_ACTIVATION: ReadonlySet<string> = new Set(['dense', 'activation', 'conv1d', 'conv2d', 'depthwiseConv2d', 'separableConv2d']);
const PASSING_THROUGH: ReadonlySet<string> = new Set(['flatten', 'reshape', 'dropout', 'spatialDropout1d', 'spatialDropout2d', 'gaussianNoise']);

/** The activation behind the model's output; a recurrent layer's name where it ends with one. */
export function outputActivation(topology: Topology): string {
  let node = topology.layers.find((layer) => layer.name === topology.output);
  while (node !== undefined && PASSING_THROUGH.has(node.type)) {
    const [read] = node.inputs;
    node = topology.layers.find((layer) => layer.name === read);
  }
  if (node === undefined) return 'linear';
  if (ENDING_WITH_ACTIVATION.has(node.type)) return nameAndConfig('activation', node.config.activation as Named)[0];
  return 'returnSequences' in node.config ? node.type : 'linear';
}

/** True where the last layer can be asked for its values before the activation. */
export function endsWithActivation(topology: Topology): boolean {
  return ENDING_WITH_ACTIVATION.has(topology.layers.find((layer) => layer.name === topology.output)!.type);
}

/** True where a layer convolves: a call then takes few steps, each of which moves much memory. */
export function convolves(topology: Topology): boolean {
  return topology.layers.some((layer) => /conv[123]d/i.test(layer.type));
}

/** True where most of the time goes into convolutions or products of many matrices, which oneDNN does about twice as fast. */
export function gainsFromOneDnn(topology: Topology): boolean {
  return convolves(topology) || topology.layers.some((layer) => layer.type === 'multiHeadAttention');
}
