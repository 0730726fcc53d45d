import type { ImageData, Pixels } from './column-data.ts';
import { defineTransform } from './transform.ts';

type Nothing = Record<string, never>;

/** ITU-R BT.601 luma, rounded; grey stays as it is. */
function luma({ width, height, channels, data }: Pixels): Pixels {
  if (channels === 1) return { width, height, channels, data };
  const grey = new Uint8Array(width * height);
  for (let at = 0; at < grey.length; at += 1)
    grey[at] = Math.round((299 * data[channels * at]! + 587 * data[channels * at + 1]! + 114 * data[channels * at + 2]!) / 1_000);
  return { width, height, channels: 1, data: grey };
}

export default defineTransform<Nothing, null>({
  name: 'grayscale',
  summary: 'One channel of brightness in place of red, green and blue.',
  configSchema: { type: 'object', additionalProperties: false, properties: {}, default: {}, description: 'One channel (ITU-R BT.601).' },
  examples: [{}],
  takes: ['image'],
  gives: () => 'image',
  resolve: () => ({}),
  apply: (data) => ({
    ...(data as ImageData),
    channels: 1,
    values: (data as ImageData).values.map((image) => (image === null ? null : luma(image))),
  }),
  reference: 'ITU-R BT.601',
});
