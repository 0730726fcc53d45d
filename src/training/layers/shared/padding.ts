import type { JsonSchema } from '../../../core/json.ts';
import type { Rank } from './convolution.ts';
import { AXES } from '../shapes.ts';

/** One number for all sides, one per axis, or [before, after] per axis. For sequences: one number, or [before, after]. */
export type Margins = number | readonly (number | readonly number[])[];

const count: JsonSchema = { type: 'integer', minimum: 0, maximum: 65_536 };
const beforeAfter: JsonSchema = { type: 'array', items: count, minItems: 2, maxItems: 2 };

export function marginsProperty(rank: Rank, description: string, fallback: Margins): JsonSchema {
  const perAxis = rank === 1 ? beforeAfter : { type: 'array', items: { oneOf: [count, beforeAfter] }, minItems: rank, maxItems: rank };
  const forms =
    rank === 1
      ? 'one number for both ends, or [before, after]'
      : `one number for all sides, or one per axis (${AXES[rank].join(', ')}), or [before, after] per axis`;
  return {
    oneOf: [count, perAxis],
    description: `${description}: ${forms}.`,
    default: fallback,
    examples: rank === 1 ? [[1, 0]] : [Array.from({ length: rank }, () => [0, 1])],
  };
}

/** [before, after] per axis. */
export function marginsOf(margins: Margins, rank: Rank): (readonly [number, number])[] {
  if (typeof margins === 'number') return Array.from({ length: rank }, () => [margins, margins] as const);
  if (rank === 1) return [[margins[0] as number, margins[1] as number]];
  return margins.map((each) => (typeof each === 'number' ? [each, each] : [each[0]!, each[1]!]));
}
