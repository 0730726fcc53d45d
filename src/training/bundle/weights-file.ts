import { PerennialError } from '../../core/errors.ts';
import { COUNT, TEXT, defineStored, listOf, recordSchema } from '../../storage/stored.ts';
import type { StoredKind } from '../../storage/stored.ts';
import type { NamedWeight } from '../model/network.ts';
import { product, showShape } from '../layers/shapes.ts';

/** `weights.json`: where each weight lies in `weights.bin`. */
export interface WeightsManifest {
  readonly formatVersion: 1;
  readonly byteOrder: 'little-endian';
  readonly weights: readonly {
    readonly name: string;
    readonly shape: readonly number[];
    readonly dtype: 'float32';
    readonly offset: number;
    readonly trainable: boolean;
  }[];
}

/** {@link WeightsManifest} as it is stored. */
export const WEIGHTS: StoredKind<WeightsManifest> = defineStored({
  name: 'places of weights',
  formatVersion: 1,
  schema: recordSchema({
    byteOrder: { const: 'little-endian' },
    weights: listOf(
      recordSchema({ name: TEXT, shape: listOf(COUNT), dtype: { const: 'float32' }, offset: COUNT, trainable: { type: 'boolean' } }),
    ),
  }),
});

export function encodeWeights(
  specs: readonly NamedWeight[],
  values: ReadonlyMap<string, Float32Array>,
): { readonly manifest: WeightsManifest; readonly bytes: Uint8Array } {
  const bytes = new Uint8Array(4 * specs.reduce((size, spec) => size + product(spec.shape), 0));
  let offset = 0;
  const weights = specs.map((spec) => {
    const data = values.get(spec.fullName)!;
    bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), offset);
    const entry = { name: spec.fullName, shape: [...spec.shape], dtype: 'float32' as const, offset, trainable: spec.trainable };
    offset += data.byteLength;
    return entry;
  });
  return { manifest: { formatVersion: 1, byteOrder: 'little-endian', weights }, bytes };
}

/**
 * The weights of a network, checked against its topology.
 *
 * @throws MODEL_INVALID where a weight is missing, has another shape, or lies outside the file
 */
export function decodeWeights(specs: readonly NamedWeight[], manifest: WeightsManifest, bytes: Uint8Array): Map<string, Float32Array> {
  const entries = new Map(manifest.weights.map((entry) => [entry.name, entry]));
  if (entries.size !== specs.length) throw damaged(`weights.json names ${entries.size} weights, the topology has ${specs.length}`);
  return new Map(
    specs.map((spec) => {
      const entry = entries.get(spec.fullName);
      if (entry === undefined) throw damaged(`weights.json lacks "${spec.fullName}"`);
      if (showShape(entry.shape) !== showShape(spec.shape))
        throw damaged(`"${spec.fullName}" has the shape ${showShape(entry.shape)}, the topology needs ${showShape(spec.shape)}`);
      const length = 4 * product(spec.shape);
      const inside = Number.isInteger(entry.offset) && entry.offset >= 0 && entry.offset + length <= bytes.byteLength;
      if (!inside || entry.dtype !== 'float32')
        throw damaged(`"${spec.fullName}" does not lie inside the ${bytes.byteLength} bytes of weights.bin`);
      // A copy: a Buffer may start anywhere in a larger one.
      return [spec.fullName, new Float32Array(new Uint8Array(bytes.subarray(entry.offset, entry.offset + length)).buffer)];
    }),
  );
}

function damaged(problem: string): PerennialError {
  return new PerennialError('MODEL_INVALID', `The model is damaged: ${problem}.`, { hint: 'Train it again, or take another version.' });
}
