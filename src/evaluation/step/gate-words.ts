import type { Gate, GateFacts, GateVerdict } from './gate.ts';

/** Up to four significant digits, without an exponent where that is readable. */
export function formatNumber(value: number): string {
  if (Number.isInteger(value) && Math.abs(value) < 1e9) return String(value);
  const rounded = Number(value.toPrecision(4));
  return Math.abs(rounded) >= 1e-4 && Math.abs(rounded) < 1e9 ? String(rounded) : rounded.toExponential(2);
}

/** A share as the document may write it: "5 %". */
export function shareText(share: number): string {
  return `${formatNumber(share * 100)} %`;
}

/** The margin of a gate as it is declared. */
export function marginText(gate: { readonly relative?: boolean }, margin: number): string {
  return gate.relative === true ? shareText(margin) : formatNumber(margin);
}

/** The margin of a gate in the units of the metric. */
export function marginOf(gate: { readonly relative?: boolean }, margin: number, reference: number): number {
  return gate.relative === true ? margin * Math.abs(reference) : margin;
}

/** How much better a value is than another; below 0: worse. */
export function gainOf(
  { metric }: Pick<Gate, 'metric'>,
  value: number,
  other: number,
  { directions }: Pick<GateFacts, 'directions'>,
): number {
  return directions[metric] === 'minimize' ? other - value : value - other;
}

/**
 * Model output is float32: of two metrics that differ by less than this share none is better, and rounding must not decide a gate.
 */
const ROUNDING = 1e-6;

export function roundingOf(value: number, other: number): number {
  return ROUNDING * Math.max(Math.abs(value), Math.abs(other));
}

/** Whether a value is better than another by more than a margin in the units of the metric. */
export function compare(gate: Gate, value: number, theirs: number, margin: number, name: string, facts: GateFacts): GateVerdict {
  const passed = gainOf(gate, value, theirs, facts) > margin + roundingOf(value, theirs);
  const relative = 'relative' in gate && gate.relative === true && theirs !== 0 ? ` (${shareText(margin / Math.abs(theirs))})` : '';
  const by = margin === 0 ? '' : ` by more than ${formatNumber(margin)}${relative}`;
  return {
    gate,
    passed,
    sentence: `${gate.metric} ${formatNumber(value)} ${passed ? 'is better than' : 'is not better than'} ${formatNumber(theirs)} of ${name} on the same rows${'betterThanBaseline' in gate ? '' : leftOut(facts)}${by}`,
  };
}

/** Said only where rows were left out. */
export function leftOut({ champion }: GateFacts): string {
  return champion?.rows === undefined ? '' : ` (${champion.rows})`;
}

/** A gate in a few words, e.g. "accuracy ≥ 0.9". */
export function gateInWords(gate: Gate): string {
  const each = 'slices' in gate && gate.slices !== undefined ? ` on every slice by ${gate.slices.join(', ')}` : '';
  if ('atLeast' in gate) return `${gate.metric} ≥ ${gate.atLeast}${each}`;
  if ('atMost' in gate) return `${gate.metric} ≤ ${gate.atMost}${each}`;
  if ('notWorseThanWholeBy' in gate)
    return `${gate.metric}${each} not worse than on all rows by more than ${marginText(gate, gate.notWorseThanWholeBy)}`;
  if ('notWorseThanChampionBy' in gate)
    return `${gate.metric} not worse than the champion by more than ${marginText(gate, gate.notWorseThanChampionBy)}${gate.bestWithin === undefined ? '' : `, nor than any of the last ${gate.bestWithin}`}`;
  if ('notSignificantlyWorseThanChampion' in gate) return `${gate.metric} not significantly worse than the champion`;
  if ('betterThanChampionBy' in gate) return `${gate.metric} better than the champion by ${marginText(gate, gate.betterThanChampionBy)}`;
  return `${gate.metric} better than the baseline`;
}
