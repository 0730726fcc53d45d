import { setTimeout } from 'node:timers/promises';
import { beforeEach, describe, expect, it } from 'vitest';
import { PerennialError } from '../../../src/core/errors.ts';
import { listEvents, overviewOf } from '../../../src/events/browse.ts';
import { SinkDelivery } from '../../../src/events/deliver.ts';
import { Lease } from '../../../src/events/lease.ts';
import { tellChanges } from '../../../src/events/outbox.ts';
import { readSinks } from '../../../src/events/sink-records.ts';
import type { SinkRecord } from '../../../src/events/sink-records.ts';
import { defineSink } from '../../../src/events/sinks/sink.ts';
import type { SinkDefinition } from '../../../src/events/sinks/sink.ts';
import { MemoryStore } from '../../../src/storage/memory-store.ts';
import { until } from '../../support/until.ts';
import { changesFor, declareSinks, sinkFor } from '../../faults/events/changes.ts';

let store: MemoryStore;
let sink: SinkRecord;
const told: string[] = [];
/** By subject and place: what the sink does about an event. Default: it takes it. */
let answers: (text: string) => Error | undefined;
let took: string[];
let asked: string[];

beforeEach(async () => {
  store = new MemoryStore();
  await declareSinks(store, [sinkFor('bus', 'test', {})]);
  sink = (await readSinks(store))[0]!;
  answers = () => undefined;
  [took, asked] = [[], []];
  told.length = 0;
});

function delivery(concurrency = 3): SinkDelivery {
  const definition = defineSink({
    name: 'test',
    summary: '',
    configSchema: {},
    reference: '',
    concurrency,
    send: async ({ body }) => {
      const { subject, data } = JSON.parse(body) as { subject: string; data: { place: number } };
      const text = `${subject.slice(-1)}${data.place}`;
      asked.push(text);
      const answer = answers(text);
      if (answer !== undefined) throw answer;
      took.push(text);
    },
  });
  return deliveryTo(definition);
}

function deliveryTo(definition: SinkDefinition): SinkDelivery {
  return new SinkDelivery({
    store,
    resolve: ({ config }) => config,
    mayGoOn: () => true,
    tell: (line) => told.push(line),
    hide: (text) => text.replaceAll('tiger', '***'),
    signal: new AbortController().signal,
    definition: () => definition,
  });
}

const failed = (retryAfterMs?: number) =>
  new PerennialError('EVENT_FAILED', 'not now', retryAfterMs === undefined ? {} : { details: { retryAfterMs } });

describe('the delivery of several events in one message', () => {
  const batches: string[][] = [];
  let refuses: (places: readonly string[]) => Error | undefined;

  async function inBatches(): Promise<SinkDelivery> {
    batches.length = 0;
    await declareSinks(store, [{ ...sinkFor('bus', 'test', {}), envelopeConfig: { mode: 'batch' } }]);
    sink = (await readSinks(store))[0]!;
    const definition = defineSink({
      name: 'test',
      summary: '',
      configSchema: {},
      reference: '',
      concurrency: 8,
      send: async ({ contentType, body }) => {
        expect(contentType).toBe('application/cloudevents-batch+json; charset=utf-8');
        const places = (JSON.parse(body) as { subject: string; data: { place: number } }[]).map(
          ({ subject, data }) => `${subject.slice(-1)}${data.place}`,
        );
        const answer = refuses(places);
        if (answer !== undefined) throw answer;
        batches.push(places);
      },
    });
    return deliveryTo(definition);
  }

  it('keeps their order, and takes at most a hundred', async () => {
    refuses = () => undefined;
    const one = await inBatches();
    await tellChanges(store, changesFor(2, 75));
    expect(await one.look(sink)).toBe(150);
    expect(batches.map(({ length }) => length)).toEqual([100, 50]);
    for (const subject of ['0', '1'])
      expect(batches.flat().filter((place) => place.startsWith(subject))).toEqual(
        Array.from({ length: 75 }, (_, index) => `${subject}${index}`),
      );
  });

  it('sets aside the one that is refused, and sends all others once', async () => {
    refuses = (places) => (places.includes('05') ? new PerennialError('EVENT_REFUSED', 'bad one') : undefined);
    const one = await inBatches();
    await tellChanges(store, changesFor(1, 9));
    expect(await one.look(sink)).toBe(8);
    expect(batches.flat()).toEqual(['00', '01', '02', '03', '04', '06', '07', '08']);
    expect((await overviewOf(store))[0]!.counts).toEqual({ pending: 0, sent: 8, refused: 1 });
  });

  it('sends what was laid ready in another form alone, in its place', async () => {
    refuses = () => undefined;
    await declareSinks(store, [{ ...sinkFor('bus', 'test', {}), envelopeConfig: { mode: 'binary' } }]);
    const changes = changesFor(1, 4);
    await tellChanges(store, changes.slice(0, 2));
    await inBatches();
    await tellChanges(store, changes.slice(2));
    const sent: string[] = [];
    const definition = defineSink({
      name: 'test',
      summary: '',
      configSchema: {},
      reference: '',
      concurrency: 1,
      send: async ({ contentType, body, headers }) => {
        sent.push(
          `${contentType.split(';')[0]!} ${headers?.['ce-subject'] === undefined ? '' : 'in headers '}${body.match(/"place":\d/g)!.join()}`,
        );
      },
    });
    await deliveryTo(definition).look(sink);
    expect(sent).toEqual([
      'application/json in headers "place":0',
      'application/json in headers "place":1',
      'application/cloudevents-batch+json "place":2,"place":3',
    ]);
  });

  it('keeps all waiting where the receiver is away', async () => {
    refuses = () => failed();
    const one = await inBatches();
    await tellChanges(store, changesFor(1, 9));
    expect(await one.look(sink)).toBe(0);
    expect((await overviewOf(store))[0]!.counts).toEqual({ pending: 9, sent: 0, refused: 0 });
    refuses = () => undefined;
    await until(async () => {
      await one.look(sink);
      return batches.flat().length === 9;
    });
    expect(batches.flat()).toEqual(Array.from({ length: 9 }, (_, index) => `0${index}`));
  });
});

