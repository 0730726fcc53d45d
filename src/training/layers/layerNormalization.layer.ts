import { addBias } from './shared/bias.ts';
import { normalizeRows, normalizedRows } from './shared/layer-norm.ts';
import { defineLayer } from './layer.ts';
import { bool, number } from '../model/schema-parts.ts';
import { mayUseOwnOperations } from '../tensorflow/own-operations.ts';
import { weightOf, weightProperties } from './shared/weight-options.ts';
import type { WeightOptions } from './shared/weight-options.ts';

interface Config extends WeightOptions<'gamma'>, WeightOptions<'beta'> {
  readonly epsilon: number;
  readonly center: boolean;
  readonly scale: boolean;
}

export default defineLayer<Config>({
  type: 'layerNormalization',
  summary: 'Scales the features of each example to mean 0 and variance 1.',
  keras: { className: 'LayerNormalization' },
  properties: {
    epsilon: number('Added to the variance.', 0.001, 0.001, { exclusiveMinimum: 0 }),
    center: bool('Add a trained offset.', true),
    scale: bool('Multiply by a trained factor.', true),
    ...weightProperties('gamma', 'beta'),
  },
  outputShape: ([input]) => input!,
  weights([input], config) {
    const shape = [input!.at(-1)!];
    return [...(config.scale ? [weightOf('gamma', shape, config)] : []), ...(config.center ? [weightOf('beta', shape, config)] : [])];
  },
  call(tf, [x], { gamma, beta }, { epsilon }) {
    const rows = tf.reshape(x!, [-1, x!.shape.at(-1)!]);
    if (gamma !== undefined && beta !== undefined && mayUseOwnOperations(tf))
      return tf.reshape(normalizedRows(tf, rows, gamma, beta, epsilon), x!.shape);
    const unit = normalizeRows(tf, rows, epsilon);
    return tf.reshape(addBias(tf, gamma === undefined ? unit : tf.mul(unit, gamma), beta), x!.shape);
  },
  examples: [
    { inputs: [[4]], config: { epsilon: 0.001, center: true, scale: true } },
    { inputs: [[3, 4]], config: { epsilon: 0.01, center: false, scale: true } },
  ],
});
