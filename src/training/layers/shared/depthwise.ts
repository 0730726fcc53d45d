import { activate, activatedShape } from '../activations.ts';
import type { Activation } from '../activations.ts';
import { activityProperties, penalized } from './activity.ts';
import type { ActivityOptions } from './activity.ts';
import { addBias } from './bias.ts';
import type { JsonSchema } from '../../../core/json.ts';
import { convolve, convolveChannels, filterProperties, windowOf, windowProperties, windowedShape } from './convolution.ts';
import type { WindowConfig } from './convolution.ts';
import { defineLayer } from '../layer.ts';
import type { LayerDefinition, LayerExample } from '../layer.ts';
import type { Shape } from '../shapes.ts';
import { asSizes, integer } from '../../model/schema-parts.ts';
import { requireRank } from '../shapes.ts';
import { weightOf, weightProperties } from './weight-options.ts';
import type { WeightOptions } from './weight-options.ts';

interface CommonConfig extends WindowConfig, WeightOptions<'depthwise'>, WeightOptions<'bias'>, ActivityOptions {
  readonly depthMultiplier?: number;
  readonly activation?: Activation;
  readonly useBias?: boolean;
}

interface SeparableConfig extends CommonConfig, WeightOptions<'pointwise'> {
  readonly filters: number;
}

/** TensorFlow moves the window equally far along both axes. */
const commonProperties = (rank: 1 | 2): Record<string, JsonSchema> => ({
  ...windowProperties(rank, false),
  strides: integer(rank === 1 ? 'Distance between windows in steps.' : 'Distance between windows in pixels, both ways.', 1, 2),
  depthMultiplier: integer('Channels made from each channel.', 1, 2),
});

const kernelShape = (input: Shape, config: CommonConfig, rank: 1 | 2): number[] => [
  ...asSizes(config.kernelSize, rank),
  input.at(-1)!,
  config.depthMultiplier ?? 1,
];

/** depthwiseConv1d and depthwiseConv2d. */
export function depthwiseLayer(
  rank: 1 | 2,
  summary: string,
  examples: readonly LayerExample<CommonConfig>[],
): LayerDefinition<CommonConfig> {
  const type = `depthwiseConv${rank}d`;
  const { filters: _filters, ...shared } = filterProperties();
  return defineLayer<CommonConfig>({
    type,
    summary,
    examples,
    keras: { className: `DepthwiseConv${rank}D`, weightPath: (weight) => (weight === 'depthwiseKernel' ? 'kernel' : weight) },
    properties: { ...commonProperties(rank), ...shared, ...weightProperties('depthwise', 'bias'), ...activityProperties },
    required: ['kernelSize'],
    outputShape(inputs, config) {
      const shape = requireRank(inputs, rank + 1, `a ${type} layer`);
      return activatedShape(
        [...windowedShape(shape.slice(0, -1), windowOf(config, rank)), shape.at(-1)! * (config.depthMultiplier ?? 1)],
        config.activation ?? 'linear',
      );
    },
    weights: ([input], config) => [
      weightOf('depthwise', kernelShape(input!, config, rank), config, 'depthwiseKernel'),
      ...(config.useBias === false ? [] : [weightOf('bias', [input!.at(-1)! * (config.depthMultiplier ?? 1)], config)]),
    ],
    call(tf, [x], weights, config, context) {
      const sums = convolveChannels(tf, x!, weights.depthwiseKernel!, windowOf(config, rank));
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

/** separableConv1d and separableConv2d. */
export function separableLayer(
  rank: 1 | 2,
  summary: string,
  examples: readonly LayerExample<SeparableConfig>[],
): LayerDefinition<SeparableConfig> {
  const type = `separableConv${rank}d`;
  return defineLayer<SeparableConfig>({
    type,
    summary,
    examples,
    keras: { className: `SeparableConv${rank}D` },
    properties: {
      ...filterProperties(),
      ...commonProperties(rank),
      ...weightProperties('depthwise', 'pointwise', 'bias'),
      ...activityProperties,
    },
    required: ['filters', 'kernelSize'],
    outputShape(inputs, config) {
      const shape = requireRank(inputs, rank + 1, `a ${type} layer`);
      return activatedShape([...windowedShape(shape.slice(0, -1), windowOf(config, rank)), config.filters], config.activation ?? 'linear');
    },
    weights: ([input], config) => [
      weightOf('depthwise', kernelShape(input!, config, rank), config, 'depthwiseKernel'),
      weightOf(
        'pointwise',
        [...asSizes(1, rank), input!.at(-1)! * (config.depthMultiplier ?? 1), config.filters],
        config,
        'pointwiseKernel',
      ),
      ...(config.useBias === false ? [] : [weightOf('bias', [config.filters], config)]),
    ],
    call(tf, [x], weights, config, context) {
      const channels = convolveChannels(tf, x!, weights.depthwiseKernel!, windowOf(config, rank));
      const mixed = convolve(tf, channels, weights.pointwiseKernel!, windowOf({ kernelSize: 1 }, rank));
      return penalized(
        tf,
        activate(tf, addBias(tf, mixed, weights.bias), config.activation ?? 'linear'),
        config.activityRegularizer,
        context,
      );
    },
    mask: 'drop',
  });
}
