import { connect } from 'node:net';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadPreprocessor } from '../../../src/data/preprocess/preprocessor.ts';
import type { OutputSpec, Row, Tensor } from '../../../src/core/tensor.ts';
import { readPredictions } from '../../../src/monitoring/prediction-window.ts';
import { FakeSource } from './doubles.ts';
import type { TestApp } from './test-app.ts';
import { ask, startTestApp } from './test-app.ts';

let server: TestApp;

/** A network whose answer is the square of its input, in float32: it overflows where a real one does. */
const square = async (batch: Record<string, Tensor>): Promise<Float32Array> =>
  Float32Array.from(batch.features!.data, (value) => value * value);

async function serve(model: string, source: FakeSource, options: FakeSource['options']): Promise<void> {
  source.options = options;
  source.route(model, { champion: 1 });
  await server.router.state(model);
}

beforeAll(async () => {
  const source = new FakeSource();
  server = await startTestApp(source, { arrivalMs: 700 });
  const columns = [{ name: 'a', type: 'number', required: true, spec: { name: 'features', shape: [1], dtype: 'float32' }, transforms: [] }];
  const anomaly = { kind: 'anomaly', name: 'a', threshold: 4, calibration: { quantile: 0.99, scores: [] } };
  const number = { kind: 'number', name: 'y', width: 1 };
  for (const [model, output] of [
    ['sensor', anomaly],
    ['number', number],
  ] as const) {
    await serve(model, source, {
      preprocessor: loadPreprocessor({ formatVersion: 1, seed: 1, columns, output: number }),
      output: output as OutputSpec,
      predict: square,
    });
  }
  await serve('texts', source, {
    columns: [
      { name: 'body_mass_g', type: 'number', required: true },
      { name: 'island', type: 'string', required: false },
    ],
  });
});
afterAll(() => server.close());

const rows = (model: string, body: unknown) => ask(server.url, `/models/${model}/predict`, body);

describe('values far from all that a model learnt from', () => {
  it('are anomalies to a model of anomalies, by every protocol, and take no other row along', async () => {
    const most = { score: 3.4028234663852886e38, anomaly: true };
    for (const a of [1e20, -1e38, 1e39, 1e300, -1e300]) {
      const { status, body } = await rows('sensor', { rows: [{ a: 1 }, { a }, { a: 2 }] });
      expect([status, body.predictions]).toEqual([200, [{ score: 1, anomaly: false }, most, { score: 4, anomaly: false }]]);
    }
    expect((await ask(server.url, '/v1/models/sensor:predict', { instances: [{ a: 1e300 }] })).body).toEqual({ predictions: [most] });
    expect(
      (await ask(server.url, '/v2/models/sensor/infer', { inputs: [{ name: 'a', shape: [1], datatype: 'FP64', data: [1e300] }] })).body
        .outputs,
    ).toMatchObject([{ data: [most.score] }, { data: [true] }]);
  });

  it('are named by row and column where a model cannot answer them', async () => {
    const beyond = await rows('number', { rows: [{ a: 1 }, { a: 1e300 }] });
    expect([beyond.status, beyond.headers.get('x-perennial-row'), beyond.body.error]).toEqual([
      400,
      '1',
      'row 1, column "a": the value is Infinity after its transforms.',
    ]);
    const large = await rows('number', { rows: [{ a: 1 }, { a: 1e30 }] });
    expect([large.status, large.headers.get('x-perennial-row'), large.body.error]).toEqual([
      400,
      '1',
      'Row 1: the model has no answer for such values, which are far from all that it learnt from; the largest is 1e+30 in "a".',
    ]);
    expect((await ask(server.url, '/v1/models/number:predict', { instances: [[1], [2e30]] })).body.error).toContain(
      'Row 1: the model has no answer',
    );
  });

  it('are refused in a tensor that cannot hold them, with their place', async () => {
    for (const [path, body] of [
      ['/v2/models/sensor/infer', { inputs: [{ name: 'features', shape: [2, 1], datatype: 'FP32', data: [0, 1e39] }] }],
      ['/v1/models/sensor:predict', { instances: [[0], [1e39]] }],
    ] as const) {
      const answer = await ask(server.url, path, body);
      expect([answer.status, answer.body.error]).toEqual([400, expect.stringMatching(/value 1: 1e\+39 is beyond what float32 holds/)]);
    }
    expect((await ask(server.url, '/v1/models/sensor:predict', { instances: [[1e38]] })).body).toEqual({
      predictions: [{ score: 3.4028234663852886e38, anomaly: true }],
    });
  });
});

