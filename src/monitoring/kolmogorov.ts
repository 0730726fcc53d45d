/** Above this many cells the exact distribution takes noticeable time, and the asymptotic one is as good. */
const EXACT_CELLS_MAX = 4_000_000;

/** Largest distance between two empirical distribution functions of ascending values, and its p-value. */
export interface KolmogorovSmirnov {
  readonly distance: number;
  readonly pValue: number;
  readonly method: 'exact' | 'asymptotic';
}

/**
 * Two-sample Kolmogorov-Smirnov test, two-sided. Ties are not corrected for, as in SciPy: with many of them the p-value is too large.
 *
 * @see Hodges, "The significance probability of the Smirnov two-sample test" (1958)
 */
export function kolmogorovSmirnov(a: Float64Array, b: Float64Array): KolmogorovSmirnov {
  const distance = ksDistance(a, b);
  if (a.length * b.length <= EXACT_CELLS_MAX) return { distance, pValue: exactPValue(distance, a.length, b.length), method: 'exact' };
  return { distance, pValue: asymptoticPValue(distance, a.length, b.length), method: 'asymptotic' };
}

export function ksDistance(a: Float64Array, b: Float64Array): number {
  let i = 0;
  let j = 0;
  let largest = 0;
  while (i < a.length && j < b.length) {
    const value = Math.min(a[i]!, b[j]!);
    while (i < a.length && a[i] === value) i++;
    while (j < b.length && b[j] === value) j++;
    largest = Math.max(largest, Math.abs(i / a.length - j / b.length));
  }
  return largest;
}

/**
 * Chance that a random path from (0, 0) to (m, n) leaves the band in which the distribution functions differ by less than `distance`.
 * Row by row the recursion holds the chance to have reached (i, j) inside the band, given the end of a path of i + j steps there.
 */
export function exactPValue(distance: number, m: number, n: number): number {
  // Distances are multiples of 1 / (m n); the half keeps rounding from deciding.
  const limit = Math.round(distance * m * n) - 0.5;
  const inside = new Float64Array(n + 1);
  for (let j = 0; j <= n; j++) inside[j] = j * m < limit ? 1 : 0;
  for (let i = 1; i <= m; i++) {
    inside[0] = i * n < limit ? inside[0]! : 0;
    for (let j = 1; j <= n; j++) {
      const reached = (i * inside[j]! + j * inside[j - 1]!) / (i + j);
      inside[j] = Math.abs(i * n - j * m) < limit ? reached : 0;
    }
  }
  return Math.min(1, Math.max(0, 1 - inside[n]!));
}

/**
 * Kolmogorov's limit distribution with Stephens's correction for finite samples.
 *
 * @see Stephens, "Use of the Kolmogorov-Smirnov, Cramér-von Mises and Related Statistics Without Extensive Tables" (1970)
 */
export function asymptoticPValue(distance: number, m: number, n: number): number {
  const root = Math.sqrt((m * n) / (m + n));
  const x = (root + 0.12 + 0.11 / root) * distance;
  if (x < 1e-3) return 1;
  // The alternating series converges slowly for small x; the theta-function form fast.
  if (x < 1.18) {
    const factor = -(Math.PI ** 2) / (8 * x * x);
    let sum = 0;
    for (let k = 1; k < 40; k += 2) sum += Math.exp(factor * k * k);
    return Math.min(1, Math.max(0, 1 - (Math.sqrt(2 * Math.PI) / x) * sum));
  }
  let sum = 0;
  for (let k = 1; k < 40; k++) sum += (k % 2 === 1 ? 2 : -2) * Math.exp(-2 * k * k * x * x);
  return Math.min(1, Math.max(0, sum));
}
