import { activate, activatedShape } from '../activations.ts';
import type { Activation } from '../activations.ts';
import { activityProperties, penalized } from './activity.ts';
import type { ActivityOptions } from './activity.ts';
import { addBias } from './bias.ts';
import type { JsonSchema } from '../../../core/json.ts';
import { defineLayer } from '../layer.ts';
import type { LayerDefinition, LayerExample } from '../layer.ts';
import type { Shape, Padding } from '../shapes.ts';
import { asSizes, activation, bool, integer, padding, sizes } from '../../model/schema-parts.ts';
import type { Sizes } from '../../model/schema-parts.ts';
import { AXES, requireRank, shapeError, showShape, windowed } from '../shapes.ts';
import type { Tensor, Tf } from '../../tensorflow/tf.ts';
import { weightOf, weightProperties } from './weight-options.ts';
import type { WeightOptions } from './weight-options.ts';

type Tensor4D = import('@tensorflow/tfjs-node').Tensor4D;
type Tensor5D = import('@tensorflow/tfjs-node').Tensor5D;

/** Number of axes that a window moves along: 1 for sequences, 2 for images, 3 for volumes. */
export type Rank = 1 | 2 | 3;

/** A window on its way over the axes between batch and channels, one entry per axis. */
export interface Window {
  readonly size: readonly number[];
  readonly strides: readonly number[];
  readonly dilation: readonly number[];
  readonly padding: Padding;
}

export interface WindowConfig {
  readonly kernelSize: Sizes;
  readonly strides?: Sizes;
  readonly dilationRate?: Sizes;
  readonly padding?: Padding;
}

const WHAT = { 1: 'steps', 2: 'pixels', 3: 'voxels' } as const;

/** Keys of the window of a convolution. */
export const windowProperties = (rank: Rank, causal = rank === 1): Record<string, JsonSchema> => ({
  kernelSize: sizes(rank, `Size of the window in ${WHAT[rank]}.`, undefined, 3),
  strides: sizes(rank, `Distance between windows in ${WHAT[rank]}.`, 1, 2),
  padding: padding(causal),
  dilationRate: sizes(rank, `Distance between the ${WHAT[rank]} that a window reads; above 1 only with strides of 1.`, 1, 2),
});

export function windowOf(config: WindowConfig, rank: Rank): Window {
  return {
    size: asSizes(config.kernelSize, rank),
    strides: asSizes(config.strides ?? 1, rank),
    dilation: asSizes(config.dilationRate ?? 1, rank),
    padding: config.padding ?? 'valid',
  };
}

/** Lengths of the axes after a window moved over them. @throws SHAPE_MISMATCH */
export function windowedShape(lengths: Shape, { size, strides, dilation, padding: pad }: Window): number[] {
  if (Math.max(...strides) > 1 && Math.max(...dilation) > 1) {
    throw shapeError(
      `strides of ${showShape(strides)} and a dilation of ${showShape(dilation)} cannot be had together`,
      'Leave "strides" or "dilationRate" at 1.',
    );
  }
  return lengths.map((length, axis) =>
    windowed(length, (size[axis]! - 1) * dilation[axis]! + 1, strides[axis]!, pad, AXES[lengths.length as Rank][axis]!),
  );
}

/** A product of windows with a kernel [...window, channels, filters]. @param x [batch, ...lengths, channels] */
export function convolve(tf: Tf, x: Tensor, kernel: Tensor, window: Window): Tensor {
  return overWindows(tf, x, kernel, window, (padded, filter, strides, pad) =>
    padded.rank === 5
      ? tf.conv3d(padded as Tensor5D, filter as Tensor5D, strides as [number, number, number], pad)
      : tf.conv2d(padded as Tensor4D, filter as Tensor4D, strides as [number, number], pad),
  );
}

/**
 * A convolution of its own for each channel.
 *
 * @param kernel [...window, channels, multiplier]
 * @param window of at most two axes, with equal strides
 */
export function convolveChannels(tf: Tf, x: Tensor, kernel: Tensor, window: Window): Tensor {
  return overWindows(tf, x, kernel, window, (padded, filter, strides, pad) => {
    // TensorFlow takes one stride for both axes; the axis that a sequence lacks has one place only.
    const stride = Math.max(...strides);
    return tf.depthwiseConv2d(padded as Tensor4D, filter as Tensor4D, stride, pad);
  });
}

type Operation = (x: Tensor, kernel: Tensor, strides: readonly number[], padding: 'valid' | 'same') => Tensor;

