import { describe, expect, it } from 'vitest';
import type { RolloutChecks, RolloutSpec } from '../../../src/core/rollout.ts';
import type { OutputSpec, Prediction } from '../../../src/core/tensor.ts';
import { analyse, effectOf, percentileOf } from '../../../src/rollouts/analysis.ts';
import { StepCounter, sumSteps } from '../../../src/rollouts/counts.ts';
import type { StepCounts } from '../../../src/rollouts/counts.ts';

const CLASSES: OutputSpec = { kind: 'classes', name: 'species', classes: ['a', 'b'] };
const NUMBER: OutputSpec = { kind: 'number', name: 'price', width: 1, scale: { mean: 300, std: 10 } };

interface Told {
  readonly n: number;
  readonly failed?: number;
  readonly ms?: (turn: number) => number;
  readonly answer?: (turn: number) => Prediction;
}

const label = (name: string): Prediction => ({ label: name, probabilities: {} });

function counted(champion: Told, candidate: Told, output: OutputSpec = CLASSES): StepCounts {
  const counter = new StepCounter();
  for (const [arm, { n, failed = 0, ms = () => 5, answer = () => label('a') }] of [
    ['champion', champion],
    ['candidate', candidate],
  ] as const)
    for (let turn = 0; turn < n; turn += 1)
      counter.request({
        arm,
        ms: ms(turn),
        outcome: turn < failed ? 'failed' : 'answered',
        predictions: turn < failed ? [] : [answer(turn)],
        output,
      });
  return counter.counts;
}

const spec = (checks: Partial<RolloutChecks>, more: Partial<RolloutSpec> = {}): RolloutSpec => ({
  kind: 'canary',
  steps: [{ share: 0.1, forMs: 1 }],
  minRequests: 0,
  tooFewRequests: 'proceed',
  checks: { falseAlarms: 0.01, ...checks },
  then: 'promote',
  ...more,
});

const breaches = (checks: Partial<RolloutChecks>, counts: StepCounts): string[] =>
  analyse(spec(checks), counts)
    .filter(({ breached }) => breached)
    .map(({ check }) => check);

describe('checks of a rollout', () => {
  it('see a version that fails at once, and leave one alone that fails as often as the champion', () => {
    expect(breaches({ errorRate: { atMost: 0.01 } }, counted({ n: 100 }, { n: 3, failed: 3 }))).toEqual(['errorRate']);
    expect(breaches({ errorRate: { atMost: 0.01 } }, counted({ n: 100 }, { n: 100, failed: 1 }))).toEqual([]);
    expect(breaches({ errorRate: { aboveChampionBy: 0.01 } }, counted({ n: 500, failed: 100 }, { n: 500, failed: 100 }))).toEqual([]);
    expect(breaches({ errorRate: { aboveChampionBy: 0.01 } }, counted({ n: 500, failed: 10 }, { n: 500, failed: 100 }))).toEqual([
      'errorRate',
    ]);
  });

  it('see a version that is slow, by itself and beside the champion', () => {
    const slow = counted({ n: 200 }, { n: 200, ms: () => 20 });
    expect(breaches({ latency: { percentile: 95, atMostMs: 10 } }, slow)).toEqual(['latency']);
    expect(breaches({ latency: { percentile: 95, timesChampion: 2 } }, slow)).toEqual(['latency']);
    expect(breaches({ latency: { percentile: 95, timesChampion: 5 } }, slow)).toEqual([]);
    expect(breaches({ latency: { percentile: 95, atMostMs: 20 } }, slow)).toEqual([]);
    // One in a hundred is what p95 leaves out.
    const tail = counted({ n: 200 }, { n: 200, ms: (turn) => (turn % 100 === 0 ? 500 : 5) });
    expect(breaches({ latency: { percentile: 95, atMostMs: 10 } }, tail)).toEqual([]);
  });

  it('see answers of another distribution, of classes and of numbers', () => {
    const mixed = { n: 1_000, answer: (turn: number) => label(turn % 2 === 0 ? 'a' : 'b') };
    expect(breaches({ predictions: { atMost: 0.2 } }, counted(mixed, mixed))).toEqual([]);
    expect(breaches({ predictions: { atMost: 0.2 } }, counted(mixed, { n: 1_000 }))).toEqual(['predictions']);
    const near = (mean: number): Told => ({ n: 1_000, answer: (turn) => ({ value: mean + (turn % 20) - 10 }) });
    expect(breaches({ predictions: { atMost: 0.2 } }, counted(near(300), near(301), NUMBER))).toEqual([]);
    expect(breaches({ predictions: { atMost: 0.2 } }, counted(near(300), near(320), NUMBER))).toEqual(['predictions']);
  });

  it('see a shadow that disagrees', () => {
    const counter = new StepCounter();
    for (let turn = 0; turn < 200; turn += 1) counter.compared([label('a')], [label(turn % 4 === 0 ? 'b' : 'a')]);
    const shadow = (agreement: number): boolean =>
      analyse(spec({}, { kind: 'shadow', shadow: { agreement } }), counter.counts).some(({ breached }) => breached);
    expect([shadow(0.95), shadow(0.7)]).toEqual([true, false]);
  });

  it('add up over servers, in any order', () => {
    const one = counted({ n: 10, failed: 1 }, { n: 5, failed: 2 });
    const other = counted({ n: 20 }, { n: 7, ms: () => 50 });
    const sum = sumSteps([one, other]);
    expect(sum).toEqual(sumSteps([other, one]));
    expect(sum).toMatchObject({ champion: { requests: 30, failed: 1 }, candidate: { requests: 12, failed: 2 } });
    expect(percentileOf(sum.candidate.latency, 50)).toBeCloseTo(50, -1);
    expect(one.candidate.requests).toBe(5);
  });
});

