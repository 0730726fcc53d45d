import type { WeightGroup } from '../objectives/weight-group.ts';
import { PerennialError } from '../../core/errors.ts';
import { constrain } from '../layers/constraints.ts';
import type { Resolved } from '../model/named.ts';
import type { NamedWeight } from '../model/network.ts';
import type { Objective, ObjectivePart } from '../objectives/objective.ts';
import type { LabelledTensors } from '../objectives/labelled.ts';
import { clipGradients } from '../optimizers/optimizer.ts';
import type { CommonOptimizerConfig, OptimizerDefinition } from '../optimizers/optimizer.ts';
import { product } from '../layers/shapes.ts';
import type { Tensor, Tf } from '../tensorflow/tf.ts';

export interface EngineRequest {
  readonly objective: Objective;
  readonly optimizer: Resolved<OptimizerDefinition>;
  readonly seed: number;
  readonly groups?: readonly WeightGroup[];
  /** Batches whose gradients are averaged for one update. Default 1. */
  readonly accumulation?: number;
  /** The momentum comes with every batch, as the learning rate does. */
  readonly cyclesMomentum?: boolean;
  readonly ema?: EmaConfig;
  /** Layers that serve at first, although the network is trained: the batch from which they no longer do, 0 being the first. */
  readonly wakes?: ReadonlyMap<string, number>;
}

/** Exponential moving average of the trainable weights. */
export interface EmaConfig {
  /** Share of the average that an update keeps. */
  readonly momentum: number;
  /** Updates after which the weights are set to their average. */
  readonly overwriteEvery?: number;
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

/** Everything of one update that is not a function of the state. */
export interface UpdateInput extends LabelledTensors {
  readonly scalars: Readonly<Record<string, Tensor>>;
  /** 0 for the first batch; a tensor int32 [1] where the update becomes part of a graph. */
  readonly iteration: number | Tensor;
}

/** Trainable weights that one part of the objective owns and one group includes: a stretch of the flat vector. */
interface Segment {
  readonly part: ObjectivePart;
  readonly group: WeightGroup;
  readonly weights: readonly NamedWeight[];
  readonly size: number;
}

const COMMON_GROUP: WeightGroup = { includes: () => true, learningRateFactor: 1, from: 0, every: 1 };
/** Slot of the sum of gradients between updates. */
const ACCUMULATED = 'accumulated';
const MOVES = 'moves';
/** Slot of the moving average of the weights. */
const AVERAGE = 'average';
const EMA_MOMENTUM = 'emaMomentum';
const EMA_OVERWRITES = 'emaOverwrites';
/** Scalar of a segment: the momentum of its update. */
const MOMENTUM = 'momentum';

/**
 * The mathematics of training towards one objective, as functions from tensors to tensors. Both engines run it: one operation by
 * operation, the other recorded into a graph.
 */
export class UpdateRule {
  readonly objective: Objective;
  /** In the order of the flat vector. */
  readonly trainable: readonly NamedWeight[];
  readonly statistics: readonly NamedWeight[];
  /** Number of trainable values. */
  readonly size: number;
  /** Names of the numbers that {@link scalars} gives. */
  readonly scalarNames: readonly string[];
  /** Slot → its initial value. */
  readonly slots: Readonly<Record<string, number>>;
  readonly #request: EngineRequest;
  readonly #segments: readonly Segment[];
  readonly #accumulation: number;

