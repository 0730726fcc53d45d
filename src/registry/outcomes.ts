import { messageOf } from '../core/errors.ts';
import { isRemembered } from '../core/outcome.ts';
import type { Outcome } from '../core/outcome.ts';
import type { ObjectStore } from '../core/ports.ts';
import { mapLimited } from '../storage/concurrency.ts';
import { sha256 } from '../storage/digest.ts';
import { putJsonOnce } from '../storage/json-objects.ts';
import { COUNT, NUMBER, TEXT, defineStored, getStored, isUnreadable, orNull, recordSchema } from '../storage/stored.ts';
import type { StoredKind } from '../storage/stored.ts';

const PREFIX = 'outcomes/';
export const JOURNAL_PREFIX = 'journal/';
const READS_AT_ONCE = 16;

/** {@link Outcome} as it is stored. */
export const OUTCOME: StoredKind<Outcome> = defineStored({
  at: 'outcomes/**.json',
  remade: 'the next run or check writes what it came to',
  name: 'outcome of a run or check',
  formatVersion: 1,
  schema: recordSchema(
    { kind: TEXT, at: TEXT, outcome: TEXT },
    { pipeline: TEXT, summary: TEXT, workflow: TEXT, trigger: TEXT, model: orNull(TEXT), version: COUNT, seconds: NUMBER },
  ),
});

/** An {@link Outcome} that is remembered. */
export const JOURNAL_ENTRY: StoredKind<Outcome> = defineStored({
  at: 'journal/**.json',
  name: 'remembered outcome of a run or check',
  formatVersion: 1,
  schema: recordSchema(
    { pipeline: TEXT, kind: TEXT, at: TEXT, outcome: TEXT, summary: TEXT, workflow: TEXT, model: orNull(TEXT) },
    { trigger: TEXT, version: COUNT, seconds: NUMBER },
  ),
  fix: 'Delete the object: it is the record of one run or check, which nothing else rests on.',
  broken: { hint: 'Delete the object: it is the record of one run or check, which nothing else rests on.' },
});

/**
 * Keeps what came last, and for good what is part of the story of a model. An older one never takes the place of a newer one.
 *
 * @returns whether it was news
 */
export async function writeOutcome(store: ObjectStore, outcome: Outcome): Promise<boolean> {
  if (isRemembered(outcome)) await remember(store, outcome);
  const key = `${PREFIX}${outcome.pipeline}/${outcome.kind}.json`;
  const before = await read(store, key);
  if (before !== undefined && 'at' in before.found && before.found.at >= outcome.at) return false;
  await store.put(key, Buffer.from(JSON.stringify(outcome)), before?.etag === undefined ? { ifNoneMatch: '*' } : { ifMatch: before.etag });
  return true;
}

/** Told again it is the same entry: its key follows from what it is of. */
async function remember(store: ObjectStore, outcome: Outcome): Promise<void> {
  const { pipeline, kind, workflow, at } = outcome;
  const key = `${JOURNAL_PREFIX}${pipeline}/${timeKey(at)}-${sha256(JSON.stringify([kind, workflow, at])).slice(0, 12)}.json`;
  await putJsonOnce(store, key, outcome);
}

/** Sorts as the time does. */
const timeKey = (at: string): string => new Date(at).toISOString().replace(/[-:]/g, '');

/** With what the schema does not ask for, and everybody relies on. */
function whole(outcome: Outcome, pipeline: string): Outcome {
  const least = { pipeline, summary: '', workflow: pipeline, trigger: '', model: null };
  return { ...least, ...outcome };
}

/** An entry lies at its time. */
const atOf =
  (key: string) =>
  ({ at }: Outcome): string | undefined =>
    Number.isNaN(Date.parse(at)) || !key.includes(`/${timeKey(at)}-`)
      ? `its "at" is ${JSON.stringify(at)}, and not the time of its name`
      : undefined;

