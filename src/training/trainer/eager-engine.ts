import type { OutputSpec } from '../../core/tensor.ts';
import { PerennialError } from '../../core/errors.ts';
import type { LossDefinition } from '../loss.ts';
import type { Resolved } from '../named.ts';
import { endsWithActivation, outputActivation } from '../describe.ts';
import type { NamedWeight } from '../network.ts';
import { Network } from '../network.ts';
import { clipGradients } from '../optimizer.ts';
import type { CommonOptimizerConfig, OptimizerDefinition } from '../optimizer.ts';
import { product } from '../shapes.ts';
import type { Tensor, Tf, Variable } from '../tf.ts';
import type { Topology } from '../model-config.ts';
import type { EngineState, EvaluationSums, LabelledBatch, StepOutcome, TrainingEngine } from './engine.ts';
import { metricSums } from './light-metrics.ts';

export interface EngineRequest {
  readonly topology: Topology;
  readonly output: OutputSpec;
  readonly loss: Resolved<LossDefinition>;
  readonly optimizer: Resolved<OptimizerDefinition>;
  readonly seed: number;
}

/** Runs every operation as it comes, through tfjs. */
export class EagerEngine implements TrainingEngine {
  readonly name = 'eager';
  readonly stepsPerCall = 1;
  readonly #tf: Tf;
  readonly #request: EngineRequest;
  readonly #network: Network;
  readonly #logits: boolean;
  readonly #variables = new Map<string, Variable>();
  readonly #trainable: readonly NamedWeight[];
  /** All trainable weights as one vector: the optimizer then needs a dozen operations for a model of any depth. */
  #flat: Tensor;
  #slots: Record<string, Tensor> = {};

  constructor(tf: Tf, request: EngineRequest) {
    this.#tf = tf;
    this.#request = request;
    this.#network = new Network(request.topology);
    this.#trainable = this.#network.weights.filter((spec) => spec.trainable);
    const { fromLogits } = request.loss.definition;
    this.#logits = fromLogits !== undefined && endsWithActivation(request.topology) && outputActivation(request.topology) === fromLogits.activation;
    for (const [name, values] of this.#network.initialWeights(request.seed)) {
      const spec = this.#network.weights.find((weight) => weight.fullName === name)!;
      this.#variables.set(name, tf.tidy(() => tf.variable(tf.tensor(values, [...spec.shape], 'float32'), spec.trainable)));
    }
    this.#flat = this.#flatten();
    for (const [slot, value] of Object.entries(request.optimizer.definition.slots(request.optimizer.config))) this.#slots[slot] = tf.fill([this.#flat.size], value);
  }

  train(batches: readonly LabelledBatch[], firstStep: number, learningRates: readonly number[]): readonly StepOutcome[] {
    return batches.map((batch, index) => this.#step(batch, firstStep + index, learningRates[index]!));
  }

  #step(batch: LabelledBatch, step: number, learningRate: number): StepOutcome {
    const tf = this.#tf;
    let kept: { readonly flat: Tensor; readonly slots: Record<string, Tensor> } | undefined;
    const loss = tf.tidy(() => {
      const variables = this.#trainable.map((spec) => this.#variables.get(spec.fullName)!);
      const inputs = this.#network.inputTensors(tf, batch.inputs);
      const labels = this.#labels(batch);
      let updates: ReadonlyMap<string, Tensor> = new Map();
      const { value, grads } = tf.variableGrads(() => {
        const forward = this.#network.forward(tf, inputs, this.#variables, { training: true, seed: this.#request.seed, iteration: step, logits: this.#logits });
        // variableGrads tidies up after itself; statistics of the batch must outlive it.
        updates = new Map([...forward.updates].map(([name, tensor]) => [name, tf.keep(tensor)]));
        return this.#meanLoss(labels, forward.output, batch) as import('@tensorflow/tfjs-node').Scalar;
      }, variables);
      for (const [name, tensor] of updates) {
        this.#variables.get(name)!.assign(tensor);
        tensor.dispose();
      }
      const lossNow = value.dataSync()[0]!;
      if (!Number.isFinite(lossNow)) return lossNow;
      kept = this.#updated(variables.map((variable) => grads[variable.name] ?? tf.zerosLike(variable)), step, learningRate);
      return lossNow;
    });
    if (kept !== undefined) this.#replace(kept.flat, kept.slots);
    return { loss };
  }

