import { defineLayer } from '../layer.ts';
import { shapeError, showShape } from '../shapes.ts';

export default defineLayer<Record<string, never>>({
  type: 'concatenate',
  summary: 'Joins several inputs along their last axis.',
  keras: { className: 'Concatenate' },
  properties: {},
  inputsMax: 64,
  outputShape(inputs) {
    const lead = showShape(inputs[0]!.slice(0, -1));
    for (const shape of inputs) {
      if (showShape(shape.slice(0, -1)) !== lead) {
        throw shapeError(`concatenate joins along the last axis, but the other axes differ: ${inputs.map(showShape).join(' and ')}`, 'Flatten the inputs first.');
      }
    }
    return [...inputs[0]!.slice(0, -1), inputs.reduce((width, shape) => width + shape.at(-1)!, 0)];
  },
  call: (tf, inputs) => (inputs.length === 1 ? inputs[0]! : tf.concat([...inputs], -1)),
  examples: [{ inputs: [[2, 3], [2, 1]], config: {} }],
});
