import { PerennialError } from '../../core/errors.ts';
import type { JsonSchema } from '../../core/json.ts';
import type { StepVerdict } from '../../core/step.ts';
import type { DifferenceInterval } from '../measure/bootstrap.ts';
import type { MetricDefinition } from '../metrics/metric.ts';

/** What a challenger has to show. `metric` is a result name of the step's metrics. Differences are in the direction that is better. */
export type Gate =
  | { readonly metric: string; readonly atLeast: number }
  | { readonly metric: string; readonly atMost: number }
  | { readonly metric: string; readonly notWorseThanChampionBy: number; readonly bestWithin?: string }
  | { readonly metric: string; readonly betterThanChampionBy: number; readonly significant?: boolean }
  | { readonly metric: string; readonly betterThanBaseline: true | number };

export type OnNoChampion = 'pass' | 'fail';

export interface GateFacts {
  readonly metrics: Readonly<Record<string, number>>;
  readonly directions: Readonly<Record<string, MetricDefinition['direction']>>;
  /** Absent: there is no champion to compare with, for `reason`. */
  readonly champion?: {
    readonly name: string;
    /** Which rows, where some were left out, e.g. "41 of 52 test rows". */
    readonly rows?: string;
    /** Of this model on the rows that both predict. */
    readonly ours: Readonly<Record<string, number | null>>;
    readonly metrics: Readonly<Record<string, number | null>>;
    readonly differences: Readonly<Record<string, DifferenceInterval | null>>;
  };
  readonly noChampion?: string;
  /** There is a champion, and no fair comparison with it: why. */
  readonly notFair?: string;
  readonly onTooFewRows?: 'fail' | 'pass';
  /** Champions before it, on rows that neither side has seen. */
  readonly former?: readonly FormerFacts[];
  /** How long ago every former champion served, those included that were not compared with. */
  readonly formerAgesMs?: readonly number[];
  readonly baseline: { readonly description: string; readonly metrics: Readonly<Record<string, number | null>> };
  readonly onNoChampion: OnNoChampion;
}

/** A former champion beside this model, on the rows on which the two can be compared. */
export interface FormerFacts {
  readonly version: number;
  /** How long before the run it served last. */
  readonly agoMs: number;
  readonly ours: Readonly<Record<string, number | null>>;
  readonly metrics: Readonly<Record<string, number | null>>;
  /** Why it was not compared. */
  readonly none?: string;
}

export interface GateVerdict {
  readonly gate: Gate;
  readonly passed: boolean;
  /** One sentence, e.g. "accuracy 0.91 is below 0.95" */
  readonly sentence: string;
}

const PERIOD = /^([0-9]+(?:\.[0-9]+)?)(s|m|h|d|w)$/;
const UNIT_MS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 };

/** The period whose champions a gate looks back at, in milliseconds; 0: it looks at the champion of now alone. */
export function lookBackMs(gate: Gate): number {
  const match = 'bestWithin' in gate && gate.bestWithin !== undefined ? PERIOD.exec(gate.bestWithin) : null;
  return match === null ? 0 : Number(match[1]) * UNIT_MS[match[2]!]!;
}

/** Whether the verdict of a gate depends on who is champion. */
export function comparesWithChampion(gate: Gate): boolean {
  return 'notWorseThanChampionBy' in gate || 'betterThanChampionBy' in gate;
}

const NUMBER = { type: 'number' } as const;
const METRIC = { type: 'string', description: 'Name of a result of "metrics".', examples: ['accuracy'] } as const;

function gateSchema(key: string, schema: object, more: object = {}): JsonSchema {
  return { type: 'object', additionalProperties: false, required: ['metric', key], properties: { metric: METRIC, [key]: schema, ...more } };
}

export const GATE_SCHEMA: JsonSchema = {
  description: 'What the model has to show before anything after this step runs.',
  oneOf: [
    gateSchema('atLeast', { ...NUMBER, description: 'Smallest value that passes.', examples: [0.9] }),
    gateSchema('atMost', { ...NUMBER, description: 'Largest value that passes.', examples: [0.1] }),
    gateSchema(
      'notWorseThanChampionBy',
      {
        ...NUMBER,
        minimum: 0,
        description:
          'By how much the metric may be worse than that of the champion on the same rows, in the units of the metric. 0: at least as good.',
        examples: [0, 0.01],
      },
      {
        bestWithin: {
          type: 'string',
          pattern: PERIOD.source,
          description:
            'Nor by more than that worse than any champion of this period before the run, so that what is worse within the margin again and again is stopped. Each is judged on the same rows; of more than 20 those that did best in their own evaluations.',
          examples: ['30d'],
        },
      },
    ),
    gateSchema(
      'betterThanChampionBy',
      {
        ...NUMBER,
        minimum: 0,
        description: 'By more than this the metric has to be better than that of the champion on the same rows.',
        examples: [0, 0.01],
      },
      {
        significant: {
          type: 'boolean',
          default: false,
          description: 'Demand it of the whole 95 % bootstrap interval of the difference, not of the difference alone.',
          examples: [true],
        },
      },
    ),
    gateSchema('betterThanBaseline', {
      oneOf: [{ const: true }, { ...NUMBER, minimum: 0 }],
      description:
        'Better than the naive forecast on the same rows (most frequent class, mean, or for sequences the last known value); a number: by more than this.',
      examples: [true],
    }),
  ],
};

