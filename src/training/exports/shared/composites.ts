import { PerennialError } from '../../../core/errors.ts';
import type { Shape } from '../../layers/shapes.ts';
import { layerRegistry } from '../../layers/index.generated.ts';
import { wrappedLayer } from '../../model/layer-lookup.ts';
import type { LayerConfig, LayerNode } from '../../model/model-config.ts';
import type { KerasDialect } from '../../keras/mapping.ts';
import type { MaskSource } from './masks.ts';

/** What a layer that no other program has is made of there. */
export interface Composing {
  readonly node: LayerNode;
  /** Who reads it. */
  readonly dialect: KerasDialect;
  readonly inputs: readonly Shape[];
  /** Of the first input. */
  readonly mask: MaskSource | undefined;
  /** Values of the layer's own weights. */
  weight(name: string): Float32Array;
  /** Adds a layer named after the node, and gives its name; the last one takes over that of the node. */
  add(
    type: string,
    suffix: string,
    inputs: readonly string[],
    config?: Readonly<Record<string, unknown>>,
    weights?: Readonly<Record<string, Float32Array>>,
  ): string;
  /** Whoever reads the node reads this instead. */
  pass(name: string): void;
  note(text: string): void;
}

const filled = (length: number, value: number): Float32Array => new Float32Array(length).fill(value);

/** By type of layer. Every composite computes the same, with masks as well. */
export const COMPOSITES: Readonly<Record<string, (composing: Composing) => void>> = {
  positionEmbedding(composing) {
    addPlaces(composing, composing.weight('positions'), true);
  },
  sinusoidalPositionEncoding(composing) {
    const [steps, features] = composing.inputs[0] as [number, number];
    const { maxWavelength } = composing.node.config as { maxWavelength: number };
    addPlaces(
      composing,
      Float32Array.from({ length: steps * features }, (_, index) => {
        const [step, feature] = [Math.floor(index / features), index % features];
        // Rounded as the layer rounds: far out, a wave turns within the last digits.
        const angle = Math.fround(step * Math.fround(maxWavelength ** (-(2 * Math.floor(feature / 2)) / features)));
        return Math.sin(Math.fround(angle + Math.fround((feature % 2) * (Math.PI / 2))));
      }),
      false,
    );
  },
  classToken(composing) {
    const [steps] = composing.inputs[0] as [number, number];
    const [read] = composing.node.inputs as [string];
    const first = composing.add('cropping1d', 'first_step', [read], { cropping: [0, steps - 1] });
    const token = addConstant(composing, 'token', first, composing.weight('token'));
    composing.add('concatenate', '', [token, read], { axis: 1 });
  },
  sequencePooling: addPooling,
  globalAveragePooling1d(composing) {
    const { dialect, mask, node } = composing;
    if (mask !== undefined && dialect === 'tfjs') throw countsPadding(composing);
    composing.add(node.type, '', node.inputs);
    if (mask !== undefined)
      composing.note(`"${node.name}" (${node.type}): of a row that is nothing but padding Keras gives NaN, and Perennial 0.`);
  },
  gaussianSampling(composing) {
    composing.note(`"${composing.node.name}" (gaussianSampling): left out; as in predictions, the means go on in place of draws.`);
    composing.pass(composing.node.inputs[0]!);
  },
  spectralNormalization(composing) {
    const { definition, config } = wrappedLayer(layerRegistry, composing.node.config.layer as LayerConfig, 'spectralNormalization');
    if (composing.mask !== undefined) throw refusal(composing, 'drops a mask, which the layer inside would keep there');
    const specs = definition.weights(composing.inputs, config);
    const values = Object.fromEntries(specs.map(({ name }) => [name, composing.weight(name)]));
    const kernel = values.kernel === undefined ? 'embeddings' : 'kernel';
    const width = specs.find(({ name }) => name === kernel)!.shape.at(-1)!;
    const largest = largestSingularValue(values[kernel]!, composing.weight('vectorU'), width);
    composing.note(
      `"${composing.node.name}" (spectralNormalization): the ${definition.type} layer inside, with its kernel divided by its largest singular value for good.`,
    );
    composing.add(definition.type, '', composing.node.inputs, config, {
      ...values,
      [kernel]: values[kernel]!.map((value) => value / largest),
    });
  },
};

/** A layer that gives the same values whatever it reads, and keeps the mask: batch normalization with a factor of 0. */
function addConstant(composing: Composing, suffix: string, read: string, values: Float32Array): string {
  const width = values.length;
  return composing.add(
    'batchNormalization',
    suffix,
    [read],
    {},
    { gamma: filled(width, 0), beta: values, movingMean: filled(width, 0), movingVariance: filled(width, 1) },
  );
}