describe('a body', () => {
  const raw = async (path: string, body: string | Uint8Array, headers: Record<string, string> = {}) => {
    const answer = await fetch(`${server.url}${path}`, { method: 'POST', body: body as Uint8Array<ArrayBuffer>, headers });
    const text = await answer.text();
    return { status: answer.status, headers: answer.headers, error: (JSON.parse(text) as { error?: string }).error };
  };
  const nested = (levels: number): string => '['.repeat(levels) + ']'.repeat(levels);

  it('may be nested in a column that is not read, however deep, and is refused where it is read', async () => {
    for (const path of ['/models/sensor/predict', '/v1/models/sensor:predict']) {
      const around = (value: string): string =>
        path.startsWith('/v1') ? `{"instances":[{"a":1,"x":${value}}]}` : `{"a":1,"y":12345678901234567890,"x":${value}}`;
      expect((await raw(path, around(nested(900)))).status).toBe(200);
      for (const deep of [nested(20_000), `[${nested(20_000)},{"b":${nested(3_000)}}]`, nested(90_000)])
        expect(await raw(path, around(deep))).toMatchObject({ status: 200 });
      expect((await raw(path, around('['.repeat(20_000) + '}'.repeat(20_000)))).status).toBe(400);
      expect((await raw(path, around(nested(20_000)).replace('"a":1', `"a":${nested(20_000)}`))).status).toBe(400);
    }
    for (const path of ['/models/sensor/predict', '/v1/models/sensor:predict', '/v2/models/sensor/infer']) {
      for (const body of ['['.repeat(4_000_000), `{"a":${nested(900)}}`, `["${'\\"'.repeat(2_000_000)}`])
        expect((await raw(path, body)).status).toBe(400);
    }
  });

  it('is named where it is something else than JSON', async () => {
    const gzip = gzipSync('{"a":1}');
    const cases: [string | Uint8Array, Record<string, string>, number, string][] = [
      [
        gzip,
        { 'content-encoding': 'zstd', 'content-type': 'application/json' },
        415,
        'The body is compressed as "zstd"; this server unpacks gzip, x-gzip, deflate, br.',
      ],
      [
        '<row/>',
        { 'content-type': 'text/xml' },
        415,
        'The body is text/xml, not JSON: send JSON in UTF-8, or text/csv or multipart/form-data.',
      ],
      [
        'a,b\n1,2',
        { 'content-type': 'text/tab-separated-values' },
        415,
        'not JSON: send JSON in UTF-8, or text/csv or multipart/form-data.',
      ],
      [gzip, { 'content-type': 'application/json' }, 415, 'The body is gzip: send JSON in UTF-8.'],
      [
        new Uint8Array([8, 255, 254]),
        { 'content-type': 'application/octet-stream' },
        415,
        'The body is application/octet-stream, not JSON: send JSON in UTF-8, or text/csv or multipart/form-data.',
      ],
      [new Uint8Array([255, 254, 123, 0]), { 'content-type': 'application/json' }, 415, 'The body is UTF-16: send JSON in UTF-8.'],
      [
        'a=1&b=2',
        { 'content-type': 'application/x-www-form-urlencoded' },
        415,
        'The body is application/x-www-form-urlencoded, not JSON: send JSON in UTF-8, or text/csv or multipart/form-data.',
      ],
      ['{"a":1', { 'content-type': 'application/x-www-form-urlencoded' }, 400, 'The body is not JSON: '],
      ['', { 'content-type': 'application/json' }, 400, 'The body is empty: send a JSON object.'],
    ];
    for (const [body, headers, status, error] of cases) {
      const answer = await raw('/models/sensor/predict', body, headers);
      expect([answer.status, answer.error]).toEqual([status, expect.stringContaining(error)]);
    }
    expect((await raw('/models/sensor/predict', gzip, { 'content-encoding': 'zstd' })).headers.get('accept-encoding')).toContain('gzip');
    for (const type of [
      'application/json',
      'application/x-www-form-urlencoded',
      'application/octet-stream',
      'text/plain',
      'application/x-protobuf',
    ])
      expect((await raw('/models/sensor/predict', '{"a":1}', { 'content-type': type })).status).toBe(200);
  });

  it('that never arrives, or arrives byte by byte, is cut with an answer', async () => {
    const answers = await Promise.all(
      [0, 100].map(
        (dripMs) =>
          new Promise<string>((resolve, reject) => {
            const socket = connect(Number(new URL(server.url).port), '127.0.0.1');
            let text = '';
            const drip = dripMs === 0 ? undefined : setInterval(() => socket.write('['), dripMs);
            socket.on('data', (bytes) => (text += String(bytes)));
            socket.on('close', () => {
              clearInterval(drip);
              resolve(text);
            });
            socket.on('error', reject);
            socket.write(
              'POST /models/sensor/predict HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 1000\r\n\r\n{',
            );
          }),
      ),
    );
    for (const answer of answers) {
      expect(answer).toContain('HTTP/1.1 408 Request Timeout');
      expect(answer).toContain('{"error":"The request did not arrive as a whole within 0.7 s."}');
    }
  });

  it('with base64 that is none is refused, not read as something else', async () => {
    const text = (b64: string) => ask(server.url, '/v1/models/texts:predict', { instances: [{ body_mass_g: 1, island: { b64 } }] });
    for (const b64 of ['!!!!', 'aGVsbG8', 'aGVs bG8=', 'a', 'aGVsbG8==', 'a=Gs'])
      expect((await text(b64)).status).toBe(b64 === 'aGVsbG8' ? 200 : 400);
    expect((await text('!!!!')).body.error).toBe('The column "island": the value of "b64" is no base64.');
  });
});