  /** @throws MODEL_INVALID where nothing can be trained */
  constructor(request: EngineRequest) {
    this.#request = request;
    this.objective = request.objective;
    this.#accumulation = request.accumulation ?? 1;
    this.#segments = segmentsOf(request);
    this.trainable = this.#segments.flatMap(({ weights }) => weights);
    this.statistics = this.objective.weights.filter((spec) => !spec.trainable);
    this.size = this.#segments.reduce((size, segment) => size + segment.size, 0);
    if (this.size === 0)
      throw new PerennialError('MODEL_INVALID', 'The model has no weights to train.', {
        hint: 'Add a layer with weights, or leave one unfrozen.',
      });
    const { definition, config } = request.optimizer;
    this.slots = {
      ...definition.slots(config),
      ...(this.#accumulation > 1 ? { [ACCUMULATED]: 0 } : {}),
      ...(request.ema === undefined ? {} : { [AVERAGE]: 0 }),
    };
    this.scalarNames = Object.keys(this.scalars(0, 1));
  }

  /** Names of what an update reports, "loss" first. */
  get numbers(): readonly string[] {
    return this.objective.numbers;
  }

  /** @param step 0 for the first batch @param momentum default: that of the optimizer */
  scalars(step: number, learningRate: number, momentum?: number): Readonly<Record<string, number>> {
    const {
      optimizer: { definition, config: settings },
      cyclesMomentum,
    } = this.#request;
    const moved = cyclesMomentum === true ? { [MOMENTUM]: momentum ?? (settings[definition.cycles!] as number) } : {};
    const config = cyclesMomentum === true ? { ...settings, [definition.cycles!]: moved[MOMENTUM] } : settings;
    const update = Math.floor(step / this.#accumulation);
    const complete = (step + 1) % this.#accumulation === 0;
    const ofSegments = this.#segments.flatMap(({ group }, index) => {
      const done = Math.max(0, Math.floor((update - group.from) / group.every));
      const moves = complete && update >= group.from && (update - group.from + 1) % group.every === 0;
      const own = {
        ...definition.scalars(done + 1, learningRate * group.learningRateFactor, config),
        ...moved,
        ...(this.#rests(group) ? { [MOVES]: moves ? 1 : 0 } : {}),
      };
      return Object.entries(own).map(([name, value]) => [`${index}.${name}`, value] as const);
    });
    return { ...Object.fromEntries(ofSegments), ...this.#emaScalars(update, complete) };
  }

  /** The average begins as the weights after the first update, and stays as it is between updates. */
  #emaScalars(update: number, complete: boolean): Readonly<Record<string, number>> {
    const { ema } = this.#request;
    if (ema === undefined) return {};
    const { momentum, overwriteEvery } = ema;
    return {
      [EMA_MOMENTUM]: !complete ? 1 : update === 0 ? 0 : momentum,
      ...(overwriteEvery === undefined ? {} : { [EMA_OVERWRITES]: complete && (update + 1) % overwriteEvery === 0 ? 1 : 0 }),
    };
  }

  /** True where there are batches after which the group does not move. */
  #rests(group: WeightGroup): boolean {
    return this.#accumulation > 1 || group.from > 0 || group.every > 1;
  }

  /** The state after one batch, and what it reports. Statistics are kept: the caller disposes of them. */
  update(tf: Tf, state: TrainingState, input: UpdateInput): TrainingState & { readonly numbers: Readonly<Record<string, Tensor>> } {
    const pieces = new Map(this.#split(tf, state.flat).map((piece, index) => [this.trainable[index]!.fullName, piece]));
    const statistics = new Map<string, Tensor>();
    const numbers: Record<string, Tensor> = {};
    const gradients = new Map<string, Tensor>();
    const losses: Tensor[] = [];
    for (const part of this.objective.parts) {
      const owned = this.#segments.filter((segment) => segment.part === part).flatMap(({ weights }) => weights);
      if (owned.length === 0) continue;
      const found = this.#gradients(tf, part, owned, new Map([...pieces, ...state.statistics]), input);
      for (const [name, value] of found.updates) statistics.set(name, value);
      Object.assign(numbers, found.reported);
      losses.push(found.loss);
      owned.forEach(({ fullName }, index) => gradients.set(fullName, found.gradients[index]!));
    }
    numbers.loss ??= tf.keep(tf.addN(losses));
    for (const [name, old] of state.statistics) if (!statistics.has(name)) statistics.set(name, tf.keep(tf.clone(old)));
    const { [AVERAGE]: average, ...slots } = state.slots;
    const moved = this.#move(tf, { ...state, slots }, gradients, input.scalars);
    return { ...(average === undefined ? moved : averaged(tf, moved, average, input.scalars)), statistics, numbers };
  }

  #gradients(
    tf: Tf,
    part: ObjectivePart,
    owned: readonly NamedWeight[],
    weights: ReadonlyMap<string, Tensor>,
    input: UpdateInput,
  ): { gradients: Tensor[]; loss: Tensor; reported: Record<string, Tensor>; updates: Map<string, Tensor> } {
    const updates = new Map<string, Tensor>();
    const reported: Record<string, Tensor> = {};
    const lossOf = (...moved: Tensor[]): Tensor => {
      const all = new Map([...weights, ...owned.map(({ fullName }, index) => [fullName, moved[index]!] as const)]);
      const { seed, wakes } = this.#request;
      const result = part.loss(tf, all, input, { seed, iteration: input.iteration, ...(wakes === undefined ? {} : { wakes }) });
      // The gradient function tidies up after itself; statistics and numbers of the batch must outlive it.
      for (const [name, value] of result.updates) updates.set(name, tf.keep(value));
      for (const [name, value] of Object.entries(result.reported)) reported[name] = tf.keep(value);
      return result.loss;
    };
    const pieces = owned.map(({ fullName }) => weights.get(fullName)!);
    // Unlike tf.valueAndGrads, this allows weights that the loss does not depend on.
    const { value, grads } = tf
      .engine()
      .gradients(() => lossOf(...pieces) as import('@tensorflow/tfjs-node').Scalar, pieces, undefined, true);
    return { gradients: grads.map((gradient, index) => gradient ?? tf.zerosLike(pieces[index]!)), loss: value, reported, updates };
  }

