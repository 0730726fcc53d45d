import { nameAndConfig } from '../model/named.ts';
import type { Named } from '../model/named.ts';
import type { KerasMapping } from './mapping.ts';
import { activationToKeras } from './names.ts';

interface Config {
  readonly activation: Named;
}

/** Activations with settings are layers of their own in Keras. */
const CLASSES: Readonly<Record<string, string>> = { relu: 'ReLU', leakyRelu: 'LeakyReLU', elu: 'ELU' };

/** The layer that an activation with settings is there; undefined where there is none. */
export const activationClass = (activation: Named): string | undefined => CLASSES[nameAndConfig('activation', activation)[0]];

export const activationMapping: KerasMapping<Config> = {
  className: 'Activation',
  aliases: ['ReLU', 'LeakyReLU', 'ELU', 'Softmax'],
  accepts: (name, { axis }) => name !== 'Softmax' || axis === undefined || axis === -1,
  reads: ['max_value', 'negative_slope', 'threshold', 'alpha'],
  classFor({ activation }, { dialect, refuse }) {
    if (activationToKeras(activation, dialect) !== undefined) return undefined;
    const className = activationClass(activation);
    if (className === undefined) throw refuse(`the activation ${JSON.stringify(activation)}, for which there is no layer there`);
    return className;
  },
  toKeras(translated, { activation }) {
    if (translated.activation !== null) return translated;
    const [name, settings] = nameAndConfig('activation', activation) as [string, Record<string, number | undefined>];
    const { activation: _none, ...rest } = translated;
    // Keras 2 and TF.js call the slope of LeakyReLU alpha; Keras 3 reads that too.
    if (name === 'leakyRelu') return { ...rest, alpha: settings.negativeSlope ?? 0.2 };
    if (name === 'elu') return { ...rest, alpha: settings.alpha ?? 1 };
    return {
      ...rest,
      max_value: settings.maxValue ?? null,
      negative_slope: settings.negativeSlope ?? 0,
      threshold: settings.threshold ?? 0,
    };
  },
  fromKeras(translated, keras, { className, refuse }) {
    if (className === 'Activation') return translated;
    const number = (key: string, fallback: number): number => {
      const value: unknown = keras[key] ?? fallback;
      if (typeof value !== 'number' || !Number.isFinite(value)) throw refuse(`${key}: ${JSON.stringify(value).slice(0, 40)}`);
      return value;
    };
    if (className === 'Softmax') return { activation: 'softmax' };
    if (className === 'LeakyReLU')
      return { activation: { leakyRelu: { negativeSlope: number(keras.negative_slope === undefined ? 'alpha' : 'negative_slope', 0.3) } } };
    if (className === 'ELU') return { activation: { elu: { alpha: number('alpha', 1) } } };
    const most = keras.max_value === null || keras.max_value === undefined ? {} : { maxValue: number('max_value', 0) };
    const settings = {
      ...most,
      ...(number('negative_slope', 0) === 0 ? {} : { negativeSlope: number('negative_slope', 0) }),
      ...(number('threshold', 0) === 0 ? {} : { threshold: number('threshold', 0) }),
    };
    return { activation: Object.keys(settings).length === 0 ? 'relu' : { relu: settings } };
  },
};
