import { expect, it } from 'vitest';
import type { Outcome } from '../../../src/core/outcome.ts';
import { exchangeCondition } from '../../../src/notifications/condition.ts';
import { MemoryStore } from '../../../src/storage/memory-store.ts';

const outcome = (minute: number): Outcome => ({ pipeline: 'p', kind: 'run', at: `2026-12-01T00:0${minute}:00.000Z` }) as Outcome;

it('an outcome is told the condition before it, however often it asks, and whatever came meanwhile', async () => {
  const store = new MemoryStore();
  const first = (): Promise<unknown> => exchangeCondition(store, outcome(1), 'a', 'fine');
  const second = (): Promise<unknown> => exchangeCondition(store, outcome(2), 'b', 'failed');
  const third = (): Promise<unknown> => exchangeCondition(store, outcome(3), 'c', 'failed');
  expect(await first()).toBeUndefined();
  expect(await second()).toBe('fine');
  expect(await second()).toBe('fine');
  // Its worker was killed behind the record, and another run failed before it asks again: it is still the first that failed.
  expect(await third()).toBe('failed');
  expect(await second()).toBe('fine');
  expect(await first()).toBeUndefined();
  expect(await third()).toBe('failed');
});

it('an older outcome takes the place of none, and is answered the same when it asks again after others', async () => {
  const store = new MemoryStore();
  await exchangeCondition(store, outcome(5), 'new', 'failed');
  const older = (): Promise<unknown> => exchangeCondition(store, outcome(1), 'old', 'fine');
  expect(await older()).toBe('failed');
  expect(await exchangeCondition(store, outcome(6), 'newer', 'fine')).toBe('failed');
  expect(await older()).toBe('failed');
  expect(await exchangeCondition(store, outcome(7), 'newest', 'failed')).toBe('fine');
});
