import { afterEach, describe, expect, it, vi } from 'vitest';
import { PerennialError } from '../../../src/core/errors.ts';
import type { ObjectStore, PutOptions } from '../../../src/core/ports.ts';
import type { RolloutRouting } from '../../../src/core/rollout.ts';
import { routingKey, transitionKey, transitionsPrefix } from '../../../src/registry/keys.ts';
import {
  changeRouting,
  emptyRouting,
  historyGaps,
  readHistory,
  readRouting,
  rebuildRouting,
  recordLastChange,
  recordedTransitions,
  whoBegan,
  whoMoved,
} from '../../../src/registry/routing.ts';
import type { Proposal } from '../../../src/registry/routing.ts';
import type { Routing } from '../../../src/registry/types.ts';
import { MemoryStore } from '../../../src/storage/memory-store.ts';

const ada = { who: 'ada', why: 'better', automatic: false };
const promotion = (from: number | null, to: number, more: Partial<Proposal> = {}): Proposal => ({
  action: 'promote',
  alias: 'champion',
  from,
  to,
  aliases: { champion: to },
  ...more,
});
const change = (store: ObjectStore, proposal: Proposal | undefined, author: Parameters<typeof changeRouting>[2] = ada) =>
  changeRouting(store, 'm', author, () => proposal);
const keysBelow = async (store: ObjectStore, prefix: string): Promise<string[]> => {
  const keys: string[] = [];
  for await (const { key } of store.list(prefix)) keys.push(key);
  return keys;
};
const stored = async (store: ObjectStore): Promise<Routing> => (await readRouting(store, 'm'))!.routing;
const rollout = (id: string, more: Partial<RolloutRouting> = {}): RolloutRouting => ({
  id,
  kind: 'canary',
  champion: 1,
  candidate: 2,
  share: 0.1,
  step: 0,
  ...more,
});

/** A store that does something of its own at puts of some keys. */
class Staged extends MemoryStore {
  onPut: (key: string, put: () => Promise<{ etag: string }>) => Promise<{ etag: string }> = (_key, put) => put();

  override put(key: string, body: Uint8Array, options?: PutOptions): Promise<{ etag: string }> {
    return this.onPut(key, () => super.put(key, body, options));
  }
}

/** The next put of a key is done by `act`; the others go through. */
function once(
  store: Staged,
  wanted: (key: string) => boolean,
  act: (put: () => Promise<{ etag: string }>) => Promise<{ etag: string }>,
): void {
  store.onPut = (key, put) => {
    if (!wanted(key)) return put();
    store.onPut = (_key, other) => other();
    return act(put);
  };
}
const isRouting = (key: string): boolean => key === routingKey('m');
const isTransition = (key: string): boolean => key.startsWith(transitionsPrefix('m'));
const away = (): PerennialError => new PerennialError('STORE_UNAVAILABLE', 'Away.');

afterEach(() => void vi.restoreAllMocks());

