import { activate, plainActivation } from './activations.ts';
import { plainlyActivated } from './shared/plain.ts';
import { defineLayer } from './layer.ts';
import { number } from '../model/schema-parts.ts';

export default defineLayer<{ readonly alpha: number }>({
  type: 'elu',
  keras: { className: 'ELU' },
  summary: 'x above 0, alpha · (exp(x) − 1) below.',
  properties: { alpha: number('Limit towards minus infinity, without its sign.', 1, 0.5, { minimum: 0 }) },
  outputShape: ([input]) => input!,
  call: (tf, [x], _weights, { alpha }) => activate(tf, x!, { elu: { alpha } }),
  plain: ([input], _weights, { alpha }) => plainlyActivated(input!, plainActivation({ elu: { alpha } })),
  examples: [
    { inputs: [[6]], config: {} },
    { inputs: [[6]], config: { alpha: 0.5 } },
  ],
});
