import type { Tensor, Tf } from '../../tensorflow/tf.ts';

export const ADVERSARIAL_LOSSES = ['binaryCrossentropy', 'leastSquares', 'hinge', 'wasserstein'] as const;
export type AdversarialLossName = (typeof ADVERSARIAL_LOSSES)[number];

/** Losses per row of the two networks, from what the discriminator says of them: [rows], any real number, high for real ones. */
export interface AdversarialLoss {
  /** @param smoothing how far the target of real rows lies below 1 */
  discriminator(tf: Tf, real: Tensor, generated: Tensor, smoothing: number): Tensor;
  generator(tf: Tf, generated: Tensor): Tensor;
  /** Above it, the discriminator takes a row for a real one. Undefined where it does not classify. */
  readonly threshold?: number;
}

/**
 * @see I. Goodfellow et al.: Generative Adversarial Networks (2014), with the non-saturating loss of the generator; X. Mao et al.: Least
 * Squares Generative Adversarial Networks (2017); J. H. Lim, J. C. Ye: Geometric GAN (2017); M. Arjovsky et al.: Wasserstein GAN (2017)
 */
export const adversarialLosses: Readonly<Record<AdversarialLossName, AdversarialLoss>> = {
  binaryCrossentropy: {
    discriminator: (tf, real, generated, smoothing) =>
      tf.add(tf.sub(tf.softplus(real), tf.mul(real, 1 - smoothing)), tf.softplus(generated)),
    generator: (tf, generated) => tf.softplus(tf.neg(generated)),
    threshold: 0,
  },
  leastSquares: {
    discriminator: (tf, real, generated, smoothing) => tf.mul(tf.add(tf.square(tf.sub(real, 1 - smoothing)), tf.square(generated)), 0.5),
    generator: (tf, generated) => tf.mul(tf.square(tf.sub(generated, 1)), 0.5),
    threshold: 0.5,
  },
  hinge: {
    discriminator: (tf, real, generated) => tf.add(tf.relu(tf.sub(1, real)), tf.relu(tf.add(generated, 1))),
    generator: (tf, generated) => tf.neg(generated),
    threshold: 0,
  },
  wasserstein: {
    discriminator: (tf, real, generated) => tf.sub(generated, real),
    generator: (tf, generated) => tf.neg(generated),
  },
};

/** Added to the squares of a norm, whose gradient is not finite at 0. */
const SMALLEST = 1e-12;

/**
 * How far the gradient of a critic is from the length 1, squared, per row: at random points between a real and a generated row.
 *
 * @param share of the real row at each point, [rows, 1]
 * @see I. Gulrajani et al.: Improved Training of Wasserstein GANs (2017)
 */
export function gradientPenalty(tf: Tf, critic: (x: Tensor) => Tensor, real: Tensor, generated: Tensor, share: Tensor): Tensor {
  const rows = real.shape[0];
  const mixed = tf.reshape(share, [rows, ...real.shape.slice(1).map(() => 1)]);
  const between = tf.add(tf.mul(real, mixed), tf.mul(generated, tf.sub(1, mixed)));
  const slope = tf.grad((x) => tf.sum(critic(x)))(between);
  const length = tf.sqrt(tf.add(tf.sum(tf.square(tf.reshape(slope, [rows, -1])), 1), SMALLEST));
  return tf.square(tf.sub(length, 1));
}