describe('an A/B test', () => {
  const rules = { metric: 'accuracy', confidence: 0.95, minUnits: 100 } as const;
  const arm = (n: number, right: number): { n: number; sum: number; sumSquares: number } => ({ n, sum: right, sumSquares: right });

  it('is decided where the interval leaves out 0, for whom it speaks', () => {
    expect(effectOf(rules, { champion: arm(500, 350), candidate: arm(500, 450) }).winner).toBe('candidate');
    expect(effectOf(rules, { champion: arm(500, 450), candidate: arm(500, 350) }).winner).toBe('champion');
    expect(effectOf(rules, { champion: arm(500, 400), candidate: arm(500, 410) }).winner).toBeNull();
    const errors = { ...rules, metric: 'flaggedRate' as const };
    expect(effectOf(errors, { champion: arm(500, 200), candidate: arm(500, 50) }).winner).toBe('candidate');
  });

  it('needs its callers first, and can end as equal', () => {
    expect(effectOf(rules, { champion: arm(99, 0), candidate: arm(99, 99) }).winner).toBeNull();
    expect(effectOf({ ...rules, equalWithin: 0.05 }, { champion: arm(9_000, 8_100), candidate: arm(9_000, 8_110) }).winner).toBe('equal');
    expect(effectOf(rules, { champion: arm(0, 0), candidate: arm(0, 0) })).toMatchObject({ winner: null, difference: null });
  });
});

it('counts answers of labels that are called what every object has', () => {
  const output: OutputSpec = {
    kind: 'several',
    name: 'constructor, __proto__',
    outputs: [
      { ...CLASSES, name: 'constructor' },
      { ...CLASSES, name: '__proto__' },
    ],
  } as OutputSpec;
  const answer = {
    outputs: JSON.parse('{"constructor":{"label":"a","probabilities":{}},"__proto__":{"label":"b","probabilities":{}}}'),
  } as Prediction;
  const { champion } = sumSteps([counted({ n: 3, answer: () => answer }, { n: 0 }, output)]);
  expect(Object.keys(champion.predictions).sort()).toEqual(['__proto__', 'constructor']);
  for (const histogram of Object.values(champion.predictions)) expect(Object.values(histogram)).toEqual([3]);
});