/** A gate in a few words, e.g. "accuracy ≥ 0.9". */
export function gateInWords(gate: Gate): string {
  if ('atLeast' in gate) return `${gate.metric} ≥ ${gate.atLeast}`;
  if ('atMost' in gate) return `${gate.metric} ≤ ${gate.atMost}`;
  if ('notWorseThanChampionBy' in gate)
    return `${gate.metric} not worse than the champion by more than ${gate.notWorseThanChampionBy}${gate.bestWithin === undefined ? '' : `, nor than any of the last ${gate.bestWithin}`}`;
  if ('betterThanChampionBy' in gate) return `${gate.metric} better than the champion by ${gate.betterThanChampionBy}`;
  return `${gate.metric} better than the baseline`;
}

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
  return gates.map((gate) => judgeOne(gate, facts));
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
  const shown = `${gate.metric} ${formatNumber(value)}`;
  if ('atLeast' in gate) return bound(gate, value >= gate.atLeast, shown, 'is at least', 'is below', gate.atLeast);
  if ('atMost' in gate) return bound(gate, value <= gate.atMost, shown, 'is at most', 'is above', gate.atMost);
  if ('betterThanBaseline' in gate) return againstBaseline(gate, value, facts);
  return againstChampion(gate, value, facts);
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

function againstChampion(
  gate: Extract<Gate, { notWorseThanChampionBy: number } | { betterThanChampionBy: number }>,
  whole: number,
  facts: GateFacts,
): GateVerdict {
  const { champion } = facts;
  const value = champion?.ours[gate.metric] ?? whole;
  const theirs = champion?.metrics[gate.metric];
  if (facts.notFair !== undefined) {
    const outcome = facts.onTooFewRows ?? 'fail';
    return {
      gate,
      passed: outcome === 'pass',
      sentence: `${gate.metric} ${formatNumber(value)} cannot be compared fairly with the champion: ${facts.notFair}; "onTooFewRows" is "${outcome}"`,
    };
  }
  if (champion === undefined || theirs === undefined || theirs === null) {
    const passed = facts.onNoChampion === 'pass';
    const why =
      champion === undefined ? (facts.noChampion ?? 'there is no champion yet') : `${gate.metric} is undefined for ${champion.name}`;
    return {
      gate,
      passed,
      sentence: `${gate.metric} ${formatNumber(value)} has nothing to be compared with: ${why}; "onNoChampion" is "${facts.onNoChampion}"`,
    };
  }
  if ('notWorseThanChampionBy' in gate) return againstFormer(gate, allowWorse(gate, value, theirs, champion.name, facts), facts);
  const interval = champion.differences[gate.metric];
  if (gate.significant === true) return beyondDoubt(gate, value, theirs, interval, champion.name, facts);
  return compare(gate, value, theirs, gate.betterThanChampionBy, champion.name, facts);
}

function gainOf(gate: Gate, value: number, other: number, facts: GateFacts): number {
  return facts.directions[gate.metric] === 'minimize' ? other - value : value - other;
}

/**
 * Model output is float32: of two metrics that differ by less than this share none is better, and rounding must not decide a gate.
 */
const ROUNDING = 1e-6;

function roundingOf(value: number, other: number): number {
  return ROUNDING * Math.max(Math.abs(value), Math.abs(other));
}

function allowWorse(
  gate: Extract<Gate, { notWorseThanChampionBy: number }>,
  value: number,
  theirs: number,
  name: string,
  facts: GateFacts,
): GateVerdict {
  const gain = gainOf(gate, value, theirs, facts);
  const allowed = gate.notWorseThanChampionBy;
  const tie = Math.abs(gain) <= roundingOf(value, theirs);
  const passed = tie || gain >= -allowed - roundingOf(value, theirs);
  const relation = tie
    ? `equals ${formatNumber(theirs)}`
    : gain > 0
      ? `is better than ${formatNumber(theirs)}`
      : `is worse than ${formatNumber(theirs)}`;
  const limit = tie || gain > 0 ? '' : `, by ${formatNumber(-gain)}; ${formatNumber(allowed)} ${passed ? 'is' : 'would be'} allowed`;
  return {
    gate,
    passed,
    sentence: `${gate.metric} ${formatNumber(value)} ${relation} of ${name} on the same rows${leftOut(facts)}${limit}`,
  };
}

