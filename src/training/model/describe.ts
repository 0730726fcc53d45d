import { PerennialError, isPerennialError } from '../../core/errors.ts';
import type { LayerDefinition, WeightSpec } from '../layers/layer.ts';
import type { Shape } from '../layers/shapes.ts';
import { nameAndConfig } from './named.ts';
import type { Named } from './named.ts';
import { layerRegistry } from '../layers/index.generated.ts';
import { product } from '../layers/shapes.ts';
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
  return {
    layers,
    outputShape: layers.at(-1)!.outputShape,
    parameters: total('parameters'),
    trainableParameters: total('trainableParameters'),
  };
}

/**
 * Multiplications by weights of one prediction: each weight once for every place (of an image, a sequence) at which its layer uses it.
 * Lookups count as if they were multiplications. @throws SHAPE_MISMATCH
 */
export function workOf(topology: Topology): number {
  const shapes = shapesOf(topology);
  const placesOf = (shape: Shape): number => product(shape.slice(0, -1));
  return topology.layers.reduce((sum, node) => {
    const weights = weightsOf(node, shapes).reduce((size, { shape }) => size + product(shape), 0);
    return sum + weights * Math.max(...[node.name, ...node.inputs].map((name) => placesOf(shapes.get(name)!)));
  }, 0);
}

/** Output shape of every input and layer. @throws SHAPE_MISMATCH naming the layer */
export function shapesOf(topology: Topology): Map<string, Shape> {
  const shapes = new Map<string, Shape>(topology.inputs.map((input) => [input.name, input.shape]));
  for (const [index, node] of topology.layers.entries()) {
    shapes.set(
      node.name,
      named(`Layer ${index + 1} "${node.name}"`, node, shapes, (definition, inputs) => definition.outputShape(inputs, node.config)),
    );
  }
  return shapes;
}

/** @throws SHAPE_MISMATCH naming the layer, where an initializer or a constraint does not suit a weight */
export function weightsOf(node: LayerNode, shapes: ReadonlyMap<string, Shape>): readonly WeightSpec[] {
  const specs = named(`Layer "${node.name}"`, node, shapes, (definition, inputs) => definition.weights(inputs, node.config));
  return node.frozen === 'weights' ? specs.map(({ name, shape, initializer }) => ({ name, shape, initializer, trainable: false })) : specs;
}

/** What a layer says of its shapes; a mistake is told under the layer's name. */
function named<T>(
  layer: string,
  node: LayerNode,
  shapes: ReadonlyMap<string, Shape>,
  ask: (definition: LayerDefinition, inputs: readonly Shape[]) => T,
): T {
  const inputs = node.inputs.map((name) => shapes.get(name)!);
  try {
    return ask(layerRegistry.get(node.type, 'MODEL_INVALID'), inputs);
  } catch (error) {
    if (!isPerennialError(error, 'SHAPE_MISMATCH')) throw error;
    throw new PerennialError('SHAPE_MISMATCH', `${layer} (${node.type}): ${error.message}.`, {
      hint: error.hint,
      details: { layer: node.name, inputs: inputs.map((shape) => [...shape]) },
      cause: error,
    });
  }
}

const PASSING_THROUGH: ReadonlySet<string> = new Set([
  'flatten',
  'reshape',
  'identity',
  'dropout',
  'alphaDropout',
  'gaussianDropout',
  'gaussianNoise',
  'spatialDropout1d',
  'spatialDropout2d',
  'spatialDropout3d',
  'activityRegularization',
]);
/** Activations that are layers by themselves. */
const ACTIVATION_LAYERS: ReadonlySet<string> = new Set(['softmax', 'relu', 'leakyRelu', 'elu', 'prelu', 'thresholdedRelu']);

/**
 * These end with their activation, so that a loss may read what comes before it: dense, activation and the convolutions, not what recurs.
 */
const endsWithIts = ({ config }: LayerNode): boolean => config.activation !== undefined && !('returnSequences' in config);

/** The activation behind the model's output; a recurrent layer's name where it ends with one. */
export function outputActivation(topology: Topology): string {
  let node = topology.layers.find((layer) => layer.name === topology.output);
  while (node !== undefined && PASSING_THROUGH.has(node.type)) {
    const [read] = node.inputs;
    node = topology.layers.find((layer) => layer.name === read);
  }
  if (node === undefined) return 'linear';
  if (endsWithIts(node)) return nameAndConfig('activation', node.config.activation as Named)[0];
  return ACTIVATION_LAYERS.has(node.type) || 'returnSequences' in node.config ? node.type : 'linear';
}

/** True where the last layer can be asked for its values before the activation, and has no penalty that would then be on those. */
export function endsWithActivation(topology: Topology): boolean {
  const last = topology.layers.find((layer) => layer.name === topology.output)!;
  return endsWithIts(last) && last.config.activityRegularizer === undefined;
}

/** True where a layer convolves: a call then takes few steps, each of which moves much memory. */
export function convolves(topology: Topology): boolean {
  return topology.layers.some((layer) => /conv[123]d/i.test(layer.type));
}

/** Whether a process that trains this should have oneDNN, which it decides for good when it loads TensorFlow. */
export function wantsOneDnn({
  topology,
  companions,
}: {
  readonly topology: Topology;
  readonly companions: Readonly<Record<string, Topology>>;
}): boolean {
  return [topology, ...Object.values(companions)].some(gainsFromOneDnn);
}

/** True where most of the time goes into convolutions or products of many matrices, which oneDNN does about twice as fast. */
export function gainsFromOneDnn(topology: Topology): boolean {
  return convolves(topology) || topology.layers.some((layer) => layer.type === 'multiHeadAttention');
}