describe('a change of the routing', () => {
  it('is the next revision, with the transition that led to it beside it', async () => {
    const store = new MemoryStore();
    const first = await change(store, promotion(null, 1, { fallback: 'nothing', previous: [] }));
    expect(first).toMatchObject({ changed: true, from: null, to: 1, pin: null, routing: { revision: 1, aliases: { champion: 1 } } });
    expect(first).not.toHaveProperty('ended');
    const pin = { version: 2, by: 'ada', at: '2026-01-01T00:00:00.000Z', why: 'safe' };
    const second = await change(store, promotion(1, 2, { pin, previous: [1], deleted: [7] }), {
      who: 'run',
      why: 'judged',
      automatic: true,
    });
    expect(second).toMatchObject({ changed: true, from: 1, to: 2, pin });
    const now = await stored(store);
    expect(now).toEqual(second.routing);
    expect(now).toMatchObject({ name: 'm', revision: 2, aliases: { champion: 2 }, pin, previous: [1], deleted: [7], fallback: 'nothing' });
    expect(now.transition).toMatchObject({
      formatVersion: 1,
      name: 'm',
      revision: 2,
      who: 'run',
      why: 'judged',
      action: 'promote',
      alias: 'champion',
      from: 1,
      to: 2,
      automatic: true,
      aliases: { champion: 2 },
      pin,
      fallback: 'nothing',
    });
    expect(now.transition).not.toHaveProperty('rollout');
    expect(now.transition).not.toHaveProperty('ended');
    expect(await recordedTransitions(store, 'm')).toEqual([first.routing.transition, second.routing.transition]);
    expect(await keysBelow(store, transitionsPrefix('m'))).toEqual([
      transitionKey(first.routing.transition),
      transitionKey(now.transition),
    ]);
    const third = await change(store, { action: 'unpin', alias: null, from: 2, to: 2, pin: null });
    expect(third.routing).toMatchObject({ aliases: { champion: 2 }, pin: null, previous: [1], deleted: [7], fallback: 'nothing' });
    expect(new Set((await recordedTransitions(store, 'm')).map(({ id }) => id)).size).toBe(3);
  });

  it('is none where nothing is proposed: nothing is written', async () => {
    const store = new MemoryStore();
    expect(await change(store, undefined)).toEqual({ changed: false, from: null, to: null, pin: null, routing: emptyRouting('m') });
    expect(await keysBelow(store, '')).toEqual([]);
    await change(store, promotion(null, 4));
    expect(await change(store, undefined)).toMatchObject({ changed: false, from: 4, to: 4, routing: { revision: 1 } });
    expect((await keysBelow(store, transitionsPrefix('m'))).length).toBe(1);
  });

  it('asked for again by the same request is done once', async () => {
    const store = new MemoryStore();
    const asked = { ...ada, requestId: 'request 1' };
    await change(store, promotion(null, 1), asked);
    await change(store, promotion(1, 2));
    const decide = vi.fn();
    expect(await changeRouting(store, 'm', asked, decide)).toMatchObject({
      changed: true,
      from: null,
      to: 1,
      pin: null,
      routing: { revision: 2 },
    });
    expect(decide).not.toHaveBeenCalled();
    expect(await change(store, promotion(2, 3), { ...ada, requestId: 'request 2' })).toMatchObject({ from: 2, to: 3 });
    expect((await stored(store)).revision).toBe(3);
  });

  it('is decided anew where somebody else was faster', async () => {
    const store = new Staged();
    await change(store, promotion(null, 1));
    once(store, isRouting, async (put) => {
      await change(store, promotion(1, 2), { ...ada, who: 'bob' });
      return put();
    });
    const seen: (number | undefined)[] = [];
    const last = await changeRouting(store, 'm', ada, (current) => {
      seen.push(current.aliases['champion']);
      return promotion(current.aliases['champion']!, 3);
    });
    expect(seen).toEqual([1, 2]);
    expect(last).toMatchObject({ changed: true, from: 2, to: 3, routing: { revision: 3 } });
    expect((await readHistory(store, 'm')).map(({ revision, who }) => [revision, who])).toEqual([
      [1, 'ada'],
      [2, 'bob'],
      [3, 'ada'],
    ]);
  });

  it('races for the first change as well', async () => {
    const store = new Staged();
    once(store, isRouting, async (put) => {
      await change(store, promotion(null, 1));
      return put();
    });
    expect(await changeRouting(store, 'm', ada, (current) => promotion(current.aliases['champion'] ?? null, 2))).toMatchObject({
      from: 1,
      to: 2,
      routing: { revision: 2 },
    });
  });

  it('is given up after a thousand lost races', async () => {
    const store = new Staged();
    vi.spyOn(globalThis, 'setTimeout').mockImplementation(((done: () => void) => queueMicrotask(done)) as never);
    let tries = 0;
    store.onPut = (key, put) => {
      if (!isRouting(key)) return put();
      tries += 1;
      return Promise.reject(new PerennialError('PRECONDITION_FAILED', 'Another.'));
    };
    await expect(change(store, promotion(null, 1))).rejects.toMatchObject({
      code: 'PRECONDITION_FAILED',
      message: 'The routing of "m" was changed by others 1000 times in a row.',
    });
    expect(tries).toBe(1000);
  });

  it('whose answer was lost has happened where the store holds it, and else has not', async () => {
    const store = new Staged();
    once(store, isRouting, async (put) => {
      await put();
      throw away();
    });
    expect(await change(store, promotion(null, 1))).toMatchObject({ changed: true, routing: { revision: 1 } });
    once(store, isRouting, () => Promise.reject(away()));
    await expect(change(store, promotion(1, 2))).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
    expect((await stored(store)).revision).toBe(1);
    // Of another writer.
    once(store, isRouting, async () => {
      await change(store, promotion(1, 3));
      throw away();
    });
    await expect(change(store, promotion(1, 2))).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
    once(store, isRouting, () => Promise.reject(new PerennialError('STORE_FULL', 'No room.')));
    await expect(change(store, promotion(3, 4))).rejects.toMatchObject({ code: 'STORE_FULL' });
    // What is no fault of the line is no lost answer, whatever the store holds.
    once(store, isRouting, async (put) => {
      await put();
      throw new PerennialError('STORE_FULL', 'No room.');
    });
    await expect(change(store, promotion(3, 4))).rejects.toMatchObject({ code: 'STORE_FULL' });
    // Nor can it be asked.
    once(store, isRouting, async () => {
      vi.spyOn(store, 'get').mockRejectedValue(away());
      throw new PerennialError('STORE_UNAVAILABLE', 'The first problem.');
    });
    await expect(change(store, promotion(3, 4))).rejects.toMatchObject({ message: 'The first problem.' });
  });
});

