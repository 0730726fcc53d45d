import { beforeEach, describe, expect, it } from 'vitest';
import type { PlannedSink } from '../../../src/core/change.ts';
import { sinkOfPeople } from '../../../src/core/notices.ts';
import { asksFor } from '../../../src/events/outbox.ts';
import { compareSinks, forgetSink, readSinks, sinkId } from '../../../src/events/sink-records.ts';
import type { DeclaredSinks } from '../../../src/events/sink-records.ts';
import { MemoryStore } from '../../../src/storage/memory-store.ts';
import { changesFor, sinkFor } from '../../faults/events/changes.ts';

let store: MemoryStore;
beforeEach(() => {
  store = new MemoryStore();
});

const bus = (url: string): PlannedSink => sinkFor('bus', 'http', { url, headers: {}, timeout: '1s' });
const declared = (pipeline: string, ...sinks: readonly PlannedSink[]): DeclaredSinks => ({
  pipeline,
  models: [pipeline],
  documentDir: '/srv',
  sinks,
});

async function applied(documents: readonly DeclaredSinks[], options = {}): Promise<readonly string[]> {
  const { changes, carryOut } = await compareSinks(store, documents, options);
  await carryOut();
  return changes.map(({ action, id }) => `${action} ${id}`);
}
const ids = async (): Promise<string[]> => (await readSinks(store)).map(sinkId);

describe('sinks of documents', () => {
  it('are made, changed and taken away as documents say, and keep since when they are told', async () => {
    expect(await applied([declared('p', bus('http://a'))])).toEqual(['create p/publish/bus']);
    const { since } = (await readSinks(store))[0]!;
    expect(await applied([declared('p', bus('http://a'))])).toEqual(['keep p/publish/bus']);
    const { changes } = await compareSinks(store, [declared('p', bus('http://b'))]);
    expect(changes[0]!.differences).toEqual([expect.stringMatching(/^to: http .*http:\/\/a.* → http .*http:\/\/b/)]);
    expect(await applied([declared('p', bus('http://b'))])).toEqual(['update p/publish/bus']);
    expect((await readSinks(store))[0]).toMatchObject({ since, config: { url: 'http://b' } });
    expect(await applied([declared('p')], { removes: false })).toEqual([]);
    expect(await applied([declared('p')])).toEqual(['delete p/publish/bus']);
    expect(await ids()).toEqual([]);
  });

  it('of other pipelines stay, but for those that moved or are pruned', async () => {
    await applied([declared('p', bus('http://a')), declared('q', bus('http://a')), declared('old', bus('http://a'))]);
    expect(await applied([declared('p', bus('http://a'))])).toEqual(['keep p/publish/bus']);
    expect(await applied([declared('p', bus('http://a'))], { moved: ['old'] })).toEqual(['keep p/publish/bus', 'delete old/publish/bus']);
    expect(await applied([declared('p', bus('http://a'))], { prune: true })).toEqual(['keep p/publish/bus', 'delete q/publish/bus']);
    await store.put('outbox/pending/p/bus/1.json', Buffer.from('{}'));
    await forgetSink(store, 'p/bus');
    expect(await ids()).toEqual([]);
    expect(await store.head('outbox/pending/p/bus/1.json')).toBeUndefined();
  });

  it('hear of what they ask for', () => {
    const [change] = changesFor(1, 1);
    const of = { of: 'pipeline', pipeline: 'p', models: ['m'] } as const;
    expect(asksFor(of, change!)).toBe(true);
    expect(asksFor({ ...of, pipeline: 'q' }, change!)).toBe(false);
    expect(asksFor({ ...of, pipeline: 'q', of: 'store' }, change!)).toBe(true);
    expect(asksFor({ ...of, events: ['step'] }, change!)).toBe(true);
    expect(asksFor({ ...of, events: ['step.completed', 'run'] }, change!)).toBe(false);
    expect(asksFor(of, { ...change!, pipeline: null, model: 'm' })).toBe(true);
    expect(asksFor(of, { ...change!, pipeline: null, model: 'n' })).toBe(false);
  });

  it('stand for people only where somebody wants to hear of what no run and no check tells', () => {
    const target = { channel: 'slack', config: {}, repeat: 'changes' } as const;
    expect(sinkOfPeople(undefined)).toBeUndefined();
    expect(sinkOfPeople([{ ...target, events: ['failed'] }])).toBeUndefined();
    expect(
      sinkOfPeople([
        { ...target, events: ['failed'] },
        { ...target, events: ['rolledBack'] },
      ])!.events,
    ).toEqual(['model.rolledBack']);
    expect(sinkOfPeople([{ ...target, events: ['promoted', 'returned', 'rolledBack'] }])!.events).toEqual([
      'model.rolledBack',
      'rollout.ended',
    ]);
  });
});
