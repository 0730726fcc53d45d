import type { NumberSample } from './drift/drift-test.ts';

/** Two samples value by value, ascending: how often each value occurs on either side. */
interface JointCounts {
  readonly a: Float64Array;
  readonly b: Float64Array;
  /** Of all values of either side. */
  readonly sizeA: number;
  readonly sizeB: number;
}

/**
 * How two samples lie among each other, which is all that tests by ranks ask. Where a side kept some of many values only, what lies
 * between two of them counts as the next one that is kept.
 */
export function jointCounts(first: NumberSample, second: NumberSample): JointCounts {
  const [x, y] = [first.ranks(), second.ranks()];
  const a = new Float64Array(x.values.length + y.values.length + 1);
  const b = new Float64Array(a.length);
  let [i, j, at] = [0, 0, 0];
  while (i < x.values.length || j < y.values.length) {
    const left = i < x.values.length ? x.values[i]! : Infinity;
    const right = j < y.values.length ? y.values[j]! : Infinity;
    if (left <= right) {
      a[at] = x.through[i]! - (i === 0 ? 0 : x.through[i - 1]!);
      i++;
    }
    if (right <= left) {
      b[at] = y.through[j]! - (j === 0 ? 0 : y.through[j - 1]!);
      j++;
    }
    at++;
  }
  // Beyond the largest values that are kept.
  a[at] = x.size - (x.through.at(-1) ?? 0);
  b[at] = y.size - (y.through.at(-1) ?? 0);
  const end = a[at]! + b[at]! > 0 ? at + 1 : at;
  return { a: a.subarray(0, end), b: b.subarray(0, end), sizeA: x.size, sizeB: y.size };
}

/**
 * Two-sided p-value of the Mann-Whitney U test by its normal approximation, with the corrections for ties and for continuity.
 *
 * @see https://doi.org/10.1214/aoms/1177730491
 */
export function mannWhitneyZ({ a, b, sizeA, sizeB }: JointCounts): number {
  const all = sizeA + sizeB;
  let [u, below, ties] = [0, 0, 0];
  for (let at = 0; at < a.length; at++) {
    u += a[at]! * (below + b[at]! / 2);
    below += b[at]!;
    const tied = a[at]! + b[at]!;
    ties += tied ** 3 - tied;
  }
  const variance = ((sizeA * sizeB) / 12) * (all + 1 - ties / (all * (all - 1)));
  if (!(variance > 0)) return 0;
  return Math.max(0, Math.abs(u - (sizeA * sizeB) / 2) - 0.5) / Math.sqrt(variance);
}

/**
 * Anderson's T, the two-sample statistic of Cramér and von Mises, by mid-ranks, brought to the scale of its limit distribution.
 *
 * @see https://doi.org/10.1214/aoms/1177704477 Anderson, "On the Distribution of the Two-Sample Cramér-von Mises Criterion" (1962)
 */
export function cramerVonMisesT({ a, b, sizeA, sizeB }: JointCounts): { readonly statistic: number; readonly scaled: number } {
  const all = sizeA + sizeB;
  const product = sizeA * sizeB;
  let [beforeA, beforeB, u] = [0, 0, 0];
  for (let at = 0; at < a.length; at++) {
    const [own, other] = [a[at]!, b[at]!];
    const rank = beforeA + beforeB + (own + other + 1) / 2;
    // Σ (rank − place)² over places in a row.
    const spread = (count: number, before: number): number =>
      count * (rank - before - (count + 1) / 2) ** 2 + (count * (count * count - 1)) / 12;
    u += sizeA * spread(own, beforeA) + sizeB * spread(other, beforeB);
    beforeA += own;
    beforeB += other;
  }
  const statistic = u / (product * all) - (4 * product - 1) / (6 * all);
  const mean = (1 + 1 / all) / 6;
  const variance = ((all + 1) * (4 * product * all - 3 * (sizeA ** 2 + sizeB ** 2) - 2 * product)) / (45 * all ** 2 * 4 * product);
  return { statistic, scaled: 1 / 6 + (statistic - mean) / Math.sqrt(45 * variance) };
}

/** Chance that the limit of the statistic of Cramér and von Mises is larger. */
export function cramerVonMisesTail(x: number): number {
  if (x < 0.003) return 1;
  let sum = 0;
  // Γ(k + 1/2) / Γ(k + 1)
  let ratio = Math.sqrt(Math.PI);
  for (let k = 0; k < 200; k++) {
    const y = 4 * k + 1;
    const term = (ratio / (Math.PI ** 1.5 * Math.sqrt(x))) * Math.sqrt(y) * scaledBessel(y ** 2 / (16 * x));
    sum += term;
    if (term < 1e-14) break;
    ratio *= (k + 0.5) / (k + 1);
  }
  return Math.min(1, Math.max(0, 1 - sum));
}

