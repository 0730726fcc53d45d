import { encoded, encodedShape } from './shared/encoding.ts';
import type { OutputMode } from './shared/encoding.ts';
import { withoutGradient } from '../tensorflow/gradients.ts';
import { defineLayer } from './layer.ts';
import { integer } from '../model/schema-parts.ts';
import { shapeError } from './shapes.ts';

interface Config {
  readonly numTokens: number;
  readonly outputMode: OutputMode;
}

export default defineLayer<Config>({
  type: 'categoryEncoding',
  keras: { className: 'CategoryEncoding' },
  summary: 'Token ids as vectors of 0 and 1: one per id, or one that says which ids an example has.',
  properties: {
    numTokens: integer('Number of ids: ids run from 0 to one below.', undefined, 10),
    outputMode: {
      enum: ['multiHot', 'oneHot', 'count'],
      default: 'multiHot',
      description: '"multiHot": 1 where an id occurs; "count": how often; "oneHot": a vector per id.',
      examples: ['count'],
    },
  },
  required: ['numTokens'],
  outputShape([input], { numTokens, outputMode }) {
    if (input!.length === 0 || input!.length > 3)
      throw shapeError('a categoryEncoding layer reads lists of ids', 'Connect it to the input that holds the ids.');
    return encodedShape(input!, numTokens, outputMode);
  },
  call: (tf, [x], _weights, { numTokens, outputMode }) =>
    withoutGradient(tf, () => encoded(tf, tf.cast(x!, 'int32'), numTokens, outputMode)),
  mask: 'drop',
  examples: [
    { inputs: [[4]], integersBelow: 6, config: { numTokens: 6 } },
    { inputs: [[4]], integersBelow: 6, config: { numTokens: 6, outputMode: 'oneHot' } },
    { inputs: [[4]], integersBelow: 6, config: { numTokens: 6, outputMode: 'count' } },
  ],
});
