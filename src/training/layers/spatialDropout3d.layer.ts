import { dropped } from './shared/dropout.ts';
import { defineLayer } from './layer.ts';
import { rate } from '../model/schema-parts.ts';
import { requireRank } from './shapes.ts';

export default defineLayer<{ readonly rate: number }>({
  type: 'spatialDropout3d',
  keras: { className: 'SpatialDropout3D' },
  summary: 'Dropout of whole channels of a volume.',
  properties: { rate: rate('Share of channels set to zero.') },
  required: ['rate'],
  outputShape: (inputs) => requireRank(inputs, 4, 'a spatialDropout3d layer'),
  call: (tf, [x], _weights, config, context) => dropped(tf, x!, config.rate, context, [x!.shape[0], 1, 1, 1, x!.shape.at(-1)!]),
  examples: [{ inputs: [[2, 3, 2, 4]], config: { rate: 0.5 } }],
});
