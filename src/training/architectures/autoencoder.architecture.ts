import { PerennialError } from '../../core/errors.ts';
import type { TensorSpec } from '../../core/tensor.ts';
import { LayerList, dropoutRate, unitsList } from './shared/architecture-parts.ts';
import { defineArchitecture } from './architecture.ts';
import type { SettingProblem } from './architecture.ts';
import type { Target } from './target.ts';
import type { LayerConfig } from '../model/model-config.ts';
import type { Named } from '../model/named.ts';
import { rebuiltShape, requireNumericInputs } from '../objectives/shared/reconstruction.ts';
import { activation, bool, integer, number, rate } from '../model/schema-parts.ts';
import { product, showShape } from '../layers/shapes.ts';

type Kind = 'dense' | 'convolutional' | 'recurrent';

interface Config {
  readonly kind: 'auto' | Kind;
  readonly latentSize: number;
  readonly units: readonly number[];
  readonly filters: readonly number[];
  readonly kernelSize: number;
  readonly cell: 'lstm' | 'gru';
  readonly recurrentUnits: readonly number[];
  readonly activation: Named;
  readonly outputActivation?: Named;
  readonly batchNormalization: boolean;
  readonly dropout: number;
  readonly variational: boolean;
  readonly beta?: number;
  readonly noise?: { readonly gaussianNoise?: number; readonly dropout?: number };
}

export default defineArchitecture<Config>({
  name: 'autoencoder',
  summary:
    'Presses its inputs through a few latent numbers and rebuilds them: an encoder and its mirror image. Learns without labels; a row that it rebuilds badly is an anomaly.',
  objective: 'reconstruction',
  properties: {
    kind: {
      enum: ['auto', 'dense', 'convolutional', 'recurrent'],
      default: 'auto',
      examples: ['convolutional'],
      description:
        '"dense": dense layers over all values of all inputs. "convolutional": convolutions over one image [height, width, channels] or window [steps, width], which halve it. "recurrent": a recurrent encoder and decoder over one window. "auto": convolutional for one image, recurrent for one window, else dense.',
    },
    latentSize: integer('Numbers that a row is pressed into.', 16, 8),
    units: unitsList('dense: widths of the layers of the encoder; the decoder has them in the opposite order.', [128, 64]),
    filters: {
      ...unitsList(
        'convolutional: channels of the convolutions of the encoder, each of which halves the image; the decoder has them in the opposite order.',
        [16, 32],
      ),
      minItems: 1,
    },
    kernelSize: integer('convolutional: size of the windows in pixels or steps.', 3, 5),
    cell: { enum: ['lstm', 'gru'], default: 'gru', description: 'recurrent: kind of the layers.', examples: ['lstm'] },
    recurrentUnits: {
      ...unitsList('recurrent: widths of the recurrent layers of the encoder; the decoder has them in the opposite order.', [32]),
      minItems: 1,
    },
    activation: activation('relu', 'Activation function of the dense and convolutional layers.'),
    outputActivation: {
      allOf: [{ $ref: '#/definitions/activation' }],
      examples: ['sigmoid'],
      description:
        'Activation function of the reconstruction; it has to reach every value of the inputs. Default: "sigmoid" for images rescaled to 0 to 1, "tanh" for −1 to 1, else what the loss reads ("linear" for meanSquaredError).',
    },
    batchNormalization: bool('Normalize after each dense layer and convolution.', false),
    dropout: dropoutRate(),
    variational: bool(
      'Latent numbers are drawn from normal distributions while training, and kept near the standard normal one (VAE). Answers are made from their means.',
      false,
    ),
    beta: number(
      'variational: weight of the divergence from the standard normal distribution against the loss summed over all values of a row; 1 is the evidence lower bound where the loss is a crossentropy. Default: 1.',
      undefined,
      0.1,
      { minimum: 0 },
    ),
    noise: {
      type: 'object',
      additionalProperties: false,
      minProperties: 1,
      maxProperties: 1,
      examples: [{ gaussianNoise: 0.2 }, { dropout: 0.3 }],
      description: 'Denoising: what is done to the inputs while training; the clean inputs are to be rebuilt.',
      properties: {
        gaussianNoise: number('Standard deviation of normal noise that is added.', undefined, 0.2, { exclusiveMinimum: 0 }),
        dropout: rate('Share of the values set to zero; the others are scaled up.'),
      },
    },
  },
  check({ beta, variational }): readonly SettingProblem[] {
    if (beta === undefined || variational !== false) return [];
    return [
      {
        setting: 'beta',
        message: '"beta" is the weight of a divergence that only a variational autoencoder has.',
        fix: 'Add "variational": true, or leave "beta" out.',
      },
    ];
  },
  expand(config, inputs, target) {
    requireNumericInputs(inputs);
    const kind = config.kind === 'auto' ? kindFor(inputs) : config.kind;
    const build = new Build(config, inputs, target);
    if (kind === 'dense') return build.dense();
    const [input] = inputs;
    if (inputs.length !== 1 || (input!.shape.length !== 2 && (kind === 'recurrent' || input!.shape.length !== 3))) {
      throw new PerennialError(
        'MODEL_INVALID',
        `The architecture autoencoder of the kind ${kind} needs one input, ${kind === 'recurrent' ? 'a window [steps, width]' : 'an image [height, width, channels] or a window [steps, width]'}, but there ${inputs.length === 1 ? 'is' : 'are'} ${inputs.map(({ name, shape }) => `"${name}" ${showShape(shape)}`).join(', ')}.`,
        {
          hint: 'Use "kind": "dense", which joins all values of all inputs.',
        },
      );
    }
    return kind === 'convolutional' ? build.convolutional(input!) : build.recurrent(input!);
  },
});

