/**
 * Intervals that hold at every moment at once: whoever looks all the time, and stops when it pleases, errs no more often than promised.
 * An interval for a fixed number of rows promises that for one look only.
 */

/** An interval of a mean. */
export interface Interval {
  readonly low: number;
  readonly high: number;
}

/** log Γ(x) for x > 0. @see Lanczos (1964), the coefficients of Numerical Recipes 6.1 */
function logGamma(x: number): number {
  const coefficients = [
    76.18009172947146, -86.50532032941677, 24.01409824083091, -1.231739572450155, 0.1208650973866179e-2, -0.5395239384953e-5,
  ];
  const t = x + 5.5 - (x + 0.5) * Math.log(x + 5.5);
  const sum = coefficients.reduce((total, one, at) => total + one / (x + 1 + at), 1.000000000190015);
  return -t + Math.log((2.5066282746310005 * sum) / x);
}

const logBeta = (a: number, b: number): number => logGamma(a) + logGamma(b) - logGamma(a + b);

/**
 * Log of the mixture of likelihood ratios against the share p, after k of n. The mixture is over Beta(½, ½); under p it is a martingale
 * that starts at 1, so that it ever exceeds 1/α with a chance of at most α.
 *
 * @see H. Robbins: Statistical Methods Related to the Law of the Iterated Logarithm (Annals of Mathematical Statistics, 1970)
 * @see S. R. Howard et al.: Time-uniform, nonparametric, nonasymptotic confidence sequences (Annals of Statistics, 2021), 3.2
 */
function logEvidence(k: number, n: number, p: number): number {
  const likelihood = (k === 0 ? 0 : k * Math.log(p)) + (n === k ? 0 : (n - k) * Math.log(1 - p));
  return logBeta(0.5 + k, 0.5 + n - k) - logBeta(0.5, 0.5) - likelihood;
}

/** Whether k of n speak against the share p, at whatever look. */
export function isShareOut(k: number, n: number, p: number, alpha: number): boolean {
  return logEvidence(k, n, p) >= -Math.log(alpha);
}

/**
 * Confidence sequence of a share: the shares that the evidence does not speak against. Depends on the counts alone, so that those of
 * several servers are simply added.
 *
 * @param alpha chance that it ever misses the true share
 */
export function shareSequence(k: number, n: number, alpha: number): Interval {
  if (n === 0) return { low: 0, high: 1 };
  const isOut = (p: number): boolean => isShareOut(k, n, p, alpha);
  const mean = k / n;
  return {
    low: k === 0 ? 0 : edge(0, mean, isOut),
    high: k === n ? 1 : edge(1, mean, isOut),
  };
}

/** Between what is out and what is in. The evidence against p falls towards the mean. */
function edge(out: number, within: number, isOut: (p: number) => boolean): number {
  let [far, near] = [out, within];
  for (let halvings = 0; halvings < 60; halvings += 1) {
    const middle = (far + near) / 2;
    if (middle > 0 && middle < 1 && !isOut(middle)) near = middle;
    else far = middle;
  }
  return far;
}

/** Sums over the values of one arm. */
export interface Moments {
  readonly n: number;
  readonly sum: number;
  readonly sumSquares: number;
}

export const meanOf = ({ n, sum }: Moments): number => sum / n;

function varianceOf(moments: Moments): number {
  return Math.max(0, moments.sumSquares / moments.n - meanOf(moments) ** 2);
}

/** Rows at which an interval is about as narrow as it can be. */
const NARROWEST_AT = 500;

/** As many values as that the variance of both arms counts in that of each. */
const POOLED_VALUES = 20;

/** Half the width for a variance of 1 after n values. */
function halfWidth(n: number, alpha: number): number {
  const rhoSquared = (-2 * Math.log(alpha) + Math.log(-2 * Math.log(alpha)) + 1) / NARROWEST_AT;
  const scaled = n * rhoSquared + 1;
  return Math.sqrt(((2 * scaled) / (n ** 2 * rhoSquared)) * Math.log(Math.sqrt(scaled) / alpha));
}

/**
 * Asymptotic confidence sequence of a mean.
 *
 * @see I. Waudby-Smith, D. Arbour, R. Sinha, E. H. Kennedy, A. Ramdas: Time-uniform central limit theory and asymptotic confidence
 * sequences (Annals of Statistics, 2024), theorem 2.2 and, for ρ, appendix B.2
 */
export function meanSequence(moments: Moments, alpha: number): Interval {
  if (moments.n < 2) return { low: -Infinity, high: Infinity };
  const margin = Math.sqrt(varianceOf(moments)) * halfWidth(moments.n, alpha);
  return { low: meanOf(moments) - margin, high: meanOf(moments) + margin };
}

/**
 * The same of the difference of the means of two arms that chance was asked about. The values are weighed by the inverse of their arm's
 * share, around the means of the arms: the variance of that is var₁/π₁ + var₀/π₀.
 *
 * @returns candidate − champion
 * @see ibid., section 3 on average treatment effects
 */
export function differenceSequence(champion: Moments, candidate: Moments, alpha: number): Interval {
  const n = champion.n + candidate.n;
  if (champion.n < 2 || candidate.n < 2) return { low: -Infinity, high: Infinity };
  // Few values of an arm may all be the same by chance: then it varies as all of them do.
  const pooled = varianceOf({
    n,
    sum: champion.sum + candidate.sum,
    sumSquares: champion.sumSquares + candidate.sumSquares,
  });
  const steady = (arm: Moments): number => (arm.n * varianceOf(arm) + POOLED_VALUES * pooled) / (arm.n + POOLED_VALUES);
  const variance = (steady(candidate) * n) / candidate.n + (steady(champion) * n) / champion.n;
  const difference = meanOf(candidate) - meanOf(champion);
  const margin = Math.sqrt(variance) * halfWidth(n, alpha);
  return { low: difference - margin, high: difference + margin };
}

/**
 * How far an empirical distribution function can be from the true one after n values, ever: the bound of Dvoretzky, Kiefer and Wolfowitz
 * with the chance α·6/(π²n²) for the n-th value, which add up to α.
 *
 * @see P. Massart: The Tight Constant in the Dvoretzky-Kiefer-Wolfowitz Inequality (Annals of Probability, 1990)
 */
export function distributionMargin(n: number, alpha: number): number {
  return n === 0 ? 1 : Math.min(1, Math.sqrt(Math.log((2 * (Math.PI * n) ** 2) / (6 * alpha)) / (2 * n)));
}

/**
 * The same for the total variation distance of the shares of k classes: of the 2^k sets of classes the worst.
 *
 * @see T. Weissman et al.: Inequalities for the L1 Deviation of the Empirical Distribution (HPL-2003-97)
 */
export function classesMargin(n: number, classes: number, alpha: number): number {
  return n === 0 ? 1 : Math.min(1, Math.sqrt((classes * Math.LN2 + Math.log((Math.PI * n) ** 2 / (6 * alpha))) / (2 * n)));
}