  #updated(gradients: readonly Tensor[], step: number, learningRate: number): { flat: Tensor; slots: Record<string, Tensor> } {
    const tf = this.#tf;
    const { definition, config } = this.#request.optimizer;
    const clipped = clipGradients(tf, gradients, config as unknown as CommonOptimizerConfig);
    const gradient = tf.concat(clipped.map((each) => tf.reshape(each, [-1])));
    const next = definition.update(tf, { weights: this.#flat, gradient, slots: this.#slots, step: step + 1, learningRate }, config);
    const slots = Object.fromEntries(Object.entries(next.slots).map(([name, slot]) => [name, tf.keep(slot)]));
    return { flat: tf.keep(next.weights), slots };
  }

  #replace(flat: Tensor, slots: Record<string, Tensor>): void {
    this.#flat.dispose();
    for (const slot of Object.values(this.#slots)) slot.dispose();
    this.#flat = flat;
    this.#slots = slots;
    this.#scatter();
  }

  /** Flat vector → variables. */
  #scatter(): void {
    const tf = this.#tf;
    tf.tidy(() => {
      const pieces = tf.split(this.#flat, this.#trainable.map((spec) => product(spec.shape)));
      for (const [index, spec] of this.#trainable.entries()) this.#variables.get(spec.fullName)!.assign(tf.reshape(pieces[index]!, [...spec.shape]));
    });
  }

  #flatten(): Tensor {
    const tf = this.#tf;
    return tf.tidy(() => tf.concat(this.#trainable.map((spec) => tf.reshape(this.#variables.get(spec.fullName)! as Tensor, [-1]))));
  }

  #labels(batch: LabelledBatch): Tensor {
    const { labels } = this.#request.loss.definition;
    if (labels === 'index') return this.#tf.tensor1d(batch.labels as Int32Array, 'int32');
    return this.#tf.tensor2d(batch.labels as Float32Array, [batch.rows, batch.labels.length / batch.rows], 'float32');
  }

  #rowLosses(labels: Tensor, output: Tensor): Tensor {
    const { definition, config } = this.#request.loss;
    return this.#logits ? definition.fromLogits!.value(this.#tf, labels, output, config) : definition.value(this.#tf, labels, output, config);
  }

  #meanLoss(labels: Tensor, output: Tensor, batch: LabelledBatch): Tensor {
    const tf = this.#tf;
    const losses = this.#rowLosses(labels, output);
    const weighted = batch.rowWeights === undefined ? losses : tf.mul(losses, tf.tensor1d(batch.rowWeights));
    return this.#withPenalties(tf.mean(weighted));
  }

  #withPenalties(loss: Tensor): Tensor {
    const tf = this.#tf;
    let total = loss;
    for (const { regularizer, fullName } of this.#trainable) {
      const weight = this.#variables.get(fullName)!;
      if ((regularizer?.l1 ?? 0) > 0) total = tf.add(total, tf.mul(tf.sum(tf.abs(weight)), regularizer!.l1!));
      if ((regularizer?.l2 ?? 0) > 0) total = tf.add(total, tf.mul(tf.sum(tf.square(weight)), regularizer!.l2!));
    }
    return total;
  }

  evaluate(batch: LabelledBatch): EvaluationSums {
    const tf = this.#tf;
    return tf.tidy(() => {
      const inputs = this.#network.inputTensors(tf, batch.inputs);
      const { output } = this.#network.forward(tf, inputs, this.#variables, { training: false, seed: this.#request.seed, iteration: 0, logits: this.#logits });
      const losses = this.#withPenalties(tf.mean(this.#rowLosses(this.#labels(batch), output)));
      const threshold = this.#logits || this.#request.loss.definition.score !== undefined ? 0 : 0.5;
      return { loss: losses.dataSync()[0]! * batch.rows, metrics: metricSums(this.#request.output, output.dataSync() as Float32Array, batch, threshold) };
    });
  }

  state(): EngineState {
    const state = new Map<string, Float32Array>();
    for (const [name, values] of this.weights()) state.set(`weights/${name}`, values);
    for (const [name, slot] of Object.entries(this.#slots)) state.set(`slots/${name}`, copyOf(slot));
    return state;
  }

  weights(): EngineState {
    return new Map([...this.#variables].map(([name, variable]) => [name, copyOf(variable)]));
  }

  restore(state: EngineState): void {
    this.setWeights(new Map([...this.#variables.keys()].map((name) => [name, required(state, `weights/${name}`)])));
    for (const name of Object.keys(this.#slots)) {
      const values = required(state, `slots/${name}`);
      this.#slots[name]!.dispose();
      this.#slots[name] = this.#tf.tensor1d(values.slice());
    }
  }

  setWeights(weights: EngineState): void {
    for (const [name, variable] of this.#variables) {
      this.#tf.tidy(() => variable.assign(this.#tf.tensor(required(weights, name).slice(), variable.shape, 'float32')));
    }
    this.#flat.dispose();
    this.#flat = this.#flatten();
  }

  dispose(): void {
    for (const variable of this.#variables.values()) variable.dispose();
    for (const slot of Object.values(this.#slots)) slot.dispose();
    this.#flat.dispose();
  }
}

function copyOf(tensor: Tensor): Float32Array {
  return (tensor.dataSync() as Float32Array).slice();
}

function required(state: EngineState, name: string): Float32Array {
  const values = state.get(name);
  if (values === undefined) throw new PerennialError('CHECKPOINT_CORRUPT', `The checkpoint lacks "${name}".`);
  return values;
}
