import { hash32 } from '../../../core/prng.ts';
import { PerennialError } from '../../../core/errors.ts';
import type { JsonSchema } from '../../../core/json.ts';
import type { OutputSpec } from '../../../core/tensor.ts';
import type { Objective, ObjectiveContext } from '../objective.ts';
import type { LabelledTensors } from '../labelled.ts';
import { number } from '../../model/schema-parts.ts';
import { showShape } from '../../layers/shapes.ts';
import { statelessGamma, statelessUniform } from '../../tensorflow/tf.ts';
import type { Seed, Tensor, Tf } from '../../tensorflow/tf.ts';

/** Rows that training mixes with others of their batch. */
export interface MixingConfig {
  readonly mixUp?: { readonly alpha: number };
  readonly cutMix?: { readonly alpha: number };
}

const MIX_UP_ALPHA = 0.2;
const CUT_MIX_ALPHA = 1;
const alpha = (fallback: number): JsonSchema =>
  number(
    'Both parameters of the beta distribution that the share of a row is drawn from: near 0 rows stay almost whole, 1 draws evenly.',
    fallback,
    0.4,
    { exclusiveMinimum: 0, maximum: 100 },
  );

export const mixingProperties: Readonly<Record<'mixUp' | 'cutMix', JsonSchema>> = {
  mixUp: {
    type: 'object',
    additionalProperties: false,
    properties: { alpha: alpha(MIX_UP_ALPHA) },
    examples: [{ alpha: 0.2 }],
    description:
      'For labels with classes: while training, each row becomes a weighted mean with another row of its batch, and its label the same mean of both labels.',
  },
  cutMix: {
    type: 'object',
    additionalProperties: false,
    properties: { alpha: alpha(CUT_MIX_ALPHA) },
    examples: [{ alpha: 1 }],
    description:
      'For labels with classes: while training, a box of each image is filled from another image of its batch, and the label is shared by area. With "mixUp" too, each row gets one of both, as chance has it.',
  },
};

/** As a document gives it, defaults filled in; undefined where nothing is mixed. */
export function mixingOf({
  mixUp,
  cutMix,
}: {
  readonly mixUp?: { readonly alpha?: number };
  readonly cutMix?: { readonly alpha?: number };
}): MixingConfig | undefined {
  if (mixUp === undefined && cutMix === undefined) return undefined;
  return {
    ...(mixUp === undefined ? {} : { mixUp: { alpha: mixUp.alpha ?? MIX_UP_ALPHA } }),
    ...(cutMix === undefined ? {} : { cutMix: { alpha: cutMix.alpha ?? CUT_MIX_ALPHA } }),
  };
}

/** @throws CONFIG_INVALID where rows cannot be mixed */
export function checkMixing(
  { mixUp, cutMix }: MixingConfig,
  objective: string,
  { inputs }: Pick<Objective, 'inputs'>,
  output: OutputSpec,
): void {
  const key = mixUp === undefined ? 'cutMix' : 'mixUp';
  const refuse = (problem: string, hint: string): PerennialError => new PerennialError('CONFIG_INVALID', `"${key}" ${problem}`, { hint });
  const outputs = output.kind === 'several' ? output.outputs : [output];
  const other = outputs.find(({ kind }) => kind !== 'classes');
  if (other !== undefined || !['supervised', 'severalOutputs'].includes(objective)) {
    throw refuse(
      `mixes labels with classes, but ${other === undefined ? `the objective ${objective} has none` : other.kind === 'none' ? 'there is no label' : `the label "${other.name}" is a number`}.`,
      `Leave "${key}" out.`,
    );
  }
  const ids = inputs.find(({ vocabularySize }) => vocabularySize !== undefined);
  if (ids !== undefined)
    throw refuse(
      `takes means of rows, but the input "${ids.name}" holds token ids, which have none.`,
      `Leave "${key}" out; for text, use dropout or label smoothing.`,
    );
  const [first] = inputs;
  if (cutMix !== undefined && (inputs.length !== 1 || first!.shape.length !== 3)) {
    throw new PerennialError(
      'CONFIG_INVALID',
      `"cutMix" is for one input of images [height, width, channels], but the inputs are ${inputs.map(({ name, shape }) => `"${name}" ${showShape(shape)}`).join(', ')}.`,
      { hint: 'Use "mixUp", which takes rows of any kind.' },
    );
  }
}

/** The same objective, whose training rows are mixed with others of their batch: by draws that follow from seed and iteration alone. */
export function withMixing(objective: Objective, config: MixingConfig): Objective {
  return {
    ...objective,
    parts: objective.parts.map((part) => ({
      ...part,
      loss: (tf, weights, batch, context) => part.loss(tf, weights, mixed(tf, batch, config, context), context),
    })),
  };
}