describe('the delivery to a sink', () => {
  it.each(['EVENT_FAILED', 'EVENT_REFUSED'] as const)('keeps no secret that stands in an answer (%s)', async (code) => {
    await tellChanges(store, changesFor(1, 1));
    answers = () => new PerennialError(code, `${'.'.repeat(497)}tiger`);
    await delivery().look(sink);
    const kept = JSON.stringify([await overviewOf(store), await listEvents(store, { states: ['pending', 'refused'], limit: 9 }), told]);
    expect(kept).toContain('....');
    expect(kept).not.toContain('tig');
  });

  it('goes on with other subjects where one event is not taken, and keeps what follows it waiting', async () => {
    await tellChanges(store, changesFor(3, 3));
    answers = (text) => (text === '11' ? failed() : undefined);
    const one = delivery();
    await until(async () => {
      await one.look(sink);
      return took.length === 7;
    });
    expect(took.filter((text) => text.startsWith('1'))).toEqual(['10']);
    answers = () => undefined;
    await until(async () => {
      await one.look(sink);
      return took.length === 9;
    });
    expect(took.filter((text) => text.startsWith('1'))).toEqual(['10', '11', '12']);
  });

  it('asks one that takes nothing with one event at a time, of another subject each time, so that one event alone holds nobody up', async () => {
    await tellChanges(store, changesFor(2, 1));
    const one = delivery();
    answers = () => failed();
    await one.look(sink);
    expect(asked.toSorted()).toEqual(['00', '10']);
    expect(told).toEqual(['p/bus does not take events, which wait: not now']);
    expect((await overviewOf(store))[0]!.state).toMatchObject({ attempts: 1, failure: 'not now' });
    await one.look(sink);
    expect(asked).toHaveLength(2);
    // One is an event that the sink can never take.
    answers = (text) => (text === '00' ? failed() : undefined);
    await until(
      async () => {
        await one.look(sink);
        return took.length === 1;
      },
      { timeoutMs: 10_000 },
    );
    expect(took).toEqual(['10']);
  });

  it('waits as long as it is asked to', async () => {
    await tellChanges(store, changesFor(1, 1));
    answers = () => failed(60_000);
    const one = delivery();
    await one.look(sink);
    answers = () => undefined;
    await setTimeout(1_200);
    expect(await one.look(sink)).toBe(0);
    expect(asked).toHaveLength(1);
  });

  it('sets aside what is refused or cannot be read, says so, and goes on', async () => {
    await tellChanges(store, changesFor(1, 3));
    const [, second] = await listEvents(store, { states: ['pending'], limit: 3 });
    for await (const { key } of store.list('outbox/pending/')) if (key.includes(second!.id)) await store.put(key, Buffer.from('{"cut'));
    answers = (text) => (text === '00' ? new PerennialError('EVENT_REFUSED', 'go away') : undefined);
    await delivery().look(sink);
    expect(took).toEqual(['02']);
    const refused = await listEvents(store, { states: ['refused'], limit: 10 });
    expect(refused.map(({ entry, problem }) => entry?.why ?? problem)).toEqual(['go away', expect.stringContaining('is not JSON')]);
    expect(told).toEqual([expect.stringContaining('refuses the event'), expect.stringContaining('set aside')]);
  });

  it('gives sinks that take one event at a time all of them in the order of their time', async () => {
    await tellChanges(store, changesFor(3, 2).reverse());
    await delivery(1).look(sink);
    expect(took.map((text) => text[1])).toEqual(['0', '0', '0', '1', '1', '1']);
  });
});