/** x plus a vector per place: slopes below 0, one per place and feature, make the vectors of a constant −1. */
function addPlaces(composing: Composing, places: Float32Array, trained: boolean): void {
  const [read] = composing.node.inputs as [string];
  const below = addConstant(composing, 'minus_one', read, filled(composing.inputs[0]!.at(-1)!, -1));
  const vectors = composing.add('prelu', 'vectors', [below], {}, { alpha: places.map((value) => -value) });
  composing.add('add', '', [read, vectors]);
  composing.note(
    `"${composing.node.name}" (${composing.node.type}): ${trained ? 'trained vectors' : 'waves'} of the places, written as standard layers; "${vectors}" holds them, times −1.`,
  );
}

function addPooling(composing: Composing): void {
  const { node, mask } = composing;
  const [steps, features] = composing.inputs[0] as [number, number];
  const [read] = node.inputs as [string];
  const { pooling } = node.config as { pooling: 'average' | 'max' | 'first' | 'last' };
  if (pooling === 'first' || (pooling === 'last' && mask === undefined)) {
    const cropped = composing.add('cropping1d', 'step', [read], { cropping: pooling === 'first' ? [0, steps - 1] : [steps - 1, 0] });
    composing.add('flatten', '', [cropped]);
  } else if (pooling === 'last') {
    // A recurrent layer that only hands on what it reads stops at the last step that counts.
    const unit = new Float32Array(features * features);
    for (let index = 0; index < features; index++) unit[index * features + index] = 1;
    composing.add(
      'simpleRnn',
      '',
      [read],
      { units: features, activation: 'linear', useBias: false },
      { kernel: unit, recurrentKernel: filled(features * features, 0) },
    );
  } else if (mask === undefined) composing.add(pooling === 'average' ? 'globalAveragePooling1d' : 'globalMaxPooling1d', '', [read]);
  else addMaskedPooling(composing, pooling, mask);
}

/** Added to steps that do not count. Half precision holds it. */
const LOWEST = -6e4;

/** What counts is looked up by the ids themselves: tables of one number each. */
function addMaskedPooling(composing: Composing, pooling: 'average' | 'max', mask: MaskSource): void {
  // Its softmax is over the last axis alone.
  if (composing.dialect === 'tfjs' && pooling === 'average') throw countsPadding(composing);
  if (mask === 'other') throw refusal(composing, `pools ("${pooling}") steps under a mask that is not the one of an embedding`);
  const [read] = composing.node.inputs as [string];
  const features = composing.inputs[0]!.at(-1)!;
  const { ids, vocabularySize } = mask;
  const table = (padding: number, others: number): Float32Array => filled(vocabularySize, others).fill(padding, 0, 1);
  const lookUp = (suffix: string, values: Float32Array): string =>
    composing.add('embedding', suffix, [ids], { inputDim: vocabularySize, outputDim: 1, maskZero: false }, { embeddings: values });
  const wide = (suffix: string, column: string): string =>
    composing.add('dense', suffix, [column], { units: features, useBias: false }, { kernel: filled(features, 1) });
  const anyStep = wide('any', composing.add('globalMaxPooling1d', 'counted', [lookUp('counts', table(0, 1))]));
  const lowered = lookUp('lowered', table(LOWEST, 0));
  let pooled: string;
  if (pooling === 'max')
    pooled = composing.add('globalMaxPooling1d', 'largest', [composing.add('add', 'steps', [read, wide('lowering', lowered)])]);
  else
    pooled = composing.add('flatten', 'mean', [
      composing.add('dot', 'sums', [read, composing.add('softmax', 'shares', [lowered], { axis: 1 })], { axes: 1 }),
    ]);
  composing.add('multiply', '', [pooled, anyStep]);
}

function countsPadding(composing: Composing): PerennialError {
  return refusal(composing, 'takes the mean over the steps that are no padding, and TensorFlow.js one over all steps');
}

function refusal({ node }: Composing, problem: string): PerennialError {
  return new PerennialError('MODEL_INVALID', `The layer "${node.name}" (${node.type}) cannot be exported as layers: it ${problem}.`, {
    hint: 'Export a "savedModel" or a "tfjsGraph": they hold the computation itself.',
    details: { layer: node.name, type: node.type },
  });
}

/** As the layer estimates it in predictions: of the matrix [rest, width], from its vector u. */
function largestSingularValue(kernel: Float32Array, u: Float32Array, width: number): number {
  const rows = kernel.length / width;
  const v = Float64Array.from({ length: rows }, (_, row) =>
    u.reduce((sum, value, column) => sum + value * kernel[row * width + column]!, 0),
  );
  const norm = Math.sqrt(
    Math.max(
      1e-14,
      v.reduce((sum, value) => sum + value * value, 0),
    ),
  );
  return v.reduce(
    (sum, value, row) => sum + (value / norm) * u.reduce((inner, other, column) => inner + other * kernel[row * width + column]!, 0),
    0,
  );
}