function kindFor(inputs: readonly TensorSpec[]): Kind {
  if (inputs.length !== 1) return 'dense';
  return inputs[0]!.shape.length === 3 ? 'convolutional' : inputs[0]!.shape.length === 2 ? 'recurrent' : 'dense';
}

class Build {
  readonly #config: Config;
  readonly #inputs: readonly TensorSpec[];
  readonly #list: LayerList;
  readonly #outputActivation: Named;

  constructor(config: Config, inputs: readonly TensorSpec[], { loss }: Target) {
    this.#config = config;
    this.#inputs = inputs;
    this.#list = new LayerList(inputs);
    this.#outputActivation = config.outputActivation ?? this.#usualActivation(loss.definition.activations);
  }

  dense(): readonly LayerConfig[] {
    const list = this.#list;
    const { units } = this.#config;
    const shape = rebuiltShape(this.#inputs);
    this.#joined();
    this.#hidden(units, 'encoder');
    this.#latent();
    this.#hidden([...units].reverse(), 'decoder');
    list.add({
      type: 'dense',
      name: shape.length === 1 ? 'reconstruction' : 'values',
      units: product(shape),
      activation: this.#outputActivation,
    });
    if (shape.length > 1) list.add({ type: 'reshape', name: 'reconstruction', shape });
    return list.layers;
  }

  convolutional(input: TensorSpec): readonly LayerConfig[] {
    const list = this.#list;
    const { filters, kernelSize } = this.#config;
    const axes = input.shape.length - 1;
    this.#noisy(input);
    // Lengths of the axes before each convolution: the way back ends at the same ones.
    const lengths: number[][] = [];
    let now = input.shape.slice(0, -1);
    for (const [index, channels] of filters.entries()) {
      lengths.push(now);
      const strides = stridesFor(now);
      this.#convolution(`conv${axes}d`, `encoder_${index + 1}`, { filters: channels, kernelSize, strides, padding: 'same' });
      now = now.map((length, axis) => Math.ceil(length / strides[axis]!));
    }
    list.add({ type: 'flatten', name: 'encoder_flat' });
    this.#latent();
    list.add({ type: 'dense', name: 'decoder_values', units: product(now) * filters.at(-1)!, activation: this.#config.activation });
    list.add({ type: 'reshape', name: 'decoder_image', shape: [...now, filters.at(-1)!] });
    for (const [index, target] of lengths.reverse().entries()) {
      const channels = filters[filters.length - 2 - index] ?? filters[0]!;
      this.#convolution(`conv${axes}dTranspose`, `decoder_${index + 1}`, {
        filters: channels,
        kernelSize,
        strides: stridesFor(target),
        padding: 'same',
      });
    }
    return list.add({
      type: `conv${axes}d`,
      name: 'reconstruction',
      filters: input.shape.at(-1)!,
      kernelSize,
      padding: 'same',
      activation: this.#outputActivation,
    }).layers;
  }

  recurrent(input: TensorSpec): readonly LayerConfig[] {
    const list = this.#list;
    const { recurrentUnits: units, cell, dropout } = this.#config;
    const [steps, width] = input.shape as [number, number];
    this.#noisy(input);
    for (const [index, size] of units.entries())
      list.add({ type: cell, name: `encoder_${index + 1}`, units: size, dropout, returnSequences: index < units.length - 1 });
    this.#latent();
    list.add({ type: 'repeatVector', name: 'decoder_steps', n: steps });
    for (const [index, size] of [...units].reverse().entries())
      list.add({ type: cell, name: `decoder_${index + 1}`, units: size, dropout, returnSequences: true });
    return list.add({ type: 'dense', name: 'reconstruction', units: width, activation: this.#outputActivation }).layers;
  }

  /** All values of all inputs in a row, with noise on them. */
  #joined(): void {
    const list = this.#list;
    const flat = this.#inputs.map((input) => {
      list.last = input.name;
      if (input.shape.length !== 1) list.add({ type: 'flatten', name: `flat_${input.name.replace(/[^A-Za-z0-9_]/g, '_')}` });
      return list.last;
    });
    list.last = flat[0]!;
    if (flat.length > 1) list.add({ type: 'concatenate', name: 'values_of_all', inputs: flat });
    this.#noise();
  }

