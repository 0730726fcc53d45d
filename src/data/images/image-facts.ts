import type { Pixels } from '../transforms/column-data.ts';
import { resizePixels } from './images.ts';

/** What is measured of a picture, by name. */
export const IMAGE_FACTS = [
  'aspectRatio',
  'blue',
  'brightness',
  'contrast',
  'green',
  'height',
  'red',
  'saturation',
  'sharpness',
  'width',
] as const;

/** Numbers that say how a picture looks, to six digits; null where there is nothing to measure. */
export type ImageFacts = Readonly<Record<(typeof IMAGE_FACTS)[number], number | null>>;

/** Larger pictures are measured smaller: what they look like shows there as well. */
const PIXELS_MAX = 512 * 512;

/**
 * Measures a picture.
 *
 * - `width`, `height` in pixels, `aspectRatio` is width by height.
 * - `brightness`, `contrast`: mean and standard deviation of the luma (ITU-R BT.601, 8 bits), divided by 255.
 * - `saturation`: mean of that of HSV, 0 to 1.
 * - `sharpness`: variance of the Laplacian of the luma (4 neighbours, mirrored at the border), in levels squared.
 * - `red`, `green`, `blue`: their shares of the light of all pixels; null for a black picture.
 *
 * Pictures of more than 512 × 512 pixels are made that small first, all but width, height and aspect ratio.
 */
export async function imageFacts(pixels: Pixels): Promise<ImageFacts> {
  const { width, height } = pixels;
  const shrink = Math.sqrt(PIXELS_MAX / (width * height));
  const looked =
    shrink >= 1
      ? pixels
      : await resizePixels(pixels, {
          width: Math.max(1, Math.floor(width * shrink)),
          height: Math.max(1, Math.floor(height * shrink)),
          fit: 'fill',
        });
  const facts = { width, height, aspectRatio: width / height, ...looksOf(looked) };
  // The same number on both sides of a comparison is the same to the last bit, however it was kept.
  return Object.fromEntries(IMAGE_FACTS.map((name) => [name, rounded(facts[name])])) as ImageFacts;
}

function rounded(value: number | null): number | null {
  return value === null ? null : Number(value.toPrecision(6));
}

function looksOf({ width, height, channels, data }: Pixels): Omit<ImageFacts, 'width' | 'height' | 'aspectRatio'> {
  const size = width * height;
  const [second, third] = channels >= 3 ? [1, 2] : [0, 0];
  const luma = new Uint8Array(size);
  const sums: [number, number, number] = [0, 0, 0];
  let [light, squares, saturation] = [0, 0, 0];
  for (let at = 0, place = 0; at < size; at += 1, place += channels) {
    const [red, green, blue] = [data[place]!, data[place + second]!, data[place + third]!];
    // In 1/65,536, rounded: as imaging libraries do it.
    const level = (19_595 * red + 38_470 * green + 7_471 * blue + 32_768) >> 16;
    luma[at] = level;
    light += level;
    squares += level * level;
    const most = Math.max(red, green, blue);
    if (most > 0) saturation += (most - Math.min(red, green, blue)) / most;
    sums[0] += red;
    sums[1] += green;
    sums[2] += blue;
  }
  const all = sums[0] + sums[1] + sums[2];
  const mean = light / size;
  return {
    brightness: mean / 255,
    contrast: Math.sqrt(Math.max(0, squares / size - mean * mean)) / 255,
    saturation: saturation / size,
    sharpness: laplacianVariance(luma, width, height),
    red: all === 0 ? null : sums[0] / all,
    green: all === 0 ? null : sums[1] / all,
    blue: all === 0 ? null : sums[2] / all,
  };
}

function laplacianVariance(luma: Uint8Array, width: number, height: number): number {
  const mirrored = (at: number, size: number): number => (size === 1 ? 0 : at < 0 ? 1 : at === size ? size - 2 : at);
  let [sum, squares] = [0, 0];
  for (let y = 0; y < height; y += 1) {
    const [row, above, below] = [y * width, mirrored(y - 1, height) * width, mirrored(y + 1, height) * width];
    for (let x = 0; x < width; x += 1) {
      const value =
        luma[above + x]! +
        luma[below + x]! +
        luma[row + mirrored(x - 1, width)]! +
        luma[row + mirrored(x + 1, width)]! -
        4 * luma[row + x]!;
      sum += value;
      squares += value * value;
    }
  }
  const size = width * height;
  return Math.max(0, squares / size - (sum / size) ** 2);
}
