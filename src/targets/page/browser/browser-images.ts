import { resample } from '../resample.ts';
import type { Raw } from '../resample.ts';

/**
 * In the page this takes the place of the image library of the server: the calls that `src/data/images/images.ts` makes, over what a
 * browser has.
 */
interface Options {
  readonly raw?: { readonly width: number; readonly height: number; readonly channels: number };
  readonly limitInputPixels?: number;
}
interface Resize {
  readonly width: number;
  readonly height: number;
  readonly fit: 'fill' | 'cover' | 'contain';
}

class BrowserImage {
  readonly #bytes: Uint8Array;
  readonly #options: Options;
  #wanted: Resize | undefined;

  constructor(bytes: Uint8Array, options: Options) {
    this.#bytes = bytes;
    this.#options = options;
  }
  /** Browsers turn images as the camera says, over black by what is drawn first, in sRGB. */
  rotate = (): this => this;
  flatten = (): this => this;
  toColourspace = (): this => this;
  raw = (): this => this;
  resize(wanted: Resize): this {
    this.#wanted = wanted;
    return this;
  }
  async toBuffer(): Promise<{ readonly data: Uint8Array; readonly info: Omit<Raw, 'data'> }> {
    const { raw, limitInputPixels } = this.#options;
    const whole: Raw = raw === undefined ? await decoded(this.#bytes, limitInputPixels) : { ...raw, data: this.#bytes };
    const { data, ...info } = this.#wanted === undefined ? whole : resample(whole, this.#wanted);
    return { data, info };
  }
}

async function decoded(bytes: Uint8Array, limit = Infinity): Promise<Raw> {
  const bitmap = await createImageBitmap(new Blob([bytes as never]), { premultiplyAlpha: 'default', colorSpaceConversion: 'default' });
  const { width, height } = bitmap;
  if (width * height > limit) throw new Error(`it has ${width * height} pixels, more than ${limit}`);
  const context = new OffscreenCanvas(width, height).getContext('2d')!;
  context.fillStyle = '#000';
  context.fillRect(0, 0, width, height);
  context.drawImage(bitmap, 0, 0);
  const pixels = context.getImageData(0, 0, width, height).data;
  const data = new Uint8Array(width * height * 3);
  for (let at = 0; at < width * height; at += 1) data.set(pixels.subarray(4 * at, 4 * at + 3), 3 * at);
  return { width, height, channels: 3, data };
}

export default function browserImage(bytes: Uint8Array, options: Options = {}): BrowserImage {
  return new BrowserImage(bytes, options);
}
