import type { Ranks } from '../data/table/ranks.ts';
import type { PartitionedValues } from '../data/table/partitioned.ts';
import type { NumberSample } from './drift/drift-test.ts';

/** Above this many cells the exact distribution takes noticeable time, and the asymptotic one is as good: it is off by less than 1 %. */
const EXACT_CELLS_MAX = 1_000_000;

/** Largest distance between two empirical distribution functions, and its p-value. */
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
export function kolmogorovSmirnov(a: NumberSample, b: NumberSample): KolmogorovSmirnov {
  const distance = ksDistance(a, b);
  if (a.size * b.size <= EXACT_CELLS_MAX) return { distance, pValue: exactPValue(distance, a.size, b.size), method: 'exact' };
  return { distance, pValue: asymptoticPValue(distance, a.size, b.size), method: 'asymptotic' };
}

/**
 * Largest distance between the two distribution functions that is certain: exact where each side has all its values, and a few
 * thousandths of its own chance deviation too small where one of them kept 65,536 of more.
 */
export function ksDistance(a: NumberSample, b: NumberSample): number {
  // Several tests ask for the same one, one after the other.
  const known = distances.get(b);
  if (known?.a === a) return known.distance;
  const distance = distanceOf(a, b);
  distances.set(b, { a, distance });
  return distance;
}

const distances = new WeakMap<NumberSample, { readonly a: NumberSample; readonly distance: number }>();

function distanceOf(a: NumberSample, b: NumberSample): number {
  if (b.partitioned !== undefined) return distanceTo(b.partitioned, a.ranks());
  if (a.partitioned !== undefined) return distanceTo(a.partitioned, b.ranks());
  return largestGap(partOf(a.ranks()), partOf(b.ranks()));
}

/** Values from one index to another, and how many values there are before the first and before the next. */
interface Part {
  readonly ranks: Ranks;
  readonly from: number;
  readonly to: number;
  readonly before: number;
  readonly after: number;
  readonly size: number;
}

const partOf = (ranks: Ranks): Part => ({ ranks, from: 0, to: ranks.values.length, before: 0, after: ranks.size, size: ranks.size });

/**
 * Cell by cell, only those looked at closely in which the distance can be larger than what is known already: inside of a cell a
 * distribution function lies between its numbers at the two ends.
 */
function distanceTo(values: PartitionedValues, ranks: Ranks): number {
  const firsts = new Uint32Array(values.cells + 1).fill(ranks.values.length);
  let cell = 0;
  firsts[0] = 0;
  for (let index = 0; index < ranks.values.length; index++) {
    const own = values.cellOf(ranks.values[index]!);
    while (cell < own) firsts[++cell] = index;
  }
  const through = (index: number): number => (index === 0 ? 0 : ranks.through[index - 1]!) / ranks.size;
  const below = (index: number): number => (index === ranks.values.length ? ranks.size : ranks.below[index]!) / ranks.size;
  const start = (at: number): number => values.start(at) / values.size;
  let largest = 0;
  for (let at = 1; at < values.cells; at++) largest = Math.max(largest, start(at) - below(firsts[at]!), through(firsts[at]!) - start(at));
  for (let at = 0; at < values.cells; at++) {
    const [from, to] = [firsts[at]!, firsts[at + 1]!];
    const most = Math.max(start(at + 1) - through(from), below(to) - start(at));
    if (most <= largest) continue;
    const part = {
      from,
      to,
      before: from === 0 ? 0 : ranks.through[from - 1]!,
      after: to === ranks.values.length ? ranks.size : ranks.below[to]!,
      ranks,
      size: ranks.size,
    };
    largest = Math.max(largest, largestGap(part, cellPart(values, at)));
  }
  return largest;
}

function cellPart(values: PartitionedValues, cell: number): Part {
  const sorted = values.sortedCell(cell);
  const before = values.start(cell);
  const own = sorted.length;
  const distinct = new Float64Array(own);
  const ends = new Float64Array(own + 1).fill(before);
  let kept = 0;
  for (let index = 0; index < own; index++) {
    if (kept === 0 || sorted[index] !== distinct[kept - 1]) distinct[kept++] = sorted[index]!;
    ends[kept] = before + index + 1;
  }
  return {
    ranks: { values: distinct, below: ends, through: ends.subarray(1), size: values.size, complete: true },
    from: 0,
    to: kept,
    before,
    after: before + own,
    size: values.size,
  };
}

/** What is certain of the difference between two parts that cover the same stretch. */
function largestGap(a: Part, b: Part): number {
  let [i, j] = [a.from, b.from];
  let largest = 0;
  while (i < a.to || j < b.to) {
    const left = i < a.to ? a.ranks.values[i]! : Infinity;
    const right = j < b.to ? b.ranks.values[j]! : Infinity;
    const isLeft = left <= right;
    const isRight = right <= left;
    // Counts before the value and with it: exact at a value that is kept, else between those of its neighbours.
    const aLow = i === a.from ? a.before : a.ranks.through[i - 1]!;
    const aHigh = i < a.to ? a.ranks.below[i]! : a.after;
    const bLow = j === b.from ? b.before : b.ranks.through[j - 1]!;
    const bHigh = j < b.to ? b.ranks.below[j]! : b.after;
    largest = Math.max(largest, gap(isLeft ? aHigh : aLow, aHigh, a.size, isRight ? bHigh : bLow, bHigh, b.size));
    const [aWith, aMost] = isLeft ? [a.ranks.through[i]!, a.ranks.through[i]!] : [aLow, aHigh];
    const [bWith, bMost] = isRight ? [b.ranks.through[j]!, b.ranks.through[j]!] : [bLow, bHigh];
    largest = Math.max(largest, gap(aWith, aMost, a.size, bWith, bMost, b.size));
    if (isLeft) i++;
    if (isRight) j++;
  }
  return largest;
}

function gap(aLow: number, aHigh: number, aSize: number, bLow: number, bHigh: number, bSize: number): number {
  return Math.max(aLow / aSize - bHigh / bSize, bLow / bSize - aHigh / aSize);
}

/**
 * Chance that a random path from (0, 0) to (m, n) leaves the band in which the distribution functions differ by less than `distance`.
 * Row by row the recursion holds the chance to have reached (i, j) inside the band, given the end of a path of i + j steps there. Only
 * the band is walked along: of samples that hardly differ, it is narrow.
 */
export function exactPValue(distance: number, m: number, n: number): number {
  // Distances are multiples of 1 / (m n); the half keeps rounding from deciding.
  const limit = Math.round(distance * m * n) - 0.5;
  const inside = new Float64Array(n + 1);
  for (let j = 0; j <= n; j++) inside[j] = j * m < limit ? 1 : 0;
  for (let i = 1; i <= m; i++) {
    // Left of the band the row before may have been inside of it; right of it nothing was ever reached but in the first row.
    const first = Math.max(0, Math.floor((i * n - limit) / m) + 1);
    const last = Math.min(n, Math.ceil((i * n + limit) / m) - 1);
    if (first > 0) inside[first - 1] = 0;
    for (let j = first; j <= last; j++) {
      inside[j] = j === 0 ? inside[0]! : (i * inside[j]! + j * inside[j - 1]!) / (i + j);
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
