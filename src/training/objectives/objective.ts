import type { LabelledTensors } from './labelled.ts';
import type { JsonSchema } from '../../core/json.ts';
import type { LabelOutput, OutputSpec, TensorBatch, TensorSpec } from '../../core/tensor.ts';
import type { LossDefinition } from '../losses/loss.ts';
import type { ModelConfig, Topology } from '../model/model-config.ts';
import type { Named, Resolved } from '../model/named.ts';
import type { NamedWeight } from '../model/network.ts';
import type { Shape } from '../layers/shapes.ts';
import type { WeightGroup } from './weight-group.ts';
import type { Tensor, Tf } from '../tensorflow/tf.ts';

/** A tensor that a loss reads besides the model's inputs. */
export interface LabelSpec {
  readonly name: string;
  /** Of one row. */
  readonly shape: Shape;
  readonly dtype: 'int32' | 'float32';
}

/** Rows on their way through the networks: inputs, labels as the loss reads them, and a weight per row where rows are weighted. */
export interface LabelledBatch {
  readonly inputs: TensorBatch;
  readonly labels: Readonly<Record<string, Float32Array | Int32Array>>;
  readonly rows: number;
  readonly rowWeights?: Float32Array;
  /** Where batches are made by length: the tokens of each text, padding included. */
  readonly length?: number;
}

export interface ObjectiveContext {
  readonly seed: number;
  /** 0 for the first batch; a tensor int32 [1] where the update becomes part of a graph. */
  readonly iteration: number | Tensor;
  /** Layers that serve at first: the iteration from which they no longer do. */
  readonly wakes?: ReadonlyMap<string, number>;
}

export interface PartLoss {
  /** A scalar: its gradient moves the weights of the part. */
  readonly loss: Tensor;
  /** Values of some of the objective's {@link Objective.numbers}, as scalars. */
  readonly reported: Readonly<Record<string, Tensor>>;
  /** New values of weights that are not trainable, by full name. */
  readonly updates: ReadonlyMap<string, Tensor>;
}

/** A loss with the weights that its gradient moves. All parts of an objective see the same weights, and move at once. */
export interface ObjectivePart {
  /** Each trainable weight belongs to one part. */
  owns(weight: NamedWeight): boolean;
  loss(tf: Tf, weights: ReadonlyMap<string, Tensor>, batch: LabelledTensors, context: ObjectiveContext): PartLoss;
}

export interface Evaluation {
  /** Loss per row, [rows]; its sum over what {@link Objective.count} counts, where that is given. */
  readonly losses: Tensor;
  /** Penalty of the weights, a scalar that is part of the loss of every row. */
  readonly penalty: Tensor;
  /** What {@link Objective.metricSums} reads, [rows, …]. */
  readonly output: Tensor;
}

/** What training minimizes. Pure functions of tensors: the engines own the weights. */
export interface Objective {
  /** Of all networks that take part; the first is the model's, which is saved and serves. */
  readonly topologies: readonly Topology[];
  /** Of all networks, under names that are unique among them. */
  readonly weights: readonly NamedWeight[];
  readonly inputs: readonly TensorSpec[];
  readonly labels: readonly LabelSpec[];
  readonly parts: readonly ObjectivePart[];
  /** Weights that move in their own way, whatever else is asked of them. */
  readonly groups?: readonly WeightGroup[];
  /** What every step reports, "loss" first: the sum of the parts' losses where no part reports it. */
  readonly numbers: readonly string[];
  initialWeights(seed: number): Map<string, Float32Array>;
  inputTensors(tf: Tf, batch: TensorBatch): Record<string, Tensor>;
  /** Rows as they were read → a batch. @throws DATA_INVALID for labels that cannot be learned from */
  batch(tensors: TensorBatch): LabelledBatch;
  /** Looks at the first training rows before anything is computed. @throws DATA_INVALID for what cannot be learned */
  inspect?(tensors: TensorBatch): void;
  /** Loss of rows by the weights as they are, with nothing that only training does. */
  evaluate(tf: Tf, weights: ReadonlyMap<string, Tensor>, batch: LabelledTensors): Evaluation;
  /** A picture of what the model makes with these weights: a PNG as base64. undefined: there is nothing to be seen. */
  snapshot?(weights: ReadonlyMap<string, Float32Array>): string | undefined;
  /** Names of the sums. */
  readonly metrics: readonly string[];
  /** What losses and sums of a batch are means over, where that is not its rows. */
  count?(batch: LabelledBatch): number;
  /** Steps of padding behind a text that the loss reads. Default: none. */
  readonly readsBehind?: number;
  /** Most rows of an evaluation, where their memory asks for few. */
  readonly evaluatedRows?: number;
  /**
   * Sums over the rows of a batch, to be divided by the number of rows (or by {@link count}) of the whole set.
   *
   * @param output values of {@link Evaluation.output}
   */
  metricSums(output: Float32Array, batch: LabelledBatch): Readonly<Record<string, number>>;
}

