import { filling, requireImages } from './shared/augmentation.ts';
import type { KerasMapping } from '../keras/mapping.ts';
import { defineLayer } from './layer.ts';
import { projected } from './shared/projective.ts';
import type { Interpolation } from './shared/projective.ts';
import { integer } from '../model/schema-parts.ts';
import type { Tensor, Tf } from '../tensorflow/tf.ts';

interface Config {
  readonly height: number;
  readonly width: number;
  readonly fit: 'fill' | 'cover' | 'contain';
  readonly interpolation: Interpolation;
  readonly fillValue: number;
}

/** TensorFlow.js has the layer, but reads pixels at other places. */
const keras: KerasMapping<Config> = {
  className: 'Resizing',
  keras3Only: ({ fit }) => fit === 'contain',
  omit: ['fit', 'fillValue'],
  reads: ['crop_to_aspect_ratio', 'pad_to_aspect_ratio', 'fill_mode', 'fill_value', 'antialias'],
  toKeras(translated, { fit, fillValue }, { dialect, refuse }) {
    if (dialect === 'tfjs') throw refuse('another way to read pixels there');
    return {
      ...translated,
      crop_to_aspect_ratio: fit === 'cover',
      ...(fit === 'contain' ? { pad_to_aspect_ratio: true, fill_mode: 'constant', fill_value: fillValue } : {}),
    };
  },
  fromKeras(translated, read, { refuse }) {
    if (read.antialias === true) throw refuse('antialiasing, which is not known here');
    if (read.fill_mode !== undefined && read.fill_mode !== 'constant')
      throw refuse(`the fill_mode ${JSON.stringify(read.fill_mode)}; only "constant" is read`);
    const fit = read.crop_to_aspect_ratio === true ? 'cover' : read.pad_to_aspect_ratio === true ? 'contain' : 'fill';
    return { ...translated, fit, fillValue: typeof read.fill_value === 'number' ? read.fill_value : 0 };
  },
};

export default defineLayer<Config>({
  type: 'resizing',
  keras,
  summary: 'Images of another size.',
  properties: {
    height: integer('Pixels.', undefined, 64),
    width: integer('Pixels.', undefined, 64),
    fit: {
      enum: ['fill', 'cover', 'contain'],
      default: 'fill',
      examples: ['cover'],
      description: 'Stretch, fill and crop what hangs over, or fit inside with borders of "fillValue".',
    },
    interpolation: filling.interpolation!,
    fillValue: { type: 'number', default: 0, examples: [0.5], description: 'Value of the borders where "fit" is "contain".' },
  },
  required: ['height', 'width'],
  outputShape: (inputs, { height, width }) => [height, width, requireImages(inputs, 'resizing')[2]!],
  call(tf, [x], _weights, { height, width, fit, interpolation, fillValue }) {
    const framed = fit === 'fill' ? x! : fit === 'cover' ? cut(tf, x!, height / width) : bordered(tf, x!, height / width, fillValue);
    const [rows, from, across] = framed.shape as [number, number, number];
    if (height === from && width === across) return framed;
    const [high, wide] = [from / height, across / width];
    // Middles of pixels are read, so the first one lies half a step from the border.
    const maps = tf.tile(tf.tensor2d([[wide, 0, (wide - 1) / 2, 0, high, (high - 1) / 2]]), [rows, 1]);
    return projected(tf, framed, maps, { size: [height, width], interpolation, fillMode: 'nearest', fillValue: 0 });
  },
  examples: [
    { inputs: [[6, 4, 2]], config: { height: 3, width: 5, fit: 'fill', interpolation: 'bilinear', fillValue: 0 } },
    { inputs: [[6, 4, 1]], config: { height: 8, width: 8, fit: 'contain', interpolation: 'nearest', fillValue: 1 } },
  ],
});

/** The largest part from the middle with these proportions. @param aspect height / width */
function cut(tf: Tf, x: Tensor, aspect: number): Tensor {
  const [, height, width] = x.shape as [number, number, number];
  const [high, wide] = [within(width * aspect, height), within(height / aspect, width)];
  return tf.slice(x, [0, Math.floor((height - high) / 2), Math.floor((width - wide) / 2), 0], [-1, high, wide, -1]);
}

/** Borders on two sides, so that the whole has these proportions. */
function bordered(tf: Tf, x: Tensor, aspect: number, value: number): Tensor {
  const [, height, width] = x.shape as [number, number, number];
  const [more, moreAcross] = [Math.max(0, Math.floor(width * aspect) - height), Math.max(0, Math.floor(height / aspect) - width)];
  const [top, left] = [Math.floor(more / 2), Math.floor(moreAcross / 2)];
  return tf.pad(
    x,
    [
      [0, 0],
      [top, more - top],
      [left, moreAcross - left],
      [0, 0],
    ],
    value,
  );
}

const within = (length: number, most: number): number => Math.max(1, Math.min(most, Math.floor(length)));
