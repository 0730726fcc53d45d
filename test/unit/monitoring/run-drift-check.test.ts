import { describe, expect, it } from 'vitest';
import { findCheck, listChecks } from '../../../src/monitoring/drift-checks/drift-check-record.ts';
import type { DriftCheck } from '../../../src/monitoring/drift-checks/drift-check-record.ts';
import { runDriftCheck, verdictOf } from '../../../src/monitoring/drift-checks/run-drift-check.ts';
import type { Before, Compared } from '../../../src/monitoring/drift-checks/run-drift-check.ts';
import { readStream, streamKey } from '../../../src/monitoring/drift-checks/stream.ts';
import { PerennialError } from '../../../src/core/errors.ts';
import type { ObjectStore } from '../../../src/core/ports.ts';
import { MemoryStore } from '../../../src/storage/memory-store.ts';

const hour = (at: number): string => new Date(Date.UTC(2026, 0, 1) + at * 3_600_000).toISOString();

interface Look {
  readonly drifted?: boolean;
  readonly rows?: number;
  readonly windowsMin?: number;
  readonly windowsOf?: number;
  readonly coolDownMs?: number;
  readonly version?: number;
  /** Of a file, in place of a time. */
  readonly content?: string;
}

/** A check of the day that ends at an hour. Counts the windows before it. */
function look(store: ObjectStore, at: number, given: Look = {}): Promise<DriftCheck & { readonly seen: number }> {
  const { drifted = false, rows = 300, version = 1, content } = given;
  let seen = 0;
  const compare = (before: Before): Promise<Compared> => {
    seen = before.length;
    const result = {
      drifted,
      driftScore: 0,
      rows,
      rowsReference: 1_000,
      enoughRows: true,
      driftedColumns: [],
      columns: [],
      newColumns: [],
      options: {} as never,
      summary: drifted ? 'Drift.' : 'No drift.',
    };
    return Promise.resolve({ result, parts: { inputs: { reference: content ?? 'r', rows, columns: {} } } });
  };
  return runDriftCheck(store, {
    model: 'm',
    version,
    stream: 's',
    source: content ?? 'predictions',
    at: hour(at),
    ...(content === undefined ? { window: { from: hour(at - 24), to: hour(at) } } : {}),
    rules: { windowsMin: given.windowsMin ?? 1, windowsOf: given.windowsOf ?? 1, coolDownMs: given.coolDownMs ?? 0 },
    pool: 5,
    compare,
  }).then((check) => ({ ...check, seen }));
}

const windows = async (store: ObjectStore): Promise<string[]> => (await readStream(store, 'm', 's', 1)).record.windows.map(({ to }) => to);

