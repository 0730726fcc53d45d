import { request } from 'node:http';
import { gzipSync } from 'node:zlib';
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

  const form = (parts: readonly (readonly [name: string, value: string | Uint8Array])[]): FormData => {
    const made = new FormData();
    for (const [name, value] of parts) {
      if (typeof value === 'string') made.append(name, value);
      else made.append(name, new Blob([value as Uint8Array<ArrayBuffer>], { type: 'image/png' }), 'a.png');
    }
    return made;
  };
  const sendForm = async (parts: Parameters<typeof form>[0], path = '/models/photos/predict') => {
    const response = await fetch(server.url + path, { method: 'POST', body: form(parts) });
    return { status: response.status, body: (await response.json()) as any };
  };

  it('takes forms of several parts: a file for each image, and as many rows as files', async () => {
    const bytes = Buffer.from(png, 'base64');
    const one = await sendForm([['image', bytes]]);
    expect([one.status, one.body.predictions?.[0].label]).toEqual([200, 'Chinstrap']);
    const several = await sendForm([
      ['image', bytes],
      ['kind', 'Adelie'],
      ['image', png],
      ['kind', ''],
    ]);
    expect([several.status, several.body.predictions?.length]).toEqual([200, 2]);
    const partly = await sendForm(
      [
        ['image', Buffer.from('no image')],
        ['image', bytes],
      ],
      '/models/photos/predict?partial=true',
    );
    expect([partly.status, partly.body.predictions, partly.body.refused]).toEqual([
      200,
      [expect.objectContaining({ label: 'Chinstrap', row: 1 })],
      [{ row: 0, error: expect.stringContaining('"image"') }],
    ]);
  });

  it.each<[string, Parameters<typeof form>[0], string]>([
    ['a file that is no image', [['image', Buffer.from('hello')]], 'row 0, column "image"'],
    [
      'a file for another column',
      [['kind', Buffer.from('hello')]],
      '"kind" is a file, and no column of images of the model: those are image.',
    ],
    ['names that occur differently often', [['image', 'a'], ['image', 'b'], ['kind', 'c']], 'The form has 2 parts of some names and 1 of "kind"'], // prettier-ignore
    ['no part', [], 'There are no rows'],
  ])('refuses a form with %s', async (_title, parts, message) => {
    const { status, body } = await sendForm(parts);
    expect([status, body.error]).toEqual([400, expect.stringContaining(message)]);
  });

  it.each([
    ['without a boundary', 'multipart/form-data', '--x--\r\n', 400],
    ['cut off', 'multipart/form-data; boundary=x', '--x\r\nContent-Disposition: form-data; name="image"\r\n\r\nabc', 400],
    ['of other bytes', 'multipart/form-data; boundary=x', 'hello', 400],
    [
      'of too many parts',
      'multipart/form-data; boundary=x',
      `${'--x\r\nContent-Disposition: form-data; name="image"\r\n\r\na\r\n'.repeat(200_000)}--x--\r\n`,
      413,
    ],
  ])('refuses a form %s', async (_title, type, body, status) => {
    const answer = await ask(server.url, '/models/photos/predict', undefined, { method: 'POST', body, headers: { 'content-type': type } });
    expect([answer.status, typeof answer.body.error]).toEqual([status, 'string']);
  });
});

