import { canonicalJson } from '../../core/json.ts';
import type { ObjectStore } from '../../core/ports.ts';
import type { Row } from '../../core/tensor.ts';
import { OBJECT, TEXT, defineStored, recordSchema } from '../../storage/stored.ts';
import type { StoredKind } from '../../storage/stored.ts';
import { LOG_HINT, Unread, readLines, refuseUnread } from '../../storage/unread.ts';
import { identityOf } from '../../storage/store-identity.ts';
import { hashedValue } from '../predictions/hidden-columns.ts';
import { parseLine } from '../predictions/logged-prediction.ts';
import type { LoggedPrediction } from '../predictions/logged-prediction.ts';
import { feedbackPrefix } from './feedback-record.ts';
import type { FeedbackRecord } from './feedback-record.ts';

/** What is known of predictions, to be asked by what was logged of them. */
export class FeedbackIndex {
  readonly #byId = new Map<string, FeedbackRecord>();
  /** By the names of the columns, then by their values. */
  readonly #byKey = new Map<string, { readonly columns: readonly string[]; readonly records: Map<string, FeedbackRecord> }>();
  readonly #byHashedKey = new Map<string, ReadonlyMap<string, FeedbackRecord>>();
  readonly #found = new Set<FeedbackRecord>();
  readonly #hashKey: string;

  /** @param hashKey the id of the store, which hidden values are hashed with */
  constructor(hashKey = '') {
    this.#hashKey = hashKey;
  }

  /** What came last holds; a label and a flag that came apart are both kept. */
  add(record: FeedbackRecord): void {
    this.#byHashedKey.clear();
    const [records, name] = this.#placeOf(record);
    const before = records.get(name);
    records.set(name, before === undefined ? record : together(before, record));
  }

  /** Items that are told apart. */
  get size(): number {
    return this.#byId.size + [...this.#byKey.values()].reduce((sum, { records }) => sum + records.size, 0);
  }

  /** Items that no prediction was found for so far. */
  get unmatched(): number {
    return this.size - this.#found.size;
  }

  /**
   * Whatever names the prediction: its id, with the row or without, and values of its row. What came last holds among them too.
   *
   * @param prediction as it was logged
   */
  find({ id, row, hidden }: Pick<LoggedPrediction, 'id' | 'row' | 'hidden'>): FeedbackRecord | undefined {
    const byId = [this.#byId.get(`${id}/0`), this.#byId.get(id)].filter((record) => record !== undefined);
    const found = [...(row === null ? [] : this.#byRow(row, hidden?.hashed ?? [])), ...byId];
    for (const record of found) this.#found.add(record);
    return found.length < 2 ? found[0] : found.reduce(together);
  }

  #byRow(row: Row, hashed: readonly string[]): FeedbackRecord[] {
    return [...this.#byKey.values()].flatMap(({ columns, records }) => {
      if (!columns.every((column) => Object.hasOwn(row, column))) return [];
      const digested = columns.filter((column) => hashed.includes(column));
      const known = digested.length === 0 ? records : this.#hashed(columns, records, digested);
      const found = known.get(nameOf(columns, row));
      return found === undefined ? [] : [found];
    });
  }

  /** What was told by values that the log has digests of. */
  #hashed(
    columns: readonly string[],
    records: ReadonlyMap<string, FeedbackRecord>,
    digested: readonly string[],
  ): ReadonlyMap<string, FeedbackRecord> {
    const kind = canonicalJson([columns, digested]);
    const made = this.#byHashedKey.get(kind);
    if (made !== undefined) return made;
    const hashed = new Map(
      [...records.values()].map((record) => {
        const values = Object.fromEntries(
          columns.map((column) => {
            const value = record.key![column];
            return [column, digested.includes(column) ? hashedValue(this.#hashKey, column, value) : value];
          }),
        );
        return [nameOf(columns, values), record] as const;
      }),
    );
    this.#byHashedKey.set(kind, hashed);
    return hashed;
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

/** A label and a flag that came apart are both kept; what came last holds, of two of the same moment the second. */
function together(one: FeedbackRecord, other: FeedbackRecord): FeedbackRecord {
  return one.time <= other.time ? { ...one, ...other } : { ...other, ...one };
}

/** A number and its text are the same value: one side may come from a table. */
const nameOf = (columns: readonly string[], values: Readonly<Record<string, unknown>>): string =>
  canonicalJson(columns.map((column) => String(values[column])));

/** All feedback of a model that arrived from a time on. @param unread is told of lines that are none; without it they are a DATA_INVALID */
export async function readFeedbackOf(store: ObjectStore, model: string, from: Date, unread?: Unread): Promise<FeedbackIndex> {
  const index = new FeedbackIndex((await identityOf(store))?.id);
  const told = unread ?? new Unread();
  for await (const records of readFeedbackLines(store, model, from, told)) for (const record of records) index.add(record);
  if (unread === undefined) refuseUnread(told);
  return index;
}

/** The feedback of a model from the day of a time on, object by object. @param unread is told of lines that are none */
export async function* readFeedbackLines(
  store: ObjectStore,
  model: string,
  from: Date,
  unread: Unread,
): AsyncGenerator<readonly FeedbackRecord[]> {
  const prefix = feedbackPrefix(model);
  const first = from.toISOString().slice(0, 10);
  for await (const { key } of store.list(prefix)) {
    if (key.slice(prefix.length, prefix.length + 10) < first) continue;
    const { body } = await store.get(key);
    yield readLines(FEEDBACK, new TextDecoder().decode(body), key, parseLine, unread);
  }
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
