import { encoded, encodedShape } from './shared/encoding.ts';
import type { OutputMode } from './shared/encoding.ts';
import { withoutGradient } from '../tensorflow/gradients.ts';
import { defineLayer } from './layer.ts';
import { shapeError } from './shapes.ts';

interface Config {
  readonly binBoundaries: readonly number[];
  readonly outputMode: 'int' | OutputMode;
}

export default defineLayer<Config>({
  type: 'discretization',
  keras: { className: 'Discretization' },
  summary: 'The number of the bin that a value falls into, or a vector of 0 and 1 for it.',
  properties: {
    binBoundaries: {
      type: 'array',
      items: { type: 'number' },
      minItems: 1,
      maxItems: 1_000,
      description: 'Where bins end, ascending: [0, 1] means below 0, from 0 to below 1, and from 1 on.',
      examples: [[0, 1, 10]],
    },
    outputMode: {
      enum: ['int', 'oneHot', 'multiHot', 'count'],
      default: 'int',
      description: '"int": the number of the bin; "oneHot": a vector per value; "multiHot": 1 where any value falls; "count": how many.',
      examples: ['oneHot'],
    },
  },
  required: ['binBoundaries'],
  outputShape([input], { binBoundaries, outputMode }) {
    if (binBoundaries.some((bound, index) => index > 0 && bound <= binBoundaries[index - 1]!))
      throw shapeError(`"binBoundaries" [${binBoundaries.join(', ')}] are not ascending`, 'Sort them, and give each once.');
    return outputMode === 'int' ? input! : encodedShape(input!, binBoundaries.length + 1, outputMode);
  },
  call: (tf, [x], _weights, { binBoundaries, outputMode }) =>
    withoutGradient(tf, () => {
      const passed = tf.greaterEqual(tf.expandDims(x!, x!.rank), tf.tensor1d([...binBoundaries]));
      const bins = tf.sum(tf.cast(passed, 'float32'), x!.rank);
      return outputMode === 'int' ? bins : encoded(tf, tf.cast(bins, 'int32'), binBoundaries.length + 1, outputMode);
    }),
  mask: 'drop',
  examples: [
    { inputs: [[4]], config: { binBoundaries: [-0.5, 0, 1] } },
    { inputs: [[4]], config: { binBoundaries: [-0.5, 0, 1], outputMode: 'oneHot' } },
  ],
});