/** Sequences as images one pixel high; causal padding; dilation by taking the steps apart into batches. */
function overWindows(tf: Tf, x: Tensor, kernel: Tensor, window: Window, run: Operation): Tensor {
  const { size, strides, dilation, padding: pad } = window;
  if (size.length === 1) {
    const front = pad === 'causal' ? (size[0]! - 1) * dilation[0]! : 0;
    const padded =
      front === 0
        ? x
        : tf.pad(x, [
            [0, 0],
            [front, 0],
            [0, 0],
          ]);
    const flat = {
      size: [1, ...size],
      strides: [1, ...strides],
      dilation: [1, ...dilation],
      padding: pad === 'causal' ? 'valid' : pad,
    } as const;
    return tf.squeeze(overWindows(tf, tf.expandDims(padded, 1), tf.expandDims(kernel, 0), flat, run), [1]);
  }
  if (dilation.every((rate) => rate === 1)) return run(x, kernel, strides, pad as 'valid' | 'same');
  const reach = size.map((length, axis) => (length - 1) * dilation[axis]!);
  const before = reach.map((length) => (pad === 'same' ? Math.floor(length / 2) : 0));
  const lengths = size.map((_, axis) => x.shape[axis + 1]! + (pad === 'same' ? reach[axis]! : 0));
  const extra = lengths.map((length, axis) => (dilation[axis]! - (length % dilation[axis]!)) % dilation[axis]!);
  const pads = size.map((_, axis) => [before[axis]!, lengths[axis]! - x.shape[axis + 1]! - before[axis]! + extra[axis]!]);
  const apart = tf.spaceToBatchND(x, [...dilation], pads);
  const run1 = run(
    apart,
    kernel,
    size.map(() => 1),
    'valid',
  );
  return tf.batchToSpaceND(
    run1,
    [...dilation],
    extra.map((length) => [0, length]),
  );
}

interface ConvolutionConfig extends WindowConfig, WeightOptions<'kernel'>, WeightOptions<'bias'>, ActivityOptions {
  readonly filters: number;
  readonly groups?: number;
  readonly activation?: Activation;
  readonly useBias?: boolean;
}

/** Keys that convolutions share beside their window. */
export const filterProperties = (filters = 'Number of channels of the output.'): Record<string, JsonSchema> => ({
  filters: integer(filters, undefined, 32),
  activation: activation(),
  useBias: bool('Add a bias to each channel.', true),
});

/** conv1d, conv2d and conv3d. */
export function convolutionLayer(
  rank: Rank,
  summary: string,
  examples: readonly LayerExample<ConvolutionConfig>[],
): LayerDefinition<ConvolutionConfig> {
  const type = `conv${rank}d`;
  return defineLayer<ConvolutionConfig>({
    type,
    summary,
    examples,
    keras: { className: `Conv${rank}D` },
    properties: {
      ...filterProperties(),
      ...windowProperties(rank),
      groups: integer('The channels are cut into so many groups, each with filters of its own.', 1, 2),
      ...weightProperties('kernel', 'bias'),
      ...activityProperties,
    },
    required: ['filters', 'kernelSize'],
    outputShape(inputs, config) {
      const shape = requireRank(inputs, rank + 1, `a ${type} layer`);
      requireGroups(config.groups ?? 1, shape.at(-1)!, config.filters);
      return activatedShape([...windowedShape(shape.slice(0, -1), windowOf(config, rank)), config.filters], config.activation ?? 'linear');
    },
    weights: ([input], config) => [
      weightOf('kernel', [...asSizes(config.kernelSize, rank), input!.at(-1)! / (config.groups ?? 1), config.filters], config),
      ...(config.useBias === false ? [] : [weightOf('bias', [config.filters], config)]),
    ],
    call(tf, [x], weights, config, context) {
      const window = windowOf(config, rank);
      const groups = config.groups ?? 1;
      const sums =
        groups === 1
          ? convolve(tf, x!, weights.kernel!, window)
          : tf.concat(
              inGroups(tf, x!, weights.kernel!, groups).map(([part, kernel]) => convolve(tf, part, kernel, window)),
              -1,
            );
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

function inGroups(tf: Tf, x: Tensor, kernel: Tensor, groups: number): [Tensor, Tensor][] {
  const kernels = tf.split(kernel, groups, kernel.rank - 1);
  return tf.split(x, groups, x.rank - 1).map((part, index) => [part, kernels[index]!]);
}

function requireGroups(groups: number, channels: number, filters: number): void {
  if (channels % groups !== 0 || filters % groups !== 0) {
    throw shapeError(
      `${groups} groups do not divide ${channels % groups === 0 ? `the ${filters} filters` : `the ${channels} channels of its input`}`,
      'Give "groups" that divides both the channels and the filters.',
    );
  }
}
