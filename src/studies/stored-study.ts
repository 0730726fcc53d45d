import type { JsonObject } from '../core/json.ts';
import type { Plan, PlanStep } from '../core/plan.ts';
import type { RunFailure } from '../core/run.ts';
import type { Reading } from '../tuning/trial.ts';
import { COUNT, NUMBER, OBJECT, TEXT, defineStored, listOf, recordSchema } from '../storage/stored.ts';
import type { StoredKind } from '../storage/stored.ts';

/** `studies/<pipeline>/<run>/<step>/study.json` */
export interface StudyRecord {
  readonly formatVersion: 1;
  /** `<pipeline>/<run>/<step>` */
  readonly study: string;
  readonly pipeline: string;
  readonly run: string;
  readonly state: 'running' | 'completed' | 'failed' | 'cancelled';
  /** Of one that ended without closing: how. */
  readonly why?: string;
  /** What its trials are compiled from: the tune step with the document. */
  readonly plan: Pick<Plan, 'documentDir' | 'parameters'> & { readonly step: PlanStep };
  /** Digest of all that decides on its trials; studies of one key go on from each other. */
  readonly key: string;
  /** What the key is made from, in parts; absent in records of before. */
  readonly parts?: Readonly<Record<string, string>>;
  /** The study before it that it does not go on with, and why. */
  readonly anew?: { readonly study: string; readonly why: string };
  /** The study of the same key before it. */
  readonly earlier?: string;
  /** What its sampler knew of before its first trial; the trials themselves lie beside it. */
  readonly history?: HistorySummary;
  /** ISO 8601 UTC. */
  readonly startedAt: string;
  readonly endedAt?: string;
  /** Number of the winner, and of the trials that no other one beats in every objective. */
  readonly winner?: number;
  readonly front?: readonly number[];
  readonly causes?: readonly RunFailure[];
}

/** What a study took over from an earlier one. */
export interface HistorySummary {
  /** Absent: there was none. */
  readonly study?: string;
  /** Trials that were taken over. */
  readonly trials: number;
  /** Why others were not, and how many. */
  readonly left: readonly { readonly why: string; readonly trials: number }[];
}

export const STUDY: StoredKind<StudyRecord> = defineStored<StudyRecord>({
  at: 'studies/*/*/*/study.json',
  fix: 'Restore it from a copy of the store; its trials can still be read.',
  name: 'facts of a study',
  formatVersion: 1,
  schema: recordSchema(
    {
      formatVersion: COUNT,
      study: TEXT,
      pipeline: TEXT,
      run: TEXT,
      state: { enum: ['running', 'completed', 'failed', 'cancelled'] },
      plan: recordSchema({ documentDir: TEXT, parameters: OBJECT, step: recordSchema({ id: TEXT, config: OBJECT, tune: OBJECT }) }),
      key: TEXT,
      startedAt: TEXT,
    },
    {
      why: TEXT,
      parts: OBJECT,
      anew: recordSchema({ study: TEXT, why: TEXT }),
      earlier: TEXT,
      history: OBJECT,
      endedAt: TEXT,
      winner: COUNT,
      front: listOf(COUNT),
      causes: listOf(OBJECT),
    },
  ),
});

/** `studies/<pipeline>/.latest/<key>.json`: the study of a key that began last. */
export const LATEST: StoredKind<{ readonly study: string }> = defineStored({
  at: 'studies/*/.latest/*.json',
  remade: 'the next study of its kind begins without the trials of earlier ones',
  name: 'latest study of a key',
  formatVersion: 1,
  schema: recordSchema({ study: TEXT }),
});

