/**
 * Losses as a Gaussian process can learn them: mean 0, variance 1. Where they span orders of magnitude, the logarithm of their distance
 * from the best is taken, softened near it as far as makes them most alike a normal distribution (by the likelihood of the losses
 * themselves); else they are kept as they are.
 *
 * @see G. E. P. Box, D. R. Cox: An Analysis of Transformations (1964), with a shift; A. I. Cowen-Rivers et al.: HEBO (2022)
 */
export function warped(losses: readonly number[]): Float64Array {
  const best = Math.min(...losses);
  const sorted = [...losses].sort((a, b) => a - b);
  const spread = sorted[Math.floor(sorted.length / 2)]! - best;
  const plain = standardised(losses);
  if (!(spread > 0)) return plain.values;
  let chosen = plain.values;
  let most = -losses.length * Math.log(plain.deviation);
  for (const softness of SOFTNESS) {
    const logs = losses.map((loss) => Math.log(loss - best + softness * spread));
    const { values, deviation } = standardised(logs);
    // Of the change of variables: the slope of the logarithm at every loss.
    const likelihood = -losses.length * Math.log(deviation) - logs.reduce((sum, log) => sum + log, 0);
    if (likelihood > most) [chosen, most] = [values, likelihood];
  }
  return chosen;
}

/** In distances of the median from the best. */
const SOFTNESS = [3, 1, 0.3, 0.1];

function standardised(values: readonly number[]): { values: Float64Array; deviation: number } {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
  const deviation = Math.sqrt(variance) || 1;
  return { values: Float64Array.from(values, (value) => (value - mean) / deviation), deviation };
}
