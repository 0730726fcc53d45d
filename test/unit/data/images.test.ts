import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openExamples } from '../../../src/data/stored/examples.ts';
import { decodeImage, imageProblem, resizePixels } from '../../../src/data/images/images.ts';
import { ingest } from '../../../src/data/ingest/ingest.ts';
import { preprocess } from '../../../src/data/preprocess/preprocess.ts';
import { loadPreprocessor } from '../../../src/data/preprocess/preprocessor.ts';
import { readRows } from '../../../src/data/stored/dataset-rows.ts';
import { createBench, failure } from './support.ts';
import type { Bench } from './support.ts';

let bench: Bench;
beforeAll(async () => {
  bench = await createBench();
});
afterAll(() => bench.close());

/** Left half red, right half blue. */
const halves = (width = 8, height = 4) =>
  sharp(
    Uint8Array.from({ length: width * height * 3 }, (_, at) => {
      const left = Math.floor(at / 3) % width < width / 2;
      return at % 3 === (left ? 0 : 2) ? 255 : 0;
    }),
    { raw: { width, height, channels: 3 } },
  );

const pixel = ({ data, width }: { data: Uint8Array; width: number }, x: number, y: number): number[] => [
  ...data.subarray(3 * (y * width + x), 3 * (y * width + x) + 3),
];

describe('decoding', () => {
  test('turns images as the camera says', async () => {
    // Orientation 6: shown rotated a quarter to the right.
    const image = await decodeImage(await halves().withMetadata({ orientation: 6 }).png().toBuffer(), 0, 'image');
    expect([image.width, image.height]).toEqual([4, 8]);
    expect(pixel(image, 0, 0)).toEqual([255, 0, 0]);
    expect(pixel(image, 0, 7)).toEqual([0, 0, 255]);
  });

  test('makes 8-bit red, green and blue of 16 bits, transparency, CMYK and grey', async () => {
    const deep = await decodeImage(await halves().toColourspace('rgb16').png({ compressionLevel: 1 }).toBuffer(), 0, 'image');
    expect([deep.channels, pixel(deep, 0, 0), pixel(deep, 7, 0)]).toEqual([3, [255, 0, 0], [0, 0, 255]]);
    const clear = await decodeImage(
      await sharp({ create: { width: 2, height: 2, channels: 4, background: { r: 255, g: 255, b: 255, alpha: 0.5 } } })
        .png()
        .toBuffer(),
      0,
      'image',
    );
    expect(clear.channels).toBe(3);
    expect(Math.abs(pixel(clear, 0, 0)[0]! - 128)).toBeLessThan(2);
    const ink = await decodeImage(
      await halves(32, 32).toColourspace('cmyk').jpeg({ quality: 100, chromaSubsampling: '4:4:4' }).toBuffer(),
      0,
      'image',
    );
    expect(ink.channels).toBe(3);
    expect(pixel(ink, 2, 2)[0]!).toBeGreaterThan(180);
    expect(pixel(ink, 2, 2)[2]!).toBeLessThan(90);
    const grey = await decodeImage(
      await sharp({ create: { width: 3, height: 3, channels: 3, background: '#777' } })
        .toColourspace('b-w')
        .jpeg()
        .toBuffer(),
      0,
      'image',
    );
    expect([grey.channels, pixel(grey, 1, 1)]).toEqual([3, [119, 119, 119]]);
    const deepGrey = await decodeImage(
      await sharp({ create: { width: 3, height: 3, channels: 3, background: '#777' } })
        .toColourspace('grey16')
        .png()
        .toBuffer(),
      0,
      'image',
    );
    expect(pixel(deepGrey, 1, 1)).toEqual([119, 119, 119]);
  });

  test('says what is wrong with the bytes', async () => {
    const jpeg = await halves(64, 64).jpeg().toBuffer();
    const png = await halves(64, 64).png().toBuffer();
    expect(await imageProblem(jpeg)).toBeUndefined();
    expect(await imageProblem(png)).toBeUndefined();
    for (const broken of [
      jpeg.subarray(0, jpeg.length - 200),
      png.subarray(0, png.length - 40),
      Buffer.from('no image'),
      Buffer.alloc(0),
      Buffer.concat([png.subarray(0, 60), Buffer.alloc(40), png.subarray(100)]),
    ]) {
      expect(await imageProblem(broken)).toBeTypeOf('string');
      expect(await failure(decodeImage(broken, 3, 'photo'))).toMatchObject({
        code: 'DATA_INVALID',
        message: expect.stringContaining('row 3, column "photo"'),
      });
    }
  });

  test('fits images by stretching, by cropping, or with borders', async () => {
    const image = await decodeImage(await halves(8, 4).png().toBuffer(), 0, 'image');
    const fill = await resizePixels(image, { height: 4, width: 4, fit: 'fill' });
    expect([pixel(fill, 0, 0), pixel(fill, 3, 3)]).toEqual([
      [255, 0, 0],
      [0, 0, 255],
    ]);
    const cover = await resizePixels(image, { height: 2, width: 2, fit: 'cover' });
    expect([pixel(cover, 0, 0)[0]! > 200, pixel(cover, 1, 1)[2]! > 200]).toEqual([true, true]);
    const contain = await resizePixels(image, { height: 8, width: 8, fit: 'contain' });
    expect([pixel(contain, 0, 0), pixel(contain, 0, 4), pixel(contain, 7, 4), pixel(contain, 7, 7)]).toEqual([
      [0, 0, 0],
      [255, 0, 0],
      [0, 0, 255],
      [0, 0, 0],
    ]);
  });
});

