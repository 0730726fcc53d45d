import { draws, filling, requireImages } from './shared/augmentation.ts';
import type { Filled } from './shared/augmentation.ts';
import { defineLayer } from './layer.ts';
import { projected } from './shared/projective.ts';
import { integer } from '../model/schema-parts.ts';
import { shapeError } from './shapes.ts';
import type { Tensor } from '../tensorflow/tf.ts';

interface Config extends Pick<Filled, 'fillMode' | 'fillValue'> {
  readonly height: number;
  readonly width: number;
  readonly padding: number;
}

export default defineLayer<Config>({
  type: 'randomCrop',
  summary: 'While training, a part of each image from a place of its own; otherwise the part in the middle.',
  properties: {
    height: integer('Pixels of the part.', undefined, 28),
    width: integer('Pixels of the part.', undefined, 28),
    padding: integer('Pixels that are put around the image first.', 0, 4, 0),
    fillMode: { ...filling.fillMode!, default: 'constant', examples: ['reflect'] },
    fillValue: filling.fillValue!,
  },
  required: ['height', 'width'],
  augmentation: true,
  outputShape(inputs, { height, width, padding }) {
    const [from, across, channels] = requireImages(inputs, 'randomCrop') as [number, number, number];
    if (height > from + 2 * padding || width > across + 2 * padding) {
      throw shapeError(
        `a part of ${height} × ${width} pixels does not fit into images of ${from} × ${across}${padding > 0 ? ` with ${padding} around them` : ''}`,
        'Make "height" and "width" smaller, or "padding" larger.',
      );
    }
    return [height, width, channels];
  },
  call(tf, [x], _weights, { height, width, padding, fillMode, fillValue }, context) {
    const [rows, from, across] = x!.shape as [number, number, number];
    const size = [height, width] as const;
    if (!context.training && height === from && width === across) return x!;
    const place = (drawn: Tensor | undefined, space: number): Tensor => {
      const places = space + 2 * padding + 1;
      if (drawn === undefined) return tf.fill([rows, 1], Math.floor(space / 2));
      // A draw just below 1 may round up to the number of places.
      return tf.sub(tf.minimum(tf.floor(tf.mul(drawn, places)), places - 1), padding);
    };
    const [first, second] = context.training ? draws(tf, x!, 2, context) : [];
    const [one, none] = [tf.ones([rows, 1]), tf.zeros([rows, 1])];
    const maps = tf.concat([one, none, place(second, across - width), none, one, place(first, from - height)], 1);
    return projected(tf, x!, maps, { size, interpolation: 'nearest', fillMode, fillValue });
  },
  examples: [
    { inputs: [[5, 6, 2]], config: { height: 3, width: 4, padding: 0, fillMode: 'constant', fillValue: 0 } },
    { inputs: [[5, 6, 1]], config: { height: 5, width: 6, padding: 2, fillMode: 'reflect', fillValue: 0 } },
  ],
});
