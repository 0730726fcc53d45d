import { Prng, hash32 } from '../../core/prng.ts';
import type { Tensor as Values, TensorBatch, TensorSpec } from '../../core/tensor.ts';
import { PerennialError } from '../../core/errors.ts';
import { shapesOf, weightsOf } from './describe.ts';
import { initialize } from '../layers/initializers.ts';
import type { CallContext, LayerDefinition, WeightSpec } from '../layers/layer.ts';
import type { Shape } from '../layers/shapes.ts';
import { product, showShape } from '../layers/shapes.ts';
import { layerRegistry } from '../layers/index.generated.ts';
import type { LayerNode, Topology } from './model-config.ts';
import type { Tensor, Tf } from '../tensorflow/tf.ts';

/** A weight of a network under its full name, "layer/weight". */
export interface NamedWeight extends WeightSpec {
  readonly fullName: string;
}

interface PlacedLayer {
  readonly node: LayerNode;
  readonly definition: LayerDefinition;
  readonly weights: readonly NamedWeight[];
}

export interface ForwardOptions {
  readonly training: boolean;
  readonly seed: number;
  /** int32; a tensor [1] where it differs from run to run of a graph. */
  readonly iteration: number | Tensor;
  /** Layers that serve at first, by name: the iteration from which they are trained. */
  readonly wakes?: ReadonlyMap<string, number>;
  /** Names of layers that give their values before their activation. */
  readonly logits: ReadonlySet<string>;
}

export interface ForwardResult {
  readonly output: Tensor;
  /** Values of every input and layer, by name. */
  readonly values: ReadonlyMap<string, Tensor>;
  /** What layers add to the loss: [batch] or scalars. */
  readonly losses: readonly Tensor[];
  /** New values of weights that are not trainable, by full name. */
  readonly updates: ReadonlyMap<string, Tensor>;
}

/** Every layer with its activation, as a model serves. */
export const NO_LOGITS: ReadonlySet<string> = new Set();

/** A topology made ready to compute. Stateless: weights come with every call. */
export class Network {
  readonly topology: Topology;
  /** In the order of the layers. */
  readonly weights: readonly NamedWeight[];
  readonly #layers: readonly PlacedLayer[];
  readonly outputShape: Shape;

  /** @throws SHAPE_MISMATCH, MODEL_INVALID */
  constructor(topology: Topology) {
    const shapes = shapesOf(topology);
    this.topology = topology;
    this.#layers = topology.layers.map((node) => ({
      node,
      definition: layerRegistry.get(node.type, 'MODEL_INVALID'),
      weights: weightsOf(node, shapes).map((spec) => ({ ...spec, fullName: `${node.name}/${spec.name}` })),
    }));
    this.weights = this.#layers.flatMap((layer) => layer.weights);
    this.outputShape = shapes.get(topology.output)!;
  }

  /** Weights as they are before training: each depends on the seed and its name alone. */
  initialWeights(seed: number): Map<string, Float32Array> {
    return new Map(
      this.weights.map((spec) => [spec.fullName, initialize(spec.initializer, spec.shape, new Prng(seed, 'weight', spec.fullName))]),
    );
  }

  forward(tf: Tf, inputs: Readonly<Record<string, Tensor>>, weights: ReadonlyMap<string, Tensor>, options: ForwardOptions): ForwardResult {
    const values = new Map<string, Tensor>(Object.entries(inputs));
    const masks = new Map<string, Tensor | undefined>();
    const updates = new Map<string, Tensor>();
    const losses: Tensor[] = [];
    for (const { node, definition, weights: specs } of this.#layers) {
      const reads = node.inputs.map((name) => values.get(name)!);
      const readMasks = node.inputs.map((name) => masks.get(name));
      const own: Record<string, Tensor> = {};
      for (const spec of specs) own[spec.name] = weights.get(spec.fullName)!;
      const config = options.logits.has(node.name) ? { ...node.config, activation: 'linear' } : node.config;
      const output = definition.call(tf, reads, own, config, {
        ...this.#modeOf(tf, node, definition, options),
        masks: readMasks,
        seed: [hash32(options.seed, node.name) | 0, typeof options.iteration === 'number' ? options.iteration | 0 : options.iteration],
        update: (name, value) => updates.set(`${node.name}/${name}`, value),
        addLoss: (loss) => losses.push(loss),
      });
      values.set(node.name, output);
      masks.set(node.name, this.#maskOf(tf, definition, node, reads, readMasks));
    }
    return { output: values.get(this.topology.output)!, values, losses, updates };
  }

  /** A frozen layer that serves does so until it wakes; in a graph, where the iteration is not known yet, it is told by a tensor. */
  #modeOf(
    tf: Tf,
    { name, frozen }: LayerNode,
    { servesWhenFrozen }: LayerDefinition,
    { training, wakes, iteration }: ForwardOptions,
  ): Pick<CallContext, 'training' | 'awake'> {
    if (!training || frozen === undefined || servesWhenFrozen !== true) return { training };
    const from = wakes?.get(name);
    if (from === undefined) return { training: false };
    return typeof iteration === 'number'
      ? { training: iteration >= from }
      : { training, awake: tf.greaterEqual(iteration, tf.scalar(from, 'int32')) };
  }

  #maskOf(
    tf: Tf,
    definition: LayerDefinition,
    node: LayerNode,
    reads: readonly Tensor[],
    masks: readonly (Tensor | undefined)[],
  ): Tensor | undefined {
    if (definition.mask === 'drop') return undefined;
    if (definition.mask === 'keep') return masks.find((mask) => mask !== undefined);
    return definition.mask(tf, reads, node.config, masks);
  }

  /** @throws DATA_INVALID where a tensor is missing or has another size */
  inputTensors(tf: Tf, batch: TensorBatch): Record<string, Tensor> {
    return inputTensors(tf, this.topology.inputs, batch);
  }
}

/** @throws DATA_INVALID where a tensor is missing or has another size */
export function inputTensors(tf: Tf, specs: readonly TensorSpec[], batch: TensorBatch): Record<string, Tensor> {
  const tensors: Record<string, Tensor> = {};
  for (const spec of specs) {
    const values = batch[spec.name];
    if (values === undefined)
      throw new PerennialError(
        'DATA_INVALID',
        `The model reads the tensor "${spec.name}", but the batch has only ${Object.keys(batch)
          .map((name) => `"${name}"`)
          .join(', ')}.`,
      );
    tensors[spec.name] = toTensor(tf, spec, values);
  }
  return tensors;
}

/** Token ids stay integers; everything else is float32. A text may be shorter than the network reads at most. */
function toTensor(tf: Tf, whole: TensorSpec, { spec: own, rows, data }: Values): Tensor {
  const spec =
    whole.vocabularySize !== undefined && whole.shape.length === 1 && own.shape.length === 1 && own.shape[0]! < whole.shape[0]!
      ? { ...whole, shape: own.shape }
      : whole;
  if (data.length !== rows * product(spec.shape)) {
    throw new PerennialError(
      'DATA_INVALID',
      `The tensor "${spec.name}" holds ${data.length} values; ${rows} rows of ${showShape(spec.shape)} need ${rows * product(spec.shape)}.`,
    );
  }
  const shape = [rows, ...spec.shape];
  if (spec.vocabularySize !== undefined) return tf.tensor(data instanceof Int32Array ? data : Int32Array.from(data), shape, 'int32');
  return tf.tensor(data instanceof Float32Array ? data : Float32Array.from(data), shape, 'float32');
}