/** `studies/<pipeline>/<run>/<step>/trials/<number>.json` */
export interface StoredTrial {
  readonly formatVersion: 1;
  /** 0 for the first. */
  readonly number: number;
  readonly point: JsonObject;
  readonly state: 'running' | 'completed' | 'stopped' | 'failed';
  /** One for each objective. */
  readonly values?: readonly number[];
  /** Of several trainings (folds, seeds): for each objective what they were measured at, of which the value is the mean. */
  readonly scores?: readonly (readonly number[])[];
  /** Of the first objective, or what stands for it, epoch by epoch as far as a stopper looked. */
  readonly readings: readonly Reading[];
  /** What the readings are. */
  readonly reading?: { readonly name: string; readonly direction: 'minimize' | 'maximize' };
  readonly failure?: RunFailure;
  /** Key of the training that the readings are of: all that decides them. */
  readonly key?: string;
  /** How an earlier study ended the same trial, of use where its training has the same key. */
  readonly before?: StoppedBefore;
  /** It was ended by what stands in `before`. */
  readonly taken?: true;
  /** All of its steps came from the cache, or the trial from an earlier study. */
  readonly cached?: boolean;
  /** ISO 8601 UTC. */
  readonly startedAt: string;
  readonly endedAt?: string;
}

/** A trial that was ended early, as far as the next study may take it over. */
export interface StoppedBefore {
  readonly study: string;
  readonly key: string;
  readonly readings: readonly Reading[];
  readonly reading?: StoredTrial['reading'];
}

export const TRIAL: StoredKind<StoredTrial> = defineStored<StoredTrial>({
  at: 'studies/*/*/*/trials/*.json',
  name: 'facts of a trial',
  formatVersion: 1,
  schema: recordSchema(
    {
      formatVersion: COUNT,
      number: COUNT,
      point: OBJECT,
      state: { enum: ['running', 'completed', 'stopped', 'failed'] },
      readings: listOf(recordSchema({ epoch: COUNT, value: NUMBER })),
      startedAt: TEXT,
    },
    {
      values: listOf(NUMBER),
      scores: listOf(listOf(NUMBER)),
      reading: OBJECT,
      failure: OBJECT,
      key: TEXT,
      before: OBJECT,
      taken: { const: true },
      cached: { type: 'boolean' },
      endedAt: TEXT,
    },
  ),
});

/** `studies/<pipeline>/<run>/<step>/finals/<number>.json`: a trial as the final round found it, with seeds that the search did not see. */
export interface StoredFinal {
  readonly formatVersion: 1;
  /** Of the trial. */
  readonly number: number;
  readonly state: 'completed' | 'failed';
  /** One for each objective: the mean of its scores. */
  readonly values?: readonly number[];
  readonly scores?: readonly (readonly number[])[];
  readonly failure?: RunFailure;
  readonly cached?: boolean;
  /** ISO 8601 UTC. */
  readonly endedAt: string;
}

export const FINAL: StoredKind<StoredFinal> = defineStored<StoredFinal>({
  at: 'studies/*/*/*/finals/*.json',
  name: 'final round of a trial',
  formatVersion: 1,
  schema: recordSchema(
    { formatVersion: COUNT, number: COUNT, state: { enum: ['completed', 'failed'] }, endedAt: TEXT },
    { values: listOf(NUMBER), scores: listOf(listOf(NUMBER)), failure: OBJECT, cached: { type: 'boolean' } },
  ),
});

/** `studies/<pipeline>/<run>/<step>/history.json`: trials of an earlier study that the sampler starts from, as they were taken over. */
export interface StudyHistory {
  readonly formatVersion: 1;
  readonly summary: HistorySummary;
  readonly trials: readonly HistoryTrial[];
}

/** A trial of an earlier study, in the terms of this one. */
export interface HistoryTrial {
  readonly point: JsonObject;
  readonly state: 'completed' | 'stopped' | 'failed';
  /** One for each objective of this study. */
  readonly values?: readonly number[];
  readonly readings: readonly Reading[];
}

export const HISTORY: StoredKind<StudyHistory> = defineStored<StudyHistory>({
  at: 'studies/*/*/*/history.json',
  fix: 'Restore it from a copy of the store: the study cannot go on without it.',
  name: 'history of a study',
  formatVersion: 1,
  schema: recordSchema({
    formatVersion: COUNT,
    summary: OBJECT,
    trials: listOf(
      recordSchema(
        { point: OBJECT, state: { enum: ['completed', 'stopped', 'failed'] }, readings: listOf(OBJECT) },
        { values: listOf(NUMBER) },
      ),
    ),
  }),
});
