import { defineLayer } from './layer.ts';
import { number } from '../model/schema-parts.ts';
import { shapeError, showShape } from './shapes.ts';
import { statelessNormal } from '../tensorflow/tf.ts';

export default defineLayer<{ readonly klWeight: number }>({
  type: 'gaussianSampling',
  summary:
    'While training, a draw from the normal distributions with the given means and logarithms of the variance; otherwise the means. Adds the divergence from the standard normal distribution to the loss, as in a variational autoencoder.',
  properties: {
    klWeight: number('Weight of the Kullback–Leibler divergence, summed over the values of an example, in the loss.', 1, 0.001, {
      minimum: 0,
    }),
  },
  inputsMax: 2,
  outputShape(inputs) {
    const [mean, logVariance] = inputs;
    if (logVariance === undefined || showShape(mean!) !== showShape(logVariance)) {
      throw shapeError(
        `it reads means and logarithms of the variance of one shape, but gets ${inputs.map(showShape).join(' and ')}`,
        'Give "inputs" the names of two layers of equal width.',
      );
    }
    return mean!;
  },
  call(tf, [mean, logVariance], _weights, { klWeight }, context) {
    if (klWeight > 0) {
      const terms = tf.sub(tf.add(tf.square(mean!), tf.exp(logVariance!)), tf.add(logVariance!, 1));
      const axes = terms.shape.slice(1).map((_, axis) => axis + 1);
      context.addLoss(tf.mul(tf.sum(terms, axes), klWeight / 2));
    }
    if (!context.training) return mean!;
    return tf.add(mean!, tf.mul(tf.exp(tf.mul(logVariance!, 0.5)), statelessNormal(tf, mean!.shape, context.seed)));
  },
  mask: 'drop',
  examples: [{ inputs: [[4], [4]], config: { klWeight: 0.1 } }],
  reference: 'https://arxiv.org/abs/1312.6114',
});
