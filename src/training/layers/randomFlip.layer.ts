import { draws, perImage, requireImages } from './shared/augmentation.ts';
import { defineLayer } from './layer.ts';
import type { Tensor } from '../tensorflow/tf.ts';

interface Config {
  readonly mode: 'both' | 'horizontal' | 'vertical';
}

export default defineLayer<Config>({
  type: 'randomFlip',
  summary: 'While training, mirrors half of the images.',
  properties: {
    mode: {
      enum: ['both', 'horizontal', 'vertical'],
      default: 'both',
      examples: ['horizontal'],
      description: 'Left and right, top and bottom, or each of the two for itself.',
    },
  },
  augmentation: true,
  outputShape: (inputs) => requireImages(inputs, 'randomFlip'),
  call(tf, [x], _weights, { mode }, context) {
    if (!context.training) return x!;
    const axes = mode === 'both' ? [2, 1] : mode === 'horizontal' ? [2] : [1];
    const drawn = draws(tf, x!, axes.length, context);
    return axes.reduce<Tensor>(
      (images, axis, index) => tf.where(perImage(tf, tf.less(drawn[index]!, 0.5)), tf.reverse(images, [axis]), images),
      x!,
    );
  },
  examples: [
    { inputs: [[4, 5, 2]], config: { mode: 'both' } },
    { inputs: [[4, 5, 1]], config: { mode: 'horizontal' } },
  ],
});
