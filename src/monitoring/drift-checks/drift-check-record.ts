import { PerennialError, messageOf } from '../../core/errors.ts';
import type { ObjectStore } from '../../core/ports.ts';
import { mapLimited } from '../../storage/concurrency.ts';
import { putJsonOnce } from '../../storage/json-objects.ts';
import { COUNT, OBJECT, TEXT, defineStored, getStored, isUnreadable, orNull, recordSchema } from '../../storage/stored.ts';
import type { StoredKind } from '../../storage/stored.ts';
import type { DriftResult } from '../detect.ts';

/** What came of a check. */
export interface DriftVerdict {
  /** true: time to do something. */
  readonly alarm: boolean;
  /**
   * "alarm"; "waiting": this window drifted, and too few of those before it; "coolingDown": the last alarm was a short while ago;
   * "stable"; "tooFewRows".
   */
  readonly outcome: 'alarm' | 'waiting' | 'coolingDown' | 'stable' | 'tooFewRows';
  /** One sentence. */
  readonly reason: string;
}

/** A check that was made: `drift/<model>/checks/<time>-<id>.json`. */
export interface DriftCheck {
  readonly formatVersion: 1;
  readonly id: string;
  readonly model: string;
  /** Version that was compared with. */
  readonly version: number;
  /** ISO 8601, UTC. */
  readonly at: string;
  /** What windows it is one of; null: of none. */
  readonly stream: string | null;
  /** Where the rows came from, in words. */
  readonly source: string;
  /** Of predictions: when they were made. */
  readonly window: { readonly from: string; readonly to: string } | null;
  readonly verdict: DriftVerdict;
  readonly result: DriftResult;
}

/** {@link DriftCheck} as it is stored. */
export const DRIFT_CHECK: StoredKind<DriftCheck> = defineStored({
  name: 'record of a check for drift',
  at: 'drift/*/checks/*.json',
  fix: 'Delete the object: it is the record of one check, which nothing else rests on.',
  formatVersion: 1,
  schema: recordSchema({
    id: TEXT,
    model: TEXT,
    version: COUNT,
    at: TEXT,
    stream: orNull(TEXT),
    source: TEXT,
    window: orNull(recordSchema({ from: TEXT, to: TEXT })),
    verdict: recordSchema({ alarm: { type: 'boolean' }, outcome: TEXT, reason: TEXT }),
    result: OBJECT,
  }),
  broken: { hint: 'Delete the object: it is the record of one check, which nothing else rests on.' },
});

const READS_AT_ONCE = 16;
const CHECKS_PREFIX = 'drift/';
const folderOf = (model: string): string => `${CHECKS_PREFIX}${model}/checks/`;

/** To the second: what a check is called sorts as its time. */
const timeKey = (at: string): string => at.replace(/[-:]|\.\d+/g, '');

/** Kept once: the same check made again finds itself. */
export async function keepCheck(store: ObjectStore, check: DriftCheck): Promise<void> {
  const key = `${folderOf(check.model)}${timeKey(check.at)}-${check.id}.json`;
  await putJsonOnce(store, key, check);
}

/** Checks of a model that can be read, newest first; how many are kept; and what is wrong with the others. */
export async function listChecks(
  store: ObjectStore,
  model: string,
  limit: number,
): Promise<{ readonly checks: readonly DriftCheck[]; readonly all: number; readonly problems: readonly string[] }> {
  const keys = await keysOf(store, model);
  return { ...(await readChecks(store, keys.sort().reverse().slice(0, limit))), all: keys.length };
}

/** What is gone by now was collected since it was listed. */
async function readChecks(store: ObjectStore, keys: readonly string[]): Promise<Pick<ChecksBetween, 'checks' | 'problems'>> {
  const found = await mapLimited(keys, READS_AT_ONCE, async (key) => {
    try {
      return (await getStored(store, DRIFT_CHECK, key))?.value;
    } catch (error) {
      if (!isUnreadable(error)) throw error;
      return messageOf(error);
    }
  });
  return {
    checks: found.filter((one) => typeof one === 'object'),
    problems: found.filter((one) => typeof one === 'string'),
  };
}

/** Those of a stretch of time that can be read, newest first, how many more there are, and what is wrong with the others. */
export interface ChecksBetween {
  readonly checks: readonly DriftCheck[];
  /** Older ones that were not read. */
  readonly more: number;
  readonly problems: readonly string[];
}

/** Checks of a model with `from ≤ time < to`. */
export async function checksBetween(
  store: ObjectStore,
  model: string,
  { from, to }: { readonly from: Date; readonly to: Date },
  limit: number,
): Promise<ChecksBetween> {
  // Names of checks tell seconds, what is in them milliseconds.
  const [first, last] = [timeKey(from.toISOString()), timeKey(to.toISOString())];
  const timeOf = (key: string): string => key.slice(folderOf(model).length).split('-')[0]!;
  const keys = (await keysOf(store, model)).filter((key) => timeOf(key) >= first && timeOf(key) <= last);
  const newest = keys.sort().reverse().slice(0, limit);
  const { checks, problems } = await readChecks(store, newest);
  const isIn = ({ at }: DriftCheck): boolean => Date.parse(at) >= from.getTime() && Date.parse(at) < to.getTime();
  return { checks: checks.filter(isIn), more: keys.length - newest.length, problems };
}

async function keysOf(store: ObjectStore, model: string): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of store.list(folderOf(model))) keys.push(key);
  return keys;
}

/** @param id or its beginning. @param model look at its checks alone. @throws NOT_FOUND; USAGE where several begin so */
export async function findCheck(store: ObjectStore, id: string, model?: string): Promise<DriftCheck> {
  const keys: string[] = [];
  for await (const { key } of store.list(model === undefined ? CHECKS_PREFIX : folderOf(model)))
    if (/\/checks\/[^/]+-([0-9a-f]+)\.json$/.exec(key)?.[1]?.startsWith(id)) keys.push(key);
  if (keys.length > 1)
    throw new PerennialError('USAGE', `${keys.length} checks have an id that begins with ${JSON.stringify(id)}.`, {
      hint: 'Give more of it, as `perennial drift history MODEL` prints it.',
    });
  const found = keys.length === 0 ? undefined : await getStored(store, DRIFT_CHECK, keys[0]!);
  if (found === undefined)
    throw new PerennialError('NOT_FOUND', `There is no check with the id ${JSON.stringify(id)}.`, {
      hint: '`perennial drift history MODEL` lists those that are kept; `perennial models gc` removes old ones.',
    });
  return found.value;
}
