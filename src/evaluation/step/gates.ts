import { PerennialError } from '../../core/errors.ts';
import type { StepVerdict } from '../../core/step.ts';
import { againstChampion } from './champion-gates.ts';
import type { ChampionGate } from './champion-gates.ts';
import type { Gate, GateFacts, GateVerdict } from './gate.ts';
import { compare, formatNumber } from './gate-words.ts';
import { onSlices } from './slice-gates.ts';
import type { SliceGate } from './slice-gates.ts';

/** Before anything is computed. @throws CONFIG_INVALID for a gate on a metric that is not measured */
export function requireMeasured(gates: readonly Gate[], keys: readonly string[]): void {
  const lost = gates.find((gate) => !keys.includes(gate.metric));
  if (lost !== undefined) throw unknownMetric(lost, keys);
}

function unknownMetric({ metric }: Gate, keys: readonly string[]): PerennialError {
  return new PerennialError('CONFIG_INVALID', `A gate reads the metric "${metric}", which is not among "metrics": ${keys.join(', ')}.`, {
    hint: `Add "${metric}" to "metrics" of the evaluate step.`,
  });
}

/** Judges every gate; all of them, not up to the first that fails. */
export function judge(gates: readonly Gate[], facts: GateFacts): GateVerdict[] {
  return gates.map((gate) => {
    const verdict = judgeOne(gate, facts);
    const note = facts.notes?.[gate.metric];
    return note === undefined ? verdict : { ...verdict, sentence: `${verdict.sentence} (${note})` };
  });
}

export function verdictOf(verdicts: readonly GateVerdict[]): StepVerdict {
  return {
    passed: verdicts.every((verdict) => verdict.passed),
    reasons: verdicts.map((verdict) => verdict.sentence),
    ...(verdicts.length === 0 ? { ungated: true } : {}),
  };
}

function judgeOne(gate: Gate, facts: GateFacts): GateVerdict {
  const value = facts.metrics[gate.metric];
  if (value === undefined) throw unknownMetric(gate, Object.keys(facts.metrics));
  if (isOnSlices(gate)) return onSlices(gate, value, facts);
  const shown = `${gate.metric} ${formatNumber(value)}`;
  if ('atLeast' in gate) return bound(gate, value >= gate.atLeast, shown, 'is at least', 'is below', gate.atLeast);
  if ('atMost' in gate) return bound(gate, value <= gate.atMost, shown, 'is at most', 'is above', gate.atMost);
  if ('betterThanBaseline' in gate) return againstBaseline(gate, value, facts);
  return againstChampion(gate as ChampionGate, value, facts);
}

function isOnSlices(gate: Gate): gate is SliceGate {
  return 'slices' in gate && gate.slices !== undefined;
}

function bound(gate: Gate, passed: boolean, shown: string, yes: string, no: string, limit: number): GateVerdict {
  return { gate, passed, sentence: `${shown} ${passed ? yes : no} ${formatNumber(limit)}` };
}

function againstBaseline(gate: Extract<Gate, { betterThanBaseline: unknown }>, value: number, facts: GateFacts): GateVerdict {
  const baseline = facts.baseline.metrics[gate.metric];
  const name = `the baseline (${facts.baseline.description})`;
  if (baseline === undefined || baseline === null) {
    return { gate, passed: false, sentence: `${gate.metric} is undefined for ${name}, so there is nothing to beat` };
  }
  const margin = gate.betterThanBaseline === true ? 0 : gate.betterThanBaseline;
  return compare(gate, value, baseline, margin, name, facts);
}
