import type { Json, JsonObject, JsonSchema } from '../../core/json.ts';
import type { LayerDefinition } from '../layers/layer.ts';
import type { Shape } from '../layers/shapes.ts';
import { withDefaults } from '../model/named.ts';
import type { Named } from '../model/named.ts';
import type { KerasMapping, KerasReading, KerasWriting } from './mapping.ts';
import {
  activationFromKeras,
  activationToKeras,
  constraintFromKeras,
  constraintToKeras,
  initializerFromKeras,
  initializerToKeras,
  regularizerFromKeras,
  regularizerToKeras,
  snakeCase,
} from './names.ts';

/** The configuration of a layer under Keras's keys; `bidirectional` also asks for that of its cell. @throws what `writing.refuse` gives */
export function layerConfigToKeras(
  definition: LayerDefinition,
  mapping: KerasMapping,
  config: Readonly<Record<string, unknown>>,
  writing: KerasWriting,
): JsonObject {
  const properties = definition.configSchema.properties as Record<string, JsonSchema>;
  const full = withDefaults(definition.configSchema, config);
  const translated: JsonObject = {};
  for (const key of Object.keys(properties)) {
    if (key === 'name' || key === 'inputs' || full[key] === undefined || mapping.omit?.includes(key) === true) continue;
    translated[mapping.keys?.[key] ?? snakeCase(key)] = valueToKeras(key, perAxis(full[key], properties[key]!), mapping, writing);
  }
  const fixed = { ...translated, ...mapping.fixed };
  return mapping.toKeras === undefined ? fixed : mapping.toKeras(fixed, full, writing);
}

/** One number for all axes, as a number for each: TF.js wants it so. */
function perAxis(value: unknown, { oneOf }: JsonSchema): unknown {
  const list = (oneOf as JsonSchema[] | undefined)?.find(
    ({ type, minItems, maxItems }) => type === 'array' && minItems === maxItems && Number(minItems) > 1,
  );
  return list === undefined || typeof value !== 'number' ? value : Array.from({ length: Number(list.minItems) }, () => value);
}

function valueToKeras(key: string, value: unknown, mapping: KerasMapping, { dialect, refuse }: KerasWriting): Json {
  if (/initializer$/i.test(key)) return initializerToKeras(value as Named);
  if (/regularizer$/i.test(key)) return regularizerToKeras(value as object);
  if (/constraint$/i.test(key)) return constraintToKeras(value as Named);
  if (!/activation$/i.test(key)) return value as Json;
  const name = activationToKeras(value as Named, dialect);
  if (name === undefined && mapping.classFor === undefined)
    throw refuse(`the activation ${JSON.stringify(value)}, for which there is no name there`);
  return name ?? null;
}

/** Settings that have no say in what a model predicts, or that a layer takes for granted. */
const IGNORED =
  /^(name|trainable|dtype|batch_shape|batch_input_shape|input_shape|input_dtype|input_length|seed|implementation|unroll|ragged|sparse|use_cudnn|quantization_config|supports_masking|registered_name|module|build_config|autocast|synchronized|fused|renorm_clipping|renorm_momentum|virtual_batch_size|adjustment|.*_(initializer|regularizer|constraint)|lora_rank|lora_alpha|quantization_mode|gptq_.*|awq_.*)$/;
/** Settings that a layer may leave out, with the value that it then has. */
const NEUTRAL: Readonly<Record<string, Json>> = {
  data_format: 'channels_last',
  dilation_rate: 1,
  groups: 1,
  use_bias: true,
  depth_multiplier: 1,
  scale: true,
  center: true,
  axis: -1,
  merge_mode: 'concat',
  interpolation: 'nearest',
};

/**
 * The configuration of a layer from Keras's; `bidirectional` also asks for that of its cell.
 *
 * @throws MODEL_INVALID for settings that it cannot have
 */
export function kerasConfig(
  keras: JsonObject,
  kwargs: JsonObject,
  definition: LayerDefinition,
  mapping: KerasMapping,
  reading: KerasReading,
  note: (text: string) => void = () => {},
): Record<string, unknown> {
  const properties = definition.configSchema.properties as Record<string, JsonSchema>;
  const translated: Record<string, unknown> = {};
  const seen = new Set(mapping.reads);
  for (const [key, schema] of Object.entries(properties)) {
    if (key === 'name' || key === 'inputs' || mapping.omit?.includes(key) === true) continue;
    const theirs = mapping.keys?.[key] ?? snakeCase(key);
    seen.add(theirs);
    const value = valueFromKeras(key, keras[theirs], schema, reading);
    if (value !== undefined) translated[key] = value;
  }
  for (const [key, value] of Object.entries(keras)) if (!seen.has(key)) checkOther(key, value, mapping, reading, note);
  for (const [key, value] of Object.entries(kwargs))
    if (!isNothing(value) && !seen.has(key) && !/^(training|mask)$/.test(key))
      throw reading.refuse(`the argument ${key}: ${short(value)} in its call, which is not known here`);
  const corrected = mapping.fromKeras === undefined ? translated : mapping.fromKeras(translated, { ...keras, ...kwargs }, reading);
  for (const key of (definition.configSchema.required ?? []) as string[])
    if (corrected[key] === undefined) throw reading.refuse(`no "${mapping.keys?.[key] ?? snakeCase(key)}"`);
  const config = withDefaults(definition.configSchema, corrected);
  checkValues(config, properties, reading);
  return config;
}

