import { ACTIVATION_NAMES, activate, activatedShape, plainActivation } from './activations.ts';
import type { Activation } from './activations.ts';
import { plainlyActivated } from './shared/plain.ts';
import { activationMapping } from '../keras/activation.ts';
import { defineLayer } from './layer.ts';

/** What has no default, and settings beside the defaults. */
const SETTINGS: readonly Activation[] = [
  { threshold: { threshold: 0.2, value: -1 } },
  { relu: { negativeSlope: 0.1, maxValue: 1, threshold: 0.2 } },
  { relu: { maxValue: 1 } },
  { leakyRelu: { negativeSlope: 0.01 } },
  { elu: { alpha: 0.5 } },
  { celu: { alpha: 0.5 } },
  { gelu: { approximate: true } },
  { squareplus: { b: 1 } },
];

export default defineLayer<{ readonly activation: Activation }>({
  type: 'activation',
  summary: 'An activation function on its own.',
  keras: activationMapping,
  properties: {
    activation: {
      allOf: [{ $ref: '#/definitions/activation' }],
      description: 'The function.',
      examples: ['relu', { leakyRelu: { negativeSlope: 0.1 } }],
    },
  },
  required: ['activation'],
  outputShape: ([input], config) => activatedShape(input!, config.activation),
  call: (tf, [x], _weights, config) => activate(tf, x!, config.activation),
  plain: ([input], _weights, config) => plainlyActivated(input!, plainActivation(config.activation)),
  examples: [...ACTIVATION_NAMES.filter((name) => name !== 'threshold'), ...SETTINGS].map((activation) => ({
    inputs: [[6]],
    config: { activation },
  })),
});