function mixed(tf: Tf, batch: LabelledTensors, { mixUp, cutMix }: MixingConfig, { seed, iteration }: ObjectiveContext): LabelledTensors {
  const draw = (of: string): Seed => [hash32(seed, 'mixing', of) | 0, iteration];
  const rows = Object.values(batch.inputs)[0]!.shape[0]!;
  const { indices } = tf.topk(statelessUniform(tf, [rows], draw('order')), rows);
  const taken = (tensor: Tensor): Tensor => tf.gather(tensor, indices as import('@tensorflow/tfjs-node').Tensor1D);
  const all = (tensors: LabelledTensors['labels']): Record<string, Tensor> =>
    Object.fromEntries(Object.entries(tensors).map(([name, tensor]) => [name, taken(tensor)]));
  const whole = mixUp === undefined ? undefined : beta(tf, rows, mixUp.alpha, draw('mixUp'));
  const [height, width] = Object.values(batch.inputs)[0]!.shape.slice(1);
  const box =
    cutMix === undefined ? undefined : boxes(tf, [rows, height!, width!], beta(tf, rows, cutMix.alpha, draw('cutMix')), draw('place'));
  // 1 where a row is mixed as a whole.
  const chosen =
    whole === undefined ? 0 : box === undefined ? 1 : tf.cast(tf.less(statelessUniform(tf, [rows], draw('choice')), 0.5), 'float32');
  const blend = (first: Tensor, second: Tensor): Tensor => tf.add(tf.mul(first, chosen), tf.mul(second, tf.sub(1, chosen)));
  const share =
    whole === undefined
      ? tf.sub(1, tf.mean(box!, [1, 2, 3]))
      : box === undefined
        ? whole
        : blend(whole, tf.sub(1, tf.mean(box, [1, 2, 3])));
  const inputs = Object.fromEntries(
    Object.entries(batch.inputs).map(([name, tensor]) => {
      const perRow = (values: Tensor): Tensor => tf.reshape(values, [rows, ...tensor.shape.slice(1).map(() => 1)]);
      const ofWhole = whole === undefined ? undefined : perRow(whole);
      const kept =
        box === undefined
          ? ofWhole!
          : ofWhole === undefined
            ? tf.sub(1, box)
            : tf.add(tf.mul(ofWhole, perRow(chosen as Tensor)), tf.mul(tf.sub(1, box), perRow(tf.sub(1, chosen))));
      return [name, tf.add(tf.mul(tensor, kept), tf.mul(taken(tensor), tf.sub(1, kept)))];
    }),
  );
  return {
    ...batch,
    inputs,
    mixed: { labels: all(batch.labels), share, ...(batch.rowWeights === undefined ? {} : { rowWeights: taken(batch.rowWeights) }) },
  };
}

/** [rows] from Beta(alpha, alpha), as a share of two gammas. */
function beta(tf: Tf, rows: number, concentration: number, [first, second]: Seed): Tensor {
  const own = statelessGamma(tf, [rows], concentration, [hash32(first, 'own') | 0, second]);
  const other = statelessGamma(tf, [rows], concentration, [hash32(first, 'other') | 0, second]);
  // Of a small alpha, both can be too small for a float32: the row then stays as it is.
  return tf.add(tf.div(own, tf.maximum(tf.add(own, other), SMALLEST)), tf.cast(tf.lessEqual(tf.add(own, other), 0), 'float32'));
}

const SMALLEST = 1e-37;

/**
 * 1 inside a box of each image, [rows, height, width, 1]. Its sides are the root of the share that is given away.
 *
 * @see S. Yun et al.: CutMix (2019); boxes lie inside the image, as in Keras
 */
function boxes(tf: Tf, [rows, height, width]: readonly [number, number, number], share: Tensor, seed: Seed): Tensor {
  const side = tf.sqrt(tf.sub(1, share));
  const places = tf.split(statelessUniform(tf, [rows, 2], seed), 2, 1);
  const inside = (length: number, place: Tensor): Tensor => {
    const size = tf.reshape(tf.mul(side, length), [rows, 1]);
    const start = tf.mul(place, tf.sub(length, size));
    const grid = tf.reshape(tf.range(0, length, 1, 'float32'), [1, length]);
    return tf.mul(tf.cast(tf.greaterEqual(grid, start), 'float32'), tf.cast(tf.less(grid, tf.add(start, size)), 'float32'));
  };
  return tf.mul(tf.reshape(inside(height, places[0]!), [rows, height, 1, 1]), tf.reshape(inside(width, places[1]!), [rows, 1, width, 1]));
}

/**
 * Mean of the losses of the rows of a batch, weighted; of mixed rows by the labels of both. For cross-entropy, that is the loss of the
 * soft label.
 */
export function meanLoss(
  tf: Tf,
  { labels, rowWeights, mixed: other }: LabelledTensors,
  losses: (labels: LabelledTensors['labels']) => Tensor,
): Tensor {
  const weighted = (values: Tensor, weights: Tensor | undefined): Tensor => (weights === undefined ? values : tf.mul(values, weights));
  const own = weighted(losses(labels), rowWeights);
  if (other === undefined) return tf.mean(own);
  return tf.mean(tf.add(tf.mul(own, other.share), tf.mul(weighted(losses(other.labels), other.rowWeights), tf.sub(1, other.share))));
}
