import { describe, expect, it } from 'vitest';
import { ask } from '../../unit/serving/test-app.ts';
import { servePenguins } from './serve-penguins.ts';

const server = servePenguins();

const MASS = { name: 'body_mass_g', shape: [2], datatype: 'FP64', data: [3750, 4000] };
const infer = (body: unknown, path = '/v2/models/penguins/infer') => ask(server.url, path, body);

describe('Open Inference Protocol v2', () => {
  it('describes the server', async () => {
    expect((await ask(server.url, '/v2')).body).toEqual({
      name: 'perennial',
      version: '9.9.9',
      extensions: ['binary_tensor_data', 'classification', 'model_configuration', 'model_repository', 'statistics'],
    });
  });

  it('tells its health', async () => {
    expect((await ask(server.url, '/v2/health/live')).body).toEqual({ live: true });
    const ready = await ask(server.url, '/v2/health/ready');
    expect(ready.status).toBe(200);
    expect(ready.body).toEqual({ ready: true, live: true, store: 'up', degraded: 0, predictionLog: 'written' });
  });

  it('describes a model by the columns of its source data', async () => {
    const { status, headers, body } = await ask(server.url, '/v2/models/penguins');
    expect(status).toBe(200);
    expect(headers.get('x-perennial-version')).toBe('3');
    expect(body).toEqual({
      name: 'penguins',
      versions: ['1', '2', '3', '4', '5', '6', '7', '8', '9'],
      platform: 'perennial_bundle',
      inputs: [
        { name: 'body_mass_g', datatype: 'FP64', shape: [-1], parameters: { type: 'number', required: true } },
        { name: 'island', datatype: 'BYTES', shape: [-1], parameters: { type: 'string', required: false } },
      ],
      outputs: [
        { name: 'label', datatype: 'BYTES', shape: [-1] },
        { name: 'probabilities', datatype: 'FP64', shape: [-1, 3] },
      ],
      parameters: {
        version: '3',
        champion: '3',
        routing_revision: 1,
        window_size: 1,
        trainable_parameters: 7,
        classes: ['Adelie', 'Chinstrap', 'Gentoo'],
        tensor_inputs: [{ name: 'features', datatype: 'FP32', shape: [-1, 2] }],
      },
    });
  });

  it('describes and predicts with a version that is addressed', async () => {
    const { headers, body } = await ask(server.url, '/v2/models/penguins/versions/2');
    expect(headers.get('x-perennial-version')).toBe('2');
    expect(body.parameters).toMatchObject({ version: '2', champion: '3' });
    const answer = await infer({ inputs: [MASS] }, '/v2/models/penguins/versions/2/infer');
    expect(answer.body).toMatchObject({ model_name: 'penguins', model_version: '2' });
    expect(answer.body.outputs[0].data).toEqual(['Chinstrap', 'Chinstrap']);
  });

  it('answers whether a model is ready', async () => {
    for (const path of ['/v2/models/penguins/ready', '/v2/models/penguins/versions/1/ready']) {
      const { status, body } = await ask(server.url, path);
      expect([status, body]).toEqual([200, { name: 'penguins', ready: true }]);
    }
    expect((await ask(server.url, '/v2/models/geese/ready')).status).toBe(404);
  });

  it('predicts from columns, with the id of the request', async () => {
    const { status, headers, body } = await infer({
      id: 'q-1',
      inputs: [MASS, { name: 'island', shape: [2, 1], datatype: 'BYTES', data: [['Biscoe'], [null]] }],
    });
    expect(status).toBe(200);
    expect(headers.get('x-perennial-version')).toBe('3');
    expect(headers.get('x-request-id')).toBeTruthy();
    expect(body).toEqual({
      model_name: 'penguins',
      model_version: '3',
      id: 'q-1',
      outputs: [
        { name: 'label', shape: [2], datatype: 'BYTES', data: ['Gentoo', 'Gentoo'] },
        { name: 'probabilities', shape: [2, 3], datatype: 'FP64', data: [0, 0, 1, 0, 0, 1] },
      ],
    });
  });

  it('predicts from tensors past the preprocessing, flat or nested', async () => {
    for (const data of [
      [1, 2, 3, 4],
      [
        [1, 2],
        [3, 4],
      ],
    ]) {
      const { status, body } = await infer({ inputs: [{ name: 'features', shape: [2, 2], datatype: 'FP32', data }] });
      expect(status).toBe(200);
      expect(body.outputs[0]).toMatchObject({ shape: [2], data: ['Gentoo', 'Gentoo'] });
    }
  });

  it('sends only the outputs that are asked for', async () => {
    const { body } = await infer({ inputs: [MASS], outputs: [{ name: 'probabilities' }] });
    expect(body.outputs.map((output: { name: string }) => output.name)).toEqual(['probabilities']);
  });

  it('ignores further columns of the source', async () => {
    expect((await infer({ inputs: [MASS, { name: 'species', shape: [2], datatype: 'BYTES', data: ['Adelie', 'Adelie'] }] })).status).toBe(
      200,
    );
  });

  it.each([
    ['no inputs', {}, '"inputs" must be an array of at least one tensor, given nothing'],
    ['an unknown key', { inputs: [MASS], input: [] }, 'The body has the unknown key "input"'],
    ['a body that is no object', [1], 'The body must be a JSON object.'],
    [
      'an input without data',
      { inputs: [{ name: 'body_mass_g', shape: [1], datatype: 'FP64' }] },
      'inputs[0] ("body_mass_g"): "data" must be an array',
    ],
    ['an unknown datatype', { inputs: [{ ...MASS, datatype: 'FLOAT' }] }, '"FLOAT" is not a datatype; expected one of BOOL, UINT8'],
    ['a shape that does not fit', { inputs: [{ ...MASS, shape: [3] }] }, 'the shape [3] holds 3 values, "data" holds 2'],
    ['a negative shape', { inputs: [{ ...MASS, shape: [-1] }] }, '"shape" must be an array of whole numbers'],
    ['ragged data', { inputs: [{ name: 'features', shape: [2, 2], datatype: 'FP32', data: [[1, 2], [3]] }] }, 'is ragged'],
    [
      'data nested otherwise',
      {
        inputs: [
          {
            name: 'features',
            shape: [1, 4],
            datatype: 'FP32',
            data: [
              [1, 2],
              [3, 4],
            ],
          },
        ],
      },
      '"data" is nested as [2, 2], "shape" says [1, 4]',
    ],
    [
      'a tensor of the wrong width',
      { inputs: [{ name: 'features', shape: [1, 3], datatype: 'FP32', data: [1, 2, 3] }] },
      'has the shape [1, 3]; expected [-1, 2]',
    ],
    ['a column of the wrong rank', { inputs: [{ ...MASS, shape: [1, 2] }] }, 'its shape must be [rows] or [rows, 1], given [1, 2]'],
    [
      'columns of different lengths',
      { inputs: [MASS, { name: 'island', shape: [1], datatype: 'BYTES', data: ['Biscoe'] }] },
      'inputs[1] ("island") has 1 rows, inputs[0] ("body_mass_g") has 2',
    ],
    [
      'a wrong datatype for a column',
      { inputs: [{ ...MASS, datatype: 'BYTES', data: ['a', 'b'] }] },
      'has the datatype BYTES; the column holds number values: send FP64',
    ],
    ['a value that is not of the datatype', { inputs: [{ ...MASS, datatype: 'UINT8', data: [1, 256] }] }, 'value 1: 256 is no UINT8'],
    [
      'an unknown input',
      { inputs: [{ ...MASS, name: 'weight' }] },
      'is no input of this model. It takes columns (body_mass_g, island) or tensors (features [-1, 2])',
    ],
    ['an input given twice', { inputs: [MASS, MASS] }, 'The input "body_mass_g" is given twice.'],
    ['a mixture', { inputs: [MASS, { name: 'features', shape: [2, 2], datatype: 'FP32', data: [1, 2, 3, 4] }] }, 'mixes columns'],
    [
      'a missing required column',
      { inputs: [{ name: 'island', shape: [1], datatype: 'BYTES', data: ['Biscoe'] }] },
      'Row 0 lacks the column "body_mass_g"',
    ],
    ['null in a required column', { inputs: [{ ...MASS, data: [1, null] }] }, 'column "body_mass_g": null is not a number'],
    [
      'null in a tensor',
      { inputs: [{ name: 'features', shape: [1, 2], datatype: 'FP32', data: [1, null] }] },
      'value 1: null is not a number',
    ],
    ['an unknown output', { inputs: [MASS], outputs: [{ name: 'score' }] }, 'there is no output "score". There is: label, probabilities.'],
    ['data in binary beside data in JSON', { inputs: [{ ...MASS, parameters: { binary_data_size: 16 } }] }, 'give one of them'],
  ])('refuses %s with what is wrong', async (_title, body, message) => {
    const answer = await infer(body);
    expect(answer.status).toBe(400);
    expect(Object.keys(answer.body)).toEqual(['error']);
    expect(answer.body.error).toContain(message);
  });

  it.each([
    ['/v2/models/geese', 'There is no model "geese" on this server.'],
    ['/v2/models/..%2f..%2fetc', 'There is no model "../../etc" on this server.'],
    ['/v2/models/__proto__', 'There is no model "__proto__" on this server.'],
    ['/v2/models/penguins/versions/0', '"0" is not a version; versions are 1, 2, 3, …'],
    ['/v2/models/penguins/versions/1e3', '"1e3" is not a version'],
    ['/v2/models/penguins/versions/99', 'The model "penguins" has no version 99.'],
    ['/v2/models/penguins/nothing', 'There is no GET /v2/models/penguins/nothing here.'],
  ])('answers 404 for %s', async (path, message) => {
    const answer = await ask(server.url, path);
    expect(answer.status).toBe(404);
    expect(answer.body.error).toContain(message);
  });

  it('gives the outputs in the order in which they were asked for', async () => {
    const body = { inputs: [MASS], outputs: [{ name: 'probabilities' }, { name: 'label' }] };
    expect((await infer(body)).body.outputs.map((output: { name: string }) => output.name)).toEqual(['probabilities', 'label']);
    expect(await infer({ ...body, outputs: [{ name: 'label' }, { name: 'label' }] })).toMatchObject({
      status: 400,
      body: { error: 'The output "label" is asked for twice.' },
    });
  });

  it('takes an empty id as none', async () => {
    const { status, body } = await infer({ id: '', inputs: [MASS] });
    expect(status).toBe(200);
    expect(body.id).toMatch(/.{8,}/);
  });

  it('says that an array is empty where it needs one that is not', async () => {
    expect((await infer({ inputs: [] })).body).toEqual({
      error: '"inputs" must be an array of at least one tensor, given an empty array.',
    });
  });
});
