import { dropped } from './shared/dropout.ts';
import { defineLayer } from './layer.ts';
import { rate } from '../model/schema-parts.ts';
import { requireRank } from './shapes.ts';

export default defineLayer<{ readonly rate: number }>({
  type: 'spatialDropout2d',
  summary: 'Dropout of whole channels of an image.',
  keras: { className: 'SpatialDropout2D' },
  properties: { rate: rate('Share of channels set to zero.') },
  required: ['rate'],
  outputShape: (inputs) => requireRank(inputs, 3, 'a spatialDropout2d layer'),
  call: (tf, [x], _weights, config, context) => dropped(tf, x!, config.rate, context, [x!.shape[0], 1, 1, x!.shape.at(-1)!]),
  examples: [{ inputs: [[4, 4, 3]], config: { rate: 0.5 } }],
});