  #noisy(input: TensorSpec): void {
    this.#list.last = input.name;
    this.#noise();
  }

  #noise(): void {
    const { noise } = this.#config;
    if (noise?.gaussianNoise !== undefined) this.#list.add({ type: 'gaussianNoise', name: 'noise', stddev: noise.gaussianNoise });
    if (noise?.dropout !== undefined) this.#list.add({ type: 'dropout', name: 'noise', rate: noise.dropout });
  }

  #hidden(units: readonly number[], prefix: string): void {
    this.#list.dense(units, this.#config as { activation: string; dropout: number; batchNormalization: boolean }, prefix);
  }

  #convolution(type: string, name: string, settings: Record<string, unknown>): void {
    const { batchNormalization, dropout } = this.#config;
    const list = this.#list;
    if (batchNormalization) {
      list
        .add({ type, name, ...settings, useBias: false })
        .add({ type: 'batchNormalization', name: `${name}_norm` })
        .add({ type: 'activation', name: `${name}_activation`, activation: this.#config.activation });
    } else list.add({ type, name, ...settings, activation: this.#config.activation });
    if (dropout > 0) list.add({ type: 'dropout', name: `${name}_dropout`, rate: dropout });
  }

  /** From what the encoder gives to the latent numbers. */
  #latent(): void {
    const list = this.#list;
    const { latentSize, variational, beta } = this.#config;
    if (!variational) {
      list.add({ type: 'dense', name: 'latent', units: latentSize });
      return;
    }
    const encoded = [list.last];
    list.add({ type: 'dense', name: 'latent_mean', units: latentSize });
    const mean = list.last;
    // Drawing begins with a variance of 1.
    list.add({ type: 'dense', name: 'latent_log_variance', inputs: encoded, units: latentSize, kernelInitializer: 'zeros' });
    // Losses are means over the values of a row, the divergence is a sum.
    list.add({
      type: 'gaussianSampling',
      name: 'latent',
      inputs: [mean, list.last],
      klWeight: (beta ?? 1) / product(rebuiltShape(this.#inputs)),
    });
  }

  #usualActivation(readable: readonly string[]): Named {
    const ranges = new Set(this.#inputs.map(({ range }) => (range === undefined ? 'any' : range.join())));
    const [only] = ranges;
    const fitting = ranges.size === 1 && only === '0,1' ? 'sigmoid' : ranges.size === 1 && only === '-1,1' ? 'tanh' : undefined;
    return fitting !== undefined && readable.includes(fitting) ? fitting : readable[0]!;
  }
}

/** A convolution halves the axes that are even, so that the way back ends where it began. */
function stridesFor(lengths: readonly number[]): number[] {
  return lengths.map((length) => (length % 2 === 0 ? 2 : 1));
}
