import { bidirectionalMapping } from '../keras/bidirectional.ts';
import { penalized } from './shared/activity.ts';
import { defineLayer } from './layer.ts';
import { CELLS, RECURRENT_DEFAULTS, recurrentProperties, recurrentShape, unroll } from './shared/recurrent.ts';
import type { GruConfig, LstmConfig } from './shared/recurrent-config.ts';
import { shapeError } from './shapes.ts';
import type { Tensor, Tf } from '../tensorflow/tf.ts';
import { withPrefix, withoutPrefix } from './shared/weights.ts';

type Gates = 'recurrentActivation' | 'unitForgetBias' | 'resetAfter';

type Config = Omit<LstmConfig & GruConfig, 'goBackwards' | Gates> &
  Partial<Pick<LstmConfig & GruConfig, Gates>> & {
    readonly cell: 'lstm' | 'gru' | 'simpleRnn';
    readonly merge: 'concat' | 'sum' | 'average' | 'multiply';
  };

const base = { ...RECURRENT_DEFAULTS, recurrentActivation: 'sigmoid', unitForgetBias: true, resetAfter: true } as const;
const { goBackwards: _goBackwards, ...shared } = recurrentProperties();
const { goBackwards: _never, ...DEFAULTS } = RECURRENT_DEFAULTS;
/** Which cells have what. */
const GATES: Readonly<Record<Gates, readonly Config['cell'][]>> = {
  recurrentActivation: ['lstm', 'gru'],
  unitForgetBias: ['lstm'],
  resetAfter: ['gru'],
};

export default defineLayer<Config>({
  type: 'bidirectional',
  summary: 'Two recurrent layers over a sequence, one from each end, with their outputs joined. Gates are as in lstm and gru by default.',
  keras: bidirectionalMapping,
  properties: {
    cell: { enum: ['lstm', 'gru', 'simpleRnn'], default: 'lstm', description: 'Kind of the recurrent layers.', examples: ['gru'] },
    merge: {
      enum: ['concat', 'sum', 'average', 'multiply'],
      default: 'concat',
      description: 'How the two outputs are joined.',
      examples: ['sum'],
    },
    ...shared,
    recurrentActivation: {
      allOf: [{ $ref: '#/definitions/activation' }],
      description: 'Activation function of the gates, of an lstm or gru. Default: sigmoid.',
      examples: ['hardSigmoid'],
    },
    unitForgetBias: {
      type: 'boolean',
      description: 'The bias of the forget gate of an lstm starts at 1. Default: true.',
      examples: [false],
    },
    resetAfter: {
      type: 'boolean',
      description: 'The gru applies its reset gate after the product with the state. Default: true.',
      examples: [false],
    },
  },
  required: ['units'],
  outputShape(inputs, config) {
    for (const [key, cells] of Object.entries(GATES)) {
      if (config[key as Gates] !== undefined && !cells.includes(config.cell))
        throw shapeError(
          `"${key}" is a setting of ${cells.join(' and ')}, but the cell is ${config.cell}`,
          `Leave "${key}" out, or choose the cell ${cells[0]!}.`,
        );
    }
    const shape = recurrentShape(inputs, { ...base, ...config }, 'bidirectional');
    return config.merge === 'concat' ? [...shape.slice(0, -1), 2 * config.units] : shape;
  },
  weights([input], config) {
    const each = CELLS[config.cell].weights(input!.at(-1)!, { ...base, ...config });
    return [...withPrefix(each, 'forward'), ...withPrefix(each, 'backward')];
  },
  call(tf, [x], weights, config, context) {
    const full = { ...base, ...config };
    const cell = CELLS[config.cell];
    const forward = unroll(tf, cell, x!, withoutPrefix(weights, 'forward'), { ...full, goBackwards: false }, context, true);
    const [seed, iteration] = context.seed;
    const reverse = { ...context, seed: [~seed, iteration] as const };
    const last = unroll(tf, cell, x!, withoutPrefix(weights, 'backward'), { ...full, goBackwards: true }, reverse, true);
    const backward = config.returnSequences ? tf.reverse(last, 1) : last;
    return penalized(tf, joined(tf, forward, backward, config.merge), config.activityRegularizer, context);
  },
  mask: (_tf, _inputs, config, [mask]) => (config.returnSequences ? mask : undefined),
  examples: [
    { inputs: [[5, 3]], config: { ...DEFAULTS, units: 4, cell: 'lstm', merge: 'concat' } },
    { inputs: [[5, 3]], config: { ...DEFAULTS, units: 4, cell: 'gru', merge: 'sum', returnSequences: true } },
    { inputs: [[5, 3]], config: { ...DEFAULTS, units: 2, cell: 'simpleRnn', merge: 'average' } },
    { inputs: [[5, 3]], config: { ...DEFAULTS, units: 2, cell: 'gru', merge: 'multiply', useBias: false, resetAfter: false } },
  ],
});

function joined(tf: Tf, forward: Tensor, backward: Tensor, merge: Config['merge']): Tensor {
  if (merge === 'concat') return tf.concat([forward, backward], -1);
  if (merge === 'multiply') return tf.mul(forward, backward);
  const sum = tf.add(forward, backward);
  return merge === 'sum' ? sum : tf.div(sum, 2);
}
