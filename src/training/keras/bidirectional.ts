import type { JsonObject } from '../../core/json.ts';
import gru from '../layers/gru.layer.ts';
import lstm from '../layers/lstm.layer.ts';
import simpleRnn from '../layers/simpleRnn.layer.ts';
import { kerasConfig, layerConfigToKeras } from './config.ts';
import type { KerasMapping } from './mapping.ts';
import { snakeCase } from './names.ts';
import { MODULE, wrappedKeras } from './wrapped.ts';

const CELLS = { lstm, gru, simpleRnn };
const MERGES = { concat: 'concat', sum: 'sum', average: 'ave', multiply: 'mul' } as const;

interface Config {
  readonly cell: keyof typeof CELLS;
  readonly merge: keyof typeof MERGES;
}

/** Keras wraps a recurrent layer; here the cell and the way of joining are settings of one layer. */
export const bidirectionalMapping: KerasMapping<Config> = {
  className: 'Bidirectional',
  reads: ['layer', 'backward_layer', 'merge_mode'],
  toKeras(_translated, config, writing) {
    const cell = CELLS[config.cell];
    const { goBackwards: _backwards, ...settings } = config as Config & Record<string, unknown>;
    const inner = layerConfigToKeras(cell, cell.keras!, settings, writing);
    return {
      layer: {
        ...MODULE,
        class_name: cell.keras!.className,
        config: { name: config.cell.toLowerCase(), dtype: 'float32', ...inner, go_backwards: false },
      },
      merge_mode: MERGES[config.merge],
    };
  },
  fromKeras(_translated, keras, reading) {
    const forward = wrappedKeras(keras.layer, reading.refuse);
    const cell = (Object.keys(CELLS) as Config['cell'][]).find((name) => CELLS[name].keras!.className === forward.className);
    if (cell === undefined) throw reading.refuse(`a ${forward.className} inside; LSTM, GRU and SimpleRNN are read`);
    const merge = (Object.keys(MERGES) as Config['merge'][]).find((name) => MERGES[name] === (keras.merge_mode ?? 'concat'));
    if (merge === undefined)
      throw reading.refuse(`the merge_mode ${JSON.stringify(keras.merge_mode)}; "concat", "sum", "ave" and "mul" are read`);
    // Whatever the halves say of masked steps, Keras has them give zeros, as they do here.
    const read = ({ zero_output_for_mask: _forced, ...layer }: JsonObject): Record<string, unknown> =>
      kerasConfig(layer, {}, CELLS[cell], CELLS[cell].keras!, reading);
    const { goBackwards, ...settings } = read(forward.config);
    if (goBackwards === true) throw reading.refuse('a forward layer that goes backwards');
    if (keras.backward_layer !== undefined && keras.backward_layer !== null) {
      const { goBackwards: backwards, ...other } = read(wrappedKeras(keras.backward_layer, reading.refuse).config);
      if (backwards !== true || JSON.stringify(other) !== JSON.stringify(settings))
        throw reading.refuse('two different layers inside; one layer, read from both ends, is read');
    }
    return { ...settings, cell, merge };
  },
  weightPath(weight, { cell }) {
    const [, direction, name] = /^(forward|backward)(.*)$/.exec(weight)!;
    const inner = name![0]!.toLowerCase() + name!.slice(1);
    return `${direction}_${cell.toLowerCase()}/${CELLS[cell].keras!.weightPath?.(inner, {} as never) ?? snakeCase(inner)}`;
  },
};