describe('images that are too much', () => {
  const flat = (side: number, form: 'png' | 'webp' | 'jpeg'): Promise<Buffer> =>
    sharp({ create: { width: side, height: side, channels: 3, background: '#ff0000' } })
      .toFormat(form, form === 'webp' ? { effort: 0 } : {})
      .toBuffer();
  /** Every address that takes images, with one or several of them. */
  const routes: readonly [string, string, (images: readonly string[]) => unknown][] = [
    ['rows', '/models/photos/predict', (images) => images.map((image) => ({ image }))],
    ['some rows', '/models/photos/predict?partial=true', (images) => images.map((image) => ({ image }))],
    ['MLflow', '/models/photos/invocations', (images) => ({ dataframe_records: images.map((image) => ({ image })) })],
    ['v1', '/v1/models/photos:predict', (images) => ({ instances: images.map((b64) => ({ image: { b64 } })) })],
    ['v2', '/v2/models/photos/infer', (images) => ({ inputs: [{ name: 'image', datatype: 'BYTES', shape: [images.length, 1], data: images }] })], // prettier-ignore
  ];

  it('are told by their headers, in every protocol, whatever they are packed to', async () => {
    // A few kilobytes each; 64 million pixels, 192 MB.
    const bombs = await Promise.all((['png', 'webp', 'jpeg'] as const).map(async (form) => (await flat(8_000, form)).toString('base64')));
    const peak = process.memoryUsage().rss;
    for (const [name, path, body] of routes)
      for (const bomb of bombs) {
        const answer = await ask(server.url, path, body(Array.from({ length: 8 }, () => bomb)));
        expect([name, answer.status, JSON.stringify(answer.body)]).toEqual([
          name,
          413,
          expect.stringContaining('more than 128 million pixels together, at row 2'),
        ]);
      }
    expect(process.memoryUsage().rss - peak).toBeLessThan(1_000_000_000);
    // One that is larger than any may be has a row, and is set aside.
    const huge = (await flat(9_000, 'png')).toString('base64');
    const one = await ask(server.url, '/models/photos/predict?partial=true', [{ image: huge }, { image: png }]);
    expect([one.status, one.body.predictions?.length, one.body.refused?.[0].row]).toEqual([200, 1, 0]);
  });

  it('cannot be programs', async () => {
    const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="3" height="2"><rect width="3" height="2"/></svg>`;
    for (const text of [svg, `<?xml version="1.0"?>${svg}`]) {
      const answer = await ask(server.url, '/models/photos/predict', { image: Buffer.from(text).toString('base64') });
      expect([answer.status, answer.body.error]).toEqual([400, expect.stringContaining('row 0, column "image"')]);
    }
  });

  it('are bounded as bodies, packed ones by what they unpack to, and forms, too', async () => {
    const long = 'A'.repeat(34 * 1024 * 1024);
    for (const [, path, body] of routes) expect((await ask(server.url, path, body([long]))).status).toBe(413);
    const packed = gzipSync(JSON.stringify({ image: long }));
    const headers = { 'content-type': 'application/json', 'content-encoding': 'gzip' };
    expect((await ask(server.url, '/models/photos/predict', undefined, { method: 'POST', body: packed, headers })).status).toBe(413);
    const form = new FormData();
    form.append('image', new Blob([Buffer.alloc(34 * 1024 * 1024)]), 'a.png');
    expect((await fetch(`${server.url}/models/photos/predict`, { method: 'POST', body: form })).status).toBe(413);
  });

  it('that never end are cut, as forms and as CSV, and others are answered meanwhile', async () => {
    const source = new FakeSource();
    source.options = { preprocessor: images, sourceColumns: ['image', 'kind'] };
    source.route('photos', { champion: 2 });
    const impatient = await startTestApp(source, { arrivalMs: 1_000 });
    try {
      const { port } = new URL(impatient.url);
      const cut = ['multipart/form-data; boundary=x', 'text/csv', 'application/json'].map(
        (type) =>
          new Promise<number>((resolve, reject) => {
            const slow = request({ port, path: '/models/photos/predict', method: 'POST', headers: { 'content-type': type, 'content-length': 1_000_000 } }); // prettier-ignore
            const drip = setInterval(() => slow.write('-'), 100);
            slow.on('response', (response) => {
              clearInterval(drip);
              slow.destroy();
              resolve(response.statusCode!);
            });
            slow.on('error', reject);
          }),
      );
      expect((await ask(impatient.url, '/models/photos/predict', { image: png })).status).toBe(200);
      expect(await Promise.all(cut)).toEqual([408, 408, 408]);
    } finally {
      await impatient.close();
    }
  });
});
