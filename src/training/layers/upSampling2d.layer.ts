import { defineLayer } from './layer.ts';
import { asPair, pair } from '../model/schema-parts.ts';
import type { Pair } from '../model/schema-parts.ts';
import { requireRank } from './shapes.ts';
import { repeatAlong, stretchAlong } from './shared/up-sampling.ts';

interface Config {
  readonly size: Pair;
  readonly interpolation: 'nearest' | 'bilinear';
}

export default defineLayer<Config>({
  type: 'upSampling2d',
  keras: { className: 'UpSampling2D' },
  summary: 'Makes an image larger by whole factors.',
  properties: {
    size: pair('Factors of height and width.', 2, 3),
    interpolation: {
      enum: ['nearest', 'bilinear'],
      default: 'nearest',
      description: 'What new pixels show: the nearest old one, or a mix of the four around.',
      examples: ['bilinear'],
    },
  },
  outputShape(inputs, config) {
    const [height, width, channels] = requireRank(inputs, 3, 'a upSampling2d layer') as [number, number, number];
    const [down, right] = asPair(config.size);
    return [height * down, width * right, channels];
  },
  call(tf, [x], _weights, config) {
    const along = config.interpolation === 'nearest' ? repeatAlong : stretchAlong;
    return asPair(config.size).reduce((image, times, index) => along(tf, image, index + 1, times), x!);
  },
  mask: 'drop',
  examples: [
    { inputs: [[3, 4, 2]], config: {} },
    { inputs: [[3, 4, 2]], config: { size: [2, 3], interpolation: 'bilinear' } },
  ],
});
