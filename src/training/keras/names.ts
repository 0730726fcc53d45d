import type { KerasDialect } from './mapping.ts';
import type { Json, JsonObject, JsonSchema } from '../../core/json.ts';
import { activations } from '../layers/activations.ts';
import { constraints } from '../layers/constraints.ts';
import { initializers } from '../layers/initializers.ts';
import { nameAndConfig, withDefaults } from '../model/named.ts';
import type { Named } from '../model/named.ts';
import type { KerasReading } from './mapping.ts';

export const snakeCase = (name: string): string => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
export const camelCase = (name: string): string => name.replace(/_+([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
const pascalCase = (name: string): string => name[0]!.toUpperCase() + name.slice(1);

interface Definition {
  readonly name: string;
  readonly configSchema: JsonSchema;
}

/** "GlorotUniform", "glorot_uniform" and "glorotUniform" are one name. */
function findByName(all: readonly Definition[], name: string): Definition | undefined {
  const plain = name.replace(/_/g, '').toLowerCase();
  return all.find((definition) => definition.name.toLowerCase() === plain);
}

/** Settings in snake case, defaults included; words like "fanIn" as well. */
function settingsToKeras({ configSchema }: Definition, settings: Readonly<Record<string, unknown>>): JsonObject {
  const properties = (configSchema.properties ?? {}) as Record<string, JsonSchema>;
  return Object.fromEntries(
    Object.entries(withDefaults(configSchema, settings)).map(([key, value]) => [
      snakeCase(key),
      (properties[key]?.enum === undefined ? value : snakeCase(String(value))) as Json,
    ]),
  );
}

/** Of the settings in a file those that are known here. */
function settingsFromKeras({ configSchema }: Definition, config: JsonObject): Record<string, unknown> {
  const properties = (configSchema.properties ?? {}) as Record<string, JsonSchema>;
  const settings: Record<string, unknown> = {};
  for (const [key, schema] of Object.entries(properties)) {
    const value = config[snakeCase(key)];
    if (value !== undefined && value !== null && JSON.stringify(value) !== JSON.stringify(schema.default))
      settings[key] = schema.enum === undefined ? value : camelCase(String(value));
  }
  return settings;
}

const named = (name: string, settings: Record<string, unknown>): Named =>
  Object.keys(settings).length === 0 ? name : { [name]: settings };

const ACTIVATION_WORDS: Readonly<Record<string, string>> = { swish: 'silu', hard_swish: 'hardSilu', gelu_new: 'gelu' };

/** Functions by one name that differ: the slope of the hard sigmoid was 0.2 before Keras 3. */
const DIALECTS: Readonly<Record<string, KerasDialect>> = { hardSigmoid: 'keras', hardSigmoidV2: 'tfjs' };

/** What `tf.keras` of Keras 2 and Keras 3 both have. */
export const KERAS2_ACTIVATIONS: ReadonlySet<string> = new Set([
  'linear',
  'relu',
  'relu6',
  'leaky_relu',
  'elu',
  'selu',
  'gelu',
  'sigmoid',
  'tanh',
  'softmax',
  'softplus',
  'softsign',
  'silu',
  'mish',
  'exponential',
]);

/** Those of TF.js by its names. */
const TFJS_ACTIVATIONS: Readonly<Record<string, string>> = {
  linear: 'linear',
  relu: 'relu',
  relu6: 'relu6',
  elu: 'elu',
  selu: 'selu',
  gelu: 'gelu',
  sigmoid: 'sigmoid',
  hardSigmoidV2: 'hard_sigmoid',
  tanh: 'tanh',
  softmax: 'softmax',
  logSoftmax: 'log_softmax',
  softplus: 'softplus',
  softsign: 'softsign',
  silu: 'swish',
  mish: 'mish',
};

/** @returns undefined where Keras has no name for it: a function with settings, or one that the dialect computes otherwise */
export function activationToKeras(activation: Named, dialect: KerasDialect): string | undefined {
  const [name, settings] = nameAndConfig('activation', activation);
  const definition = activations.find((each) => each.name === name)!;
  const same =
    JSON.stringify(withDefaults(definition.configSchema, settings)) === JSON.stringify(withDefaults(definition.configSchema, {}));
  // Keras 3.15 computes sparsemax otherwise than it is defined: its shares do not add up to 1.
  if (!same || name === 'sparsemax' || (DIALECTS[name] ?? dialect) !== dialect) return undefined;
  return dialect === 'tfjs' ? TFJS_ACTIVATIONS[name] : snakeCase(name);
}

/** @param value a name, or a serialized function with its name and settings */
export function activationFromKeras(value: Json | undefined, { version, refuse }: KerasReading): Named {
  if (value === null || value === undefined) return 'linear';
  const { name, config } = nameAndSettings(value);
  if (name === undefined) throw refuse(`an activation that is no name: ${JSON.stringify(value).slice(0, 80)}`);
  const definition = findByName(activations, ACTIVATION_WORDS[name] ?? name);
  if (definition === undefined)
    throw refuse(`the activation "${name}", which is not known here. Known are ${activations.map((each) => each.name).join(', ')}`);
  if (definition.name === 'hardSigmoid' && version === 2) return 'hardSigmoidV2';
  return named(definition.name, name === 'gelu_new' ? { approximate: true } : settingsFromKeras(definition, config));
}

/** Of `"relu"`, `{ class_name: "function", config: "relu" }` or `{ class_name: "ReLU", config: { … } }`. */
function nameAndSettings(value: Json): { readonly name: string | undefined; readonly config: JsonObject } {
  if (typeof value === 'string') return { name: value, config: {} };
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return { name: undefined, config: {} };
  const { class_name: className, config } = value;
  if (typeof config === 'string') return { name: config, config: {} };
  const settings = typeof config === 'object' && config !== null && !Array.isArray(config) ? config : {};
  return { name: typeof className === 'string' ? className.replace(/^.*>/, '') : undefined, config: settings };
}

const INITIALIZER_CLASSES: Readonly<Record<string, string>> = { uniform: 'RandomUniform', normal: 'RandomNormal' };

export function initializerToKeras(initializer: Named): JsonObject {
  const [name, settings] = nameAndConfig('initializer', initializer);
  const definition = initializers.find((each) => each.name === name)!;
  const seed: JsonObject = ['zeros', 'ones', 'constant', 'identity'].includes(name) ? {} : { seed: null };
  return { class_name: INITIALIZER_CLASSES[name] ?? pascalCase(name), config: { ...settingsToKeras(definition, settings), ...seed } };
}

/** undefined where there is none of the kind: weights come from the file, and training goes on from them. */
export function initializerFromKeras(value: Json | undefined): Named | undefined {
  const { name, config } = nameAndSettings(value ?? null);
  const definition = name === undefined ? undefined : findByName(initializers, name);
  return definition === undefined ? undefined : named(definition.name, settingsFromKeras(definition, config));
}

export function constraintToKeras(constraint: Named): JsonObject {
  const [name, settings] = nameAndConfig('constraint', constraint);
  return {
    class_name: pascalCase(name),
    config: settingsToKeras(
      constraints.find((each) => each.name === name)!,
      settings,
    ),
  };
}

/** undefined where there is none, or one that is not known here: it has no say in predictions. */
export function constraintFromKeras(value: Json | undefined): Named | undefined {
  const { name, config } = nameAndSettings(value ?? null);
  const definition = name === undefined ? undefined : findByName(constraints, name);
  return definition === undefined ? undefined : named(definition.name, settingsFromKeras(definition, config));
}

export function regularizerToKeras({ l1 = 0, l2 = 0 }: { readonly l1?: number; readonly l2?: number }): JsonObject {
  return { class_name: 'L1L2', config: { l1, l2 } };
}

/** undefined where there is none, or one that is not known here. */
export function regularizerFromKeras(value: Json | undefined): { l1?: number; l2?: number } | undefined {
  const { name, config } = nameAndSettings(value ?? null);
  if (name === undefined || !/^(l1|l2|l1_?l2)$/i.test(name)) return undefined;
  const factor = (key: string): number => (typeof config[key] === 'number' && config[key] > 0 ? config[key] : 0);
  const [l1, l2] = [factor('l1'), factor('l2')];
  return l1 === 0 && l2 === 0 ? undefined : { ...(l1 > 0 ? { l1 } : {}), ...(l2 > 0 ? { l2 } : {}) };
}
