import { requireImages } from './shared/augmentation.ts';
import { defineLayer } from './layer.ts';
import { integer } from '../model/schema-parts.ts';
import { shapeError } from './shapes.ts';

interface Config {
  readonly height: number;
  readonly width: number;
}

export default defineLayer<Config>({
  type: 'centerCrop',
  keras: { className: 'CenterCrop' },
  summary: 'The middle part of images.',
  properties: { height: integer('Pixels of the part.', undefined, 28), width: integer('Pixels of the part.', undefined, 28) },
  required: ['height', 'width'],
  outputShape(inputs, { height, width }) {
    const [from, across, channels] = requireImages(inputs, 'centerCrop') as [number, number, number];
    if (height > from || width > across)
      throw shapeError(
        `a part of ${height} × ${width} pixels does not fit into images of ${from} × ${across}`,
        'Make "height" and "width" smaller, or put a resizing layer before it.',
      );
    return [height, width, channels];
  },
  call(tf, [x], _weights, { height, width }) {
    const [rows, from, across, channels] = x!.shape as [number, number, number, number];
    return tf.slice(x!, [0, Math.floor((from - height) / 2), Math.floor((across - width) / 2), 0], [rows, height, width, channels]);
  },
  examples: [{ inputs: [[5, 6, 2]], config: { height: 3, width: 3 } }],
});
