import { axesProperty, resolveAxes } from './shared/axes.ts';
import type { Axes } from './shared/axes.ts';
import { defineLayer } from './layer.ts';
import { weightOf, weightProperties } from './shared/weight-options.ts';
import type { WeightOptions } from './shared/weight-options.ts';

interface Config extends WeightOptions<'alpha'> {
  readonly sharedAxes?: Axes;
}

export default defineLayer<Config>({
  type: 'prelu',
  keras: { className: 'PReLU' },
  summary: 'x above 0, a trained slope below.',
  properties: {
    ...weightProperties('alpha'),
    sharedAxes: axesProperty('Axes along which one slope is shared: [1, 2] for one per channel of an image.', undefined, [1, 2]),
  },
  outputShape: ([input]) => input!,
  weights([input], config) {
    const shared = config.sharedAxes === undefined ? [] : resolveAxes(config.sharedAxes, input!, 'a prelu layer');
    return [
      weightOf(
        'alpha',
        input!.map((length, index) => (shared.includes(index + 1) ? 1 : length)),
        config,
      ),
    ];
  },
  call: (tf, [x], { alpha }) => tf.sub(tf.relu(x!), tf.mul(alpha!, tf.relu(tf.neg(x!)))),
  examples: [
    { inputs: [[6]], config: { alphaInitializer: { constant: { value: 0.25 } } } },
    { inputs: [[3, 2, 4]], config: { sharedAxes: [1, 2] } },
  ],
});
