import { ownValue } from '../core/json.ts';
import { MORE_IS_BETTER, shareText } from '../core/rollout.ts';
import type { LiveMetricCheck, RolloutBound, RolloutSpec } from '../core/rollout.ts';
import { latencyOf, sizeOf } from './counts.ts';
import type { ArmCounts, Histogram, StepCounts } from './counts.ts';
import { classesMargin, differenceSequence, distributionMargin, meanOf, meanSequence, shareSequence } from './sequences.ts';
import type { Interval, Moments } from './sequences.ts';

/** What one check finds. */
export interface Finding {
  readonly check: string;
  readonly breached: boolean;
  /** One sentence with the numbers. */
  readonly text: string;
}

/** Values of a live metric, one per caller (or request) whose truth is known. */
export interface LiveMoments {
  readonly champion: Moments;
  readonly candidate: Moments;
}

type Judge = (alpha: number) => readonly Finding[];

/**
 * What the checks of a rollout say of one step. A check speaks only where the evidence is clear, however often it is asked: all of them
 * in all steps together end a candidate that keeps the bounds with a chance of at most `falseAlarms`.
 *
 * @param live undefined: no feedback was read
 */
export function analyse(spec: RolloutSpec, counts: StepCounts, live?: LiveMoments): Finding[] {
  const { checks, shadow } = spec;
  const judges: Judge[] = [];
  const { champion, candidate } = counts;
  if (checks.errorRate !== undefined)
    judges.push(rateJudge('errorRate', 'fail in the server', checks.errorRate, champion, candidate, 'failed'));
  if (checks.refusalRate !== undefined)
    judges.push(rateJudge('refusalRate', 'are refused', checks.refusalRate, champion, candidate, 'refused'));
  if (checks.latency !== undefined) judges.push(latencyJudge(checks.latency, champion, candidate));
  if (checks.predictions !== undefined) judges.push(predictionsJudge(checks.predictions.atMost, champion, candidate));
  if (checks.metric !== undefined && live !== undefined) judges.push(metricJudge(checks.metric, live));
  if (shadow !== undefined && counts.shadow !== undefined) judges.push(shadowJudge(shadow, counts.shadow));
  const alpha = checks.falseAlarms / (Math.max(1, judges.length) * spec.steps.length);
  return judges.flatMap((judge) => judge(alpha));
}

function rateJudge(
  check: string,
  what: string,
  { atMost, aboveChampionBy }: RolloutBound,
  champion: ArmCounts,
  candidate: ArmCounts,
  of: 'failed' | 'refused',
): Judge {
  return (alpha) => {
    const share = alpha / ((atMost === undefined ? 0 : 1) + (aboveChampionBy === undefined ? 0 : 2));
    const theirs = shareSequence(candidate[of], candidate.requests, share);
    const findings: Finding[] = [];
    const told = `${candidate[of]} of ${candidate.requests} requests to the candidate ${what} (${rangeText(theirs)})`;
    if (atMost !== undefined) findings.push({ check, breached: theirs.low > atMost, text: `${told}; at most ${shareText(atMost)} may.` });
    if (aboveChampionBy !== undefined) {
      const own = shareSequence(champion[of], champion.requests, share);
      findings.push({
        check,
        breached: theirs.low > own.high + aboveChampionBy,
        text: `${told}, of the champion ${champion[of]} of ${champion.requests} (${rangeText(own)}); at most ${shareText(aboveChampionBy)} more may.`,
      });
    }
    return findings;
  };
}

/** Requests of the champion from which on its latency is known well enough to be a bound. */
const LATENCY_KNOWN_AT = 100;

/** A percentile is above a time where more than the rest of the requests take longer than that time. */
function latencyJudge(
  { percentile, atMostMs, timesChampion }: NonNullable<RolloutSpec['checks']['latency']>,
  champion: ArmCounts,
  candidate: ArmCounts,
): Judge {
  return (alpha) => {
    const bounds: { readonly ms: number; readonly what: string }[] = [];
    if (atMostMs !== undefined) bounds.push({ ms: atMostMs, what: `at most ${msText(atMostMs)}` });
    const theirs = percentileOf(candidate.latency, percentile);
    const own = percentileOf(champion.latency, percentile);
    if (timesChampion !== undefined && champion.requests >= LATENCY_KNOWN_AT && own !== undefined)
      bounds.push({ ms: own * timesChampion, what: `at most ${timesChampion} times the champion's ${msText(own)}` });
    return bounds.map(({ ms, what }) => {
      const slower = countOf(candidate.latency, (bucket) => latencyOf(bucket) > ms * SAME_PLACE);
      const share = shareSequence(slower, sizeOf(candidate.latency), alpha / bounds.length);
      return {
        check: 'latency',
        breached: share.low > 1 - percentile / 100,
        text: `p${percentile} of the candidate is ${theirs === undefined ? 'not known' : msText(theirs)}; expected ${what} (${slower} of ${sizeOf(candidate.latency)} requests take longer).`,
      };
    });
  };
}

