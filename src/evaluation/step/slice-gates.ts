import type { Gate, GateFacts, GateVerdict, SliceValue } from './gate.ts';
import { formatNumber, gainOf, marginOf, marginText, roundingOf } from './gate-words.ts';

/** A gate about the rows of each value of some columns. */
export type SliceGate = Extract<Gate, { atLeast: number } | { atMost: number } | { notWorseThanWholeBy: number }> & {
  readonly slices: readonly string[];
};

/** Rows that a slice has at least to be judged: of fewer chance says more than the model. */
export const SLICE_ROWS_MIN = 20;
/** Slices that fail and are named. */
const NAMED_MAX = 3;

interface Slice extends SliceValue {
  readonly column: string;
}

/** @param whole the metric on all rows */
export function onSlices(gate: SliceGate, whole: number, facts: GateFacts): GateVerdict {
  const { metric, slices, minimumRows = SLICE_ROWS_MIN } = gate;
  const all = slices.flatMap((column) => (facts.slices?.[metric]?.[column] ?? []).map((slice): Slice => ({ column, ...slice })));
  const judged = all.filter(({ rows }) => rows >= minimumRows);
  const small = all.length - judged.length;
  const left = small === 0 ? '' : `; ${small} of fewer than ${minimumRows} rows ${small === 1 ? 'is' : 'are'} left out`;
  const by = slices.join(', ');
  if (judged.length === 0)
    return {
      gate,
      passed: false,
      sentence: `no slice by ${by} has ${minimumRows} rows, so that there is nothing to judge by ${metric}${left}`,
    };
  const limit = limitOf(gate, whole, facts);
  const undefinedOn = judged.find(({ value }) => value === null);
  if (undefinedOn !== undefined)
    return {
      gate,
      passed: false,
      sentence: `${metric} is not defined on ${nameOf(undefinedOn)}: ${undefinedOn.why ?? 'it has no value'}${left}`,
    };
  const order = [...judged].sort((a, b) => gainOf(gate, a.value!, b.value!, facts));
  const bad = order.filter(({ value }) => !limit.holds(value!));
  const worst = (bad.length === 0 ? order.slice(0, 1) : bad.slice(0, NAMED_MAX)).map(
    (slice) => `${formatNumber(slice.value!)} of ${nameOf(slice)}`,
  );
  if (bad.length === 0)
    return {
      gate,
      passed: true,
      sentence: `${metric} of each of ${judged.length} slices by ${by} ${limit.yes} (worst: ${worst[0]})${left}`,
    };
  const more = bad.length > NAMED_MAX ? ` and ${bad.length - NAMED_MAX} more` : '';
  return { gate, passed: false, sentence: `${metric} ${worst.join(', ')}${more} ${limit.no}${left}` };
}

interface Limit {
  readonly yes: string;
  readonly no: string;
  holds(value: number): boolean;
}

function limitOf(gate: SliceGate, whole: number, facts: GateFacts): Limit {
  if ('atLeast' in gate)
    return {
      yes: `is at least ${formatNumber(gate.atLeast)}`,
      no: `is below ${formatNumber(gate.atLeast)}`,
      holds: (value) => value >= gate.atLeast,
    };
  if ('atMost' in gate)
    return {
      yes: `is at most ${formatNumber(gate.atMost)}`,
      no: `is above ${formatNumber(gate.atMost)}`,
      holds: (value) => value <= gate.atMost,
    };
  const margin = marginOf(gate, gate.notWorseThanWholeBy, whole);
  const shown = `${formatNumber(whole)} of all rows by more than ${marginText(gate, gate.notWorseThanWholeBy)}`;
  return {
    yes: `is not worse than ${shown}`,
    no: `is worse than ${shown}`,
    holds: (value) => gainOf(gate, value, whole, facts) >= -margin - roundingOf(value, whole),
  };
}

function nameOf({ column, name, rows }: Slice): string {
  return `${column} ${JSON.stringify(name)} (${rows} rows)`;
}
