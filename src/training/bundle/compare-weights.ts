import type { OpenArtifact } from '../../core/ports.ts';
import { fileAs } from '../../storage/stored.ts';
import { product, showShape } from '../layers/shapes.ts';
import { WEIGHTS } from './weights-file.ts';

/** One weight of two models. */
export interface WeightDifference {
  readonly name: string;
  readonly values: number;
  /** Values that are not the same bits. */
  readonly differing: number;
  /** null: one model lacks it, or its shape is another; see `why`. */
  readonly largestDifference: number | null;
  readonly why?: string;
}

/** Weight by weight, of two model artifacts; in the order of the first. */
export async function compareWeights(one: OpenArtifact, other: OpenArtifact): Promise<WeightDifference[]> {
  const [first, second] = [await read(one), await read(other)];
  const names = [...new Set([...first.keys(), ...second.keys()])];
  return names.map((name) => compare(name, first.get(name), second.get(name)));
}

interface Weight {
  readonly shape: readonly number[];
  readonly values: Float32Array;
  readonly bits: Uint32Array;
}

async function read(model: OpenArtifact): Promise<Map<string, Weight>> {
  const { weights } = await fileAs(model, WEIGHTS, 'weights.json');
  const bytes = await model.bytes('weights.bin');
  return new Map(
    weights.map(({ name, shape, offset }) => {
      const own = new Uint8Array(bytes.subarray(offset, offset + 4 * product(shape))).buffer;
      return [name, { shape, values: new Float32Array(own), bits: new Uint32Array(own) }];
    }),
  );
}

function compare(name: string, one: Weight | undefined, other: Weight | undefined): WeightDifference {
  const values = (one ?? other)!.values.length;
  const odd = (why: string): WeightDifference => ({ name, values, differing: values, largestDifference: null, why });
  if (one === undefined || other === undefined) return odd(`only the ${one === undefined ? 'second' : 'first'} model has it`);
  if (showShape(one.shape) !== showShape(other.shape)) return odd(`its shape is ${showShape(one.shape)}, then ${showShape(other.shape)}`);
  let differing = 0;
  let largest = 0;
  for (let at = 0; at < values; at++) {
    if (one.bits[at] === other.bits[at]) continue;
    differing += 1;
    largest = Math.max(largest, Math.abs(one.values[at]! - other.values[at]!));
  }
  return { name, values, differing, largestDifference: largest };
}
