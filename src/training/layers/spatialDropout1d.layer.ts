import { dropped } from './shared/dropout.ts';
import { defineLayer } from './layer.ts';
import { rate } from '../model/schema-parts.ts';
import { requireRank } from './shapes.ts';

export default defineLayer<{ readonly rate: number }>({
  type: 'spatialDropout1d',
  summary: 'Dropout of whole channels of a sequence.',
  keras: { className: 'SpatialDropout1D' },
  properties: { rate: rate('Share of channels set to zero.') },
  required: ['rate'],
  outputShape: (inputs) => requireRank(inputs, 2, 'a spatialDropout1d layer'),
  call: (tf, [x], _weights, config, context) => dropped(tf, x!, config.rate, context, [x!.shape[0], 1, x!.shape.at(-1)!]),
  examples: [{ inputs: [[4, 3]], config: { rate: 0.5 } }],
});
