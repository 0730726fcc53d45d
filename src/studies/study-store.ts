import type { ObjectStore } from '../core/ports.ts';
import { putJson, putJsonOnce } from '../storage/json-objects.ts';
import { changeStored, getStored } from '../storage/stored.ts';
import { FINAL, HISTORY, LATEST, STUDY, TRIAL } from './stored-study.ts';
import type { StoredFinal, StoredTrial, StudyHistory, StudyRecord } from './stored-study.ts';

export type FixedStudy = Pick<StudyRecord, 'study' | 'plan' | 'earlier'>;

const PREFIX = 'studies/';
/** How often a change is tried that others are faster with. */
const RACES = { attemptsMax: 5 };
/** Studies whose trials are kept in memory. */
const KEPT_MAX = 8;

/** Studies in an object store: one object for each, and one for each trial, which one at a time writes. */
export class StudyStore {
  readonly #store: ObjectStore;
  /** Trials that are over never change again. */
  readonly #over = new Map<string, Map<number, StoredTrial>>();
  /** Trials as they began: their points never change. */
  readonly #begun = new Map<string, Map<number, StoredTrial>>();
  readonly #fixed = new Map<string, FixedStudy>();
  readonly #histories = new Map<string, StudyHistory | null>();

  constructor(store: ObjectStore) {
    this.#store = store;
  }

