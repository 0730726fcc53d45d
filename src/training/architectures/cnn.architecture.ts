import type { TensorSpec } from '../../core/tensor.ts';
import { defineArchitecture } from './architecture.ts';
import type { SettingProblem } from './architecture.ts';
import { LayerList, augmentation, dropoutRate, splitInputs, unitsList } from './shared/architecture-parts.ts';
import { addPlainBlocks, addResidualBlocks } from './shared/convolution-blocks.ts';
import type { ConvolutionConfig } from './shared/convolution-blocks.ts';
import type { Named } from '../model/named.ts';
import { activation, bool, integer, rate } from '../model/schema-parts.ts';

interface Config extends ConvolutionConfig {
  readonly augmentation: readonly Named[];
  readonly variant: 'plain' | 'residual' | 'separable';
  readonly shortcuts?: boolean;
  readonly globalPooling?: boolean;
  readonly units: readonly number[];
  readonly dropout: number;
}

const OF_VARIANTS = 'Default: true for the variants residual and separable.';

export default defineArchitecture<Config>({
  name: 'cnn',
  summary:
    'Blocks of convolutions over one image, plain, residual or separable, then dense layers. Other inputs join before the dense layers.',
  properties: {
    augmentation,
    variant: {
      enum: ['plain', 'residual', 'separable'],
      default: 'plain',
      examples: ['residual'],
      description:
        '"plain": convolutions, then pooling. "residual": each block adds what it reads to what it gives, so that many blocks can be trained (ResNet). "separable": residual blocks of separable convolutions, with few weights (Xception). Both get smaller where the number of channels changes.',
    },
    filters: {
      ...unitsList('Channels of each block. Repeat a number for several residual blocks of one size, as in [32, 32, 64, 64].', [32, 64]),
      minItems: 1,
    },
    kernelSize: integer('Size of the convolution windows in pixels.', 3, 5),
    poolSize: integer('Size of the pooling windows in pixels, or the stride of residual blocks; 1: the image keeps its size.', 2, 2),
    convolutionsPerBlock: integer('Convolutions of each block. Default: 1, for the variants residual and separable 2.', undefined, 2),
    separable: bool('Separable convolutions after the first one: fewer weights.', false),
    shortcuts: {
      type: 'boolean',
      description: 'Whether blocks of the variant separable add what they read to what they give. Default: true.',
      examples: [false],
    },
    batchNormalization: { type: 'boolean', description: `Normalize after each convolution. ${OF_VARIANTS}`, examples: [true] },
    globalPooling: {
      type: 'boolean',
      description: `Mean over all pixels before the dense layers, instead of flattening. ${OF_VARIANTS}`,
      examples: [true],
    },
    convolutionDropout: rate('Dropout of whole channels after each block.', 0),
    units: unitsList('Widths of the dense layers.', [64]),
    dropout: dropoutRate(0.25),
    activation: activation('relu'),
  },
  check({ variant, shortcuts }): readonly SettingProblem[] {
    if (typeof shortcuts !== 'boolean' || variant === 'separable') return [];
    return [
      {
        setting: 'shortcuts',
        message: `The variant ${variant} ${variant === 'residual' ? 'always has' : 'has no'} shortcuts.`,
        fix: 'Leave "shortcuts" out, or use "variant": "separable".',
      },
    ];
  },
  encode,
  expand: (config, inputs, target) => encode(new LayerList(inputs), config, inputs).head(target),
});

function encode(list: LayerList, config: Config, inputs: readonly TensorSpec[]): LayerList {
  const [image, others] = splitInputs(
    inputs,
    (input) => input.shape.length === 3,
    'cnn',
    'images [height, width, channels]',
    'Use the architecture mlp for tables, rnn or textCnn for sequences, or add an image column with { "resize": [28, 28] }.',
  );
  list.last = image.name;
  list.augment(config.augmentation);
  const plain = config.variant === 'plain';
  const complete = {
    ...config,
    batchNormalization: config.batchNormalization ?? !plain,
    convolutionsPerBlock: config.convolutionsPerBlock ?? (plain ? 1 : 2),
  };
  if (plain) addPlainBlocks(list, complete);
  else
    addResidualBlocks(list, {
      ...complete,
      separable: config.separable || config.variant === 'separable',
      pooled: config.variant === 'separable',
      shortcuts: config.shortcuts ?? true,
    });
  list.add({ type: (config.globalPooling ?? !plain) ? 'globalAveragePooling2d' : 'flatten', name: 'flat' });
  return list.vectors(others, undefined, [list.last]).dense(config.units, { activation: config.activation, dropout: config.dropout });
}
