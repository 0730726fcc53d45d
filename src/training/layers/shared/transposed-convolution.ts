import { activate, activatedShape } from '../activations.ts';
import type { Activation } from '../activations.ts';
import { activityProperties, penalized } from './activity.ts';
import type { ActivityOptions } from './activity.ts';
import { addBias } from './bias.ts';
import { filterProperties, windowProperties } from './convolution.ts';
import type { Rank } from './convolution.ts';
import { defineLayer } from '../layer.ts';
import type { LayerDefinition, LayerExample } from '../layer.ts';
import type { Shape } from '../shapes.ts';
import { asSizes, sizes } from '../../model/schema-parts.ts';
import type { Sizes } from '../../model/schema-parts.ts';
import { AXES, requireRank, shapeError } from '../shapes.ts';
import type { Tensor, Tf } from '../../tensorflow/tf.ts';
import { weightOf, weightProperties } from './weight-options.ts';
import type { WeightOptions } from './weight-options.ts';

interface Config extends WeightOptions<'kernel'>, WeightOptions<'bias'>, ActivityOptions {
  readonly filters: number;
  readonly kernelSize: Sizes;
  readonly strides?: Sizes;
  readonly padding?: 'valid' | 'same';
  readonly outputPadding?: Sizes;
  readonly activation?: Activation;
  readonly useBias?: boolean;
}

/** Keras's lengths. @throws SHAPE_MISMATCH where no convolution of them gives the input back */
function lengthsOf(lengths: Shape, config: Config, rank: Rank): number[] {
  const size = asSizes(config.kernelSize, rank);
  const strides = asSizes(config.strides ?? 1, rank);
  const more = config.outputPadding === undefined ? undefined : asSizes(config.outputPadding, rank);
  return lengths.map((length, axis) => {
    const [window, stride, added] = [size[axis]!, strides[axis]!, more?.[axis]];
    const same = config.padding === 'same';
    const found =
      added === undefined
        ? length * stride + (same ? 0 : Math.max(window - stride, 0))
        : (length - 1) * stride + window - (same ? 2 * Math.floor(window / 2) : 0) + added;
    const back = same ? Math.ceil(found / stride) : Math.ceil((found - window + 1) / stride);
    if (back === length && found > 0) return found;
    throw shapeError(
      `an output padding of ${added} makes the ${AXES[rank][axis]} ${found}, which windows of ${window} with strides of ${stride} do not come from ${length}`,
      `Leave "outputPadding" out, or give one below the strides${stride === 1 ? '' : ` (0 to ${stride - 1})`}.`,
    );
  });
}

/** The gradient of a convolution with regard to its input, as an operation of its own. @param kernel [...window, filters, channels] */
function convolveBack(
  tf: Tf,
  x: Tensor,
  kernel: Tensor,
  lengths: readonly number[],
  strides: readonly number[],
  padding: 'valid' | 'same',
): Tensor {
  type Shape4 = [number, number, number, number];
  const [batch, filters] = [x.shape[0], kernel.shape.at(-2)!];
  if (lengths.length === 1)
    return tf.squeeze(convolveBack(tf, tf.expandDims(x, 1), tf.expandDims(kernel, 0), [1, ...lengths], [1, ...strides], padding), [1]);
  if (lengths.length === 2) {
    return tf.conv2dTranspose(
      x as import('@tensorflow/tfjs-node').Tensor4D,
      kernel as import('@tensorflow/tfjs-node').Tensor4D,
      [batch, ...lengths, filters] as Shape4,
      strides as [number, number],
      padding,
    );
  }
  return tf.conv3dTranspose(
    x as import('@tensorflow/tfjs-node').Tensor5D,
    kernel as import('@tensorflow/tfjs-node').Tensor5D,
    [batch, ...lengths, filters] as [number, number, number, number, number],
    strides as [number, number, number],
    padding,
  );
}

/** conv1dTranspose, conv2dTranspose and conv3dTranspose. */
export function transposedConvolutionLayer(
  rank: Rank,
  summary: string,
  examples: readonly LayerExample<Config>[],
): LayerDefinition<Config> {
  const type = `conv${rank}dTranspose`;
  const { dilationRate: _dilation, ...window } = windowProperties(rank, false);
  return defineLayer<Config>({
    type,
    summary,
    examples,
    keras: { className: `Conv${rank}DTranspose` },
    properties: {
      ...filterProperties(),
      ...window,
      outputPadding: sizes(
        rank,
        'Places added at the end of each axis, to tell apart lengths that the strides would make equal. Default: as "padding" needs.',
        undefined,
        1,
        0,
      ),
      ...weightProperties('kernel', 'bias'),
      ...activityProperties,
    },
    required: ['filters', 'kernelSize'],
    outputShape(inputs, config) {
      const shape = requireRank(inputs, rank + 1, `a ${type} layer`);
      return activatedShape([...lengthsOf(shape.slice(0, -1), config, rank), config.filters], config.activation ?? 'linear');
    },
    weights: ([input], config) => [
      weightOf('kernel', [...asSizes(config.kernelSize, rank), config.filters, input!.at(-1)!], config),
      ...(config.useBias === false ? [] : [weightOf('bias', [config.filters], config)]),
    ],
    call(tf, [x], weights, config, context) {
      const lengths = lengthsOf(x!.shape.slice(1, -1), config, rank);
      const sums = convolveBack(tf, x!, weights.kernel!, lengths, asSizes(config.strides ?? 1, rank), config.padding ?? 'valid');
      return penalized(
        tf,
        activate(tf, addBias(tf, sums, weights.bias), config.activation ?? 'linear'),
        config.activityRegularizer,
        context,
      );
    },
    mask: 'drop',
  });
}
