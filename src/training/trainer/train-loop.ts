import { performance } from 'node:perf_hooks';
import { setImmediate as yieldToEvents } from 'node:timers/promises';
import { PerennialError } from '../../core/errors.ts';
import type { JsonObject } from '../../core/json.ts';
import type { Callback } from '../callbacks/callback.ts';
import type { LabelledBatch, Objective } from '../objectives/objective.ts';
import type { CurveLayer } from '../curves/curves.ts';
import { BatchSource } from './batch-source.ts';
import { evaluateSet } from './evaluate-set.ts';
import type { Checkpoint, CheckpointFolder, Position, Snapshot } from './checkpoint.ts';
import { Diverged, allFinite, explainDivergence, hasBadInput } from './divergence.ts';
import type { DivergenceFacts } from './divergence.ts';
import type { EngineState, StepOutcome, TrainingEngine } from './engine.ts';
import { searchLearningRate } from './learning-rate-search.ts';
import type { SearchResult, SearchSettings } from './learning-rate-search.ts';
import type { RowReader, StreamReader } from './row-reader.ts';
import type { Spreads } from './spreads.ts';
import type { TextLengths } from './text-lengths.ts';
import { ProgressMeter } from './progress-meter.ts';
import type { TrainerMessage } from './protocol.ts';

export interface LoopSettings {
  readonly epochs: number;
  /** Batches after which training ends, in the middle of its last epoch or at its end. */
  readonly steps: number;
  readonly batchSize: number;
  readonly seed: number;
  readonly shuffle: boolean;
  /** Where texts of similar length come into one batch. */
  readonly lengths?: TextLengths;
  readonly learningRate: number;
  /** How the learning rate is searched for, in place of `learningRate`. */
  readonly search?: SearchSettings;
  /** Batches per update. */
  readonly accumulation: number;
  readonly validateEveryEpochs: number;
  /** First validation rows that are looked at. */
  readonly validationRows?: number;
  readonly checkpointEveryEpochs: number | undefined;
  readonly checkpointEverySteps?: number;
  readonly checkpointEverySeconds: number;
}

export interface LoopParts {
  readonly engine: TrainingEngine;
  readonly train: StreamReader;
  /** undefined where the validation split is empty. */
  readonly validation: RowReader | undefined;
  readonly objective: Objective;
  readonly callbacks: readonly Callback[];
  readonly settings: LoopSettings;
  readonly checkpoints: Pick<CheckpointFolder, 'latest' | 'write'>;
  readonly send: (message: TrainerMessage) => void;
  /** Asked often. Once true, a checkpoint is written and training ends with CANCELLED. */
  readonly cancelled: () => boolean;
  /** As `cancelled`, but nobody goes on from there: nothing is written. */
  readonly dropped?: () => boolean;
  /** Looks at weights and gradients at the ends of epochs. */
  readonly spreads?: Pick<Spreads, 'everyEpochs' | 'look'>;
  /** The network, to be shown. */
  readonly layers?: readonly CurveLayer[];
  /** Longest time between looks at messages and signals, besides a single step. Default 100 ms. */
  readonly yieldMs?: number;
}

export interface LoopOutcome {
  readonly weights: EngineState;
  readonly epochsRun: number;
  /** The epoch that the weights are of. */
  readonly keptEpoch: number;
  readonly history: readonly Readonly<Record<string, number>>[];
  readonly search?: SearchResult;
  readonly snapshots: readonly Snapshot[];
}

const YIELD_MS = 100;
/** What took longer is not done again to explain a divergence. */
const REPLAYED_MS = 60_000;
/** Saving takes at most this share of the time. */
const SAVING_SHARE = 0.05;
/** The end of an epoch is saved after this share of the seconds between saves: it costs nothing to go on from there. */
const EPOCH_END_SHARE = 0.2;

type MutablePosition = { -readonly [Key in keyof Position]: Position[Key] };

/**
 * Trains from the newest checkpoint, or from the start, to the end. The clock decides when to save and to report, never what is computed.
 */