describe('the record of a change', () => {
  it('that a crash left out is made up for before the next one, and by who reads or mends the history', async () => {
    const store = new Staged();
    const crash = async (to: number): Promise<void> => {
      once(store, isTransition, () => Promise.reject(away()));
      await expect(change(store, promotion(to - 1 || null, to))).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
    };
    await crash(1);
    expect(await recordedTransitions(store, 'm')).toEqual([]);
    await change(store, promotion(1, 2));
    expect((await recordedTransitions(store, 'm')).map(({ revision }) => revision)).toEqual([1, 2]);
    await crash(3);
    expect((await readHistory(store, 'm')).map(({ revision }) => revision)).toEqual([1, 2, 3]);
    expect((await recordedTransitions(store, 'm')).map(({ revision }) => revision)).toEqual([1, 2, 3]);
    await crash(4);
    await recordLastChange(store, 'm');
    expect((await recordedTransitions(store, 'm')).map(({ revision }) => revision)).toEqual([1, 2, 3, 4]);
    await recordLastChange(store, 'm');
    await recordLastChange(store, 'other');
    expect(await keysBelow(store, transitionsPrefix('other'))).toEqual([]);
  });

  it('is written once, whoever is faster', async () => {
    const store = new Staged();
    once(store, isTransition, async (put) => {
      await put();
      return put();
    });
    expect(await change(store, promotion(null, 1))).toMatchObject({ changed: true });
    expect((await readHistory(store, 'm')).length).toBe(1);
    const puts: string[] = [];
    store.onPut = (key, put) => (puts.push(key), put());
    await readHistory(store, 'm');
    await recordLastChange(store, 'm');
    expect(puts).toEqual([]);
    expect(await readHistory(store, 'nobody')).toEqual([]);
  });

  it('is written for no routing that nothing ever changed', async () => {
    const store = new MemoryStore();
    await store.put(routingKey('m'), Buffer.from(JSON.stringify(emptyRouting('m'))));
    await recordLastChange(store, 'm');
    expect(await keysBelow(store, transitionsPrefix('m'))).toEqual([]);
  });

  it('that cannot be read is told, and hides no other; other errors are errors', async () => {
    const store = new MemoryStore();
    for (const to of [1, 2, 3]) await change(store, promotion(to - 1 || null, to));
    const keys = await keysBelow(store, transitionsPrefix('m'));
    await store.put(keys[1]!, Buffer.from('{'));
    const unread: [string, string][] = [];
    expect((await recordedTransitions(store, 'm', (...one) => unread.push(one))).map(({ revision }) => revision)).toEqual([1, 3]);
    expect(unread).toEqual([[keys[1], expect.stringContaining(keys[1]!)]]);
    await store.delete(keys[0]!);
    expect(await historyGaps(store, 'm')).toEqual([
      { revision: 1, key: null, problem: 'it is not in the store' },
      { revision: 2, key: keys[1], problem: unread[0]![1] },
    ]);
    // The gaps reach to the newest that is known, wherever that is.
    const routing = await store.get(routingKey('m'));
    await store.delete(routingKey('m'));
    expect((await historyGaps(store, 'm')).map(({ revision }) => revision)).toEqual([1, 2]);
    await store.put(routingKey('m'), routing.body);
    await store.delete(keys[2]!);
    // The last one stands in the routing.
    expect((await historyGaps(store, 'm')).map(({ revision }) => revision)).toEqual([1, 2]);
    expect(await historyGaps(new MemoryStore(), 'm')).toEqual([]);
    vi.spyOn(store, 'get').mockRejectedValue(away());
    await expect(recordedTransitions(store, 'm')).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
  });

  it('of a routing whose change is known by a later one is not asked for again', async () => {
    const store = new MemoryStore();
    for (const to of [1, 2]) await change(store, promotion(to - 1 || null, to));
    const first = await store.get(routingKey('m'));
    await change(store, promotion(2, 3));
    await store.put(routingKey('m'), first.body);
    // A routing that was put back: its own history ends where it stands.
    expect((await readHistory(store, 'm')).map(({ revision }) => revision)).toEqual([1, 2, 3]);
    const keys = await keysBelow(store, transitionsPrefix('m'));
    await store.delete(keys[1]!);
    expect((await readHistory(store, 'm')).map(({ revision }) => revision)).toEqual([1, 2]);
  });
});

