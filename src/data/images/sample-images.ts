import { encodePng } from './encode-png.ts';

/** What generated pixels look like. */
export interface ImageFormat {
  /** [height, width, channels] */
  readonly shape: readonly number[];
  /** What the darkest and the brightest pixel are. */
  readonly range: readonly [number, number];
}

/** One image as a PNG. @param values of one image */
export function imageOf(values: Float32Array, format: ImageFormat): Buffer {
  return imageGrid(values, format, 1, 0);
}

/** Images beside and below each other, row by row, as one PNG. @param values of all images @param gap pixels between images */
export function imageGrid(values: Float32Array, { shape, range: [low, high] }: ImageFormat, columns: number, gap = 2): Buffer {
  const [height, width, channels] = shape as readonly [number, number, number];
  const size = height * width * channels;
  const count = values.length / size;
  const shown = channels === 1 ? 1 : 3;
  const rows = Math.ceil(count / columns);
  const [gridWidth, gridHeight] = [columns * (width + gap) - gap, rows * (height + gap) - gap];
  const pixels = new Uint8Array(gridWidth * gridHeight * shown);
  for (let image = 0; image < count; image += 1) {
    const [top, left] = [Math.floor(image / columns) * (height + gap), (image % columns) * (width + gap)];
    for (let at = 0; at < size; at += 1) {
      const channel = at % channels;
      // A fourth channel is transparency, and a second one too: what cannot be shown is left out.
      if (channel >= shown) continue;
      const [row, column] = [Math.floor(at / (width * channels)), Math.floor(at / channels) % width];
      const value = (values[image * size + at]! - low) / (high - low);
      pixels[((top + row) * gridWidth + left + column) * shown + channel] = Math.round(255 * Math.min(1, Math.max(0, value)));
    }
  }
  return encodePng(pixels, gridWidth, gridHeight, shown);
}
