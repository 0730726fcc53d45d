import { createWriteStream } from 'node:fs';
import { rename } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { isPerennialError } from '../core/errors.ts';
import type { ObjectStore } from '../core/ports.ts';
import { mapLimited } from '../storage/concurrency.ts';
import { COUNT, TEXT, defineStored, getReadable, mapOf, recordSchema } from '../storage/stored.ts';
import type { StoredKind } from '../storage/stored.ts';
import type { PartKeeper } from './parts.ts';
import { partName } from './score-task.ts';
import type { PartRecord } from './score-task.ts';

/** {@link PartRecord} as it is stored, beside the files of the part. */
export const SCORED_PART: StoredKind<PartRecord> = defineStored({
  name: 'part of a scoring',
  formatVersion: 1,
  at: 'scoring/*/*.json',
  schema: recordSchema({
    part: COUNT,
    rows: COUNT,
    answered: COUNT,
    aside: COUNT,
    files: mapOf(recordSchema({ digest: TEXT, size: COUNT })),
  }),
  remade: 'the part is answered once more',
});

/** Where parts lie until the scoring is done: another machine goes on with them. */
export const SCORING_PREFIX = 'scoring/';
const CONCURRENT = 4;

/** Parts of a scoring in the store. @param binding of the scoring: only its own parts are found */
export function storeParts(store: ObjectStore, binding: string): PartKeeper & { readonly clear: () => Promise<void> } {
  const prefix = `${SCORING_PREFIX}${binding}/`;
  return {
    async list() {
      const found: PartRecord[] = [];
      for await (const { key } of store.list(prefix)) {
        if (!key.endsWith('.json')) continue;
        const record = await getReadable(store, SCORED_PART, key);
        if (record !== undefined) found.push(record);
      }
      return found;
    },
    async fetch({ files }, folder) {
      for (const name of Object.keys(files)) {
        try {
          await pipeline(Readable.from(await store.getStream(prefix + name)), createWriteStream(join(folder, `${name}.part`)));
        } catch (error) {
          // A part that is not there any more is answered once more.
          if (isPerennialError(error, 'OBJECT_NOT_FOUND')) return;
          throw error;
        }
        await rename(join(folder, `${name}.part`), join(folder, name));
      }
    },
    async keep(record, folder) {
      await Promise.all(Object.keys(record.files).map((name) => store.putFile(prefix + name, join(folder, name))));
      // The record last: where it is, the files are.
      await store.put(`${prefix}${partName(record.part)}.json`, Buffer.from(JSON.stringify(record)), { contentType: 'application/json' });
    },
    async clear() {
      const keys: string[] = [];
      for await (const { key } of store.list(prefix)) keys.push(key);
      // The records first, for the same reason.
      for (const part of [keys.filter((key) => key.endsWith('.json')), keys.filter((key) => !key.endsWith('.json'))])
        await mapLimited(part, CONCURRENT, (key) => store.delete(key));
    },
  };
}