describe('the moment of a change', () => {
  const at = async (now: number, before: number): Promise<string> => {
    let clock = before;
    const store = new MemoryStore({ now: () => clock });
    await store.put(routingKey('m'), Buffer.from(JSON.stringify(routingAt(before))));
    clock = now;
    return (await change(store, promotion(1, 2))).routing.transition.at;
  };
  const routingAt = (time: number): Routing => {
    const empty = emptyRouting('m');
    return { ...empty, revision: 1, transition: { ...empty.transition, revision: 1, id: 'x', at: new Date(time).toISOString() } };
  };
  const iso = (time: number): string => new Date(time).toISOString();

  it('does not run backwards within the blur of the clock, and follows the store beyond it', async () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    const now = Date.parse('2026-03-01T12:00:00.000Z');
    vi.setSystemTime(now);
    try {
      expect(await at(now, now - 1)).toBe(iso(now));
      expect(await at(now, now)).toBe(iso(now));
      expect(await at(now, now + 1)).toBe(iso(now + 1));
      expect(await at(now, now + 4_999)).toBe(iso(now + 4_999));
      expect(await at(now, now + 5_000)).toBe(iso(now));
      expect(await at(now, now - 60_000)).toBe(iso(now));
    } finally {
      vi.useRealTimers();
    }
  });

  it('of the first change is that of the store, whatever stands where none was', async () => {
    const store = new MemoryStore();
    const first = await change(store, promotion(null, 1));
    expect(Math.abs(Date.parse(first.routing.transition.at) - Date.now())).toBeLessThan(60_000);
  });
});

