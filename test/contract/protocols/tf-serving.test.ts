import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FakeSource, eventually } from '../../unit/serving/doubles.ts';
import type { TestApp } from '../../unit/serving/test-app.ts';
import { ask, startTestApp } from '../../unit/serving/test-app.ts';

let server: TestApp;
let source: FakeSource;

beforeAll(async () => {
  source = new FakeSource();
  source.route('penguins', { champion: 1, challenger: 2 });
  server = await startTestApp(source);
});
afterAll(() => server.close());

const predict = (body: unknown, path = '/v1/models/penguins:predict') => ask(server.url, path, body);
const available = (version: string) => ({ version, state: 'AVAILABLE', status: { error_code: 'OK', error_message: '' } });

describe('TensorFlow Serving REST v1', () => {
  it('tells the status of a model, a version and a label', async () => {
    expect((await ask(server.url, '/v1/models/penguins')).body).toEqual({
      name: 'penguins',
      ready: true,
      model_version_status: [available('2'), available('1')],
    });
    expect((await ask(server.url, '/v1/models/penguins/versions/2')).body).toEqual({ model_version_status: [available('2')] });
    expect((await ask(server.url, '/v1/models/penguins/labels/challenger')).body).toEqual({ model_version_status: [available('2')] });
    expect((await ask(server.url, '/v1/models/geese')).status).toBe(404);
    expect((await ask(server.url, '/v1/models/penguins/labels/stable')).body).toEqual({
      error: 'The model "penguins" has no alias "stable". There is: champion, challenger.',
    });
  });

  it('describes the signature', async () => {
    const { headers, body } = await ask(server.url, '/v1/models/penguins/metadata');
    expect(headers.get('x-perennial-version')).toBe('1');
    expect(body.model_spec).toEqual({ name: 'penguins', signature_name: '', version: '1' });
    const signature = body.metadata.signature_def.signature_def.serving_default;
    expect(signature.method_name).toBe('tensorflow/serving/predict');
    expect(signature.inputs.body_mass_g).toEqual({
      dtype: 'DT_DOUBLE',
      tensor_shape: { dim: [{ size: '-1', name: '' }], unknown_rank: false },
      name: 'body_mass_g',
    });
    expect(signature.outputs.probabilities.tensor_shape.dim).toEqual([
      { size: '-1', name: '' },
      { size: '3', name: '' },
    ]);
    expect(Object.keys(body.metadata.tensor_inputs)).toEqual(['features']);
  });

  it('predicts in row form', async () => {
    const { status, headers, body } = await predict({
      signature_name: 'serving_default',
      instances: [{ body_mass_g: 1 }, { body_mass_g: 2, island: 'Biscoe', species: 'x' }],
    });
    expect(status).toBe(200);
    expect(headers.get('x-perennial-version')).toBe('1');
    expect(body).toEqual({
      predictions: [
        { label: 'Adelie', probabilities: [1, 0, 0] },
        { label: 'Adelie', probabilities: [1, 0, 0] },
      ],
    });
  });

  it('predicts in columnar form', async () => {
    expect((await predict({ inputs: { body_mass_g: [1, 2], island: ['a', null] } })).body).toEqual({
      outputs: {
        label: ['Adelie', 'Adelie'],
        probabilities: [
          [1, 0, 0],
          [1, 0, 0],
        ],
      },
    });
  });

  it('predicts from the only tensor without a name, and with it', async () => {
    for (const body of [{ instances: [[1, 2]] }, { instances: [{ features: [1, 2] }] }]) {
      expect((await predict(body)).body).toEqual({ predictions: [{ label: 'Adelie', probabilities: [1, 0, 0] }] });
    }
    for (const body of [{ inputs: [[1, 2]] }, { inputs: { features: [[1, 2]] } }]) {
      expect((await predict(body)).body).toEqual({ outputs: { label: ['Adelie'], probabilities: [[1, 0, 0]] } });
    }
  });

  it('predicts with a version and a label', async () => {
    expect((await predict({ instances: [{ body_mass_g: 1 }] }, '/v1/models/penguins/versions/3:predict')).body.predictions[0].label).toBe(
      'Gentoo',
    );
    expect(
      (await predict({ instances: [{ body_mass_g: 1 }] }, '/v1/models/penguins/labels/challenger:predict')).headers.get(
        'x-perennial-version',
      ),
    ).toBe('2');
  });

  it('takes the tokens NaN and Infinity, which are no JSON: NaN is a missing value of a column', async () => {
    const answer = (text: string) => ask(server.url, '/v1/models/penguins:predict', undefined, { method: 'POST', body: text });
    const missing = await answer('{"instances": [{"body_mass_g": 1, "island": NaN}, {"body_mass_g": 2, "island": "NaN, Infinity"}]}');
    expect(missing.body).toEqual({
      predictions: [
        { label: 'Adelie', probabilities: [1, 0, 0] },
        { label: 'Adelie', probabilities: [1, 0, 0] },
      ],
    });
    expect(await answer('{"instances": [[NaN, 2]]}')).toMatchObject({
      status: 400,
      body: {
        error:
          '"instances", value 0: NaN is not a finite number, which the network takes. A missing value is for a column of the source data.',
      },
    });
    expect(await answer('{"instances": [[1, -Infinity]]}')).toMatchObject({
      status: 400,
      body: { error: expect.stringContaining('value 1: -Infinity is not a finite number') },
    });
    expect(await answer('{"instances": [[NaN, 2]')).toMatchObject({ status: 400, body: { error: expect.stringContaining('not JSON') } });
  });

  it('answers 405 to GET of a verb', async () => {
    const answer = await ask(server.url, '/v1/models/penguins:predict');
    expect(answer).toMatchObject({ status: 405, body: { error: '":predict" takes POST, not GET.' } });
    expect(answer.headers.get('allow')).toBe('POST');
  });

  it('takes texts as base64, and whatever content type a client sends', async () => {
    const body = JSON.stringify({ instances: [{ body_mass_g: 1, island: { b64: Buffer.from('Biscoe').toString('base64') } }] });
    const answer = await ask(server.url, '/v1/models/penguins:predict', undefined, {
      method: 'POST',
      body,
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
    });
    expect(answer.status).toBe(200);
  });

  it.each([
    ['both forms', { instances: [], inputs: {} }, 'Give either "instances" (row form) or "inputs" (columnar form).'],
    ['neither form', {}, 'Give either "instances"'],
    [
      'an unknown signature',
      { signature_name: 'other', instances: [{ body_mass_g: 1 }] },
      'There is no signature "other"; the one signature is "serving_default".',
    ],
    ['no instances', { instances: [] }, '"instances" must be an array of at least one instance, given an empty array.'],
    ['a wrong width', { instances: [[1, 2, 3]] }, '"instances" has the shape [1, 3]; expected [-1, 2]'],
    ['ragged instances', { instances: [[1, 2], [3]] }, 'is ragged'],
    [
      'instances of different inputs',
      { instances: [{ features: [1, 2] }, { other: [1, 2] }] },
      'instances[1] must have the same inputs as the first: features.',
    ],
    ['a misspelt column', { instances: [{ body_mass_g: 1, Island: 'Biscoe' }] }, 'did you mean "island"?'],
    ['columns of different lengths', { inputs: { body_mass_g: [1, 2], island: ['a'] } }, 'all inputs need the same number'],
    ['an unknown input', { inputs: { weight: [1] } }, 'is no input of this model'],
  ])('refuses %s', async (_title, body, message) => {
    const answer = await predict(body);
    expect(answer.status).toBe(400);
    expect(answer.body.error).toContain(message);
  });

  it('classifies examples, and lists every model with its versions', async () => {
    const { status, body } = await ask(server.url, '/v1/models/penguins:classify', {
      context: { island: 'Biscoe' },
      examples: [{ body_mass_g: [1] }, { body_mass_g: 2, island: 'Dream' }],
    });
    const scores = [
      ['Adelie', 1],
      ['Chinstrap', 0],
      ['Gentoo', 0],
    ];
    expect([status, body]).toEqual([200, { results: [scores, scores] }]);
    expect((await ask(server.url, '/v1/models/penguins:classify', {})).body.error).toContain('"examples" must be an array');
    expect((await ask(server.url, '/v1/models/penguins:regress', { examples: [{ body_mass_g: 1 }] })).body.error).toContain(
      '":regress" is for models that answer with one number',
    );
    expect((await ask(server.url, '/v1/models')).body.models).toEqual([
      expect.objectContaining({
        name: 'penguins',
        model_version_status: expect.arrayContaining([expect.objectContaining({ version: '1' })]),
      }),
    ]);
  });

  it('refuses the verbs that it does not know', async () => {
    expect((await ask(server.url, '/v1/models/penguins:explode', {})).status).toBe(404);
    expect((await ask(server.url, '/v1/models/penguins', {})).status).toBe(404);
  });

  it('shows a version that cannot be loaded', async () => {
    source.broken.add(4);
    source.route('penguins', { champion: 4 });
    await eventually(() => server.router.states()[0]!.error !== undefined);
    const { body } = await ask(server.url, '/v1/models/penguins');
    expect(body.model_version_status).toEqual([
      { version: '4', state: 'END', status: { error_code: 'INTERNAL', error_message: expect.stringContaining('cannot be loaded') } },
      available('3'),
      available('2'),
      available('1'),
    ]);
    expect((await ask(server.url, '/v2/health/ready')).body).toMatchObject({ ready: true, degraded: 1 });
  });
});
