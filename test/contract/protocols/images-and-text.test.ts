import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { OutputSpec } from '../../../src/core/tensor.ts';
import { createPreprocessor } from '../../../src/data/preprocess/preprocessor.ts';
import { CLASSES, FakeSource } from '../../unit/serving/doubles.ts';
import type { TestApp } from '../../unit/serving/test-app.ts';
import { ask, startTestApp } from '../../unit/serving/test-app.ts';

/** Where a column and the tensor made from it have the same name, as with images and texts. */
const OUTPUT: OutputSpec = { kind: 'classes', name: 'kind', classes: CLASSES };
const images = createPreprocessor({
  seed: 1,
  output: OUTPUT,
  columns: [
    { name: 'image', type: 'image', required: true, size: [2, 3], links: [], spec: { name: 'image', shape: [2, 3, 3], dtype: 'uint8' } },
  ],
});

let server: TestApp;
let png: string;

beforeAll(async () => {
  png = (
    await sharp({ create: { width: 3, height: 2, channels: 3, background: '#ff0000' } })
      .png()
      .toBuffer()
  ).toString('base64');
  const source = new FakeSource();
  source.options = { preprocessor: images, sourceColumns: ['image', 'kind'] };
  source.route('photos', { champion: 2 });
  server = await startTestApp(source);
});
afterAll(() => server.close());

const pixels = Array.from({ length: 2 }, () => Array.from({ length: 3 }, () => [255, 0, 0]));

describe('a model of images', () => {
  it.each<[string, string, unknown]>([
    ['a row with base64', '/models/photos/predict', () => ({ image: png })],
    ['a row with a data URL', '/models/photos/predict', () => ({ image: `data:image/png;base64,${png}` })],
    ['v1 named bytes', '/v1/models/photos:predict', () => ({ instances: [{ image: { b64: png } }] })],
    ['v1 unnamed bytes', '/v1/models/photos:predict', () => ({ instances: [{ b64: png }] })],
    ['v1 columnar bytes', '/v1/models/photos:predict', () => ({ inputs: { image: [{ b64: png }] } })],
    ['v1 unnamed pixels', '/v1/models/photos:predict', () => ({ instances: [pixels] })],
    ['v1 named pixels', '/v1/models/photos:predict', () => ({ instances: [{ image: pixels }] })],
    ['v1 columnar pixels', '/v1/models/photos:predict', () => ({ inputs: [pixels] })],
    ['v2 bytes', '/v2/models/photos/infer', () => ({ inputs: [{ name: 'image', datatype: 'BYTES', shape: [1, 1], data: [png] }] })],
    [
      'v2 pixels',
      '/v2/models/photos/infer',
      () => ({ inputs: [{ name: 'image', datatype: 'UINT8', shape: [1, 2, 3, 3], data: pixels.flat(2) }] }),
    ],
  ])('takes %s', async (_title, path, body) => {
    const answer = await ask(server.url, path, (body as () => unknown)());
    expect([answer.status, JSON.stringify(answer.body)]).toEqual([200, expect.stringContaining('Chinstrap')]);
  });

  it.each<[string, unknown, string]>([
    ['a path', { image: '/etc/passwd.png' }, 'Row 0, column "image": expected the image file as base64'],
    ['bytes that are no image', { image: Buffer.from('hello').toString('base64') }, 'row 0, column "image"'],
    ['a missing image', { image: null }, 'row 0, column "image"'],
  ])('refuses %s', async (_title, body, message) => {
    const answer = await ask(server.url, '/models/photos/predict', body);
    expect([answer.status, answer.body.error]).toEqual([400, expect.stringContaining(message)]);
  });

  it('refuses a pixel that is none', async () => {
    const answer = await ask(server.url, '/v2/models/photos/infer', {
      inputs: [{ name: 'image', datatype: 'INT32', shape: [1, 2, 3, 3], data: [256, ...pixels.flat(2).slice(1)] }],
    });
    expect([answer.status, answer.body.error]).toEqual([400, 'inputs[0] ("image"), value 0: 256 is not a whole number from 0 to 255.']);
  });
});
