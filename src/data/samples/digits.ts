import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

const SIDE = 28;
const PIXELS = SIDE * SIDE;

/**
 * Writes the digits of the package `mnist` (src/digits/<0-9>.json, pixels 0 to 1) as PNG into class folders. Returns the number of images.
 */
export async function writeDigits(packageDir: string, target: string): Promise<number> {
  const { default: sharp } = await import('sharp');
  let written = 0;
  for (let digit = 0; digit < 10; digit += 1) {
    const { data } = JSON.parse(await readFile(join(packageDir, 'src', 'digits', `${digit}.json`), 'utf8')) as { data: number[] };
    const folder = join(target, String(digit));
    await mkdir(folder, { recursive: true });
    const count = Math.floor(data.length / PIXELS);
    for (let start = 0; start < count; start += 64) {
      await Promise.all(
        Array.from({ length: Math.min(64, count - start) }, (_, index) => {
          const image = start + index;
          const pixels = Uint8Array.from(data.slice(image * PIXELS, (image + 1) * PIXELS), (value) => Math.round(value * 255));
          return sharp(pixels, { raw: { width: SIDE, height: SIDE, channels: 1 } })
            .toColourspace('b-w')
            .png({ compressionLevel: 9 })
            .toFile(join(folder, `${String(image).padStart(4, '0')}.png`));
        }),
      );
    }
    written += count;
  }
  return written;
}
