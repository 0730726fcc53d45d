import { freeName } from '../../model/free-name.ts';
import { PerennialError } from '../../../core/errors.ts';
import type { JsonSchema } from '../../../core/json.ts';
import type { TensorSpec } from '../../../core/tensor.ts';
import type { Target } from '../target.ts';
import { headOf } from '../../model/output-head.ts';
import { rate, units } from '../../model/schema-parts.ts';
import { product, showShape } from '../../layers/shapes.ts';
import type { LayerConfig } from '../../model/model-config.ts';
import { nameAndConfig } from '../../model/named.ts';
import type { Named } from '../../model/named.ts';

/** Widths of dense layers with what goes between them. */
export const unitsList = (description: string, fallback: readonly number[]): JsonSchema => ({
  type: 'array',
  items: units('Width of one layer.'),
  maxItems: 32,
  default: fallback,
  description,
  examples: [[64, 32]],
});

/** Layers that change the images of an architecture while training. */
export const augmentation: JsonSchema = {
  type: 'array',
  items: { $ref: '#/definitions/augmentation' },
  maxItems: 16,
  default: [],
  description:
    'What happens to the images while training, in this order; the draws follow from the seed. Evaluation and serving see the images as they are.',
  examples: [['randomFlip', { randomRotation: { factor: 0.1 } }]],
};

export const dropoutRate = (fallback = 0): JsonSchema => rate('Dropout after each hidden layer.', fallback);

/** Names layers as they are added and remembers the last one. */
export class LayerList {
  readonly layers: LayerConfig[] = [];
  /** Name of what the next layer reads. */
  last = '';
  readonly #taken: Set<string>;
  #prefix = '';

  /** @param inputs of the model: no layer takes the name of one */
  constructor(inputs: readonly TensorSpec[]) {
    this.#taken = new Set(inputs.map((input) => input.name));
  }

  add(layer: { type: string; name: string; inputs?: readonly string[]; [setting: string]: unknown }): this {
    const name = freeName(`${this.#prefix}${layer.name}`, this.#taken);
    this.#taken.add(name);
    this.layers.push({ ...layer, name, inputs: layer.inputs ?? [this.last] });
    this.last = name;
    return this;
  }

  /** Layers of one branch: their names begin with that of the branch. */
  branch(name: string, add: (list: this) => unknown): string {
    const before = this.#prefix;
    const safe = name.replace(/[^A-Za-z0-9_]/g, '_').slice(0, 32);
    this.#prefix = `${before}${/^[A-Za-z]/.test(safe) ? safe : `input_${safe}`}_`;
    add(this);
    this.#prefix = before;
    return this.last;
  }

  /** Layers that change images while training, one after the other. */
  augment(augmentations: readonly Named[]): this {
    for (const [index, named] of augmentations.entries()) {
      const [type, settings] = nameAndConfig('augmentation', named);
      this.add({ ...settings, type, name: `augmentation_${index + 1}` });
    }
    return this;
  }

  /** Dense layers, each with its normalization and dropout. */
  dense(
    widths: readonly number[],
    options: { activation: string; dropout: number; batchNormalization?: boolean; kernelRegularizer?: unknown },
    prefix = 'dense',
  ): this {
    for (const [index, width] of widths.entries()) {
      const number = index + 1;
      const regularizer = options.kernelRegularizer === undefined ? {} : { kernelRegularizer: options.kernelRegularizer };
      if (options.batchNormalization === true) {
        this.add({ type: 'dense', name: `${prefix}_${number}`, units: width, useBias: false, ...regularizer });
        this.add({ type: 'batchNormalization', name: `${prefix}_norm_${number}` });
        this.add({ type: 'activation', name: `${prefix}_activation_${number}`, activation: options.activation });
      } else {
        this.add({ type: 'dense', name: `${prefix}_${number}`, units: width, activation: options.activation, ...regularizer });
      }
      if (options.dropout > 0) this.add({ type: 'dropout', name: `${prefix}_dropout_${number}`, rate: options.dropout });
    }
    return this;
  }

  /** The layers that give the model's outputs: as many units, and the activation, as output and loss need. */
  head(target: Target): readonly LayerConfig[] {
    const from = this.last;
    for (const [index, { output, loss }] of (target.heads ?? [target]).entries()) {
      const { units: width, activation } = headOf(output, loss);
      this.add({
        type: 'dense',
        name: target.heads === undefined ? 'output' : headName(index, output.name),
        inputs: [from],
        units: width,
        activation,
      });
    }
    return this.layers;
  }

  /** One vector per example from every given input: embedded and averaged token ids, flattened numbers. */
  vectors(inputs: readonly TensorSpec[], embeddingSize: number | undefined, also: readonly string[] = []): this {
    const names = [...also, ...inputs.map((input) => this.#vector(input, embeddingSize))];
    this.last = names[0]!;
    return names.length === 1 ? this : this.add({ type: 'concatenate', name: 'features', inputs: names });
  }

  #vector(input: TensorSpec, embeddingSize: number | undefined): string {
    this.last = input.name;
    // In a branch the prefix says it already.
    const safe = this.#prefix === '' ? `_${input.name.replace(/[^A-Za-z0-9_]/g, '_')}` : '';
    if (input.vocabularySize !== undefined) {
      this.add({
        type: 'embedding',
        name: `embed${safe}`,
        inputDim: input.vocabularySize,
        outputDim: embeddingSize ?? defaultEmbedding(input.vocabularySize),
        maskZero: true,
      });
      if (product(input.shape) === 1 || input.shape.length === 0) this.add({ type: 'flatten', name: `flat${safe}` });
      else this.add({ type: 'globalAveragePooling1d', name: `mean${safe}` });
    } else if (input.shape.length !== 1) {
      this.add({ type: 'flatten', name: `flat${safe}` });
    }
    return this.last;
  }
}

/** Name of the layer that a preset makes for one of several outputs. */
export function headName(index: number, output: string): string {
  return `output_${index + 1}_${output.replace(/[^A-Za-z0-9_]/g, '_')}`.slice(0, 64);
}

/** Grows slowly with the number of ids. */
export function defaultEmbedding(ids: number): number {
  return Math.max(2, Math.min(64, Math.ceil(1.6 * ids ** 0.56)));
}

/** The one input of a rank that an architecture is made for, and the others. @throws MODEL_INVALID */
export function splitInputs(
  inputs: readonly TensorSpec[],
  suits: (input: TensorSpec) => boolean,
  architecture: string,
  what: string,
  instead: string,
): [TensorSpec, readonly TensorSpec[]] {
  const suited = inputs.filter(suits);
  if (suited.length === 1) return [suited[0]!, inputs.filter((input) => input !== suited[0])];
  const seen = inputs
    .map((input) => `"${input.name}" ${showShape(input.shape)}${input.vocabularySize === undefined ? '' : ' of token ids'}`)
    .join(', ');
  throw new PerennialError(
    'MODEL_INVALID',
    `The architecture ${architecture} needs exactly one input of ${what}, but there ${suited.length === 0 ? 'is none' : `are ${suited.length}`}: ${seen}.`,
    { hint: instead },
  );
}
