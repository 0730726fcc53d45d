import type { NotificationEvent } from '../core/notification.ts';
import type { Outcome } from '../core/outcome.ts';
import type { ObjectStore } from '../core/ports.ts';
import { TEXT, defineStored, getStored, listOf, orNull, recordSchema } from '../storage/stored.ts';
import type { StoredKind } from '../storage/stored.ts';

type Condition = NotificationEvent | 'fine';

/** `notifications/<pipeline>/<kind>.json`: what was told last, so that it is not told again. */
interface ConditionRecord {
  readonly formatVersion: 1;
  readonly condition: Condition;
  /** The condition before that one, for who asks again about the same outcome. */
  readonly before: Condition | null;
  /** Of the outcome that it came from. */
  readonly id: string;
  /** ISO 8601, by the clock of Temporal. */
  readonly at: string;
  /** What was answered to outcomes before, the latest first: whoever was killed behind the answer asks again, be it after others. */
  readonly former?: readonly Answered[];
}

/** What an outcome was told that was the condition before it. */
interface Answered {
  readonly id: string;
  readonly before: Condition | null;
}

/** Outcomes of one pipeline that may be told at the same time, and more. */
const FORMER_MAX = 20;

export const CONDITION: StoredKind<ConditionRecord> = defineStored({
  at: 'notifications/*/*.json',
  remade: 'what is told next is told although it may have been told before',
  name: 'record of what was told last',
  formatVersion: 1,
  schema: recordSchema(
    { condition: TEXT, before: orNull(TEXT), id: TEXT, at: TEXT },
    { former: listOf(recordSchema({ id: TEXT, before: orNull(TEXT) })) },
  ),
});

const keyOf = ({ pipeline, kind }: Pick<Outcome, 'pipeline' | 'kind'>): string => `notifications/${pipeline}/${kind}.json`;

/**
 * Keeps what an outcome leaves behind, and gives the condition before it: the same answer where the same outcome asks once more. An older
 * outcome never takes the place of a newer one.
 */
export async function exchangeCondition(
  store: ObjectStore,
  outcome: Outcome,
  id: string,
  condition: Condition,
): Promise<Condition | undefined> {
  const key = keyOf(outcome);
  const found = await getStored(store, CONDITION, key);
  const answered = found === undefined ? [] : [{ id: found.value.id, before: found.value.before }, ...(found.value.former ?? [])];
  const again = answered.find((one) => one.id === id);
  if (again !== undefined) return again.before ?? undefined;
  const before = found?.value.condition;
  const isOlder = found !== undefined && found.value.at > outcome.at;
  const record: ConditionRecord = isOlder
    ? { ...found.value, former: [{ id, before: found.value.condition }, ...answered.slice(1)].slice(0, FORMER_MAX) }
    : { formatVersion: 1, condition, before: before ?? null, id, at: outcome.at, former: answered.slice(0, FORMER_MAX) };
  await store.put(key, Buffer.from(JSON.stringify(record)), found === undefined ? { ifNoneMatch: '*' } : { ifMatch: found.etag });
  return before;
}
