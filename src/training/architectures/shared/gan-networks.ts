import { PerennialError } from '../../../core/errors.ts';
import { LATENT, LATENT_LABEL } from '../../../data/answers/latent.ts';
import type { TensorSpec } from '../../../core/tensor.ts';
import type { LayerList } from './architecture-parts.ts';

export interface GeneratorConfig {
  readonly filters?: readonly number[];
  readonly units: readonly number[];
  readonly kernelSize: number;
  readonly activation: unknown;
  readonly batchNormalization?: boolean;
  readonly outputActivation?: 'sigmoid' | 'tanh' | 'linear';
  readonly learningRateFactor: number;
}

export interface DiscriminatorConfig {
  readonly filters?: readonly number[];
  readonly units: readonly number[];
  readonly kernelSize: number;
  readonly activation: unknown;
  readonly batchNormalization: boolean;
  readonly dropout?: number;
  readonly learningRateFactor: number;
}

const FIRST_FILTERS = 32;
/** About the size of the image between the dense and the convolutional layers. */
const SMALL = 6;
/** Of an example, beside which its class is judged. */
const FEATURES = 128;
/** Statistics follow a generator that changes fast. */
const MOMENTUM = 0.9;

/** Channels from the small end to the large one. */
function defaultFilters([height, width]: readonly number[]): number[] {
  const stages = Math.max(1, Math.round(Math.log2(Math.min(height!, width!) / SMALL)));
  return Array.from({ length: stages }, (_, stage) => FIRST_FILTERS * 2 ** (stages - 1 - stage));
}

/** Dense layers, and for an image transposed convolutions that double its size. @see A. Radford et al.: DCGAN (2016) */
export function addGenerator(
  list: LayerList,
  config: GeneratorConfig,
  sample: TensorSpec,
  latentSize: number,
  classes: readonly string[] | undefined,
): void {
  list.last = LATENT;
  if (classes !== undefined) {
    // As large as the noise beside it, so that classes differ from the first update on.
    list.add({
      type: 'embedding',
      name: 'label_embedding',
      inputs: [LATENT_LABEL],
      inputDim: classes.length,
      outputDim: latentSize,
      embeddingsInitializer: { randomNormal: { stddev: 1 } },
    });
    list.add({ type: 'flatten', name: 'label_vector' });
    list.add({ type: 'concatenate', name: 'latent_and_label', inputs: [LATENT, list.last] });
  }
  if (sample.shape.length === 3) addImageGenerator(list, config, sample);
  else {
    list.dense(config.units, {
      activation: config.activation as string,
      dropout: 0,
      batchNormalization: config.batchNormalization ?? false,
    });
    list.add({ type: 'dense', name: 'sample', units: sample.shape[0]!, activation: config.outputActivation ?? 'linear' });
  }
}

function addImageGenerator(list: LayerList, config: GeneratorConfig, sample: TensorSpec): void {
  const [height, width, channels] = sample.shape as readonly [number, number, number];
  const filters = config.filters ?? defaultFilters(sample.shape);
  const normalized = config.batchNormalization ?? true;
  const factor = 2 ** filters.length;
  const small = [Math.ceil(height / factor), Math.ceil(width / factor), filters[0]!];
  const activated = (stage: number): void => {
    if (normalized) list.add({ type: 'batchNormalization', name: `norm_${stage}`, momentum: MOMENTUM });
    list.add({ type: 'activation', name: `activation_${stage}`, activation: config.activation });
  };
  list.add({ type: 'dense', name: 'dense', units: small.reduce((size, each) => size * each, 1), useBias: !normalized });
  list.add({ type: 'reshape', name: 'small_image', shape: small });
  activated(0);
  for (const [index, count] of [...filters.slice(1), channels].entries()) {
    const last = index === filters.length - 1;
    const { activation, rescaled } = ending(config, sample);
    list.add({
      type: 'conv2dTranspose',
      name: last ? 'sample' : `upsample_${index + 1}`,
      filters: count,
      kernelSize: config.kernelSize,
      strides: 2,
      padding: 'same',
      ...(last ? { activation } : { useBias: !normalized }),
    });
    if (!last) activated(index + 1);
    else if (rescaled !== undefined) list.add({ type: 'rescaling', name: 'range', ...rescaled });
  }
  if (small[0]! * factor !== height || small[1]! * factor !== width) list.add({ type: 'centerCrop', name: 'cropped', height, width });
}

