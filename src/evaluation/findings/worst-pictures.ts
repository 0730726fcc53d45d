import { isPerennialError } from '../../core/errors.ts';
import type { Row } from '../../core/tensor.ts';
import { encodePng } from '../../data/images/encode-png.ts';
import { decodeImage, resizePixels } from '../../data/images/images.ts';
import type { WorstRow } from '../step/report.ts';
import type { ReportedPicture } from './reported-picture.ts';

/** Longest edge of a picture of the report, in pixels: enough to see what it shows, little enough for twenty on a page. */
const EDGE = 96;

/** The row with its images to look at, in the place of their number of bytes. */
export async function withPictures(worst: WorstRow, row: Row): Promise<WorstRow> {
  const pictures: [string, ReportedPicture][] = [];
  for (const [name, value] of Object.entries(row)) {
    const png = value instanceof Uint8Array ? await pictureOf(value, worst.index, name) : undefined;
    if (png !== undefined) pictures.push([name, { png }]);
  }
  return pictures.length === 0 ? worst : { ...worst, columns: { ...worst.columns, ...Object.fromEntries(pictures) } };
}

/** A PNG in base64; undefined of bytes that are no image. */
async function pictureOf(bytes: Uint8Array, row: number, column: string): Promise<string | undefined> {
  try {
    const image = await decodeImage(bytes, row, column);
    const scale = Math.min(1, EDGE / Math.max(image.width, image.height));
    const size = (edge: number): number => Math.max(1, Math.round(edge * scale));
    const { data, width, height, channels } = await resizePixels(image, {
      width: size(image.width),
      height: size(image.height),
      fit: 'fill',
    });
    return encodePng(Uint8Array.from(data), width, height, channels).toString('base64');
  } catch (error) {
    if (isPerennialError(error, 'DATA_INVALID')) return undefined;
    throw error;
  }
}
