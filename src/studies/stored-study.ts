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
  /** What its trials are compiled from: the tune step with the document. */
  readonly plan: Pick<Plan, 'documentDir' | 'parameters'> & { readonly step: PlanStep };
  /** Digest of all that decides on its trials; studies of one key go on from each other. */
  readonly key: string;
  /** The study of the same key before it. */
  readonly earlier?: string;
  /** ISO 8601 UTC. */
  readonly startedAt: string;
  readonly endedAt?: string;
  /** Number of the winner, and of the trials that no other one beats in every objective. */
  readonly winner?: number;
  readonly front?: readonly number[];
  readonly causes?: readonly RunFailure[];
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
    { earlier: TEXT, endedAt: TEXT, winner: COUNT, front: listOf(COUNT), causes: listOf(OBJECT) },
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
  /** Of the first objective, or what stands for it, epoch by epoch as far as a stopper looked. */
  readonly readings: readonly Reading[];
  /** What the readings are. */
  readonly reading?: { readonly name: string; readonly direction: 'minimize' | 'maximize' };
  readonly failure?: RunFailure;
  /** All of its steps came from the cache, or the trial from an earlier study. */
  readonly cached?: boolean;
  /** ISO 8601 UTC. */
  readonly startedAt: string;
  readonly endedAt?: string;
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
    { values: listOf(NUMBER), reading: OBJECT, failure: OBJECT, cached: { type: 'boolean' }, endedAt: TEXT },
  ),
});
