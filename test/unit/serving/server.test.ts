import { encodePng } from '../../../src/data/images/encode-png.ts';
import { loadPreprocessor } from '../../../src/data/preprocess/preprocessor.ts';
import { afterEach, describe, expect, it } from 'vitest';
import { FakeSource } from './doubles.ts';
import type { TestApp } from './test-app.ts';
import { ask, startTestApp } from './test-app.ts';

const servers: TestApp[] = [];

async function start(source: FakeSource, options: { token?: string } = {}): Promise<TestApp> {
  const server = await startTestApp(source, options);
  servers.push(server);
  return server;
}

afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.close()));
});

describe('the server', () => {
  it('asks for the token everywhere but at the health checks', async () => {
    const source = new FakeSource();
    source.route('m', { champion: 1 });
    const { url } = await start(source, { token: 'sesame' });
    for (const path of ['/v2/health/live', '/v2/health/ready', '/v2/health/live/']) expect((await ask(url, path)).status).toBe(200);
    const paths = [
      '/v2',
      '/v2/',
      '/models',
      '/metrics',
      '/v2/models/m',
      '/v1/models/m',
      '/nowhere',
      '//v2/health/live',
      '/V2/health/live',
      '/v2/health/live/../../models/m',
      '/v2/health%2flive',
    ];
    for (const path of paths) {
      const answer = await ask(url, path);
      expect([path, answer.status]).toEqual([path, 401]);
    }
    for (const path of ['/models/m/predict', '/v1/models/m:predict', '/v2/models/m/infer', '/v2/health/live'])
      expect((await ask(url, path, {})).status).toBe(401);
    for (const authorization of ['sesame', 'Bearer Sesame', 'Bearer sesame ', 'Basic sesame']) {
      const answer = await ask(url, '/models', undefined, {
        headers: { authorization: authorization.trimEnd() + (authorization.endsWith(' ') ? 'x' : '') },
      });
      expect(answer.status).toBe(401);
      expect(answer.headers.get('www-authenticate')).toBe('Bearer');
    }
    for (const authorization of ['Bearer sesame', 'bearer sesame', 'BEARER  sesame'])
      expect((await ask(url, '/models', undefined, { headers: { authorization } })).status).toBe(200);
  });

  it('answers HEAD as GET, addresses with a slash at their end, and a wrong method with those that are right', async () => {
    const source = new FakeSource();
    source.route('m', { champion: 1 });
    const { url } = await start(source);
    const request = async (method: string, path: string) => {
      const answer = await fetch(`${url}${path}`, { method });
      return [answer.status, answer.headers.get('allow'), await answer.text()];
    };
    for (const path of ['/v2/health/live', '/v2/health/ready', '/v2', '/models', '/v2/models/m', '/v1/models/m'])
      expect(await request('HEAD', path)).toEqual([200, null, '']);
    for (const path of ['/v2/', '/models/', '/v2/models/m/', '/v1/models/m/']) expect((await request('GET', path))[0]).toBe(200);
    expect(await request('POST', '/v2')).toEqual([405, 'GET, HEAD', '{"error":"/v2 takes GET and HEAD, not POST."}']);
    expect((await request('GET', '/v2/models/m/infer')).slice(0, 2)).toEqual([405, 'POST']);
    expect((await request('DELETE', '/v1/models/m')).slice(0, 2)).toEqual([405, 'GET, HEAD']);
    expect((await request('DELETE', '/v1/models/m:predict')).slice(0, 2)).toEqual([405, 'POST']);
    expect((await request('GET', '/models/m/predict')).slice(0, 2)).toEqual([405, 'POST']);
    expect((await request('PUT', '/v2/health/live')).slice(0, 2)).toEqual([405, 'GET, HEAD']);
    expect(await request('POST', '/models/m/predict?version=1')).toMatchObject([400, null, expect.stringContaining('stands in the path')]);
    for (const path of ['/nothing', '/v2/models/m/nothing', '/v2/models']) expect((await request('GET', path))[0]).toBe(404);
  });

  it('tells nothing of its insides', async () => {
    const source = new FakeSource();
    source.route('m', { champion: 1 });
    const server = await start(source);
    source.loaded[0]!.predictor.predict = async () => Promise.reject(new Error('secret path /srv/models/7'));
    const answer = await ask(server.url, '/models/m/predict', { body_mass_g: 1 });
    expect(answer.status).toBe(500);
    expect(answer.body.error).toBe(
      `The request failed inside the server; its log tells more under the request id ${answer.headers.get('x-request-id')}.`,
    );
    expect(server.lines.join('\n')).toContain('secret path');
  });

  it('answers 500, never a number, when the network gives NaN', async () => {
    const source = new FakeSource();
    source.route('m', { champion: 1 });
    const server = await start(source);
    source.loaded[0]!.predictor.predict = async () => new Float32Array([NaN, 0, 0]);
    expect((await ask(server.url, '/models/m/predict', { body_mass_g: 1 })).status).toBe(500);
    expect(server.lines.join('\n')).toContain('gave NaN');
  });

  it('answers 503 before anything is loaded, and for a version that the store cannot give', async () => {
    const source = new FakeSource();
    source.route('m', { champion: 1 });
    source.broken.add(1);
    const server = await start(source);
    const early = await ask(server.url, '/models/m/predict', { body_mass_g: 1 });
    expect([early.status, early.headers.get('retry-after')]).toEqual([503, '1']);
    expect((await ask(server.url, '/v2/models/m/ready')).body).toMatchObject({ name: 'm', ready: false });
    source.down = true;
    const away = await ask(server.url, '/v2/models/m/versions/2/infer', {});
    expect([away.status, away.headers.get('retry-after')]).toEqual([503, '2']);
  });

  it('describes a model while the store is away', async () => {
    const source = new FakeSource();
    source.route('m', { champion: 2 });
    const server = await start(source);
    source.down = true;
    const answer = await ask(server.url, '/v2/models/m');
    expect([answer.status, answer.body.versions]).toEqual([200, ['2']]);
    source.down = false;
    expect((await ask(server.url, '/v2/models/m')).body.versions.length).toBe(9);
    source.down = true;
    expect((await ask(server.url, '/v2/models/m')).body.versions.length).toBe(9);
  });

  it('lists its models', async () => {
    const source = new FakeSource();
    source.route('m', { champion: 2, challenger: 3 });
    const server = await start(source);
    expect((await ask(server.url, '/models')).body).toEqual({
      models: [
        {
          model: 'm',
          version: 2,
          wanted: 2,
          aliases: { champion: 2, challenger: 3 },
          loaded: [2],
          shelf: [],
          routingRevision: 1,
          degraded: false,
          since: expect.stringMatching(/^\d{4}-/),
          requestsInFlight: 0,
        },
      ],
    });
  });

  it('answers windows, one prediction for each full one', async () => {
    const source = new FakeSource();
    source.options = { windowSize: 3, output: { kind: 'number', name: 'temp', width: 1 } };
    source.route('w', { champion: 5 });
    const server = await start(source);
    const rows = [1, 2, 3, 4].map((body_mass_g) => ({ body_mass_g }));
    expect((await ask(server.url, '/models/w/predict', { rows })).body.predictions).toEqual([{ value: 5 }, { value: 5 }]);
    expect((await ask(server.url, '/v1/models/w:predict', { instances: rows })).body).toEqual({ predictions: [5, 5] });
    expect(
      (await ask(server.url, '/v2/models/w/infer', { inputs: [{ name: 'body_mass_g', shape: [3], datatype: 'INT32', data: [1, 2, 3] }] }))
        .body.outputs,
    ).toEqual([{ name: 'value', shape: [1], datatype: 'FP64', data: [5] }]);
    expect((await ask(server.url, '/models/w/predict', { rows: rows.slice(0, 2) })).body.error).toBe(
      'This model predicts from 3 consecutive rows in time order; 2 given.',
    );
    await server.log.flush();
    const lines = await logged(server);
    expect(lines.slice(0, 2).map((line) => line.row)).toEqual([{ body_mass_g: 3 }, { body_mass_g: 4 }]);
  });

  it('says which rows of several series each prediction is of, where the protocol can', async () => {
    const source = new FakeSource();
    const output = { kind: 'number', name: 'y', width: 1 } as const;
    const preprocessor = loadPreprocessor({
      formatVersion: 1,
      seed: 1,
      output,
      columns: [{ name: 'y', type: 'number', required: true, spec: { name: 'features', shape: [1], dtype: 'float32' }, transforms: [] }],
      sequence: { size: 2, horizon: 1, by: 'day', byType: 'timestamp', key: [{ name: 'shop', type: 'string' }], gap: 129_600_000 },
    });
    source.options = { preprocessor, sourceColumns: ['day', 'shop', 'y'] };
    source.route('w', { champion: 5 });
    const server = await start(source);
    const row = (shop: string, day: number, y: number) => ({ day: `2024-01-0${day}`, shop, y });
    const one = [row('A', 1, 1), row('A', 2, 2), row('A', 3, 3)];
    const mixed = [row('B', 1, 7), ...one, row('B', 2, 8), row('A', 6, 6), row('A', 7, 7)];
    const answer = await ask(server.url, '/models/w/predict', { rows: mixed.sort((a, b) => (a.day < b.day ? -1 : 1)) });
    expect((answer.body.predictions as { row: number; series: object }[]).map(({ row: at, series }) => [mixed[at], series])).toEqual([
      [row('A', 2, 2), { shop: 'A' }],
      [row('B', 2, 8), { shop: 'B' }],
      [row('A', 3, 3), { shop: 'A' }],
      [row('A', 7, 7), { shop: 'A' }],
    ]);
    // Bare values cannot say it.
    expect((await ask(server.url, '/v1/models/w:predict', { instances: one })).body).toEqual({ predictions: [5, 5] });
    expect((await ask(server.url, '/v1/models/w:predict', { instances: mixed })).body.error).toContain(
      'The rows are of 2 series with 1 gap',
    );
    const columns = (rows: typeof one) => ({
      inputs: (['day', 'shop', 'y'] as const).map((name) => ({
        name,
        shape: [rows.length],
        datatype: name === 'y' ? 'FP64' : 'BYTES',
        data: rows.map((each) => each[name]),
      })),
    });
    expect((await ask(server.url, '/v2/models/w/infer', columns(one))).body.outputs).toMatchObject([{ shape: [2] }]);
    expect((await ask(server.url, '/v2/models/w/infer', columns(mixed))).status).toBe(400);
    expect((await ask(server.url, '/models/w/predict', { rows: one.map(({ shop: _shop, ...rest }) => rest) })).body.error).toContain(
      '"shop"',
    );
    // In another order the windows are the same, and each says which row it ends at; who cannot say so refuses.
    const turned = [...one].reverse();
    const inOrder = await ask(server.url, '/models/w/predict', { rows: one });
    const answers = await ask(server.url, '/models/w/predict', { rows: turned });
    expect(answers.body.predictions.map(({ value, row }: { value: number; row: number }) => [value, turned[row]!.day])).toEqual(
      inOrder.body.predictions.map(({ value, row }: { value: number; row: number }) => [value, one[row]!.day]),
    );
    expect((await ask(server.url, '/v1/models/w:predict', { instances: turned })).body.error).toContain('not in the order of time');
    expect((await ask(server.url, '/v2/models/w')).body.inputs.map(({ name }: { name: string }) => name)).toEqual(['y', 'shop', 'day']);
    await server.log.flush();
    expect((await logged(server)).slice(0, 1).map((line) => line.row)).toEqual([mixed[answer.body.predictions[0].row]]);
  });

  it('takes images as base64 and never as a path', async () => {
    const source = new FakeSource();
    source.options = {
      columns: [
        { name: 'body_mass_g', type: 'number', required: true },
        { name: 'photo', type: 'image', required: false },
      ],
    };
    source.route('m', { champion: 1 });
    const server = await start(source);
    const photo = Buffer.from(encodePng(Uint8Array.of(255, 0, 0, 255, 255, 255), 2, 1, 3)).toString('base64');
    expect((await ask(server.url, '/models/m/predict', { body_mass_g: 1, photo })).status).toBe(200);
    expect((await ask(server.url, '/v1/models/m:predict', { instances: [{ body_mass_g: 1, photo: { b64: photo } }] })).status).toBe(200);
    expect((await ask(server.url, '/models/m/predict', { body_mass_g: 1, photo: '/etc/passwd.' })).body.error).toContain(
      'Row 0, column "photo": expected the image file as base64',
    );
    await server.log.flush();
    const lines = await logged(server);
    expect(lines.map((line) => line.row)).toEqual([{ body_mass_g: 1 }, { body_mass_g: 1 }]);
    const measured = { photo: expect.objectContaining({ width: 2, height: 1, saturation: 0.5, red: 0.5 }) as unknown };
    expect(lines.map((line) => line.measured)).toEqual([measured, measured]);
  });

  it('writes its metrics as Prometheus reads them', async () => {
    const source = new FakeSource();
    source.route('m', { champion: 2 });
    const server = await start(source);
    await ask(server.url, '/models/m/predict', [{ body_mass_g: 1 }, { body_mass_g: 2 }]);
    await ask(server.url, '/models/m/predict', []);
    const { headers, body } = await ask(server.url, '/metrics');
    expect(headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
    expect(body).toContain('perennial_requests_total{method="POST",route="/models/:model/predict",status="200"} 1\n');
    expect(body).toContain('perennial_requests_total{method="POST",route="/models/:model/predict",status="400"} 1\n');
    expect(body).toContain('perennial_predictions_total{model="m",version="2"} 2\n');
    expect(body).toContain('perennial_model_version{model="m"} 2\n');
    expect(body).toContain('perennial_request_duration_seconds_bucket{route="/models/:model/predict",le="+Inf"} 2\n');
    expect(body).toContain('perennial_request_duration_seconds_count{route="/models/:model/predict"} 2\n');
    expect(body.endsWith('\n')).toBe(true);
  });
});

async function logged(server: TestApp): Promise<{ row: unknown; measured?: unknown }[]> {
  const lines: { row: unknown; measured?: unknown }[] = [];
  for await (const { key } of server.store.list('predictions/')) {
    const text = Buffer.from((await server.store.get(key)).body).toString();
    lines.push(
      ...text
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as { row: unknown; measured?: unknown }),
    );
  }
  return lines;
}