/** No object can be written, as on a full disk; `free` bytes become free with every one that is deleted. */
class FullStore extends MemoryStore {
  isFull = false;
  free = 0;
  freedByDelete = 0;

  override async put(...args: Parameters<MemoryStore['put']>): ReturnType<MemoryStore['put']> {
    if (this.isFull && this.free < args[1].length) throw new PerennialError('STORE_FULL', 'The disk of the store is full.');
    return super.put(...args);
  }

  override async delete(key: string): Promise<void> {
    if (this.isFull) this.free += this.freedByDelete;
    await super.delete(key);
  }
}

describe('where the store cannot be written after an event was sent', () => {
  let full: FullStore;

  beforeEach(async () => {
    store = full = new FullStore();
    await declareSinks(store, [sinkFor('bus', 'test', {})]);
    sink = (await readSinks(store))[0]!;
    await tellChanges(store, changesFor(1, 4));
    full.isFull = true;
  });

  it('sends none a second time, and nothing else, until what was sent is noted', async () => {
    const one = delivery(1);
    for (let look = 0; look < 3; look += 1) await expect(one.look(sink)).rejects.toMatchObject({ code: 'STORE_FULL' });
    expect(took).toEqual(['00']);
    full.isFull = false;
    while ((await one.look(sink)) > 0);
    expect(took).toEqual(['00', '01', '02', '03']);
    expect((await overviewOf(store))[0]!.counts).toEqual({ pending: 0, sent: 4, refused: 0 });
  });

  it('takes the event away before it is noted, which makes room', async () => {
    full.freedByDelete = 100_000;
    const one = delivery(1);
    while ((await one.look(sink)) > 0);
    expect(took).toEqual(['00', '01', '02', '03']);
    expect((await overviewOf(store))[0]!.counts).toEqual({ pending: 0, sent: 4, refused: 0 });
  });

  it('does not say that the sink has failed', async () => {
    full.isFull = false;
    await tellChanges(store, changesFor(3, 2));
    full.isFull = true;
    await expect(delivery(3).look(sink)).rejects.toMatchObject({ code: 'STORE_FULL' });
    full.isFull = false;
    expect(told).toEqual([]);
    expect((await overviewOf(store))[0]!.state).toBeUndefined();
  });

  it('sets aside once what was refused', async () => {
    answers = (text) => (text === '00' ? new PerennialError('EVENT_REFUSED', 'no') : undefined);
    const one = delivery(1);
    for (let look = 0; look < 3; look += 1) await expect(one.look(sink)).rejects.toMatchObject({ code: 'STORE_FULL' });
    full.isFull = false;
    while ((await one.look(sink)) > 0);
    expect(asked).toEqual(['00', '01', '02', '03']);
    expect(told).toHaveLength(1);
    expect((await overviewOf(store))[0]!.counts).toEqual({ pending: 0, sent: 3, refused: 1 });
  });

  it('sends a batch once', async () => {
    full.isFull = false;
    await declareSinks(store, [{ ...sinkFor('bus', 'test', {}), envelopeConfig: { mode: 'batch' } }]);
    sink = (await readSinks(store))[0]!;
    await tellChanges(store, changesFor(1, 9));
    let sent = 0;
    const definition = defineSink({
      name: 'test',
      summary: '',
      configSchema: {},
      reference: '',
      concurrency: 8,
      send: async () => void (sent += 1),
    });
    full.isFull = true;
    const one = deliveryTo(definition);
    for (let look = 0; look < 3; look += 1) await expect(one.look(sink)).rejects.toMatchObject({ code: 'STORE_FULL' });
    full.isFull = false;
    while ((await one.look(sink)) > 0);
    expect(sent).toBe(1);
  });
});

describe('the lease', () => {
  it('has one holder; another one takes it where there is no sign of life, or it was given back', async () => {
    const [a, b] = [new Lease(store, 'a', 400), new Lease(store, 'b', 400)];
    expect([await a.take(), await b.take()]).toEqual([true, false]);
    await setTimeout(250);
    expect([await a.take(), await b.take()]).toEqual([true, false]);
    expect([a.held, b.held]).toEqual([true, false]);
    await setTimeout(450);
    expect(a.held).toBe(false);
    expect(await b.take()).toBe(true);
    // Who comes back finds that it was taken.
    expect(await a.take()).toBe(false);
    await b.release();
    expect(await a.take()).toBe(true);
    await store.put('outbox/lease.json', Buffer.from('{"cut'));
    expect(await a.take()).toBe(false);
    const c = new Lease(store, 'c', 100);
    await c.take();
    await setTimeout(150);
    expect(await c.take()).toBe(true);
  });
});
