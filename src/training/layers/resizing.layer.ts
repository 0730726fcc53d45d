import { filling, requireImages } from '../augmentation.ts';
import { defineLayer } from '../layer.ts';
import { projected } from '../projective.ts';
import type { Interpolation } from '../projective.ts';
import { integer } from '../schema-parts.ts';

interface Config {
  readonly height: number;
  readonly width: number;
  readonly fit: 'fill' | 'cover' | 'contain';
  readonly interpolation: Interpolation;
  readonly fillValue: number;
}

export default defineLayer<Config>({
  type: 'resizing',
  summary: 'Images of another size.',
  properties: {
    height: integer('Pixels.', undefined, 64),
    width: integer('Pixels.', undefined, 64),
    fit: { enum: ['fill', 'cover', 'contain'], default: 'fill', examples: ['cover'], description: 'Stretch, fill and crop what hangs over, or fit inside with borders of "fillValue".' },
    interpolation: filling.interpolation!,
    fillValue: { type: 'number', default: 0, examples: [0.5], description: 'Value of the borders where "fit" is "contain".' },
  },
  required: ['height', 'width'],
  outputShape: (inputs, { height, width }) => [height, width, requireImages(inputs, 'resizing')[2]!],
  call(tf, [x], _weights, { height, width, fit, interpolation, fillValue }) {
    const [rows, from, across] = x!.shape as [number, number, number];
    if (height === from && width === across) return x!;
    const scales = [from / height, across / width] as const;
    const scale = fit === 'cover' ? Math.min(...scales) : Math.max(...scales);
    const [high, wide] = fit === 'fill' ? scales : [scale, scale];
    // Middles of pixels on middles of pixels; the middle of the image stays in the middle.
    const offset = (length: number, given: number, step: number): number => (length - 1) / 2 - (step * (given - 1)) / 2;
    const maps = tf.tile(tf.tensor2d([[wide, 0, offset(across, width, wide), 0, high, offset(from, height, high)]]), [rows, 1]);
    const resized = projected(tf, x!, maps, { size: [height, width], interpolation, fillMode: 'nearest', fillValue: 0 });
    if (fit !== 'contain') return resized;
    const [used, usedAcross] = [Math.round(from / scale), Math.round(across / scale)];
    const [top, left] = [Math.floor((height - used) / 2), Math.floor((width - usedAcross) / 2)];
    const inner = tf.slice(resized, [0, top, left, 0], [-1, used, usedAcross, -1]);
    return tf.pad(inner, [[0, 0], [top, height - used - top], [left, width - usedAcross - left], [0, 0]], fillValue);
  },
  examples: [
    { inputs: [[6, 4, 2]], config: { height: 3, width: 5, fit: 'fill', interpolation: 'bilinear', fillValue: 0 } },
    { inputs: [[6, 4, 1]], config: { height: 8, width: 8, fit: 'contain', interpolation: 'nearest', fillValue: 1 } },
  ],
});