/** Places are 5 % wide: what is in the place of the bound is not above it. */
const SAME_PLACE = 1.05;

function countOf(histogram: Histogram, is: (bucket: string) => boolean): number {
  return Object.entries(histogram).reduce((sum, [bucket, count]) => sum + (is(bucket) ? count : 0), 0);
}

/** In milliseconds; undefined where nothing was counted. */
export function percentileOf(histogram: Histogram, percentile: number): number | undefined {
  const total = sizeOf(histogram);
  const places = Object.keys(histogram).sort((a, b) => Number(a) - Number(b));
  let below = 0;
  for (const place of places) {
    below += histogram[place]!;
    if (below >= (total * percentile) / 100) return latencyOf(place);
  }
  return undefined;
}

function predictionsJudge(atMost: number, champion: ArmCounts, candidate: ArmCounts): Judge {
  return (alpha) => {
    const names = [...new Set([...Object.keys(champion.predictions), ...Object.keys(candidate.predictions)])].sort();
    return names.map((name) => {
      const own = ownValue(champion.predictions, name) ?? {};
      const theirs = ownValue(candidate.predictions, name) ?? {};
      const { distance, margin } = distanceOf(own, theirs, alpha / names.length);
      return {
        check: 'predictions',
        breached: distance - margin > atMost,
        text: `The answers "${name}" of the candidate (${sizeOf(theirs)}) are ${distance.toFixed(3)} ± ${Math.min(1, margin).toFixed(3)} away from those of the champion (${sizeOf(own)}); at most ${atMost} may be.`,
      };
    });
  };
}

/**
 * Between two distributions: the total variation distance of classes, Kolmogorov's of numbers. Both are the largest difference of the
 * chance of something: of a set of classes, of a value up to a bound.
 *
 * @returns with what chance alone can make of it
 */
function distanceOf(own: Histogram, theirs: Histogram, alpha: number): { readonly distance: number; readonly margin: number } {
  const [n, m] = [sizeOf(own), sizeOf(theirs)];
  if (n === 0 || m === 0) return { distance: 0, margin: 1 };
  const buckets = [...new Set([...Object.keys(own), ...Object.keys(theirs)])];
  const difference = (bucket: string): number => (theirs[bucket] ?? 0) / m - (own[bucket] ?? 0) / n;
  if (buckets.every((bucket) => bucket.startsWith('=')))
    return {
      distance: buckets.reduce((sum, bucket) => sum + Math.abs(difference(bucket)), 0) / 2,
      margin: classesMargin(n, buckets.length, alpha / 2) + classesMargin(m, buckets.length, alpha / 2),
    };
  let [sum, largest] = [0, 0];
  for (const bucket of buckets.sort((a, b) => Number(a) - Number(b))) {
    sum += difference(bucket);
    largest = Math.max(largest, Math.abs(sum));
  }
  return { distance: largest, margin: distributionMargin(n, alpha / 2) + distributionMargin(m, alpha / 2) };
}

function metricJudge({ name, bound, worseThanChampionBy }: LiveMetricCheck, { champion, candidate }: LiveMoments): Judge {
  const sign = MORE_IS_BETTER[name] ? 1 : -1;
  return (alpha) => {
    const share = alpha / ((bound === undefined ? 0 : 1) + (worseThanChampionBy === undefined ? 0 : 1));
    const findings: Finding[] = [];
    const told = `${name} of the candidate is ${meanText(candidate)}`;
    if (bound !== undefined) {
      const { low, high } = candidate.n < LIVE_KNOWN_AT ? NOTHING_KNOWN : meanSequence(candidate, share);
      findings.push({
        check: 'metric',
        breached: sign === 1 ? high < bound : low > bound,
        text: `${told} (${rangeText({ low, high }, numberText)}); expected at ${sign === 1 ? 'least' : 'most'} ${bound}.`,
      });
    }
    if (worseThanChampionBy !== undefined) {
      const known = Math.min(champion.n, candidate.n) >= LIVE_KNOWN_AT;
      const { low, high } = known ? differenceSequence(champion, candidate, share) : NOTHING_KNOWN;
      findings.push({
        check: 'metric',
        breached: sign === 1 ? high < -worseThanChampionBy : low > worseThanChampionBy,
        text: `${told}, of the champion ${meanText(champion)} (difference ${rangeText({ low, high }, numberText)}); at most ${worseThanChampionBy} worse is accepted.`,
      });
    }
    return findings;
  };
}