/** exp(−q) · K₁⸝₄(q), by ∫₀^∞ exp(−q (1 + cosh t)) cosh(t / 4) dt: the trapezoidal rule of such an integrand is exact but for rounding. */
function scaledBessel(q: number): number {
  const step = 1 / 32;
  let sum = Math.exp(-2 * q) / 2;
  for (let t = step; ; t += step) {
    const exponent = q * (1 + Math.cosh(t));
    if (exponent > 745) return sum * step;
    sum += Math.exp(-exponent) * Math.cosh(t / 4);
  }
}

/**
 * The two-sample statistic of Anderson and Darling by mid-ranks, raw and standardized as Scholz and Stephens do.
 *
 * @see https://doi.org/10.1080/01621459.1987.10478517 Scholz, Stephens, "K-Sample Anderson-Darling Tests" (1987)
 */
export function andersonDarling({ a, b, sizeA, sizeB }: JointCounts): { readonly raw: number; readonly standardized: number } {
  const all = sizeA + sizeB;
  let [beforeA, beforeB, raw] = [0, 0, 0];
  for (let at = 0; at < a.length; at++) {
    const tied = a[at]! + b[at]!;
    if (tied === 0) continue;
    const middle = beforeA + beforeB + tied / 2;
    const weight = middle * (all - middle) - (all * tied) / 4;
    if (weight > 0)
      for (const [own, before, size] of [
        [a[at]!, beforeA, sizeA],
        [b[at]!, beforeB, sizeB],
      ] as const)
        raw += ((tied / all) * (all * (before + own / 2) - size * middle) ** 2) / weight / size;
    beforeA += a[at]!;
    beforeB += b[at]!;
  }
  raw *= (all - 1) / all;
  return { raw, standardized: (raw - 1) / Math.sqrt(varianceOf(sizeA, sizeB)) };
}

/** Of two samples without ties. */
function varianceOf(sizeA: number, sizeB: number): number {
  const all = sizeA + sizeB;
  const k = 2;
  const H = 1 / sizeA + 1 / sizeB;
  let h = 0;
  for (let i = 1; i < all; i++) h += 1 / i;
  // Σ over i < j < N of 1 / ((N − i) j), as a running sum.
  let g = 0;
  let inner = 0;
  for (let i = all - 2; i >= 1; i--) {
    inner += 1 / (i + 1);
    g += inner / (all - i);
  }
  const A = (4 * g - 6) * (k - 1) + (10 - 6 * g) * H;
  const B = (2 * g - 4) * k ** 2 + 8 * h * k + (2 * g - 14 * h - 4) * H - 8 * h + 4 * g - 6;
  const C = (6 * h + 2 * g - 2) * k ** 2 + (4 * h - 4 * g + 6) * k + (2 * h - 6) * H + 4 * h;
  const D = (2 * h + 6) * k ** 2 - 4 * h * k;
  return (A * all ** 3 + B * all ** 2 + C * all + D) / ((all - 1) * (all - 2) * (all - 3));
}

/** Standard deviation of the limit distribution: √(2 (π² − 9) / 3). */
const LIMIT_DEVIATION = Math.sqrt((2 * (Math.PI ** 2 - 9)) / 3);

/**
 * Chance that the standardized statistic of Anderson and Darling is larger, by its limit distribution, whose mean is 1.
 *
 * @see https://doi.org/10.1080/01621459.1954.10501232 Anderson, Darling, "A Test of Goodness of Fit" (1954), the series
 */
export function andersonDarlingTail(standardized: number): number {
  const z = 1 + standardized * LIMIT_DEVIATION;
  if (z <= 0.02) return 1;
  let sum = 0;
  let binomial = 1;
  for (let j = 0; j < 100; j++) {
    const y = 4 * j + 1;
    const rate = (y * Math.PI) ** 2 / (8 * z);
    const term = binomial * y * Math.exp(-rate) * integral(z, rate);
    sum += term;
    if (Math.abs(term) < 1e-15 * Math.max(1e-3, Math.abs(sum)) && j > 1) break;
    binomial *= -(j + 0.5) / (j + 1);
  }
  return Math.min(1, Math.max(0, 1 - (Math.sqrt(2 * Math.PI) / z) * sum));
}

/** ∫₀^∞ exp(z / (8 (w² + 1)) − rate · w²) dw, by the trapezoidal rule. */
function integral(z: number, rate: number): number {
  const end = Math.sqrt(750 / rate);
  const step = Math.min(end / 400, 1 / 64);
  let sum = Math.exp(z / 8) / 2;
  for (let w = step; w < end; w += step) sum += Math.exp(z / (8 * (w * w + 1)) - rate * w * w);
  return sum * step;
}