  #move(
    tf: Tf,
    { flat, slots }: TrainingState,
    gradients: ReadonlyMap<string, Tensor>,
    scalars: Readonly<Record<string, Tensor>>,
  ): Pick<TrainingState, 'flat' | 'slots'> {
    const sizes = this.#segments.map(({ size }) => size);
    const cut = (vector: Tensor): Tensor[] => (sizes.length === 1 ? [vector] : tf.split(vector, sizes));
    const weights = cut(flat);
    const oldSlots = Object.fromEntries(Object.entries(slots).map(([name, slot]) => [name, cut(slot)]));
    const moved = this.#vectors(tf, gradients, scalars, oldSlots).map(({ gradient, accumulated }, index) => {
      const own = (name: string): Tensor => scalars[`${index}.${name}`]!;
      const { definition, config } = this.#request.optimizer;
      const before = Object.fromEntries(
        Object.entries(oldSlots)
          .filter(([name]) => name !== ACCUMULATED)
          .map(([name, pieces]) => [name, pieces[index]!]),
      );
      const names = [...Object.keys(definition.scalars(1, 1, config)), ...(this.#request.cyclesMomentum === true ? [MOMENTUM] : [])];
      const free = definition.update(
        tf,
        { weights: weights[index]!, gradient, slots: before, scalars: Object.fromEntries(names.map((name) => [name, own(name)])) },
        config,
      );
      const next = { ...free, weights: this.#constrained(tf, free.weights, this.#segments[index]!.weights) };
      if (!this.#rests(this.#segments[index]!.group)) return { weights: next.weights, slots: next.slots };
      const moves = tf.greater(own(MOVES), 0.5);
      const kept = Object.fromEntries(Object.entries(next.slots).map(([name, slot]) => [name, tf.where(moves, slot, before[name]!)]));
      return {
        weights: tf.where(moves, next.weights, weights[index]!),
        slots:
          accumulated === undefined
            ? kept
            : { ...kept, [ACCUMULATED]: tf.where(tf.greater(scalars[`${index}.${MOVES}`]!, 0.5), tf.zerosLike(accumulated), accumulated) },
      };
    });
    const join = (vectors: readonly Tensor[]): Tensor => (vectors.length === 1 ? vectors[0]! : tf.concat([...vectors]));
    return {
      flat: join(moved.map((each) => each.weights)),
      slots: Object.fromEntries(Object.keys(slots).map((name) => [name, join(moved.map((each) => each.slots[name]!))])),
    };
  }

  /** A segment whose weights are brought back to what their constraints allow. */
  #constrained(tf: Tf, vector: Tensor, weights: readonly NamedWeight[]): Tensor {
    if (weights.every(({ constraint }) => constraint === undefined)) return vector;
    const pieces = this.#pieces(tf, vector, weights).map((piece, index) => {
      const { constraint } = weights[index]!;
      return tf.reshape(constraint === undefined ? piece : constrain(tf, piece, constraint), [-1]);
    });
    return pieces.length === 1 ? pieces[0]! : tf.concat(pieces);
  }

  /** The gradient of each segment as one vector: averaged over accumulated batches, and clipped with the other segments of its part. */
  #vectors(
    tf: Tf,
    gradients: ReadonlyMap<string, Tensor>,
    scalars: Readonly<Record<string, Tensor>>,
    slots: Readonly<Record<string, readonly Tensor[]>>,
  ): { gradient: Tensor; accumulated: Tensor | undefined }[] {
    const flatten = (weights: readonly NamedWeight[], values: readonly Tensor[]): Tensor =>
      weights.length === 1 ? tf.reshape(values[0]!, [-1]) : tf.concat(values.map((each) => tf.reshape(each, [-1])));
    const sums = new Map(gradients);
    const accumulated = this.#segments.map(({ weights }, index) => {
      if (this.#accumulation === 1) return undefined;
      const sum = tf.add(
        slots[ACCUMULATED]![index]!,
        flatten(
          weights,
          weights.map(({ fullName }) => gradients.get(fullName)!),
        ),
      );
      const means = this.#pieces(tf, tf.div(sum, this.#accumulation), weights);
      weights.forEach(({ fullName }, at) => sums.set(fullName, means[at]!));
      return sum;
    });
    const config = this.#request.optimizer.config as unknown as CommonOptimizerConfig;
    for (const part of this.objective.parts) {
      const own = this.#segments.flatMap((segment, index) =>
        segment.part === part ? segment.weights.map(({ fullName }) => ({ fullName, index, group: segment.group })) : [],
      );
      if (own.length === 0) continue;
      // What rests must not make the common norm larger.
      const counted = own.map(({ fullName, index, group }) =>
        config.globalClipNorm !== undefined && group.from > 0
          ? tf.mul(sums.get(fullName)!, scalars[`${index}.${MOVES}`]!)
          : sums.get(fullName)!,
      );
      clipGradients(tf, counted, config).forEach((gradient, at) => sums.set(own[at]!.fullName, gradient));
    }
    return this.#segments.map(({ weights }, index) => ({
      gradient: flatten(
        weights,
        weights.map(({ fullName }) => sums.get(fullName)!),
      ),
      accumulated: accumulated[index],
    }));
  }

  /** Loss per row, penalty of the weights, and what the metrics read. */
  evaluate(tf: Tf, state: TrainingState, batch: LabelledTensors): { losses: Tensor; penalty: Tensor; output: Tensor } {
    const weights = new Map([
      ...this.#split(tf, state.slots[AVERAGE] ?? state.flat).map((piece, index) => [this.trainable[index]!.fullName, piece] as const),
      ...state.statistics,
    ]);
    return this.objective.evaluate(tf, weights, batch);
  }

  /** The slot whose values are the trainable weights of the model, where these are averaged. */
  get servedSlot(): string | undefined {
    return this.#request.ema === undefined ? undefined : AVERAGE;
  }

  /** A slot before the first update. */
  initialSlot(name: string, weights: ReadonlyMap<string, Float32Array>): Float32Array {
    return name === AVERAGE ? this.flatten(weights) : new Float32Array(this.size).fill(this.slots[name]!);
  }

  /** Initial weights, by full name. */
  initialWeights(): Map<string, Float32Array> {
    return this.objective.initialWeights(this.#request.seed);
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
    return new Map(
      this.trainable.map(({ fullName, shape }) => {
        const start = offset;
        offset += product(shape);
        return [fullName, flat.slice(start, offset)];
      }),
    );
  }

  #split(tf: Tf, flat: Tensor): Tensor[] {
    return this.#pieces(tf, flat, this.trainable);
  }

  #pieces(tf: Tf, vector: Tensor, weights: readonly NamedWeight[]): Tensor[] {
    const pieces =
      weights.length === 1
        ? [vector]
        : tf.split(
            vector,
            weights.map(({ shape }) => product(shape)),
          );
    return weights.map(({ shape }, index) => tf.reshape(pieces[index]!, [...shape]));
  }
}

