import type { TensorBatch, TensorSpec } from '../../core/tensor.ts';
import { PerennialError } from '../../core/errors.ts';
import { convolves, gainsFromOneDnn } from '../model/describe.ts';
import { product, showShape } from '../layers/shapes.ts';
import type { Tf } from '../tensorflow/tf.ts';
import { required } from '../trainer/engine.ts';
import type { EngineState, EvaluationSums, StepOutcome, TrainingEngine } from '../trainer/engine.ts';
import type { LabelledBatch } from '../objectives/objective.ts';
import { UpdateRule } from '../trainer/update-rule.ts';
import type { EngineRequest } from '../trainer/update-rule.ts';
import { DataType } from './graph-def.ts';
import { encodeProgram, names } from './program.ts';
import type { GraphInput, GraphVariable, TracedStep } from './program.ts';
import { GraphSession } from './session.ts';
import type { Feed, Values } from './session.ts';
import { evaluationOutputs, inputNames, stateNames, stateVariables, traceEvaluation, traceUpdate } from './trace-rule.ts';
import type { TracedEvaluation } from './trace-rule.ts';

export interface GraphSizes {
  /** Sizes of batches that will be trained on: one graph is made for each. */
  readonly train: readonly number[];
  /** In place of them, where the texts of batches differ in length. */
  readonly texts?: { readonly input: string; readonly train: readonly { readonly rows: number; readonly length: number }[] };
  /** Most rows of an evaluation. */
  readonly evaluate: number | undefined;
  /** Batches come with row weights. */
  readonly rowWeights: boolean;
}

/** More steps a call cost memory, and gain little. */
const STEPS_PER_CALL = 10;
const CONVOLUTIONS_PER_CALL = 2;
/** A call should not take longer than this: nothing else happens in the meantime. */
const CALL_MS = 100;

/** Trains by a TensorFlow graph that was recorded from the same mathematics as the eager engine runs, several steps a call. */
export class GraphEngine implements TrainingEngine {
  readonly name = 'compiled';
  readonly #stepsMax: number;
  /** Of the last call. */
  #stepMs = CALL_MS;
  readonly #rule: UpdateRule;
  readonly #session: GraphSession;
  readonly #variables: readonly GraphVariable[];
  /** By {@link shapeOf}. */
  readonly #steps: ReadonlyMap<string, TracedStep>;
  readonly #evaluation: TracedEvaluation | undefined;
  /** Memory of the feeds, used again in every call. */
  readonly #buffers = new Map<string, Float32Array | Int32Array>();

  /** @throws TraceError naming the operation that cannot become part of a graph */
  constructor(tf: Tf, request: EngineRequest, sizes: GraphSizes) {
    this.#rule = new UpdateRule(request);
    this.#variables = stateVariables(this.#rule);
    const { texts } = sizes;
    const shapes: readonly { readonly rows: number; readonly length?: number }[] =
      texts?.train ?? [...new Set(sizes.train)].map((rows) => ({ rows }));
    this.#steps = new Map(
      shapes.map(({ rows, length }, index) => [
        shapeOf({ rows, length }),
        traceUpdate(
          tf,
          this.#rule,
          rows,
          sizes.rowWeights,
          `step${index}_`,
          length === undefined ? undefined : { input: texts!.input, length },
        ),
      ]),
    );
    this.#evaluation = sizes.evaluate === undefined ? undefined : traceEvaluation(tf, this.#rule, sizes.evaluate, 'evaluation_');
    const steps = [...this.#steps.values()];
    // What oneDNN can do is found in the main graph alone; dense and recurrent steps run faster as a function.
    const lowerLoops = request.objective.topologies.some(gainsFromOneDnn);
    this.#stepsMax = request.objective.topologies.some(convolves) ? CONVOLUTIONS_PER_CALL : STEPS_PER_CALL;
    const program = encodeProgram({
      variables: this.#variables,
      steps,
      predictions: this.#evaluation === undefined ? [] : [this.#evaluation],
      lowerLoops,
    });
    this.#session = new GraphSession(tf, program);
    this.reset();
  }

  get numbers(): readonly string[] {
    return this.#rule.numbers;
  }

