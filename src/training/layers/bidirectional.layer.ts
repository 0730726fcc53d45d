import { bidirectionalMapping } from '../keras/bidirectional.ts';
import { defineLayer } from '../layer.ts';
import { CELLS, RECURRENT_DEFAULTS, gateProperties, recurrentProperties, recurrentShape, unroll } from '../recurrent.ts';
import type { GruConfig, LstmConfig } from '../recurrent.ts';
import { withPrefix, withoutPrefix } from '../weights.ts';

type Config = Omit<LstmConfig & GruConfig, 'goBackwards'> & {
  readonly cell: 'lstm' | 'gru' | 'simpleRnn';
  readonly merge: 'concat' | 'sum' | 'average';
};

const base = { ...RECURRENT_DEFAULTS, recurrentActivation: 'sigmoid', unitForgetBias: true, resetAfter: true } as const;
const { goBackwards: _goBackwards, recurrentActivation: _activation, ...shared } = { ...recurrentProperties(), ...gateProperties() };

export default defineLayer<Config>({
  type: 'bidirectional',
  summary: 'Two recurrent layers over a sequence, one from each end, with their outputs joined. Gates are as in lstm and gru by default.',
  keras: bidirectionalMapping,
  properties: {
    cell: { enum: ['lstm', 'gru', 'simpleRnn'], default: 'lstm', description: 'Kind of the recurrent layers.', examples: ['gru'] },
    merge: { enum: ['concat', 'sum', 'average'], default: 'concat', description: 'How the two outputs are joined.', examples: ['sum'] },
    ...shared,
  },
  required: ['units'],
  outputShape(inputs, config) {
    const shape = recurrentShape(inputs, { ...config, goBackwards: false }, 'bidirectional');
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
    if (config.merge === 'concat') return tf.concat([forward, backward], -1);
    const sum = tf.add(forward, backward);
    return config.merge === 'sum' ? sum : tf.div(sum, 2);
  },
  mask: (_tf, _inputs, config, [mask]) => (config.returnSequences ? mask : undefined),
  examples: [
    { inputs: [[5, 3]], config: { ...base, units: 4, cell: 'lstm', merge: 'concat' } },
    { inputs: [[5, 3]], config: { ...base, units: 4, cell: 'gru', merge: 'sum', returnSequences: true } },
    { inputs: [[5, 3]], config: { ...base, units: 2, cell: 'simpleRnn', merge: 'average' } },
  ],
});
