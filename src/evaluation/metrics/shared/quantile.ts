/** Linear interpolation between order statistics (type 7, NumPy's default). */
export function quantile(sorted: ArrayLike<number>, share: number): number {
  const position = (sorted.length - 1) * share;
  const below = Math.floor(position);
  const above = Math.min(below + 1, sorted.length - 1);
  return sorted[below]! + (sorted[above]! - sorted[below]!) * (position - below);
}

/**
 * The value with as much weight below as above it; halfway between two where the weight falls into equal parts between them. Rows of
 * weight 0 do not count.
 */
export function weightedMedian(values: Float64Array, weights: Float64Array): number {
  const order = Uint32Array.from({ length: values.length }, (_, row) => row)
    .filter((row) => weights[row]! > 0)
    .sort((a, b) => values[a]! - values[b]!);
  const half = order.reduce((sum, row) => sum + weights[row]!, 0) / 2;
  let below = 0;
  for (const [at, row] of order.entries()) {
    below += weights[row]!;
    const next = order[at + 1];
    if (next !== undefined && Math.abs(below - half) <= half * Number.EPSILON * order.length) return (values[row]! + values[next]!) / 2;
    if (below > half) return values[row]!;
  }
  return values[order.at(-1)!]!;
}
