import { defineLayer } from './layer.ts';
import { bool, number } from '../model/schema-parts.ts';
import { shapeError, showShape } from './shapes.ts';
import { weightOf, weightProperties } from './shared/weight-options.ts';
import type { WeightOptions } from './shared/weight-options.ts';

interface Config extends WeightOptions<'gamma'>, WeightOptions<'beta'> {
  readonly groups: number;
  readonly epsilon: number;
  readonly center: boolean;
  readonly scale: boolean;
}

/** -1: each channel is a group of its own (instance normalization). */
const groupsOf = (config: Config, channels: number): number => (config.groups === -1 ? channels : config.groups);

export default defineLayer<Config>({
  type: 'groupNormalization',
  keras: { className: 'GroupNormalization' },
  summary:
    'Scales groups of channels of each example to mean 0 and variance 1: the same in training and prediction, whatever the size of the batch.',
  properties: {
    groups: {
      oneOf: [{ type: 'integer', minimum: 1 }, { const: -1 }],
      default: 32,
      description: 'Number of groups of channels; 1 normalizes all channels together, -1 each by itself.',
      examples: [8],
    },
    epsilon: number('Added to the variance.', 0.001, 0.001, { exclusiveMinimum: 0 }),
    center: bool('Add a trained offset.', true),
    scale: bool('Multiply by a trained factor.', true),
    ...weightProperties('gamma', 'beta'),
  },
  outputShape([input], config) {
    const channels = input!.at(-1) ?? 0;
    if (channels === 0 || channels % groupsOf(config, channels) !== 0) {
      throw shapeError(
        `${config.groups} groups do not divide the ${channels} channels of the input ${showShape(input!)}`,
        'Give "groups" that divides the number of channels; 1 and -1 always do.',
      );
    }
    return input!;
  },
  weights: ([input], config) => [
    ...(config.scale ? [weightOf('gamma', [input!.at(-1)!], config)] : []),
    ...(config.center ? [weightOf('beta', [input!.at(-1)!], config)] : []),
  ],
  call(tf, [x], { gamma, beta }, config) {
    const { shape } = x!;
    const channels = shape.at(-1)!;
    const groups = groupsOf(config, channels);
    const grouped = tf.reshape(x!, [shape[0], -1, groups, channels / groups]);
    const centered = tf.sub(grouped, tf.mean(grouped, [1, 3], true));
    const inverse = tf.rsqrt(tf.add(tf.mean(tf.square(centered), [1, 3], true), config.epsilon));
    const unit = tf.reshape(tf.mul(centered, inverse), shape);
    const scaled = gamma === undefined ? unit : tf.mul(unit, gamma);
    return beta === undefined ? scaled : tf.add(scaled, beta);
  },
  examples: [
    { inputs: [[6]], config: { groups: 2 } },
    { inputs: [[3, 2, 4]], config: { groups: -1, center: false } },
    { inputs: [[5, 4]], config: { groups: 4, scale: false, epsilon: 0.01 } },
  ],
});