/** Activation of the samples for the range that preprocessing gave the pixels. @throws MODEL_INVALID where it is not known */
function ending(
  { outputActivation }: GeneratorConfig,
  { name, range }: TensorSpec,
): { activation: string; rescaled?: { scale: number; offset: number } } {
  if (outputActivation !== undefined) return { activation: outputActivation };
  if (range === undefined) {
    throw new PerennialError(
      'MODEL_INVALID',
      `The range of the pixels of "${name}" is not known, so the generator cannot be given an activation that fits.`,
      { hint: 'End the transforms of the image with "rescale" in the preprocess step, or give "generator": { "outputActivation": … }.' },
    );
  }
  const [low, high] = range;
  if (low === 0 && high === 1) return { activation: 'sigmoid' };
  const scale = (high - low) / 2;
  const offset = (high + low) / 2;
  return { activation: 'tanh', ...(scale === 1 && offset === 0 ? {} : { rescaled: { scale, offset } }) };
}

/** Convolutions that halve an image, or dense layers; at the end one number, high for what looks real. */
export function addDiscriminator(
  list: LayerList,
  config: DiscriminatorConfig,
  sample: TensorSpec,
  classes: readonly string[] | undefined,
  critic: boolean,
): void {
  list.last = sample.name;
  const image = sample.shape.length === 3;
  const dropout = config.dropout ?? (image && !critic ? 0.3 : 0);
  if (image) {
    for (const [index, filters] of (config.filters ?? defaultFilters(sample.shape).reverse()).entries()) {
      const stage = index + 1;
      const normalized = config.batchNormalization && index > 0;
      list.add({
        type: 'conv2d',
        name: `conv_${stage}`,
        filters,
        kernelSize: config.kernelSize,
        strides: 2,
        padding: 'same',
        ...(normalized ? { useBias: false } : {}),
      });
      if (normalized) list.add({ type: 'batchNormalization', name: `conv_norm_${stage}`, momentum: MOMENTUM });
      list.add({ type: 'activation', name: `conv_activation_${stage}`, activation: config.activation });
      if (dropout > 0) list.add({ type: 'dropout', name: `conv_dropout_${stage}`, rate: dropout });
    }
    list.add({ type: 'flatten', name: 'flat' });
  } else
    list.dense(config.units, { activation: config.activation as string, dropout, batchNormalization: config.batchNormalization }, 'judge');
  if (classes !== undefined) addJudgedLabel(list, config, classes);
  else list.add({ type: 'dense', name: 'verdict', units: 1 });
}

/**
 * What looks real, and what looks like its class: the product of its features and a vector of the class.
 *
 * @see T. Miyato, M. Koyama: cGANs with Projection Discriminator (2018)
 */
function addJudgedLabel(list: LayerList, { activation }: DiscriminatorConfig, classes: readonly string[]): void {
  const features = list.add({ type: 'dense', name: 'judge_features', units: FEATURES, activation }).last;
  const real = list.add({ type: 'dense', name: 'looks_real', units: 1 }).last;
  list
    .add({ type: 'embedding', name: 'class_vector', inputs: [LATENT_LABEL], inputDim: classes.length, outputDim: FEATURES })
    .add({ type: 'flatten', name: 'class_direction' });
  const fits = list.add({ type: 'dot', name: 'looks_like_class', inputs: [features, list.last], axes: 1 }).last;
  list.add({ type: 'add', name: 'verdict', inputs: [real, fits] });
}
