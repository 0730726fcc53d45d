import { defineLayer } from './layer.ts';
import { requireRank } from './shapes.ts';
import type { Tensor, Tf } from '../tensorflow/tf.ts';

type Pooling = 'average' | 'max' | 'first' | 'last';

/** Added to masked steps: none of them is the largest. */
const LOWEST = -1e30;

const POOLINGS: Readonly<Record<Pooling, (tf: Tf, x: Tensor, mask: Tensor | undefined) => Tensor>> = {
  average(tf, x, mask) {
    if (mask === undefined) return tf.mean(x, 1);
    return tf.div(selected(tf, x, mask), tf.maximum(tf.sum(mask, 1, true), 1));
  },
  max(tf, x, mask) {
    if (mask === undefined) return tf.max(x, 1);
    const largest = tf.max(tf.add(x, tf.expandDims(tf.mul(tf.sub(1, mask), LOWEST), 2)), 1);
    // Where no step counts there is no largest.
    return tf.mul(largest, tf.max(mask, 1, true));
  },
  first: (tf, x) => step(tf, x, 0),
  last(tf, x, mask) {
    const steps = x.shape[1]!;
    if (mask === undefined) return step(tf, x, steps - 1);
    const places = tf.mul(mask, tf.reshape(tf.range(1, steps + 1), [1, steps]));
    const last = tf.equal(places, tf.maximum(tf.max(places, 1, true), 1));
    return selected(tf, x, tf.cast(last, 'float32'));
  },
};

/** Σ weight · step, as one product of matrices. */
function selected(tf: Tf, x: Tensor, weights: Tensor): Tensor {
  return tf.squeeze(tf.matMul(tf.expandDims(weights, 1), x), [1]);
}

function step(tf: Tf, x: Tensor, at: number): Tensor {
  return tf.squeeze(tf.slice(x, [0, at, 0], [-1, 1, -1]), [1]);
}

export default defineLayer<{ readonly pooling: Pooling }>({
  type: 'sequencePooling',
  summary:
    'One vector from a sequence: its mean, its largest values, or its first or last step. Masked steps do not count; where none counts, zeros.',
  properties: {
    pooling: {
      enum: Object.keys(POOLINGS),
      default: 'average',
      description: 'What is kept of the steps. "first" is the step at place 0, also where it is masked.',
      examples: ['last'],
    },
  },
  outputShape: (inputs) => [requireRank(inputs, 2, 'a sequencePooling layer')[1]!],
  call: (tf, [x], _weights, { pooling }, { masks: [mask] }) => POOLINGS[pooling](tf, x!, mask),
  mask: 'drop',
  examples: (Object.keys(POOLINGS) as Pooling[]).map((pooling) => ({ inputs: [[4, 3]], config: { pooling } })),
  reference: 'https://keras.io/api/layers/pooling_layers/ (with masks)',
});
