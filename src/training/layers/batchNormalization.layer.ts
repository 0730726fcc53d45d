import { defineLayer } from './layer.ts';
import { bool, number } from '../model/schema-parts.ts';
import type { Tensor, Tf } from '../tensorflow/tf.ts';
import { weightOf, weightProperties } from './shared/weight-options.ts';
import type { WeightOptions } from './shared/weight-options.ts';

interface Config extends WeightOptions<'gamma'>, WeightOptions<'beta'> {
  readonly momentum: number;
  readonly epsilon: number;
  readonly center: boolean;
  readonly scale: boolean;
}

/** Keras adds it to the number of values that count. */
const FEW = 1e-7;

export default defineLayer<Config>({
  type: 'batchNormalization',
  summary: 'Scales each channel to mean 0 and variance 1: of the batch while training, of the moving statistics otherwise.',
  keras: { className: 'BatchNormalization' },
  servesWhenFrozen: true,
  properties: {
    momentum: number('Share of the old moving statistics that a step keeps.', 0.99, 0.9, { minimum: 0, exclusiveMaximum: 1 }),
    epsilon: number('Added to the variance.', 0.001, 0.001, { exclusiveMinimum: 0 }),
    center: bool('Add a trained offset.', true),
    scale: bool('Multiply by a trained factor.', true),
    ...weightProperties('gamma', 'beta'),
  },
  outputShape: ([input]) => input!,
  weights([input], config) {
    const shape = [input!.at(-1)!];
    return [
      ...(config.scale ? [weightOf('gamma', shape, config)] : []),
      ...(config.center ? [weightOf('beta', shape, config)] : []),
      { name: 'movingMean', shape, initializer: 'zeros' as const, trainable: false },
      { name: 'movingVariance', shape, initializer: 'ones' as const, trainable: false },
    ];
  },
  call(tf, [x], weights, config, context) {
    if (!context.training) return normalize(weights.movingMean!, weights.movingVariance!);
    const [mean, variance] = moments(tf, x!, context.masks[0]);
    const { awake } = context;
    const once = (now: Tensor, before: Tensor): Tensor => (awake === undefined ? now : tf.where(awake, now, before));
    context.update('movingMean', once(moved(weights.movingMean!, mean), weights.movingMean!));
    context.update('movingVariance', once(moved(weights.movingVariance!, variance), weights.movingVariance!));
    return normalize(once(mean, weights.movingMean!), once(variance, weights.movingVariance!));

    function moved(old: Tensor, now: Tensor): Tensor {
      return tf.add(tf.mul(old, config.momentum), tf.mul(now, 1 - config.momentum));
    }

    function normalize(center: Tensor, spread: Tensor): Tensor {
      const inverse = tf.rsqrt(tf.add(spread, config.epsilon));
      const factor = weights.gamma === undefined ? inverse : tf.mul(inverse, weights.gamma);
      const scaled = tf.mul(tf.sub(x!, center), factor);
      return weights.beta === undefined ? scaled : tf.add(scaled, weights.beta);
    }
  },
  plain(_inputs, { gamma, beta, movingMean, movingVariance }, { epsilon }) {
    const width = movingMean!.length;
    const factors = Float64Array.from(movingVariance!, (variance, at) => (gamma?.[at] ?? 1) / Math.sqrt(variance + epsilon));
    return ([x], output) => {
      for (let at = 0, channel = 0; at < output.length; at += 1, channel = channel + 1 === width ? 0 : channel + 1)
        output[at] = (x![at]! - movingMean![channel]!) * factors[channel]! + (beta?.[channel] ?? 0);
    };
  },
  examples: [
    { inputs: [[4]], config: {} },
    { inputs: [[3, 4, 2]], config: { center: false, momentum: 0.9 } },
  ],
});

/** Of each channel; masked steps do not count. */
function moments(tf: Tf, x: Tensor, mask: Tensor | undefined): [mean: Tensor, variance: Tensor] {
  const axes = x.shape.map((_, axis) => axis).slice(0, -1);
  if (mask === undefined) {
    const mean = tf.mean(x, axes);
    return [mean, tf.mean(tf.square(tf.sub(x, mean)), axes)];
  }
  const counts = tf.mul(tf.reshape(mask, [...mask.shape, ...x.shape.slice(mask.rank).map(() => 1)]), tf.ones([...x.shape.slice(0, -1), 1]));
  const total = tf.add(tf.sum(counts), FEW);
  const mean = tf.div(tf.sum(tf.mul(x, counts), axes), total);
  return [mean, tf.div(tf.sum(tf.mul(tf.square(tf.sub(x, mean)), counts), axes), total)];
}
