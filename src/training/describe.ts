import { PerennialError, isPerennialError } from '../core/errors.ts';
import type { OutputSpec, TensorSpec } from '../core/tensor.ts';
import type { Shape, WeightSpec } from './layer.ts';
import type { Named } from './named.ts';
import { checkHead } from './output-head.ts';
import { layerRegistry, resolveLoss } from './registries.ts';
import { product } from './shapes.ts';
import { resolveTopology } from './topology.ts';
import type { LayerNode, ModelConfig, Topology } from './model-config.ts';

export interface LayerDescription {
  readonly name: string;
  readonly type: string;
  readonly inputs: readonly string[];
  /** Of one example. */
  readonly outputShape: Shape;
  readonly parameters: number;
  readonly trainableParameters: number;
}

export interface ModelDescription {
  readonly layers: readonly LayerDescription[];
  readonly outputShape: Shape;
  readonly parameters: number;
  readonly trainableParameters: number;
  /** Name of the loss, also where it was left out. */
  readonly loss: string;
}

/**
 * The explicit layers of a model with their shapes and sizes, checked against output and loss. Light: TensorFlow is not loaded.
 *
 * @throws MODEL_INVALID, SHAPE_MISMATCH naming the layer, the shapes and a fix
 */
export function describeModel(request: { readonly model: ModelConfig; readonly inputs: readonly TensorSpec[]; readonly output: OutputSpec; readonly loss?: Named }): ModelDescription {
  const loss = resolveLoss(request.loss, request.output);
  const topology = resolveTopology(request.model, request.inputs, request.output, loss);
  const description = describeTopology(topology);
  const { name, outputShape } = description.layers.at(-1)!;
  checkHead({ name, activation: outputActivation(topology), shape: outputShape }, request.output, loss);
  return { ...description, loss: loss.name };
}

/** Shapes and sizes of a topology. @throws SHAPE_MISMATCH */
export function describeTopology(topology: Topology): Omit<ModelDescription, 'loss'> {
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
  return layerRegistry.get(node.type, 'MODEL_INVALID').weights(node.inputs.map((name) => shapes.get(name)!), node.config);
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
  if (ENDING_WITH_ACTIVATION.has(node.type)) return node.config.activation as string;
  return 'returnSequences' in node.config ? node.type : 'linear';
}

/** True where the last layer can be asked for its values before the activation. */
export function endsWithActivation(topology: Topology): boolean {
  return ENDING_WITH_ACTIVATION.has(topology.layers.find((layer) => layer.name === topology.output)!.type);
}

/** True where a layer convolves: most of the time then goes into operations that oneDNN does about twice as fast. */
export function convolves(topology: Topology): boolean {
  return topology.layers.some((layer) => /conv[12]d$/i.test(layer.type));
}
