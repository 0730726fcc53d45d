import { nameOf } from '../tuning/describe.ts';
import { stopperRegistry } from '../tuning/stoppers/index.generated.ts';
import type { TuneConfig } from '../tuning/tune-config.ts';
import type { Reading, TrialRecord } from '../tuning/trial.ts';
import type { StoredTrial } from './stored-study.ts';
import type { StudyStore } from './study-store.ts';
import { optionsOf, trialRecord } from './suggest.ts';

/** What an epoch says of the first objective. */
interface Meaning {
  readonly name: string;
  readonly direction: 'minimize' | 'maximize';
}

export interface JuryOptions {
  readonly epochs: number;
  readonly key?: string | undefined;
  readonly keptBy?: string | undefined;
}

type Numbers = Readonly<Record<string, number>>;

/**
 * Decides after some epochs whether a trial goes on. What it was told lies in the store before it answers, so that it decides the same way
 * after the process was killed.
 */
export class EpochJury {
  readonly #studies: StudyStore;
  readonly #study: string;
  readonly #number: number;
  readonly #epochs: number;
  readonly #key: string | undefined;
  readonly #keptBy: string | undefined;
  /** Told, and not in the store yet. */
  #fresh: Reading[] = [];
  #asksAt: ReadonlySet<number> | undefined;
  #known: StoredTrial | undefined;

  /**
   * @param epochs most of the trial
   * @param key of its training; undefined: not all that decides it can be known
   * @param keptBy the number by whose best epoch the training chooses its weights; undefined: they are those of the last epoch
   */
  constructor(studies: StudyStore, study: string, number: number, { epochs, key, keptBy }: JuryOptions) {
    this.#studies = studies;
    this.#study = study;
    this.#number = number;
    this.#epochs = epochs;
    this.#key = key;
    this.#keptBy = keptBy;
  }

  /** Why the trial ends as it did in an earlier study, whose training was the very same; undefined: it has to be trained. */
  async before(): Promise<string | undefined> {
    const { before, state } = (await this.#studies.trial(this.#study, this.#number))!;
    if (before === undefined || state !== 'running' || before.key !== this.#key) return undefined;
    const { key, readings, reading } = before;
    this.#known = await this.#studies.update(this.#study, this.#number, (trial) => ({
      ...trial,
      key,
      readings,
      ...(reading === undefined ? {} : { reading }),
      taken: true,
    }));
    return `Stopped after epoch ${readings.at(-1)?.epoch ?? 0} of ${this.#epochs}, as in the study ${before.study}.`;
  }

  /**
   * @param numbers of epochs, ascending; those that are known already are passed over
   * @returns why the trial ends, undefined: it goes on
   */
  async judge(numbers: readonly Numbers[]): Promise<string | undefined> {
    const { tune, config: raw } = (await this.#studies.plan(this.#study)).step;
    const config = raw as unknown as TuneConfig;
    if (config.stop === undefined) return undefined;
    const stopper = stopperRegistry.get(nameOf(config.stop));
    const options = optionsOf(config.stop);
    this.#asksAt ??= new Set(stopper.asksAt(this.#epochs, options));
    this.#known ??= (await this.#studies.trial(this.#study, this.#number))!;
    for (const one of numbers) {
      const meaning = meaningOf(one, tune!.objectives[0]!);
      const epoch = one['epoch'];
      if (meaning === undefined || epoch === undefined || epoch <= (this.#lastEpoch() ?? 0)) continue;
      this.#fresh.push({ epoch, value: one[meaning.name]! });
      if (!this.#asksAt.has(epoch)) continue;
      await this.#keep(meaning);
      if (this.#known.state !== 'running') return undefined;
      const others = (await this.#studies.trials(this.#study)).filter(({ number }) => number !== this.#number);
      const stops = stopper.stops({
        direction: meaning.direction,
        others: others.map((other) => this.#counted(other, meaning)),
        trial: this.#counted(this.#known, meaning),
        epochs: this.#epochs,
        config: options,
      });
      if (stops)
        return `Stopped by ${stopper.name} after epoch ${epoch} of ${this.#epochs}: ${meaning.name} ${Number(one[meaning.name]!.toPrecision(4))} is behind other trials.`;
    }
    // What is told at once is all there is.
    const last = numbers.at(-1);
    if (numbers.length > 1 && last !== undefined) await this.#keep(meaningOf(last, tune!.objectives[0]!));
    return undefined;
  }

  /** A trial as it counts: one whose training keeps its best weights is at every epoch as good as it has been. */
  #counted(trial: StoredTrial, { name, direction }: Meaning): TrialRecord {
    const record = trialRecord(trial);
    return this.#keptBy === name ? { ...record, readings: bestSoFar(record.readings, direction) } : record;
  }

  #lastEpoch(): number | undefined {
    return this.#fresh.at(-1)?.epoch ?? this.#known?.readings.at(-1)?.epoch;
  }

  async #keep(meaning: Meaning | undefined): Promise<void> {
    const fresh = this.#fresh;
    if (meaning === undefined || fresh.length === 0) return;
    this.#known = await this.#studies.update(this.#study, this.#number, (trial) => {
      const last = trial.readings.at(-1)?.epoch ?? 0;
      return {
        ...trial,
        ...(this.#key === undefined ? {} : { key: this.#key }),
        reading: meaning,
        readings: [...trial.readings, ...fresh.filter(({ epoch }) => epoch > last)],
      };
    });
    this.#fresh = [];
  }
}

function bestSoFar(readings: readonly Reading[], direction: Meaning['direction']): Reading[] {
  let best = NaN;
  return readings.map(({ epoch, value }) => {
    if (Number.isNaN(best) || (direction === 'minimize' ? value < best : value > best)) best = value;
    return { epoch, value: best };
  });
}

/** The first objective where training follows it, else the validation loss. Epochs without validation say nothing of it. */
function meaningOf(numbers: Numbers, { value, direction }: { readonly value: string } & Meaning): Meaning | undefined {
  if (numbers[value] !== undefined) return { name: value, direction };
  return numbers['validationLoss'] === undefined ? undefined : { name: 'validationLoss', direction: 'minimize' };
}
