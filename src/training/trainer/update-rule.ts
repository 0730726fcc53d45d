import type { OutputSpec } from '../../core/tensor.ts';
import { endsWithActivation, outputActivation } from '../describe.ts';
import type { LossDefinition } from '../loss.ts';
import type { Topology } from '../model-config.ts';
import type { Resolved } from '../named.ts';
import { Network } from '../network.ts';
import type { NamedWeight } from '../network.ts';
import { clipGradients } from '../optimizer.ts';
import type { CommonOptimizerConfig, OptimizerDefinition } from '../optimizer.ts';
import { product } from '../shapes.ts';
import type { Tensor, Tf } from '../tf.ts';

export interface EngineRequest {
  readonly topology: Topology;
  readonly output: OutputSpec;
  readonly loss: Resolved<LossDefinition>;
  readonly optimizer: Resolved<OptimizerDefinition>;
  readonly seed: number;
}

/** What an update reads and replaces. */
export interface TrainingState {
  /** All trainable weights as one vector: the optimizer then needs a dozen operations for a model of any depth. */
  readonly flat: Tensor;
  /** Of the optimizer, as long as `flat`. */
  readonly slots: Readonly<Record<string, Tensor>>;
  /** Weights that are not trainable, by full name. */
  readonly statistics: ReadonlyMap<string, Tensor>;
}

export interface LabelledTensors {
  readonly inputs: Readonly<Record<string, Tensor>>;
  readonly labels: Tensor;
  readonly rowWeights?: Tensor;
}

/** Everything of one update that is not a function of the state. */
export interface UpdateInput extends LabelledTensors {
  readonly scalars: Readonly<Record<string, Tensor>>;
  /** 0 for the first; a tensor int32 [1] where the update becomes part of a graph. */
  readonly iteration: number | Tensor;
}

/**
 * The mathematics of training one model, as functions from tensors to tensors. Both engines run it: one operation by operation, the
 * other recorded into a graph.
 */
export class UpdateRule {
  readonly network: Network;
  readonly trainable: readonly NamedWeight[];
  readonly statistics: readonly NamedWeight[];
  /** Number of trainable values. */
  readonly size: number;
  /** Above it, a single output means the second class. */
  readonly threshold: number;
  /** Names of the optimizer's scalars. */
  readonly scalarNames: readonly string[];
  readonly #request: EngineRequest;
  readonly #logits: boolean;

  constructor(request: EngineRequest) {
    this.#request = request;
    this.network = new Network(request.topology);
    this.trainable = this.network.weights.filter((spec) => spec.trainable);
    this.statistics = this.network.weights.filter((spec) => !spec.trainable);
    this.size = this.trainable.reduce((size, spec) => size + product(spec.shape), 0);
    const { fromLogits, score } = request.loss.definition;
    this.#logits = fromLogits !== undefined && endsWithActivation(request.topology) && outputActivation(request.topology) === fromLogits.activation;
    this.threshold = this.#logits || score !== undefined ? 0 : 0.5;
    this.scalarNames = Object.keys(this.scalars(0, 1));
  }

  /** Slot → its initial value. */
  get slots(): Readonly<Record<string, number>> {
    return this.#request.optimizer.definition.slots(this.#request.optimizer.config);
  }

  /** @param step 0 for the first update */
  scalars(step: number, learningRate: number): Readonly<Record<string, number>> {
    const { definition, config } = this.#request.optimizer;
    return definition.scalars(step + 1, learningRate, config);
  }

