import { activate, activatedShape, plainActivation } from './activations.ts';
import type { Activation } from './activations.ts';
import { activityProperties, penalized } from './shared/activity.ts';
import type { ActivityOptions } from './shared/activity.ts';
import { affine } from './shared/affine.ts';
import { plainDense } from './shared/plain.ts';
import { defineLayer } from './layer.ts';
import { activation, bool, units } from '../model/schema-parts.ts';
import { shapeError } from './shapes.ts';
import { weightOf, weightProperties } from './shared/weight-options.ts';
import type { WeightOptions } from './shared/weight-options.ts';

interface Config extends WeightOptions<'kernel'>, WeightOptions<'bias'>, ActivityOptions {
  readonly units: number;
  readonly activation: Activation;
  readonly useBias: boolean;
}

export default defineLayer<Config>({
  type: 'dense',
  keras: { className: 'Dense' },
  summary: 'Fully connected: activation(x · kernel + bias), over the last axis.',
  properties: {
    units: units(),
    activation: activation(),
    useBias: bool('Add a bias to each output.', true),
    ...weightProperties('kernel', 'bias'),
    ...activityProperties,
  },
  required: ['units'],
  outputShape([input], config) {
    if (input!.length === 0)
      throw shapeError('a dense layer reads vectors, but its input is a single number', 'Give the input at least one axis.');
    return activatedShape([...input!.slice(0, -1), config.units], config.activation);
  },
  weights: ([input], config) => [
    weightOf('kernel', [input!.at(-1)!, config.units], config),
    ...(config.useBias ? [weightOf('bias', [config.units], config)] : []),
  ],
  call(tf, [x], weights, config, context) {
    const width = x!.shape.at(-1)!;
    const flat = x!.rank === 2 ? x! : tf.reshape(x!, [-1, width]);
    const rectified = config.activation === 'relu';
    const sums = affine(tf, flat, weights.kernel!, weights.bias, rectified);
    const shaped = x!.rank === 2 ? sums : tf.reshape(sums, [...x!.shape.slice(0, -1), config.units]);
    const activated = rectified ? shaped : activate(tf, shaped, config.activation);
    return penalized(tf, activated, config.activityRegularizer, context);
  },
  plain([input], { kernel, bias }, { units: width, activation: chosen }) {
    const activated = plainActivation(chosen);
    if (input!.length !== 1 || activated === undefined) return undefined;
    const product = plainDense(kernel!, bias, width);
    return (inputs, output) => {
      product(inputs, output);
      activated(output, width);
    };
  },
  examples: [
    { inputs: [[5]], config: { units: 3 } },
    { inputs: [[5]], config: { units: 3, activation: 'gelu', useBias: false, activityRegularizer: { l1: 0.02, l2: 0.01 } } },
    {
      inputs: [[4, 5]],
      config: {
        units: 2,
        activation: 'softmax',
        kernelRegularizer: { l1: 0.01 },
        biasRegularizer: { l2: 0.01 },
        biasInitializer: { constant: { value: 0.1 } },
      },
    },
    { inputs: [[5]], config: { units: 4, activation: 'glu', kernelConstraint: { maxNorm: { maxValue: 0.5 } }, biasConstraint: 'nonNeg' } },
  ],
});