/** Intervals of means begin to hold with so many values of an arm. */
const LIVE_KNOWN_AT = 30;
const NOTHING_KNOWN: Interval = { low: -Infinity, high: Infinity };

function shadowJudge(
  { agreement, meanDifference }: NonNullable<RolloutSpec['shadow']>,
  { classes, same, numbers, sumDifference, sumSquaredDifference }: NonNullable<StepCounts['shadow']>,
): Judge {
  return (alpha) => {
    const findings: Finding[] = [];
    if (agreement !== undefined) {
      const share = shareSequence(same, classes, alpha / 2);
      findings.push({
        check: 'agreement',
        breached: share.high < agreement,
        text: `${same} of ${classes} classes are the same (${rangeText(share)}); expected at least ${shareText(agreement)}.`,
      });
    }
    if (meanDifference !== undefined) {
      const moments = { n: numbers, sum: sumDifference, sumSquares: sumSquaredDifference };
      const range = numbers < LIVE_KNOWN_AT ? NOTHING_KNOWN : meanSequence(moments, alpha / 2);
      findings.push({
        check: 'meanDifference',
        breached: range.low > meanDifference,
        text: `The numbers differ by ${meanText(moments)} (${rangeText(range, numberText)}); expected at most ${meanDifference}.`,
      });
    }
    return findings;
  };
}

/** What an A/B test says so far. */
export interface Effect {
  readonly metric: string;
  readonly champion: { readonly units: number; readonly mean: number | null };
  readonly candidate: { readonly units: number; readonly mean: number | null };
  /** candidate − champion; null: not known yet. */
  readonly difference: number | null;
  readonly low: number | null;
  readonly high: number | null;
  readonly confidence: number;
  /** null: it goes on. */
  readonly winner: 'candidate' | 'champion' | 'equal' | null;
  readonly text: string;
}

/** The effect with an interval that may be looked at all the time, and who won where that is clear. */
export function effectOf({ metric, confidence, minUnits, equalWithin }: NonNullable<RolloutSpec['abTest']>, live: LiveMoments): Effect {
  const { champion, candidate } = live;
  const enough = Math.min(champion.n, candidate.n) >= Math.max(minUnits, LIVE_KNOWN_AT);
  const range = Math.min(champion.n, candidate.n) < LIVE_KNOWN_AT ? NOTHING_KNOWN : differenceSequence(champion, candidate, 1 - confidence);
  const better = MORE_IS_BETTER[metric] ? range.low > 0 : range.high < 0;
  const worse = MORE_IS_BETTER[metric] ? range.high < 0 : range.low > 0;
  const equal = equalWithin !== undefined && range.low > -equalWithin && range.high < equalWithin;
  const winner = !enough ? null : better ? 'candidate' : worse ? 'champion' : equal ? 'equal' : null;
  const arm = (moments: Moments): Effect['champion'] => ({ units: moments.n, mean: moments.n === 0 ? null : meanOf(moments) });
  const known = champion.n > 0 && candidate.n > 0;
  return {
    metric,
    champion: arm(champion),
    candidate: arm(candidate),
    difference: known ? meanOf(candidate) - meanOf(champion) : null,
    low: Number.isFinite(range.low) ? range.low : null,
    high: Number.isFinite(range.high) ? range.high : null,
    confidence,
    winner,
    text: `${metric}: candidate ${meanText(candidate)}, champion ${meanText(champion)}; difference ${rangeText(range, numberText)} with ${shareText(confidence)} confidence${
      winner === null ? '; not decided' : winner === 'equal' ? `; equal within ${equalWithin}` : `; the ${winner} is better`
    }.`,
  };
}

function meanText(moments: Moments): string {
  return moments.n === 0 ? 'not known yet' : `${numberText(meanOf(moments))} (${moments.n})`;
}

function rangeText({ low, high }: Interval, text: (value: number) => string = (value) => shareText(Number(value.toFixed(4)))): string {
  return Number.isFinite(low) && Number.isFinite(high) ? `${text(low)} to ${text(high)}` : 'too few for an interval';
}

const numberText = (value: number): string => String(Number(value.toPrecision(4)));
const msText = (ms: number): string => `${Number(ms.toPrecision(3))} ms`;
