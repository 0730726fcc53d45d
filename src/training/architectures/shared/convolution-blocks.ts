import type { LayerList } from './architecture-parts.ts';

export interface ConvolutionConfig {
  readonly filters: readonly number[];
  readonly kernelSize: number;
  readonly poolSize: number;
  readonly convolutionsPerBlock?: number;
  readonly separable: boolean;
  readonly batchNormalization?: boolean;
  readonly convolutionDropout: number;
  readonly activation: string;
}

type Complete = ConvolutionConfig &
  Required<Pick<ConvolutionConfig, 'convolutionsPerBlock' | 'batchNormalization'>> & {
    /** Of the statistics of batch normalization. Default: the layer's. */
    readonly momentum?: number;
  };

/** What residual networks are trained with: in many layers, statistics that lag behind spoil predictions of the first epochs. */
const RESIDUAL_MOMENTUM = 0.9;

interface Convolution {
  readonly separable: boolean;
  readonly filters: number;
  readonly kernelSize: number;
  readonly strides?: number;
  /** Whether an activation follows. */
  readonly active: boolean;
}

/** A convolution that keeps the size of the image but for its stride, its normalization and its activation. */
function addConvolution(list: LayerList, config: Complete, place: string, { separable, active, strides, ...size }: Convolution): void {
  const layer = {
    type: separable ? 'separableConv2d' : 'conv2d',
    name: `conv_${place}`,
    ...size,
    ...(strides === undefined || strides === 1 ? {} : { strides }),
    padding: 'same',
  };
  if (config.batchNormalization) {
    list.add({ ...layer, useBias: false });
    list.add({
      type: 'batchNormalization',
      name: `norm_${place}`,
      ...(config.momentum === undefined ? {} : { momentum: config.momentum }),
    });
    if (active) list.add({ type: 'activation', name: `activation_${place}`, activation: config.activation });
  } else {
    list.add({ ...layer, ...(active ? { activation: config.activation } : {}) });
  }
}

function addDropout(list: LayerList, config: Complete, block: number): void {
  if (config.convolutionDropout > 0) list.add({ type: 'spatialDropout2d', name: `drop_${block}`, rate: config.convolutionDropout });
}

/** Convolutions, then pooling. */
export function addPlainBlocks(list: LayerList, config: Complete): void {
  for (const [index, filters] of config.filters.entries()) {
    const block = index + 1;
    for (let turn = 1; turn <= config.convolutionsPerBlock; turn++) {
      addConvolution(list, config, `${block}_${turn}`, {
        separable: config.separable && (block > 1 || turn > 1),
        filters,
        kernelSize: config.kernelSize,
        active: true,
      });
    }
    if (config.poolSize > 1) list.add({ type: 'maxPooling2d', name: `pool_${block}`, poolSize: config.poolSize });
    addDropout(list, config, block);
  }
}

export interface ResidualConfig extends Complete {
  readonly shortcuts: boolean;
  /** Make the image smaller by pooling at the end of a block, instead of by the stride of its first convolution. */
  readonly pooled: boolean;
}

/**
 * A convolution, then blocks that add what they read to what they give.
 *
 * @see K. He et al.: Deep Residual Learning for Image Recognition (2016); F. Chollet: Xception (2017)
 */
export function addResidualBlocks(list: LayerList, given: ResidualConfig): void {
  const config = { momentum: RESIDUAL_MOMENTUM, ...given };
  addConvolution(list, config, 'stem', { separable: false, filters: config.filters[0]!, kernelSize: config.kernelSize, active: true });
  for (const [index, filters] of config.filters.entries())
    addResidualBlock(list, config, index + 1, filters, config.filters[index - 1] ?? filters);
}

function addResidualBlock(list: LayerList, config: ResidualConfig, block: number, filters: number, before: number): void {
  const source = list.last;
  const { separable, kernelSize, convolutionsPerBlock, pooled } = config;
  const stride = filters === before ? 1 : config.poolSize;
  for (let turn = 1; turn <= convolutionsPerBlock; turn++) {
    const strides = turn === 1 && !pooled ? stride : 1;
    addConvolution(list, config, `${block}_${turn}`, {
      separable,
      filters,
      kernelSize,
      strides,
      active: turn < convolutionsPerBlock || !config.shortcuts,
    });
  }
  if (pooled && stride > 1) list.add({ type: 'maxPooling2d', name: `pool_${block}`, poolSize: stride, padding: 'same' });
  if (config.shortcuts) {
    const branch = list.last;
    list.last = source;
    // What the block reads has another shape than what it gives: a convolution of one pixel brings it there.
    if (filters !== before || stride > 1)
      addConvolution(list, config, `${block}_shortcut`, { separable: false, filters, kernelSize: 1, strides: stride, active: false });
    list.add({ type: 'add', name: `sum_${block}`, inputs: [branch, list.last] });
    list.add({ type: 'activation', name: `activation_${block}`, activation: config.activation });
  }
  addDropout(list, config, block);
}
