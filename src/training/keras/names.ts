import type { Json, JsonObject } from '../../core/json.ts';
import { ACTIVATION_NAMES } from '../activations.ts';
import { INITIALIZER_NAMES } from '../initializers.ts';
import type { KerasReading } from './mapping.ts';

export const snakeCase = (name: string): string => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
export const camelCase = (name: string): string => name.replace(/_+([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());

/** Names that are not the same in the other case. */
const ACTIVATIONS_READ: Readonly<Record<string, string>> = { swish: 'silu' };

export const activationToKeras = (name: string): string => snakeCase(name);

/** @param value a name, or a serialized function with its name */
export function activationFromKeras(value: Json | undefined, { version, refuse }: KerasReading): string {
  if (value === null || value === undefined) return 'linear';
  const name = typeof value === 'string' ? value : nameOfObject(value);
  if (name === undefined) throw refuse(`an activation that is no name: ${JSON.stringify(value).slice(0, 80)}`);
  const camel = ACTIVATIONS_READ[name] ?? camelCase(name);
  // The slope of Keras 2 and TF.js is 0.2, that of Keras 3 is 1/6.
  const ours = camel === 'hardSigmoid' && version === 2 ? 'hardSigmoidV2' : camel;
  if (!(ACTIVATION_NAMES as readonly string[]).includes(ours)) throw refuse(`the activation "${name}", which is not known here. Known are ${ACTIVATION_NAMES.join(', ')}`);
  return ours;
}

/** Of `{ class_name: "function", config: "relu" }` or `{ class_name: "ReLU" }`. */
function nameOfObject(value: Json): string | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  const { class_name: className, config } = value;
  if (typeof config === 'string') return config;
  if (typeof className !== 'string') return undefined;
  return snakeCase(className.replace(/^ReLU$/, 'relu').replace(/^[A-Z]/, (letter) => letter.toLowerCase()));
}

const SPECIAL_INITIALIZERS: Readonly<Record<string, { readonly className: string; readonly config: JsonObject }>> = {
  uniform: { className: 'RandomUniform', config: { minval: -0.05, maxval: 0.05, seed: null } },
  normal: { className: 'RandomNormal', config: { mean: 0, stddev: 0.05, seed: null } },
};
const WITHOUT_SEED: ReadonlySet<string> = new Set(['zeros', 'ones', 'identity', 'constant']);

export function initializerToKeras(name: string): JsonObject {
  const { className, config } = SPECIAL_INITIALIZERS[name] ?? { className: name[0]!.toUpperCase() + name.slice(1), config: WITHOUT_SEED.has(name) ? {} : { seed: null } };
  return { class_name: className, config };
}

/** undefined where there is none of the kind: weights come from the file, and training goes on from them. */
export function initializerFromKeras(value: Json | undefined): string | undefined {
  const name = typeof value === 'string' ? camelCase(value) : (value as JsonObject | null | undefined)?.class_name;
  if (typeof name !== 'string') return undefined;
  const special = Object.keys(SPECIAL_INITIALIZERS).find((key) => SPECIAL_INITIALIZERS[key]!.className.toLowerCase() === name.toLowerCase());
  return special ?? INITIALIZER_NAMES.find((known) => known.toLowerCase() === name.toLowerCase());
}

export function regularizerToKeras({ l1 = 0, l2 = 0 }: { readonly l1?: number; readonly l2?: number }): JsonObject {
  return { class_name: 'L1L2', config: { l1, l2 } };
}

/** undefined where there is none, or one that is not known here: it has no say in predictions. */
export function regularizerFromKeras(value: Json | undefined): { l1?: number; l2?: number } | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  const config = (value.config ?? {}) as JsonObject;
  if (!/^(l1|l2|l1l2|l1_l2)$/i.test(String(value.class_name))) return undefined;
  const factor = (key: string): number => (typeof config[key] === 'number' && config[key] > 0 ? config[key] : 0);
  const [l1, l2] = [factor('l1'), factor('l2')];
  return l1 === 0 && l2 === 0 ? undefined : { ...(l1 > 0 ? { l1 } : {}), ...(l2 > 0 ? { l2 } : {}) };
}
