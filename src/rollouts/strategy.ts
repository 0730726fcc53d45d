import { durationMs } from '../core/duration.ts';
import { MORE_IS_BETTER } from '../core/rollout.ts';
import type { LiveMetric, RolloutBound, RolloutChecks, RolloutKey, RolloutSpec } from '../core/rollout.ts';
import type { ConfigProblem } from '../core/step.ts';

/** How a version takes over, as a document says it. */
export type StrategyConfig =
  'allAtOnce' | { readonly canary: CanaryConfig } | { readonly shadow: ShadowConfig } | { readonly abTest: AbTestConfig };

interface CommonConfig {
  readonly analysis?: AnalysisConfig;
  readonly minRequests?: number;
  readonly tooFewRequests?: RolloutSpec['tooFewRequests'];
  readonly signature?: 'same' | 'any';
}

interface CanaryConfig extends CommonConfig {
  readonly steps: readonly { readonly percent: number; readonly for: string }[];
  readonly by?: RolloutKey;
}

interface ShadowConfig extends CommonConfig {
  readonly percent: number;
  readonly for: string;
  readonly agreementAtLeast?: number;
  readonly meanDifferenceAtMost?: number;
  readonly then?: 'promote' | 'report';
}

interface AbTestConfig extends Omit<CommonConfig, 'minRequests' | 'tooFewRequests'> {
  readonly percent?: number;
  readonly for: string;
  readonly by: RolloutKey;
  readonly metric: LiveMetric;
  readonly confidence?: number;
  readonly minUnits?: number;
  readonly equalWithin?: number;
  readonly then: 'promote' | 'report';
}

interface AnalysisConfig {
  readonly errorRate?: RolloutBound;
  readonly refusalRate?: RolloutBound;
  readonly latency?: Partial<NonNullable<RolloutChecks['latency']>>;
  readonly predictions?: { readonly distanceAtMost: number };
  readonly metric?: {
    readonly name: LiveMetric;
    readonly atLeast?: number;
    readonly atMost?: number;
    readonly notWorseThanChampionBy?: number;
  };
  readonly falseAlarms?: number;
}

export const STRATEGY_DEFAULTS = {
  minRequests: 100,
  tooFewRequests: 'wait',
  falseAlarms: 0.01,
  percentile: 95,
  confidence: 0.95,
  minUnits: 100,
  abPercent: 50,
  /** Of a canary or a shadow that says nothing of errors: hardly any, and not more of what the champion reads. */
  errorRate: { atMost: 0.01 },
  refusalRate: { aboveChampionBy: 0.01 },
} as const;

/** Of the candidate's requests; what ends a rollout is looked at all the time. */
function checksOf({ errorRate, refusalRate, latency, predictions, metric, falseAlarms }: AnalysisConfig = {}): RolloutChecks {
  return {
    errorRate: errorRate ?? STRATEGY_DEFAULTS.errorRate,
    refusalRate: refusalRate ?? STRATEGY_DEFAULTS.refusalRate,
    ...(latency === undefined ? {} : { latency: { ...latency, percentile: latency.percentile ?? STRATEGY_DEFAULTS.percentile } }),
    ...(predictions === undefined ? {} : { predictions: { atMost: predictions.distanceAtMost } }),
    ...(metric === undefined ? {} : { metric: metricOf(metric) }),
    falseAlarms: falseAlarms ?? STRATEGY_DEFAULTS.falseAlarms,
  };
}

function metricOf({
  name,
  atLeast,
  atMost,
  notWorseThanChampionBy,
}: NonNullable<AnalysisConfig['metric']>): NonNullable<RolloutChecks['metric']> {
  const bound = atLeast ?? atMost;
  return {
    name,
    ...(bound === undefined ? {} : { bound }),
    ...(notWorseThanChampionBy === undefined ? {} : { worseThanChampionBy: notWorseThanChampionBy }),
  };
}

/** What a rollout does by a strategy; undefined: all at once. */
export function specOf(strategy: StrategyConfig | undefined): RolloutSpec | undefined {
  if (strategy === undefined || strategy === 'allAtOnce') return undefined;
  const common = ({
    analysis,
    minRequests,
    tooFewRequests,
  }: CommonConfig): Pick<RolloutSpec, 'checks' | 'minRequests' | 'tooFewRequests'> => ({
    checks: checksOf(analysis),
    minRequests: minRequests ?? STRATEGY_DEFAULTS.minRequests,
    tooFewRequests: tooFewRequests ?? STRATEGY_DEFAULTS.tooFewRequests,
  });
  const step = (percent: number, time: string): RolloutSpec['steps'][number] => ({ share: percent / 100, forMs: durationMs(time) });
  if ('canary' in strategy) {
    const { steps, by } = strategy.canary;
    return {
      kind: 'canary',
      steps: steps.map(({ percent, for: time }) => step(percent, time)),
      ...(by === undefined ? {} : { by }),
      ...common(strategy.canary),
      then: 'promote',
    };
  }
  if ('shadow' in strategy) {
    const { percent, for: time, agreementAtLeast, meanDifferenceAtMost, then } = strategy.shadow;
    return {
      kind: 'shadow',
      steps: [step(percent, time)],
      ...common(strategy.shadow),
      shadow: {
        ...(agreementAtLeast === undefined ? {} : { agreement: agreementAtLeast }),
        ...(meanDifferenceAtMost === undefined ? {} : { meanDifference: meanDifferenceAtMost }),
      },
      then: then ?? 'report',
    };
  }
  const { percent, for: time, by, metric, confidence, minUnits, equalWithin, analysis, then } = strategy.abTest;
  return {
    kind: 'abTest',
    steps: [step(percent ?? STRATEGY_DEFAULTS.abPercent, time)],
    by,
    checks: checksOf(analysis),
    minRequests: 0,
    tooFewRequests: 'proceed',
    abTest: {
      metric,
      confidence: confidence ?? STRATEGY_DEFAULTS.confidence,
      minUnits: minUnits ?? STRATEGY_DEFAULTS.minUnits,
      ...(equalWithin === undefined ? {} : { equalWithin }),
    },
    then,
  };
}

