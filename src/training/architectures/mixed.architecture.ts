import { PerennialError } from '../../core/errors.ts';
import { FEATURES } from '../../data/preprocess/fitted-column.ts';
import { defineArchitecture } from './architecture.ts';
import type { SettingProblem } from './architecture.ts';
import { LayerList, dropoutRate, unitsList } from './shared/architecture-parts.ts';
import { addEncoder, encoderRegistry } from './shared/encoders.ts';
import { nameAndConfig, withDefaults } from '../model/named.ts';
import type { Named } from '../model/named.ts';
import { activation, bool } from '../model/schema-parts.ts';

interface Config {
  readonly encoders: Readonly<Record<string, Named>>;
  readonly units: readonly number[];
  readonly activation: string;
  readonly dropout: number;
  readonly batchNormalization: boolean;
}

export default defineArchitecture<Config>({
  name: 'mixed',
  summary:
    'Several inputs of any kind, such as numbers, categories, texts and images: each goes through an encoder of its own, their vectors are joined, then dense layers.',
  properties: {
    encoders: {
      type: 'object',
      default: {},
      additionalProperties: { $ref: '#/definitions/encoder' },
      description: `What each input goes through, by its name: an architecture without its output layer, with its settings. Inputs are named by their columns; numbers and one-hot columns together are "${FEATURES}". Left out: cnn for images, textCnn for texts, rnn for windows, an embedding for categories ("lookup"), and numbers as they are.`,
      examples: [
        {
          photo: { cnn: { filters: [16, 32], units: [32] } },
          description: { transformer: { layers: 1 } },
          features: { mlp: { units: [32] } },
        },
      ],
    },
    units: unitsList('Widths of the dense layers after the inputs are joined.', [64]),
    activation: activation('relu'),
    dropout: dropoutRate(),
    batchNormalization: bool('Normalize between each of these dense layers and its activation.', false),
  },
  check: ({ encoders }): readonly SettingProblem[] =>
    Object.entries(encoders ?? {}).flatMap(([input, named]) => {
      const [name, settings] = nameAndConfig('encoder', named);
      const definition = encoderRegistry.find(name);
      const problems = definition?.check?.(withDefaults(definition.configSchema, settings)) ?? [];
      return problems.map(({ setting, message, fix }) => ({
        setting: `encoders/${input.replaceAll('~', '~0').replaceAll('/', '~1')}/${name}/${setting}`,
        message,
        fix,
      }));
    }),
  expand({ encoders, units, ...dense }, inputs, target) {
    const names = inputs.map(({ name }) => name);
    const unknown = Object.keys(encoders).find((name) => !names.includes(name));
    if (unknown !== undefined) {
      throw new PerennialError(
        'MODEL_INVALID',
        `"encoders" names "${unknown}", which is no input; the inputs are ${names.map((name) => `"${name}"`).join(', ')}.`,
        {
          hint: `Numbers and one-hot columns are joined to the input "${FEATURES}"; other columns are inputs by their own names.`,
        },
      );
    }
    const list = new LayerList(inputs);
    const encoded = inputs.map((input) => addEncoder(list, input, encoders[input.name]));
    if (encoded.length > 1) list.add({ type: 'concatenate', name: 'joined', inputs: encoded });
    return list.dense(units, dense).head(target);
  },
});
