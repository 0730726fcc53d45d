import { freeName, namesIn } from '../../model/free-name.ts';
import { PerennialError } from '../../../core/errors.ts';
import type { JsonSchema } from '../../../core/json.ts';
import type { AnomalyOutput, TensorBatch, TensorSpec } from '../../../core/tensor.ts';
import type { ErrorKind } from '../../layers/reconstructionError.layer.ts';
import type { LayerNode, Topology } from '../../model/model-config.ts';
import { number } from '../../model/schema-parts.ts';
import { product, showShape } from '../../layers/shapes.ts';

/** Settings of the objective "reconstruction", defaults filled in. */
export interface ReconstructionConfig {
  readonly quantile: number;
  readonly error: ErrorKind;
}

export const reconstructionProperties: Readonly<Record<string, JsonSchema>> = {
  quantile: number(
    'A row is an anomaly where its score is above this quantile of the scores of the validation rows (training rows where there are none).',
    0.99,
    0.995,
    { exclusiveMinimum: 0, maximum: 1 },
  ),
  error: {
    enum: ['squared', 'absolute'],
    default: 'squared',
    description: 'The score: mean square, or mean size, of the differences between a row and its reconstruction.',
    examples: ['absolute'],
  },
};

export const SCORE_LAYER = 'anomaly_score';

/** A network that rebuilds its inputs, with the layer behind it that says how far off it is: what the model answers. */
export function withScore(topology: Topology, { error }: Pick<ReconstructionConfig, 'error'>): Topology {
  const name = freeName(SCORE_LAYER, namesIn(topology));
  const score: LayerNode = {
    name,
    type: 'reconstructionError',
    config: { error },
    inputs: [...topology.inputs.map((input) => input.name), topology.output],
  };
  return { ...topology, layers: [...topology.layers, score], output: name };
}

/** The network without the layer of {@link withScore}: inputs in, what they were rebuilt as out. undefined where there is none. */
export function withoutScore(topology: Topology): Topology | undefined {
  const last = topology.layers.at(-1)!;
  if (last.type !== 'reconstructionError' || last.name !== topology.output) return undefined;
  return { ...topology, layers: topology.layers.slice(0, -1), output: last.inputs.at(-1)! };
}

/** What a reconstruction of these inputs looks like: one input has its own shape, several are one row of values. */
export function rebuiltShape(inputs: readonly TensorSpec[]): readonly number[] {
  return inputs.length === 1 ? inputs[0]!.shape : [inputs.reduce((sum, input) => sum + product(input.shape), 0)];
}

/** @throws MODEL_INVALID for ids, between which there is no distance */
export function requireNumericInputs(inputs: readonly TensorSpec[]): void {
  const ids = inputs.find((input) => input.vocabularySize !== undefined);
  if (ids === undefined) return;
  throw new PerennialError(
    'MODEL_INVALID',
    `The input "${ids.name}" ${showShape(ids.shape)} holds ids of tokens or categories, which cannot be rebuilt: there is no distance between ids.`,
    {
      hint: `Leave "${ids.name}" out of the features, or make numbers of it: "oneHot" for categories.`,
    },
  );
}

/** Values that an activation can give; left out: any. */
const RANGES: Readonly<Record<string, readonly [number, number]>> = {
  sigmoid: [0, 1],
  hardSigmoid: [0, 1],
  hardSigmoidV2: [0, 1],
  sparseSigmoid: [0, 1],
  softmax: [0, 1],
  sparsemax: [0, 1],
  tanh: [-1, 1],
  hardTanh: [-1, 1],
  softsign: [-1, 1],
  relu6: [0, 6],
  relu: [0, Infinity],
  softplus: [0, Infinity],
  sparsePlus: [0, Infinity],
  squareplus: [0, Infinity],
  exponential: [0, Infinity],
};

/** Rounding of scaled values does no harm. */
const TOLERANCE = 1e-3;

/** @throws DATA_INVALID where an input holds values that the last activation cannot give, however long it is trained */
export function requireReachable(activation: string, inputs: readonly TensorSpec[], rows: TensorBatch): void {
  const range = RANGES[activation];
  if (range === undefined) return;
  for (const { name } of inputs) {
    const { data } = rows[name]!;
    let [low, high] = [Infinity, -Infinity];
    for (const value of data) {
      if (value < low) low = value;
      if (value > high) high = value;
    }
    if (low >= range[0] - TOLERANCE && high <= range[1] + TOLERANCE) continue;
    throw new PerennialError(
      'DATA_INVALID',
      `The input "${name}" has values from ${shown(low)} to ${shown(high)}, but the model ends with ${activation}, which gives values ${range[1] === Infinity ? `from ${range[0]} on` : `from ${range[0]} to ${range[1]}`} only: it cannot rebuild them.`,
      {
        hint: 'End with "linear" ("outputActivation" of the architecture autoencoder) and a loss for numbers such as "meanSquaredError"; or scale the columns with "minMax" (numbers) or "rescale" (images).',
      },
    );
  }
}

const shown = (value: number): string => String(Number(value.toPrecision(4)));

/** The value below which the given share of the scores lies, between two of them in proportion. */
export function quantileOf(scores: Float32Array, share: number): number {
  const sorted = Float64Array.from(scores).sort();
  const at = share * (sorted.length - 1);
  const low = sorted[Math.floor(at)]!;
  return low + (sorted[Math.ceil(at)]! - low) * (at - Math.floor(at));
}

export function anomalyOutput(
  { error, quantile }: ReconstructionConfig,
  scores: Float32Array,
  split: 'train' | 'validation',
): AnomalyOutput {
  return {
    kind: 'anomaly',
    name: 'anomaly',
    error,
    threshold: quantileOf(scores, quantile),
    calibration: { quantile, split, rows: scores.length },
  };
}
