import { axesProperty, resolveAxes } from './shared/axes.ts';
import { defineLayer } from './layer.ts';
import type { Shape } from './shapes.ts';
import { shapeError, showShape } from './shapes.ts';
import type { Tensor, Tf } from '../tensorflow/tf.ts';

interface Config {
  readonly axis: number;
}

/** Counted from 1. */
const axisOf = ({ axis = -1 }: Config, shape: Shape): number => resolveAxes(axis, shape, 'a concatenate layer')[0]!;

export default defineLayer<Config>({
  type: 'concatenate',
  summary: 'Joins several inputs along one axis.',
  keras: { className: 'Concatenate' },
  properties: { axis: axesProperty('The axis.', -1, 1, false) },
  inputsMax: 64,
  outputShape(inputs, config) {
    const axis = axisOf(config, inputs[0]!);
    const others = (shape: Shape): string => showShape(shape.filter((_, index) => index !== axis - 1));
    for (const shape of inputs) {
      if (shape.length !== inputs[0]!.length || others(shape) !== others(inputs[0]!)) {
        throw shapeError(
          `concatenate joins along the ${axis === inputs[0]!.length ? 'last axis' : `axis ${axis}`}, but the other axes differ: ${inputs.map(showShape).join(' and ')}`,
          'Flatten the inputs first.',
        );
      }
    }
    return inputs[0]!.map((length, index) => (index === axis - 1 ? inputs.reduce((sum, shape) => sum + shape[index]!, 0) : length));
  },
  call: (tf, inputs, _weights, config) =>
    inputs.length === 1 ? inputs[0]! : tf.concat([...inputs], axisOf(config, inputs[0]!.shape.slice(1))),
  plain(inputs) {
    if (inputs[0]!.length !== 1) return undefined;
    const total = inputs.reduce((sum, shape) => sum + shape[0]!, 0);
    return (given, output) => {
      let start = 0;
      for (const [index, values] of given.entries()) {
        const width = inputs[index]![0]!;
        for (let from = 0, to = start; from < values.length; from += width, to += total)
          for (let at = 0; at < width; at += 1) output[to + at] = values[from + at]!;
        start += width;
      }
    };
  },
  mask: joinedMask,
  examples: [
    { inputs: [[3], [2]], config: {} },
    {
      inputs: [
        [2, 3],
        [2, 1],
      ],
      config: {},
    },
    {
      inputs: [
        [2, 3],
        [4, 3],
      ],
      config: { axis: 1 },
    },
  ],
});

/** Joined along the steps, masks are joined; else a step counts where it does in any input, and those without a mask count. */
function joinedMask(tf: Tf, inputs: readonly Tensor[], config: Config, masks: readonly (Tensor | undefined)[]): Tensor | undefined {
  if (masks.every((mask) => mask === undefined)) return undefined;
  const all = masks.map((mask, index) => mask ?? tf.ones(inputs[index]!.shape.slice(0, 2)));
  if (axisOf(config, inputs[0]!.shape.slice(1)) === 1 && inputs[0]!.rank > 2) return tf.concat(all, 1);
  return all.reduce((merged, mask) => tf.maximum(merged, mask));
}
