import { arch, cpus, hostname, platform } from 'node:os';
import type { JsonObject } from '../core/json.ts';
import type { ObjectStore } from '../core/ports.ts';
import { putJson } from '../storage/json-objects.ts';
import { OBJECT, TEXT, defineStored, getStored, mapOf, recordSchema } from '../storage/stored.ts';
import type { StoredKind } from '../storage/stored.ts';

/** Where a step computed. */
export interface StepEnvironment {
  readonly host: string;
  /** E.g. "linux x64". */
  readonly platform: string;
  /** E.g. "8 × AMD EPYC 7763". */
  readonly cpus: string;
}

/** What a step of a run was computed with: kept to compare runs, also long after Temporal forgot them. */
export interface StepRecord {
  readonly formatVersion: 1;
  readonly pipeline: string;
  readonly run: string;
  readonly step: string;
  /** `<type>@<version>` */
  readonly type: string;
  /** ISO 8601 UTC. */
  readonly at: string;
  /** Complete configuration; secrets by name. */
  readonly config: JsonObject;
  /** Input name → digest of the artifact. */
  readonly inputs: Readonly<Record<string, string>>;
  /** Digest of the step's code, helpers included. */
  readonly code: string;
  readonly libraries: Readonly<Record<string, string>>;
  readonly environment: StepEnvironment;
  /** The run whose result it took from the cache. */
  readonly cachedFrom?: string;
}

/** {@link StepRecord} as it is stored. */
export const STEP_RECORD: StoredKind<StepRecord> = defineStored({
  at: 'records/**.json',
  fix: 'Restore it from a copy of the store: what the step was computed with is not known until then.',
  name: 'record of a step',
  formatVersion: 1,
  schema: recordSchema(
    {
      pipeline: TEXT,
      run: TEXT,
      step: TEXT,
      type: TEXT,
      at: TEXT,
      config: OBJECT,
      inputs: mapOf(TEXT),
      code: TEXT,
      libraries: mapOf(TEXT),
      environment: recordSchema({ host: TEXT, platform: TEXT, cpus: TEXT }),
    },
    { cachedFrom: TEXT },
  ),
});

export const RECORDS_PREFIX = 'records/';

const prefixOf = (pipeline: string, run: string): string => `${RECORDS_PREFIX}${pipeline}/${encodeURIComponent(run)}/`;

/** The same for the life of a process. */
let environment: StepEnvironment | undefined;

export async function writeStepRecord(store: ObjectStore, record: Omit<StepRecord, 'formatVersion' | 'environment'>): Promise<void> {
  await putJson(store, `${prefixOf(record.pipeline, record.run)}${record.step}.json`, {
    formatVersion: 1,
    ...record,
    environment: (environment ??= environmentNow()),
  } satisfies StepRecord);
}

/** The records of a run by its steps; of runs that began with an earlier version there are none. @throws BLOB_CORRUPT */
export async function readStepRecords(store: ObjectStore, pipeline: string, run: string): Promise<Map<string, StepRecord>> {
  const found = new Map<string, StepRecord>();
  for await (const { key } of store.list(prefixOf(pipeline, run))) {
    const record = (await getStored(store, STEP_RECORD, key))?.value;
    if (record !== undefined) found.set(record.step, record);
  }
  return found;
}

function environmentNow(): StepEnvironment {
  const all = cpus();
  return { host: hostname(), platform: `${platform()} ${arch()}`, cpus: `${all.length} × ${all[0]?.model.trim() ?? 'unknown'}` };
}