  /** The state after one update, and the mean loss. Statistics are kept: the caller disposes of them. */
  update(tf: Tf, state: TrainingState, input: UpdateInput): TrainingState & { readonly loss: Tensor } {
    const pieces = this.#split(tf, state.flat);
    let statistics: ReadonlyMap<string, Tensor> = new Map();
    const lossOf = (...weights: Tensor[]): Tensor => {
      const named = this.#named(weights, state.statistics);
      const { output, updates } = this.network.forward(tf, input.inputs, named, { training: true, seed: this.#request.seed, iteration: input.iteration, logits: this.#logits });
      // The gradient function tidies up after itself; statistics of the batch must outlive it.
      statistics = new Map([...state.statistics].map(([name, old]) => [name, tf.keep(updates.get(name) ?? tf.clone(old))]));
      const losses = this.#rowLosses(tf, input.labels, output);
      const mean = tf.mean(input.rowWeights === undefined ? losses : tf.mul(losses, input.rowWeights));
      return this.#withPenalty(tf, mean, named);
    };
    // Unlike tf.valueAndGrads, this allows weights that the loss does not depend on.
    const { value: loss, grads } = tf.engine().gradients(() => lossOf(...pieces) as import('@tensorflow/tfjs-node').Scalar, pieces, undefined, true);
    const { definition, config } = this.#request.optimizer;
    const clipped = clipGradients(tf, grads.map((gradient, index) => gradient ?? tf.zerosLike(pieces[index]!)), config as unknown as CommonOptimizerConfig);
    const gradient = clipped.length === 1 ? tf.reshape(clipped[0]!, [-1]) : tf.concat(clipped.map((each) => tf.reshape(each, [-1])));
    const next = definition.update(tf, { weights: state.flat, gradient, slots: state.slots, scalars: input.scalars }, config);
    return { loss, flat: next.weights, slots: next.slots, statistics };
  }

  /** Loss per row, penalty of the weights, and output of the network (before its activation where the loss is better taken there). */
  evaluate(tf: Tf, state: Pick<TrainingState, 'flat' | 'statistics'>, { inputs, labels }: LabelledTensors): { losses: Tensor; penalty: Tensor; output: Tensor } {
    const named = this.#named(this.#split(tf, state.flat), state.statistics);
    const { output } = this.network.forward(tf, inputs, named, { training: false, seed: this.#request.seed, iteration: 0, logits: this.#logits });
    return { losses: this.#rowLosses(tf, labels, output), penalty: this.#withPenalty(tf, tf.scalar(0), named), output };
  }

  /** Initial weights, by full name. */
  initialWeights(): Map<string, Float32Array> {
    return this.network.initialWeights(this.#request.seed);
  }

  /** Trainable weights by full name → one vector. */
  flatten(weights: ReadonlyMap<string, Float32Array>): Float32Array {
    const flat = new Float32Array(this.size);
    let offset = 0;
    for (const { fullName } of this.trainable) {
      flat.set(weights.get(fullName)!, offset);
      offset += weights.get(fullName)!.length;
    }
    return flat;
  }

  /** The reverse of {@link flatten}; copies. */
  unflatten(flat: Float32Array): Map<string, Float32Array> {
    let offset = 0;
    return new Map(this.trainable.map(({ fullName, shape }) => {
      const start = offset;
      offset += product(shape);
      return [fullName, flat.slice(start, offset)];
    }));
  }

  /** Shape of the labels of a number of rows, and their type. */
  labelSpec(rows: number): { readonly shape: readonly number[]; readonly dtype: 'int32' | 'float32' } {
    const { loss, output } = this.#request;
    if (loss.definition.labels === 'index') return { shape: [rows], dtype: 'int32' };
    return { shape: [rows, output.kind === 'number' ? output.width : 1], dtype: 'float32' };
  }

  #split(tf: Tf, flat: Tensor): Tensor[] {
    const pieces = this.trainable.length === 1 ? [flat] : tf.split(flat, this.trainable.map(({ shape }) => product(shape)));
    return this.trainable.map(({ shape }, index) => tf.reshape(pieces[index]!, [...shape]));
  }

  #named(trainable: readonly Tensor[], statistics: ReadonlyMap<string, Tensor>): Map<string, Tensor> {
    return new Map([...this.trainable.map(({ fullName }, index) => [fullName, trainable[index]!] as const), ...statistics]);
  }

  #rowLosses(tf: Tf, labels: Tensor, output: Tensor): Tensor {
    const { definition, config } = this.#request.loss;
    return this.#logits ? definition.fromLogits!.value(tf, labels, output, config) : definition.value(tf, labels, output, config);
  }

  #withPenalty(tf: Tf, loss: Tensor, weights: ReadonlyMap<string, Tensor>): Tensor {
    let total = loss;
    for (const { regularizer, fullName } of this.trainable) {
      const weight = weights.get(fullName)!;
      if ((regularizer?.l1 ?? 0) > 0) total = tf.add(total, tf.mul(tf.sum(tf.abs(weight)), regularizer!.l1!));
      if ((regularizer?.l2 ?? 0) > 0) total = tf.add(total, tf.mul(tf.sum(tf.square(weight)), regularizer!.l2!));
    }
    return total;
  }
}