describe('a source of images', () => {
  test('quarantines what cannot be decoded, with the reason, and takes every size and format', async () => {
    for (const label of ['a', 'b']) await mkdir(join(bench.dir, 'photos', label), { recursive: true });
    for (let k = 0; k < 40; k += 1) {
      const image = halves(8 + 2 * (k % 3), 6 + (k % 4));
      const bytes =
        k % 3 === 0 ? await image.jpeg().toBuffer() : k % 3 === 1 ? await image.webp().toBuffer() : await image.png().toBuffer();
      await writeFile(
        join(bench.dir, 'photos', k % 2 ? 'a' : 'b', `${k}.${['jpg', 'webp', 'png'][k % 3]!}`),
        k === 7 ? bytes.subarray(0, 30) : bytes,
      );
    }
    const { outputs, values, details } = await ingest(bench.context(), {
      source: { format: 'images', path: 'photos' },
      split: { by: 'random', stratify: true },
    });
    expect(values).toMatchObject({ rows: 39, quarantined: 1 });
    expect(details).toContain('- quarantined, 1 rows: "image" is no image that can be read');
    const made = await preprocess(
      bench.context(),
      {
        features: {
          image: [
            { resize: { height: 6, width: 6, fit: 'cover' } },
            'rescale',
            { normalize: { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] } },
          ],
        },
      },
      outputs.dataset!,
    );
    const artifact = await bench.open(made.outputs.examples);
    const examples = await openExamples(artifact);
    expect(examples.meta.inputs).toMatchObject([{ name: 'image', shape: [6, 6, 3], dtype: 'float32' }]);
    // A byte per pixel in the shards, and the very numbers that serving computes in the batches.
    expect(examples.meta.levels?.image).toHaveLength(3 * 256);
    expect((await artifact.bytes('train/image-00000.bin')).length).toBe(examples.meta.splits.train.rows * 6 * 6 * 3);
    const rows = [];
    for await (const batch of readRows(await bench.open(outputs.dataset), 'test')) rows.push(...batch);
    const served = await loadPreprocessor(await examples.preprocessorJson()).apply(rows);
    const reader = examples.reader('test');
    expect(reader.read(0, reader.rows).image!.data).toEqual(served.image!.data);
    expect(reader.gather(Int32Array.of(1, 0)).image!.data.slice(108)).toEqual(served.image!.data.slice(0, 108));
    reader.close();
  });

  test('may be text: base64 in a column that is declared to hold images', async () => {
    const lines = await Promise.all(
      Array.from({ length: 20 }, async (_, k) =>
        JSON.stringify({
          y: k % 2 ? 'a' : 'b',
          photo:
            k === 3
              ? 'photos/3.png'
              : `${k % 5 === 0 ? 'data:image/png;base64,' : ''}${(
                  await halves(4 + 2 * (k % 2), 4)
                    .png()
                    .toBuffer()
                ).toString('base64')}`,
        }),
      ),
    );
    const path = await bench.file('photos.ndjson', lines.join('\n'));
    const { outputs, values } = await ingest(bench.context(), {
      source: { format: 'ndjson', path },
      label: 'y',
      columns: { photo: 'image' },
      split: { by: 'random' },
      budget: 0.1,
    });
    expect(values).toMatchObject({ rows: 19, quarantined: 1 });
    const made = await preprocess(bench.context(), { features: { photo: [{ resize: [4, 4] }, 'grayscale', 'rescale'] } }, outputs.dataset!);
    const examples = await openExamples(await bench.open(made.outputs.examples));
    const { photo } = examples.reader('train').read(0, 1);
    expect(photo!.data[0]).toBeCloseTo(76 / 255, 5);
    expect(photo!.data[3]).toBeCloseTo(29 / 255, 5);
  });
});
