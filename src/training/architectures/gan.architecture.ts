import { PerennialError } from '../../core/errors.ts';
import type { TensorSpec } from '../../core/tensor.ts';
import { LATENT, LATENT_LABEL, latentInputs } from '../../data/answers/latent.ts';
import { ADVERSARIAL_LOSSES } from '../objectives/shared/adversarial-losses.ts';
import { defineArchitecture } from './architecture.ts';
import type { SettingProblem } from './architecture.ts';
import type { Target } from './target.ts';
import { addDiscriminator, addGenerator } from './shared/gan-networks.ts';
import type { DiscriminatorConfig, GeneratorConfig } from './shared/gan-networks.ts';
import { LayerList, unitsList } from './shared/architecture-parts.ts';
import { activation, bool, integer, number, rate } from '../model/schema-parts.ts';
import { product, showShape } from '../layers/shapes.ts';

export interface GanConfig {
  readonly loss: (typeof ADVERSARIAL_LOSSES)[number];
  readonly latentSize: number;
  readonly conditional: boolean;
  readonly labelSmoothing: number;
  readonly gradientPenalty?: number;
  readonly criticSteps?: number;
  readonly generator: GeneratorConfig;
  readonly discriminator: DiscriminatorConfig;
}

const OF_IMAGES = 'Default: twice as many per stage towards the small end, 32 at the large one.';
const learningRateFactor = number('Times the learning rate of the optimizer.', 1, 0.5, { exclusiveMinimum: 0 });

export default defineArchitecture<GanConfig>({
  name: 'gan',
  summary:
    'Generative adversarial networks: a generator learns to make examples like those given, of noise; a discriminator learns to tell them apart. Convolutional for an image (DCGAN), dense for a table.',
  objective: 'adversarial',
  properties: {
    loss: {
      enum: ADVERSARIAL_LOSSES,
      default: 'binaryCrossentropy',
      examples: ['wasserstein'],
      description:
        'What the two networks play for. "binaryCrossentropy": the original, non-saturating; "leastSquares" (LSGAN); "hinge"; "wasserstein": with a gradient penalty (WGAN-GP). "loss" of the train step is left out.',
    },
    latentSize: integer('Numbers of noise that a sample is made of.', 64, 100),
    conditional: bool(
      'Give both networks the label, so that samples of a class can be asked for. The label has to be classes. Samples of one class differ soonest with "loss": "wasserstein"; with the others they tend to look alike in a short training.',
      false,
    ),
    labelSmoothing: rate(
      'How far the target of real rows lies below 1, which keeps the discriminator from being too sure. For binaryCrossentropy and leastSquares.',
      0,
    ),
    gradientPenalty: number('Weight of the gradient penalty. For wasserstein. Default: 10.', undefined, 10, { minimum: 0 }),
    criticSteps: integer('The generator moves in every so manieth update only. Default: 1, for wasserstein 5.', undefined, 5),
    generator: {
      type: 'object',
      additionalProperties: false,
      default: {},
      description: 'The network that makes samples, and is the model.',
      examples: [{ filters: [128, 64] }],
      properties: {
        filters: {
          type: 'array',
          items: { type: 'integer', minimum: 1 },
          minItems: 1,
          maxItems: 8,
          description: `Of an image: channels before each doubling of its size. ${OF_IMAGES}`,
          examples: [[64, 32]],
        },
        units: { ...unitsList('Of a table: widths of the hidden layers.', [64, 64]) },
        kernelSize: integer(
          'Of an image: size of the convolution windows in pixels; an even number leaves no chessboard pattern.',
          4,
          5,
          2,
        ),
        activation: activation('relu'),
        batchNormalization: {
          type: 'boolean',
          description: 'Normalize before each activation. Default: true for images, false for tables.',
          examples: [false],
        },
        outputActivation: {
          enum: ['sigmoid', 'tanh', 'linear'],
          description:
            'Of the samples. Default: sigmoid for pixels from 0 to 1 ("rescale"), tanh for pixels from -1 to 1 or another range, linear for tables.',
          examples: ['tanh'],
        },
        learningRateFactor,
      },
    },
    discriminator: {
      type: 'object',
      additionalProperties: false,
      default: {},
      description: 'The network that tells examples and samples apart.',
      examples: [{ filters: [32, 64], dropout: 0.3 }],
      properties: {
        filters: {
          type: 'array',
          items: { type: 'integer', minimum: 1 },
          minItems: 1,
          maxItems: 8,
          description: `Of an image: channels after each halving of its size. ${OF_IMAGES}`,
          examples: [[32, 64]],
        },
        units: { ...unitsList('Of a table: widths of the hidden layers.', [64, 64]) },
        kernelSize: integer('Of an image: size of the convolution windows in pixels.', 4, 5, 2),
        activation: activation('leakyRelu'),
        batchNormalization: bool(
          'Normalize before each activation but the first. Not for wasserstein, whose penalty is one of single rows.',
          false,
        ),
        dropout: { ...rate('Dropout after each hidden layer. Default: 0.3 for images, 0 for tables and wasserstein.'), examples: [0.3] },
        learningRateFactor,
      },
    },
  },
  check({ loss, labelSmoothing, gradientPenalty, discriminator }): readonly SettingProblem[] {
    const problems: SettingProblem[] = [];
    if (typeof labelSmoothing === 'number' && labelSmoothing > 0 && (loss === 'hinge' || loss === 'wasserstein')) {
      problems.push({
        setting: 'labelSmoothing',
        message: `The loss ${loss} has no targets that could be smoothed.`,
        fix: 'Leave "labelSmoothing" out, or use "loss": "binaryCrossentropy".',
      });
    }
    if (gradientPenalty !== undefined && loss !== 'wasserstein')
      problems.push({
        setting: 'gradientPenalty',
        message: `The loss ${loss} has no gradient penalty.`,
        fix: 'Leave "gradientPenalty" out, or use "loss": "wasserstein".',
      });
    if (loss === 'wasserstein' && discriminator?.batchNormalization === true)
      problems.push({
        setting: 'discriminator',
        message: 'The gradient penalty of the loss wasserstein is one of single rows, which batch normalization ties together.',
        fix: 'Leave "batchNormalization" of the discriminator out.',
      });
    return problems;
  },
  modelInputs(config, _inputs, target): readonly TensorSpec[] {
    const classes = classesOf(config, target);
    return latentInputs({
      latentSize: config.latentSize,
      ...(classes === undefined ? {} : { label: { name: target.output.name, classes } }),
    });
  },
  expand(config, inputs, target) {
    const list = new LayerList([
      { name: LATENT, shape: [], dtype: 'float32' },
      { name: LATENT_LABEL, shape: [], dtype: 'int32' },
    ]);
    addGenerator(list, config.generator, sampleInput(inputs), config.latentSize, classesOf(config, target));
    return list.layers;
  },
  companions(config, inputs, target) {
    const sample = sampleInput(inputs);
    const classes = classesOf(config, target);
    const own: readonly TensorSpec[] = [
      sample,
      ...(classes === undefined ? [] : [{ name: LATENT_LABEL, shape: [1], dtype: 'int32' as const, vocabularySize: classes.length }]),
    ];
    const list = new LayerList(own);
    addDiscriminator(list, config.discriminator, sample, classes, config.loss === 'wasserstein');
    return { discriminator: { inputs: own, layers: list.layers } };
  },
});