function valueFromKeras(key: string, value: Json | undefined, schema: JsonSchema, reading: KerasReading): unknown {
  if (value === undefined) return undefined;
  if (/activation$/i.test(key)) return activationFromKeras(value, reading);
  if (/initializer$/i.test(key)) return initializerFromKeras(value);
  if (/regularizer$/i.test(key)) return regularizerFromKeras(value);
  if (/constraint$/i.test(key)) return constraintFromKeras(value);
  if (value === null) return undefined;
  if (schema.type === 'integer' && Array.isArray(value)) {
    if (value.length === 0 || value.some((each) => each !== value[0]))
      throw reading.refuse(`the ${snakeCase(key)} ${short(value)}; one number for all axes is read`);
    return value[0];
  }
  return value;
}

/** Settings of Keras that the layer does not have. */
function checkOther(key: string, value: Json, mapping: KerasMapping, { inputs, refuse }: KerasReading, note: (text: string) => void): void {
  if (key === 'activity_regularizer' && value !== null) note('its activity regularizer is left out: it has no say in predictions.');
  if (mapping.fixed !== undefined && Object.hasOwn(mapping.fixed, key)) {
    if (!same(value, mapping.fixed[key]!, inputs)) throw refuse(`${key}: ${short(value)}; only ${short(mapping.fixed[key]!)} is read`);
    return;
  }
  if (IGNORED.test(key) || isNothing(value)) return;
  const neutral = NEUTRAL[key];
  if (neutral === undefined) throw refuse(`the setting ${key}: ${short(value)}, which is not known here`);
  if (!same(value, neutral, inputs)) throw refuse(`${key}: ${short(value)}; only ${short(neutral)} is read`);
}

const isNothing = (value: Json): boolean => value === null || value === false || (Array.isArray(value) && value.length === 0);
const short = (value: unknown): string => JSON.stringify(value).slice(0, 60);

/** Numbers for all axes may be given for each; the last axis has two names. */
function same(value: Json, expected: Json, inputs: readonly Shape[]): boolean {
  const values = Array.isArray(value) && !Array.isArray(expected) ? value : [value];
  return (
    values.length > 0 &&
    values.every((each) => JSON.stringify(each) === JSON.stringify(expected) || (expected === -1 && each === inputs[0]?.length))
  );
}

/** What a hostile file could set: sizes and names outside what the schema allows. */
function checkValues(config: Record<string, unknown>, properties: Record<string, JsonSchema>, { refuse }: KerasReading): void {
  for (const [key, value] of Object.entries(config)) {
    const schema = properties[key];
    if (value !== undefined && schema !== undefined && !fits(schema, value))
      throw refuse(`${snakeCase(key)}: ${short(value)}, which it cannot have here`);
  }
}

const SIZE_MAX = 2 ** 31;

/** The keywords that the schemas of layers use; references are not followed. */
function fits(schema: JsonSchema, value: unknown): boolean {
  const branches = (schema.oneOf ?? schema.anyOf) as JsonSchema[] | undefined;
  if (branches !== undefined) return branches.some((branch) => fits(branch, value));
  if ('const' in schema) return value === schema.const;
  if (Array.isArray(schema.enum)) return schema.enum.includes(value);
  if (Array.isArray(value)) {
    const items = schema.items as JsonSchema | undefined;
    return (
      (schema.type === undefined || schema.type === 'array') &&
      value.length >= Number(schema.minItems ?? 0) &&
      value.length <= Number(schema.maxItems ?? 64) &&
      value.every((item) => items === undefined || fits(items, item))
    );
  }
  if (schema.type === 'boolean') return typeof value === 'boolean';
  if (schema.type === 'string') return typeof value === 'string';
  if (schema.type === 'array') return false;
  if (schema.type !== 'integer' && schema.type !== 'number') return true;
  if (
    typeof value !== 'number' ||
    !Number.isFinite(value) ||
    (schema.type === 'integer' && (!Number.isInteger(value) || Math.abs(value) > SIZE_MAX))
  )
    return false;
  return (
    value >= Number(schema.minimum ?? -Infinity) &&
    value <= Number(schema.maximum ?? Infinity) &&
    value > Number(schema.exclusiveMinimum ?? -Infinity) &&
    value < Number(schema.exclusiveMaximum ?? Infinity)
  );
}
