import { PerennialError, isPerennialError } from '../core/errors.ts';
import type { ObjectStore } from '../core/ports.ts';
import { runIdOf } from '../core/run.ts';

/** `triggers/<pipeline>.json`: the last run that a trigger started, and how many there were for one champion and document. */
export interface TriggerRecord {
  readonly formatVersion: 1;
  readonly champion: number;
  readonly revision: string;
  /** Runs that were started for this champion by this document. */
  readonly attempts: number;
  /** Workflow id of the last one, whose monitor it was, and when it was decided on. */
  readonly run: string;
  readonly by: string;
  readonly at: string;
  readonly kind: 'drift' | 'newData';
  /** Of drift: the predictions in which it was found. */
  readonly window?: { readonly from: string; readonly to: string; readonly version: number };
}

interface Read {
  readonly record: TriggerRecord | undefined;
  readonly etag: string | undefined;
}

/** Where the record of a pipeline lies. */
export function triggersKey(pipeline: string): string {
  return `triggers/${pipeline}.json`;
}

/** @throws BLOB_CORRUPT */
export async function readTriggers(store: ObjectStore, pipeline: string): Promise<Read> {
  const key = triggersKey(pipeline);
  try {
    const { body, etag } = await store.get(key);
    return { record: parse(store, key, new TextDecoder().decode(body)), etag };
  } catch (error) {
    if (isPerennialError(error, 'OBJECT_NOT_FOUND')) return { record: undefined, etag: undefined };
    throw error;
  }
}

function parse(store: ObjectStore, key: string, text: string): TriggerRecord {
  try {
    const record = JSON.parse(text) as TriggerRecord;
    if (record.formatVersion === 1 && Number.isSafeInteger(record.attempts) && typeof record.run === 'string') return record;
  } catch {
    // Told below with what stands there.
  }
  throw new PerennialError(
    'BLOB_CORRUPT',
    `${store.location}: "${key}" is no record of runs that triggers started: ${text.slice(0, 120)}`,
    { hint: 'Delete the object: counting begins anew.' },
  );
}

/** The window of predictions that a champion was retrained for; undefined where it came otherwise. */
export async function retrainedFor(
  store: ObjectStore,
  pipeline: string,
  champion: { readonly pipeline: string; readonly runId: string },
): Promise<TriggerRecord['window']> {
  const { record } = await readTriggers(store, pipeline);
  if (record?.window === undefined || champion.pipeline !== pipeline) return undefined;
  // The id of an execution may end with more than the workflow's id.
  const run = runIdOf(record.run);
  if (champion.runId !== run && !champion.runId.startsWith(`${run}.`)) return undefined;
  return record.window;
}