describe('the prediction log', () => {
  it('costs no answer, keeps integers exact, and leaves out who asks it to', async () => {
    const id = 12345678901234567890n;
    const body = (island: string): string => `{"body_mass_g":1,"island":"${island}","y":${id}}`;
    expect((await rows('texts', body('logged'))).status).toBe(200);
    for (const path of ['/models/texts/predict', '/v1/models/texts:predict', '/v2/models/texts/infer']) {
      const row: Row = { body_mass_g: 1, island: 'not logged' };
      const asked = path.startsWith('/v1')
        ? { instances: [row] }
        : path.startsWith('/v2')
          ? { inputs: [{ name: 'body_mass_g', shape: [1], datatype: 'FP64', data: [1] }] }
          : row;
      expect((await ask(server.url, path, asked, { headers: { 'x-perennial-log': 'off' } })).status).toBe(200);
    }
    expect(
      (await ask(server.url, '/models/texts/predict', { body_mass_g: 1 }, { headers: { 'x-perennial-log': 'never' } })).body.error,
    ).toBe('The header x-perennial-log is "never"; expected "on" or "off".');
    server.log.add(
      {
        model: 'texts',
        version: 1,
        preprocessor: loadPreprocessor({
          formatVersion: 1,
          seed: 1,
          columns: [],
          output: { kind: 'number', name: 'y', width: 1 },
        }),
      },
      'loop',
      unwritable(),
      { value: 1 },
    );
    await server.log.flush();
    const now = Date.now();
    const logged = [];
    for await (const records of readPredictions(server.store, 'texts', { from: new Date(now - 3_600_000), to: new Date(now + 3_600_000) }))
      logged.push(...records);
    const own = logged.filter(({ row }) => row?.['island'] !== undefined && !('b64' in Object(row['island'])) && row['island'] !== 'hello');
    expect(own.map(({ row }) => row)).toEqual([{ body_mass_g: 1, island: 'logged', y: id }]);
    expect(logged.find(({ id: name }) => name === 'loop')).toMatchObject({ row: null, prediction: { value: 1 } });
  });
});

function unwritable(): Row {
  const row: Record<string, unknown> = {};
  row['itself'] = row;
  return row;
}