export interface ObjectiveRequest {
  /** As the document says it, defaults of an architecture filled in. */
  readonly model: ModelConfig;
  readonly topology: Topology;
  /** Networks that take part in training beside the model's own, by name. */
  readonly companions: Readonly<Record<string, Topology>>;
  /** What the examples hold to be read. */
  readonly inputs: readonly TensorSpec[];
  /** What the examples hold to be learned. */
  readonly output: OutputSpec;
  readonly loss: Resolved<LossDefinition>;
  /** Of the objective itself, defaults filled in. */
  readonly settings: Readonly<Record<string, unknown>>;
  /** Of several outputs: each with its loss. `loss` is then that of the first. */
  readonly heads?: readonly HeadLoss[];
}

/** The loss of one of several outputs, with its weight in their sum. */
export interface HeadLoss {
  readonly output: LabelOutput;
  readonly loss: Resolved<LossDefinition>;
  readonly weight: number;
}

export interface ObjectiveOptions {
  /** Weight of a row in the loss, by the index of its class. */
  readonly classWeights?: Float32Array;
}

/** The model as it will serve. */
export interface TrainedModel {
  /**
   * What it gives for the validation rows, or for the training rows where there are none.
   *
   * @param rowsMax so many rows at most, evenly spaced
   */
  answers(rowsMax?: number): Promise<{ readonly values: Float32Array; readonly rows: number; readonly split: 'train' | 'validation' }>;
}

/** A way of learning: from labels, from the inputs themselves, against another network. */
export interface ObjectiveDefinition {
  readonly name: string;
  readonly summary: string;
  readonly configSchema: JsonSchema;
  /**
   * Names of all numbers and metrics that its trainings may report, whatever data and settings; of several outputs, those of each behind
   * its name and a dot.
   */
  readonly reports: readonly string[];
  /** The loss that the document names, or the usual one. @param model with its defaults @throws MODEL_INVALID, CONFIG_INVALID */
  resolveLoss(named: Named | undefined, output: OutputSpec, model: ModelConfig): Resolved<LossDefinition>;
  /** What the network is built to give, where that is not the label. @throws MODEL_INVALID where the inputs do not suit it */
  target?(inputs: readonly TensorSpec[]): OutputSpec;
  /** The network with what a serving model needs besides the layers of the document. */
  complete?(topology: Topology, settings: Readonly<Record<string, unknown>>): Topology;
  /** @throws SHAPE_MISMATCH, MODEL_INVALID where the network does not give what is to be learned */
  check(request: ObjectiveRequest): void;
  /** What the trained model answers. */
  modelOutput(request: ObjectiveRequest, trained: TrainedModel): OutputSpec | Promise<OutputSpec>;
  create(request: ObjectiveRequest, options: ObjectiveOptions): Objective;
}

export function defineObjective(
  parts: Omit<ObjectiveDefinition, 'configSchema'> & { readonly properties?: Readonly<Record<string, JsonSchema>> },
): ObjectiveDefinition {
  const { properties = {}, ...rest } = parts;
  return Object.freeze({ ...rest, configSchema: { type: 'object', description: parts.summary, additionalProperties: false, properties } });
}

/** What layers added to the loss: per row on top of `losses` [rows], and as a scalar beside them. */
export function withAdded(
  tf: Tf,
  losses: Tensor,
  added: readonly Tensor[],
): { readonly losses: Tensor; readonly scalar: Tensor | undefined } {
  const sum = (terms: readonly Tensor[]): Tensor | undefined => (terms.length < 2 ? terms[0] : tf.addN([...terms]));
  const rows = sum(added.filter(({ rank }) => rank > 0));
  return { losses: rows === undefined ? losses : tf.add(losses, rows), scalar: sum(added.filter(({ rank }) => rank === 0)) };
}

/** `loss` and the penalties of regularized weights. */
export function withPenalty(tf: Tf, loss: Tensor, specs: readonly NamedWeight[], weights: ReadonlyMap<string, Tensor>): Tensor {
  let total = loss;
  for (const { regularizer, fullName } of specs) {
    if (regularizer === undefined) continue;
    const weight = weights.get(fullName)!;
    if ((regularizer.l1 ?? 0) > 0) total = tf.add(total, tf.mul(tf.sum(tf.abs(weight)), regularizer.l1!));
    if ((regularizer.l2 ?? 0) > 0) total = tf.add(total, tf.mul(tf.sum(tf.square(weight)), regularizer.l2!));
  }
  return total;
}