/** Weights after an update with their moving average, as Keras rounds it. */
function averaged(
  tf: Tf,
  { flat, slots }: Pick<TrainingState, 'flat' | 'slots'>,
  average: Tensor,
  scalars: Readonly<Record<string, Tensor>>,
): Pick<TrainingState, 'flat' | 'slots'> {
  const momentum = scalars[EMA_MOMENTUM]!;
  const now = tf.add(tf.mul(momentum, average), tf.mul(tf.sub(1, momentum), flat));
  const overwrites = scalars[EMA_OVERWRITES];
  return { flat: overwrites === undefined ? flat : tf.where(tf.greater(overwrites, 0.5), now, flat), slots: { ...slots, [AVERAGE]: now } };
}

/** @throws INTERNAL where a weight has no part, or more than one */
function segmentsOf({ objective, groups = [] }: EngineRequest): Segment[] {
  const segments: Segment[] = [];
  const asked = [...groups, COMMON_GROUP];
  const own = [...(objective.groups ?? []), COMMON_GROUP];
  for (const weight of objective.weights.filter((spec) => spec.trainable)) {
    if (objective.parts.filter((part) => part.owns(weight)).length !== 1)
      throw new PerennialError('INTERNAL', `The weight "${weight.fullName}" belongs to no part of the objective, or to several.`);
  }
  for (const part of objective.parts) {
    for (const group of asked) {
      for (const inner of own) {
        const weights = objective.weights.filter(
          (spec) =>
            spec.trainable &&
            part.owns(spec) &&
            asked.find((each) => each.includes(spec)) === group &&
            own.find((each) => each.includes(spec)) === inner,
        );
        if (weights.length > 0)
          segments.push({
            part,
            group: bothOf(group, inner),
            weights,
            size: weights.reduce((size, spec) => size + product(spec.shape), 0),
          });
      }
    }
  }
  return segments;
}

function bothOf(first: WeightGroup, second: WeightGroup): WeightGroup {
  return {
    includes: (weight) => first.includes(weight) && second.includes(weight),
    learningRateFactor: first.learningRateFactor * second.learningRateFactor,
    from: Math.max(first.from, second.from),
    every: first.every * second.every,
  };
}