  /** By how long steps take. The results do not depend on it. */
  get stepsPerCall(): number {
    return Math.max(1, Math.min(this.#stepsMax, Math.floor(CALL_MS / this.#stepMs)));
  }

  train(
    batches: readonly LabelledBatch[],
    firstStep: number,
    learningRates: readonly number[],
    momenta?: readonly number[],
  ): readonly StepOutcome[] {
    const started = performance.now();
    const shape = shapeOf(batches[0]!);
    const step = this.#steps.get(shape);
    if (step === undefined)
      throw new PerennialError(
        'INTERNAL',
        `There is no graph for batches of ${shape} rows, only of ${[...this.#steps.keys()].join(' and ')}.`,
      );
    const feeds = step.inputs.map((input): Feed => {
      const stack = this.#buffer(names.stack(step, input), input, batches.length);
      const each = product(input.shape);
      batches.forEach((batch, index) =>
        this.#fill(
          input.name,
          batch,
          stack.subarray(index * each, (index + 1) * each),
          firstStep + index,
          learningRates[index]!,
          momenta?.[index],
        ),
      );
      return { name: names.stack(step, input), shape: [input.shape[0]! * batches.length, ...input.shape.slice(1)], values: stack };
    });
    const [values] = this.#session.run(
      [...feeds, { name: names.count(step), shape: [], values: Int32Array.of(batches.length) }],
      [names.numbers(step)],
    );
    this.#stepMs = (performance.now() - started) / batches.length;
    return batches.map((_, index) => {
      const numbers = values!.subarray(index * this.numbers.length, (index + 1) * this.numbers.length);
      return { loss: numbers[0]!, numbers };
    });
  }