export class TrainLoop {
  readonly #parts: LoopParts;
  readonly #meter: ProgressMeter;
  readonly #stepsPerEpoch: number;
  readonly #source: BatchSource;
  #position: MutablePosition = { epoch: 0, batch: 0, step: 0, sums: [], counted: 0, rows: 0, callbacks: [], bestEpoch: null, history: [] };
  #best: EngineState | undefined;
  /** Of the callbacks. */
  readonly #initial: readonly JsonObject[];
  #stopped: string | undefined;
  #lastBatch: LabelledBatch | undefined;
  #savedAt = performance.now();
  #savingMs = 0;
  #yieldedAt = performance.now();

  constructor(parts: LoopParts) {
    this.#parts = parts;
    this.#stepsPerEpoch = stepsPerEpoch(parts.train.rows, parts.settings.batchSize);
    this.#source = new BatchSource(parts.train, parts.settings);
    this.#initial = parts.callbacks.map((callback) => callback.state());
    const { steps, batchSize } = parts.settings;
    const whole = Math.floor(steps / this.#stepsPerEpoch);
    this.#meter = new ProgressMeter(whole * parts.train.rows + (steps - whole * this.#stepsPerEpoch) * batchSize);
  }

  /** @throws TRAINING_DIVERGED, DATA_INVALID, CANCELLED */
  async run(): Promise<LoopOutcome> {
    const { engine, settings, send } = this.#parts;
    const found = this.#parts.checkpoints.latest((message) => send({ type: 'notice', message }));
    if (found !== undefined) this.#restore(found);
    const { epoch, step, history, bestEpoch, snapshots = [], spreads = [] } = this.#position;
    send({
      type: 'started',
      engine: engine.name,
      resumedEpoch: epoch,
      resumedStep: step,
      curve: {
        epochs: settings.epochs,
        history,
        bestEpoch,
        trained: engine.numbers,
        spreads,
        pictures: snapshots,
        ...(this.#parts.layers === undefined ? {} : { layers: this.#parts.layers }),
      },
    });
    try {
      await this.#search();
      if (this.#position.step === 0) this.#snapshot();
      while (this.#position.epoch < settings.epochs && this.#stopped === undefined) {
        await this.#epoch();
        await this.#endEpoch();
      }
    } catch (error) {
      throw error instanceof Diverged ? await this.#explain(error.facts) : error;
    } finally {
      await this.#source.close();
    }
    return this.#finish();
  }

  /** After a divergence the weights tell nothing any more: training is done again from its last checkpoint up to the batch before. */
  async #explain(facts: DivergenceFacts): Promise<PerennialError> {
    const { settings } = this.#parts;
    if (hasBadInput(facts.batch) || performance.now() - this.#savedAt > REPLAYED_MS) return explainDivergence(facts);
    const { step } = this.#position;
    const before = { objective: this.#parts.objective, seed: settings.seed };
    const weights = await this.#weightsAt(step);
    if (weights === undefined) return explainDivergence(facts);
    if (step === 0 || allFinite(weights))
      return explainDivergence({ ...facts, before: { ...before, weights, iteration: step, overflowed: false } });
    // The loss of the batch before was finite, but not what came of it.
    const earlier = await this.#weightsAt(step - 1);
    return explainDivergence(
      earlier === undefined ? facts : { ...facts, before: { ...before, weights: earlier, iteration: step - 1, overflowed: true } },
    );
  }

  /** Trains anew from the last checkpoint, up to a step: neither told nor saved. undefined where the checkpoint is of a later step. */
  async #weightsAt(step: number): Promise<EngineState | undefined> {
    const { engine, callbacks, checkpoints, settings } = this.#parts;
    const from = checkpoints.latest(() => undefined);
    if (from !== undefined && from.position.step > step) return undefined;
    engine.reset();
    callbacks.forEach((callback, index) => callback.restore(this.#initial[index]!));
    await new TrainLoop({
      ...this.#parts,
      send() {},
      checkpoints: { latest: () => from, write: () => '' },
      settings: { ...settings, steps: step, epochs: Math.ceil(step / this.#stepsPerEpoch) },
    }).run();
    return new Map(
      [...engine.state()].flatMap(([name, values]) =>
        name.startsWith('weights/') ? [[name.slice('weights/'.length), values] as const] : [],
      ),
    );
  }

  #restore(checkpoint: Checkpoint): void {
    this.#position = { ...checkpoint.position };
    this.#best = checkpoint.best;
    this.#parts.engine.restore(checkpoint.state);
    for (const [index, callback] of this.#parts.callbacks.entries()) callback.restore(checkpoint.position.callbacks[index]!);
  }

  /** Before the first update, from the initial weights: found again by a run that was interrupted before it has saved. */
  async #search(): Promise<void> {
    const { engine, settings } = this.#parts;
    if (settings.search === undefined || this.#position.search !== undefined) return;
    this.#parts.send({ type: 'searching' });
    const search = await searchLearningRate(
      engine,
      (index) => this.#batchSoon(index),
      settings.accumulation,
      settings.search,
      () => this.#breathe(false),
    );
    this.#position = { ...this.#position, search };
    const { suggested, curve } = search;
    if (suggested === undefined)
      this.#notice(`the loss fell at none of ${curve.length} learning rates; training goes on with ${settings.learningRate}`);
    else this.#notice(`learning rate ${suggested} found in ${curve.length} steps`);
  }

  async #epoch(): Promise<void> {
    const { engine, settings } = this.#parts;
    const first = this.#position.epoch * this.#stepsPerEpoch;
    while (this.#position.batch < this.#stepsPerEpoch && this.#position.step < settings.steps) {
      const most = Math.min(this.#batchesOfNextCall(engine.stepsPerCall), settings.steps - this.#position.step, this.#untilSave());
      const count = this.#source.alike(first + this.#position.batch, most);
      await this.#source.ready(first + this.#position.batch, count);
      const batches = Array.from({ length: count }, (_, index) => this.#batch(first + this.#position.batch + index));
      this.#lastBatch = batches.at(-1);
      const rates = batches.map((_, index) => this.#learningRate(this.#position.step + index));
      const momentum = this.#parts.callbacks.find((callback) => callback.momentum !== undefined);
      const momenta = momentum === undefined ? undefined : batches.map((_, index) => momentum.momentum!(this.#position.step + index));
      this.#account(batches, rates, engine.train(batches, this.#position.step, rates, momenta));
      await this.#breathe();
      if (settings.checkpointEverySteps !== undefined && this.#position.step % settings.checkpointEverySteps === 0) this.#save();
      else this.#saveWhenDue();
    }
  }

  /** Batches of one call have one size: a smaller last batch goes alone. */
  #batchesOfNextCall(most: number): number {
    const { train, settings } = this.#parts;
    const full = Math.floor(train.rows / settings.batchSize) - this.#position.batch;
    return full > 0 ? Math.min(most, full) : 1;
  }

  /** Batches up to the next one after which a checkpoint is due by their number. */
  #untilSave(): number {
    const { checkpointEverySteps } = this.#parts.settings;
    return checkpointEverySteps === undefined ? Infinity : checkpointEverySteps - (this.#position.step % checkpointEverySteps);
  }

  /** @param index through all epochs */
  #batch(index: number): LabelledBatch {
    const {
      objective,
      settings: { lengths },
    } = this.#parts;
    const tensors = this.#source.batch(index);
    const batch = objective.batch(tensors);
    return lengths === undefined ? batch : { ...batch, length: tensors[lengths.input]!.spec.shape[0]! };
  }

  async #batchSoon(index: number): Promise<LabelledBatch> {
    await this.#source.ready(index, 1);
    return this.#batch(index);
  }

  #learningRate(step: number): number {
    const epoch = Math.floor(step / this.#stepsPerEpoch);
    return this.#parts.callbacks.reduce(
      (rate, callback) => rate * (callback.learningRateFactor?.(step, epoch) ?? 1),
      this.#position.search?.suggested ?? this.#parts.settings.learningRate,
    );
  }

  #account(batches: readonly LabelledBatch[], rates: readonly number[], outcomes: readonly StepOutcome[]): void {
    for (const [index, { loss, numbers }] of outcomes.entries()) {
      const batch = batches[index]!;
      if (!Number.isFinite(loss)) {
        throw new Diverged({
          loss,
          batch,
          epoch: this.#position.epoch + 1,
          batchNumber: this.#position.batch + 1,
          learningRate: rates[index]!,
          lossBefore: this.#position.counted === 0 ? undefined : this.#position.sums[0]! / this.#position.counted,
        });
      }
      const counted = this.#parts.objective.count?.(batch) ?? batch.rows;
      this.#position.sums = Array.from(numbers, (value, at) => (this.#position.sums[at] ?? 0) + value * counted);
      this.#position.counted += counted;
      this.#position.rows += batch.rows;
      this.#position.batch++;
      this.#position.step++;
      this.#meter.add(batch.rows);
    }
  }

  async #endEpoch(): Promise<void> {
    const { settings } = this.#parts;
    const epoch = this.#position.epoch + 1;
    const learningRate = this.#learningRate(this.#position.step - 1);
    const means = this.#parts.engine.numbers.map((name, index) => [name, this.#position.sums[index]! / this.#position.counted] as const);
    const numbers: Record<string, number> = { ...Object.fromEntries(means), ...(await this.#validate(epoch)) };
    for (const callback of this.#parts.callbacks) {
      const verdict = callback.epochEnd?.(epoch, numbers, learningRate);
      if (verdict?.improved === true && callback.restoreBest === true) {
        this.#best = this.#parts.engine.weights();
        this.#position.bestEpoch = epoch;
      }
      if (verdict?.note !== undefined) this.#notice(`epoch ${epoch}: ${verdict.note}`);
      this.#stopped ??= verdict?.stop;
    }
    this.#position = {
      ...this.#position,
      epoch,
      batch: 0,
      sums: [],
      counted: 0,
      rows: 0,
      history: [...this.#position.history, { epoch, ...numbers, learningRate }],
    };
    this.#snapshot();
    await this.#look(epoch);
    this.#tellEpoch(epoch);
    this.#report(this.#stopped !== undefined || epoch === settings.epochs);
    if (this.#stopped !== undefined) this.#notice(`training ends after epoch ${epoch} of ${settings.epochs}: ${this.#stopped}`);
    else if (settings.checkpointEveryEpochs !== undefined && epoch % settings.checkpointEveryEpochs === 0) this.#save();
    else this.#saveWhenDue(EPOCH_END_SHARE);
  }

  /** After 1, 2, 4, 8, … epochs, and before the first: few, and most where most changes. */
  #snapshot(): void {
    const { engine, objective } = this.#parts;
    const { epoch, snapshots = [] } = this.#position;
    if (objective.snapshot === undefined || (epoch & (epoch - 1)) !== 0 || snapshots.some((each) => each.epoch === epoch)) return;
    const image = objective.snapshot(engine.weights());
    if (image !== undefined) this.#position.snapshots = [...snapshots, { epoch, image }];
  }

  /** After the epoch: an evaluation that was interrupted is done again with the batch that was the last one. */
  async #look(epoch: number): Promise<void> {
    const { spreads, engine, settings } = this.#parts;
    if (spreads === undefined || (epoch % spreads.everyEpochs !== 0 && epoch !== settings.epochs)) return;
    const last = this.#position.step - 1;
    const batch = this.#lastBatch ?? (await this.#batchSoon(last));
    const found = { epoch, spreads: spreads.look(engine.state(), batch, last) };
    this.#position.spreads = [...(this.#position.spreads ?? []).filter((each) => each.epoch !== epoch), found];
  }

  #tellEpoch(epoch: number): void {
    const { history, bestEpoch, snapshots, spreads: kept } = this.#position;
    const spreads = kept?.find((each) => each.epoch === epoch)?.spreads;
    const picture = snapshots?.find((each) => each.epoch === epoch)?.image;
    this.#parts.send({
      type: 'epoch',
      numbers: history.at(-1)!,
      bestEpoch,
      ...(spreads === undefined ? {} : { spreads }),
      ...(picture === undefined ? {} : { picture }),
    });
  }

  async #validate(epoch: number): Promise<Record<string, number>> {
    const { engine, validation, settings, objective } = this.#parts;
    if (validation === undefined || (epoch % settings.validateEveryEpochs !== 0 && epoch !== settings.epochs)) return {};
    const sums = await evaluateSet(engine, validation, objective, () => this.#breathe(), settings.validationRows);
    const { loss: validationLoss, ...metrics } = sums;
    return { validationLoss: validationLoss!, ...metrics };
  }

  /**
   * Lets messages and signals in, reports, and notices that training was cancelled.
   *
   * @param saves false while the weights are not those of the position
   */
  async #breathe(saves = true): Promise<void> {
    if (performance.now() - this.#yieldedAt < (this.#parts.yieldMs ?? YIELD_MS)) return;
    await yieldToEvents();
    this.#yieldedAt = performance.now();
    this.#report(false);
    const dropped = this.#parts.dropped?.() === true;
    if (!dropped && !this.#parts.cancelled()) return;
    // In the middle of an evaluation the position is that of the finished last batch: the epoch's end is computed again.
    if (saves && !dropped) this.#save();
    throw new PerennialError('CANCELLED', `Training was cancelled in epoch ${this.#position.epoch + 1}.`);
  }

  #report(last: boolean): void {
    const measured = this.#meter.measure(this.#position.step === 0 ? 0 : this.#rowsDone(), last);
    if (measured === undefined) return;
    const { epoch, rows, sums, counted, history } = this.#position;
    const { epoch: _epoch, loss = 0, learningRate: _rate, ...metrics } = history.at(-1) ?? {};
    this.#parts.send({
      type: 'progress',
      epoch: Math.min(this.#parts.settings.epochs, rows > 0 ? epoch + 1 : Math.max(1, epoch)),
      epochs: this.#parts.settings.epochs,
      loss: counted > 0 ? sums[0]! / counted : loss,
      metrics,
      ...measured,
    });
  }

  #rowsDone(): number {
    return this.#position.epoch * this.#parts.train.rows + this.#position.rows;
  }

  #saveWhenDue(share = 1): void {
    const since = performance.now() - this.#savedAt;
    if (since >= Math.max(this.#parts.settings.checkpointEverySeconds * 1_000 * share, this.#savingMs / SAVING_SHARE)) this.#save();
  }

  #save(): void {
    const started = performance.now();
    const position = { ...this.#position, callbacks: this.#parts.callbacks.map((callback) => callback.state()) };
    const path = this.#parts.checkpoints.write({ position, state: this.#parts.engine.state(), best: this.#best });
    this.#savedAt = performance.now();
    this.#savingMs = this.#savedAt - started;
    this.#parts.send({ type: 'checkpoint', path, step: position.step });
  }

  #notice(message: string): void {
    this.#parts.send({ type: 'notice', message });
  }

  #finish(): LoopOutcome {
    const { epoch, bestEpoch, history, search, snapshots = [] } = this.#position;
    return {
      weights: this.#best ?? this.#parts.engine.weights(),
      epochsRun: epoch,
      keptEpoch: this.#best === undefined ? epoch : (bestEpoch ?? epoch),
      history,
      snapshots,
      ...(search === undefined ? {} : { search }),
    };
  }
}

export function stepsPerEpoch(rows: number, batchSize: number): number {
  return Math.ceil(rows / batchSize);
}
