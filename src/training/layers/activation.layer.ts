import { ACTIVATION_NAMES, activate } from '../activations.ts';
import type { ActivationName } from '../activations.ts';
import { defineLayer } from '../layer.ts';

export default defineLayer<{ readonly activation: ActivationName }>({
  type: 'activation',
  summary: 'An activation function on its own.',
  keras: { className: 'Activation' },
  properties: { activation: { enum: ACTIVATION_NAMES, description: 'The function.', examples: ['relu'] } },
  required: ['activation'],
  outputShape: ([input]) => input!,
  call: (tf, [x], _weights, config) => activate(tf, x!, config.activation),
  examples: ACTIVATION_NAMES.map((name) => ({ inputs: [[6]], config: { activation: name } })),
});