describe('runDriftCheck', () => {
  it('adds windows up that do not overlap, the newest first', async () => {
    const store = new MemoryStore();
    const seen: number[] = [];
    for (const at of [24, 30, 48, 49, 72, 96, 120, 144, 168]) seen.push((await look(store, at)).seen);
    // At hour 30 and 49 the window shares rows with the last one that is kept, at 30 with the only one.
    expect(seen).toEqual([0, 0, 1, 1, 2, 3, 4, 5, 5]);
    expect(await windows(store)).toEqual([168, 144, 120, 96, 72].map(hour));
  });

  it('counts a window once that is looked at again, and keeps one record of it', async () => {
    const store = new MemoryStore();
    await look(store, 24);
    const [first, again] = [await look(store, 48, { drifted: true }), await look(store, 48, { drifted: true })];
    expect([first.seen, again.seen, first.id === again.id]).toEqual([1, 1, true]);
    expect(await windows(store)).toEqual([48, 24].map(hour));
    expect((await listChecks(store, 'm', 10)).all).toBe(2);
    // A damaged one does not hide the others.
    await store.put('drift/m/checks/20990101T000000Z-dead000000.json', Buffer.from('{"formatVersion": 1'));
    const listed = await listChecks(store, 'm', 10);
    expect([listed.checks.length, listed.all, listed.problems]).toEqual([2, 3, [expect.stringContaining('dead000000') as string]]);
    // Its own alarm does not keep it from being one.
    const own = { drifted: true, coolDownMs: 86_400_000 };
    expect([(await look(store, 72, own)).verdict.outcome, (await look(store, 72, own)).verdict.outcome]).toEqual(['alarm', 'alarm']);
    expect((await look(store, 96, own)).verdict).toEqual((await look(store, 96, own)).verdict);
  });

  it('counts the same file once', async () => {
    const store = new MemoryStore();
    const seen = [
      (await look(store, 1, { content: 'a.csv' })).seen,
      (await look(store, 2, { content: 'a.csv' })).seen,
      (await look(store, 3, { content: 'b.csv' })).seen,
      (await look(store, 4, { content: 'a.csv' })).seen,
    ];
    expect(seen).toEqual([0, 0, 1, 1]);
  });

  it('loses none of many checks at the same time, and counts none twice', async () => {
    const store = new MemoryStore();
    const days = [24, 48, 72, 96];
    await Promise.all([...days, ...days, ...days].map((at) => look(store, at)));
    expect(await windows(store)).toEqual([...days].reverse().map(hour));
    expect((await listChecks(store, 'm', 100)).all).toBe(4);
  });

  it('leaves a gap where a check was lost, and no window is counted after it that comes late', async () => {
    const store = new MemoryStore();
    await look(store, 24);
    expect((await look(store, 96)).seen).toBe(1);
    // Made up for later: it sees only what was before it.
    expect((await look(store, 48)).seen).toBe(1);
    expect(await windows(store)).toEqual([96, 48, 24].map(hour));
  });

  it('begins anew with another version', async () => {
    const store = new MemoryStore();
    await look(store, 24);
    expect((await look(store, 48, { version: 2 })).seen).toBe(0);
  });

  it('waits for k of n windows', async () => {
    const store = new MemoryStore();
    const outcomes: string[] = [];
    for (const [day, drifted] of [true, false, false, true, true, false].entries())
      outcomes.push((await look(store, 24 * (day + 1), { drifted, windowsMin: 2, windowsOf: 3 })).verdict.outcome);
    expect(outcomes).toEqual(['waiting', 'stable', 'stable', 'waiting', 'alarm', 'stable']);
    const [, waited] = (await listChecks(store, 'm', 3)).checks;
    expect(waited!.verdict.reason).toBe('Drift. 2 of the last 3 windows drifted.');
  });

  it('is silent for as long as it has to cool down', async () => {
    const store = new MemoryStore();
    const outcomes: string[] = [];
    for (const day of [1, 2, 3, 4])
      outcomes.push((await look(store, 24 * day, { drifted: true, coolDownMs: 48 * 3_600_000 })).verdict.outcome);
    expect(outcomes).toEqual(['alarm', 'coolingDown', 'alarm', 'coolingDown']);
  });

  it('of rows that are one of no stream stands for itself', async () => {
    const store = new MemoryStore();
    const seen: Before[] = [];
    const order = (at: number, drifted: boolean) => ({
      model: 'm',
      version: 2,
      source: 'a.csv',
      at: hour(at),
      rules: { windowsMin: 1, windowsOf: 1, coolDownMs: 86_400_000 },
      pool: 5,
      compare: (before: Before): Promise<Compared> => {
        seen.push(before);
        const result = { drifted, enoughRows: true, rows: 1, summary: drifted ? 'Drift.' : 'No drift.' } as Compared['result'];
        return Promise.resolve({ result, parts: {} });
      },
    });
    const checks = [
      await runDriftCheck(store, order(1, true)),
      await runDriftCheck(store, order(2, true)),
      await runDriftCheck(store, order(3, false)),
    ];
    expect(seen).toEqual([[], [], []]);
    expect(checks.map(({ verdict, stream, window }) => [verdict.outcome, stream, window])).toEqual([
      ['alarm', null, null],
      ['alarm', null, null],
      ['stable', null, null],
    ]);
    for (const { id } of checks) expect(id).toMatch(/^[0-9a-f]{10}$/);
    expect((await findCheck(store, checks[1]!.id)).at).toBe(hour(2));
    const keys: string[] = [];
    for await (const { key } of store.list('drift/')) keys.push(key);
    expect(keys.filter((key) => key.includes('/streams/'))).toEqual([]);
    // k of n cannot come of one.
    const waiting = await runDriftCheck(store, { ...order(4, true), rules: { windowsMin: 2, windowsOf: 2, coolDownMs: 0 } });
    expect(waiting.verdict).toMatchObject({ outcome: 'waiting', alarm: false });
  });

  it('are told apart by their window, source, time and stream', async () => {
    const store = new MemoryStore();
    const order = {
      model: 'm',
      version: 1,
      stream: 's',
      source: 'predictions',
      at: hour(48),
      window: { from: hour(0), to: hour(24) },
      rules: { windowsMin: 1, windowsOf: 1, coolDownMs: 0 },
      pool: 1,
      compare: (): Promise<Compared> =>
        Promise.resolve({ result: { drifted: false, enoughRows: true, rows: 1, summary: '' } as Compared['result'], parts: {} }),
    };
    const changes = [
      {},
      { window: { from: hour(24), to: hour(48) } },
      { at: hour(49) },
      { source: 'others' },
      { stream: 't' },
      { version: 2 },
      { model: 'n' },
    ];
    const ids: string[] = [];
    for (const change of changes) ids.push((await runDriftCheck(store, { ...order, ...change })).id);
    expect(new Set(ids).size).toBe(changes.length);
    expect((await runDriftCheck(store, order)).id).toBe(ids[0]);
  });

  it('keeps what another check added while it compared, and what it cannot write it tells', async () => {
    const store = new MemoryStore();
    let beside: number | undefined = 48;
    const put = store.put.bind(store);
    store.put = async (...given) => {
      const at = beside;
      if (at !== undefined && given[0].includes('/streams/')) {
        beside = undefined;
        await look(store, at);
      }
      return put(...given);
    };
    await look(store, 72);
    expect(await windows(store)).toEqual([72, 48].map(hour));
    // Of a record that is there as of the first one, which is made.
    beside = 120;
    await look(store, 96);
    expect(await windows(store)).toEqual([120, 96, 72, 48].map(hour));
    store.put = () => Promise.reject(new PerennialError('STORE_UNAVAILABLE', 'gone'));
    await expect(look(store, 144)).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
  });

  it('adds no window without rows', async () => {
    const store = new MemoryStore();
    await look(store, 24, { rows: 0 });
    expect(await windows(store)).toEqual([]);
  });

  it('keeps the newest alarm, whatever is looked at later', async () => {
    const store = new MemoryStore();
    const alarmAt = async (): Promise<string> => (await readStream(store, 'm', 's', 1)).record.alarm!.at;
    await look(store, 24, { drifted: true });
    await look(store, 96, { drifted: true });
    expect((await look(store, 48, { drifted: true })).verdict.outcome).toBe('alarm');
    expect(await alarmAt()).toBe(hour(96));
    await look(store, 120, { drifted: true });
    expect(await alarmAt()).toBe(hour(120));
  });

  it('finds a check by the beginning of its id, and says what it does not find', async () => {
    const store = new MemoryStore();
    const { id } = await look(store, 24, { drifted: true });
    expect(await findCheck(store, id.slice(0, 6))).toMatchObject({ id, model: 'm', verdict: { alarm: true } });
    await look(store, 48);
    await expect(findCheck(store, '')).rejects.toMatchObject({ code: 'USAGE' });
    await expect(findCheck(store, 'nothing')).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  it('says what is broken, and how to go on', async () => {
    const store = new MemoryStore();
    await store.put(streamKey('m', 's'), Buffer.from('{"formatVersion":1}'));
    await expect(look(store, 24)).rejects.toMatchObject({ code: 'BLOB_CORRUPT', hint: 'Delete the object: windows are gathered anew.' });
  });
});

describe('the verdict on a window', () => {
  const drift = { drifted: true, enoughRows: true, summary: 'Drift.' };
  const none = { drifted: false, enoughRows: true, summary: 'No drift.' };
  const rules = { windowsMin: 1, windowsOf: 1, coolDownMs: 0 };
  const past = (...drifted: boolean[]) => drifted.map((one) => ({ drifted: one }));

  it('is none without rows enough, and none where nothing drifted, whatever was before', () => {
    const few = { drifted: true, enoughRows: false, summary: 'No verdict.' };
    expect(verdictOf(few, past(true, true), rules)).toEqual({ alarm: false, outcome: 'tooFewRows', reason: 'No verdict.' });
    expect(verdictOf(none, past(true, true), { ...rules, windowsOf: 3 })).toEqual({ alarm: false, outcome: 'stable', reason: 'No drift.' });
  });

  it('counts this window and so many before it as are asked for', () => {
    const twoOfThree = { ...rules, windowsMin: 2, windowsOf: 3 };
    expect(verdictOf(drift, past(false, false, true), twoOfThree)).toEqual({
      alarm: false,
      outcome: 'waiting',
      reason: 'Drift. No alarm yet: 1 of the last 3 windows drifted, and 2 of 3 are asked for.',
    });
    expect(verdictOf(drift, past(false, true), twoOfThree)).toEqual({
      alarm: true,
      outcome: 'alarm',
      reason: 'Drift. 2 of the last 3 windows drifted.',
    });
    expect(verdictOf(drift, past(true), twoOfThree).reason).toBe('Drift. 2 of the last 2 windows drifted.');
    expect(verdictOf(drift, past(true, true), rules)).toEqual({ alarm: true, outcome: 'alarm', reason: 'Drift.' });
  });

  it('is silent until the last alarm of another check is so long ago, and not a moment longer', () => {
    const cooling = { ...rules, coolDownMs: 3_600_000 };
    const last = (at: string, check = 'other') => ({ alarm: { check, at: hour(10) }, check: 'this', at });
    const before = new Date(Date.parse(hour(11)) - 1).toISOString();
    expect(verdictOf(drift, [], cooling, last(before))).toEqual({
      alarm: false,
      outcome: 'coolingDown',
      reason: `Drift. No new alarm before ${hour(11)}: the last one was at ${hour(10)}.`,
    });
    expect(verdictOf(drift, [], cooling, last(hour(11))).outcome).toBe('alarm');
    expect(verdictOf(drift, [], cooling, last(before, 'this')).outcome).toBe('alarm');
    expect(verdictOf(drift, [], cooling, { alarm: null, check: 'this', at: hour(10) }).outcome).toBe('alarm');
    expect(verdictOf(drift, [], cooling).outcome).toBe('alarm');
    // Without a cool-down each is one, also of a check that is made late.
    expect(verdictOf(drift, [], rules, last(hour(9))).outcome).toBe('alarm');
  });
});
