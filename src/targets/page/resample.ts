/** Bytes of an image, row by row. */
export interface Raw {
  readonly width: number;
  readonly height: number;
  readonly channels: number;
  readonly data: Uint8Array;
}

interface Wanted {
  readonly width: number;
  readonly height: number;
  readonly fit: 'fill' | 'cover' | 'contain';
}

/** Bilinear where it grows, area-averaging where it shrinks: the triangle filter that the server's library uses as well. */
export function resample(image: Raw, { width, height, fit }: Wanted): Raw {
  if (fit === 'fill') return stretch(image, width, height);
  const ratios = [width / image.width, height / image.height];
  const ratio = fit === 'cover' ? Math.max(...ratios) : Math.min(...ratios);
  const scaled = stretch(image, Math.max(1, Math.round(image.width * ratio)), Math.max(1, Math.round(image.height * ratio)));
  const left = Math.floor((width - scaled.width) / 2);
  const top = Math.floor((height - scaled.height) / 2);
  const data = new Uint8Array(width * height * image.channels);
  for (let y = Math.max(0, top); y < Math.min(height, top + scaled.height); y += 1)
    for (let x = Math.max(0, left); x < Math.min(width, left + scaled.width); x += 1)
      for (let channel = 0; channel < image.channels; channel += 1)
        data[(y * width + x) * image.channels + channel] = scaled.data[((y - top) * scaled.width + (x - left)) * image.channels + channel]!;
  return { width, height, channels: image.channels, data };
}

function stretch(image: Raw, width: number, height: number): Raw {
  const { channels } = image;
  const across = weights(image.width, width);
  const down = weights(image.height, height);
  const rows = new Float64Array(image.height * width * channels);
  for (let y = 0; y < image.height; y += 1)
    for (let x = 0; x < width; x += 1) {
      const { first, shares } = across[x]!;
      for (let channel = 0; channel < channels; channel += 1) {
        let sum = 0;
        for (let at = 0; at < shares.length; at += 1) sum += shares[at]! * image.data[(y * image.width + first + at) * channels + channel]!;
        rows[(y * width + x) * channels + channel] = sum;
      }
    }
  const data = new Uint8Array(width * height * channels);
  for (let y = 0; y < height; y += 1) {
    const { first, shares } = down[y]!;
    for (let at = 0; at < width * channels; at += 1) {
      let sum = 0;
      for (let row = 0; row < shares.length; row += 1) sum += shares[row]! * rows[(first + row) * width * channels + at]!;
      data[y * width * channels + at] = Math.max(0, Math.min(255, Math.round(sum)));
    }
  }
  return { width, height, channels, data };
}

/** Of each pixel that comes out: which ones it is made of, and in which shares. */
function weights(from: number, to: number): { readonly first: number; readonly shares: readonly number[] }[] {
  const scale = from / to;
  const reach = Math.max(1, scale);
  return Array.from({ length: to }, (_, index) => {
    const centre = (index + 0.5) * scale;
    const first = Math.max(0, Math.floor(centre - reach));
    const last = Math.min(from - 1, Math.ceil(centre + reach) - 1);
    const raw = Array.from({ length: last - first + 1 }, (_unused, at) => Math.max(0, 1 - Math.abs((first + at + 0.5 - centre) / reach)));
    const total = raw.reduce((sum, share) => sum + share, 0);
    return { first, shares: raw.map((share) => share / total) };
  });
}
