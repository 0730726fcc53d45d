import { afterEach, describe, expect, it } from 'vitest';
import { MemoryStore } from '../../../src/storage/memory-store.ts';
import { storeNow } from '../../../src/storage/store-clock.ts';
import { SimulatedClock } from '../../../src/simulation/members/simulated-clock.ts';
import { SimulatedStore } from '../../../src/simulation/members/simulated-store.ts';

const Real = Date;
const DAY = 86_400_000;
afterEach(() => {
  globalThis.Date = Real;
});

function installed(aheadMs: number): SimulatedClock {
  const clock = new SimulatedClock([{ from: 0, aheadMs }]);
  clock.install();
  return clock;
}

describe('the simulated clock', () => {
  it('is what Date says, and runs on', async () => {
    installed(DAY);
    const before = Date.now();
    expect(before - Real.now()).toBeGreaterThan(DAY - 1_000);
    expect(Math.abs(new Date().getTime() - before)).toBeLessThan(1_000);
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(Date.now() - before).toBeGreaterThanOrEqual(15);
    expect(Math.abs(Date.now() - before)).toBeLessThan(10_000);
  });

  it('leaves everything else of Date as it is', () => {
    installed(DAY);
    expect(new Date(0).toISOString()).toBe('1970-01-01T00:00:00.000Z');
    expect(new Date(2026, 0, 31).getDate()).toBe(31);
    expect(Date.parse('2026-01-31T00:00:00Z')).toBe(Real.parse('2026-01-31T00:00:00Z'));
    expect(Date.UTC(2026, 1)).toBe(Real.UTC(2026, 1));
    // Of objects that native code makes, as times of files, and of ours.
    expect(new Real(0) instanceof Date).toBe(true);
    expect(new Date() instanceof Real).toBe(true);
    class Later extends Date {}
    expect(new Later() instanceof Later).toBe(true);
    expect(new Later().getTime() - Real.now()).toBeGreaterThan(DAY - 1_000);
    expect((Date as unknown as () => string)()).toBe(new Date().toString());
  });

  it('jumps, and knows what time it was before', () => {
    const clock = new SimulatedClock([{ from: 0, aheadMs: 5 }]);
    clock.jump({ from: 1_000, aheadMs: DAY });
    expect(clock.at(999)).toBe(1_004);
    expect(clock.at(1_000)).toBe(1_000 + DAY);
    expect(clock.aheadMs).toBe(DAY);
  });
});

describe('the simulated store', () => {
  it('tells times by the simulated clock, those of announcements as their processes lived them', async () => {
    const clock = new SimulatedClock([{ from: 0, aheadMs: DAY }]);
    const inner = new MemoryStore();
    const store = new SimulatedStore(inner, clock);
    await store.put('a', Buffer.from('1'));
    await store.put('servers/a.json', Buffer.from('1'));
    const written = (await inner.head('a'))!.modifiedAt;
    await new Promise((resolve) => setTimeout(resolve, 5));
    clock.jump({ from: Real.now(), aheadMs: 30 * DAY });
    expect((await store.head('a'))!.modifiedAt).toBe(written + DAY);
    for await (const { modifiedAt } of store.list('servers/')) expect(modifiedAt - Real.now()).toBeGreaterThan(30 * DAY - 5_000);
    expect(await storeNow(store, 0)).toBeGreaterThan(Real.now() + 29 * DAY);
  });
});
