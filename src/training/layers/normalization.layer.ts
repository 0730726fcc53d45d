import { defineLayer } from './layer.ts';
import { shapeError, showShape } from './shapes.ts';

interface Config {
  readonly mean: number | readonly number[];
  readonly variance: number | readonly number[];
  readonly invert: boolean;
}

/** Keras's smallest standard deviation. */
const DEVIATION_MIN = 1e-7;

const perFeature = (description: string, minimum?: number): object => ({
  oneOf: [
    { type: 'number', ...(minimum === undefined ? {} : { minimum }) },
    { type: 'array', items: { type: 'number', ...(minimum === undefined ? {} : { minimum }) }, minItems: 1, maxItems: 4_096 },
  ],
  description,
  examples: [0.5, [0.5, 2]],
});

export default defineLayer<Config>({
  type: 'normalization',
  summary: '(x − mean) / standard deviation, by numbers that are known beforehand. The transform "standardize" learns them from the data.',
  keras: { className: 'Normalization' },
  properties: {
    mean: { ...perFeature('Mean of all values, or one per feature of the last axis.') },
    variance: { ...perFeature('Variance of all values, or one per feature of the last axis.', 0) },
    invert: { type: 'boolean', default: false, description: 'x · standard deviation + mean instead.', examples: [true] },
  },
  required: ['mean', 'variance'],
  outputShape([input], { mean, variance }) {
    for (const values of [mean, variance]) {
      if (typeof values !== 'number' && values.length !== input!.at(-1))
        throw shapeError(
          `${values.length} means or variances are given, but the last axis of ${showShape(input!)} has ${input!.at(-1) ?? 0} features`,
          'Give one number, or one per feature.',
        );
    }
    return input!;
  },
  call(tf, [x], _weights, { mean, variance, invert }) {
    const center = tf.tensor(typeof mean === 'number' ? [mean] : [...mean], undefined, 'float32');
    const deviation = tf.tensor(
      (typeof variance === 'number' ? [variance] : variance).map((value) => Math.max(Math.sqrt(value), DEVIATION_MIN)),
      undefined,
      'float32',
    );
    return invert ? tf.add(tf.mul(x!, deviation), center) : tf.div(tf.sub(x!, center), deviation);
  },
  examples: [
    { inputs: [[4]], config: { mean: 0.5, variance: 4 } },
    { inputs: [[3, 2]], config: { mean: [0.5, -1], variance: [4, 0.25], invert: true } },
  ],
});
