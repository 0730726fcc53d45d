import type { NotificationEvent } from '../core/notification.ts';
import type { Outcome } from '../core/outcome.ts';
import type { ObjectStore } from '../core/ports.ts';
import { TEXT, defineStored, getStored, orNull, recordSchema } from '../storage/stored.ts';
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
}

export const CONDITION: StoredKind<ConditionRecord> = defineStored({
  at: 'notifications/*/*.json',
  remade: 'what is told next is told although it may have been told before',
  name: 'record of what was told last',
  formatVersion: 1,
  schema: recordSchema({ condition: TEXT, before: orNull(TEXT), id: TEXT, at: TEXT }),
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
  if (found?.value.id === id) return found.value.before ?? undefined;
  const before = found?.value.condition;
  if (found !== undefined && found.value.at > outcome.at) return before;
  const record: ConditionRecord = { formatVersion: 1, condition, before: before ?? null, id, at: outcome.at };
  await store.put(key, Buffer.from(JSON.stringify(record)), found === undefined ? { ifNoneMatch: '*' } : { ifMatch: found.etag });
  return before;
}
