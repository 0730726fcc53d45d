import { defineLayer } from '../layer.ts';
import { bool, number } from '../schema-parts.ts';

interface Config {
  readonly momentum: number;
  readonly epsilon: number;
  readonly center: boolean;
  readonly scale: boolean;
}

const base = { momentum: 0.99, epsilon: 0.001, center: true, scale: true } as const;

export default defineLayer<Config>({
  type: 'batchNormalization',
  summary: 'Scales each channel to mean 0 and variance 1: of the batch while training, of the moving statistics otherwise.',
  keras: { className: 'BatchNormalization' },
  properties: {
    momentum: number('Share of the old moving statistics that a step keeps.', 0.99, 0.9, { minimum: 0, exclusiveMaximum: 1 }),
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
      { name: 'movingMean', shape, initializer: 'zeros' as const, trainable: false },
      { name: 'movingVariance', shape, initializer: 'ones' as const, trainable: false },
    ];
  },
  call(tf, [x], weights, config, context) {
    if (!context.training) return normalize(weights.movingMean!, weights.movingVariance!);
    const axes = x!.shape.map((_, axis) => axis).slice(0, -1);
    const mean = tf.mean(x!, axes);
    const variance = tf.mean(tf.square(tf.sub(x!, mean)), axes);
    context.update('movingMean', moved(weights.movingMean!, mean));
    context.update('movingVariance', moved(weights.movingVariance!, variance));
    return normalize(mean, variance);

    function moved(old: typeof mean, now: typeof mean): typeof mean {
      return tf.add(tf.mul(old, config.momentum), tf.mul(now, 1 - config.momentum));
    }

    function normalize(center: typeof mean, spread: typeof mean): typeof mean {
      const inverse = tf.rsqrt(tf.add(spread, config.epsilon));
      const factor = weights.gamma === undefined ? inverse : tf.mul(inverse, weights.gamma);
      const scaled = tf.mul(tf.sub(x!, center), factor);
      return weights.beta === undefined ? scaled : tf.add(scaled, weights.beta);
    }
  },
  examples: [
    { inputs: [[4]], config: base },
    { inputs: [[3, 4, 2]], config: { ...base, center: false, momentum: 0.9 } },
  ],
});
