import { activate } from '../activations.ts';
import { addBias } from '../bias.ts';
import type { ActivationName } from '../activations.ts';
import type { InitializerName } from '../initializers.ts';
import { defineLayer } from '../layer.ts';
import type { Regularizer } from '../layer.ts';
import { activation, bool, initializer, regularizer, units } from '../schema-parts.ts';
import { shapeError } from '../shapes.ts';

interface Config {
  readonly units: number;
  readonly activation: ActivationName;
  readonly useBias: boolean;
  readonly kernelInitializer: InitializerName;
  readonly kernelRegularizer?: Regularizer;
}

const base = { activation: 'linear', useBias: true, kernelInitializer: 'glorotUniform' } as const;

export default defineLayer<Config>({
  type: 'dense',
  summary: 'Fully connected: activation(x · kernel + bias), over the last axis.',
  keras: { className: 'Dense' },
  properties: {
    units: units(),
    activation: activation(),
    useBias: bool('Add a bias to each output.', true),
    kernelInitializer: initializer('glorotUniform'),
    kernelRegularizer: regularizer,
  },
  required: ['units'],
  outputShape([input], { units: width }) {
    if (input!.length === 0) throw shapeError('a dense layer reads vectors, but its input is a single number', 'Give the input at least one axis.');
    return [...input!.slice(0, -1), width];
  },
  weights([input], config) {
    const kernel = { name: 'kernel', shape: [input!.at(-1)!, config.units], initializer: config.kernelInitializer, trainable: true };
    return [
      config.kernelRegularizer === undefined ? kernel : { ...kernel, regularizer: config.kernelRegularizer },
      ...(config.useBias ? [{ name: 'bias', shape: [config.units], initializer: 'zeros' as const, trainable: true }] : []),
    ];
  },
  call(tf, [x], weights, config) {
    const width = x!.shape.at(-1)!;
    const flat = x!.rank === 2 ? x! : tf.reshape(x!, [-1, width]);
    const shifted = addBias(tf, tf.matMul(flat, weights.kernel!), weights.bias);
    const shaped = x!.rank === 2 ? shifted : tf.reshape(shifted, [...x!.shape.slice(0, -1), config.units]);
    return activate(tf, shaped, config.activation);
  },
  examples: [
    { inputs: [[5]], config: { ...base, units: 3 } },
    { inputs: [[5]], config: { ...base, units: 3, activation: 'gelu', useBias: false } },
    { inputs: [[4, 5]], config: { ...base, units: 2, activation: 'softmax' } },
  ],
});
