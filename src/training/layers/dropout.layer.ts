import { dropped } from './shared/dropout.ts';
import { passed } from './shared/plain.ts';
import { defineLayer } from './layer.ts';
import { rate } from '../model/schema-parts.ts';

export default defineLayer<{ readonly rate: number }>({
  type: 'dropout',
  summary: 'While training, sets a share of the values to zero and scales the others up; otherwise passes values through.',
  keras: { className: 'Dropout' },
  properties: { rate: rate('Share of values set to zero.') },
  required: ['rate'],
  outputShape: ([input]) => input!,
  call: (tf, [x], _weights, config, context) => dropped(tf, x!, config.rate, context),
  plain: () => passed,
  examples: [{ inputs: [[8]], config: { rate: 0.5 } }],
});
