import { PerennialError, isPerennialError } from '../core/errors.ts';
import type { ObjectStore } from '../core/ports.ts';
import { putJson } from '../storage/json-objects.ts';
import { TEXT, defineStored, listOf, getStored, mapOf, recordSchema } from '../storage/stored.ts';
import type { StoredKind } from '../storage/stored.ts';

/** What people wrote on a run. */
export interface RunLabels {
  readonly formatVersion: 1;
  /** Tag → value; "" of a tag without one. */
  readonly tags: Readonly<Record<string, string>>;
  /** Oldest first. */
  readonly notes: readonly { readonly at: string; readonly by: string; readonly text: string }[];
}

/** {@link RunLabels} as they are stored. */
export const RUN_LABELS: StoredKind<RunLabels> = defineStored({
  at: 'labels/*/*.json',
  fix: 'Restore it from a copy of the store, or remove it and write the tags and notes anew.',
  name: 'tags and notes of a run',
  formatVersion: 1,
  schema: recordSchema({ tags: mapOf(TEXT), notes: listOf(recordSchema({ at: TEXT, by: TEXT, text: TEXT })) }),
});

const NONE: RunLabels = { formatVersion: 1, tags: {}, notes: [] };
const PREFIX = 'labels/';
const CONFLICTS_MAX = 20;
const TAG = /^[A-Za-z0-9][\w.:@-]{0,62}$/;
const TEXT_MAX = 4_000;

/** @param run its name, `<pipeline>/<run>` */
function keyOf(run: string): string {
  const at = run.indexOf('/');
  return `${PREFIX}${run.slice(0, at)}/${encodeURIComponent(run.slice(at + 1))}.json`;
}

/** @throws BLOB_CORRUPT */
export async function readLabels(store: ObjectStore, run: string): Promise<RunLabels> {
  return (await getStored(store, RUN_LABELS, keyOf(run)))?.value ?? NONE;
}

/** Names of the runs that have tags or notes: all others need no look. */
export async function labelledRuns(store: ObjectStore): Promise<Set<string>> {
  const found = new Set<string>();
  for await (const { key } of store.list(PREFIX)) {
    const [, pipeline = '', file = ''] = key.split('/');
    found.add(`${pipeline}/${decodeURIComponent(file.replace(/\.json$/, ''))}`);
  }
  return found;
}

/** Sets and removes tags. @throws USAGE for what is no tag */
export function tagRun(
  store: ObjectStore,
  run: string,
  set: Readonly<Record<string, string>>,
  remove: readonly string[],
): Promise<RunLabels> {
  for (const [tag, value] of [...Object.entries(set), ...remove.map((one) => [one, ''] as const)])
    if (!TAG.test(tag) || value.length > TEXT_MAX)
      throw new PerennialError('USAGE', `${JSON.stringify(tag)} is no tag.`, {
        hint: 'A tag is letters, digits, "_", ".", ":", "@" and "-", up to 63 characters; with a value: NAME=VALUE.',
      });
  return change(store, run, (labels) => ({
    ...labels,
    tags: Object.fromEntries(Object.entries({ ...labels.tags, ...set }).filter(([tag]) => !remove.includes(tag))),
  }));
}

/** Adds a note. @throws USAGE for an empty one, or one that is too long */
export function noteRun(store: ObjectStore, run: string, text: string, by: string): Promise<RunLabels> {
  if (text.trim() === '' || text.length > TEXT_MAX)
    throw new PerennialError('USAGE', `A note has 1 to ${TEXT_MAX} characters; this one has ${text.trim().length}.`, { hint: '' });
  const note = { at: new Date().toISOString(), by, text };
  return change(store, run, (labels) => ({ ...labels, notes: [...labels.notes, note] }));
}

async function change(store: ObjectStore, run: string, next: (labels: RunLabels) => RunLabels): Promise<RunLabels> {
  const key = keyOf(run);
  for (let conflict = 0; ; conflict++) {
    const stored = await getStored(store, RUN_LABELS, key);
    const labels = next(stored?.value ?? NONE);
    try {
      await putJson(store, key, labels, stored === undefined ? { ifNoneMatch: '*' } : { ifMatch: stored.etag });
      return labels;
    } catch (error) {
      if (!isPerennialError(error, 'PRECONDITION_FAILED') || conflict >= CONFLICTS_MAX) throw error;
    }
  }
}
