import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterEach, expect, it } from 'vitest';
import httpSink from '../../../src/events/sinks/http.sink.ts';
import { withTimeLimit } from '../../../src/platform/time-limit.ts';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

const cleanups: (() => void)[] = [];
afterEach(() => cleanups.splice(0).forEach((clean) => clean()));

/** As in a process that works: what nothing holds is gone soon. */
function collectOften(): void {
  const timer = setInterval(collect, 20);
  cleanups.push(() => clearInterval(timer));
}

/** What waits until it is told to stop, and holds its signal no more than `fetch` does. */
function waits(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) =>
    signal.addEventListener('abort', () => reject(signal.reason instanceof Error ? signal.reason : new Error('aborted')), { once: true }),
  );
}

it('work that hangs is ended in time, whatever the collector of garbage takes meanwhile', async () => {
  collectOften();
  await expect(withTimeLimit(200, new AbortController().signal, waits)).rejects.toMatchObject({ name: 'TimeoutError' });
});

it('work ends with whoever asked for it, also before it began', async () => {
  const outer = new AbortController();
  const ended = withTimeLimit(60_000, outer.signal, waits);
  outer.abort(new Error('over'));
  await expect(ended).rejects.toThrow('over');
  await expect(withTimeLimit(60_000, outer.signal, (signal) => Promise.resolve().then(() => signal.throwIfAborted()))).rejects.toThrow(
    'over',
  );
});

it('what is done in time is given, and leaves nothing behind', async () => {
  let kept: AbortSignal | undefined;
  const outer = new AbortController();
  expect(await withTimeLimit(60_000, outer.signal, (signal) => Promise.resolve((kept = signal) && 7))).toBe(7);
  outer.abort();
  expect(kept!.aborted).toBe(false);
});

it('a sink that takes an event and never answers is given up after its timeout, also while the collector works', async () => {
  const server = createServer(() => undefined);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  cleanups.push(() => {
    server.closeAllConnections();
    server.close();
  });
  collectOften();
  const event = { id: '1', contentType: 'application/json', body: '{}' };
  const config = { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, headers: {}, timeout: '1s' };
  const told = httpSink.send(event as never, config as never, { signal: new AbortController().signal, documentDir: '/' });
  await expect(told).rejects.toMatchObject({ code: 'EVENT_FAILED' });
});
