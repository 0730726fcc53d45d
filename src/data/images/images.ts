import { PerennialError, messageOf } from '../../core/errors.ts';
import type { Pixels } from '../transforms/column-data.ts';
import { DATA_LIMITS } from '../table/limits.ts';
import { decodePlainPng, isPlainPng } from './png.ts';

async function loadSharp() {
  const { default: sharp } = await import('sharp');
  return sharp;
}

/** Larger ones are decoded by threads: here they would hold everything else up. */
const PLAIN_PIXELS_MAX = 512 * 512;

/** How files of the formats that are read begin; of the others that the decoder knows, some are programs (SVG). */
const BEGINNINGS = /^(?:\x89PNG|\xff\xd8\xff|GIF8|RIFF....WEBP|II[*+]\0|MM\0[*+]|....ftyp)/s;

/**
 * Pixels that {@link decodeImage} would make of the bytes, from their header alone; 0 where they are no image.
 *
 * @throws DATA_INVALID naming row and column where they are of a format that is not read
 */
export async function pixelsOf(bytes: Uint8Array, row: number, column: string): Promise<number> {
  const head = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(32, bytes.byteLength));
  if (!BEGINNINGS.test(head.toString('latin1'))) throw notRead(row, column, 'its format is not known');
  if (head[0] === 0x89 && head.length >= 24) return head.readUInt32BE(16) * head.readUInt32BE(20);
  const sharp = await loadSharp();
  try {
    const { height, width } = await sharp(bytes, { limitInputPixels: false }).metadata();
    return height * width;
  } catch {
    return 0;
  }
}

/** What the decoder says, in words of ours. */
function whyNotRead(error: unknown): string {
  const text = messageOf(error);
  if (/pixel limit/i.test(text)) return `it has more than ${Math.round(DATA_LIMITS.imagePixelsMax / 1e6)} million pixels`;
  if (/unsupported image format/i.test(text)) return 'its format is not known';
  return /premature|end of|truncated|too short|read error/i.test(text) ? 'it is cut off or damaged' : 'it is damaged';
}

function notRead(row: number, column: string, why: string, cause?: unknown): PerennialError {
  return new PerennialError('DATA_INVALID', `row ${row}, column "${column}": the bytes are no image that can be read (${why}).`, {
    hint: 'Give PNG, JPEG, WebP, GIF, TIFF or AVIF; in JSON as base64 text.',
    ...(cause === undefined ? {} : { cause }),
  });
}

/**
 * Decodes one image to 8-bit RGB (transparency over black, orientation of the camera applied).
 *
 * @throws DATA_INVALID naming row and column where the bytes are no image.
 */
export async function decodeImage(bytes: Uint8Array, row: number, column: string): Promise<Pixels> {
  const plain = decodePlainPng(bytes, PLAIN_PIXELS_MAX);
  if (plain !== undefined) return plain;
  const sharp = await loadSharp();
  try {
    const { data, info } = await sharp(bytes, { limitInputPixels: DATA_LIMITS.imagePixelsMax })
      .rotate()
      .flatten({ background: '#000' })
      .toColourspace('srgb')
      .raw()
      .toBuffer({ resolveWithObject: true });
    if (info.channels === 3) return { width: info.width, height: info.height, channels: 3, data };
    const rgb = new Uint8Array(info.width * info.height * 3);
    for (let at = 0; at < info.width * info.height; at += 1) rgb.fill(data[at * info.channels]!, 3 * at, 3 * at + 3);
    return { width: info.width, height: info.height, channels: 3, data: rgb };
  } catch (error) {
    throw notRead(row, column, whyNotRead(error), error);
  }
}

/** Height and width as {@link decodeImage} gives them, from the header of a file; undefined where it is no image. */
export async function imageSizeOf(path: string): Promise<{ readonly height: number; readonly width: number } | undefined> {
  const sharp = await loadSharp();
  try {
    const { height, width, orientation = 1 } = await sharp(path, { limitInputPixels: DATA_LIMITS.imagePixelsMax }).metadata();
    return orientation >= 5 ? { height: width, width: height } : { height, width };
  } catch {
    return undefined;
  }
}

/**
 * Why the bytes are no image that {@link decodeImage} can read; undefined where they are one. Reads all of it, but as small as the format
 * allows.
 */
export async function imageProblem(bytes: Uint8Array): Promise<string | undefined> {
  if (bytes.length === 0) return 'it has no bytes';
  if (isPlainPng(bytes, PLAIN_PIXELS_MAX)) return undefined;
  const sharp = await loadSharp();
  try {
    await sharp(bytes, { limitInputPixels: DATA_LIMITS.imagePixelsMax }).resize(8, 8, { fit: 'fill' }).raw().toBuffer();
    return undefined;
  } catch (error) {
    return whyNotRead(error);
  }
}

/** Bilinear where it grows, area-averaging where it shrinks; unchanged where the size is right. */
export async function resizePixels(
  image: Pixels,
  { height, width, fit }: { height: number; width: number; fit: 'fill' | 'cover' | 'contain' },
): Promise<Pixels> {
  if (image.height === height && image.width === width) return image;
  const sharp = await loadSharp();
  const raw = { width: image.width, height: image.height, channels: image.channels as 1 | 3 };
  const { data, info } = await sharp(image.data, { raw })
    .resize({ width, height, fit, kernel: 'linear', background: '#000' })
    .raw()
    .toBuffer({ resolveWithObject: true });
  if (info.channels === image.channels) return { width, height, channels: image.channels, data };
  const kept = new Uint8Array(width * height * image.channels);
  for (let at = 0; at < width * height; at += 1)
    for (let channel = 0; channel < image.channels; channel += 1) kept[at * image.channels + channel] = data[at * info.channels + channel]!;
  return { width, height, channels: image.channels, data: kept };
}
