import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { encodePng } from '../images/encode-png.ts';

const SIDE = 28;
const PIXELS = SIDE * SIDE;

/**
 * Writes the digits of the package `mnist` (src/digits/<0-9>.json, pixels 0 to 1) as PNG into class folders. Returns the number of images.
 */
export async function writeDigits(packageDir: string, target: string): Promise<number> {
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
          return writeFile(join(folder, `${String(image).padStart(4, '0')}.png`), encodePng(pixels, SIDE, SIDE, 1));
        }),
      );
    }
    written += count;
  }
  return written;
}