describe('a rollout', () => {
  const begun = async (kind: RolloutRouting['kind'] = 'canary'): Promise<MemoryStore> => {
    const store = new MemoryStore();
    await change(store, promotion(null, 1));
    await change(store, { action: 'rollout', alias: null, from: 1, to: 2, rollout: rollout('a', { kind }) }, { ...ada, who: 'eve' });
    return store;
  };

  it('goes on through what is not about the champion, and ends with what is', async () => {
    for (const action of ['alias', 'unpin', 'delete', 'restore'] as const) {
      const store = await begun();
      const { routing } = await change(store, { action, alias: null, from: 1, to: 1 });
      expect(routing.rollout).toEqual(rollout('a'));
      expect(routing.transition.rollout).toEqual(rollout('a'));
      expect(routing.transition.why).toBe('better');
      expect(routing.transition).not.toHaveProperty('ended');
    }
    for (const action of ['promote', 'rollback'] as const) {
      const store = await begun();
      const changed = await change(store, { action, alias: 'champion', from: 1, to: 3 });
      expect(changed.ended).toEqual(rollout('a'));
      expect(changed.routing).not.toHaveProperty('rollout');
      expect(changed.routing.transition).not.toHaveProperty('rollout');
      expect(changed.routing.transition.ended).toEqual(rollout('a'));
      expect(changed.routing.transition.why).toBe('better. Ends the canary of version 2 (rollout a).');
    }
  });

  it('moves, and is replaced by another', async () => {
    const store = await begun();
    const moved = await change(store, { action: 'rolloutStep', alias: null, from: 1, to: 2, rollout: rollout('a', { step: 1 }) });
    expect(moved.routing.rollout!.step).toBe(1);
    expect(moved.routing.transition).not.toHaveProperty('ended');
    expect(moved.routing.transition.why).toBe('better');
    const other = await change(store, { action: 'rollout', alias: null, from: 1, to: 3, rollout: rollout('b', { candidate: 3 }) });
    expect(other.routing.transition.ended!.id).toBe('a');
    const ended = await change(store, { action: 'rolloutEnd', alias: null, from: 1, to: 1, rollout: null });
    expect(ended.ended!.id).toBe('b');
    expect(ended.routing).not.toHaveProperty('rollout');
    expect(ended.routing.transition.why).toBe('better');
    const kept = await begun();
    expect((await change(kept, promotion(1, 1, { rollout: rollout('a') }))).routing.rollout).toEqual(rollout('a'));
  });

  it.each([
    ['it is worse', 'it is worse. Ends'],
    ['It is worse.', 'It is worse. Ends'],
    ['Why not?', 'Why not? Ends'],
    ['Now!', 'Now! Ends'],
    ['and so on…', 'and so on… Ends'],
    ['(see the report)', '(see the report) Ends'],
    ['as `apply` says', 'as `apply` says. Ends'],
    ['so says "ada"', 'so says "ada" Ends'],
  ])('is told to end after %j', async (why, said) => {
    const store = await begun();
    const { routing } = await change(store, promotion(1, 3), { ...ada, why });
    expect(routing.transition.why).toBe(`${said} the canary of version 2 (rollout a).`);
  });

  it('of the kind abTest is called an A/B test', async () => {
    const { routing } = await change(await begun('abTest'), promotion(1, 3));
    expect(routing.transition.why).toContain('Ends the A/B test of version 2');
  });

  it('was begun by who began it', async () => {
    const store = await begun();
    expect(await whoBegan(store, await stored(store))).toBe('eve');
    await change(store, { action: 'rolloutStep', alias: null, from: 1, to: 2, rollout: rollout('a', { step: 1 }) });
    expect(await whoBegan(store, await stored(store))).toBe('eve');
    expect(await whoBegan(store, { ...(await stored(store)), rollout: rollout('b') })).toBe('somebody');
  });
});

