const SQRT_PI = Math.sqrt(Math.PI);
const LOG_SQRT_2PI = 0.5 * Math.log(2 * Math.PI);

/** exp(x²) · erfc(x) for x ≥ 0: by its series below 2.5, by its continued fraction above; relative error below 1e-13. */
export function scaledErfc(x: number): number {
  if (x < 2.5) {
    // erf(x) = 2/√π · exp(−x²) · Σ 2ⁿ x^(2n+1) / (2n+1)!!, all terms positive.
    let term = x;
    let sum = x;
    for (let n = 1; term > sum * 1e-17; n += 1) {
      term *= (2 * x * x) / (2 * n + 1);
      sum += term;
    }
    return Math.exp(x * x) - (2 / SQRT_PI) * sum;
  }
  let tail = x;
  for (let n = 60; n >= 1; n -= 1) tail = x + n / 2 / tail;
  return 1 / (tail * SQRT_PI);
}

/** Share of the standard normal distribution below z; accurate in relation to itself on the lower side. */
export function normalBelow(z: number): number {
  const x = Math.abs(z) / Math.SQRT2;
  const tail = 0.5 * Math.exp(-x * x) * scaledErfc(x);
  return z <= 0 ? tail : 1 - tail;
}

/** Share of the standard normal distribution between two numbers, also far out. */
export function normalBetween(from: number, to: number): number {
  return from > 0 ? normalBelow(-from) - normalBelow(-to) : normalBelow(to) - normalBelow(from);
}

/**
 * Logarithm of the expectation of max(0, z + a standard normal number), and its derivative; finite also where the expectation is not.
 *
 * @see S. Ament et al.: Unexpected Improvements to Expected Improvement for Bayesian Optimization (2023)
 */
export function logImprovement(z: number): readonly [value: number, slope: number] {
  if (z > -1) {
    const below = normalBelow(z);
    const expectation = Math.exp(-0.5 * z * z - LOG_SQRT_2PI) + z * below;
    return [Math.log(expectation), below / expectation];
  }
  const t = -z;
  const density = -0.5 * z * z - LOG_SQRT_2PI;
  // 1 − t · Mills' ratio loses its digits far out, where it is 1/t² − 3/t⁴ + …
  const mills = Math.sqrt(Math.PI / 2) * scaledErfc(t / Math.SQRT2);
  const rest = t > 1e3 ? 1 / (t * t) : 1 - t * mills;
  return [density + Math.log(rest), mills / rest];
}
