import { describe, expect, it } from 'vitest';
import { PerennialError } from '../../../src/core/errors.ts';
import { SinkDelivery } from '../../../src/events/deliver.ts';
import { listEvents } from '../../../src/events/browse.ts';
import { tellChanges } from '../../../src/events/outbox.ts';
import { readSinks } from '../../../src/events/sink-records.ts';
import { defineSink } from '../../../src/events/sinks/sink.ts';
import { createRegistry } from '../../../src/registry/registry.ts';
import { recordLastChange } from '../../../src/registry/routing.ts';
import { FaultyStore } from '../../../src/storage/faulty-store.ts';
import { MemoryStore } from '../../../src/storage/memory-store.ts';
import { ada, workbench } from '../../contract/registry/models.ts';
import { changesFor, declareSinks, sinkFor } from './changes.ts';

const WHEN = ['before', 'after'] as const;
/** More calls than any of this makes. */
const CALLS_MAX = 200;

describe('when a call to the store fails', () => {
  it.each(WHEN)('%s it took effect, at whichever call, an event is sent with the same id and bytes, and none is lost', async (when) => {
    for (let call = 1; call < CALLS_MAX; call += 1) {
      const store = new MemoryStore();
      await declareSinks(store, [sinkFor('bus', 'test', {})]);
      const faulty = new FaultyStore(store, { call, when });
      const changes = changesFor(2, 2);
      const sent = new Map<string, Set<string>>();
      const order: string[] = [];
      await again(() => tellChanges(faulty, changes));
      const [sink] = await readSinks(store);
      const waiting = async (): Promise<number> => (await listEvents(store, { states: ['pending'], limit: 100 })).length;
      // The delivery waits after a failure as it would for a sink; a fresh one is a worker that was started again.
      for (let look = 0; (await waiting()) > 0 && look < 20; look += 1)
        await again(async () => void (await deliveryTo(faulty, record(sent, order)).look(sink!)));
      expect(sent.size).toBe(4);
      expect([...sent.values()].every((texts) => texts.size === 1)).toBe(true);
      expect(await listEvents(store, { states: ['sent'], limit: 100 })).toHaveLength(4);
      for (const subject of ['0', '1'])
        expect([...new Set(order.filter((text) => text[0] === subject))]).toEqual([`${subject}0`, `${subject}1`]);
      if (faulty.faults === 0) return;
    }
    throw new Error('the calls never ended');
  });

  it.each(WHEN)('%s it took effect, at whichever call, a promotion and a registration are told once', async (when) => {
    for (let call = 1; call < CALLS_MAX; call += 1) {
      const store = new MemoryStore();
      await declareSinks(store, [sinkFor('bus', 'test', {})], ['m']);
      const bench = workbench(store);
      const ref = await bench.model(1);
      const faulty = new FaultyStore(store, { call, when });
      const registry = createRegistry(faulty, bench.artifacts);
      const register = () => registry.register({ model: 'm', modelRef: ref, pipeline: 'p', runId: 'r1', stepId: 's' });
      await again(register);
      await again(() => registry.promote('m', 1, { ...ada, requestId: 'one' }));
      // What the worker that delivers does from time to time.
      await again(() => recordLastChange(faulty, 'm'));
      const told = (await listEvents(store, { states: ['pending'], limit: 100 })).map(({ entry }) => entry!.type);
      expect(told.sort()).toEqual(['model.promoted', 'version.registered']);
      if (faulty.faults === 0) return;
    }
    throw new Error('the calls never ended');
  });
});

const record =
  (sent: Map<string, Set<string>>, order: string[]) =>
  (id: string, body: string): void => {
    sent.set(id, (sent.get(id) ?? new Set()).add(body));
    order.push((JSON.parse(body) as { subject: string }).subject.slice(-1) + /"place":(\d)/.exec(body)![1]!);
  };

function deliveryTo(store: FaultyStore, took: (id: string, body: string) => void): SinkDelivery {
  const definition = defineSink({
    name: 'test',
    summary: '',
    configSchema: {},
    reference: '',
    concurrency: 2,
    send: ({ id, body }) => Promise.resolve(took(id, body)),
  });
  return new SinkDelivery({
    store,
    resolve: ({ config }) => config,
    mayGoOn: () => true,
    tell: () => undefined,
    hide: (text) => text,
    signal: new AbortController().signal,
    definition: () => definition,
  });
}

/** As an activity that is tried again. */
async function again<T>(work: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof PerennialError) || error.code !== 'STORE_UNAVAILABLE' || attempt === 5) throw error;
    }
  }
}
