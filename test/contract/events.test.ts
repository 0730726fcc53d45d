import { appendFileSync, existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { JsonObject } from '../../src/core/json.ts';
import { envelopes } from '../../src/events/envelopes/index.generated.ts';
import fileSink from '../../src/events/sinks/file.sink.ts';
import httpSink from '../../src/events/sinks/http.sink.ts';
import { sinks } from '../../src/events/sinks/index.generated.ts';
import type { EventMessage } from '../../src/events/sinks/sink.ts';
import { isPerennialError } from '../../src/core/errors.ts';
import { packageRoot } from '../../src/platform/paths.ts';
import { tempDir } from '../support/temp-dir.ts';
import { until } from '../support/until.ts';

/** A real place for a sink to send to. */
interface Place {
  readonly config: JsonObject;
  /** Bodies that have arrived, in their order. */
  arrived(): readonly string[];
  /** From now on nothing gets through, or it does again. */
  away(away: boolean): void;
}

const PLACES: Readonly<Record<string, () => Promise<Place>>> = {
  async http() {
    const arrived: string[] = [];
    let away = false;
    const server = createServer((request, response) => {
      let text = '';
      request.on('data', (chunk: Buffer) => (text += chunk.toString()));
      request.on('end', () => {
        if (!away) arrived.push(text);
        response.writeHead(away ? 503 : 200).end();
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void server.close());
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    return { config: { url, headers: {}, timeout: '30s' }, arrived: () => arrived, away: (now) => (away = now) };
  },
  async file() {
    const path = join(tempDir('sink'), 'events.ndjson');
    return {
      config: { path, bytesMax: 1_000_000, filesKept: 1 },
      arrived: () => (existsSync(path) ? readFileSync(path, 'utf8').split('\n').slice(0, -1) : []),
      // A folder in the place of the file: also root cannot write there.
      away(now) {
        if (now) mkdirSync(path, { recursive: true });
        else rmSync(path, { recursive: true });
      },
    };
  },
};

const message = (number: number): EventMessage => ({
  id: `00000000-0000-5000-8000-${String(number).padStart(12, '0')}`,
  contentType: 'application/cloudevents+json; charset=utf-8',
  body: JSON.stringify({ number, text: 'ä\u2028"' }),
});
const context = () => ({ signal: new AbortController().signal, documentDir: '/' });

describe.each(sinks)('the sink $name', (sink) => {
  const place = (): Promise<Place> => {
    const made = PLACES[sink.name];
    if (made === undefined)
      throw new Error(`There is no place for the sink "${sink.name}": add a real one to PLACES in test/contract/events.test.ts.`);
    return made();
  };

  it('has a closed schema, a summary and a reference', () => {
    expect(sink.configSchema).toMatchObject({ type: 'object', additionalProperties: false });
    expect(sink.summary).toMatch(/\.$/);
    expect(sink.reference).toMatch(/^https:/);
    expect(sink.concurrency).toBeGreaterThan(0);
  });

  it('delivers the bytes that it gets, in the order in which it gets them', async () => {
    const { config, arrived } = await place();
    for (const number of [1, 2, 3]) await sink.send(message(number), config, context());
    expect(arrived()).toEqual([1, 2, 3].map((number) => message(number).body));
  });

  it('says of a place that is away that it may be back, and delivers then', async () => {
    const { config, arrived, away } = await place();
    away(true);
    const failure: unknown = await sink.send(message(1), config, context()).catch((error: unknown) => error);
    expect(isPerennialError(failure, 'EVENT_FAILED')).toBe(true);
    away(false);
    await sink.send(message(1), config, context());
    expect(arrived()).toEqual([message(1).body]);
  });
});

it.each(envelopes)('the form $name has a closed schema, a summary and a reference', (envelope) => {
  expect(envelope.configSchema).toMatchObject({ type: 'object', additionalProperties: false });
  expect(envelope.summary).toMatch(/\.$/);
  expect(envelope.reference).toMatch(/^https:/);
});

describe('the sink http', () => {
  async function receiver(answer: { readonly status: number; readonly headers?: Readonly<Record<string, string>> }) {
    const seen: { readonly headers: Readonly<Record<string, unknown>>; readonly url: string }[] = [];
    const server = createServer((request, response) => {
      seen.push({ headers: request.headers, url: request.url! });
      response.writeHead(answer.status, answer.headers).end('told');
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void server.close());
    return { seen, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/secret-path` };
  }
  const outcome = async (url: string, more: JsonObject = {}): Promise<unknown> =>
    httpSink.send(message(1), { url, headers: {}, timeout: '30s', ...more }, context()).catch((error: unknown) => error);

  it('sends the token, headers and the id, and lets no header of the document take their place', async () => {
    const { seen, url } = await receiver({ status: 202 });
    await outcome(url, { token: 'abc', headers: { 'x-key': 'k', 'Content-Type': 'text/plain' } });
    expect(seen[0]!.headers).toMatchObject({
      authorization: 'Bearer abc',
      'x-key': 'k',
      'idempotency-key': message(1).id,
      'content-type': message(1).contentType,
    });
  });

  it.each([
    [400, 'EVENT_REFUSED'],
    [413, 'EVENT_REFUSED'],
    [422, 'EVENT_REFUSED'],
    [307, 'EVENT_FAILED'],
    [401, 'EVENT_FAILED'],
    [403, 'EVENT_FAILED'],
    [404, 'EVENT_FAILED'],
    [410, 'EVENT_FAILED'],
    [408, 'EVENT_FAILED'],
    [425, 'EVENT_FAILED'],
    [429, 'EVENT_FAILED'],
    [500, 'EVENT_FAILED'],
    [503, 'EVENT_FAILED'],
  ] as const)('takes %i for %s, and names no path', async (status, code) => {
    const { url } = await receiver({ status, headers: status === 307 ? { location: '/elsewhere' } : {} });
    const failure = (await outcome(url)) as Error;
    expect(failure).toMatchObject({ code });
    expect(failure.message).toContain(String(status));
    expect(failure.message).not.toContain('secret-path');
  });

  it('reads Retry-After as seconds and as a date', async () => {
    expect(await outcome((await receiver({ status: 429, headers: { 'retry-after': '7' } })).url)).toMatchObject({
      details: { retryAfterMs: 7_000 },
    });
    const date = new Date(Date.now() + 60_000).toUTCString();
    const failure = (await outcome((await receiver({ status: 503, headers: { 'retry-after': date } })).url)) as {
      details: { retryAfterMs: number };
    };
    expect(failure.details.retryAfterMs).toBeGreaterThan(50_000);
    expect(await outcome((await receiver({ status: 503, headers: { 'retry-after': 'soon' } })).url)).toMatchObject({
      details: { status: 503 },
    });
  });

  it('waits for an answer only so long, and for nobody who does not listen', async () => {
    const server = createServer(() => undefined);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const started = Date.now();
    expect(await outcome(url, { timeout: '300ms' })).toMatchObject({ code: 'EVENT_FAILED' });
    expect(Date.now() - started).toBeLessThan(20_000);
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    expect(await outcome(url)).toMatchObject({ code: 'EVENT_FAILED', message: expect.stringContaining('does not answer') });
    expect(await outcome('nonsense')).toMatchObject({ code: 'EVENT_FAILED' });
  });
});

it('a CloudEvent in binary mode has its attributes as headers, and its data as body', async () => {
  const seen: { headers: Readonly<Record<string, unknown>>; body: string }[] = [];
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => {
      seen.push({ headers: request.headers, body });
      response.writeHead(204).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  const change = {
    key: 'k',
    type: 'model.promoted',
    at: '2026-11-30T01:00:00.000Z',
    subject: 'models/Größe "50 %"',
    order: 0,
    pipeline: null,
    model: 'm',
    data: { who: 'ä' },
  } as const;
  const written = envelopes.find(({ name }) => name === 'cloudEvents')!.write(change, { mode: 'binary' }, { storeId: 'store' })!;
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  await httpSink.send(written, { url, headers: { 'CE-Id': 'mine' }, timeout: '30s' }, context());
  expect(seen[0]).toMatchObject({
    body: '{"who":"ä"}',
    headers: {
      'content-type': 'application/json',
      'ce-specversion': '1.0',
      'ce-id': written.id,
      'ce-source': 'perennial://store/models/m',
      'ce-type': 'perennial.model.promoted',
      'ce-subject': 'models/Gr%C3%B6%C3%9Fe%20%2250%20%25%22',
      'ce-time': '2026-11-30T01:00:00.000Z',
    },
  });
});

describe('a receiver that quotes what it was sent', () => {
  async function echoing(answer: (headers: Readonly<Record<string, unknown>>, url: string) => string): Promise<string> {
    const server = createServer((request, response) => {
      response.writeHead(422).end(answer(request.headers, request.url!));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void server.close());
    return `127.0.0.1:${(server.address() as AddressInfo).port}`;
  }
  const failureOf = async (config: JsonObject): Promise<Error> =>
    httpSink.send(message(1), { headers: {}, timeout: '30s', ...config }, context()).then(
      () => new Error('it was taken'),
      (error: unknown) => error as Error,
    );

  it.each([0, 150, 190, 195])('gets no part of a token, a header or an address into a message, after %i characters', async (before) => {
    const at = await echoing(
      ({ authorization, 'x-key': key }, url) => `${'.'.repeat(before)}${String(authorization)} ${String(key)} ${url}`,
    );
    const { message: text } = await failureOf({
      url: `http://${at}/services/T0123/B4567?sig=queryvalue`,
      token: 'tokentokentoken',
      headers: { 'x-key': 'keykeykey' },
    });
    expect(text).toContain('422');
    expect(text).not.toMatch(/token|keyk|T0123|sig|query/);
  });

  it('gets user and password of an address as a header, and does not give them away', async () => {
    const seen: unknown[] = [];
    const at = await echoing(({ authorization }, url) => {
      seen.push(authorization, url);
      return `${String(authorization)} ${Buffer.from(String(authorization).slice(6), 'base64').toString()}`;
    });
    const { message: text } = await failureOf({ url: `http://us%40er:pa%3Ass@${at}/in` });
    expect(seen).toEqual([`Basic ${Buffer.from('us@er:pa:ss').toString('base64')}`, '/in']);
    expect(text).not.toMatch(/us@er|pa:ss|dXN/);
  });

  it('is not even asked where a secret cannot be a header, and the message does not say it', async () => {
    expect(await failureOf({ url: 'http://127.0.0.1:1/', token: 'line\nbreak' })).toMatchObject({
      code: 'EVENT_FAILED',
      message: expect.not.stringMatching(/line|break/) as unknown,
    });
  });
});

it('a receiver whose certificate nobody here knows is told with what to do', async () => {
  const made = (name: string): Buffer => readFileSync(join(packageRoot(), 'test/support/tls', name));
  const server = createTlsServer({ cert: made('one.crt'), key: made('one.key') }, (_request, response) => void response.end());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  await expect(httpSink.send(message(1), { url, headers: {}, timeout: '30s' }, context())).rejects.toMatchObject({
    code: 'EVENT_FAILED',
    message: expect.stringContaining('NODE_EXTRA_CA_CERTS in the environment of the workers'),
  });
});

it('an answer without end is an answer', async () => {
  let closed = false;
  const server = createServer((request, response) => {
    response.writeHead(request.url === '/yes' ? 200 : 400);
    const more = setInterval(() => response.write('x'.repeat(65_536)), 1);
    response.on('close', () => {
      clearInterval(more);
      closed = true;
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  await httpSink.send(message(1), { url: `${url}/yes`, headers: {}, timeout: '1h' }, context());
  await until(() => closed);
  await expect(httpSink.send(message(1), { url: `${url}/no`, headers: {}, timeout: '1h' }, context())).rejects.toMatchObject({
    code: 'EVENT_REFUSED',
  });
});

describe('the sink file', () => {
  const path = (): string => join(tempDir('file'), 'deep', 'events.ndjson');
  const send = (file: string, number: number, more: JsonObject = {}): Promise<void> =>
    fileSink.send(message(number), { path: file, bytesMax: 1_000_000, filesKept: 2, ...more }, context());

  it('takes away what a kill left of a line, and writes no line twice', async () => {
    const file = path();
    await send(file, 1);
    appendFileSync(file, message(2).body.slice(0, 7));
    await send(file, 2);
    await send(file, 2);
    expect(readFileSync(file, 'utf8')).toBe(`${message(1).body}\n${message(2).body}\n`);
    for (const torn of ['{"torn from the beginning":'.repeat(10_000), '\0'.repeat(4_096)]) {
      writeFileSync(file, torn);
      await send(file, 3);
      expect(readFileSync(file, 'utf8')).toBe(`${message(3).body}\n`);
    }
  });

  it('cuts no file of somebody else', async () => {
    const file = join(tempDir('file'), 'thesis.txt');
    writeFileSync(file, 'Chapter 1\nIt was a dark');
    await expect(send(file, 1)).rejects.toMatchObject({ code: 'EVENT_FAILED', message: expect.stringContaining('is no event') });
    expect(readFileSync(file, 'utf8')).toBe('Chapter 1\nIt was a dark');
  });

  it('rolls by size, numbers what it puts aside, and keeps the newest', async () => {
    const file = path();
    for (let number = 1; number <= 9; number += 1) await send(file, number, { bytesMax: 2 * (Buffer.byteLength(message(1).body) + 1) });
    const names = readdirSync(dirname(file)).sort();
    expect(names).toEqual(['events-3.ndjson', 'events-4.ndjson', 'events.ndjson']);
    const numbers = names.flatMap((name) =>
      readFileSync(join(dirname(file), name), 'utf8')
        .trim()
        .split('\n')
        .map((line) => (JSON.parse(line) as { number: number }).number),
    );
    expect(numbers).toEqual([5, 6, 7, 8, 9]);
  });

  it('takes its path from the folder of the document', async () => {
    const folder = tempDir('document');
    await fileSink.send(message(1), { path: 'a/b.ndjson', bytesMax: 10_000, filesKept: 1 }, { ...context(), documentDir: folder });
    expect(readFileSync(join(folder, 'a/b.ndjson'), 'utf8')).toBe(`${message(1).body}\n`);
  });

  it('says which file cannot be written', async () => {
    const file = path();
    mkdirSync(file, { recursive: true });
    await expect(send(file, 1)).rejects.toMatchObject({ code: 'EVENT_FAILED', message: expect.stringContaining(file) });
    const below = join(path(), 'events.ndjson');
    await send(dirname(below), 1);
    await expect(send(below, 2)).rejects.toMatchObject({ code: 'EVENT_FAILED', message: expect.stringContaining(below) });
  });
});
