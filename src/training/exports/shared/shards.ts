import type { Json, JsonObject, JsonSchema } from '../../../core/json.ts';
import { quantize } from '../../keras/quantization.ts';
import type { QuantizedType } from '../../keras/quantization.ts';
import { matchNames } from '../../transfer/patterns.ts';

/** As TensorFlow.js's converter cuts them. */
const SHARD_BYTES = 4 * 1024 * 1024;

/** Weights of which patterns are packed into which type. */
export type QuantizeConfig = { readonly [Type in QuantizedType]?: string | readonly string[] };

const TYPES: readonly QuantizedType[] = ['uint8', 'uint16', 'float16'];
const MEANINGS: Readonly<Record<QuantizedType, string>> = {
  uint8: '256 steps between the smallest and the largest',
  uint16: '65,536 steps between the smallest and the largest',
  float16: 'half precision',
};

const pattern = (type: QuantizedType): JsonSchema => ({
  oneOf: [
    { type: 'string', minLength: 1 },
    { type: 'array', items: { type: 'string', minLength: 1 }, minItems: 1 },
  ],
  description: `Names of weights that are packed into ${type} (${MEANINGS[type]}); "*" stands for any characters, and the first type that fits is taken.`,
  examples: ['dense*/kernel', '*'],
});

export const quantizeProperty: JsonSchema = {
  type: 'object',
  additionalProperties: false,
  minProperties: 1,
  properties: Object.fromEntries(TYPES.map((type) => [type, pattern(type)])),
  description: 'Packs weights into fewer bytes. What it costs is measured and kept with the export.',
  examples: [{ uint8: '*' }, { float16: ['conv*', 'dense*'] }],
};

/** Differences that packing may make before it counts as a defect. */
export function quantizedBound(config: { readonly quantize?: QuantizeConfig }, exact: number): number {
  const { quantize: types } = config;
  if (types?.uint8 !== undefined) return 0.25;
  return types?.uint16 !== undefined || types?.float16 !== undefined ? 0.02 : exact;
}

export interface ManifestWeight {
  readonly name: string;
  readonly shape: readonly number[];
  readonly dtype: 'float32' | 'int32' | 'bool';
  readonly bytes: Uint8Array;
}

/**
 * Shards and their manifest, in TensorFlow.js's form.
 *
 * @param packable other constants keep their bytes
 * @throws MODEL_INVALID for a pattern that fits no weight
 */
export function encodeShards(
  weights: readonly ManifestWeight[],
  quantizing: QuantizeConfig | undefined,
  packable: (name: string) => boolean = () => true,
): { readonly files: Record<string, Uint8Array>; readonly manifest: JsonObject[] } {
  const types = quantizedTypes(
    weights.filter(({ name }) => packable(name)),
    quantizing ?? {},
  );
  const entries: JsonObject[] = [];
  const parts: Uint8Array[] = [];
  for (const { name, shape, dtype, bytes } of weights) {
    const type = types.get(name);
    const packed = type === undefined ? undefined : quantize(new Float32Array(Uint8Array.from(bytes).buffer), type);
    entries.push({
      name,
      shape: [...shape],
      dtype,
      ...(packed === undefined ? {} : { quantization: packed.quantization as unknown as Json }),
    });
    parts.push(packed?.bytes ?? bytes);
  }
  const all = Buffer.concat(parts);
  const count = Math.max(1, Math.ceil(all.length / SHARD_BYTES));
  const files: Record<string, Uint8Array> = {};
  for (let index = 0; index < count; index++)
    files[`group1-shard${index + 1}of${count}.bin`] = all.subarray(index * SHARD_BYTES, (index + 1) * SHARD_BYTES);
  return { files, manifest: [{ paths: Object.keys(files), weights: entries }] };
}

function quantizedTypes(weights: readonly ManifestWeight[], quantizing: QuantizeConfig): Map<string, QuantizedType> {
  const types = new Map<string, QuantizedType>();
  const names = weights.filter(({ dtype }) => dtype === 'float32').map(({ name }) => name);
  for (const type of TYPES) {
    const patterns = [quantizing[type] ?? []].flat();
    for (const name of matchNames(patterns, names, `quantize.${type}`, 'weight')) if (!types.has(name)) types.set(name, type);
  }
  return types;
}
