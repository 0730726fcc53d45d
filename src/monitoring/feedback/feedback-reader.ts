import { canonicalJson } from '../../core/json.ts';
import type { ObjectStore } from '../../core/ports.ts';
import type { Row } from '../../core/tensor.ts';
import { OBJECT, TEXT, defineStored, recordSchema } from '../../storage/stored.ts';
import type { StoredKind } from '../../storage/stored.ts';
import { LOG_HINT, Unread, readLines, refuseUnread } from '../../storage/unread.ts';
import { parseLine } from '../prediction-window.ts';
import { feedbackPrefix } from './feedback-record.ts';
import type { FeedbackRecord } from './feedback-record.ts';

/** What is known of predictions, to be asked by what was logged of them. */
export class FeedbackIndex {
  readonly #byId = new Map<string, FeedbackRecord>();
  /** By the names of the columns, then by their values. */
  readonly #byKey = new Map<string, { readonly columns: readonly string[]; readonly records: Map<string, FeedbackRecord> }>();
  readonly #found = new Set<FeedbackRecord>();

  /** What came last holds; a label and a flag that came apart are both kept. */
  add(record: FeedbackRecord): void {
    const [records, name] = this.#placeOf(record);
    const before = records.get(name);
    const [older, newer] = before === undefined || before.time <= record.time ? [before, record] : [record, before];
    records.set(name, { ...older, ...newer });
  }

  /** Items that are told apart. */
  get size(): number {
    return this.#byId.size + [...this.#byKey.values()].reduce((sum, { records }) => sum + records.size, 0);
  }

  /** Items that no prediction was found for so far. */
  get unmatched(): number {
    return this.size - this.#found.size;
  }

  find(id: string, row: Row | null): FeedbackRecord | undefined {
    const found = this.#byId.get(id) ?? this.#byId.get(`${id}/0`) ?? (row === null ? undefined : this.#byRow(row));
    if (found !== undefined) this.#found.add(found);
    return found;
  }

  #byRow(row: Row): FeedbackRecord | undefined {
    for (const { columns, records } of this.#byKey.values()) {
      if (!columns.every((column) => Object.hasOwn(row, column))) continue;
      const found = records.get(nameOf(columns, row as Readonly<Record<string, unknown>>));
      if (found !== undefined) return found;
    }
    return undefined;
  }

  #placeOf({ id, key }: FeedbackRecord): readonly [Map<string, FeedbackRecord>, string] {
    if (id !== undefined) return [this.#byId, id];
    const columns = Object.keys(key!).sort();
    const kind = canonicalJson(columns);
    let group = this.#byKey.get(kind);
    if (group === undefined) this.#byKey.set(kind, (group = { columns, records: new Map() }));
    return [group.records, nameOf(columns, key!)];
  }
}

/** A number and its text are the same value: one side may come from a table. */
const nameOf = (columns: readonly string[], values: Readonly<Record<string, unknown>>): string =>
  canonicalJson(columns.map((column) => String(values[column])));

/** All feedback of a model that arrived from a time on. @param unread is told of lines that are none; without it they are a DATA_INVALID */
export async function readFeedbackOf(store: ObjectStore, model: string, from: Date, unread?: Unread): Promise<FeedbackIndex> {
  const index = new FeedbackIndex();
  const told = unread ?? new Unread();
  const prefix = feedbackPrefix(model);
  const first = from.toISOString().slice(0, 10);
  for await (const { key } of store.list(prefix)) {
    if (key.slice(prefix.length, prefix.length + 10) < first) continue;
    const { body } = await store.get(key);
    for (const record of readLines(FEEDBACK, new TextDecoder().decode(body), key, parseLine, told)) index.add(record);
  }
  if (unread === undefined) refuseUnread(told);
  return index;
}

/** {@link FeedbackRecord} as it is stored. */
export const FEEDBACK: StoredKind<FeedbackRecord> = defineStored({
  name: 'line of feedback',
  formatVersion: 1,
  schema: {
    ...recordSchema({ time: TEXT }, { id: TEXT, key: OBJECT, flag: { type: 'boolean' }, comment: TEXT }),
    anyOf: [{ required: ['id'] }, { required: ['key'] }],
  },
  broken: { code: 'DATA_INVALID', hint: LOG_HINT },
  at: 'feedback/*/*/*.ndjson',
  lines: true,
});
