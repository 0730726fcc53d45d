import { defineArchitecture } from '../architecture.ts';
import { LayerList, augmentation, dropoutRate, splitInputs, unitsList } from '../architecture-parts.ts';
import type { Named } from '../named.ts';
import { activation, bool, integer, rate } from '../schema-parts.ts';

interface Config {
  readonly augmentation: readonly Named[];
  readonly filters: readonly number[];
  readonly kernelSize: number;
  readonly poolSize: number;
  readonly convolutionsPerBlock: number;
  readonly separable: boolean;
  readonly batchNormalization: boolean;
  readonly globalPooling: boolean;
  readonly convolutionDropout: number;
  readonly units: readonly number[];
  readonly dropout: number;
  readonly activation: string;
}

export default defineArchitecture<Config>({
  name: 'cnn',
  summary: 'Blocks of convolution and pooling over one image, then dense layers. Other inputs join before the dense layers.',
  properties: {
    augmentation,
    filters: unitsList('Channels of each block.', [32, 64]),
    kernelSize: integer('Size of the convolution windows in pixels.', 3, 5),
    poolSize: integer('Size of the pooling windows in pixels; 1: no pooling.', 2, 2),
    convolutionsPerBlock: integer('Convolutions before each pooling.', 1, 2),
    separable: bool('Separable convolutions after the first one: fewer weights.', false),
    batchNormalization: bool('Normalize after each convolution.', false),
    globalPooling: bool('Mean over all pixels before the dense layers, instead of flattening.', false),
    convolutionDropout: rate('Dropout of whole channels after each block.', 0),
    units: unitsList('Widths of the dense layers.', [64]),
    dropout: dropoutRate(0.25),
    activation: activation('relu'),
  },
  expand(config, inputs, target) {
    const [image, others] = splitInputs(inputs, (input) => input.shape.length === 3, 'cnn', 'images [height, width, channels]', 'Use the architecture mlp for tables, rnn or textCnn for sequences, or add an image column with { "resize": [28, 28] }.');
    const list = new LayerList(inputs);
    list.last = image.name;
    list.augment(config.augmentation);
    for (const [index, filters] of config.filters.entries()) addBlock(list, config, index + 1, filters);
    list.add({ type: config.globalPooling ? 'globalAveragePooling2d' : 'flatten', name: 'flat' });
    return list.vectors(others, undefined, [list.last]).dense(config.units, { activation: config.activation, dropout: config.dropout }).head(target);
  },
});

function addBlock(list: LayerList, config: Config, block: number, filters: number): void {
  for (let index = 1; index <= config.convolutionsPerBlock; index++) {
    const first = block === 1 && index === 1;
    const convolution = { type: config.separable && !first ? 'separableConv2d' : 'conv2d', name: `conv_${block}_${index}`, filters, kernelSize: config.kernelSize, padding: 'same' };
    if (config.batchNormalization) {
      list.add({ ...convolution, useBias: false });
      list.add({ type: 'batchNormalization', name: `norm_${block}_${index}` });
      list.add({ type: 'activation', name: `activation_${block}_${index}`, activation: config.activation });
    } else {
      list.add({ ...convolution, activation: config.activation });
    }
  }
  if (config.poolSize > 1) list.add({ type: 'maxPooling2d', name: `pool_${block}`, poolSize: config.poolSize });
  if (config.convolutionDropout > 0) list.add({ type: 'spatialDropout2d', name: `drop_${block}`, rate: config.convolutionDropout });
}
