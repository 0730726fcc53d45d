import { resolveAxes } from './shared/axes.ts';
import { defineLayer } from './layer.ts';
import type { Shape } from './shapes.ts';
import { unitNorm } from './shared/norms.ts';
import { bool } from '../model/schema-parts.ts';
import { product, shapeError, showShape } from './shapes.ts';
import type { Tensor, Tf } from '../tensorflow/tf.ts';

interface Config {
  readonly axes: number | readonly [number, number];
  readonly normalize: boolean;
}

const axis = { type: 'integer', minimum: -6, maximum: 6, not: { const: 0 } };

function axesOf(axes: Config['axes'], shapes: readonly Shape[]): [number, number] {
  const [first, second] = typeof axes === 'number' ? [axes, axes] : axes;
  return [resolveAxes(first, shapes[0]!, 'a dot layer')[0]!, resolveAxes(second, shapes[1]!, 'a dot layer')[0]!];
}

const without = (shape: Shape, at: number): number[] => shape.filter((_, index) => index !== at - 1);

export default defineLayer<Config>({
  type: 'dot',
  keras: { className: 'Dot' },
  summary: 'Products of two inputs, summed along one axis of each: similarities, or a matrix product per example.',
  properties: {
    axes: {
      oneOf: [axis, { type: 'array', items: axis, minItems: 2, maxItems: 2 }],
      description:
        'The axis of both inputs, or one of each. Counted as in Keras: 0 is the batch, 1 the first axis of an example, -1 the last.',
      examples: [1, [2, 1]],
    },
    normalize: bool('Scale the vectors along the axes to the norm 1 first: cosine similarity.', false),
  },
  required: ['axes'],
  inputsMax: 2,
  outputShape(inputs, { axes }) {
    if (inputs.length !== 2) throw shapeError(`dot takes two inputs, but reads ${inputs.length}`, 'Give "inputs" with two names.');
    const [a, b] = axesOf(axes, inputs);
    const [first, second] = inputs as [Shape, Shape];
    if (first[a - 1] !== second[b - 1]) {
      throw shapeError(
        `dot sums along axis ${a} of ${showShape(first)} and axis ${b} of ${showShape(second)}, which are ${first[a - 1]} and ${second[b - 1]} long`,
        'Give "axes" of the same length, or bring the inputs to one length with dense layers.',
      );
    }
    const rest = [...without(first, a), ...without(second, b)];
    return rest.length === 0 ? [1] : rest;
  },
  call(tf, inputs, _weights, { axes, normalize }) {
    const shapes = inputs.map((input) => input.shape.slice(1));
    const [a, b] = axesOf(axes, shapes);
    const [left, right] = normalize ? [unitNorm(tf, inputs[0]!, a), unitNorm(tf, inputs[1]!, b)] : [inputs[0]!, inputs[1]!];
    const rest = [...without(shapes[0]!, a), ...without(shapes[1]!, b)];
    return tf.reshape(tf.matMul(rows(tf, left, a), rows(tf, right, b), false, true), [left.shape[0], ...(rest.length === 0 ? [1] : rest)]);
  },
  mask: 'drop',
  examples: [
    { inputs: [[4], [4]], config: { axes: 1, normalize: true } },
    {
      inputs: [
        [3, 4],
        [4, 2],
      ],
      config: { axes: [2, 1] },
    },
    { inputs: [[3, 2, 4], [4]], config: { axes: -1 } },
  ],
});

/** [batch, everything else, along the axis] */
function rows(tf: Tf, x: Tensor, at: number): Tensor {
  const order = [...x.shape.map((_, index) => index).filter((index) => index !== at), at];
  const last = at === x.rank - 1 ? x : tf.transpose(x, order);
  return tf.reshape(last, [x.shape[0], product(without(x.shape.slice(1), at)), x.shape[at]!]);
}
