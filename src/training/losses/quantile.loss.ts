import { defineLoss } from './loss.ts';
import { number } from '../model/schema-parts.ts';

export default defineLoss<{ readonly quantile: number }>({
  name: 'quantile',
  aliases: ['pinball', 'pinballLoss'],
  summary: 'Pinball loss: the prediction aims at this quantile of the label.',
  properties: { quantile: number('The quantile.', 0.5, 0.9, { exclusiveMinimum: 0, exclusiveMaximum: 1 }) },
  labels: 'number',
  activations: ['linear', 'relu', 'softplus', 'exponential'],
  value(tf, labels, predictions, config) {
    const difference = tf.sub(labels, predictions);
    return tf.mean(tf.maximum(tf.mul(difference, config.quantile), tf.mul(difference, config.quantile - 1)), -1);
  },
  reference: 'R. Koenker, G. Bassett: Regression Quantiles, Econometrica 46 (1978)',
});