describe('what the history alone tells', () => {
  const rebuilt = async (changes: readonly Proposal[]): Promise<Routing> => {
    const store = new MemoryStore();
    for (const one of changes) await change(store, one);
    const now = await stored(store);
    await store.put(routingKey('m'), Buffer.from('{'));
    const found = (await rebuildRouting(store, 'm'))!;
    expect(found).toMatchObject({ revision: now.revision, aliases: now.aliases, pin: now.pin, transition: now.transition });
    return found;
  };

  it('is nothing where nothing is recorded', async () => {
    expect(await rebuildRouting(new MemoryStore(), 'm')).toBeUndefined();
  });

  it('is in the order of the revisions, whatever the clocks said', async () => {
    const store = new MemoryStore();
    for (const to of [1, 2, 3]) await change(store, promotion(to - 1 || null, to));
    // Written anew by clocks that ran backwards.
    for (const transition of await recordedTransitions(store, 'm')) {
      await store.delete(transitionKey(transition));
      const late = { ...transition, at: `20${40 - transition.revision}-01-01T00:00:00.000Z` };
      await store.put(transitionKey(late), Buffer.from(JSON.stringify(late)));
    }
    expect((await recordedTransitions(store, 'm')).map(({ revision }) => revision)).toEqual([1, 2, 3]);
    expect((await rebuildRouting(store, 'm'))!.previous).toEqual([2, 1]);
  });

  it('is who was champion before, newest first, and what was deleted', async () => {
    expect(await rebuilt([promotion(null, 1), promotion(1, 2), promotion(2, 3)])).toMatchObject({
      name: 'm',
      previous: [2, 1],
      deleted: [],
    });
    expect((await rebuilt([promotion(null, 1), promotion(1, 2), promotion(2, 1), promotion(1, 3)])).previous).toEqual([1, 2]);
    expect((await rebuilt([promotion(null, 1), promotion(1, 2), promotion(2, 2)])).previous).toEqual([1]);
    const gone = (version: number): Proposal => ({ action: 'delete', alias: null, from: version, to: null });
    const back = (version: number): Proposal => ({ action: 'restore', alias: null, from: null, to: version });
    expect(
      await rebuilt([promotion(null, 1), promotion(1, 12), promotion(12, 3), gone(12), gone(5), gone(7), back(7), gone(4)]),
    ).toMatchObject({ previous: [1], deleted: [4, 5, 12] });
  });

  it('is where a rollback went, and what it went past', async () => {
    const rollback = (from: number, to: number): Proposal => ({
      action: 'rollback',
      alias: 'champion',
      from,
      to,
      aliases: { champion: to },
    });
    const start = [promotion(null, 1), promotion(1, 2), promotion(2, 3), promotion(3, 4)];
    expect((await rebuilt([...start, rollback(4, 3)])).previous).toEqual([2, 1]);
    expect((await rebuilt([...start, rollback(4, 1)])).previous).toEqual([]);
    expect((await rebuilt([...start, promotion(4, 3), rollback(3, 9)])).previous).toEqual([4, 2, 1]);
    expect((await rebuilt([...start, promotion(4, 5), rollback(4, 9)])).previous).toEqual([3, 2, 1]);
  });

  it('is how it is served, and the rollout that goes on', async () => {
    const found = await rebuilt([
      promotion(null, 1, { fallback: 'nothing' }),
      { action: 'rollout', alias: null, from: 1, to: 2, rollout: rollout('a') },
    ]);
    expect(found).toMatchObject({ fallback: 'nothing', rollout: rollout('a') });
    expect(await rebuilt([promotion(null, 1)])).not.toHaveProperty('rollout');
  });
});

it('an alias was moved by who moved it to where it is', async () => {
  const store = new MemoryStore();
  const moved = (alias: string, to: number): Proposal => ({ action: 'alias', alias, from: null, to, aliases: { [alias]: to } });
  await change(store, moved('a', 1), { ...ada, who: 'first' });
  await change(store, moved('a', 2), { ...ada, who: 'second' });
  await change(store, moved('a', 1), { ...ada, who: 'third' });
  await change(store, moved('b', 1), { ...ada, who: 'fourth' });
  const routing = { ...(await stored(store)), aliases: { a: 1, b: 1, c: 1 } };
  // One that the routing itself tells needs no history.
  expect(await whoMoved(new MemoryStore(), routing, 'b')).toBe('fourth');
  expect(await whoMoved(store, { ...routing, aliases: { a: 2 } }, 'a')).toBe('second');
  expect([await whoMoved(store, routing, 'a'), await whoMoved(store, routing, 'b'), await whoMoved(store, routing, 'c')]).toEqual([
    'third',
    'fourth',
    'somebody',
  ]);
});
