import { defineLayer } from '../layer.ts';
import { bool, number } from '../schema-parts.ts';

interface Config {
  readonly epsilon: number;
  readonly center: boolean;
  readonly scale: boolean;
}

export default defineLayer<Config>({
  type: 'layerNormalization',
  summary: 'Scales the features of each example to mean 0 and variance 1.',
  properties: {
    epsilon: number('Added to the variance.', 0.001, 0.001, { exclusiveMinimum: 0 }),
    center: bool('Add a trained offset.', true),
    scale: bool('Multiply by a trained factor.', true),
  },
  outputShape: ([input]) => input!,
  weights([input], config) {
    const shape = [input!.at(-1)!];
    return [
      ...(config.scale ? [{ name: 'gamma', shape, initializer: 'ones' as const, trainable: true }] : []),
      ...(config.center ? [{ name: 'beta', shape, initializer: 'zeros' as const, trainable: true }] : []),
    ];
  },
  call(tf, [x], weights, config) {
    const centered = tf.sub(x!, tf.mean(x!, -1, true));
    const variance = tf.mean(tf.square(centered), -1, true);
    const unit = tf.mul(centered, tf.rsqrt(tf.add(variance, config.epsilon)));
    const scaled = weights.gamma === undefined ? unit : tf.mul(unit, weights.gamma);
    return weights.beta === undefined ? scaled : tf.add(scaled, weights.beta);
  },
  examples: [
    { inputs: [[4]], config: { epsilon: 0.001, center: true, scale: true } },
    { inputs: [[3, 4]], config: { epsilon: 0.01, center: false, scale: true } },
  ],
});
