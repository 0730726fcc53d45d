import { once } from 'node:events';
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FakeSource } from './doubles.ts';
import { startTestApp } from './test-app.ts';
import type { TestApp } from './test-app.ts';

let app: TestApp;

beforeAll(async () => {
  const source = new FakeSource();
  source.route('penguins', { champion: 1 });
  app = await startTestApp(source);
});
afterAll(() => app.close());

/** The status and the body of what is answered to bytes as they are. */
async function spoken(text: string): Promise<{ readonly status: number; readonly error: unknown }> {
  const socket = connect(Number(new URL(app.url).port), '127.0.0.1');
  let answer = '';
  socket.on('data', (bytes: Buffer) => (answer += bytes.toString('utf8')));
  socket.write(text);
  await once(socket, 'close');
  const [head, body] = answer.split('\r\n\r\n');
  return { status: Number(head!.split(' ')[1]), error: (JSON.parse(body!) as { error: unknown }).error };
}

describe('every refusal is said in words, as JSON', () => {
  it.each([
    ['no host', 'GET /models HTTP/1.1\r\nconnection: close\r\n\r\n', 400, /The header Host is missing/],
    [
      'an expectation',
      'POST /models/penguins/predict HTTP/1.1\r\nhost: x\r\nexpect: a-miracle\r\ncontent-length: 2\r\n\r\n{}',
      417,
      /Expect is "a-miracle"/,
    ],
    [
      'a content type that is none',
      'POST /models/penguins/predict HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-type: ;;;\r\ncontent-length: 2\r\n\r\n{}',
      415,
      /Content-Type is no media type/,
    ],
    [
      'a long name',
      `POST /models/${'m'.repeat(5_000)}/predict HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 2\r\n\r\n{}`,
      414,
      /^.{0,300} has a name of more than 100 characters/,
    ],
    ['no HTTP', 'HELO\r\n\r\n', 400, /no request of HTTP/],
  ])('%s', async (_name, text, status, error) => {
    expect(await spoken(text)).toEqual({ status, error: expect.stringMatching(error) });
  });

  it.each([['inputs'], ['outputs'], ['request']])('shared memory in the parameters of %s', async (where) => {
    const parameters = { shared_memory_region: 'r', shared_memory_byte_size: 8 };
    const tensor = { name: 'body_mass_g', shape: [1], datatype: 'FP64', data: [1] };
    const body = {
      inputs: [where === 'inputs' ? { ...tensor, parameters } : tensor],
      ...(where === 'outputs' ? { outputs: [{ name: 'label', parameters }] } : {}),
      ...(where === 'request' ? { parameters } : {}),
    };
    const response = await fetch(`${app.url}/v2/models/penguins/infer`, { method: 'POST', body: JSON.stringify(body) });
    expect(response.status).toBe(400);
    expect(await response.text()).toContain('is not taken: tensors travel in requests and answers');
  });

  it('a shape shows what was given', async () => {
    const body = { inputs: [{ name: 'body_mass_g', shape: [-1], datatype: 'FP64', data: [1] }] };
    const response = await fetch(`${app.url}/v2/models/penguins/infer`, { method: 'POST', body: JSON.stringify(body) });
    expect(await response.text()).toContain('given [-1]');
  });
});
