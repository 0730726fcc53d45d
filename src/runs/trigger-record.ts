import type { ObjectStore } from '../core/ports.ts';
import { runIdOf } from '../core/run.ts';
import { COUNT, TEXT, defineStored, getStored, recordSchema } from '../storage/stored.ts';
import type { StoredKind } from '../storage/stored.ts';

/** `triggers/<pipeline>.json`: the last run that a trigger started, and how many there were for one champion and document. */
export interface TriggerRecord {
  readonly formatVersion: 1;
  readonly champion: number;
  readonly revision: string;
  /** Runs that were started for this champion by this document. */
  readonly attempts: number;
  /** Runs in a row that their data stopped, before the last one; absent: none. */
  readonly stopped?: number;
  /** Workflow id of the last one, whose monitor it was, and when it was decided on. */
  readonly run: string;
  readonly by: string;
  readonly at: string;
  readonly kind: string;
  /** Of drift: the predictions in which it was found; of drift that went on after a retraining, when it was found first. */
  readonly window?: DriftWindow;
}

export interface DriftWindow {
  readonly from: string;
  readonly to: string;
  readonly version: number;
  readonly since?: string;
}

interface Read {
  readonly record: TriggerRecord | undefined;
  readonly etag: string | undefined;
}

/** Where the record of a pipeline lies. */
export function triggersKey(pipeline: string): string {
  return `triggers/${pipeline}.json`;
}

/** {@link TriggerRecord} as it is stored. */
export const TRIGGER: StoredKind<TriggerRecord> = defineStored({
  at: 'triggers/*.json',
  remade: 'attempts are counted anew',
  name: 'record of runs that triggers started',
  formatVersion: 1,
  schema: recordSchema(
    { attempts: COUNT, run: TEXT },
    {
      champion: COUNT,
      stopped: COUNT,
      revision: TEXT,
      by: TEXT,
      at: TEXT,
      kind: TEXT,
      window: recordSchema({ from: TEXT, to: TEXT, version: COUNT }, { since: TEXT }),
    },
  ),
  broken: { hint: 'Delete the object: counting begins anew.' },
});

/** @throws BLOB_CORRUPT, PIPELINE_OUTDATED */
export async function readTriggers(store: ObjectStore, pipeline: string): Promise<Read> {
  const found = await getStored(store, TRIGGER, triggersKey(pipeline));
  return { record: found?.value, etag: found?.etag };
}

/** The window of predictions that a champion was retrained for, and when that was decided; undefined where it came otherwise. */
export async function retrainedFor(
  store: ObjectStore,
  pipeline: string,
  champion: { readonly pipeline: string; readonly runId: string },
): Promise<(DriftWindow & { readonly at: string }) | undefined> {
  const { record } = await readTriggers(store, pipeline);
  if (record?.window === undefined || champion.pipeline !== pipeline) return undefined;
  // The id of an execution may end with more than the workflow's id.
  const run = runIdOf(record.run);
  if (champion.runId !== run && !champion.runId.startsWith(`${run}.`)) return undefined;
  return { ...record.window, at: record.at };
}