export interface Journal {
  /** Oldest first. */
  readonly entries: readonly Outcome[];
  /** Of entries that cannot be read. */
  readonly problems: readonly string[];
}

/** What came of the runs and checks of a pipeline with `from ≤ time < to`. */
export async function readJournal(
  store: ObjectStore,
  pipeline: string,
  { from, to }: { readonly from: Date; readonly to: Date },
): Promise<Journal> {
  const prefix = `${JOURNAL_PREFIX}${pipeline}/`;
  const [first, end] = [timeKey(from.toISOString()), timeKey(to.toISOString())];
  const keys: string[] = [];
  for await (const { key } of store.list(prefix)) {
    const time = key.slice(prefix.length, prefix.length + first.length);
    if (time >= first && time < end) keys.push(key);
  }
  const found = await mapLimited(keys.sort(), READS_AT_ONCE, async (key) => {
    try {
      const found = await getStored(store, JOURNAL_ENTRY, key, atOf(key));
      return found === undefined ? undefined : whole(found.value, pipeline);
    } catch (error) {
      if (!isUnreadable(error)) throw error;
      return messageOf(error);
    }
  });
  return {
    entries: found.flatMap((one) => (one === undefined || typeof one === 'string' ? [] : [one])),
    problems: found.flatMap((one) => (typeof one === 'string' ? [one] : [])),
  };
}

/** What came of runs and checks in a stretch of time, each read once, for who asks several times. */
export interface Journals {
  /** {@link readOutcomes} */
  outcomes(): ReturnType<typeof readOutcomes>;
  /** {@link readJournal} */
  of(pipeline: string): Promise<Journal>;
}

export function journalsOf(store: ObjectStore, span: Parameters<typeof readJournal>[2]): Journals {
  const known = new Map<string, Promise<Journal>>();
  let last: ReturnType<typeof readOutcomes> | undefined;
  return {
    outcomes: () => (last ??= readOutcomes(store)),
    of(pipeline) {
      const journal = known.get(pipeline) ?? readJournal(store, pipeline, span);
      known.set(pipeline, journal);
      return journal;
    },
  };
}

/** Pipelines that have an entry. */
export async function journalPipelines(store: ObjectStore): Promise<readonly string[]> {
  const names = new Set<string>();
  for await (const { key } of store.list(JOURNAL_PREFIX)) names.add(key.slice(JOURNAL_PREFIX.length, key.lastIndexOf('/')));
  return [...names].sort();
}

/** What came last of a kind; undefined where nothing did, or it cannot be read. */
export async function readOutcome(store: ObjectStore, pipeline: string, kind: Outcome['kind']): Promise<Outcome | undefined> {
  const found = (await read(store, `${PREFIX}${pipeline}/${kind}.json`))?.found;
  return found === undefined || 'problem' in found ? undefined : found;
}

/** All of them that can be read, and what is wrong with the others. */
export async function readOutcomes(
  store: ObjectStore,
): Promise<{ readonly outcomes: readonly Outcome[]; readonly problems: readonly string[] }> {
  const outcomes: Outcome[] = [];
  const problems: string[] = [];
  for await (const { key } of store.list(PREFIX)) {
    const found = (await read(store, key))?.found;
    if (found === undefined) continue;
    if ('problem' in found) problems.push(found.problem);
    else outcomes.push(found);
  }
  return { outcomes, problems };
}

async function read(
  store: ObjectStore,
  key: string,
): Promise<{ readonly found: Outcome | { readonly problem: string }; readonly etag: string | undefined } | undefined> {
  try {
    const found = await getStored(store, OUTCOME, key);
    return found === undefined
      ? undefined
      : { found: whole(found.value, key.slice(PREFIX.length, key.lastIndexOf('/'))), etag: found.etag };
  } catch (error) {
    if (!isUnreadable(error)) throw error;
    return { found: { problem: messageOf(error) }, etag: (await store.head(key))?.etag };
  }
}
