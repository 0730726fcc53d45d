import { gzipSync, deflateSync, brotliCompressSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { ask } from '../../unit/serving/test-app.ts';
import { servePenguins } from './serve-penguins.ts';

const server = servePenguins();
const INFER = '/v2/models/penguins/infer';

/** A request as Triton's clients write it: the JSON, then the bytes of the tensors. */
async function infer(json: unknown, tail: Buffer, headers: Record<string, string> = {}, path = INFER) {
  const head = Buffer.from(JSON.stringify(json));
  const response = await fetch(`${server.url}${path}`, {
    method: 'POST',
    headers: { 'inference-header-content-length': String(head.length), ...headers },
    body: Buffer.concat([head, tail]),
  });
  const bytes = Buffer.from(await response.arrayBuffer());
  const length = Number(response.headers.get('inference-header-content-length') ?? bytes.length);
  return {
    status: response.status,
    headers: response.headers,
    body: JSON.parse(bytes.subarray(0, length).toString()),
    tail: bytes.subarray(length),
  };
}

const doubles = (...values: number[]): Buffer => Buffer.from(new Float64Array(values).buffer);
const text = (value: string): Buffer => {
  const bytes = Buffer.from(value);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(bytes.length);
  return Buffer.concat([length, bytes]);
};
const input = (name: string, datatype: string, shape: number[], bytes: number) => ({
  name,
  datatype,
  shape,
  parameters: { binary_data_size: bytes },
});
const MASS = input('body_mass_g', 'FP64', [2], 16);

describe('tensors in binary', () => {
  it('are read in the order of the inputs that announce them, beside inputs in JSON', async () => {
    const islands = Buffer.concat([text('Biscoe'), text('Île')]);
    const { status, body } = await infer(
      { inputs: [MASS, input('island', 'BYTES', [2], islands.length)] },
      Buffer.concat([doubles(3750, 4000), islands]),
    );
    expect(status).toBe(200);
    expect(body.outputs[0]).toMatchObject({ name: 'label', data: ['Gentoo', 'Gentoo'] });
    const mixed = await infer({ inputs: [{ name: 'island', datatype: 'BYTES', shape: [2], data: ['a', 'b'] }, MASS] }, doubles(3750, 4000));
    expect(mixed.status).toBe(200);
  });

  it.each([
    ['INT8', Buffer.from([255])],
    ['UINT8', Buffer.from([255])],
    ['INT16', Buffer.from([1, 2])],
    ['UINT16', Buffer.from([1, 2])],
    ['FP16', Buffer.from([0, 0x3c])],
    ['INT32', Buffer.alloc(4, 1)],
    ['UINT32', Buffer.alloc(4, 1)],
    ['FP32', Buffer.alloc(4, 1)],
    ['INT64', Buffer.from([1, 0, 0, 0, 0, 0, 0, 0])],
    ['UINT64', Buffer.from([1, 0, 0, 0, 0, 0, 0, 0])],
    ['FP64', Buffer.alloc(8, 1)],
  ])('of %s are numbers', async (datatype, bytes) => {
    const { status, body } = await infer({ inputs: [input('body_mass_g', datatype, [1], bytes.length)] }, bytes);
    expect([status, body.error ?? '']).toEqual([200, '']);
  });

  it('past the preprocessing are taken as they are', async () => {
    const bytes = Buffer.from(new Float32Array([1, 2, 3, 4]).buffer);
    const { status, body } = await infer({ inputs: [input('features', 'FP32', [2, 2], 16)] }, bytes);
    expect(status).toBe(200);
    expect(body.outputs[0].shape).toEqual([2]);
  });

  it('are answered where they are asked for, whole or one by one', async () => {
    const all = await infer({ parameters: { binary_data_output: true }, inputs: [MASS] }, doubles(1, 2));
    expect(all.headers.get('content-type')).toBe('application/octet-stream');
    expect(all.body.outputs).toEqual([
      { name: 'label', datatype: 'BYTES', shape: [2], parameters: { binary_data_size: 20 } },
      { name: 'probabilities', datatype: 'FP64', shape: [2, 3], parameters: { binary_data_size: 48 } },
    ]);
    expect(all.tail).toEqual(Buffer.concat([text('Gentoo'), text('Gentoo'), doubles(0, 0, 1, 0, 0, 1)]));
    const one = await infer(
      { inputs: [MASS], outputs: [{ name: 'probabilities', parameters: { binary_data: true } }, { name: 'label' }] },
      doubles(1, 2),
    );
    expect(one.tail).toEqual(doubles(0, 0, 1, 0, 0, 1));
    expect(one.body.outputs[1]).toEqual({ name: 'label', datatype: 'BYTES', shape: [2], data: ['Gentoo', 'Gentoo'] });
  });

  it('name the largest classes where a classification is asked for', async () => {
    const { body } = await infer(
      { inputs: [MASS], outputs: [{ name: 'probabilities', parameters: { classification: 2 } }] },
      doubles(1, 2),
    );
    expect(body.outputs).toEqual([
      { name: 'probabilities', datatype: 'BYTES', shape: [2, 2], data: ['1:2:Gentoo', '0:0:Adelie', '1:2:Gentoo', '0:0:Adelie'] },
    ]);
    const label = await infer({ inputs: [MASS], outputs: [{ name: 'label', parameters: { classification: 2 } }] }, doubles(1, 2));
    expect([label.status, label.body.error]).toEqual([
      400,
      'outputs[0]: the output "label" holds no numbers, of which the largest could be named.',
    ]);
  });

  it.each([
    ['too few bytes', { inputs: [MASS] }, doubles(1), /"binary_data_size" is 16, but only 8 bytes are left behind the JSON/],
    [
      'too many bytes',
      { inputs: [MASS] },
      doubles(1, 2, 3),
      /announce 16 bytes of binary tensors by "binary_data_size"; 24 follow the JSON/,
    ],
    ['a size that is none', { inputs: [{ ...MASS, parameters: { binary_data_size: -1 } }] }, doubles(1, 2), /binary_data_size" is -1/],
    [
      'a shape of more values',
      { inputs: [input('body_mass_g', 'FP64', [2 ** 40], 16)] },
      doubles(1, 2),
      /holds 1099511627776 values, in 16 bytes/,
    ],
    [
      'a shape of other values',
      { inputs: [input('body_mass_g', 'FP64', [3], 16)] },
      doubles(1, 2),
      /3 values of FP64 are 24 bytes, but "binary_data_size" is 16/,
    ],
    ['data in both', { inputs: [{ ...MASS, data: [1, 2] }] }, doubles(1, 2), /has "data" and "binary_data_size"/],
    [
      'a text behind the end',
      { inputs: [MASS, input('island', 'BYTES', [2], 8)] },
      Buffer.concat([doubles(1, 2), Buffer.from([9, 0, 0, 0, 1, 2, 3, 4])]),
      /text 0 ends 5 bytes behind/,
    ],
    [
      'too few texts',
      { inputs: [MASS, input('island', 'BYTES', [2], 5)] },
      Buffer.concat([doubles(1, 2), text('a')]),
      /hold 1 texts and 0 bytes more, the shape 2/,
    ],
    [
      'no text',
      { inputs: [MASS, input('island', 'BYTES', [2], 10)] },
      Buffer.concat([doubles(1, 2), Buffer.from([1, 0, 0, 0, 255, 1, 0, 0, 0, 65])]),
      /its bytes must be UTF-8/,
    ],
  ])('are refused with their place: %s', async (_title, json, tail, message) => {
    const { status, body } = await infer(json, tail);
    expect([status, body.error]).toEqual([400, expect.stringMatching(message)]);
  });

  it('are refused where the header is wrong, and elsewhere', async () => {
    const wrong = await infer({ inputs: [MASS] }, doubles(1, 2), { 'inference-header-content-length': '99999' });
    expect([wrong.status, wrong.body.error]).toEqual([400, expect.stringContaining('expected how many of the')]);
    const elsewhere = await infer({ rows: [{ body_mass_g: 1 }] }, Buffer.alloc(0), {}, '/models/penguins/predict');
    expect(elsewhere.status).toBe(415);
  });
});

describe('compressed bodies', () => {
  const body = Buffer.from(JSON.stringify({ inputs: [{ name: 'body_mass_g', datatype: 'FP64', shape: [1], data: [1] }] }));
  const send = async (bytes: Buffer, encoding: string) => {
    const response = await fetch(`${server.url}${INFER}`, { method: 'POST', headers: { 'content-encoding': encoding }, body: bytes });
    return { status: response.status, error: ((await response.json()) as { error?: string }).error };
  };

  it.each([
    ['gzip', gzipSync(body)],
    ['deflate', deflateSync(body)],
    ['br', brotliCompressSync(body)],
    ['identity', body],
  ])('are unpacked: %s', async (encoding, bytes) => {
    expect(await send(bytes, encoding)).toEqual({ status: 200, error: undefined });
  });

  it('are refused where they are not what they say, cut off, or of another kind', async () => {
    expect(await send(body, 'gzip')).toEqual({
      status: 400,
      error: expect.stringContaining('cannot be unpacked as its content-encoding says'),
    });
    expect(await send(gzipSync(body).subarray(0, 30), 'gzip')).toMatchObject({ status: 400 });
    expect(await send(body, 'zstd')).toEqual({ status: 415, error: expect.stringContaining('this server unpacks gzip') });
  });

  it('that unpack to more than a body may hold are cut off', async () => {
    expect(await send(gzipSync(Buffer.alloc(64 * 1024 * 1024, 32)), 'gzip')).toMatchObject({ status: 413 });
  });

  it('are sent where a client asks for them and there is much to say', async () => {
    const many = { rows: Array.from({ length: 2_000 }, () => ({ body_mass_g: 1 })) };
    const response = await fetch(`${server.url}/models/penguins/predict`, {
      method: 'POST',
      headers: { 'accept-encoding': 'br, gzip;q=0.5' },
      body: JSON.stringify(many),
    });
    expect(response.headers.get('content-encoding')).toBe('gzip');
    expect(((await response.json()) as { predictions: unknown[] }).predictions).toHaveLength(2_000);
    const none = await fetch(`${server.url}/models/penguins/predict`, {
      method: 'POST',
      headers: { 'accept-encoding': 'gzip;q=0, identity' },
      body: JSON.stringify(many),
    });
    expect(none.headers.get('content-encoding')).toBeNull();
  });
});

describe('what Triton tells of its models', () => {
  it('is told of ours', async () => {
    expect((await ask(server.url, '/v2/repository/index', {})).body).toEqual([
      { name: 'penguins', version: '2', state: 'READY', reason: '' },
      { name: 'penguins', version: '3', state: 'READY', reason: '' },
    ]);
    expect((await ask(server.url, '/v2/models/penguins/config')).body).toMatchObject({
      name: 'penguins',
      input: [
        { name: 'body_mass_g', data_type: 'TYPE_FP64', dims: [1] },
        { name: 'island', data_type: 'TYPE_STRING', dims: [1], optional: true },
      ],
      output: [{ name: 'label' }, { name: 'probabilities', data_type: 'TYPE_FP64', dims: [3] }],
    });
    await infer({ inputs: [MASS] }, doubles(1, 2), {}, '/v2/models/penguins/versions/1/infer');
    const { body } = await ask(server.url, '/v2/models/penguins/versions/1/stats');
    expect(body.model_stats).toEqual([
      expect.objectContaining({
        name: 'penguins',
        version: '1',
        inference_count: 2,
        execution_count: 1,
        inference_stats: expect.objectContaining({ success: { count: 1, ns: expect.any(Number) } }),
      }),
    ]);
    expect((await ask(server.url, '/v2/models/stats')).body.model_stats.length).toBeGreaterThan(1);
    expect((await ask(server.url, '/v2/models/none/stats')).status).toBe(404);
  });

  it('loads, and does not unload what aliases name', async () => {
    expect(await ask(server.url, '/v2/repository/models/penguins/load', {})).toMatchObject({ status: 200, body: {} });
    expect((await ask(server.url, '/v2/repository/models/penguins/load', { parameters: { config: '{}' } })).status).toBe(400);
    expect((await ask(server.url, '/v2/repository/models/none/load', {})).status).toBe(404);
    expect(await ask(server.url, '/v2/repository/models/penguins/unload', {})).toMatchObject({
      status: 400,
      body: { error: expect.stringContaining('follows its aliases') },
    });
  });
});
