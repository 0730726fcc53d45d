import fc from 'fast-check';
import sharp from 'sharp';
import { expect, test } from 'vitest';
import { decodeImage } from '../../../src/data/images/images.ts';
import { decodePlainPng } from '../../../src/data/images/png.ts';

const LIMIT = 1_000_000;

const image = fc.record({
  width: fc.integer({ min: 1, max: 12 }),
  height: fc.integer({ min: 1, max: 12 }),
  channels: fc.constantFrom(1 as const, 3 as const),
  seed: fc.integer({ min: 0, max: 255 }),
  adaptive: fc.boolean(),
});

test('plain PNG decodes to the pixels that sharp gives, with every filter', async () => {
  await fc.assert(
    fc.asyncProperty(image, async ({ width, height, channels, seed, adaptive }) => {
      const pixels = Uint8Array.from({ length: width * height * channels }, (_, at) => (seed + at * 7 + ((at * at) % 31)) % 256);
      const png = await sharp(pixels, { raw: { width, height, channels } })
        .toColourspace(channels === 1 ? 'b-w' : 'srgb')
        .png({ adaptiveFiltering: adaptive })
        .toBuffer();
      const plain = decodePlainPng(png, LIMIT);
      expect(plain).toBeDefined();
      const { data, info } = await sharp(png).toColourspace('srgb').raw().toBuffer({ resolveWithObject: true });
      const rgb = info.channels === 3 ? [...data] : [...data].flatMap((value) => [value, value, value]);
      expect([...plain!.data]).toEqual(rgb);
      expect(rgb).toEqual(channels === 3 ? [...pixels] : [...pixels].flatMap((value) => [value, value, value]));
    }),
    { numRuns: 60, seed: 7 },
  );
});

test('other images go the general way, and damaged ones are refused there', async () => {
  const base = sharp({ create: { width: 4, height: 3, channels: 4, background: { r: 200, g: 100, b: 50, alpha: 0.5 } } });
  for (const bytes of [
    await base.clone().png().toBuffer(),
    await base.clone().png({ palette: true }).toBuffer(),
    await base.clone().flatten().jpeg().toBuffer(),
  ]) {
    expect(decodePlainPng(bytes, LIMIT)).toBeUndefined();
    expect(await decodeImage(bytes, 0, 'x')).toMatchObject({ width: 4, height: 3, channels: 3 });
  }
  const png = await base.clone().flatten().toColourspace('srgb').png().toBuffer();
  expect(decodePlainPng(png, 11)).toBeUndefined();
  for (const cut of [png.subarray(0, 40), png.subarray(0, png.length - 20), Buffer.from('no image')]) {
    expect(decodePlainPng(cut, LIMIT)).toBeUndefined();
    await expect(decodeImage(cut, 3, 'x')).rejects.toMatchObject({
      code: 'DATA_INVALID',
      message: expect.stringContaining('row 3, column "x"'),
    });
  }
});