/** Whether a candidate may have other columns or answers than the champion. */
export function signatureRule(strategy: StrategyConfig): 'same' | 'any' {
  if (strategy === 'allAtOnce') return 'any';
  return (Object.values(strategy)[0] as CommonConfig).signature ?? 'same';
}

/** What the schema of a strategy cannot say. */
export function checkStrategy(strategy: StrategyConfig | undefined): ConfigProblem[] {
  if (strategy === undefined || strategy === 'allAtOnce') return [];
  if ('canary' in strategy) return [...checkSteps(strategy.canary), ...checkCommon('/strategy/canary', strategy.canary)];
  if ('shadow' in strategy)
    return [...checkCommon('/strategy/shadow', strategy.shadow), ...checkUnlogged('/strategy/shadow', strategy.shadow)];
  return [
    ...checkTime('/strategy/abTest', strategy.abTest.for),
    ...checkAnalysis('/strategy/abTest', strategy.abTest.analysis),
    ...checkOneMetric(strategy.abTest),
  ];
}

function checkSteps({ steps }: CanaryConfig): ConfigProblem[] {
  return steps.flatMap(({ percent, for: time }, at) => {
    const pointer = `/strategy/canary/steps/${at}`;
    const before = steps[at - 1]?.percent;
    const problems = checkTime(pointer, time);
    if (before !== undefined && percent <= before)
      problems.push({
        pointer: `${pointer}/percent`,
        message: `Step ${at + 1} has ${percent} %, and the step before it ${before} %: the share of a canary rises from step to step.`,
        fix: 'Sort the steps by their "percent".',
      });
    return problems;
  });
}

const YEAR_MS = 365 * 86_400_000;

function checkTime(pointer: string, time: string): ConfigProblem[] {
  const ms = durationMs(time);
  if (ms >= 1 && ms <= YEAR_MS) return [];
  return [
    {
      pointer: `${pointer}/for`,
      message: ms < 1 ? `${time} is no time at all.` : `${time} is longer than a year.`,
      fix: 'Give a time from "1ms" to "365d".',
    },
  ];
}

function checkCommon(pointer: string, config: CommonConfig & { readonly for?: string }): ConfigProblem[] {
  const problems = [...(config.for === undefined ? [] : checkTime(pointer, config.for)), ...checkAnalysis(pointer, config.analysis)];
  if (config.minRequests === 0 && config.tooFewRequests !== undefined && config.tooFewRequests !== 'proceed')
    problems.push({
      pointer: `${pointer}/tooFewRequests`,
      message: `No request is too few where "minRequests" is 0: there is nothing to ${config.tooFewRequests === 'wait' ? 'wait for' : 'extend a step for'}.`,
      fix: 'Remove "tooFewRequests", or raise "minRequests".',
    });
  return problems;
}

function checkAnalysis(pointer: string, analysis: AnalysisConfig | undefined): ConfigProblem[] {
  const metric = analysis?.metric;
  if (metric === undefined) return [];
  const more = MORE_IS_BETTER[metric.name];
  const wrong = more ? 'atMost' : 'atLeast';
  if (metric[wrong] === undefined) return [];
  return [
    {
      pointer: `${pointer}/analysis/metric/${wrong}`,
      message: `Of ${metric.name}, ${more ? 'more' : 'less'} is better: "${wrong}" would end the rollout of a good version.`,
      fix: `Use "${more ? 'atLeast' : 'atMost'}".`,
    },
  ];
}

function checkUnlogged(pointer: string, { analysis }: ShadowConfig): ConfigProblem[] {
  if (analysis?.metric === undefined) return [];
  return [
    {
      pointer: `${pointer}/analysis/metric`,
      message: 'Nobody sees the answers of a shadow, so no feedback comes to them.',
      fix: 'Remove "metric", or use a canary.',
    },
  ];
}

function checkOneMetric({ analysis, metric }: AbTestConfig): ConfigProblem[] {
  if (analysis?.metric === undefined) return [];
  return [
    {
      pointer: '/strategy/abTest/analysis/metric',
      message: `An A/B test follows one live metric, which decides it: "${metric}".`,
      fix: 'Remove "metric" from "analysis".',
    },
  ];
}

/** Whether it follows a live metric: those are of predictions that were logged. */
export function followsMetric(strategy: StrategyConfig | undefined): boolean {
  const spec = specOf(strategy);
  return spec?.abTest !== undefined || spec?.checks.metric !== undefined;
}
