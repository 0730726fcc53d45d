import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { encodePng } from '../images/encode-png.ts';
import { literal, pathLiteral, withDatabase } from '../table/duckdb.ts';

const SIDE = 28;
/** In the order of the package's files. */
const CLASSES = ['T-shirt/top', 'Trouser', 'Pullover', 'Dress', 'Coat', 'Sandal', 'Shirt', 'Sneaker', 'Bag', 'Ankle boot'];
const IMAGES_AT_ONCE = 64;

/**
 * Writes the clothes of the package `fashion-mnist` (src/clothes/<0-9>.json, pixels 0 to 255) as PNG into one Parquet file, classes in
 * turn. Returns the number of images.
 */
export async function writeFashion(packageDir: string, target: string): Promise<number> {
  const classes = await Promise.all(
    CLASSES.map(async (label, index) => ({
      label,
      images: (JSON.parse(await readFile(join(packageDir, 'src', 'clothes', `${index}.json`), 'utf8')) as { data: number[][] }).data.filter(
        (pixels) => pixels.length === SIDE * SIDE,
      ),
    })),
  );
  const lines = `${target}.ndjson`;
  const stream = createWriteStream(lines);
  let written = 0;
  const rows = Array.from({ length: Math.max(...classes.map(({ images }) => images.length)) }, (_, at) =>
    classes.filter(({ images }) => at < images.length).map(({ label, images }) => ({ label, pixels: images[at]! })),
  ).flat();
  for (let start = 0; start < rows.length; start += IMAGES_AT_ONCE) {
    const texts = rows.slice(start, start + IMAGES_AT_ONCE).map(({ label, pixels }) => {
      const png = encodePng(Uint8Array.from(pixels), SIDE, SIDE, 1);
      return `${JSON.stringify({ image: png.toString('base64'), label })}\n`;
    });
    written += texts.length;
    if (!stream.write(texts.join(''))) await once(stream, 'drain');
  }
  stream.end();
  await once(stream, 'close');
  await withDatabase((db) =>
    db.run(
      `COPY (SELECT from_base64(image) AS image, label FROM read_json(${pathLiteral(lines)}, format = 'newline_delimited', columns = {image: 'VARCHAR', label: 'VARCHAR'})) TO ${literal(target)} (FORMAT parquet)`,
    ),
  );
  await rm(lines);
  return written;
}