/** Classes of a conditional generator. @throws MODEL_INVALID */
function classesOf({ conditional }: GanConfig, { output }: Target): readonly string[] | undefined {
  if (!conditional) return undefined;
  if (output.kind === 'classes') return output.classes;
  throw new PerennialError(
    'MODEL_INVALID',
    `A conditional gan needs a label of classes, but the examples have ${output.kind === 'none' ? 'no label' : 'another one'}.`,
    { hint: 'Leave "conditional" out, or give a label of classes in the ingest step.' },
  );
}

/** The one input whose like is made. @throws MODEL_INVALID */
function sampleInput(inputs: readonly TensorSpec[]): TensorSpec {
  const [input] = inputs;
  const seen = inputs
    .map(({ name, shape, vocabularySize }) => `"${name}" ${showShape(shape)}${vocabularySize === undefined ? '' : ' of token ids'}`)
    .join(', ');
  if (input === undefined || inputs.length > 1 || input.vocabularySize !== undefined || ![1, 3].includes(input.shape.length)) {
    throw new PerennialError(
      'MODEL_INVALID',
      `The architecture gan makes examples of one input, an image [height, width, channels] or a vector of numbers; given is ${seen}.`,
      { hint: 'Name in "features" of the preprocess step only the image, or only columns that become numbers.' },
    );
  }
  if (input.name === LATENT || input.name === LATENT_LABEL)
    throw new PerennialError('MODEL_INVALID', `The input "${input.name}" has the name of an input of the generator.`, {
      hint: 'Rename the column in the source.',
    });
  if (input.shape.length === 3 && Math.min(input.shape[0]!, input.shape[1]!) < 8) {
    throw new PerennialError(
      'MODEL_INVALID',
      `The images are ${input.shape[0]} × ${input.shape[1]} pixels, too small for the architecture gan, which needs at least 8 × 8 (${product(input.shape)} values).`,
      { hint: 'Use { "resize": [16, 16] } in the preprocess step.' },
    );
  }
  return input;
}