  evaluate(batch: LabelledBatch): EvaluationSums {
    const evaluation = this.#evaluation;
    if (evaluation === undefined || batch.rows > evaluation.rows)
      throw new PerennialError('INTERNAL', `There is no graph for an evaluation of ${batch.rows} rows.`);
    const feeds = evaluation.inputs.map((input): Feed => {
      const values = this.#buffer(input.node, input, 1);
      // Rows beyond those of the batch are computed and not read.
      const used = (batch.rows * product(input.shape)) / evaluation.rows;
      values.fill(0, used);
      this.#fill(input.name, batch, values.subarray(0, used), 0, 0);
      return { name: input.node, shape: input.shape, values };
    });
    const [losses, penalty, output] = this.#session.run(feeds, [
      evaluationOutputs.losses,
      evaluationOutputs.penalty,
      evaluationOutputs.output,
    ]) as [Float32Array, Float32Array, Float32Array];
    const loss =
      losses.subarray(0, batch.rows).reduce((sum, each) => sum + each, 0) +
      penalty[0]! * (this.#rule.objective.count?.(batch) ?? batch.rows);
    const predictions = output.subarray(0, (output.length / evaluation.rows) * batch.rows);
    return { loss, metrics: this.#rule.objective.metricSums(predictions, batch) };
  }

  /** Writes one input of one step. */
  #fill(
    input: string,
    batch: LabelledBatch,
    target: Float32Array | Int32Array,
    step: number,
    learningRate: number,
    momentum?: number,
  ): void {
    const { inputs, labels } = this.#rule.objective;
    const label = labels.find((_, index) => inputNames.label(index) === input);
    if (label !== undefined) target.set(batch.labels[label.name]!);
    else if (input === inputNames.rowWeights) target.set(batch.rowWeights!);
    else if (input === inputNames.iteration) target[0] = step;
    else if (input === inputNames.scalars) target.set(this.#rule.scalarNames.map(pick(this.#rule.scalars(step, learningRate, momentum))));
    else {
      const spec = inputs.find((_, index) => inputNames.tensor(index) === input)!;
      target.set(rowsOf(batch.inputs, spec, target.length));
    }
  }

  #buffer(name: string, { shape, dtype }: GraphInput, steps: number): Float32Array | Int32Array {
    const length = product(shape) * steps;
    let buffer = this.#buffers.get(name);
    if (buffer === undefined || buffer.length < length) {
      const capacity = steps === 1 ? length : product(shape) * Math.max(steps, this.#stepsMax);
      buffer = dtype === DataType.int32 ? new Int32Array(capacity) : new Float32Array(capacity);
      this.#buffers.set(name, buffer);
    }
    return buffer.subarray(0, length);
  }

  state(): EngineState {
    const slots = Object.keys(this.#rule.slots);
    const values = this.#read(this.#variables);
    const state = new Map<string, Float32Array>();
    for (const [name, weight] of this.#weightsFrom(values)) state.set(`weights/${name}`, weight);
    for (const name of slots) state.set(`slots/${name}`, values.get(stateNames.slot(name))!);
    return state;
  }

  weights(): EngineState {
    const { servedSlot } = this.#rule;
    const served = servedSlot === undefined ? stateNames.flat : stateNames.slot(servedSlot);
    const values = this.#read(
      this.#variables.filter(({ name }) => name === served || (name !== stateNames.flat && !name.startsWith('slot_'))),
    );
    return this.#weightsFrom(values.set(stateNames.flat, values.get(served)!));
  }

  #read(variables: readonly GraphVariable[]): Map<string, Float32Array> {
    const values = this.#session.run([], variables.map(names.valueOf)) as Float32Array[];
    return new Map(variables.map(({ name }, index) => [name, values[index]!.slice()]));
  }

  #weightsFrom(values: ReadonlyMap<string, Float32Array>): EngineState {
    const trainable = this.#rule.unflatten(values.get(stateNames.flat)!);
    const statistics = new Map(this.#rule.statistics.map(({ fullName }, index) => [fullName, values.get(stateNames.statistic(index))!]));
    return new Map(this.#rule.objective.weights.map(({ fullName }) => [fullName, trainable.get(fullName) ?? statistics.get(fullName)!]));
  }

  restore(state: EngineState): void {
    const weights = new Map(this.#rule.objective.weights.map(({ fullName }) => [fullName, required(state, `weights/${fullName}`)]));
    this.#assign(weights, (name) => required(state, `slots/${name}`));
  }

  reset(): void {
    const initial = this.#rule.initialWeights();
    this.#assign(initial, (name) => this.#rule.initialSlot(name, initial));
  }

  setWeights(weights: EngineState): void {
    const { slots } = splitState(this.state());
    this.#assign(weights, (name) => (name === this.#rule.servedSlot ? this.#rule.flatten(weights) : slots.get(name)!));
  }

  #assign(weights: EngineState, slotOf: (name: string) => Float32Array): void {
    const values = new Map<string, Values>([[stateNames.flat, this.#rule.flatten(checked(this.#rule, weights))]]);
    for (const name of Object.keys(this.#rule.slots)) values.set(stateNames.slot(name), slotOf(name));
    this.#rule.statistics.forEach(({ fullName }, index) => values.set(stateNames.statistic(index), required(weights, fullName)));
    this.#session.run(
      this.#variables.map((variable) => ({ name: names.feedOf(variable), shape: variable.shape, values: values.get(variable.name)! })),
      [names.assignAll],
    );
  }

  dispose(): void {
    this.#session.dispose();
  }
}

/** "32", or "32 × 48" where texts differ in length. */
const shapeOf = ({ rows, length }: { readonly rows: number; readonly length?: number | undefined }): string =>
  length === undefined ? String(rows) : `${rows} × ${length}`;

const pick =
  (values: Readonly<Record<string, number>>) =>
  (name: string): number =>
    values[name]!;

function checked(rule: UpdateRule, weights: EngineState): EngineState {
  for (const { fullName } of rule.objective.weights) required(weights, fullName);
  return weights;
}

function splitState(state: EngineState): { readonly slots: Map<string, Float32Array> } {
  return {
    slots: new Map([...state].filter(([name]) => name.startsWith('slots/')).map(([name, values]) => [name.slice('slots/'.length), values])),
  };
}

/** @throws DATA_INVALID where a tensor is missing or has another size */
export function rowsOf(batch: TensorBatch, spec: TensorSpec, length: number): ArrayLike<number> {
  const tensor = batch[spec.name];
  if (tensor === undefined)
    throw new PerennialError(
      'DATA_INVALID',
      `The model reads the tensor "${spec.name}", but the batch has only ${Object.keys(batch)
        .map((name) => `"${name}"`)
        .join(', ')}.`,
    );
  if (tensor.data.length !== length)
    throw new PerennialError(
      'DATA_INVALID',
      `The tensor "${spec.name}" holds ${tensor.data.length} values; ${tensor.rows} rows of ${showShape(spec.shape)} need ${length}.`,
    );
  return tensor.data;
}