  async study(study: string): Promise<{ readonly record: StudyRecord; readonly etag: string } | undefined> {
    const found = await getStored(this.#store, STUDY, studyKey(study));
    if (found === undefined) return undefined;
    keep(this.#fixed, study, found.value);
    return { record: found.value, etag: found.etag };
  }

  /** What never changes of a study; undefined where there is none. */
  async fixed(study: string): Promise<FixedStudy | undefined> {
    return this.#fixed.get(study) ?? (await this.study(study))?.record;
  }

  /** What its trials are compiled from. */
  async plan(study: string): Promise<StudyRecord['plan']> {
    return (await this.fixed(study))!.plan;
  }

  /** One that is there is begun again, as it is. */
  async create(record: StudyRecord): Promise<void> {
    await putJsonOnce(this.#store, studyKey(record.study), record);
  }

  /** @throws OBJECT_NOT_FOUND */
  async change(study: string, change: (record: StudyRecord) => StudyRecord): Promise<StudyRecord> {
    return (await changeStored(this.#store, STUDY, studyKey(study), change, RACES))!;
  }

  /** All studies, of one pipeline or all, in the order of their names. */
  async *studies(pipeline?: string): AsyncIterable<StudyRecord> {
    for await (const { key } of this.#store.list(pipeline === undefined ? PREFIX : `${PREFIX}${pipeline}/`)) {
      if (!key.endsWith('/study.json')) continue;
      const found = await this.study(key.slice(PREFIX.length, -'/study.json'.length));
      if (found !== undefined) yield found.record;
    }
  }

  /** The study of a step that began last, other than one. */
  async newest(pipeline: string, step: string, other: string): Promise<StudyRecord | undefined> {
    let found: StudyRecord | undefined;
    for await (const record of this.studies(pipeline))
      if (record.study !== other && record.plan.step.id === step && (found === undefined || record.startedAt > found.startedAt))
        found = record;
    return found;
  }

  /** The study of a key that began last. */
  async latestOf(pipeline: string, key: string): Promise<string | undefined> {
    return (await getStored(this.#store, LATEST, latestKey(pipeline, key)))?.value.study;
  }

  async setLatest(pipeline: string, key: string, study: string): Promise<void> {
    await putJson(this.#store, latestKey(pipeline, key), { formatVersion: 1, study });
  }

  /** What the sampler of a study starts from: never changes once it is there. */
  async history(study: string): Promise<StudyHistory | undefined> {
    const known = this.#histories.get(study);
    if (known !== undefined) return known ?? undefined;
    const history = (await getStored(this.#store, HISTORY, historyKey(study)))?.value;
    keep(this.#histories, study, history ?? null);
    return history;
  }

  /** Writes the history of a study that has none. @returns the one that it has then */
  async setHistory(study: string, history: StudyHistory): Promise<StudyHistory> {
    this.#histories.delete(study);
    return (await putJsonOnce(this.#store, historyKey(study), history)) ? history : (await this.history(study))!;
  }

  /** A trial; undefined where it was never begun. */
  async trial(study: string, number: number): Promise<StoredTrial | undefined> {
    const known = this.#over.get(study)?.get(number);
    return known ?? this.#read(study, number);
  }

  /**
   * The trials with numbers below `end`, or all; in the order of their numbers.
   *
   * @param running of these only the point matters: they may be as they began
   */
  async trials(study: string, end = Infinity, running?: ReadonlySet<number>): Promise<StoredTrial[]> {
    const found: StoredTrial[] = [];
    for (let number = 0; number < end; number++) {
      const begun = running?.has(number) === true ? this.#begun.get(study)?.get(number) : undefined;
      const trial = begun ?? (await this.trial(study, number));
      if (trial === undefined) return found;
      found.push(trial);
    }
    return found;
  }

  /** Begins a trial. @returns it as it is: somebody may have begun it before */
  async begin(study: string, trial: StoredTrial): Promise<StoredTrial> {
    if (!(await putJsonOnce(this.#store, trialKey(study, trial.number), trial))) return (await this.trial(study, trial.number))!;
    this.#keep(study, trial);
    return trial;
  }

  /** Changes a trial that runs; one that is over stays as it is. @returns it as it is then */
  async update(study: string, number: number, change: (trial: StoredTrial) => StoredTrial): Promise<StoredTrial> {
    const whileRunning = (trial: StoredTrial): StoredTrial | undefined => (trial.state === 'running' ? change(trial) : undefined);
    const trial = (await changeStored(this.#store, TRIAL, trialKey(study, number), whileRunning, RACES))!;
    this.#keep(study, trial);
    return trial;
  }

  /** Writes what the final round found of a trial. @returns what is written: somebody may have been before */
  async setFinal(study: string, final: StoredFinal): Promise<StoredFinal> {
    if (await putJsonOnce(this.#store, finalKey(study, final.number), final)) return final;
    return (await getStored(this.#store, FINAL, finalKey(study, final.number)))!.value;
  }

  /** What the final round found so far, in the order of the trials. */
  async finals(study: string): Promise<StoredFinal[]> {
    const found: StoredFinal[] = [];
    for await (const { key } of this.#store.list(`${PREFIX}${study}/finals/`)) {
      const final = (await getStored(this.#store, FINAL, key))?.value;
      if (final !== undefined) found.push(final);
    }
    return found.sort((a, b) => a.number - b.number);
  }

  async #read(study: string, number: number): Promise<StoredTrial | undefined> {
    const found = await getStored(this.#store, TRIAL, trialKey(study, number));
    if (found !== undefined) this.#keep(study, found.value);
    return found?.value;
  }

  #keep(study: string, trial: StoredTrial): void {
    const kind = trial.state === 'running' ? this.#begun : this.#over;
    const trials = kind.get(study) ?? new Map<number, StoredTrial>();
    trials.set(trial.number, trial);
    keep(kind, study, trials);
    if (trial.state !== 'running') this.#begun.get(study)?.delete(trial.number);
  }
}

/** The newest few. */
function keep<T>(map: Map<string, T>, key: string, value: T): void {
  map.delete(key);
  map.set(key, value);
  if (map.size > KEPT_MAX) map.delete(map.keys().next().value!);
}

function studyKey(study: string): string {
  return `${PREFIX}${study}/study.json`;
}

function historyKey(study: string): string {
  return `${PREFIX}${study}/history.json`;
}

function trialKey(study: string, number: number): string {
  return `${PREFIX}${study}/trials/${String(number).padStart(6, '0')}.json`;
}

function finalKey(study: string, number: number): string {
  return `${PREFIX}${study}/finals/${String(number).padStart(6, '0')}.json`;
}

/** Beside the runs of the pipeline: no run is called so. */
function latestKey(pipeline: string, key: string): string {
  return `${PREFIX}${pipeline}/.latest/${key}.json`;
}