/** The same margin against every champion of the period: many small steps down are one large one. */
function againstFormer(gate: Extract<Gate, { notWorseThanChampionBy: number }>, verdict: GateVerdict, facts: GateFacts): GateVerdict {
  const period = lookBackMs(gate);
  const former = (facts.former ?? []).filter(({ agoMs }) => agoMs <= period);
  if (period === 0 || former.length === 0) return verdict;
  const gains = former.flatMap(({ version, ours, metrics }) => {
    const [value, theirs] = [ours[gate.metric], metrics[gate.metric]];
    return typeof value === 'number' && typeof theirs === 'number'
      ? [{ version, value, theirs, gain: gainOf(gate, value, theirs, facts) }]
      : [];
  });
  const left = former
    .filter(({ none }) => none !== undefined)
    .map(({ version, none }) => `; version ${version} was not compared: ${none}`)
    .join('');
  const found = (facts.formerAgesMs ?? []).filter((agoMs) => agoMs <= period).length;
  const chosen = found > former.length ? ` (the ${former.length} that did best in their own evaluations, of ${found})` : '';
  const best = gains.sort((a, b) => a.gain - b.gain)[0];
  if (best === undefined) return { ...verdict, sentence: `${verdict.sentence}${left}` };
  const passed = best.gain >= -gate.notWorseThanChampionBy - roundingOf(best.value, best.theirs);
  const relation =
    best.gain < 0
      ? `worse by ${formatNumber(-best.gain)} than`
      : best.gain > 0
        ? `better by ${formatNumber(best.gain)} than`
        : 'as good as';
  return {
    gate,
    passed: verdict.passed && passed,
    sentence: `${verdict.sentence}; ${formatNumber(best.value)} is ${relation} ${formatNumber(best.theirs)} of version ${best.version}, the best of ${gains.length} former champion${gains.length === 1 ? '' : 's'} of the last ${gate.bestWithin!}${chosen}${passed ? '' : ', which is too much'}${left}`,
  };
}

function compare(gate: Gate, value: number, theirs: number, margin: number, name: string, facts: GateFacts): GateVerdict {
  const gain = gainOf(gate, value, theirs, facts);
  const passed = gain > margin + roundingOf(value, theirs);
  const by = margin === 0 ? '' : ` by more than ${formatNumber(margin)}`;
  return {
    gate,
    passed,
    sentence: `${gate.metric} ${formatNumber(value)} ${passed ? 'is better than' : 'is not better than'} ${formatNumber(theirs)} of ${name} on the same rows${'betterThanBaseline' in gate ? '' : leftOut(facts)}${by}`,
  };
}

function beyondDoubt(
  gate: Extract<Gate, { betterThanChampionBy: number }>,
  value: number,
  theirs: number,
  interval: DifferenceInterval | null | undefined,
  name: string,
  facts: GateFacts,
): GateVerdict {
  if (interval === null || interval === undefined)
    return {
      gate,
      passed: false,
      sentence: `${gate.metric} ${formatNumber(value)}: no interval of its difference to ${name} can be computed`,
    };
  const least = facts.directions[gate.metric] === 'minimize' ? -interval.high : interval.low;
  const passed = least > gate.betterThanChampionBy;
  const range = `${formatNumber(interval.low)} to ${formatNumber(interval.high)}`;
  return {
    gate,
    passed,
    sentence: `${gate.metric} ${formatNumber(value)} against ${formatNumber(theirs)} of ${name}: the ${Math.round(interval.confidence * 100)} % interval of the difference (${range}) ${passed ? 'is' : 'is not'} wholly better by more than ${formatNumber(gate.betterThanChampionBy)}`,
  };
}

/** Said only where rows were left out. */
function leftOut({ champion }: GateFacts): string {
  return champion?.rows === undefined ? '' : ` (${champion.rows})`;
}

/** Up to four significant digits, without an exponent where that is readable. */
export function formatNumber(value: number): string {
  if (Number.isInteger(value) && Math.abs(value) < 1e9) return String(value);
  const rounded = Number(value.toPrecision(4));
  return Math.abs(rounded) >= 1e-4 && Math.abs(rounded) < 1e9 ? String(rounded) : rounded.toExponential(2);
}
