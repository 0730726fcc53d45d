import { PerennialError } from '../../core/errors.ts';

/** Without the batch dimension. */
export type Shape = readonly number[];

export function product(shape: Shape): number {
  return shape.reduce((size, axis) => size * axis, 1);
}

export function showShape(shape: Shape): string {
  return `[${shape.join(', ')}]`;
}

/** @returns an error that the network completes with the name of the layer */
export function shapeError(problem: string, fix: string): PerennialError {
  return new PerennialError('SHAPE_MISMATCH', problem, { hint: fix });
}

const RANK_WORDS: Record<number, string> = {
  1: 'vectors [features]',
  2: 'sequences [steps, features]',
  3: 'images [height, width, channels]',
  4: 'volumes [depth, height, width, channels]',
};

/** Names of the axes that a window moves along. */
export const AXES = { 1: ['steps'], 2: ['height', 'width'], 3: ['depth', 'height', 'width'] } as const;

/** @throws SHAPE_MISMATCH where the only input has another rank */
export function requireRank(inputs: readonly Shape[], rank: number, layer: string): Shape {
  const shape = inputs[0]!;
  if (shape.length === rank) return shape;
  throw shapeError(
    `${layer} reads ${RANK_WORDS[rank] ?? `tensors of rank ${rank}`}, but its input has the shape ${showShape(shape)}`,
    rankFix(shape, rank),
  );
}

function rankFix(shape: Shape, rank: number): string {
  if (rank === 1 || shape.length > rank) return 'Put a flatten or global pooling layer before it.';
  if (rank === 2 && shape.length === 1)
    return 'Put an embedding (token ids) or a reshape layer before it, or keep the sequence of the layer before with "returnSequences": true.';
  const table = shape.length === 1 ? 'For a table use dense layers, for images a column of them; or put' : 'Put';
  return `${table} a reshape layer before it, e.g. { "type": "reshape", "shape": ${JSON.stringify([...shape, ...Array.from({ length: rank - shape.length }, () => 1)])} }.`;
}

export type Padding = 'valid' | 'same' | 'causal';

/**
 * Length of an axis after a window moved over it.
 *
 * @throws SHAPE_MISMATCH where the window is longer than a "valid" axis
 */
export function windowed(length: number, window: number, stride: number, padding: Padding, axis: string): number {
  if (padding !== 'valid') return Math.ceil(length / stride);
  if (window > length) {
    throw shapeError(
      `a window of ${window} does not fit into the ${axis} of ${length}`,
      'Use a smaller window, "padding": "same", or fewer pooling layers before it.',
    );
  }
  return Math.floor((length - window) / stride) + 1;
}

/** @throws SHAPE_MISMATCH where the inputs of a merging layer differ */
export function requireEqualShapes(inputs: readonly Shape[], layer: string): Shape {
  const first = inputs[0]!;
  for (const shape of inputs) {
    if (showShape(shape) !== showShape(first)) {
      throw shapeError(
        `${layer} merges inputs of one shape, but they are ${inputs.map(showShape).join(' and ')}`,
        'Bring them to one shape with dense, conv or reshape layers, or use concatenate.',
      );
    }
  }
  return first;
}
