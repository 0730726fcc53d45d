import { isPerennialError } from '../core/errors.ts';
import type { ObjectStore } from '../core/ports.ts';
import { getJson, putJson } from '../storage/json-objects.ts';
import { readStored } from '../storage/stored.ts';
import { HISTORY, LATEST, STUDY, TRIAL } from './stored-study.ts';
import type { StoredTrial, StudyHistory, StudyRecord } from './stored-study.ts';

export type FixedStudy = Pick<StudyRecord, 'study' | 'plan' | 'earlier'>;

const PREFIX = 'studies/';
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
    const key = studyKey(study);
    const found = await getJson(this.#store, key);
    if (found === undefined) return undefined;
    const record = readStored(STUDY, found.value, () => `${this.#store.location}: "${key}"`);
    keep(this.#fixed, study, record);
    return { record, etag: found.etag };
  }

  /** What never changes of a study; undefined where there is none. */
  async fixed(study: string): Promise<FixedStudy | undefined> {
    return this.#fixed.get(study) ?? (await this.study(study))?.record;
  }

  /** What its trials are compiled from. */
  async plan(study: string): Promise<StudyRecord['plan']> {
    return (await this.fixed(study))!.plan;
  }

  async create(record: StudyRecord): Promise<void> {
    try {
      await putJson(this.#store, studyKey(record.study), record, { ifNoneMatch: '*' });
    } catch (error) {
      // It is begun again, as it is.
      if (!isPerennialError(error, 'PRECONDITION_FAILED')) throw error;
    }
  }

  /** @throws OBJECT_NOT_FOUND */
  async change(study: string, change: (record: StudyRecord) => StudyRecord): Promise<StudyRecord> {
    for (let tries = 1; ; tries++) {
      const { record, etag } = (await this.study(study))!;
      const changed = change(record);
      try {
        await putJson(this.#store, studyKey(study), changed, { ifMatch: etag });
        return changed;
      } catch (error) {
        if (!isPerennialError(error, 'PRECONDITION_FAILED') || tries === 5) throw error;
      }
    }
  }

  /** All studies, of one pipeline or all, in the order of their names. */
  async *studies(pipeline?: string): AsyncIterable<StudyRecord> {
    for await (const { key } of this.#store.list(pipeline === undefined ? PREFIX : `${PREFIX}${pipeline}/`)) {
      if (!key.endsWith('/study.json')) continue;
      const found = await this.study(key.slice(PREFIX.length, -'/study.json'.length));
      if (found !== undefined) yield found.record;
    }
  }

  /** The study of a key that began last. */
  async latestOf(pipeline: string, key: string): Promise<string | undefined> {
    const at = latestKey(pipeline, key);
    const found = await getJson(this.#store, at);
    return found === undefined ? undefined : readStored(LATEST, found.value, () => `${this.#store.location}: "${at}"`).study;
  }

  async setLatest(pipeline: string, key: string, study: string): Promise<void> {
    await putJson(this.#store, latestKey(pipeline, key), { formatVersion: 1, study });
  }

  /** What the sampler of a study starts from: never changes once it is there. */
  async history(study: string): Promise<StudyHistory | undefined> {
    const known = this.#histories.get(study);
    if (known !== undefined) return known ?? undefined;
    const key = historyKey(study);
    const found = await getJson(this.#store, key);
    const history = found === undefined ? null : readStored(HISTORY, found.value, () => `${this.#store.location}: "${key}"`);
    keep(this.#histories, study, history);
    return history ?? undefined;
  }

  /** Writes the history of a study that has none. @returns the one that it has then */
  async setHistory(study: string, history: StudyHistory): Promise<StudyHistory> {
    this.#histories.delete(study);
    try {
      await putJson(this.#store, historyKey(study), history, { ifNoneMatch: '*' });
      return history;
    } catch (error) {
      if (!isPerennialError(error, 'PRECONDITION_FAILED')) throw error;
      return (await this.history(study))!;
    }
  }

  /** A trial; undefined where it was never begun. */
  async trial(study: string, number: number): Promise<StoredTrial | undefined> {
    const known = this.#over.get(study)?.get(number);
    return known ?? (await this.#read(study, number))?.trial;
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
    try {
      await putJson(this.#store, trialKey(study, trial.number), trial, { ifNoneMatch: '*' });
      this.#keep(study, trial);
      return trial;
    } catch (error) {
      if (!isPerennialError(error, 'PRECONDITION_FAILED')) throw error;
      return (await this.trial(study, trial.number))!;
    }
  }

  /** Changes a trial that runs; one that is over stays as it is. @returns it as it is then */
  async update(study: string, number: number, change: (trial: StoredTrial) => StoredTrial): Promise<StoredTrial> {
    for (let tries = 1; ; tries++) {
      const { trial, etag } = (await this.#read(study, number))!;
      if (trial.state !== 'running') return trial;
      const changed = change(trial);
      try {
        await putJson(this.#store, trialKey(study, number), changed, { ifMatch: etag });
        this.#keep(study, changed);
        return changed;
      } catch (error) {
        if (!isPerennialError(error, 'PRECONDITION_FAILED') || tries === 5) throw error;
      }
    }
  }

  async #read(study: string, number: number): Promise<{ readonly trial: StoredTrial; readonly etag: string } | undefined> {
    const key = trialKey(study, number);
    const found = await getJson(this.#store, key);
    if (found === undefined) return undefined;
    const trial = readStored(TRIAL, found.value, () => `${this.#store.location}: "${key}"`);
    this.#keep(study, trial);
    return { trial, etag: found.etag };
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

/** Beside the runs of the pipeline: no run is called so. */
function latestKey(pipeline: string, key: string): string {
  return `${PREFIX}${pipeline}/.latest/${key}.json`;
}
